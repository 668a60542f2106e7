/* One snapshot for the process, replaced as a whole under a lock; who uses one holds a reference. It
 * is read by one statement together with its version, so the two agree. */
#include "store/scope.h"
#include "base/text.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <uthash.h>

struct entry {
    struct known_collection c;
    UT_hash_handle by_number;
};

struct known {
    atomic_int references;
    int64_t version;
    struct arena *arena;
    size_t count;
    struct entry *entries; /* by id */
    struct entry *by_number;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct known *latest;

static const char read_collections[] =
    "SELECT v.version, c.number, c.id, c.public, c.owner,"
    "       ceil(extract(epoch FROM c.longest) * 1000)::bigint, r.readers, c.places,"
    "       array_to_string(c.shelves, ' ')"
    "  FROM catalog_version v LEFT JOIN collections c ON true"
    "  LEFT JOIN (SELECT collection, string_agg(reader::text, ' ') AS readers"
    "               FROM collection_readers GROUP BY 1) r ON r.collection = c.number"
    " ORDER BY c.id";

static void read_readers(struct arena *arena, const char *text, struct known_collection *c)
{
    char *rest = text ? arena_text(arena, text) : NULL, *reader;
    const char **readers = arena_array(arena, text ? strlen(text) / 32 + 1 : 1, sizeof *readers);

    while ((reader = strsep(&rest, " ")))
        readers[c->n_readers++] = reader;
    c->readers = readers;
}

static void read_shelves(struct arena *arena, const char *text, struct known_collection *c)
{
    int64_t *shelves = arena_array(arena, strlen(text) + 1, sizeof *shelves);

    for (char *end; *text; text = end) {
        shelves[c->n_shelves] = strtoll(text, &end, 10);
        if (end == text)
            break;
        c->n_shelves++;
    }
    c->shelves = shelves;
}

static struct known_collection collection_of(struct arena *arena, const PGresult *rows, int row)
{
    struct known_collection c = {
        .number = row_int(rows, row, 1), .id = arena_text(arena, row_text(rows, row, 2)),
        .public = row_bool(rows, row, 3), .longest_ms = row_int(rows, row, 5),
        .places = row_bool(rows, row, 7),
    };
    const char *owner = row_text(rows, row, 4);

    c.owner = owner ? arena_text(arena, owner) : NULL;
    read_readers(arena, row_text(rows, row, 6), &c);
    read_shelves(arena, row_text(rows, row, 8), &c);
    return c;
}

static struct known *known_of(const PGresult *rows)
{
    struct known *known = MEM_NEW(struct known);

    known->references = 1;
    known->arena = arena_new();
    known->version = row_int(rows, 0, 0);
    known->entries = arena_array(known->arena, (size_t)row_count(rows) + 1, sizeof *known->entries);
    for (int i = 0; i < row_count(rows) && row_text(rows, i, 1); i++) {
        struct entry *e = &known->entries[known->count++];

        e->c = collection_of(known->arena, rows, i);
        HASH_ADD(by_number, known->by_number, c.number, sizeof e->c.number, e);
    }
    return known;
}

static struct known *reference(struct known *known)
{
    atomic_fetch_add(&known->references, 1);
    return known;
}

void known_free(struct known *known)
{
    if (!known || atomic_fetch_sub(&known->references, 1) > 1)
        return;
    HASH_CLEAR(by_number, known->by_number);
    arena_free(known->arena);
    free(known);
}

bool known_get(struct db *db, struct known **ret_known, struct err *err)
{
    pthread_mutex_lock(&lock);
    if (latest)
        *ret_known = reference(latest);
    else
        *ret_known = NULL;
    pthread_mutex_unlock(&lock);
    return *ret_known || known_refresh(db, NULL, ret_known, err);
}

/* The table may be older than what another thread has read since: the newest stays. */
static struct known *publish(struct known *fresh)
{
    struct known *old = NULL;

    pthread_mutex_lock(&lock);
    if (!latest || latest->version <= fresh->version) {
        old = latest;
        latest = reference(fresh);
    }
    pthread_mutex_unlock(&lock);
    known_free(old);
    return fresh;
}

bool known_refresh(struct db *db, const struct known *old, struct known **ret_known, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    pthread_mutex_lock(&lock);
    if (latest && latest != old && (!old || latest->version > old->version)) {
        *ret_known = reference(latest);
        pthread_mutex_unlock(&lock);
        return true;
    }
    pthread_mutex_unlock(&lock);
    if (!db_query(db, &rows, read_collections, DB_NO_ARGS, err))
        return false;
    if (row_count(rows) == 0)
        return err_set(err, ERR_DatabaseFailed, "The table catalog_version is empty");
    *ret_known = publish(known_of(rows));
    return true;
}

bool known_is(const struct known *known, int64_t version)
{
    return known->version == version;
}

static int compare_id(const void *id, const void *entry)
{
    return strcmp(id, ((const struct entry *)entry)->c.id);
}

const struct known_collection *known_by_id(const struct known *known, const char *id)
{
    const struct entry *e = bsearch(id, known->entries, known->count, sizeof *e, compare_id);

    return e ? &e->c : NULL;
}

const struct known_collection *known_by_number(const struct known *known, int64_t number)
{
    struct entry *e;

    HASH_FIND(by_number, known->by_number, &number, sizeof number, e);
    return e ? &e->c : NULL;
}

bool known_may_see(const struct known_collection *c, const char *viewer)
{
    if (c->public)
        return true;
    if (!viewer)
        return false;
    if (c->owner && !strcmp(c->owner, viewer))
        return true;
    for (size_t i = 0; i < c->n_readers; i++)
        if (!strcmp(c->readers[i], viewer))
            return true;
    return false;
}

static void scope_add(struct scope *scope, const struct known_collection *c, const char *viewer)
{
    if (!c || !known_may_see(c, viewer))
        return;
    scope->collections[scope->count++] = c;
    scope->places |= c->places;
    if (c->longest_ms > scope->longest_ms)
        scope->longest_ms = c->longest_ms;
}

static void add_shelves(struct scope *scope, struct arena *arena)
{
    size_t most = 0;
    int64_t *shelves;

    for (size_t i = 0; i < scope->count; i++)
        most += scope->collections[i]->n_shelves;
    scope->shelves = shelves = arena_array(arena, most + 1, sizeof *shelves);
    for (size_t i = 0; i < scope->count; i++) {
        const struct known_collection *c = scope->collections[i];

        for (size_t k = 0, have; k < c->n_shelves; k++) {
            for (have = 0; have < scope->n_shelves && shelves[have] != c->shelves[k]; have++)
                ;
            if (have == scope->n_shelves)
                shelves[scope->n_shelves++] = c->shelves[k];
        }
    }
}

struct scope known_scope(const struct known *known, struct arena *arena, const char *viewer,
                         size_t n_ids, const char *const *ids)
{
    struct scope scope = { 0 };
    AUTO(text) struct text numbers = { 0 };

    scope.collections = arena_array(arena, (n_ids ? n_ids : known->count) + 1, sizeof *scope.collections);
    for (size_t i = 0; i < n_ids; i++) {
        const struct known_collection *c = known_by_id(known, ids[i]);
        bool twice = false;

        for (size_t k = 0; k < scope.count; k++)
            twice |= scope.collections[k] == c;
        if (!twice)
            scope_add(&scope, c, viewer);
    }
    for (size_t i = 0; !n_ids && i < known->count; i++)
        scope_add(&scope, &known->entries[i].c, viewer);
    scope.all = scope.count == known->count;
    add_shelves(&scope, arena);
    for (size_t i = 0; i < scope.count; i++)
        text_printf(&numbers, "%s%lld", i ? "," : "{", (long long)scope.collections[i]->number);
    text_add(&numbers, scope.count ? "}" : "{}");
    scope.numbers = arena_text(arena, numbers.data);
    return scope;
}
