/* Writing a batch of items: what is there already under the same ids is found through one index and deleted, the rows go
 * straight into the table, whose partitions the database finds.
 *
 * Writers of one collection take turns by an advisory lock, because an item's id is unique in its
 * collection while its partition depends on its date. A batch locks its collections in the order of
 * their numbers and changes rows of table collections last, so writers cannot wait for each other in a
 * circle. */
#include "base/mem.h"
#include "store/item_batch_rows.h"
#include "store/places.h"
#include "store/shelves.h"
#include <stdlib.h>
#include <string.h>

static void add_element(struct text *array, const char *value)
{
    text_add(array, array->length ? "," : "{");
    if (value)
        store_array_add(array, value);
    else
        text_add(array, "NULL");
}

static bool lock_groups(struct db *db, struct item_batch *b, struct err *err)
{
    AUTO(text) struct text numbers = { 0 };

    for (size_t i = 0; i < b->n_groups; i++)
        if (b->groups[i].number)
            text_printf(&numbers, "%s%lld", numbers.length ? "," : "{", (long long)b->groups[i].number);
    text_add(&numbers, "}");
    return db_run(db,
                  "SELECT pg_advisory_xact_lock(730100, number) FROM ("
                  "  SELECT number FROM collections WHERE number = ANY($1::integer[])"
                  "  ORDER BY number) c",
                  DB_ARGS(db_text(numbers.data)), err);
}

/* A shelf that was made or a collection that was deleted since: from the beginning. */
static bool check_groups(struct db *db, struct storing *s, struct err *err)
{
    struct item_batch *b = s->batch;
    struct batch_group *before = arena_array(b->arena, b->n_groups, sizeof *before);

    memcpy(before, b->groups, b->n_groups * sizeof *before);
    if (!batch_load_groups(db, b, err))
        return false;
    for (size_t i = 0; i < b->n_groups; i++)
        if (before[i].number != b->groups[i].number || before[i].shelf != b->groups[i].shelf)
            s->again = true;
    return !s->again;
}

/* The ids of a group's rows that are kept and, when asked, replace or do not replace another. */
enum which { ALL, REPLACING, NEW };

static const char *ids_of(const struct item_batch *b, size_t group, enum which which)
{
    AUTO(text) struct text ids = { 0 };

    for (size_t i = 0; i < b->count; i++)
        if (b->rows[i].group == group && !b->rows[i].dropped && !b->rows[i].same &&
            (which == ALL || b->rows[i].replaces == (which == REPLACING)))
            add_element(&ids, b->rows[i].id);
    if (!ids.length)
        return NULL;
    text_add(&ids, "}");
    return arena_text(b->arena, ids.data);
}

/* Found by the index on ids and no other: one on the collection looks as good while PostgreSQL knows little
 * of the table, and reads the whole collection for each batch. */
#define ITEMS_OF " WHERE id = ANY($2::text[]) AND collection + 0 = $1::integer" ON_ITS_SHELVES

/* Neither a scan of all items nor a hash of them is ever right for a batch. */
static bool prefer_index(struct db *db, struct err *err)
{
    return db_script(db, "SET LOCAL enable_seqscan TO off; SET LOCAL enable_hashjoin TO off;"
                         "SET LOCAL enable_mergejoin TO off; SET LOCAL plan_cache_mode TO force_generic_plan",
                     err);
}

static int by_id(const void *id, const void *row)
{
    return strcmp(id, (*(struct batch_row *const *)row)->id);
}

static int by_row_id(const void *a, const void *b)
{
    return strcmp((*(struct batch_row *const *)a)->id, (*(struct batch_row *const *)b)->id);
}

static bool is_same(const struct item_batch *b, const struct batch_row *row, const char *text)
{
    const struct item_row_place *place = &row->place;
    size_t length = place->length - place->body;

    return strlen(text) == length && !memcmp(b->bytes.data + place->begin + place->body, text, length);
}

static void mark_replacing(struct item_batch *b, size_t group, const PGresult *found)
{
    struct batch_row **sorted = arena_array(b->arena, b->count + 1, sizeof(struct batch_row *));
    size_t n = 0;

    for (size_t i = 0; i < b->count; i++)
        if (b->rows[i].group == group && !b->rows[i].dropped)
            sorted[n++] = &b->rows[i];
    qsort(sorted, n, sizeof *sorted, by_row_id);
    for (int i = 0; i < row_count(found); i++) {
        struct batch_row **row = bsearch(row_text(found, i, 0), sorted, n, sizeof *sorted, by_id);

        if (row) {
            (*row)->replaces = true;
            (*row)->same = !(*row)->has_files && row_text(found, i, 1) && is_same(b, *row, row_text(found, i, 1));
        }
    }
}

static bool find_old(struct db *db, const struct storing *s, size_t group, struct err *err)
{
    struct item_batch *b = s->batch;
    AUTO(rows) PGresult *rows = NULL;
    const struct batch_group *g = &b->groups[group];
    const char *ids = ids_of(b, group, ALL);

    if (!ids)
        return true;
    if (!db_query(db, &rows,
                  "SELECT id, CASE WHEN $3::boolean THEN body END FROM items" ITEMS_OF,
                  DB_ARGS(db_int(g->number), db_text(ids), db_bool(s->how->skip_same)), err))
        return false;
    mark_replacing(b, group, rows);
    return true;
}

static bool remove_old(struct db *db, struct item_batch *b, size_t group, struct err *err)
{
    const char *ids = ids_of(b, group, REPLACING);

    return !ids || db_run(db,
                          "DELETE FROM items" ITEMS_OF,
                          DB_ARGS(db_int(b->groups[group].number), db_text(ids)), err);
}

/* If-Match speaks of one item. */
static bool check_match(struct db *db, const struct storing *s, struct err *err)
{
    const struct item_batch *b = s->batch;
    AUTO(rows) PGresult *rows = NULL;

    if (!s->how->if_match || b->count == 0 || !b->rows[0].replaces)
        return true;
    if (!db_query(db, &rows, "SELECT body FROM items WHERE collection = $1::integer AND id = $2" ON_ITS_SHELVES,
                  DB_ARGS(db_int(b->groups[0].number), db_text(b->rows[0].id)), err))
        return false;
    return stac_text_check_match(row_text(rows, 0, 0), s->how->if_match, err);
}

/* An insertion must find nothing, a replacement something. */
static bool check_mode(struct storing *s, struct err *err)
{
    struct item_batch *b = s->batch;
    enum item_mode mode = s->how->mode;
    bool good = true;

    for (size_t i = 0; i < b->count; i++) {
        const struct batch_row *row = &b->rows[i];
        struct err problem = { 0 };

        if (row->dropped || mode == ITEM_UPSERT || row->replaces == (mode == ITEM_REPLACE))
            continue;
        if (mode == ITEM_INSERT)
            err_set(&problem, ERR_Conflict, "The collection '%.200s' has an item '%.200s' already.",
                    row->collection, row->id);
        else
            err_set(&problem, ERR_ItemNotFound, "The collection '%.200s' has no item '%.200s'.",
                    row->collection, row->id);
        batch_refuse_row(s, i, &problem);
        if (good && !s->how->skip_bad)
            good = err_set(err, problem.code, "%s", problem.message);
    }
    return good;
}

static bool copy_repaired(struct db *db, const struct item_batch *b, const struct batch_row *row, struct err *err)
{
    const char *bytes = b->bytes.data + row->place.begin;
    size_t rest = row->place.geometry + row->place.geometry_length, length = strlen(row->repaired) / 2;
    const unsigned char word[4] = { (unsigned char)(length >> 24), (unsigned char)(length >> 16),
                                    (unsigned char)(length >> 8), (unsigned char)length };
    AUTO(text) struct text geometry = { 0 };

    for (size_t i = 0; i < length; i++)
        text_addn(&geometry, (unsigned char[]){ (unsigned char)(text_hex_digit(row->repaired[2 * i]) << 4 |
                                                text_hex_digit(row->repaired[2 * i + 1])) }, 1);
    return db_copy_put(db, bytes, row->place.geometry, err) && db_copy_put(db, word, 4, err) &&
           db_copy_put(db, geometry.data, length, err) &&
           db_copy_put(db, bytes + rest, row->place.length - rest, err);
}

static bool copy_rows(struct db *db, struct item_batch *b, struct err *err)
{
    static const char header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";

    if (!db_copy_begin(db, "COPY items(" ITEM_ROW_COLUMNS ") FROM STDIN (FORMAT binary)", err) ||
        !db_copy_put(db, header, 19, err))
        return false;
    for (size_t i = 0; i < b->count; i++) {
        const struct batch_row *row = &b->rows[i];
        const struct batch_group *g = &b->groups[row->group];
        char *bytes = b->bytes.data + row->place.begin;

        if (row->dropped || row->same)
            continue;
        item_row_set_shelf(bytes, (int32_t)g->shelf, (int32_t)g->number);
        if (row->repaired ? !copy_repaired(db, b, row, err)
                          : !db_copy_put(db, bytes, row->place.length, err))
            return false;
    }
    return db_copy_put(db, "\377\377", 2, err) && db_copy_end(db, err);
}

static bool tell_changes(struct db *db, const struct item_batch *b, size_t group, struct err *err)
{
    static const struct { const char *kind; enum which which; } kinds[] = { { "create", NEW },
                                                                            { "update", REPLACING } };

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const char *ids = ids_of(b, group, kinds[i].which);

        if (ids && !db_run(db,
                           "INSERT INTO changes(kind, collection, item)"
                           " SELECT $1::text, $2::integer, id FROM unnest($3::text[]) AS id",
                           DB_ARGS(db_text(kinds[i].kind), db_int(b->groups[group].number), db_text(ids)),
                           err))
            return false;
    }
    return true;
}

/* Where the files of replaced items lay here is forgotten, unless the caller knows nothing of files. */
static bool forget_places(struct db *db, const struct storing *s, size_t group, struct err *err)
{
    const char *ids = s->how->keep_locations ? NULL : ids_of(s->batch, group, REPLACING);

    return !ids || db_run(db,
                          "DELETE FROM places WHERE collection = $1::integer"
                          " AND item = ANY($2::text[]) AND endpoint = 1",
                          DB_ARGS(db_int(s->batch->groups[group].number), db_text(ids)), err);
}

static bool put_places(struct db *db, const struct item_batch *b, struct err *err)
{
    AUTO(mem) char *rows = b->places.length ? mem_printf("%s]", b->places.data) : NULL;

    return !rows || places_put_local(db, rows, err);
}

static void count_groups(struct storing *s)
{
    struct item_batch *b = s->batch;

    for (size_t i = 0; i < b->count; i++) {
        const struct batch_row *row = &b->rows[i];
        struct batch_group *g = &b->groups[row->group];

        if (row->dropped)
            continue;
        s->stored++;
        if (row->same)
            continue;
        g->kept++;
        g->replaced += row->replaces;
        if (row->place.longest_us > g->longest_us)
            g->longest_us = row->place.longest_us;
    }
}

static int by_number(const void *a, const void *b)
{
    const struct batch_group *x = *(struct batch_group *const *)a, *y = *(struct batch_group *const *)b;

    return x->number < y->number ? -1 : x->number > y->number;
}

/* Last, because the rows of collections stay locked until the commit; in the order of the locks. */
static bool count_items(struct db *db, struct item_batch *b, struct err *err)
{
    struct batch_group **sorted = arena_array(b->arena, b->n_groups, sizeof(struct batch_group *));

    for (size_t i = 0; i < b->n_groups; i++)
        sorted[i] = &b->groups[i];
    qsort(sorted, b->n_groups, sizeof *sorted, by_number);
    for (size_t i = 0; i < b->n_groups; i++) {
        const struct batch_group *g = sorted[i];

        if (g->kept && !db_run(db,
                               "UPDATE collections SET count = count + $2::bigint, updated = now(),"
                               "  unsampled = unsampled + $4::bigint,"
                               "  longest = greatest(longest, $3::bigint * interval '1 microsecond')"
                               " WHERE number = $1::integer",
                               DB_ARGS(db_int(g->number), db_int((int64_t)(g->kept - g->replaced)),
                                       db_int(g->longest_us), db_int((int64_t)g->kept)),
                               err))
            return false;
    }
    return true;
}

bool batch_write(struct db *db, void *storing, struct err *err)
{
    struct storing *s = storing;
    struct item_batch *b = s->batch;

    s->stored = 0;
    for (size_t i = 0; i < b->count; i++)
        b->rows[i].replaces = b->rows[i].same = false;
    if ((s->how->before && !s->how->before(db, s->how->context, err)) || !lock_groups(db, b, err) || !check_groups(db, s, err) || !prefer_index(db, err))
        return false;
    for (size_t i = 0; i < b->n_groups; i++) {
        b->groups[i].kept = b->groups[i].replaced = 0;
        b->groups[i].longest_us = 0;
        if (!find_old(db, s, i, err))
            return false;
    }
    if (!check_mode(s, err) || !check_match(db, s, err))
        return false;
    for (size_t i = 0; i < b->n_groups; i++)
        if (!remove_old(db, b, i, err) || !forget_places(db, s, i, err) ||
            !tell_changes(db, b, i, err))
            return false;
    count_groups(s);
    return copy_rows(db, b, err) && put_places(db, b, err) &&
           (!s->how->within || s->how->within(db, s->how->context, err)) && count_items(db, b, err) &&
           db_script(db, "NOTIFY catalog", err);
}
