/* SQL on table job_assets: the files that a finished job gave. */
#include "base/text.h"
#include "store/jobs.h"
#include "store/row_json.h"

#define COLUMNS "a.name, a.path, a.media_type, a.title, a.output, a.size_bytes, a.fields"

static struct job_asset read_asset(const PGresult *rows, int row, struct arena *arena)
{
    return (struct job_asset){ .name = arena_text(arena, row_text(rows, row, 0)),
                               .path = arena_text(arena, row_text(rows, row, 1)),
                               .media_type = arena_text(arena, row_text(rows, row, 2)),
                               .title = arena_text(arena, row_text(rows, row, 3)),
                               .output = arena_text(arena, row_text(rows, row, 4)),
                               .size_bytes = row_int(rows, row, 5),
                               .fields = row_json(rows, row, 6) };
}

static bool check_finished(const PGresult *jobs, const char *id, struct err *err)
{
    enum job_state state;

    if (row_count(jobs) == 0)
        return err_set(err, ERR_JobNotFound, "The job '%.60s' does not exist.", id);
    state = (enum job_state)row_int(jobs, 0, 0);
    if (state != JOB_FINISHED)
        return err_set(err, ERR_JobNotFinished, "The job is %s.", job_state_name(state));
    return true;
}

bool job_asset_list(struct db *db, struct arena *arena, const char *owner, const char *id,
                    struct job_asset **ret_assets, size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *jobs = NULL;
    AUTO(rows) PGresult *rows = NULL;
    struct job_asset *assets;

    if (!id_is_uuid(id))
        return err_set(err, ERR_JobNotFound, "The job '%.60s' does not exist.", id);
    if (!db_query(db, &jobs, "SELECT state FROM jobs WHERE id = $1 AND ($2::uuid IS NULL OR owner = $2)",
                  DB_ARGS(db_text(id), db_text(owner)), err) ||
        !check_finished(jobs, id, err) ||
        !db_query(db, &rows,
                  "SELECT " COLUMNS " FROM job_assets a WHERE a.job = $1 ORDER BY a.position",
                  DB_ARGS(db_text(id)), err))
        return false;
    assets = arena_array(arena, (size_t)row_count(rows), sizeof *assets);
    for (int i = 0; i < row_count(rows); i++)
        assets[i] = read_asset(rows, i, arena);
    *ret_assets = assets;
    *ret_count = (size_t)row_count(rows);
    return true;
}

bool job_asset_load(struct db *db, struct arena *arena, const char *id, const char *name,
                    struct job_asset *ret_asset, struct err *err)
{
    AUTO(rows) PGresult *jobs = NULL;
    AUTO(rows) PGresult *rows = NULL;

    if (!id_is_uuid(id))
        return err_set(err, ERR_JobNotFound, "The job '%.60s' does not exist.", id);
    if (!db_query(db, &jobs, "SELECT state FROM jobs WHERE id = $1", DB_ARGS(db_text(id)), err) ||
        !check_finished(jobs, id, err) ||
        !db_query(db, &rows,
                  "SELECT " COLUMNS " FROM job_assets a WHERE a.job = $1 AND a.name = $2",
                  DB_ARGS(db_text(id), db_text(name)), err))
        return false;
    if (row_count(rows) == 0)
        return err_set(err, ERR_FileNotFound, "The job has no result '%.200s'.", name);
    *ret_asset = read_asset(rows, 0, arena);
    return true;
}
