/* SQL on table workers. */
#include "store/workers.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool worker_register(struct db *db, const struct worker *w, struct err *err)
{
    return db_run(db,
                  "INSERT INTO workers(id, host, process, birth, slots, slot_bytes)"
                  " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET seen = now()",
                  DB_ARGS(db_int(w->id), db_text(w->host), db_int(w->process), db_int(w->birth),
                          db_int(w->slots), db_int(w->slot_bytes)),
                  err);
}

bool worker_leave(struct db *db, int64_t id, struct err *err)
{
    return db_run(db, "DELETE FROM workers WHERE id = $1", DB_ARGS(db_int(id)), err);
}

bool worker_set_idle(struct db *db, int64_t id, int64_t idle, struct err *err)
{
    return db_run(db, "UPDATE workers SET idle = $2::int WHERE id = $1",
                  DB_ARGS(db_int(id), db_int(idle)), err);
}

bool worker_beat(struct db *db, int64_t id, int64_t idle, int64_t lease_seconds,
                 const int64_t *tokens, bool *held, size_t n_tokens, bool *ret_known,
                 struct err *err)
{
    AUTO(text) struct text list = { 0 };
    AUTO(rows) PGresult *known = NULL;
    AUTO(rows) PGresult *rows = NULL;

    text_add(&list, "{");
    for (size_t i = 0; i < n_tokens; i++)
        text_printf(&list, "%s%" PRId64, i ? "," : "", tokens[i]);
    text_add(&list, "}");
    if (!db_query(db, &known,
                  "UPDATE workers SET seen = now(), idle = $2::int WHERE id = $1 RETURNING 1",
                  DB_ARGS(db_int(id), db_int(idle)), err) ||
        !db_query(db, &rows,
                  "UPDATE tasks SET lease = now() + $3::bigint * interval '1 s'"
                  " WHERE state = 'x' AND worker = $1 AND token = ANY($2::bigint[])"
                  " RETURNING token",
                  DB_ARGS(db_int(id), db_text(list.data), db_int(lease_seconds)), err))
        return false;
    *ret_known = row_count(known) > 0;
    for (size_t i = 0; i < n_tokens; i++) {
        held[i] = false;
        for (int k = 0; k < row_count(rows); k++)
            if (row_int(rows, k, 0) == tokens[i])
                held[i] = true;
    }
    return true;
}

bool worker_try_lead(struct db *db, bool *ret_leads, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT pg_try_advisory_lock(hashtext('sentier leader'))", DB_NO_ARGS,
                  err))
        return false;
    *ret_leads = row_bool(rows, 0, 0);
    return true;
}

bool worker_list_host(struct db *db, const char *host, int64_t but, struct worker *workers,
                      size_t room, size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT id, process, birth FROM workers WHERE host = $1 AND id <> $2"
                  " LIMIT $3::bigint",
                  DB_ARGS(db_text(host), db_int(but), db_int((int64_t)room)), err))
        return false;
    *ret_count = (size_t)row_count(rows);
    for (size_t i = 0; i < *ret_count; i++)
        workers[i] = (struct worker){ .id = row_int(rows, (int)i, 0),
                                      .process = (int)row_int(rows, (int)i, 1),
                                      .birth = row_int(rows, (int)i, 2) };
    return true;
}

bool worker_forget_silent(struct db *db, int64_t seconds, struct err *err)
{
    return db_run(db, "DELETE FROM workers WHERE seen < now() - $1::bigint * interval '1 s'",
                  DB_ARGS(db_int(seconds)), err);
}
