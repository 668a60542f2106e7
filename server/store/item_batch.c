/* A batch of items: checked and made into rows of a binary COPY stream without a database, then stored
 * in one transaction. What is there already under the same ids is found through one index and deleted;
 * the rows go straight into the table, whose partitions the database finds; geometries that may be
 * invalid are repaired by PostGIS beforehand, all others are sure to be valid (json/geojson_wkb.c).
 *
 * Writers of one collection take turns by an advisory lock, because an item's id is unique in its
 * collection while its partition depends on its date. A batch locks its collections in the order of
 * their numbers and changes rows of table collections last, so writers cannot wait for each other in a
 * circle. */
#include "store/item_batch.h"
#include "base/mem.h"
#include "json/js_text.h"
#include "store/item_row.h"
#include "store/places.h"
#include "store/queryables.h"
#include "store/shelves.h"
#include <stdio.h>
#include <string.h>

enum { TRIES = 5 };

struct row {
    const char *collection, *id; /* in the arena */
    struct item_row_place place;
    size_t tag;
    const char *repaired; /* the geometry in hexadecimal; NULL: as it is in the row; in the arena */
    size_t group;
    bool dropped;         /* a later one has its id, or it cannot be stored */
    bool replaces;        /* an item of its id is there */
    bool same;            /* ... with the same text */
    bool has_files;
};

struct group { /* the rows of one collection */
    const char *id;
    int64_t number, shelf, count;
    size_t kept, replaced;
    int64_t longest_us;
};

struct item_batch {
    struct arena *arena;
    struct property_news *news; /* of what can be asked for */
    struct text bytes;
    struct row *rows;
    size_t count, capacity;
    struct group *groups;
    size_t n_groups, group_capacity;
    struct text places; /* JSON array for places_put_local(); not closed yet */
};

/* What a transaction needs. */
struct storing {
    struct item_batch *batch;
    const struct item_write *how;
    bool again;        /* a collection got its own shelf in between */
    size_t stored;
};

struct item_batch *item_batch_new(void)
{
    struct item_batch *batch = MEM_NEW(struct item_batch);

    batch->arena = arena_new();
    batch->news = property_news_new();
    return batch;
}

void item_batch_clear(struct item_batch *batch)
{
    arena_free(batch->arena);
    batch->arena = arena_new();
    text_clear(&batch->bytes);
    property_news_clear(batch->news);
    batch->count = batch->n_groups = 0;
    text_clear(&batch->places);
}

void item_batch_free(struct item_batch *batch)
{
    if (!batch)
        return;
    property_news_free(batch->news);
    arena_free(batch->arena);
    text_drop(&batch->bytes);
    text_drop(&batch->places);
    free(batch->rows);
    free(batch->groups);
    free(batch);
}

size_t item_batch_count(const struct item_batch *batch)
{
    return batch->count;
}

/* ---- gathering ---- */

static void add_element(struct text *array, const char *value)
{
    text_add(array, array->length ? "," : "{");
    if (value)
        store_array_add(array, value);
    else
        text_add(array, "NULL");
}

static void add_places(struct item_batch *b, const struct row *row, const struct item_input *in)
{
    AUTO(json) json_t *assets = json_object(), *types = json_object(), *place = NULL;

    if (!in->n_locations)
        return;
    for (size_t i = 0; i < in->n_locations; i++) {
        const struct item_location *l = &in->locations[i];

        json_object_set_new(assets, l->asset, json_string(l->href));
        if (l->media_type)
            json_object_set_new(types, l->asset, json_string(l->media_type));
    }
    place = json_pack("{s:I, s:s, s:s, s:O, s:O}", "place", (json_int_t)b->count, "collection",
                      row->collection, "item", row->id, "assets", assets, "types", types);
    text_add(&b->places, b->places.length ? "," : "[");
    js_text_add(&b->places, place);
}

/* Items come in runs of one collection, so the last group is tried first. */
static size_t group_of(struct item_batch *b, const char *collection)
{
    for (size_t i = b->n_groups; i-- > 0;)
        if (!strcmp(b->groups[i].id, collection))
            return i;
    b->groups = mem_grow(b->groups, &b->group_capacity, b->n_groups + 1, sizeof *b->groups);
    b->groups[b->n_groups] = (struct group){ .id = arena_text(b->arena, collection) };
    return b->n_groups++;
}

bool item_batch_add(struct item_batch *batch, const struct item_input *in, size_t tag, struct err *err)
{
    struct row row = { .tag = tag };

    if (!item_check(in->item, err) || !item_row_add(&batch->bytes, in->item, in->text, &row.place, err))
        return false;
    property_news_add(batch->news, in->item);
    row.has_files = in->n_locations > 0;
    row.group = group_of(batch, json_string_value(json_object_get(in->item, "collection")));
    row.collection = batch->groups[row.group].id;
    row.id = arena_text(batch->arena, json_string_value(json_object_get(in->item, "id")));
    add_places(batch, &row, in);
    batch->rows = mem_grow(batch->rows, &batch->capacity, batch->count + 1, sizeof row);
    batch->rows[batch->count++] = row;
    return true;
}

void item_batch_etag(const struct item_batch *batch, size_t i, char ret_etag[static STAC_ETAG_SIZE])
{
    const struct item_row_place *place = &batch->rows[i].place;

    stac_text_etag(batch->bytes.data + place->begin + place->body, place->length - place->body, ret_etag);
}

/* ---- before the transaction ---- */

struct key {
    const struct row *row;
    size_t index;
};

static int by_key(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    int order = x->row->group != y->row->group ? (x->row->group < y->row->group ? -1 : 1)
                                               : strcmp(x->row->id, y->row->id);

    return order ? order : x->index < y->index ? -1 : 1;
}

/* Of rows with one id the last stays. */
static void drop_duplicates(struct item_batch *b)
{
    struct key *keys = mem_array(b->count, sizeof *keys);

    for (size_t i = 0; i < b->count; i++)
        keys[i] = (struct key){ &b->rows[i], i };
    qsort(keys, b->count, sizeof *keys, by_key);
    for (size_t i = 0; i + 1 < b->count; i++)
        if (keys[i].row->group == keys[i + 1].row->group && !strcmp(keys[i].row->id, keys[i + 1].row->id))
            b->rows[keys[i].index].dropped = true;
    free(keys);
}

static void refuse_row(const struct storing *s, size_t index, const struct err *problem)
{
    s->batch->rows[index].dropped = true;
    if (s->how->problem)
        s->how->problem(s->how->context, s->batch->rows[index].tag, problem);
}

static bool load_groups(struct db *db, struct item_batch *b, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    const char **ids = arena_array(b->arena, b->n_groups, sizeof *ids);

    for (size_t i = 0; i < b->n_groups; i++) {
        ids[i] = b->groups[i].id;
        b->groups[i].number = 0;
    }
    if (!db_query(db, &rows,
                  "SELECT id, number, shelves[array_upper(shelves, 1)], count FROM collections"
                  " WHERE id = ANY($1::text[])",
                  DB_ARGS(db_text(store_array(b->arena, b->n_groups, ids))), err))
        return false;
    for (int i = 0; i < row_count(rows); i++) {
        struct group *g = &b->groups[group_of(b, row_text(rows, i, 0))];

        g->number = row_int(rows, i, 1);
        g->shelf = row_int(rows, i, 2);
        g->count = row_int(rows, i, 3);
    }
    return true;
}

static bool refuse_unknown(const struct storing *s, size_t *ret_bad)
{
    struct item_batch *b = s->batch;

    for (size_t i = 0; i < b->count; i++) {
        struct err problem = { 0 };

        if (b->rows[i].dropped || b->groups[b->rows[i].group].number)
            continue;
        err_set(&problem, ERR_CollectionNotFound, "/collection: there is no collection '%.200s'",
                b->rows[i].collection);
        refuse_row(s, i, &problem);
        ++*ret_bad;
    }
    return *ret_bad == 0 || s->how->skip_bad;
}

static const char *years_of(const struct item_batch *b, size_t group)
{
    AUTO(text) struct text years = { 0 };
    int32_t last = INT32_MIN;

    for (size_t i = 0; i < b->count; i++) {
        const struct row *row = &b->rows[i];

        if (row->group != group || row->dropped || row->place.year == last)
            continue;
        last = row->place.year;
        text_printf(&years, "%s%d", years.length ? "," : "{", last);
    }
    if (!years.length)
        return NULL;
    text_add(&years, "}");
    return arena_text(b->arena, years.data);
}

/* Shelves and years are made ahead, outside the transaction, so that no lock on tables is held for
 * long. A collection that is known to become large gets its shelf before its first item. */
static bool make_room(struct db *db, const struct storing *s, struct err *err)
{
    struct item_batch *b = s->batch;
    bool made = false;

    for (size_t i = 0; i < b->n_groups; i++) {
        struct group *g = &b->groups[i];
        bool outgrown = g->number && g->shelf == 0 &&
                        g->count + (int64_t)b->count + s->how->expected > SHELF_ABOVE;

        if (outgrown && !shelf_make(db, g->number, err))
            return false;
        if ((g->shelf || outgrown) && !shelf_make_years(db, g->number, years_of(b, i), err))
            return false;
        made |= outgrown;
    }
    return !made || load_groups(db, b, err);
}

/* ---- geometries that the database must look at ---- */

static void add_hex(struct text *out, const char *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        text_addn(out, (char[]){ digits[byte >> 4], digits[byte & 15] }, 2);
    }
}

/* The places of the rows that are asked about; the answers come in their order. */
static size_t ask_about(const struct item_batch *b, size_t *places, struct text *hex, struct text *wraps)
{
    size_t n = 0;

    for (size_t i = 0; i < b->count; i++) {
        const struct row *row = &b->rows[i];

        if (row->dropped || !row->place.doubtful || row->repaired)
            continue;
        text_add(hex, n ? "," : "{");
        add_hex(hex, b->bytes.data + row->place.begin + row->place.geometry + 4,
                row->place.geometry_length - 4);
        text_printf(wraps, "%s%s", n ? "," : "{", row->place.wrap ? "t" : "f");
        places[n++] = i;
    }
    text_add(hex, "}");
    text_add(wraps, "}");
    return n;
}

static bool repair(struct db *db, struct item_batch *b, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    AUTO(text) struct text hex = { 0 };
    AUTO(text) struct text wraps = { 0 };
    size_t *places = arena_array(b->arena, b->count + 1, sizeof *places);

    if (ask_about(b, places, &hex, &wraps) == 0)
        return true;
    if (!db_query(db, &rows,
                  "SELECT CASE WHEN NOT ST_IsValid(g) THEN ST_CollectionExtract(cql2_valid(g))"
                  "  WHEN wrap THEN ST_WrapX(ST_ShiftLongitude(g), 180, -360) ELSE cql2_valid(g) END"
                  " FROM unnest($1::text[], $2::boolean[]) WITH ORDINALITY AS s(hex, wrap, place),"
                  "      LATERAL (SELECT hex::geometry AS g) h ORDER BY place",
                  DB_ARGS(db_text(hex.data), db_text(wraps.data)), err))
        return false;
    for (int i = 0; i < row_count(rows); i++)
        b->rows[places[i]].repaired = arena_text(b->arena, row_text(rows, i, 0));
    return true;
}

/* ---- the transaction ---- */

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
    struct group *before = arena_array(b->arena, b->n_groups, sizeof *before);

    memcpy(before, b->groups, b->n_groups * sizeof *before);
    if (!load_groups(db, b, err))
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
    return strcmp(id, (*(struct row *const *)row)->id);
}

static int by_row_id(const void *a, const void *b)
{
    return strcmp((*(struct row *const *)a)->id, (*(struct row *const *)b)->id);
}

static bool is_same(const struct item_batch *b, const struct row *row, const char *text)
{
    const struct item_row_place *place = &row->place;
    size_t length = place->length - place->body;

    return strlen(text) == length && !memcmp(b->bytes.data + place->begin + place->body, text, length);
}

static void mark_replacing(struct item_batch *b, size_t group, const PGresult *found)
{
    struct row **sorted = arena_array(b->arena, b->count + 1, sizeof(struct row *));
    size_t n = 0;

    for (size_t i = 0; i < b->count; i++)
        if (b->rows[i].group == group && !b->rows[i].dropped)
            sorted[n++] = &b->rows[i];
    qsort(sorted, n, sizeof *sorted, by_row_id);
    for (int i = 0; i < row_count(found); i++) {
        struct row **row = bsearch(row_text(found, i, 0), sorted, n, sizeof *sorted, by_id);

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
    const struct group *g = &b->groups[group];
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
        const struct row *row = &b->rows[i];
        struct err problem = { 0 };

        if (row->dropped || mode == ITEM_UPSERT || row->replaces == (mode == ITEM_REPLACE))
            continue;
        if (mode == ITEM_INSERT)
            err_set(&problem, ERR_Conflict, "The collection '%.200s' has an item '%.200s' already.",
                    row->collection, row->id);
        else
            err_set(&problem, ERR_ItemNotFound, "The collection '%.200s' has no item '%.200s'.",
                    row->collection, row->id);
        refuse_row(s, i, &problem);
        if (good && !s->how->skip_bad)
            good = err_set(err, problem.code, "%s", problem.message);
    }
    return good;
}

static bool copy_repaired(struct db *db, const struct item_batch *b, const struct row *row, struct err *err)
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
        const struct row *row = &b->rows[i];
        const struct group *g = &b->groups[row->group];
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
        const struct row *row = &b->rows[i];
        struct group *g = &b->groups[row->group];

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
    const struct group *x = *(struct group *const *)a, *y = *(struct group *const *)b;

    return x->number < y->number ? -1 : x->number > y->number;
}

/* Last, because the rows of collections stay locked until the commit; in the order of the locks. */
static bool count_items(struct db *db, struct item_batch *b, struct err *err)
{
    struct group **sorted = arena_array(b->arena, b->n_groups, sizeof(struct group *));

    for (size_t i = 0; i < b->n_groups; i++)
        sorted[i] = &b->groups[i];
    qsort(sorted, b->n_groups, sizeof *sorted, by_number);
    for (size_t i = 0; i < b->n_groups; i++) {
        const struct group *g = sorted[i];

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

static bool in_transaction(struct db *db, void *storing, struct err *err)
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

bool item_batch_store(struct db *db, struct item_batch *batch, const struct item_write *how,
                      size_t *ret_stored, struct err *err)
{
    struct storing s = { .batch = batch, .how = how };
    size_t bad = 0;

    *ret_stored = 0;
    drop_duplicates(batch);
    for (int try = 1; try <= TRIES; try++) {
        s.again = false;
        if (!load_groups(db, batch, err))
            return false;
        if (!refuse_unknown(&s, &bad))
            return err_set(err, ERR_CollectionNotFound, "There is no collection '%.200s'.",
                           batch->n_groups ? batch->groups[0].id : "");
        if (!make_room(db, &s, err) || !repair(db, batch, err))
            return false;
        if (db_transact(db, in_transaction, &s, err)) {
            struct err ignored = { 0 }; /* news that were not told stay news */

            *ret_stored = s.stored;
            if (!property_news_store(db, batch->news, &ignored))
                err_clear(&ignored);
            return true;
        }
        if (!s.again)
            return false;
        err_clear(err);
    }
    return err_set(err, ERR_Conflict, "The collections of a batch changed again and again meanwhile.");
}
