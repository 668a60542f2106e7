/* Counters are atomics that request threads add to. The page is written by the thread of its own
 * listener, which asks the database for the state of the queue with a connection of its own: a stuck
 * executor does not hide the numbers that would show it. */
#include "http/metrics.h"
#include "http/executor.h"
#include "http/socket.h"
#include "http/waits.h"
#include "store/status.h"
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_CLASSES = 6 };

static const char *const face_names[] = { "plain", "ogc", "stac", "resto", "openeo", "wps" };
_Static_assert(sizeof face_names / sizeof *face_names == FACES, "each face has a name");
static const int64_t bounds_ms[] = { 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 60000 };

struct metrics {
    struct server *server;
    struct MHD_Daemon *daemon;
    struct db *db;
    atomic_llong requests[FACES][STATUS_CLASSES];
    atomic_llong buckets[FACES][ARRAY_LEN(bounds_ms) + 1], sum_ms[FACES];
};

void metrics_count(struct metrics *metrics, enum face face, int status, int64_t took_ms)
{
    int class = status / 100;
    size_t bucket = 0;

    while (bucket < ARRAY_LEN(bounds_ms) && took_ms > bounds_ms[bucket])
        bucket++;
    atomic_fetch_add(&metrics->requests[face][class < STATUS_CLASSES ? class : 0], 1);
    atomic_fetch_add(&metrics->buckets[face][bucket], 1);
    atomic_fetch_add(&metrics->sum_ms[face], took_ms);
}

static void describe(struct text *page, const char *name, const char *type, const char *help)
{
    text_printf(page, "# HELP sentier_%s %s\n# TYPE sentier_%s %s\n", name, help, name, type);
}

static void gauge(struct text *page, const char *name, const char *help, double value)
{
    describe(page, name, "gauge", help);
    text_printf(page, "sentier_%s %.15g\n", name, value);
}

static void add_requests(struct text *page, struct metrics *metrics)
{
    describe(page, "http_requests_total", "counter", "Requests by face and class of status");
    for (int face = 0; face < FACES; face++)
        for (int class = 0; class < STATUS_CLASSES; class++)
            if (metrics->requests[face][class])
                text_printf(page, "sentier_http_requests_total{face=\"%s\",status=\"%dxx\"} %lld\n",
                            face_names[face], class, atomic_load(&metrics->requests[face][class]));
    describe(page, "http_request_seconds", "histogram", "From the request line to the last byte");
    for (int face = 0; face < FACES; face++) {
        long long count = 0;

        for (size_t i = 0; i <= ARRAY_LEN(bounds_ms); i++) {
            count += atomic_load(&metrics->buckets[face][i]);
            text_printf(page, "sentier_http_request_seconds_bucket{face=\"%s\",le=\"", face_names[face]);
            if (i < ARRAY_LEN(bounds_ms))
                text_printf(page, "%g\"} %lld\n", (double)bounds_ms[i] / 1000, count);
            else
                text_printf(page, "+Inf\"} %lld\n", count);
        }
        text_printf(page, "sentier_http_request_seconds_sum{face=\"%s\"} %g\n", face_names[face],
                    (double)atomic_load(&metrics->sum_ms[face]) / 1000);
        text_printf(page, "sentier_http_request_seconds_count{face=\"%s\"} %lld\n", face_names[face],
                    count);
    }
}

static void add_server(struct text *page, const struct server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

    gauge(page, "http_in_flight", "Requests being read, run or answered",
          atomic_load(&server->in_flight));
    gauge(page, "http_connections", "Open connections", info ? info->num_connections : 0);
    gauge(page, "http_queued", "Requests that wait for an executor thread",
          executor_queued(server->executor));
    gauge(page, "database_pool_size", "Executor threads", (double)server->config->database_pool);
    gauge(page, "database_pool_connected", "Executor threads with a live connection",
          executor_connected(server->executor));
    gauge(page, "listening", "1 while the LISTEN connection is up", waits_listening(server->waits));
}

static bool ask(struct metrics *metrics, struct status *status, struct err *err)
{
    if (!metrics->db && !db_open(metrics->server->database_url, &metrics->db, err))
        return false;
    if (status_load(metrics->db, status, err))
        return true;
    err_clear(err);
    return db_revive(metrics->db, err) && status_load(metrics->db, status, err);
}

static void add_queue(struct text *page, struct metrics *metrics)
{
    struct status status = { 0 };
    struct err err = { 0 };
    bool up = ask(metrics, &status, &err);

    gauge(page, "database_up", "1 when the database answers", up);
    if (!up)
        return;
    describe(page, "jobs", "gauge", "Jobs by state");
    for (size_t i = 0; i < status.n_jobs; i++)
        text_printf(page, "sentier_jobs{state=\"%s\"} %" PRId64 "\n", status.jobs[i].state,
                    status.jobs[i].count);
    gauge(page, "tasks_ready", "Tasks that wait for a worker", (double)status.tasks_ready);
    gauge(page, "tasks_running", "Tasks that run", (double)status.tasks_running);
    gauge(page, "workers", "Live workers", (double)status.workers);
    gauge(page, "pg_oldest_xmin_seconds", "Age of the oldest snapshot; alert at 30 s",
          status.oldest_xmin_seconds);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    struct metrics *metrics = cls;
    AUTO(text) struct text page = { 0 };
    struct MHD_Response *response;
    enum MHD_Result result;
    bool found = !strcmp(url, "/metrics") && !strcmp(method, "GET");

    (void)version, (void)upload, (void)state;
    *upload_size = 0;
    if (found) {
        add_requests(&page, metrics);
        add_server(&page, metrics->server);
        add_queue(&page, metrics);
    } else {
        text_add(&page, "GET /metrics\n");
    }
    response = MHD_create_response_from_buffer(page.length, page.data, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    result = MHD_queue_response(connection, found ? 200 : 404, response);
    MHD_destroy_response(response);
    return result;
}

struct metrics *metrics_new(struct server *server)
{
    struct metrics *metrics = MEM_NEW(struct metrics);

    metrics->server = server;
    return metrics;
}

bool metrics_listen(struct metrics *metrics, struct err *err)
{
    const struct config *config = metrics->server->config;
    int fd, port;

    if (config->http_metrics_port == 0)
        return true;
    if (!socket_listen(config->http_metrics_address, config->http_metrics_port, &fd, &port, err))
        return err_prefix(err, "/metrics");
    metrics->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request,
                                       metrics, MHD_OPTION_LISTEN_SOCKET, fd,
                                       MHD_OPTION_CONNECTION_LIMIT, 16u,
                                       MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
    if (!metrics->daemon)
        close(fd);
    return metrics->daemon || err_set(err, ERR_Internal, "The thread of /metrics cannot be started");
}

void metrics_stop(struct metrics *metrics)
{
    if (metrics->daemon)
        MHD_stop_daemon(metrics->daemon);
    metrics->daemon = NULL;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    metrics_stop(metrics);
    db_close(metrics->db);
    free(metrics);
}
