/* Connections. Each SQL literal is prepared once per connection, under a name made from its text,
 * found again by the literal's address. Composed statements are found by their text; one that comes
 * the second time is prepared, so that what is asked once costs no second round trip, and the one that
 * was not used for longest makes room. A lost connection forgets its statements.
 *
 * In a hurry a statement is sent and waited for with a limit. What has no time is not cancelled: its name
 * and values stay in `sent`, and who asks for the same next, without hurry, waits for its answer. */
#include "store/db.h"
#include "base/instant.h"
#include "base/mem.h"
#include "base/text.h"
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { FEW_ARGS = 64, MAX_TRIES = 5, MAX_COMPOSED = 256, HURRIED_ROWS = 128 };

struct statement {
    const char *sql; /* the literal's address is the key */
    char name[24];
    UT_hash_handle hh;
};

struct composed_statement {
    char *sql;     /* the key */
    char name[24]; /* "" until it is prepared */
    UT_hash_handle hh;
};

struct db {
    PGconn *conn;
    struct statement *statements;
    struct composed_statement *composed; /* in the order of their last use */
    unsigned next_name;
    int64_t timeout_ms;
    bool one_plan; /* plan_cache_mode is force_generic_plan */
    PGnotify *notice; /* what db_notice() gave last */
    int64_t until;    /* in a hurry: instant_monotonic() when patience ends; else 0 */
    bool unfinished;
    struct text sent; /* what is on its way, or was answered with `early`: its name and values */
    PGresult *early;
};

static bool set_up(struct db *db, struct err *err)
{
    static const char settings[] = "SET datestyle TO 'ISO'; SET timezone TO 'UTC';"
                                   "SET client_min_messages TO warning;"
                                   "SET idle_in_transaction_session_timeout TO '60s'";

    db->one_plan = false;
    return db_script(db, settings, err) && (!db->timeout_ms || db_limit_time(db, db->timeout_ms, err));
}

bool db_limit_time(struct db *db, int64_t timeout_ms, struct err *err)
{
    if (!db_run(db, "SELECT set_config('statement_timeout', $1::text, false)",
                DB_ARGS(db_int(timeout_ms)), err))
        return false;
    db->timeout_ms = timeout_ms;
    return true;
}

bool db_open(const char *url, struct db **ret_db, struct err *err)
{
    AUTO(db) struct db *db = MEM_NEW(struct db);

    db->conn = PQconnectdb(url);
    if (PQstatus(db->conn) != CONNECTION_OK)
        return err_set(err, ERR_DatabaseFailed, "The database cannot be reached: %s",
                       PQerrorMessage(db->conn));
    if (!set_up(db, err))
        return false;
    *ret_db = db;
    db = NULL;
    return true;
}

static void forget_composed(struct db *db, struct composed_statement *s)
{
    HASH_DEL(db->composed, s);
    free(s->sql);
    free(s);
}

static void forget_statements(struct db *db)
{
    struct statement *s, *next;
    struct composed_statement *c, *after;

    HASH_ITER(hh, db->composed, c, after)
        forget_composed(db, c);

    HASH_ITER(hh, db->statements, s, next) {
        HASH_DEL(db->statements, s);
        free(s);
    }
}

/* A statement that nobody asks for again is read to its end. */
static void forget_sent(struct db *db)
{
    PGresult *result;

    while (db->sent.length && !db->early && (result = PQgetResult(db->conn)))
        PQclear(result);
    PQclear(db->early);
    db->early = NULL;
    text_clear(&db->sent);
}

void db_close(struct db *db)
{
    if (!db)
        return;
    forget_statements(db);
    forget_sent(db);
    text_drop(&db->sent);
    PQfreemem(db->notice);
    PQfinish(db->conn);
    free(db);
}

bool db_is_alive(const struct db *db)
{
    return PQstatus(db->conn) == CONNECTION_OK;
}

bool db_revive(struct db *db, struct err *err)
{
    if (db_is_alive(db))
        return true;
    forget_statements(db);
    forget_sent(db);
    PQreset(db->conn);
    if (!db_is_alive(db))
        return err_set(err, ERR_DatabaseFailed, "The database cannot be reached: %s",
                       PQerrorMessage(db->conn));
    return set_up(db, err);
}

struct db_arg db_text(const char *text)
{
    return (struct db_arg){ .text = text };
}

struct db_arg db_int(int64_t number)
{
    struct db_arg arg = { 0 };

    snprintf(arg.small, sizeof arg.small, "%" PRId64, number);
    return arg;
}

struct db_arg db_double(double number)
{
    struct db_arg arg = { 0 };

    snprintf(arg.small, sizeof arg.small, "%.17g", number);
    return arg;
}

struct db_arg db_bool(bool truth)
{
    return (struct db_arg){ .text = truth ? "t" : "f" };
}

struct db_arg db_instant(int64_t ms)
{
    struct db_arg arg = { 0 };

    if (ms == INSTANT_MIN || ms == INSTANT_MAX)
        return db_text(ms == INSTANT_MIN ? "-infinity" : "infinity");
    instant_format(ms, arg.small);
    return arg;
}

struct db_arg db_bytes(const void *bytes, size_t size)
{
    return (struct db_arg){ .text = bytes, .length = (int)size, .binary = true };
}

/* Classes 40 (serialization failure, deadlock), 23505 (unique violation), 57014 (statement_timeout),
 * all else. */
static bool fail(struct db *db, const PGresult *result, struct err *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    enum err_code code = ERR_DatabaseFailed;

    if (state && !strcmp(state, "23505"))
        code = ERR_Conflict;
    if (state && !strcmp(state, "57014"))
        return err_set(err, ERR_QueryTimeout, "The query took longer than it may; ask for a smaller area,"
                                              " a shorter time, fewer conditions or a smaller page");
    return err_set(err, code, "The database refused: %s%s%s%s",
                   message ? message : PQerrorMessage(db->conn), state ? " (" : "",
                   state ? state : "", state ? ")" : "");
}

static bool succeeded(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN;
}

void db_hurry(struct db *db, int64_t patience_ms)
{
    db->until = patience_ms ? instant_monotonic() + patience_ms : 0;
    if (db->until)
        db->unfinished = false;
}

bool db_is_unfinished(const struct db *db)
{
    return db->unfinished;
}

static bool give_up(struct db *db, struct err *err)
{
    db->unfinished = true;
    return err_set(err, ERR_Internal, "The database has not answered yet");
}

/* Before anything that waits as long as it takes. */
static bool may_wait(struct db *db, struct err *err)
{
    if (db->until)
        return give_up(db, err);
    forget_sent(db);
    return true;
}

/* False: patience has ended. */
static bool wait_for_answer(struct db *db)
{
    struct pollfd fd = { .fd = PQsocket(db->conn), .events = POLLIN };

    while (PQisBusy(db->conn)) {
        int64_t left = db->until - instant_monotonic();

        if (left <= 0 || poll(&fd, 1, (int)left) == 0)
            return false;
        if (!PQconsumeInput(db->conn))
            break; /* PQgetResult() says what is wrong */
    }
    return true;
}

static PGresult *last_result(PGconn *conn)
{
    PGresult *last = NULL, *result;

    while ((result = PQgetResult(conn))) {
        PQclear(last);
        last = result;
    }
    return last;
}

/* When there is no time to see it done, it will be done before anything else is. */
static bool set_hurried(struct db *db, const char *sql, bool one_plan, PGresult **ret_result, struct err *err)
{
    if (db->sent.length)
        return give_up(db, err);
    text_add(&db->sent, sql);
    if (PQsendQuery(db->conn, sql) && !wait_for_answer(db)) {
        db->one_plan = one_plan;
        return give_up(db, err);
    }
    *ret_result = last_result(db->conn);
    text_clear(&db->sent);
    return true;
}

/* PostgreSQL prefers planning for values where a plan for all of them names partitions that it then
 * leaves out, because it counts their costs: for some statements it is told. A setting would be taken
 * back with a transaction that fails, so it is not changed in one (db_script() begins them all). */
static bool set_one_plan(struct db *db, bool one_plan, struct err *err)
{
    const char *sql = one_plan ? "SET plan_cache_mode TO force_generic_plan"
                               : "SET plan_cache_mode TO auto";
    AUTO(rows) PGresult *result = NULL;

    if (db->one_plan == one_plan || PQtransactionStatus(db->conn) != PQTRANS_IDLE)
        return true;
    if (db->until && !set_hurried(db, sql, one_plan, &result, err))
        return false;
    if (!db->until) {
        forget_sent(db);
        result = PQexec(db->conn, sql);
    }
    if (!succeeded(result))
        return fail(db, result, err);
    db->one_plan = one_plan;
    return true;
}

static const char *prepare(struct db *db, const char *sql, struct err *err)
{
    AUTO(rows) PGresult *result = NULL;
    struct statement *s;

    HASH_FIND_PTR(db->statements, &sql, s);
    if (s)
        return s->name;
    if (!may_wait(db, err))
        return NULL;
    s = MEM_NEW(struct statement);
    s->sql = sql;
    snprintf(s->name, sizeof s->name, "s%u", db->next_name++);
    result = PQprepare(db->conn, s->name, sql, 0, NULL);
    if (!succeeded(result)) {
        fail(db, result, err);
        free(s);
        return NULL;
    }
    HASH_ADD_PTR(db->statements, sql, s);
    return s->name;
}

static bool drop_oldest(struct db *db, struct err *err)
{
    struct composed_statement *oldest = db->composed;
    char sql[40] = "";

    if (oldest->name[0])
        snprintf(sql, sizeof sql, "DEALLOCATE %s", oldest->name);
    forget_composed(db, oldest);
    return !sql[0] || db_script(db, sql, err);
}

struct values {
    const char **values;
    int *lengths, *formats;
    size_t count;
};

/* The name and the values of a prepared statement, so that two are the same when these bytes are. */
static void describe(struct text *out, const char *name, const struct values *v)
{
    text_clear(out);
    text_addn(out, name, strlen(name) + 1);
    for (size_t i = 0; i < v->count; i++) {
        const char *value = v->values[i];
        size_t length = !value ? 0 : v->formats[i] ? (size_t)v->lengths[i] : strlen(value);

        text_printf(out, "%zu%s", length, value ? ":" : "-");
        text_addn(out, value ? value : "", length);
    }
}

/* *ret_result stays NULL when there was no time. */
static bool run_hurried(struct db *db, const char *name, const struct values *v, PGresult **ret_result,
                        struct err *err)
{
    describe(&db->sent, name, v);
    if (!PQsendQueryPrepared(db->conn, name, (int)v->count, v->values, v->lengths, v->formats, 0)) {
        text_clear(&db->sent);
        return fail(db, NULL, err);
    }
    if (!wait_for_answer(db))
        return give_up(db, err);
    *ret_result = last_result(db->conn);
    if (*ret_result && PQntuples(*ret_result) > HURRIED_ROWS) {
        db->early = *ret_result;
        *ret_result = NULL;
        return give_up(db, err);
    }
    text_clear(&db->sent);
    return true;
}

/* Is this what was sent in a hurry? Then its answer is taken. */
static PGresult *take_sent(struct db *db, const char *name, const struct values *v)
{
    AUTO(text) struct text asked = { 0 };
    PGresult *result;

    if (!name || !db->sent.length)
        return NULL;
    describe(&asked, name, v);
    if (asked.length != db->sent.length || memcmp(asked.data, db->sent.data, asked.length))
        return NULL;
    result = db->early ? db->early : last_result(db->conn);
    db->early = NULL;
    text_clear(&db->sent);
    return result;
}

static bool get_result(struct db *db, const char *name, const char *sql, const struct values *v,
                       PGresult **ret_result, struct err *err)
{
    if (db->until && name && !db->sent.length)
        return run_hurried(db, name, v, ret_result, err);
    if (!db->until && (*ret_result = take_sent(db, name, v)))
        return true;
    if (!may_wait(db, err))
        return false;
    *ret_result =
        name ? PQexecPrepared(db->conn, name, (int)v->count, v->values, v->lengths, v->formats, 0)
             : PQexecParams(db->conn, sql, (int)v->count, NULL, v->values, v->lengths, v->formats, 0);
    return true;
}

static bool run(struct db *db, PGresult **ret_rows, const char *name, const char *sql,
                const struct db_arg *args, size_t n_args, struct err *err)
{
    const char *few_values[FEW_ARGS], **values = few_values;
    int few_numbers[2 * FEW_ARGS], *lengths = few_numbers, *formats;
    AUTO(mem) void *many_values = NULL, *many_numbers = NULL;
    AUTO(rows) PGresult *result = NULL;

    if (n_args > FEW_ARGS) {
        values = many_values = mem_array(n_args, sizeof *values);
        lengths = many_numbers = mem_array(2 * n_args, sizeof *lengths);
    }
    formats = lengths + n_args;
    for (size_t i = 0; i < n_args; i++) {
        values[i] = args[i].text ? args[i].text : args[i].small[0] ? args[i].small : NULL;
        lengths[i] = args[i].length;
        formats[i] = args[i].binary;
    }
    if (!get_result(db, name, sql, &(struct values){ values, lengths, formats, n_args }, &result, err))
        return false;
    if (!succeeded(result))
        return fail(db, result, err);
    if (ret_rows) {
        *ret_rows = result;
        result = NULL;
    }
    return true;
}

bool db_query(struct db *db, PGresult **ret_rows, const char *sql, const struct db_arg *args,
              size_t n_args, struct err *err)
{
    const char *name = prepare(db, sql, err);

    return name && set_one_plan(db, false, err) && run(db, ret_rows, name, sql, args, n_args, err);
}

bool db_query_custom(struct db *db, PGresult **ret_rows, const char *sql,
                     const struct db_arg *args, size_t n_args, struct err *err)
{
    return set_one_plan(db, false, err) && run(db, ret_rows, NULL, sql, args, n_args, err);
}

/* A composed statement that was never seen is remembered; one that is seen again gets a name. */
static bool name_composed(struct db *db, const char *sql, const char **ret_name, struct err *err)
{
    AUTO(rows) PGresult *result = NULL;
    struct composed_statement *s;

    HASH_FIND_STR(db->composed, sql, s);
    if ((!s || !s->name[0]) && !may_wait(db, err))
        return false;
    if (!s) {
        *ret_name = NULL;
        if (HASH_COUNT(db->composed) >= MAX_COMPOSED && !drop_oldest(db, err))
            return false;
        s = MEM_NEW(struct composed_statement);
        s->sql = mem_text(sql);
        HASH_ADD_KEYPTR(hh, db->composed, s->sql, strlen(s->sql), s);
        return true;
    }
    HASH_DEL(db->composed, s); /* to the end of the order */
    HASH_ADD_KEYPTR(hh, db->composed, s->sql, strlen(s->sql), s);
    if (!s->name[0]) {
        char name[sizeof s->name];

        snprintf(name, sizeof name, "c%u", db->next_name++);
        result = PQprepare(db->conn, name, sql, 0, NULL);
        if (!succeeded(result))
            return fail(db, result, err);
        memcpy(s->name, name, sizeof name);
    }
    *ret_name = s->name;
    return true;
}

bool db_query_composed(struct db *db, PGresult **ret_rows, const char *sql, enum db_plan plan,
                       const struct db_arg *args, size_t n_args, struct err *err)
{
    const char *name = NULL;

    return (plan == DB_PLAN_OWN || name_composed(db, sql, &name, err)) &&
           set_one_plan(db, name && plan == DB_PLAN_ONE, err) &&
           run(db, ret_rows, name, sql, args, n_args, err);
}

bool db_script(struct db *db, const char *sql, struct err *err)
{
    AUTO(rows) PGresult *result = NULL;

    if (!may_wait(db, err) || !set_one_plan(db, false, err))
        return false;
    result = PQexec(db->conn, sql);
    return succeeded(result) || fail(db, result, err);
}

bool db_clean(struct db *db)
{
    struct err ignored = { 0 };

    return PQtransactionStatus(db->conn) > PQTRANS_ACTIVE && db_script(db, "ROLLBACK", &ignored);
}

/* A transaction that lost against another one says so with 40001 or 40P01 in the message. */
static bool may_try_again(const struct err *err)
{
    return strstr(err->message, "(40001)") || strstr(err->message, "(40P01)");
}

bool db_transact(struct db *db, bool (*body)(struct db *db, void *arg, struct err *err), void *arg,
                 struct err *err)
{
    for (int try = 1;; try++) {
        /* what must be whole may take its time */
        if (!db_script(db, db->timeout_ms ? "BEGIN; SET LOCAL statement_timeout TO 0" : "BEGIN", err))
            return false;
        if (body(db, arg, err) && db_script(db, "COMMIT", err))
            return true;
        db_clean(db);
        if (try == MAX_TRIES || !may_try_again(err))
            return false;
        err_clear(err);
    }
}

bool db_copy_begin(struct db *db, const char *sql, struct err *err)
{
    return db_script(db, sql, err);
}

bool db_copy_put(struct db *db, const void *bytes, size_t size, struct err *err)
{
    return PQputCopyData(db->conn, bytes, (int)size) == 1 || fail(db, NULL, err);
}

bool db_copy_end(struct db *db, struct err *err)
{
    bool done = PQputCopyEnd(db->conn, NULL) == 1, good = true;
    PGresult *result;

    while ((result = PQgetResult(db->conn))) {
        if (!succeeded(result))
            good = fail(db, result, err);
        PQclear(result);
    }
    return (done && good) || fail(db, NULL, err);
}

bool db_listen(struct db *db, const char *channel, struct err *err)
{
    AUTO(text) struct text sql = { 0 };
    char *name = PQescapeIdentifier(db->conn, channel, strlen(channel));

    text_printf(&sql, "LISTEN %s", name);
    PQfreemem(name);
    return db_script(db, sql.data, err);
}

int db_socket(const struct db *db)
{
    return PQsocket(db->conn);
}

bool db_notice(struct db *db, const char **ret_channel, const char **ret_payload)
{
    PQfreemem(db->notice);
    db->notice = NULL;
    if (!PQconsumeInput(db->conn))
        return false;
    db->notice = PQnotifies(db->conn);
    if (!db->notice)
        return false;
    *ret_channel = db->notice->relname;
    *ret_payload = db->notice->extra;
    return true;
}
