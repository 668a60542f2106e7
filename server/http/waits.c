/* One thread listens on JOB_CHANNEL and CATALOG_CHANNEL (whose notices have its name as key) with a connection of its own and sleeps in poll() until a notice,
 * a new wait or the nearest deadline. The last notices are kept in a ring with a running number: a
 * handler that looked at the database before a notice and comes to wait after it is woken at once.
 * While the database is away, waiting handlers run again every second. */
#include "http/waits.h"
#include "base/instant.h"
#include "http/executor.h"
#include "store/changes.h"
#include "store/jobs.h"
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { RING = 256, RETRY_MS = 1000 };

struct waits {
    struct server *server;
    pthread_t thread;
    pthread_mutex_t lock;
    int wake; /* eventfd */
    struct exchange *list;
    bool stopping;
    uint64_t seen; /* notices so far; number n lies at ring[n % RING] */
    char ring[RING][64];
    struct db *db; /* the thread's own */
    atomic_bool listening;
};

/* Something that could not be heard may have happened, or a notice for this key came since. */
static bool missed(const struct waits *waits, const struct exchange *ex)
{
    if (waits->seen - ex->notices_seen > RING)
        return true;
    for (uint64_t n = ex->notices_seen; n < waits->seen; n++)
        if (!strcmp(waits->ring[n % RING], ex->reply.wait_key))
            return true;
    return false;
}

static void wake_up(struct waits *waits, struct exchange *ex, bool timed_out)
{
    ex->rq.woken = true;
    ex->rq.timed_out = timed_out;
    executor_push(waits->server->executor, ex);
}

static void refuse(struct exchange *ex)
{
    err_set(&ex->err, ERR_InfrastructureMaintenance, "The server stops; ask again");
    executor_answer(ex);
}

static void nudge(struct waits *waits)
{
    uint64_t one = 1;

    if (write(waits->wake, &one, sizeof one) < 0)
        return; /* the counter is full: the thread is awake anyway */
}

uint64_t waits_seen(struct waits *waits)
{
    uint64_t seen;

    pthread_mutex_lock(&waits->lock);
    seen = waits->seen;
    pthread_mutex_unlock(&waits->lock);
    return seen;
}

void waits_add(struct waits *waits, struct exchange *ex)
{
    bool stopping, at_once;

    pthread_mutex_lock(&waits->lock);
    stopping = waits->stopping;
    at_once = !stopping && missed(waits, ex);
    if (!stopping && !at_once) {
        ex->next = waits->list;
        waits->list = ex;
    }
    pthread_mutex_unlock(&waits->lock);
    if (stopping)
        refuse(ex);
    else if (at_once)
        wake_up(waits, ex, false);
    else
        nudge(waits);
}

/* Takes out of the list what is due or waits for `key` ("*": all); the caller gets a list. */
static struct exchange *take(struct waits *waits, const char *key, int64_t now)
{
    struct exchange *taken = NULL;

    for (struct exchange **at = &waits->list; *at;) {
        struct exchange *ex = *at;
        bool due = ex->reply.wait_until <= now;

        if (!due && !(key && (!strcmp(key, "*") || !strcmp(key, ex->reply.wait_key)))) {
            at = &ex->next;
            continue;
        }
        ex->rq.timed_out = due;
        *at = ex->next;
        ex->next = taken;
        taken = ex;
    }
    return taken;
}

static void run_again(struct waits *waits, const char *key)
{
    struct exchange *taken, *next;

    pthread_mutex_lock(&waits->lock);
    if (key && strcmp(key, "*"))
        snprintf(waits->ring[waits->seen++ % RING], sizeof waits->ring[0], "%s", key);
    taken = take(waits, key, instant_monotonic());
    pthread_mutex_unlock(&waits->lock);
    for (; taken; taken = next) {
        next = taken->next;
        wake_up(waits, taken, taken->rq.timed_out);
    }
}

static int until_next(struct waits *waits)
{
    int64_t nearest = INT64_MAX, left;

    pthread_mutex_lock(&waits->lock);
    for (struct exchange *ex = waits->list; ex; ex = ex->next)
        if (ex->reply.wait_until < nearest)
            nearest = ex->reply.wait_until;
    pthread_mutex_unlock(&waits->lock);
    left = nearest == INT64_MAX ? -1 : nearest - instant_monotonic();
    if (nearest != INT64_MAX && left < 0)
        left = 0;
    if (!atomic_load(&waits->listening) && (left < 0 || left > RETRY_MS))
        left = RETRY_MS;
    return left > INT_MAX ? INT_MAX : (int)left;
}

static void listen_again(struct waits *waits)
{
    struct err err = { 0 };

    db_close(waits->db);
    waits->db = NULL;
    atomic_store(&waits->listening, db_open(waits->server->database_url, &waits->db, &err) &&
                                        db_listen(waits->db, JOB_CHANNEL, &err) &&
                                        db_listen(waits->db, CATALOG_CHANNEL, &err));
    run_again(waits, "*");
}

static void hear(struct waits *waits)
{
    const char *channel, *payload;

    while (db_notice(waits->db, &channel, &payload))
        run_again(waits, strcmp(channel, JOB_CHANNEL) ? channel : payload);
    if (!db_is_alive(waits->db))
        atomic_store(&waits->listening, false);
}

static bool is_stopping(struct waits *waits)
{
    bool stopping;

    pthread_mutex_lock(&waits->lock);
    stopping = waits->stopping;
    pthread_mutex_unlock(&waits->lock);
    return stopping;
}

static void *work(void *arg)
{
    struct waits *waits = arg;

    while (!is_stopping(waits)) {
        struct pollfd fds[2] = { { .fd = waits->wake, .events = POLLIN }, { .fd = -1 } };
        uint64_t count;

        if (!atomic_load(&waits->listening))
            listen_again(waits);
        if (atomic_load(&waits->listening))
            fds[1] = (struct pollfd){ .fd = db_socket(waits->db), .events = POLLIN };
        poll(fds, 2, until_next(waits));
        if (fds[0].revents && read(waits->wake, &count, sizeof count) < 0)
            continue;
        if (fds[1].revents)
            hear(waits);
        run_again(waits, NULL);
    }
    db_close(waits->db);
    return NULL;
}

struct waits *waits_new(struct server *server)
{
    struct waits *waits = MEM_NEW(struct waits);

    waits->server = server;
    waits->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&waits->lock, NULL);
    if (pthread_create(&waits->thread, NULL, work, waits) != 0)
        abort();
    return waits;
}

void waits_stop(struct waits *waits)
{
    struct exchange *all, *next;

    pthread_mutex_lock(&waits->lock);
    waits->stopping = true;
    all = waits->list;
    waits->list = NULL;
    pthread_mutex_unlock(&waits->lock);
    nudge(waits);
    pthread_join(waits->thread, NULL);
    for (; all; all = next) {
        next = all->next;
        refuse(all);
    }
}

void waits_free(struct waits *waits)
{
    if (!waits)
        return;
    close(waits->wake);
    pthread_mutex_destroy(&waits->lock);
    free(waits);
}

bool waits_listening(const struct waits *waits)
{
    return atomic_load(&waits->listening);
}
