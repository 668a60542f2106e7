/* The row of a subscription is written once before a call and once after it; what does not concern it
 * is noted seldom (see feed/hooks.c), so that idle subscriptions cost no writes. */
#include "store/subscriptions.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

#define COLUMNS                                                                                    \
    "id, owner, title, url, encode(secret, 'hex'), interest, condition, base_url, created, updated,"  \
    " active, reason, seq, up_to_seq, attempts, next_at, failing_since, last_at, last_status,"        \
    " last_error, delivered_at, delivered"
#define LEAD_KEY "7301002"

static const char *keep(struct arena *arena, const PGresult *rows, int row, int column)
{
    const char *text = row_text(rows, row, column);

    return text ? arena_text(arena, text) : NULL;
}

static void read_secret(struct arena *arena, const char *hex, struct subscription *s)
{
    unsigned char *bytes = arena_alloc(arena, strlen(hex) / 2 + 1);

    for (size_t i = 0; hex[2 * i]; i++)
        bytes[s->secret_size++] =
            (unsigned char)(text_hex_digit(hex[2 * i]) << 4 | text_hex_digit(hex[2 * i + 1]));
    s->secret = bytes;
}

static struct subscription read_row(struct arena *arena, const PGresult *rows, int row)
{
    struct subscription s = {
        .title = keep(arena, rows, row, 2), .url = keep(arena, rows, row, 3),
        .interest = keep(arena, rows, row, 5), .condition = keep(arena, rows, row, 6),
        .base_url = keep(arena, rows, row, 7), .created = row_instant(rows, row, 8),
        .updated = row_instant(rows, row, 9), .active = row_bool(rows, row, 10),
        .reason = keep(arena, rows, row, 11), .seq = row_int(rows, row, 12),
        .up_to = row_int(rows, row, 13), .attempts = row_int(rows, row, 14),
        .next_at = row_instant(rows, row, 15), .failing_since = row_instant(rows, row, 16),
        .last_at = row_instant(rows, row, 17), .last_status = row_int(rows, row, 18),
        .last_error = keep(arena, rows, row, 19), .delivered_at = row_instant(rows, row, 20),
        .delivered = row_int(rows, row, 21),
    };

    snprintf(s.id, sizeof s.id, "%s", row_text(rows, row, 0));
    snprintf(s.owner, sizeof s.owner, "%s", row_text(rows, row, 1));
    read_secret(arena, row_text(rows, row, 4), &s);
    return s;
}

static void read_all(struct arena *arena, const PGresult *rows, struct subscription **ret_all,
                     size_t *ret_count)
{
    *ret_count = (size_t)row_count(rows);
    *ret_all = arena_array(arena, *ret_count + 1, sizeof **ret_all);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_all)[i] = read_row(arena, rows, (int)i);
}

static bool not_found(const char *id, struct err *err)
{
    return err_set(err, ERR_NotFound, "There is no subscription '%.60s'.", id);
}

static bool notify(struct db *db, struct err *err)
{
    return db_run(db, "SELECT pg_notify('" SUBSCRIPTIONS_CHANNEL "', '')", DB_NO_ARGS, err);
}

bool subscription_add(struct db *db, const struct subscription *in, int64_t most,
                      char ret_id[static ID_UUID_SIZE], struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "INSERT INTO subscriptions(owner, title, url, secret, interest, condition, base_url, seq)"
                  " SELECT $1::uuid, $2, $3, $4::bytea, $5::json, $6::json, $7, $8::bigint"
                  "  WHERE (SELECT count(*) FROM subscriptions WHERE owner = $1::uuid) < $9::bigint"
                  " RETURNING id",
                  DB_ARGS(db_text(in->owner), db_text(in->title), db_text(in->url),
                          db_bytes(in->secret, in->secret_size), db_text(in->interest),
                          db_text(in->condition), db_text(in->base_url), db_int(in->seq), db_int(most)),
                  err))
        return false;
    if (row_count(rows) == 0)
        return err_set(err, ERR_Conflict, "You have %lld subscriptions already; delete one first",
                       (long long)most);
    snprintf(ret_id, ID_UUID_SIZE, "%s", row_text(rows, 0, 0));
    return notify(db, err);
}

bool subscription_change(struct db *db, const struct subscription *in, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "UPDATE subscriptions SET title = $3, url = $4, interest = $5::json, condition = $6::json,"
                  "    active = $7, seq = $8, secret = $9, updated = clock_timestamp(), next_at = now(),"
                  "    up_to_seq = NULL, attempts = 0, failing_since = NULL,"
                  "    reason = CASE WHEN $7::boolean THEN NULL ELSE coalesce(reason, 'Stopped by its owner.') END"
                  " WHERE id = $1 AND owner = $2 RETURNING 1",
                  DB_ARGS(db_text(in->id), db_text(in->owner), db_text(in->title), db_text(in->url),
                          db_text(in->interest), db_text(in->condition), db_bool(in->active),
                          db_int(in->seq), db_bytes(in->secret, in->secret_size)),
                  err))
        return false;
    return row_count(rows) ? notify(db, err) : not_found(in->id, err);
}

bool subscription_remove(struct db *db, const char *owner, const char *id, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!id_is_uuid(id))
        return not_found(id, err);
    if (!db_query(db, &rows, "DELETE FROM subscriptions WHERE id = $1 AND owner = $2 RETURNING 1",
                  DB_ARGS(db_text(id), db_text(owner)), err))
        return false;
    return row_count(rows) ? notify(db, err) : not_found(id, err);
}

bool subscription_load(struct db *db, struct arena *arena, const char *owner, const char *id,
                       struct subscription *ret_subscription, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!id_is_uuid(id))
        return not_found(id, err);
    if (!db_query(db, &rows, "SELECT " COLUMNS " FROM subscriptions WHERE id = $1 AND owner = $2",
                  DB_ARGS(db_text(id), db_text(owner)), err))
        return false;
    if (row_count(rows) == 0)
        return not_found(id, err);
    *ret_subscription = read_row(arena, rows, 0);
    return true;
}

bool subscription_list(struct db *db, struct arena *arena, const char *owner,
                       struct subscription **ret_all, size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT " COLUMNS " FROM subscriptions WHERE owner = $1 ORDER BY created, id",
                  DB_ARGS(db_text(owner)), err))
        return false;
    read_all(arena, rows, ret_all, ret_count);
    return true;
}

bool subscriptions_try_lead(struct db *db, bool *ret_leads, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT pg_try_advisory_lock(" LEAD_KEY ")", DB_NO_ARGS, err))
        return false;
    *ret_leads = row_bool(rows, 0, 0);
    return true;
}

bool subscriptions_active(struct db *db, struct arena *arena, struct subscription **ret_all,
                          size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT " COLUMNS " FROM subscriptions WHERE active ORDER BY id", DB_NO_ARGS, err))
        return false;
    read_all(arena, rows, ret_all, ret_count);
    return true;
}

bool subscription_pass(struct db *db, const char *id, int64_t seq, struct err *err)
{
    return db_run(db, "UPDATE subscriptions SET seq = $2, up_to_seq = NULL WHERE id = $1",
                  DB_ARGS(db_text(id), db_int(seq)), err);
}

bool subscription_begin(struct db *db, const char *id, int64_t up_to, struct err *err)
{
    return db_run(db, "UPDATE subscriptions SET up_to_seq = $2 WHERE id = $1",
                  DB_ARGS(db_text(id), db_int(up_to)), err);
}

bool subscription_delivered(struct db *db, const char *id, int64_t up_to, int64_t count, int64_t status,
                            struct err *err)
{
    return db_run(db,
                  "UPDATE subscriptions SET seq = $2, up_to_seq = NULL, attempts = 0, next_at = now(),"
                  "    failing_since = NULL, last_at = now(), last_status = $4, last_error = NULL,"
                  "    delivered_at = now(), delivered = delivered + $3"
                  " WHERE id = $1 AND up_to_seq = $2",
                  DB_ARGS(db_text(id), db_int(up_to), db_int(count), db_int(status)), err);
}

bool subscription_failed(struct db *db, const char *id, int64_t status, const char *problem,
                         int64_t again_ms, int64_t give_up_seconds, struct err *err)
{
    return db_run(db,
                  "WITH f AS (SELECT now() - failing_since > $5::bigint * interval '1 s' AS over"
                  "             FROM subscriptions WHERE id = $1)"
                  " UPDATE subscriptions SET attempts = attempts + 1, last_at = now(),"
                  "    failing_since = coalesce(failing_since, now()), last_status = nullif($2::int, 0),"
                  "    last_error = $3, next_at = now() + $4::bigint * interval '1 ms',"
                  "    active = NOT coalesce(f.over, false),"
                  "    reason = CASE WHEN f.over THEN 'Its calls failed since '"
                  "        || to_char(failing_since, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') || ': ' || $3 END"
                  " FROM f WHERE id = $1 AND up_to_seq IS NOT NULL",
                  DB_ARGS(db_text(id), db_int(status), db_text(problem), db_int(again_ms),
                          db_int(give_up_seconds)),
                  err);
}

bool subscription_stop(struct db *db, const char *id, const char *reason, struct err *err)
{
    return db_run(db, "UPDATE subscriptions SET active = false, reason = $2 WHERE id = $1",
                  DB_ARGS(db_text(id), db_text(reason)), err);
}
