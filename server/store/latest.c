#include "store/latest.h"
#include "store/places.h"

static const char statement[] =
    "SELECT i.id, i.body, ST_AsGeoJSON(i.geom, 6), i.updated, " PLACES_OF("i.collection", "i.id", "$6")
    " FROM items i"
    " WHERE i.collection = (SELECT number FROM collections WHERE id = $1)"
    "   AND ($2::text IS NULL OR ST_Intersects(i.geom,"
    "     cql2_valid(ST_Force2D(ST_SetSRID(ST_GeomFromGeoJSON($2), 4326)))))"
    "   AND ($3::timestamptz IS NULL OR i.end_at >= $3) AND ($4::timestamptz IS NULL OR i.start_at <= $4)"
    " ORDER BY i.updated DESC, i.id LIMIT $5::bigint";

bool latest_items(struct db *db, struct arena *arena, const char *viewer, const char *collection,
                  const char *geometry, const char *start, const char *end, int64_t limit, struct latest_item **ret_items,
                  size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query_custom(db, &rows, statement,
                         DB_ARGS(db_text(collection), db_text(geometry), db_text(start), db_text(end),
                                 db_int(limit), db_text(viewer)),
                         err))
        return false;
    *ret_count = (size_t)row_count(rows);
    *ret_items = arena_array(arena, *ret_count + 1, sizeof **ret_items);
    for (int i = 0; i < row_count(rows); i++) {
        const char *geom = row_text(rows, i, 2), *places = row_text(rows, i, 4);

        (*ret_items)[i] = (struct latest_item){ .id = arena_text(arena, row_text(rows, i, 0)),
                                                .text = arena_text(arena, row_text(rows, i, 1)),
                                                .geometry = geom ? arena_text(arena, geom) : NULL,
                                                .places = places ? arena_text(arena, places) : NULL,
                                                .updated = row_instant(rows, i, 3) };
    }
    return true;
}
