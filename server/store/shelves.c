/* A collection that outgrows the common shelf gets its own in four steps, each a transaction of its
 * own, so that readers never wait and writers only for a handful of rows: the tables are made and
 * attached while they are empty; collections.shelves becomes {0,N}, from where on writers put on the
 * new shelf; the rows of the common shelf follow, some blocks at a time; shelves becomes {N}. A process
 * that is killed between two steps leaves a state that is right, and the next one goes on from there. */
#include "store/shelves.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/queryables.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MOVE_BLOCKS = 256, TRIES = 50, PAUSE_MS = 100, GRACE_MS = 1000, DELETE_AT_ONCE = 20000 };

static bool is_set(const atomic_bool *stop)
{
    return stop && *stop;
}

static void pause_ms(long ms)
{
    struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&time, NULL);
}

/* The lock could not be had in time; or another made the same table meanwhile: PostgreSQL looks names up
 * in a cache, which who has just waited for his turn may hold from before, and then finds the name taken
 * (42P07) or its row there (23505). The next transaction sees it. */
static bool may_go_well_next_time(const struct err *err)
{
    static const char *const states[] = { "(55P03)", "(42P07)", "(23505)" };

    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (strstr(err->message, states[i]))
            return true;
    return false;
}

/* Catalogue changes give up when a lock is held for long, so that nobody queues behind them, and are
 * tried again. */
static bool run_patiently(struct db *db, const char *sql, const struct db_arg *args, size_t n_args,
                          struct err *err)
{
    for (int try = 1;; try++) {
        if (db_query(db, NULL, sql, args, n_args, err))
            return true;
        if (try == TRIES || !may_go_well_next_time(err))
            return false;
        err_clear(err);
        pause_ms(PAUSE_MS);
    }
}

bool shelf_make(struct db *db, int64_t collection, struct err *err)
{
    AUTO(rows) PGresult *years = NULL;

    if (!run_patiently(db, "SELECT items_make_shelf($1::integer)", DB_ARGS(db_int(collection)), err) ||
        !db_query(db, &years,
                  "SELECT array_agg(DISTINCT extract(year FROM datetime)::integer) FROM items_small"
                  " WHERE collection = $1::integer", DB_ARGS(db_int(collection)), err) ||
        !shelf_make_years(db, collection, row_text(years, 0, 0), err))
        return false;
    return db_run(db,
                  "WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(730100, $1::integer))"
                  " UPDATE collections SET shelves = CASE WHEN count = 0 THEN ARRAY[number]"
                  "   ELSE ARRAY[0, number] END"
                  "  FROM turn WHERE number = $1::integer AND shelves = '{0}'",
                  DB_ARGS(db_int(collection)), err);
}

bool shelf_make_years(struct db *db, int64_t collection, const char *years, struct err *err)
{
    return !years || run_patiently(db, "SELECT items_make_years($1::integer, $2::integer[])",
                                   DB_ARGS(db_int(collection), db_text(years)), err);
}

bool shelf_drop(struct db *db, int64_t collection, struct err *err)
{
    return db_run(db, "SELECT items_drop_shelf($1::integer)", DB_ARGS(db_int(collection)), err);
}

/* Writers put nothing more of it on the common shelf, so one pass over its blocks is all. */
static bool move_items(struct db *db, int64_t collection, const atomic_bool *stop, struct err *err)
{
    AUTO(rows) PGresult *size = NULL;
    int64_t blocks;

    if (!db_query(db, &size, "SELECT pg_relation_size('items_small')"
                             " / current_setting('block_size')::bigint", DB_NO_ARGS, err))
        return false;
    blocks = row_int(size, 0, 0);
    for (int64_t block = 0; block < blocks; block += MOVE_BLOCKS)
        if (is_set(stop))
            return true;
        else if (!db_run(db, "SELECT items_move($1::integer, $2::bigint, $3::bigint)",
                    DB_ARGS(db_int(collection), db_int(block), db_int(MOVE_BLOCKS)), err))
            return false;
    return db_run(db,
                  "UPDATE collections SET shelves = ARRAY[number] WHERE number = $1::integer"
                  "  AND NOT EXISTS (SELECT FROM items_small WHERE collection = $1::integer)",
                  DB_ARGS(db_int(collection)), err);
}

static bool settle(struct db *db, int64_t collection, bool has_shelf, const atomic_bool *stop, struct err *err)
{
    if (!has_shelf && !shelf_make(db, collection, err))
        return false;
    pause_ms(GRACE_MS); /* for readers that looked up the shelves in an earlier statement */
    return move_items(db, collection, stop, err);
}

/* Unless another process is at it. */
static bool settle_alone(struct db *db, int64_t collection, bool has_shelf, const atomic_bool *stop,
                         struct err *err)
{
    AUTO(rows) PGresult *turn = NULL;
    struct err ignored = { 0 };
    bool good;

    if (!db_query(db, &turn, "SELECT pg_try_advisory_lock(730102, $1::integer)",
                  DB_ARGS(db_int(collection)), err))
        return false;
    if (!row_bool(turn, 0, 0))
        return true;
    good = settle(db, collection, has_shelf, stop, err);
    return db_run(db, "SELECT pg_advisory_unlock(730102, $1::integer)", DB_ARGS(db_int(collection)),
                  good ? err : &ignored) && good;
}

bool shelves_settle(struct db *db, int64_t most, const atomic_bool *stop, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT number, array_length(shelves, 1) = 2 FROM collections"
                  " WHERE array_length(shelves, 1) = 2 OR (shelves = '{0}' AND count > $1::bigint)"
                  " ORDER BY count DESC LIMIT $2::bigint",
                  DB_ARGS(db_int(SHELF_ABOVE), db_int(most)), err))
        return false;
    for (int i = 0; i < row_count(rows) && !is_set(stop); i++)
        if (!settle_alone(db, row_int(rows, i, 0), row_bool(rows, i, 1), stop, err))
            return false;
    return true;
}

bool items_settle(struct db *db, struct err *err)
{
    return shelves_settle(db, INT64_MAX, NULL, err) && queryables_refresh(db, INT64_MAX, NULL, err);
}

bool shelves_make_ahead(struct db *db, const atomic_bool *stop, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT number, array_agg(year) FROM collections,"
                  "  generate_series(extract(year FROM now())::integer, extract(year FROM now())::integer + 1)"
                  "    AS year"
                  " WHERE number = ANY(shelves) AND to_regclass(format('items_c%s_y%s', number, year)) IS NULL"
                  " GROUP BY number", DB_NO_ARGS, err))
        return false;
    for (int i = 0; i < row_count(rows) && !is_set(stop); i++)
        if (!shelf_make_years(db, row_int(rows, i, 0), row_text(rows, i, 1), err))
            return false;
    return true;
}

/* Numbers are not given again, and a shelf is made after its collection: one without has lost it. */
static bool drop_lost(struct db *db, const atomic_bool *stop, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT n FROM (SELECT substring(inhrelid::regclass::text FROM '^items_c(\\d+)$')::integer AS n"
                  "                 FROM pg_inherits WHERE inhparent = 'items'::regclass) shelf"
                  " WHERE n IS NOT NULL AND NOT EXISTS (SELECT FROM collections WHERE number = n)",
                  DB_NO_ARGS, err))
        return false;
    for (int i = 0; i < row_count(rows) && !is_set(stop); i++)
        if (!run_patiently(db, "SELECT items_drop_shelf($1::integer)", DB_ARGS(db_int(row_int(rows, i, 0))), err))
            return false;
    return true;
}

/* Items that a writer stored while the collection's owner was deleted. The numbers on the common shelf are
 * read off its index, one step each. */
static bool delete_lost(struct db *db, struct err *err)
{
    return db_run(db,
                  "WITH RECURSIVE there(n) AS ("
                  "  SELECT min(collection) FROM items_small"
                  "  UNION ALL"
                  "  SELECT (SELECT min(collection) FROM items_small WHERE collection > n) FROM there"
                  "   WHERE n IS NOT NULL),"
                  " lost AS (SELECT n FROM there WHERE n IS NOT NULL"
                  "             AND NOT EXISTS (SELECT FROM collections WHERE number = n))"
                  " DELETE FROM items_small WHERE ctid = ANY(ARRAY("
                  "   SELECT i.ctid FROM lost, items_small i WHERE i.collection = lost.n LIMIT $1::bigint))",
                  DB_ARGS(db_int(DELETE_AT_ONCE)), err);
}

bool shelves_tidy(struct db *db, const atomic_bool *stop, struct err *err)
{
    return drop_lost(db, stop, err) && (is_set(stop) || delete_lost(db, err));
}
