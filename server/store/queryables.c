/* Table properties, as this process knows it: a snapshot with the version it was read with, replaced as
 * a whole. A collection that is asked about alone gives its own properties; several give the union, in
 * which types, ranges and lists of values are joined. Names and types, which every filter is checked
 * with, are joined once for a snapshot and a set of collections, and kept with it. */
#include "store/queryables.h"
#include "base/text.h"
#include "json/js.h"
#include "store/scope.h"
#include "store/seen.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <uthash.h>

enum { MAX_VALUES = 30, MAX_UNIONS = 64 };

struct seen_property {
    int64_t collection;
    const char *name;
    unsigned types;
    bool has_range;
    double least, most;
    size_t n_values;
    const char *const *values; /* sorted */
};

/* Names and types of a set of collections; the texts follow one another, so that a copy is two blocks. */
struct names {
    const char *collections;
    size_t count, bytes;
    const struct queryable *all;
    const char *texts;
    UT_hash_handle hh;
};

struct properties {
    atomic_int references;
    int64_t version;
    struct arena *arena;
    size_t count;
    struct seen_property *all; /* by collection, then name */
    pthread_mutex_t lock;      /* of what follows, which is in the arena, too */
    struct names *unions;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct properties *latest;

static const struct {
    const char *name, *title, *schema;
} described[] = {
#define PROPERTY(name, title, schema) { name, title, schema },
#include "store/properties.def"
#undef PROPERTY
};

#define ITEM_SCHEMA "https://schemas.stacspec.org/v1.0.0/item-spec/json-schema/"
static const struct queryable core[] = {
    { .property = { "collection", CQL2_TYPE_STRING }, .sortable = true, .title = "Collection",
      .schema = ITEM_SCHEMA "item.json#/definitions/core/allOf/2/properties/collection" },
    { .property = { "datetime", CQL2_TYPE_TIMESTAMP }, .sortable = true, .title = "Date and time",
      .schema = ITEM_SCHEMA "datetime.json#/properties/datetime" },
    { .property = { "geometry", CQL2_TYPE_GEOMETRY }, .title = "Footprint",
      .schema = ITEM_SCHEMA "item.json#/definitions/core/allOf/1/oneOf/0/properties/geometry" },
    { .property = { "id", CQL2_TYPE_STRING }, .sortable = true, .title = "Id",
      .schema = ITEM_SCHEMA "item.json#/definitions/core/allOf/2/properties/id" },
};

/* Of collections of whose places something is to be told. */
static const char *const statuses[] = { "orderable", "ordered", "shipping", "succeeded" };
static const struct queryable status = {
    .property = { "order:status", CQL2_TYPE_STRING }, .title = "Order status", .values = statuses,
    .n_values = ARRAY_LEN(statuses),
    .schema = "https://stac-extensions.github.io/order/v1.1.0/schema.json#/definitions/fields/properties/"
              "order:status",
};

/* ---- the snapshot ---- */

static void properties_free(struct properties *p)
{
    if (!p || atomic_fetch_sub(&p->references, 1) > 1)
        return;
    HASH_CLEAR(hh, p->unions);
    pthread_mutex_destroy(&p->lock);
    arena_free(p->arena);
    free(p);
}
DEFINE_AUTO(properties, struct properties *, properties_free)

static void read_values(const char *text, struct arena *arena, struct seen_property *seen)
{
    AUTO(json) json_t *list = text ? json_loads(text, 0, NULL) : NULL;
    size_t count = json_array_size(list);
    const char **values = arena_array(arena, count + 1, sizeof *values);

    for (size_t i = 0; i < count; i++)
        values[i] = arena_text(arena, json_string_value(json_array_get(list, i)));
    seen->n_values = count;
    seen->values = values;
}

static struct properties *properties_of(const PGresult *rows)
{
    struct properties *p = MEM_NEW(struct properties);

    p->references = 1;
    pthread_mutex_init(&p->lock, NULL);
    p->arena = arena_new();
    p->version = row_int(rows, 0, 0);
    p->all = arena_array(p->arena, (size_t)row_count(rows) + 1, sizeof *p->all);
    for (int i = 0; i < row_count(rows) && row_text(rows, i, 1); i++) {
        struct seen_property *seen = &p->all[p->count++];

        *seen = (struct seen_property){ .collection = row_int(rows, i, 1),
                                        .name = arena_text(p->arena, row_text(rows, i, 2)),
                                        .types = (unsigned)row_int(rows, i, 3),
                                        .has_range = row_text(rows, i, 4) && row_text(rows, i, 5) };
        if (seen->has_range) {
            seen->least = row_double(rows, i, 4);
            seen->most = row_double(rows, i, 5);
        }
        read_values(row_text(rows, i, 6), p->arena, seen);
    }
    return p;
}

static struct properties *take_latest(void)
{
    struct properties *p;

    pthread_mutex_lock(&lock);
    p = latest;
    if (p)
        atomic_fetch_add(&p->references, 1);
    pthread_mutex_unlock(&lock);
    return p;
}

static bool properties_read(struct db *db, struct properties **ret_properties, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    struct properties *p, *old = NULL;

    if (!db_query(db, &rows,
                  "SELECT v.properties, p.collection, p.name, p.types, p.least, p.most, p.vals"
                  "  FROM catalog_version v LEFT JOIN properties p ON true"
                  " ORDER BY p.collection, p.name",
                  DB_NO_ARGS, err))
        return false;
    p = properties_of(rows);
    pthread_mutex_lock(&lock);
    if (!latest || latest->version <= p->version) {
        old = latest;
        latest = p;
        atomic_fetch_add(&p->references, 1);
    }
    pthread_mutex_unlock(&lock);
    properties_free(old);
    *ret_properties = p;
    return true;
}

/* Both caches as they are now: one short statement when nothing has changed. */
static bool look_again(struct db *db, struct known **known, struct properties **properties,
                       struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    struct known *fresh_known;

    if (!db_query(db, &rows, "SELECT version, properties FROM catalog_version", DB_NO_ARGS, err))
        return false;
    if (!known_is(*known, row_int(rows, 0, 0))) {
        if (!known_refresh(db, *known, &fresh_known, err))
            return false;
        known_free(*known);
        *known = fresh_known;
    }
    if (*properties && (*properties)->version == row_int(rows, 0, 1))
        return true;
    properties_free(*properties);
    *properties = NULL;
    return properties_read(db, properties, err);
}

/* ---- joining ---- */

struct joined {
    struct seen_property seen;
    bool open_range, open_values; /* a collection has it without one */
    UT_hash_handle hh;
};

static void join_values(struct seen_property *a, const struct seen_property *b, struct arena *arena,
                        bool *open)
{
    const char **values = arena_array(arena, a->n_values + b->n_values + 1, sizeof *values);
    size_t count = 0, i = 0, k = 0;

    *open |= !b->n_values;
    while (i < a->n_values || k < b->n_values) {
        int order = i == a->n_values ? 1 : k == b->n_values ? -1 : strcmp(a->values[i], b->values[k]);

        values[count++] = order <= 0 ? a->values[i] : b->values[k];
        i += order <= 0;
        k += order >= 0;
    }
    a->values = values;
    a->n_values = count;
}

static void join(struct joined **all, const struct seen_property *seen, struct arena *arena)
{
    struct joined *j;

    HASH_FIND_STR(*all, seen->name, j);
    if (!j) {
        j = arena_alloc(arena, sizeof *j);
        j->seen = *seen;
        j->open_range = !seen->has_range;
        j->open_values = !seen->n_values;
        HASH_ADD_KEYPTR(hh, *all, seen->name, strlen(seen->name), j);
        return;
    }
    j->seen.types |= seen->types;
    j->open_range |= !seen->has_range;
    if (seen->has_range) {
        j->seen.least = seen->least < j->seen.least ? seen->least : j->seen.least;
        j->seen.most = seen->most > j->seen.most ? seen->most : j->seen.most;
    }
    join_values(&j->seen, seen, arena, &j->open_values);
}

static int compare_collection(const void *number, const void *seen)
{
    int64_t a = *(const int64_t *)number, b = ((const struct seen_property *)seen)->collection;

    return (a > b) - (a < b);
}

static void join_collection(const struct properties *p, int64_t number, struct joined **all,
                            struct arena *arena)
{
    const struct seen_property *found = bsearch(&number, p->all, p->count, sizeof *found, compare_collection);

    if (!found)
        return;
    while (found > p->all && found[-1].collection == number)
        found--;
    for (; found < p->all + p->count && found->collection == number; found++)
        join(all, found, arena);
}

/* ---- the answer ---- */

static enum cql2_type type_of(unsigned types)
{
    switch (types) {
    case SEEN_BOOLEAN:
        return CQL2_TYPE_BOOLEAN;
    case SEEN_NUMBER:
        return CQL2_TYPE_NUMBER;
    case SEEN_TIME:
        return CQL2_TYPE_TIMESTAMP;
    case SEEN_STRING:
    case SEEN_STRING | SEEN_TIME:
        return CQL2_TYPE_STRING;
    case SEEN_ARRAY:
        return CQL2_TYPE_ARRAY;
    default:
        return CQL2_TYPE_ANY;
    }
}

static int compare_described(const void *name, const void *row)
{
    return strcmp(name, *(const char *const *)row);
}

static struct queryable queryable_of(const struct joined *j, struct arena *arena)
{
    const struct seen_property *seen = &j->seen;
    struct queryable q = { .property = { arena_text(arena, seen->name), type_of(seen->types) } };
    size_t row = 0;

    const void *found = bsearch(seen->name, described, ARRAY_LEN(described), sizeof *described,
                                compare_described);

    q.is_array = q.property.type == CQL2_TYPE_ARRAY;
    q.sortable = !(seen->types & (SEEN_ARRAY | SEEN_OBJECT));
    if (found) {
        row = (size_t)((const char *)found - (const char *)described) / sizeof *described;
        q.title = described[row].title;
        q.schema = described[row].schema;
    }
    q.has_range = !j->open_range && q.property.type == CQL2_TYPE_NUMBER;
    q.least = seen->least;
    q.most = seen->most;
    if (!j->open_values && seen->n_values <= MAX_VALUES && q.property.type == CQL2_TYPE_STRING) {
        const char **values = arena_array(arena, seen->n_values + 1, sizeof *values);

        for (size_t i = 0; i < seen->n_values; i++)
            values[i] = arena_text(arena, seen->values[i]);
        q.n_values = seen->n_values;
        q.values = values;
    }
    return q;
}

static bool is_core(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(core); i++)
        if (!strcmp(core[i].property.name, name))
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct queryable *)a)->property.name, ((const struct queryable *)b)->property.name);
}

static void list(struct joined *all, bool places, struct arena *arena, struct queryable **ret_queryables,
                 size_t *ret_count)
{
    struct queryable *queryables = arena_array(arena, HASH_COUNT(all) + ARRAY_LEN(core) + 1, sizeof *queryables);
    struct joined *j, *next;
    size_t count = 0;

    for (; count < ARRAY_LEN(core); count++)
        queryables[count] = core[count];
    if (places)
        queryables[count++] = status;
    HASH_ITER(hh, all, j, next)
        if (!is_core(j->seen.name) && !(places && !strcmp(j->seen.name, status.property.name)))
            queryables[count++] = queryable_of(j, arena);
    qsort(queryables, count, sizeof *queryables, by_name);
    *ret_queryables = queryables;
    *ret_count = count;
}

/* What there is and who may see it, and what can be asked of it. */
static bool look_up(struct db *db, bool fresh, struct known **known, struct properties **properties, struct err *err)
{
    *properties = take_latest();
    return known_get(db, known, err) && (!fresh || look_again(db, known, properties, err)) &&
           (*properties || properties_read(db, properties, err));
}

static void load(const struct properties *properties, const struct scope *scope, struct arena *arena,
                 struct queryable **ret_queryables, size_t *ret_count)
{
    struct joined *all = NULL;

    for (size_t i = 0; i < scope->count; i++)
        join_collection(properties, scope->collections[i]->number, &all, arena);
    list(all, scope->places, arena, ret_queryables, ret_count);
    HASH_CLEAR(hh, all);
}

bool queryables_load(struct db *db, struct arena *arena, const char *viewer, size_t n_collections,
                     const char *const *collections, bool fresh, struct queryable **ret_queryables,
                     size_t *ret_count, struct err *err)
{
    AUTO(known) struct known *known = NULL;
    AUTO(properties) struct properties *properties = NULL;
    struct scope scope;

    if (!look_up(db, fresh, &known, &properties, err))
        return false;
    scope = known_scope(known, arena, viewer, n_collections, collections);
    load(properties, &scope, arena, ret_queryables, ret_count);
    return true;
}

/* ---- names and types ---- */

static struct names *names_of(const struct properties *p, const struct scope *scope, struct arena *arena)
{
    struct names *names = arena_alloc(arena, sizeof *names);
    AUTO(arena) struct arena *passing = arena_new();
    struct queryable *all, *kept;
    char *texts;

    *names = (struct names){ 0 };
    load(p, scope, passing, &all, &names->count);
    kept = arena_array(arena, names->count, sizeof *kept);
    for (size_t i = 0; i < names->count; i++)
        names->bytes += strlen(all[i].property.name) + 1;
    names->texts = texts = arena_alloc(arena, names->bytes);
    for (size_t i = 0; i < names->count; i++) {
        kept[i] = (struct queryable){ .property = { texts, all[i].property.type }, .sortable = all[i].sortable,
                                      .is_array = all[i].is_array };
        texts = stpcpy(texts, all[i].property.name) + 1;
    }
    names->all = kept;
    return names;
}

/* The snapshot may be gone before the request. */
static void copy(const struct names *names, struct arena *arena, struct queryable **ret_queryables, size_t *ret_count)
{
    struct queryable *all = arena_array(arena, names->count, sizeof *all);
    char *texts = arena_alloc(arena, names->bytes);

    memcpy(all, names->all, names->count * sizeof *all);
    memcpy(texts, names->texts, names->bytes);
    for (size_t i = 0; i < names->count; i++)
        all[i].property.name = texts + (names->all[i].property.name - names->texts);
    *ret_queryables = all;
    *ret_count = names->count;
}

bool queryables_names(struct db *db, struct arena *arena, const char *viewer, size_t n_collections,
                      const char *const *collections, bool fresh, struct queryable **ret_queryables,
                      size_t *ret_count, struct err *err)
{
    AUTO(known) struct known *known = NULL;
    AUTO(properties) struct properties *properties = NULL;
    struct names *names;
    struct scope scope;
    const char *key;

    if (!look_up(db, fresh, &known, &properties, err))
        return false;
    scope = known_scope(known, arena, viewer, n_collections, collections);
    key = arena_printf(arena, "%s%s", scope.numbers, scope.places ? " places" : "");
    pthread_mutex_lock(&properties->lock);
    HASH_FIND_STR(properties->unions, key, names);
    if (!names && HASH_COUNT(properties->unions) < MAX_UNIONS) {
        names = names_of(properties, &scope, properties->arena);
        names->collections = arena_text(properties->arena, key);
        HASH_ADD_KEYPTR(hh, properties->unions, names->collections, strlen(names->collections), names);
    } else if (!names) {
        names = names_of(properties, &scope, arena);
    }
    copy(names, arena, ret_queryables, ret_count);
    pthread_mutex_unlock(&properties->lock);
    return true;
}

static int compare_name(const void *name, const void *queryable)
{
    return strcmp(name, ((const struct queryable *)queryable)->property.name);
}

const struct cql2_property *queryable_find(void *context, const char *name, ptrdiff_t index)
{
    const struct queryable_list *l = context;
    const struct queryable *q;

    if (index >= 0)
        return (size_t)index < l->count ? &l->all[index].property : NULL;
    q = bsearch(name, l->all, l->count, sizeof *q, compare_name);
    return q ? &q->property : NULL;
}

/* Samples write many rows: who takes turns does not deadlock with another that ends an intake. */
static bool sample_in_turn(struct db *db, void *collection, struct err *err)
{
    return db_run(db, "SELECT pg_advisory_xact_lock(730103)", DB_NO_ARGS, err) &&
           db_run(db, "SELECT properties_sample($1::integer)", DB_ARGS(db_int(*(int64_t *)collection)), err);
}

/* A collection is a transaction of its own: what is written meanwhile waits for none of them. */
static bool sample(struct db *db, int64_t collection, int64_t unsampled, struct err *err)
{
    return db_transact(db, sample_in_turn, &collection, err) &&
           db_run(db, "UPDATE collections SET unsampled = unsampled - $2::bigint WHERE number = $1::integer",
                  DB_ARGS(db_int(collection), db_int(unsampled)), err);
}

bool queryables_refresh(struct db *db, int64_t most, const atomic_bool *stop, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT number, unsampled FROM collections"
                  " WHERE count > 0 AND (sampled IS NULL OR unsampled > 0.2 * sampled)"
                  " ORDER BY unsampled::double precision / greatest(sampled, 1) DESC LIMIT $1::bigint",
                  DB_ARGS(db_int(most)), err))
        return false;
    for (int i = 0; i < row_count(rows) && !(stop && *stop); i++)
        if (!sample(db, row_int(rows, i, 0), row_int(rows, i, 1), err))
            return false;
    return true;
}
