/* A collection of results is one like others, but that it is marked as such: its owner may share it, and
 * if he deletes it, the next result makes a new one. */
#include "store/results.h"
#include "base/text.h"
#include "json/js.h"
#include "store/collections.h"
#include "store/jobs.h"
#include <stdio.h>
#include <string.h>

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

bool results_update_extent(struct db *db, const char *collection, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    AUTO(json) json_t *patch = NULL;
    char etag[STAC_ETAG_SIZE];

    if (!db_query(db, &rows,
                  "SELECT json_build_object('extent', json_build_object('spatial', json_build_object('bbox',"
                  "    json_build_array(json_build_array(coalesce(ST_XMin(e.box), -180), coalesce(ST_YMin(e.box), -90),"
                  "      coalesce(ST_XMax(e.box), 180), coalesce(ST_YMax(e.box), 90)))),"
                  "  'temporal', json_build_object('interval', json_build_array(json_build_array("
                  "    to_char(e.first, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), to_char(e.last, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'))))))"
                  " FROM (SELECT ST_Extent(i.geom) AS box, min(i.start_at) AS first, max(i.end_at) AS last"
                  "         FROM items i JOIN collections c ON c.number = i.collection WHERE c.id = $1) e",
                  DB_ARGS(db_text(collection)), err))
        return false;
    patch = json_loads(row_text(rows, 0, 0), 0, NULL);
    return collection_patch(db, collection, patch, NULL, etag, err);
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
