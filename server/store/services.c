/* SQL of services. Requests for the same tile meet at an advisory lock, so that one job makes it. */
#include "store/row_json.h"
#include "store/services.h"
#include "base/text.h"
#include "json/js.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool not_found(const char *id, struct err *err)
{
    return err_set(err, ERR_ServiceNotFound, "The service '%.60s' does not exist.", id);
}

void service_done(struct service *service)
{
    json_decref(service->process);
    json_decref(service->configuration);
    json_decref(service->request);
    service->process = service->configuration = service->request = NULL;
}

bool service_insert(struct db *db, const struct service_input *in, int64_t most,
                    char ret_id[static ID_UUID_SIZE], struct err *err)
{
    AUTO(mem) char *process = row_json_dump(in->process), *configuration = row_json_dump(in->configuration);
    AUTO(mem) char *request = row_json_dump(in->request);
    AUTO(rows) PGresult *rows = NULL;

    id_uuid(ret_id);
    if (!db_query(db, &rows,
                  "INSERT INTO services(id, owner, type, title, description, process, configuration, request,"
                  "                     enabled)"
                  " SELECT $1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::json, $7::json, $8::json,"
                  "        $9::boolean"
                  "  WHERE (SELECT count(*) FROM services WHERE owner = $2::uuid) < $10::bigint RETURNING 1",
                  DB_ARGS(db_text(ret_id), db_text(in->owner), db_text(in->type), db_text(in->title),
                          db_text(in->description), db_text(process), db_text(configuration), db_text(request),
                          db_bool(in->enabled != 0), db_int(most)),
                  err))
        return false;
    return row_count(rows) || err_set(err, ERR_StorageQuotaExceeded,
                                      "You have %" PRId64 " services, and more are not kept; delete one first.",
                                      most);
}

#define COLUMNS                                                                                    \
    "s.id, s.owner, s.type, s.title, s.description, s.request, s.enabled, s.revision, s.created,"  \
    " s.tiles, s.seconds, s.costs"

static void read_service(const PGresult *rows, int row, struct arena *arena, struct service *s)
{
    *s = (struct service){ .type = arena_text(arena, row_text(rows, row, 2)),
                           .title = arena_text(arena, row_text(rows, row, 3)),
                           .description = arena_text(arena, row_text(rows, row, 4)),
                           .request = row_json(rows, row, 5),
                           .enabled = row_bool(rows, row, 6),
                           .revision = (int)row_int(rows, row, 7),
                           .created = row_instant(rows, row, 8),
                           .tiles = row_int(rows, row, 9),
                           .seconds = row_double(rows, row, 10),
                           .costs = row_double(rows, row, 11) };
    snprintf(s->id, sizeof s->id, "%s", row_text(rows, row, 0));
    snprintf(s->owner, sizeof s->owner, "%s", row_text(rows, row, 1));
}

bool service_load(struct db *db, struct arena *arena, const char *owner, const char *id,
                  struct service *ret_service, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!id_is_uuid(id))
        return not_found(id, err);
    if (!db_query(db, &rows,
                  "SELECT " COLUMNS ", s.process, s.configuration FROM services s"
                  " WHERE s.id = $1 AND ($2::uuid IS NULL OR s.owner = $2)",
                  DB_ARGS(db_text(id), db_text(owner)), err))
        return false;
    if (row_count(rows) == 0)
        return not_found(id, err);
    read_service(rows, 0, arena, ret_service);
    ret_service->process = row_json(rows, 0, 12);
    ret_service->configuration = row_json(rows, 0, 13);
    return true;
}

bool service_list(struct db *db, struct arena *arena, const char *owner, const char *after, int64_t limit,
                  struct service *services, size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (after && !id_is_uuid(after))
        return err_set(err, ERR_InvalidParameter, "after: expected the id of a service");
    if (!db_query(db, &rows,
                  "SELECT " COLUMNS ", s.configuration FROM services s WHERE s.owner = $1 AND ($2::uuid IS NULL OR (s.created, s.id) <"
                  "    (SELECT a.created, a.id FROM services a WHERE a.id = $2 AND a.owner = $1))"
                  " ORDER BY s.created DESC, s.id DESC LIMIT $3::bigint",
                  DB_ARGS(db_text(owner), db_text(after), db_int(limit)), err))
        return false;
    *ret_count = (size_t)row_count(rows);
    for (size_t i = 0; i < *ret_count; i++) {
        read_service(rows, (int)i, arena, &services[i]);
        services[i].configuration = row_json(rows, (int)i, 12);
    }
    return true;
}

bool service_update(struct db *db, const char *owner, const char *id, const struct service_input *change,
                    struct err *err)
{
    AUTO(mem) char *process = row_json_dump(change->process), *configuration = row_json_dump(change->configuration);
    AUTO(mem) char *request = row_json_dump(change->request);
    AUTO(rows) PGresult *rows = NULL;

    if (!id_is_uuid(id))
        return not_found(id, err);
    if (!db_query(db, &rows,
                  "UPDATE services SET title = coalesce($3, title), description = coalesce($4, description),"
                  "    process = coalesce($5::json, process), configuration = coalesce($6::json, configuration),"
                  "    request = coalesce($7::json, request),"
                  "    enabled = CASE WHEN $8::int < 0 THEN enabled ELSE $8 > 0 END,"
                  "    revision = revision + CASE WHEN $5::text IS NULL AND $6::text IS NULL THEN 0 ELSE 1 END"
                  " WHERE id = $1 AND owner = $2 RETURNING 1",
                  DB_ARGS(db_text(id), db_text(owner), db_text(change->title), db_text(change->description),
                          db_text(process), db_text(configuration), db_text(request), db_int(change->enabled)),
                  err))
        return false;
    return row_count(rows) || not_found(id, err);
}

bool service_delete(struct db *db, const char *owner, const char *id, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!id_is_uuid(id))
        return not_found(id, err);
    if (!db_query(db, &rows, "DELETE FROM services WHERE id = $1 AND owner = $2 RETURNING 1",
                  DB_ARGS(db_text(id), db_text(owner)), err))
        return false;
    return row_count(rows) || not_found(id, err);
}

/* ---- tiles ---- */

struct start {
    const struct service *service;
    const struct tile *tile;
    const struct job_input *in;
    char *ret_job;
};

static bool start(struct db *db, void *arg, struct err *err)
{
    const struct start *s = arg;
    AUTO(mem) char *name = mem_printf("%s/%d/%d/%" PRId64 "/%" PRId64, s->service->id, s->service->revision,
                                      s->tile->z, s->tile->x, s->tile->y);
    AUTO(rows) PGresult *rows = NULL;

    if (!db_run(db, "SELECT pg_advisory_xact_lock(730200, hashtext($1))", DB_ARGS(db_text(name)), err) ||
        !db_query(db, &rows,
                  "SELECT job FROM service_tiles WHERE service = $1 AND revision = $2 AND z = $3 AND x = $4 AND y = $5",
                  DB_ARGS(db_text(s->service->id), db_int(s->service->revision), db_int(s->tile->z),
                          db_int(s->tile->x), db_int(s->tile->y)),
                  err))
        return false;
    if (row_count(rows)) {
        snprintf(s->ret_job, ID_UUID_SIZE, "%s", row_text(rows, 0, 0));
        return true;
    }
    return job_add_started(db, s->in, 0, s->ret_job, err) &&
           db_run(db,
                  "INSERT INTO service_tiles(service, revision, z, x, y, job)"
                  " VALUES ($1, $2::int, $3::smallint, $4::int, $5::int, $6)",
                  DB_ARGS(db_text(s->service->id), db_int(s->service->revision), db_int(s->tile->z),
                          db_int(s->tile->x), db_int(s->tile->y), db_text(s->ret_job)),
                  err);
}

bool service_tile_start(struct db *db, const struct service *service, const struct tile *tile,
                        const struct job_input *in, char ret_job[static ID_UUID_SIZE], struct err *err)
{
    return db_transact(db, start, &(struct start){ service, tile, in, ret_job }, err);
}

bool service_tile_count(struct db *db, const char *id, const struct job *job, struct err *err)
{
    return db_run(db,
                  "UPDATE services SET tiles = tiles + 1, seconds = seconds + $2::float8, costs = costs + $3::float8"
                  " WHERE id = $1",
                  DB_ARGS(db_text(id), db_double(job->cost_seconds), db_double(job->costs)), err);
}

/* ---- logs ---- */

bool service_log_add(struct db *db, const char *service, const char *level, const char *code,
                     const char *message, const json_t *data, struct err *err)
{
    AUTO(mem) char *text = row_json_dump(data);

    return db_run(db,
                  "INSERT INTO service_logs(service, level, code, message, data)"
                  " SELECT id, $2::smallint, $3, $4, $5::json FROM services WHERE id = $1",
                  DB_ARGS(db_text(service), db_int(job_log_level(level)), db_text(code), db_text(message),
                          db_text(text)),
                  err) &&
           db_run(db,
                  "DELETE FROM service_logs WHERE service = $1 AND id <= (SELECT id FROM service_logs"
                  "   WHERE service = $1 ORDER BY id DESC OFFSET 1000 LIMIT 1)",
                  DB_ARGS(db_text(service)), err);
}

bool service_log_list(struct db *db, struct arena *arena, const char *owner, const char *id,
                      const char *level, int64_t after, size_t limit, struct job_log *logs,
                      size_t *ret_count, struct err *err)
{
    static const struct log_owner service = {
        "service", ERR_ServiceNotFound, "SELECT 1 FROM services WHERE id = $1 AND owner = $2",
        "SELECT id, level, code, message, data, at FROM service_logs"
        " WHERE service = $1 AND id > $2 AND level <= $3 ORDER BY id LIMIT $4"
    };

    return logs_list(db, arena, &service, owner, id, level, after, limit, logs, ret_count, err);
}
