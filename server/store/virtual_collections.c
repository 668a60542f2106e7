/* SQL of virtual collections. One whose job goes, goes with it. */
#include "store/virtual_collections.h"
#include "store/jobs.h"
#include "store/row_json.h"
#include <inttypes.h>
#include <stdio.h>

static bool not_found(const char *id, struct err *err)
{
    return err_set(err, ERR_CollectionNotFound, "There is no collection '%.60s'.", id);
}

void virtual_collection_drop(struct virtual_collection *c)
{
    json_decref(c->process);
    json_decref(c->arguments);
}

bool virtual_collection_find(struct db *db, const char *owner, const char *request, char ret_id[static ID_UUID_SIZE],
                             struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    *ret_id = '\0';
    if (!db_query(db, &rows,
                  "SELECT v.id FROM virtual_collections v LEFT JOIN jobs j ON j.id = v.job"
                  " WHERE v.owner = $1::uuid AND v.digest = md5($2::text) AND (v.job IS NULL OR j.state < $3::int)"
                  " ORDER BY v.created DESC LIMIT 1",
                  DB_ARGS(db_text(owner), db_text(request), db_int(JOB_ERROR)), err))
        return false;
    if (row_count(rows))
        snprintf(ret_id, ID_UUID_SIZE, "%s", row_text(rows, 0, 0));
    return true;
}

bool virtual_collection_insert(struct db *db, const struct virtual_collection_input *in, int64_t most,
                               char ret_id[static ID_UUID_SIZE], struct err *err)
{
    AUTO(mem) char *process = row_json_dump(in->process), *arguments = row_json_dump(in->arguments);
    AUTO(rows) PGresult *rows = NULL;

    id_uuid(ret_id);
    if (!db_query(db, &rows,
                  "INSERT INTO virtual_collections(id, owner, digest, title, process_id, output, process, arguments, job)"
                  " SELECT $1::uuid, $2::uuid, md5($3::text), $4::text, $5::text, $6::text, $7::json, $8::json, $9::uuid"
                  "  WHERE (SELECT count(*) FROM virtual_collections WHERE owner = $2::uuid) < $10::bigint RETURNING 1",
                  DB_ARGS(db_text(ret_id), db_text(in->owner), db_text(in->request), db_text(in->title),
                          db_text(in->process_id), db_text(in->output), db_text(process), db_text(arguments),
                          db_text(in->job), db_int(most)),
                  err))
        return false;
    return row_count(rows) || err_set(err, ERR_StorageQuotaExceeded,
                                      "You have %" PRId64 " collections of outputs, and more are not kept; delete one first.", most);
}

#define COLUMNS "v.id, coalesce(v.job::text, ''), v.title, v.process_id, v.output, v.created"

static void read_row(const PGresult *rows, int row, struct arena *arena, struct virtual_collection *c)
{
    *c = (struct virtual_collection){ .title = arena_text(arena, row_text(rows, row, 2)),
                                      .process_id = arena_text(arena, row_text(rows, row, 3)),
                                      .output = arena_text(arena, row_text(rows, row, 4)),
                                      .created = row_instant(rows, row, 5) };
    snprintf(c->id, sizeof c->id, "%s", row_text(rows, row, 0));
    snprintf(c->job, sizeof c->job, "%s", row_text(rows, row, 1));
}

bool virtual_collection_load(struct db *db, struct arena *arena, const char *owner, const char *id,
                             struct virtual_collection *ret, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!id_is_uuid(id))
        return not_found(id, err);
    if (!db_query(db, &rows,
                  "SELECT " COLUMNS ", v.process, v.arguments FROM virtual_collections v"
                  " WHERE v.id = $1::uuid AND v.owner = $2::uuid",
                  DB_ARGS(db_text(id), db_text(owner)), err))
        return false;
    if (!row_count(rows))
        return not_found(id, err);
    read_row(rows, 0, arena, ret);
    ret->process = row_json(rows, 0, 6);
    ret->arguments = row_json(rows, 0, 7);
    return true;
}

bool virtual_collection_list(struct db *db, struct arena *arena, const char *owner, const char *after, int64_t limit,
                             struct virtual_collection *list, size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (after && !id_is_uuid(after))
        return not_found(after, err);
    if (!db_query(db, &rows,
                  "SELECT " COLUMNS " FROM virtual_collections v WHERE v.owner = $1::uuid AND ($2::uuid IS NULL OR"
                  "    (v.created, v.id) < (SELECT created, id FROM virtual_collections WHERE id = $2::uuid))"
                  " ORDER BY v.created DESC, v.id DESC LIMIT $3",
                  DB_ARGS(db_text(owner), db_text(after), db_int(limit)), err))
        return false;
    *ret_count = (size_t)row_count(rows);
    for (size_t i = 0; i < *ret_count; i++)
        read_row(rows, (int)i, arena, &list[i]);
    return true;
}

bool virtual_collection_delete(struct db *db, const char *owner, const char *id, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!id_is_uuid(id))
        return not_found(id, err);
    if (!db_query(db, &rows, "DELETE FROM virtual_collections WHERE id = $1::uuid AND owner = $2::uuid RETURNING job",
                  DB_ARGS(db_text(id), db_text(owner)), err))
        return false;
    if (!row_count(rows))
        return not_found(id, err);
    return !row_text(rows, 0, 0) || !*row_text(rows, 0, 0) || job_delete(db, owner, row_text(rows, 0, 0), err);
}
