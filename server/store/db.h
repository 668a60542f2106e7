/* One connection to PostgreSQL and the only ways to use it. SQL is a literal, values are typed
 * arguments: there is no function that takes a built string, but the one for statements that
 * store/compose.h puts together from literals. Door: libpq-fe.h. A struct db belongs to one thread at
 * a time. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "base/err.h"
#include <libpq-fe.h>
#include <stdint.h>

DEFINE_AUTO(rows, PGresult *, PQclear)

struct db;

/* `url` is a libpq connection string. Dates are ISO, time zone UTC, search_path public. */
bool db_open(const char *url, struct db **ret_db, struct err *err) MUST_USE;
void db_close(struct db *db);
DEFINE_AUTO(db, struct db *, db_close)
/* Reconnects when the connection was lost; prepared statements are made again. */
bool db_revive(struct db *db, struct err *err) MUST_USE;
bool db_is_alive(const struct db *db);
/* No statement outside transactions runs longer, also after db_revive(); 0: no limit. */
bool db_limit_time(struct db *db, int64_t timeout_ms, struct err *err) MUST_USE;

struct db_arg {
    const char *text; /* NULL: SQL NULL */
    int length;       /* of binary values, else 0 */
    bool binary;
    char small[40];   /* numbers are written here (text is then NULL and small[0] set) */
};
struct db_arg db_text(const char *text); /* NULL is SQL NULL; also uuid, json, timestamptz text */
struct db_arg db_int(int64_t number);
struct db_arg db_double(double number);
struct db_arg db_bool(bool truth);
struct db_arg db_instant(int64_t ms); /* timestamptz; INSTANT_MIN/MAX become -infinity/infinity */
struct db_arg db_bytes(const void *bytes, size_t size); /* bytea, borrowed */

#define DB_ARGS(...)                                                                               \
    (const struct db_arg[]){ __VA_ARGS__ },                                                        \
        sizeof((const struct db_arg[]){ __VA_ARGS__ }) / sizeof(struct db_arg)
#define DB_NO_ARGS NULL, (size_t)0

/* Runs one statement; prepares each literal once per connection. *ret_rows may be NULL when nobody
 * reads rows. Errors: DatabaseFailed; Conflict for unique violations. */
bool db_query(struct db *db, PGresult **ret_rows, const char *sql, const struct db_arg *args,
              size_t n_args, struct err *err) MUST_USE;
#define db_run(db, sql, args, err) db_query(db, NULL, sql, args, err)
/* As db_query, but planned anew for its values (spatial statements). */
bool db_query_custom(struct db *db, PGresult **ret_rows, const char *sql,
                     const struct db_arg *args, size_t n_args, struct err *err) MUST_USE;
/* For store/compose.h. A text that comes again is prepared; the connection keeps the latest ones. */
enum db_plan {
    DB_PLAN_USUAL, /* as PostgreSQL thinks: for its values, or once */
    DB_PLAN_OWN,   /* for its values each time */
    DB_PLAN_ONE,   /* once, for all values */
};
bool db_query_composed(struct db *db, PGresult **ret_rows, const char *sql, enum db_plan plan,
                       const struct db_arg *args, size_t n_args, struct err *err) MUST_USE;
/* From now on nothing waits for the database: statements that are prepared are given so many
 * milliseconds all together and few rows, all else fails at once, and db_is_unfinished() says so. After
 * db_hurry(db, 0) the same statements may be asked again, on any thread, and nothing was in vain: who
 * asks first for the one that was broken off gets its answer. */
void db_hurry(struct db *db, int64_t patience_ms);
bool db_is_unfinished(const struct db *db);
/* Several statements without arguments: migrations. */
bool db_script(struct db *db, const char *sql, struct err *err) MUST_USE;

/* Runs `body` in a transaction, again on a serialization failure or deadlock (at most 5 times).
 * Commits when it returns true, rolls back when false. Does not nest. */
bool db_transact(struct db *db, bool (*body)(struct db *db, void *arg, struct err *err), void *arg,
                 struct err *err) MUST_USE;
/* Ends a transaction that a handler left open; true when there was one (a bug of ours). */
bool db_clean(struct db *db);

/* COPY ... FROM STDIN (the sql names format and columns). */
bool db_copy_begin(struct db *db, const char *sql, struct err *err) MUST_USE;
bool db_copy_put(struct db *db, const void *bytes, size_t size, struct err *err) MUST_USE;
bool db_copy_end(struct db *db, struct err *err) MUST_USE;

/* LISTEN: the socket to poll, and what came (channel and payload are valid until the next call). */
bool db_listen(struct db *db, const char *channel, struct err *err) MUST_USE;
int db_socket(const struct db *db);
/* False when nothing is waiting or the connection is lost (ask db_is_alive). */
bool db_notice(struct db *db, const char **ret_channel, const char **ret_payload);

/* Reading rows: NULL becomes NULL, 0 or false. */
const char *row_text(const PGresult *rows, int row, int column);
int64_t row_int(const PGresult *rows, int row, int column);
double row_double(const PGresult *rows, int row, int column);
bool row_bool(const PGresult *rows, int row, int column);
int64_t row_instant(const PGresult *rows, int row, int column); /* of timestamptz */
int row_count(const PGresult *rows);

#endif
