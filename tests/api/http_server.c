/* A server with a route table made for test_http.py: each row shows one behaviour of http/ and auth/
 * without any face in between. http_server DATA FILES [section.key=value ...]; it prints "ready PORT"
 * and ends at SIGTERM. */
#include "api/common/common.h"
#include "auth/auth.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/text.h"
#include "http/server.h"
#include "http/stream.h"
#include "json/js.h"
#include "store/cluster.h"
#include "store/jobs.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *files;

/* Everything that the handler sees. */
static bool echo(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *query = json_array();
    const char *name, *value;

    (void)err;
    for (size_t i = 0; request_query_at(rq, i, &name, &value); i++)
        json_array_append_new(query, json_pack("[s, s]", name, value));
    return reply_json(reply, 200,
                      json_pack("{s:s, s:s, s:s, s:s, s:o, s:I, s:O?, s:s}", "path", rq->path, "base",
                                rq->base_url, "id", rq->id, "client", rq->client, "query", query,
                                "size", (json_int_t)rq->size, "body", rq->body, "user",
                                rq->user ? rq->user->name : ""),
                      NULL);
}

static bool variables(struct request *rq, struct reply *reply, struct err *err)
{
    (void)err;
    return reply_json(reply, 200,
                      json_pack("{s:s, s:s}", "name", request_variable(rq, "name"), "rest",
                                request_variable(rq, "rest")),
                      NULL);
}

static bool big(struct request *rq, struct reply *reply, struct err *err)
{
    int64_t n;

    if (!request_query_integer(rq, "n", 0, 100000000, 10000, &n, err))
        return false;
    AUTO(mem) char *text = mem_alloc((size_t)n + 1);

    memset(text, 'x', (size_t)n);
    return reply_json(reply, 200, json_pack("{s:s}", "text", text), NULL);
}

static bool page(struct request *rq, struct reply *reply, struct err *err)
{
    static const char *const offers[] = { "application/json", "text/html", NULL };

    switch (request_accepts(rq, offers)) {
    case 0: return reply_json(reply, 200, json_pack("{s:b}", "page", 1), NULL);
    case 1: return reply_text(reply, 200, "<p>page</p>", "text/html; charset=utf-8");
    default: return err_set(err, ERR_NotAcceptable, "JSON and HTML are offered");
    }
}

static bool file(struct request *rq, struct reply *reply, struct err *err)
{
    const char *name = request_variable(rq, "name");

    if (!text_is_plain_name(name, 200))
        return err_set(err, ERR_FileNotFound, "There is no such file");
    return reply_file(rq, reply, arena_printf(rq->arena, "%s/%s", files, name),
                      "application/octet-stream", request_query(rq, "as"), err);
}

static bool slow(struct request *rq, struct reply *reply, struct err *err)
{
    int64_t ms;

    if (!request_query_integer(rq, "ms", 0, 60000, 100, &ms, err))
        return false;
    usleep((unsigned)ms * 1000);
    return reply_json(reply, 200, json_pack("{s:I}", "slept", (json_int_t)ms), NULL);
}

static bool held(struct request *rq, struct reply *reply, struct err *err)
{
    int64_t ms, pause;

    if (!request_query_integer(rq, "ms", 0, 60000, 1000, &ms, err) ||
        !request_query_integer(rq, "pause", 0, 60000, 0, &pause, err))
        return false;
    if (rq->woken)
        return reply_json(reply, 200,
                          json_pack("{s:b, s:s}", "timed_out", rq->timed_out, "state", rq->state),
                          NULL);
    rq->state = arena_text(rq->arena, "kept");
    usleep((unsigned)pause * 1000); /* a notice may come between the look and the wait */
    return reply_wait(rq, reply, request_variable(rq, "key"), ms);
}

static bool notify(struct request *rq, struct reply *reply, struct err *err)
{
    return db_run(rq->db, "SELECT pg_notify('" JOB_CHANNEL "', $1)",
                  DB_ARGS(db_text(request_variable(rq, "key"))), err) &&
           reply_empty(reply, 204);
}

static bool sleep_in_sql(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    return db_query(rq->db, &rows, "SELECT pg_backend_pid(), pg_sleep($1::float8)",
                    DB_ARGS(db_text(request_query(rq, "s"))), err) &&
           reply_json(reply, 200, json_pack("{s:I}", "pid", (json_int_t)row_int(rows, 0, 0)), NULL);
}

/* Each answer takes a number: nothing is asked twice, if it runs twice. */
static bool quick(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    const char *s = request_query(rq, "s"), *n = request_query(rq, "rows");

    return db_query(rq->db, &rows,
                    "SELECT t.number FROM (SELECT nextval('asked') AS number, pg_sleep($1::float8)) t,"
                    " generate_series(1, $2::integer)",
                    DB_ARGS(db_text(s ? s : "0"), db_text(n ? n : "1")), err) &&
           reply_json(reply, 200,
                      json_pack("{s:I,s:i}", "number", (json_int_t)row_int(rows, 0, 0), "rows",
                                row_count(rows)),
                      NULL);
}

static bool open_transaction(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(rq->db, &rows,
                  "SELECT count(*) = 0 FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'",
                  DB_NO_ARGS, err) ||
        !db_script(rq->db, "BEGIN", err))
        return false;
    return reply_json(reply, 200, json_pack("{s:b}", "clean", row_bool(rows, 0, 0)), NULL);
}

static bool fail(struct request *rq, struct reply *reply, struct err *err)
{
    (void)reply;
    return err_set(err, err_find(request_variable(rq, "code")), "A secret: /var/lib/x \xc3\xa9");
}

static bool sign(struct request *rq, struct reply *reply, struct err *err)
{
    int64_t seconds;

    if (!request_query_integer(rq, "s", -1000, 1000, 60, &seconds, err))
        return false;
    AUTO(mem) char *url = auth_link_sign(rq->config, rq->base_url, request_query(rq, "path"),
                                         instant_now() + seconds * 1000);

    return reply_json(reply, 200, json_pack("{s:s}", "href", url), NULL);
}

static bool session(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(mem) char *token = NULL;

    return auth_token_issue(rq->config, rq->db, rq->user, rq->base_url, &token, err) &&
           reply_json(reply, 200, json_pack("{s:s}", "access_token", token), NULL);
}

struct told {
    struct stream *stream;
    int64_t count, size, pause_us;
};

/* Writes `count` events of `size` bytes, then says how it went into the file "told". */
static void *tell(void *arg)
{
    struct told *told = arg;
    int64_t i = 0;
    AUTO(mem) char *event = mem_printf("data: %*s\n\n", (int)told->size, "x");
    AUTO(mem) char *path = mem_printf("%s/told", files);

    while (i < told->count && stream_write(told->stream, event, strlen(event))) {
        i++;
        usleep((unsigned)told->pause_us);
    }
    stream_drop(told->stream);
    FILE *out = fopen(path, "w");

    fprintf(out, "%lld", (long long)i);
    fclose(out);
    free(told);
    return NULL;
}

static bool stream(struct request *rq, struct reply *reply, struct err *err)
{
    struct told *told = MEM_NEW(struct told);
    pthread_t thread;

    if (!request_query_integer(rq, "count", 0, 1000000, 3, &told->count, err) ||
        !request_query_integer(rq, "size", 1, 100000, 10, &told->size, err) ||
        !request_query_integer(rq, "us", 0, 10000000, 0, &told->pause_us, err)) {
        free(told);
        return false;
    }
    told->stream = stream_new(100000);
    reply_stream(rq, reply, told->stream, "text/event-stream");
    return pthread_create(&thread, NULL, tell, told) == 0 && pthread_detach(thread) == 0;
}

static const struct route table[] = {
    ROUTE(GET, "/healthz", NOBODY, health_get, PLAIN, .at_once = true),
    ROUTE(GET, "/readyz", NOBODY, ready_get, PLAIN, .without_database = true),
    ROUTE(GET, "/api/me", USER, me_get, PLAIN),
    ROUTE(GET, "/api/keys", USER, keys_list, PLAIN),
    ROUTE(POST, "/api/keys", USER, key_create, PLAIN, .body = BODY_JSON, .max_body = 4096),
    ROUTE(DELETE, "/api/keys/{key_id}", USER, key_delete, PLAIN),
    ROUTE(GET, "/echo", NOBODY, echo, PLAIN),
    ROUTE(POST, "/echo", NOBODY, echo, OGC, .body = BODY_JSON),
    ROUTE(PUT, "/echo", NOBODY, echo, OGC, .body = BODY_BYTES, .max_body = 1000),
    ROUTE(POST, "/optional", NOBODY, echo, PLAIN, .body = BODY_JSON, .body_optional = true),
    ROUTE(POST, "/bodiless", NOBODY, echo, PLAIN),
    ROUTE(GET, "/echo/literal", NOBODY, echo, PLAIN),
    ROUTE(GET, "/echo/{name}/{rest*}", NOBODY, variables, PLAIN),
    ROUTE(GET, "/big", NOBODY, big, STAC),
    ROUTE(GET, "/page", NOBODY, page, PLAIN),
    ROUTE(GET, "/file/{name}", NOBODY, file, PLAIN),
    ROUTE(GET, "/slow", NOBODY, slow, PLAIN),
    ROUTE(GET, "/stream", NOBODY, stream, PLAIN),
    ROUTE(GET, "/held/{key}", NOBODY, held, PLAIN),
    ROUTE(POST, "/notify/{key}", NOBODY, notify, PLAIN),
    ROUTE(GET, "/sql", NOBODY, sleep_in_sql, PLAIN),
    ROUTE(POST, "/sql", NOBODY, sleep_in_sql, PLAIN),
    ROUTE(GET, "/quick", NOBODY, quick, PLAIN, .quick = true),
    ROUTE(GET, "/transaction", NOBODY, open_transaction, PLAIN),
    ROUTE(GET, "/fail/{code}", NOBODY, fail, PLAIN),
    ROUTE(GET, "/openeo/fail/{code}", NOBODY, fail, OPENEO),
    ROUTE(GET, "/openeo/me", USER, me_get, OPENEO),
    ROUTE(GET, "/openeo/session", USER, session, OPENEO),
    ROUTE(GET, "/operator", OPERATOR, me_get, PLAIN),
    ROUTE(GET, "/admin", ADMIN, me_get, PLAIN),
    ROUTE(GET, "/sign", NOBODY, sign, PLAIN),
    ROUTE(GET, "/signed/{rest*}", SIGNED, echo, PLAIN),
    { .pattern = NULL },
};

static bool add_users(struct db *db, struct err *err)
{
    return db_script(db, "CREATE SEQUENCE asked", err) &&
           auth_user_add(db, "alice", NULL, "open sesame", ROLE_USER, err) &&
           auth_user_add(db, "root", "root@example.test", "open sesame", ROLE_ADMIN, err);
}

static bool set(struct config *config, const char *setting, struct err *err)
{
    AUTO(mem) char *section = mem_text(setting);
    char *dot = strchr(section, '.'), *equal = strchr(section, '=');

    if (!dot || !equal)
        return err_set(err, ERR_UsageInvalid, "expected section.key=value, found %s", setting);
    *dot = *equal = '\0';
    return config_set(config, section, dot + 1, equal + 1, "argument", err);
}

static bool serve(int argc, char **argv, sigset_t *signals, struct err *err)
{
    AUTO(config) struct config *config = NULL;
    AUTO(store) struct store *store = NULL;
    AUTO(db) struct db *db = NULL;
    struct server *server;
    struct err ignored = { 0 };
    int signal_number;

    if (!config_load(NULL, &config, err) || !config_set(config, "http", "port", "0", "test", err))
        return false;
    free((char *)config->data);
    config->data = mem_text(argv[1]);
    for (int i = 3; i < argc; i++)
        if (!set(config, argv[i], err))
            return false;
    if (!store_open(config, &store, err) || !db_open(store_url(store), &db, err) ||
        !auth_init(config, db, err))
        return false;
    if (!add_users(db, &ignored) && ignored.code != ERR_Conflict)
        return err_set(err, ignored.code, "%s", ignored.message);
    if (!server_start(config, store_url(store), table, &server, err))
        return false;
    printf("ready %d\n", server_port(server));
    fflush(stdout);
    sigwait(signals, &signal_number);
    if (!server_stop(server)) {
        store_close(store);
        _exit(3);
    }
    auth_done();
    return true;
}

int main(int argc, char **argv)
{
    struct err err = { 0 };
    sigset_t signals;

    if (argc < 3)
        return 2;
    files = argv[2];
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    log_init("http_server", LOG_INFO);
    if (serve(argc, argv, &signals, &err))
        return 0;
    fprintf(stderr, "%s\n", err.message);
    return 1;
}
