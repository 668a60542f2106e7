/* A collection of results is one like others, but that it is marked as such: its owner may share it, and
 * if he deletes it, the next result makes a new one. */
#include "store/results.h"
#include "base/text.h"
#include "store/collections.h"
#include "store/jobs.h"
#include "store/row_json.h"
#include <stdio.h>
#include <string.h>

/* The extent of so many is computed whenever one is added; that of more is widened. */
enum { FEW_ITEMS = 500 };

static bool find(struct db *db, struct arena *arena, const char *owner, const char **ret_id,
                 const char **ret_name, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT u.name, c.id FROM users u LEFT JOIN collections c ON c.owner = u.id AND c.results"
                  " WHERE u.id = $1",
                  DB_ARGS(db_text(owner)), err))
        return false;
    if (row_count(rows) == 0)
        return err_set(err, ERR_NotFound, "The owner of the job is gone.");
    *ret_name = arena_text(arena, row_text(rows, 0, 0));
    *ret_id = row_text(rows, 0, 1) ? arena_text(arena, row_text(rows, 0, 1)) : NULL;
    return true;
}

static bool make(struct db *db, const char *owner, const char *name, const char *id, struct err *err)
{
    AUTO(mem) char *title = mem_printf("Results of %s", name);
    AUTO(json) json_t *collection = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:{s:{s:[[i,i,i,i]]},s:{s:[[n,n]]}},s:[]}", "type", "Collection",
        "stac_version", "1.1.0", "id", id, "title", title, "description",
        "Results of jobs. Each item is there as long as its job.", "license", "other", "extent",
        "spatial", "bbox", -180, -90, 180, 90, "temporal", "interval", "links");
    char etag[STAC_ETAG_SIZE];

    return collection_create(db, collection, owner, etag, err) &&
           db_run(db, "UPDATE collections SET results = true WHERE id = $1 AND owner = $2::uuid",
                  DB_ARGS(db_text(id), db_text(owner)), err);
}

bool results_collection(struct db *db, struct arena *arena, const char *owner, const char **ret_id,
                        struct err *err)
{
    const char *name, *id;

    if (!find(db, arena, owner, ret_id, &name, err))
        return false;
    if (*ret_id)
        return true;
    id = arena_printf(arena, "results-%s", text_is_plain_name(name, 64) ? name : owner);
    if (make(db, owner, name, id, err)) {
        *ret_id = id;
        return true;
    }
    if (err->code != ERR_Conflict)
        return false;
    err_clear(err); /* made by another worker in between, or somebody else's has the name */
    if (!find(db, arena, owner, ret_id, &name, err))
        return false;
    id = arena_printf(arena, "results-%s", owner);
    if (!*ret_id && !make(db, owner, name, id, err))
        return false;
    *ret_id = *ret_id ? *ret_id : id;
    return true;
}

/* What some items cover, as the member "extent" of a collection. */
#define EXTENT_OF(items)                                                                                                  \
    "SELECT json_build_object('spatial', json_build_object('bbox',"                                                       \
    "    json_build_array(json_build_array(coalesce(ST_XMin(e.box), -180), coalesce(ST_YMin(e.box), -90),"                \
    "      coalesce(ST_XMax(e.box), 180), coalesce(ST_YMax(e.box), 90)))),"                                               \
    "  'temporal', json_build_object('interval', json_build_array(json_build_array("                                      \
    "    to_char(e.first, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), to_char(e.last, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')))))"   \
    " FROM (SELECT ST_Extent(i.geom) AS box, min(i.start_at) AS first, max(i.end_at) AS last FROM items i" items ") e"

static bool extent_of_all(struct db *db, const char *collection, json_t **ret_extent, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, EXTENT_OF(" JOIN collections c ON c.number = i.collection WHERE c.id = $1"),
                  DB_ARGS(db_text(collection)), err))
        return false;
    *ret_extent = row_json(rows, 0, 0);
    return true;
}

static bool extent_of_some(struct db *db, const char *collection, const char *ids, json_t **ret_extent, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  EXTENT_OF(" JOIN collections c ON c.number = i.collection"
                            " WHERE i.id = ANY($2::text[]) AND i.collection + 0 = c.number AND c.id = $1"),
                  DB_ARGS(db_text(collection), db_text(ids)), err))
        return false;
    *ret_extent = row_json(rows, 0, 0);
    return true;
}

static json_t *part(const json_t *extent, const char *member, const char *list)
{
    return json_array_get(json_object_get(json_object_get(extent, member), list), 0);
}

static json_t *further(const json_t *a, const json_t *b, bool first)
{
    double x = json_number_value(a), y = json_number_value(b);
    const char *s = json_string_value(a), *t = json_string_value(b);

    if (!a || !b || json_is_null(a) || json_is_null(b))
        return json_incref((json_t *)(b && !json_is_null(b) ? b : a));
    if (s && t) /* of one form: their order is that of time */
        return json_incref((json_t *)((strcmp(s, t) < 0) == first ? a : b));
    return json_incref((json_t *)((x < y) == first ? a : b));
}

static bool take_extent(json_t **collection, const void *extent, struct err *err)
{
    (void)err;
    json_object_set(*collection, "extent", (json_t *)extent);
    return true;
}

static bool widen_extent(json_t **collection, const void *extent, struct err *err)
{
    json_t *old = json_object_get(*collection, "extent");
    const json_t *box = part(old, "spatial", "bbox"), *more = part(extent, "spatial", "bbox");
    const json_t *time = part(old, "temporal", "interval"), *later = part(extent, "temporal", "interval");
    json_t *bbox = json_array(), *interval = json_array();

    (void)err;
    for (size_t i = 0; i < 4; i++)
        json_array_append_new(bbox, further(json_array_get(box, i), json_array_get(more, i), i < 2));
    for (size_t i = 0; i < 2; i++)
        json_array_append_new(interval, further(json_array_get(time, i), json_array_get(later, i), i == 0));
    json_object_set_new(*collection, "extent",
                        json_pack("{s:{s:[o]}, s:{s:[o]}}", "spatial", "bbox", bbox, "temporal", "interval", interval));
    return true;
}

/* Whether a collection has few items, and its text. */
static bool look(struct db *db, const char *collection, bool *ret_few, json_t **ret_collection, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT count <= $2::bigint, body FROM collections WHERE id = $1",
                  DB_ARGS(db_text(collection), db_int(FEW_ITEMS)), err))
        return false;
    *ret_few = row_count(rows) > 0 && row_bool(rows, 0, 0);
    *ret_collection = row_count(rows) > 0 ? row_json(rows, 0, 1) : NULL;
    return true;
}

/* Its row is locked by whoever adds items until his commit: it is changed only where that changes something. */
bool results_update_extent(struct db *db, const char *collection, const char *ids, struct err *err)
{
    AUTO(json) json_t *extent = NULL, *now = NULL, *then = NULL;
    bool few;

    if (!look(db, collection, &few, &now, err) ||
        !(few ? extent_of_all(db, collection, &extent, err) : extent_of_some(db, collection, ids, &extent, err)))
        return false;
    then = json_copy(now);
    if (then && !(few ? take_extent : widen_extent)(&then, extent, err))
        return false;
    if (then && json_equal(now, then))
        return true;
    return collection_change(db, collection, few ? take_extent : widen_extent, extent, err);
}

bool results_note(struct db *db, const char *job, bool *ret_wanted, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "UPDATE jobs SET catalogued = true WHERE id = $1 AND state = 3 RETURNING 1",
                  DB_ARGS(db_text(job)), err))
        return false;
    *ret_wanted = row_count(rows) > 0;
    return true;
}

bool results_missing(struct db *db, char (*ret_jobs)[ID_UUID_SIZE], size_t most, size_t *ret_count,
                     struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT id FROM jobs WHERE state = 3 AND NOT catalogued AND face NOT IN ('" JOB_FACE_SYNC "', '" JOB_FACE_STEP "')"
                  "   AND finished < now() - interval '1 min' ORDER BY finished LIMIT $1::bigint",
                  DB_ARGS(db_int((int64_t)most)), err))
        return false;
    *ret_count = (size_t)row_count(rows);
    for (size_t i = 0; i < *ret_count; i++)
        snprintf(ret_jobs[i], ID_UUID_SIZE, "%s", row_text(rows, (int)i, 0));
    return true;
}
