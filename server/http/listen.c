/* The door to libmicrohttpd. Connections come from acceptor.c; its epoll threads read requests and write
 * answers and do nothing that could block: a request that needs its handler is suspended and given to an
 * executor, and MHD calls on_request() once more when the answer is there. What is nearly always
 * answered in a moment is tried on the epoll thread itself, for some milliseconds at most: handing a
 * request over and back costs more than most searches. At least two threads, because one alone stalls
 * when exactly 128 of its connections are ready at once. */
#include "base/instant.h"
#include "base/log.h"
#include "http/acceptor.h"
#include "http/caller.h"
#include "http/executor.h"
#include "http/guard.h"
#include "http/metrics.h"
#include "http/socket.h"
#include "http/streams.h"
#include "http/waits.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CONNECTION_MEMORY = 64 << 10, MIN_THREADS = 2,
       LAST_WAIT_MS = 1000, MAX_DELAY_MS = 10000, SLOWEST_UPLOAD = 16 /* bytes in a millisecond */ };

static void *on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
    return exchange_new(cls, connection, target);
}

static enum MHD_Result answer(struct exchange *ex)
{
    ex->phase = PHASE_ANSWERED;
    return MHD_queue_response(ex->connection, (unsigned)ex->status, ex->response);
}

static enum MHD_Result answer_here(struct exchange *ex)
{
    respond(ex);
    return answer(ex);
}

static void run_here(struct exchange *ex)
{
    if (exchange_prepare(ex, &ex->err) &&
        !ex->match.route->handler(&ex->rq, &ex->reply, &ex->err) && ex->err.code == ERR_None)
        err_set(&ex->err, ERR_Internal, "The handler of %s gave no reason", ex->rq.path);
}

/* Nobody piles up more than his share; when nothing moves any more (a database that hangs), requests
 * are turned away too. */
static bool may_queue(struct exchange *ex, struct err *err)
{
    struct executor *executor = ex->server->executor;

    if (!executor_has_room(executor, ex))
        return err_set(err, ERR_TooManyRequests,
                       "%lld of your requests wait already; send the next when some are answered",
                       (long long)ex->rq.config->http_client_waiting);
    return executor_delay_ms(executor, ex) <= MAX_DELAY_MS ||
           err_set(err, ERR_InfrastructureBusy, "The requests before this one wait too long already");
}

/* The request has come in whole. */
static enum MHD_Result submit(struct exchange *ex)
{
    struct server *server = ex->server;

    upload_end(ex);
    if (ex->err.code == ERR_None && atomic_load(&ex->server->stopping))
        err_set(&ex->err, ERR_InfrastructureMaintenance, "The server stops; ask again");
    if (ex->err.code || !ex->match.route)
        return answer_here(ex);
    if (ex->match.route->at_once) {
        run_here(ex);
        return answer_here(ex);
    }
    caller_find(ex->server->callers, ex);
    if (!may_queue(ex, &ex->err))
        return answer_here(ex);
    if (executor_try(ex->server->executor, ex))
        return answer(ex);
    ex->phase = PHASE_RUNNING;
    MHD_suspend_connection(ex->connection);
    executor_push(server->executor, ex); /* from here it may be gone */
    executor_help(server->executor);
    return MHD_YES;
}

/* Files may take as long as they need at a slow but steady pace. */
static bool is_too_slow(const struct exchange *ex)
{
    int64_t allowed = ex->rq.config->http_request_timeout * 1000;

    if (ex->upload)
        allowed += ex->received / SLOWEST_UPLOAD;
    return instant_monotonic() - ex->started > allowed;
}

/* An executor asks who it is and makes the file (executor.c); then the body is read. */
static enum MHD_Result ask_first(struct exchange *ex)
{
    caller_find(ex->server->callers, ex);
    if (!may_queue(ex, &ex->err)) {
        ex->phase = PHASE_BODY;
        return MHD_YES;
    }
    ex->phase = PHASE_ASKING;
    MHD_suspend_connection(ex->connection);
    executor_push(ex->server->executor, ex);
    return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    struct exchange *ex = *state;

    (void)cls, (void)url;
    if (ex->phase == PHASE_HEADERS) {
        guard_rests(ex->server->guard, connection);
        exchange_begin(ex, method, version);
        if (ex->err.code == ERR_None && ex->match.route && ex->match.route->body == BODY_FILE)
            return ask_first(ex);
        ex->phase = PHASE_BODY;
        return exchange_ends_here(ex) ? answer_here(ex) : MHD_YES;
    }
    if (ex->phase == PHASE_ASKED) { /* MHD tells the headers once more */
        ex->phase = PHASE_BODY;
        return ex->err.code && request_header(&ex->rq, "Expect") ? answer_here(ex) : MHD_YES;
    }
    if (ex->phase == PHASE_BODY && *upload_size > 0) {
        bool good = exchange_take(ex, upload, *upload_size) && !is_too_slow(ex);

        *upload_size = 0;
        return good ? MHD_YES : MHD_NO;
    }
    return ex->phase == PHASE_BODY ? submit(ex) : answer(ex);
}

static void on_end(void *cls, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode code)
{
    struct exchange *ex = *state;
    int64_t took = instant_monotonic() - ex->started;

    (void)cls, (void)code;
    guard_waits(ex->server->guard, connection);
    metrics_count(ex->server->metrics, ex->match.face, ex->status, took);
    /* without the query: it may hold a signature */
    log_write(LOG_INFO, ex->rq.id, "%s %s %d %lld ms %s%s%s", method_names[ex->rq.method % METHOD_COUNT],
              ex->rq.path, ex->status, (long long)took, ex->rq.client ? ex->rq.client : "-",
              ex->rq.user ? " " : "", ex->rq.user ? ex->rq.user->name : "");
    exchange_free(ex);
    *state = NULL;
}

static void on_problem(void *cls, const char *format, va_list args)
{
    char message[512];

    (void)cls;
    vsnprintf(message, sizeof message, format, args);
    message[strcspn(message, "\n")] = '\0';
    log_write(LOG_WARNING, NULL, "http: %s", message);
}

/* Escapes are decoded by url.c, which knows which ones to refuse. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls, (void)connection;
    return strlen(text);
}

static bool start_daemon(struct server *server, struct err *err)
{
    const struct config *config = server->config;
    int64_t threads = config->http_threads > MIN_THREADS ? config->http_threads : MIN_THREADS;
    int64_t most = config->http_max_connections;

    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
        0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_problem, NULL,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)threads,
        /* each thread has an equal share, whatever it gets: the acceptor counts */
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)((most + 1) * threads), MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)config->http_idle_timeout, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_end, server, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes,
        NULL, MHD_OPTION_NOTIFY_CONNECTION, guard_on_connection, server->guard, MHD_OPTION_END);
    return server->daemon || err_set(err, ERR_Internal, "The HTTP threads cannot be started");
}

static bool start_listening(struct server *server, struct err *err)
{
    const struct config *config = server->config;
    int fd;

    if (!socket_listen(config->http_address, config->http_port, &fd, &server->port, err))
        return false;
    if (acceptor_start(fd, (size_t)config->http_max_connections, server->daemon, server->guard,
                       &server->acceptor, err))
        return true;
    close(fd);
    return false;
}

static void server_free(struct server *server)
{
    guard_free(server->guard);
    metrics_free(server->metrics);
    streams_free(server->streams);
    waits_free(server->waits);
    executor_free(server->executor);
    callers_free(server->callers);
    route_table_free(server->table);
    free(server->database_url);
    free(server);
}

bool server_start(const struct config *config, const char *database_url, const struct route *table,
                  struct server **ret_server, struct err *err)
{
    struct server *server = MEM_NEW(struct server);
    size_t threads = config->database_pool > 1 ? (size_t)config->database_pool : 1;

    signal(SIGPIPE, SIG_IGN);
    server->config = config;
    server->database_url = mem_text(database_url);
    server->table = route_table_new(table);
    server->guard = guard_new(config->http_request_timeout * 1000);
    server->streams = streams_new();
    server->callers = callers_new();
    server->executor = executor_new(server, threads);
    server->waits = waits_new(server);
    server->metrics = metrics_new(server);
    if (!start_daemon(server, err) || !start_listening(server, err) ||
        !metrics_listen(server->metrics, err)) {
        if (!server_stop(server))
            abort(); /* nothing runs yet */
        return false;
    }
    *ret_server = server;
    return true;
}

int server_port(const struct server *server)
{
    return server->port;
}

bool server_stop(struct server *server)
{
    int64_t until;
    int left;

    if (!server)
        return true;
    until = instant_monotonic() + server->config->http_stop_timeout * 1000;
    atomic_store(&server->stopping, true);
    acceptor_stop(server->acceptor);
    waits_stop(server->waits);
    streams_stop(server->streams);
    while (atomic_load(&server->in_flight) > 0 && instant_monotonic() < until)
        usleep(5000);
    left = atomic_load(&server->in_flight);
    if (left > 0)
        log_write(LOG_WARNING, NULL, "stopped with %d requests unfinished after %lld s", left,
                  (long long)server->config->http_stop_timeout);
    if (!executor_stop(server->executor, LAST_WAIT_MS))
        return false;
    metrics_stop(server->metrics);
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    server_free(server);
    return true;
}
