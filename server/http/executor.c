/* N threads that take requests in the order of turns.c, and N database connections. A connection is
 * opened when the first request needs it and looked at before each request, so that a database that was
 * restarted costs no request an error; when it is lost under a GET, the handler runs once more on a new
 * one.
 *
 * A quick request is tried on its epoll thread, when its client's turn is now: the handler runs with a
 * connection that is in a hurry. When the database has not answered in time, the request goes to a thread
 * with that same connection, and the handler that runs again there finds its answer on the way. */
#include "http/executor.h"
#include "auth/auth.h"
#include "base/instant.h"
#include "base/log.h"
#include "http/caller.h"
#include "http/turns.h"
#include "http/waits.h"
#include <poll.h>
#include <pthread.h>
#include <string.h>

/* How long an epoll thread lets its other connections wait for one, and what it reads for it. */
enum { QUICK_MS = 5, QUICK_BODY = 64 << 10 };
enum { MAX_LOOKS = 8 };

struct session {
    struct db *db;
    atomic_bool connected;
    struct session *next; /* of those that nobody has */
};

struct executor {
    struct server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct turns *turns;
    struct exchange *unfinished; /* begun on an epoll thread: each has its turn and its session */
    struct session *idle;        /* the one used last first: it is warm */
    bool stopping;
    size_t running; /* threads that have not ended */
    size_t here;    /* handlers on epoll threads */
    size_t count, n_sessions;
    pthread_t *threads;
    struct session *sessions;
};

void executor_answer(struct exchange *ex)
{
    struct MHD_Connection *connection = ex->connection;

    respond(ex);
    ex->phase = PHASE_ANSWERED;
    MHD_resume_connection(connection); /* from here the exchange is the epoll thread's again */
}

void executor_push(struct executor *executor, struct exchange *ex)
{
    pthread_mutex_lock(&executor->lock);
    if (ex->session) {
        ex->next = executor->unfinished;
        executor->unfinished = ex;
        executor->here--;
    } else {
        turns_add(executor->turns, ex, instant_monotonic());
    }
    pthread_cond_signal(&executor->changed);
    pthread_mutex_unlock(&executor->lock);
}

static struct session *take_session(struct executor *executor)
{
    struct session *session = executor->idle;

    executor->idle = session->next;
    return session;
}

static struct exchange *take_next(struct executor *executor)
{
    struct exchange *ex = executor->unfinished;

    if (ex) {
        executor->unfinished = ex->next;
        return ex;
    }
    if (executor->idle && (ex = turns_take(executor->turns, instant_monotonic())))
        ex->session = take_session(executor);
    return ex;
}

/* NULL when the executor stops and nothing is left. */
static struct exchange *take(struct executor *executor)
{
    struct exchange *ex;

    pthread_mutex_lock(&executor->lock);
    while (!(ex = take_next(executor)) &&
           !(executor->stopping && executor->here == 0 && turns_waiting(executor->turns) == 0))
        pthread_cond_wait(&executor->changed, &executor->lock);
    pthread_mutex_unlock(&executor->lock);
    return ex;
}

/* Others of the same client may run now, or a thread may see that nothing is left. */
static void end_turn(struct executor *executor, struct client *client, struct session *session, bool here)
{
    pthread_mutex_lock(&executor->lock);
    turns_end(executor->turns, client, instant_monotonic());
    session->next = executor->idle;
    executor->idle = session;
    executor->here -= here;
    if (executor->stopping)
        pthread_cond_broadcast(&executor->changed);
    else if (turns_waiting(executor->turns))
        pthread_cond_signal(&executor->changed);
    pthread_mutex_unlock(&executor->lock);
}

/* Bytes on an idle connection mean that the server says good-bye: first why, then the end. */
static void look_at(struct db *db)
{
    struct pollfd fd = { .fd = db_socket(db), .events = POLLIN };
    const char *channel, *payload;

    for (int i = 0; i < MAX_LOOKS && db_is_alive(db) && poll(&fd, 1, 0) > 0; i++)
        db_notice(db, &channel, &payload);
}

static bool connect_database(const struct server *server, struct session *session, struct err *err)
{
    bool good;

    if (!session->db) {
        good = db_open(server->database_url, &session->db, err) &&
               db_limit_time(session->db, server->config->catalog_statement_timeout * 1000, err);
    } else {
        look_at(session->db);
        good = db_revive(session->db, err);
    }
    atomic_store(&session->connected, good);
    return good;
}

static bool is_signed(const struct request *rq)
{
    return request_query(rq, "signature") != NULL;
}

/* What a key without all scopes may not. Requests for anybody are no writes; those that run
 * processes ask further. */
static bool check_scopes(const struct exchange *ex, struct err *err)
{
    const struct route *route = ex->match.route;
    bool reads = ex->rq.method == GET || ex->rq.method == HEAD || route->access == ACCESS_NOBODY;
    bool writes_items = route->face == FACE_STAC, plain = route->face == FACE_PLAIN;

    if (!ex->user.scopes || reads ||
        (!plain && user_may(&ex->user, writes_items ? KEY_CATALOG : KEY_PROCESS)))
        return true;
    return err_set(err, ERR_PermissionsInsufficient, "This API key may not do that: %s",
                   plain          ? "it takes a key without scopes, or a log-in"
                   : writes_items ? "it lacks the scope 'catalog'"
                                  : "it lacks the scope 'process'");
}

static bool authorize(struct exchange *ex, struct err *err)
{
    const struct route *route = ex->match.route;
    struct request *rq = &ex->rq;
    struct credentials credentials = { .authorization = request_header(rq, "Authorization"),
                                       .api_key = request_header(rq, "X-API-Key") };
    bool known = false;
    enum role needed = route->access == ACCESS_ADMIN      ? ROLE_ADMIN
                       : route->access == ACCESS_OPERATOR ? ROLE_OPERATOR
                                                          : ROLE_USER;

    if (!rq->db) /* a route that also answers without the database */
        return true;
    if (!auth_verify(rq->config, rq->db, &credentials, &ex->user, &known, err))
        return false;
    if (known) {
        rq->user = &ex->user;
        caller_learn(ex->server->callers, ex);
        if (!check_scopes(ex, err))
            return false;
    }
    if (route->access == ACCESS_NOBODY)
        return true;
    if (route->access == ACCESS_SIGNED && is_signed(rq)) {
        const char *expires = request_query(rq, "expires");

        return auth_link_check(rq->path, expires ? expires : "", request_query(rq, "signature"), err);
    }
    if (!known)
        return err_set(err, ERR_AuthenticationRequired, "Log in to use %s", rq->path);
    return ex->user.role >= needed ||
           err_set(err, ERR_PermissionsInsufficient, "%s is for %s only", rq->path,
                   needed == ROLE_ADMIN ? "administrators" : "operators");
}

static bool act(struct exchange *ex, struct db *db, struct err *err)
{
    struct request *rq = &ex->rq;

    free(ex->reply.body);
    ex->reply = (struct reply){ 0 };
    rq->db = db;
    if (!rq->woken && (!authorize(ex, err) || !exchange_prepare(ex, err)))
        return false;
    ex->notices_seen = waits_seen(ex->server->waits);
    return ex->match.route->handler(rq, &ex->reply, err);
}

static bool handle(struct exchange *ex, struct session *session, struct err *err)
{
    ex->rq.db = NULL;
    if (connect_database(ex->server, session, err))
        return act(ex, session->db, err);
    if (!ex->match.route->without_database)
        return false;
    err_clear(err);
    return act(ex, NULL, err);
}

/* A file is coming: who sends it? Then the epoll thread goes on reading. */
static void admit(struct exchange *ex, struct session *session)
{
    struct MHD_Connection *connection = ex->connection;

    if (connect_database(ex->server, session, &ex->err)) {
        ex->rq.db = session->db;
        if (authorize(ex, &ex->err) && !upload_open(ex, &ex->err) && ex->err.code == ERR_None)
            err_set(&ex->err, ERR_StorageFailure, "The file cannot be made");
    }
    ex->rq.db = NULL;
    ex->phase = PHASE_ASKED;
    MHD_resume_connection(connection);
}

static void forget(struct exchange *ex)
{
    err_clear(&ex->err);
    json_decref(ex->rq.body);
    ex->rq.body = NULL;
    ex->rq.user = NULL;
}

static void give_reason(struct exchange *ex, bool good)
{
    if (!good && ex->err.code == ERR_None)
        err_set(&ex->err, ERR_Internal, "The handler of %s gave no reason", ex->rq.path);
}

static void run(struct exchange *ex, struct session *session)
{
    bool may_repeat = (ex->rq.method == GET || ex->rq.method == HEAD) && !ex->rq.woken;
    bool good = handle(ex, session, &ex->err);

    if (session->db && !db_is_alive(session->db)) {
        atomic_store(&session->connected, false);
        if (!good && may_repeat && ex->rq.db) {
            forget(ex);
            good = handle(ex, session, &ex->err);
        } else if (!good) {
            err_clear(&ex->err);
            err_set(&ex->err, ERR_DatabaseFailed, "The connection was lost");
        }
    }
    give_reason(ex, good);
    if (session->db && db_is_alive(session->db) && db_clean(session->db))
        log_write(LOG_ERROR, ex->rq.id, "The handler of %s left a transaction open",
                  ex->match.route->pattern);
    if (good && ex->reply.waiting) {
        ex->reply.waiting = false;
        exchange_drop_body(ex); /* who waits is many */
        waits_add(ex->server->waits, ex);
        return;
    }
    executor_answer(ex);
}

static void *work(void *arg)
{
    struct executor *executor = arg;
    struct exchange *ex;

    while ((ex = take(executor))) {
        struct client *client = ex->turn; /* the exchange may end within run() */
        struct session *session = ex->session;

        ex->session = NULL;
        if (ex->phase == PHASE_ASKING)
            admit(ex, session);
        else
            run(ex, session);
        end_turn(executor, client, session, false);
    }
    pthread_mutex_lock(&executor->lock);
    executor->running--;
    pthread_cond_broadcast(&executor->changed);
    pthread_mutex_unlock(&executor->lock);
    return NULL;
}

/* What takes its time before the database is asked (credentials), for long (much JSON), or afterwards
 * (pages for people) is nothing for an epoll thread. */
static bool is_quick(const struct exchange *ex)
{
    const struct request *rq = &ex->rq;
    const char *accept = request_header(rq, "Accept");

    return ex->match.route->quick && ex->body.length <= QUICK_BODY && !request_header(rq, "Authorization") &&
           !request_header(rq, "X-API-Key") && !(accept && strstr(accept, "html")) && !request_query(rq, "f");
}

/* With the lock: a connection that is open and warm, or none. */
static struct session *take_session_here(struct executor *executor)
{
    executor->here++;
    return take_session(executor);
}

static bool may_run_here(const struct executor *executor)
{
    return !executor->stopping && executor->idle && atomic_load(&executor->idle->connected);
}

static struct session *begin_here(struct executor *executor, struct exchange *ex)
{
    struct session *session = NULL;

    pthread_mutex_lock(&executor->lock);
    if (may_run_here(executor) && (ex->turn = turns_begin(executor->turns, ex->client)))
        session = take_session_here(executor);
    pthread_mutex_unlock(&executor->lock);
    return session;
}

static struct exchange *take_here(struct executor *executor, struct session **ret_session)
{
    const struct exchange *first;
    struct exchange *ex = NULL;

    pthread_mutex_lock(&executor->lock);
    first = turns_first(executor->turns);
    if (first && first->quick && may_run_here(executor)) {
        ex = turns_take(executor->turns, instant_monotonic());
        *ret_session = take_session_here(executor);
    }
    pthread_mutex_unlock(&executor->lock);
    return ex;
}

/* True: it is answered, if with an error. */
static bool act_in_a_hurry(struct exchange *ex, struct session *session)
{
    bool good = false;

    look_at(session->db);
    if (db_is_alive(session->db)) {
        db_hurry(session->db, QUICK_MS);
        good = act(ex, session->db, &ex->err);
        db_hurry(session->db, 0);
        if (db_is_unfinished(session->db))
            ex->session = session;
    }
    if (!ex->session && db_is_alive(session->db)) {
        give_reason(ex, good);
        return true;
    }
    forget(ex);
    return false;
}

/* Its turn ends, unless it is to be waited for. */
static bool try_here(struct executor *executor, struct exchange *ex, struct session *session)
{
    bool answered = act_in_a_hurry(ex, session);

    if (!ex->session)
        end_turn(executor, ex->turn, session, true);
    return answered;
}

bool executor_try(struct executor *executor, struct exchange *ex)
{
    struct session *session;

    ex->quick = is_quick(ex);
    session = ex->quick ? begin_here(executor, ex) : NULL;
    if (!session || !try_here(executor, ex, session))
        return false;
    respond(ex);
    return true;
}

void executor_help(struct executor *executor)
{
    int64_t until = instant_monotonic() + QUICK_MS;
    struct session *session;
    struct exchange *ex;

    while (instant_monotonic() < until && (ex = take_here(executor, &session))) {
        if (try_here(executor, ex, session)) {
            executor_answer(ex);
            continue;
        }
        ex->quick = false;
        executor_push(executor, ex);
    }
}

/* Half of the threads, when nothing is said: two who ask for much still do not shut out a third for
 * longer than one request takes. */
static size_t most_running(const struct config *config, size_t threads)
{
    if (config->http_client_requests > 0)
        return (size_t)config->http_client_requests;
    return threads > 1 ? threads / 2 : 1;
}

struct executor *executor_new(struct server *server, size_t threads)
{
    struct executor *executor = MEM_NEW(struct executor);
    pthread_condattr_t clock;

    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&executor->lock, NULL);
    pthread_cond_init(&executor->changed, &clock);
    pthread_condattr_destroy(&clock);
    executor->server = server;
    executor->turns = turns_new(most_running(server->config, threads),
                                (size_t)server->config->http_client_waiting);
    executor->threads = mem_array(threads, sizeof *executor->threads);
    executor->sessions = mem_array(threads, sizeof *executor->sessions);
    for (size_t i = 0; i < threads; i++) {
        executor->sessions[i].next = executor->idle;
        executor->idle = &executor->sessions[i];
    }
    pthread_mutex_lock(&executor->lock);
    for (; executor->count < threads; executor->count++, executor->running++)
        if (pthread_create(&executor->threads[executor->count], NULL, work, executor) != 0)
            break;
    executor->n_sessions = threads;
    pthread_mutex_unlock(&executor->lock);
    return executor;
}

bool executor_stop(struct executor *executor, int64_t timeout_ms)
{
    struct timespec until;
    bool ended;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(timeout_ms / 1000);
    pthread_mutex_lock(&executor->lock);
    executor->stopping = true;
    pthread_cond_broadcast(&executor->changed);
    while (executor->running > 0)
        if (pthread_cond_timedwait(&executor->changed, &executor->lock, &until) != 0)
            break;
    ended = executor->running == 0;
    pthread_mutex_unlock(&executor->lock);
    for (size_t i = 0; ended && i < executor->count; i++)
        pthread_join(executor->threads[i], NULL);
    return ended;
}

void executor_free(struct executor *executor)
{
    if (!executor)
        return;
    pthread_cond_destroy(&executor->changed);
    pthread_mutex_destroy(&executor->lock);
    turns_free(executor->turns);
    for (size_t i = 0; i < executor->n_sessions; i++)
        db_close(executor->sessions[i].db);
    free(executor->sessions);
    free(executor->threads);
    free(executor);
}

int executor_connected(const struct executor *executor)
{
    int connected = 0;

    for (size_t i = 0; i < executor->n_sessions; i++)
        connected += atomic_load(&executor->sessions[i].connected);
    return connected;
}

int executor_queued(struct executor *executor)
{
    int queued;

    pthread_mutex_lock(&executor->lock);
    queued = (int)turns_waiting(executor->turns);
    pthread_mutex_unlock(&executor->lock);
    return queued;
}

bool executor_has_room(struct executor *executor, const struct exchange *ex)
{
    bool room;

    pthread_mutex_lock(&executor->lock);
    room = turns_has_room(executor->turns, ex->client);
    pthread_mutex_unlock(&executor->lock);
    return room;
}

int64_t executor_delay_ms(struct executor *executor, const struct exchange *ex)
{
    int64_t since;

    pthread_mutex_lock(&executor->lock);
    since = turns_since(executor->turns, ex->client);
    pthread_mutex_unlock(&executor->lock);
    return since ? instant_monotonic() - since : 0;
}
