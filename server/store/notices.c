/* A row is pending while it has a time for its next attempt. */
#include "store/notices.h"
#include <stdio.h>

#define COLUMNS                                                                                    \
    "id, owner, job, event, mail, target, base_url, created, next_at, attempts, last_at, "         \
    "last_status, last_error,"                                                                     \
    " delivered"

static const char *keep(struct arena *arena, const PGresult *rows, int row, int column)
{
    const char *text = row_text(rows, row, column);

    return text ? arena_text(arena, text) : NULL;
}

static int64_t instant_of(const PGresult *rows, int row, int column)
{
    return row_text(rows, row, column) ? row_instant(rows, row, column) : 0;
}

static struct notice read_row(struct arena *arena, const PGresult *rows, int row)
{
    struct notice n = {
        .event = keep(arena, rows, row, 3),
        .mail = row_bool(rows, row, 4),
        .target = keep(arena, rows, row, 5),
        .base_url = keep(arena, rows, row, 6),
        .created = row_instant(rows, row, 7),
        .next_at = instant_of(rows, row, 8),
        .pending = row_text(rows, row, 8) != NULL,
        .attempts = row_int(rows, row, 9),
        .last_at = instant_of(rows, row, 10),
        .last_status = row_int(rows, row, 11),
        .last_error = keep(arena, rows, row, 12),
        .delivered = row_bool(rows, row, 13),
    };

    snprintf(n.id, sizeof n.id, "%s", row_text(rows, row, 0));
    snprintf(n.owner, sizeof n.owner, "%s", row_text(rows, row, 1));
    snprintf(n.job, sizeof n.job, "%s", row_text(rows, row, 2));
    return n;
}

static void read_all(struct arena *arena, const PGresult *rows, struct notice **ret_all,
                     size_t *ret_count)
{
    *ret_count = (size_t)row_count(rows);
    *ret_all = arena_array(arena, *ret_count + 1, sizeof **ret_all);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_all)[i] = read_row(arena, rows, (int)i);
}

bool notices_due(struct db *db, struct arena *arena, int64_t limit, struct notice **ret_all,
                 size_t *ret_count, int64_t *ret_next_at, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL, *next = NULL;

    if (!db_query(db, &rows,
                  "SELECT " COLUMNS
                  " FROM notices WHERE next_at <= now() ORDER BY next_at, id LIMIT $1",
                  DB_ARGS(db_int(limit)), err) ||
        !db_query(db, &next, "SELECT min(next_at) FROM notices WHERE next_at > now()", DB_NO_ARGS,
                  err))
        return false;
    read_all(arena, rows, ret_all, ret_count);
    *ret_next_at = instant_of(next, 0, 0);
    return true;
}

bool notice_delivered(struct db *db, const char *id, int64_t status, struct err *err)
{
    return db_run(db,
                  "UPDATE notices SET next_at = NULL, delivered = true, attempts = attempts + 1, "
                  "last_at = now(),"
                  "    last_status = nullif($2::int, 0), last_error = NULL WHERE id = $1",
                  DB_ARGS(db_text(id), db_int(status)), err);
}

bool notice_failed(struct db *db, const char *id, int64_t status, const char *problem,
                   int64_t again_ms, int64_t give_up_seconds, struct err *err)
{
    return db_run(db,
                  "UPDATE notices SET attempts = attempts + 1, last_at = now(), last_status = "
                  "nullif($2::int, 0),"
                  "    last_error = $3, next_at = CASE WHEN $4::bigint >= 0"
                  "        AND now() - created < $5::bigint * interval '1 s'"
                  "        THEN now() + $4::bigint * interval '1 ms' END"
                  " WHERE id = $1",
                  DB_ARGS(db_text(id), db_int(status), db_text(problem), db_int(again_ms),
                          db_int(give_up_seconds)),
                  err);
}

bool notice_list(struct db *db, struct arena *arena, const char *owner, int64_t limit,
                 struct notice **ret_all, size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT " COLUMNS
                  " FROM notices WHERE owner = $1 ORDER BY created DESC, id LIMIT $2",
                  DB_ARGS(db_text(owner), db_int(limit)), err))
        return false;
    read_all(arena, rows, ret_all, ret_count);
    return true;
}

bool notices_mails(struct db *db, const char *owner, int64_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT count(*) FROM notices WHERE owner = $1 AND mail AND delivered"
                  " AND last_at > now() - interval '1 day'",
                  DB_ARGS(db_text(owner)), err))
        return false;
    *ret_count = row_int(rows, 0, 0);
    return true;
}

bool notices_prune(struct db *db, struct err *err)
{
    return db_run(
        db, "DELETE FROM notices WHERE next_at IS NULL AND created < now() - interval '7 days'",
        DB_NO_ARGS, err);
}
