/* A batch of items: checked and made into rows of a binary COPY stream without a database, then stored
 * in one transaction (item_batch_write.c). Geometries that may be invalid are repaired by PostGIS beforehand, all
 * others are sure to be valid (json/geojson_wkb.c). */
#include "store/item_batch_rows.h"
#include "base/mem.h"
#include "json/js.h"
#include "json/js_text.h"
#include "store/item_row.h"
#include "store/places.h"
#include "store/queryables.h"
#include "store/shelves.h"
#include <stdio.h>
#include <string.h>

enum { TRIES = 5 };

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

static void add_places(struct item_batch *b, const struct batch_row *row, const struct item_input *in)
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
    b->groups[b->n_groups] = (struct batch_group){ .id = arena_text(b->arena, collection) };
    return b->n_groups++;
}

bool item_batch_add(struct item_batch *batch, const struct item_input *in, size_t tag, struct err *err)
{
    struct batch_row row = { .tag = tag };

    if (!item_check(in->item, err) || !item_row_add(&batch->bytes, in->item, in->text, &row.place, err))
        return false;
    property_news_add(batch->news, in->item);
    row.has_files = in->n_locations > 0;
    row.group = group_of(batch, js_text(in->item, "collection"));
    row.collection = batch->groups[row.group].id;
    row.id = arena_text(batch->arena, js_text(in->item, "id"));
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
    const struct batch_row *row;
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

void batch_refuse_row(const struct storing *s, size_t index, const struct err *problem)
{
    s->batch->rows[index].dropped = true;
    if (s->how->problem)
        s->how->problem(s->how->context, s->batch->rows[index].tag, problem);
}

bool batch_load_groups(struct db *db, struct item_batch *b, struct err *err)
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
        struct batch_group *g = &b->groups[group_of(b, row_text(rows, i, 0))];

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
        batch_refuse_row(s, i, &problem);
        ++*ret_bad;
    }
    return *ret_bad == 0 || s->how->skip_bad;
}

static const char *years_of(const struct item_batch *b, size_t group)
{
    AUTO(text) struct text years = { 0 };
    int32_t last = INT32_MIN;

    for (size_t i = 0; i < b->count; i++) {
        const struct batch_row *row = &b->rows[i];

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
        struct batch_group *g = &b->groups[i];
        bool outgrown = g->number && g->shelf == 0 &&
                        g->count + (int64_t)b->count + s->how->expected > SHELF_ABOVE;

        if (outgrown && !shelf_make(db, g->number, err))
            return false;
        if ((g->shelf || outgrown) && !shelf_make_years(db, g->number, years_of(b, i), err))
            return false;
        made |= outgrown;
    }
    return !made || batch_load_groups(db, b, err);
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
        const struct batch_row *row = &b->rows[i];

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

/* ---- all of it ---- */

bool item_batch_store(struct db *db, struct item_batch *batch, const struct item_write *how,
                      size_t *ret_stored, struct err *err)
{
    struct storing s = { .batch = batch, .how = how };
    size_t bad = 0;

    *ret_stored = 0;
    drop_duplicates(batch);
    for (int try = 1; try <= TRIES; try++) {
        s.again = false;
        if (!batch_load_groups(db, batch, err))
            return false;
        if (!refuse_unknown(&s, &bad))
            return err_set(err, ERR_CollectionNotFound, "There is no collection '%.200s'.",
                           batch->n_groups ? batch->groups[0].id : "");
        if (!make_room(db, &s, err) || !repair(db, batch, err))
            return false;
        if (db_transact(db, batch_write, &s, err)) {
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
