/* MHD closes a connection that is silent for a while, but one that sends a byte now and then could
 * stay in its headers for ever and use up the connections. So each connection notes since when it has
 * been waited for, and a thread looks through them every second. MHD tells us before it closes a
 * socket, so that a number never belongs to another connection by the time it is shut down. */
#include "http/guard.h"
#include "base/instant.h"
#include "base/mem.h"
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>

struct link {
    int fd;
    int64_t since; /* instant_monotonic(); 0: it does not count now */
    struct link *next, **back;
};

struct guard {
    int64_t timeout_ms;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool stopping;
    struct link *links;
    uint64_t closed;
};

static void look(struct guard *guard)
{
    int64_t now = instant_monotonic();

    for (struct link *link = guard->links; link; link = link->next)
        if (link->since && now - link->since > guard->timeout_ms)
            shutdown(link->fd, SHUT_RDWR);
}

static void *work(void *arg)
{
    struct guard *guard = arg;

    pthread_mutex_lock(&guard->lock);
    while (!guard->stopping) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        pthread_cond_timedwait(&guard->stop, &guard->lock, &until);
        look(guard);
    }
    pthread_mutex_unlock(&guard->lock);
    return NULL;
}

struct guard *guard_new(int64_t timeout_ms)
{
    struct guard *guard = MEM_NEW(struct guard);

    guard->timeout_ms = timeout_ms;
    pthread_mutex_init(&guard->lock, NULL);
    pthread_cond_init(&guard->stop, NULL);
    if (pthread_create(&guard->thread, NULL, work, guard) != 0)
        abort();
    return guard;
}

void guard_free(struct guard *guard)
{
    if (!guard)
        return;
    pthread_mutex_lock(&guard->lock);
    guard->stopping = true;
    pthread_cond_signal(&guard->stop);
    pthread_mutex_unlock(&guard->lock);
    pthread_join(guard->thread, NULL);
    pthread_cond_destroy(&guard->stop);
    pthread_mutex_destroy(&guard->lock);
    free(guard);
}

uint64_t guard_closed(struct guard *guard)
{
    uint64_t closed;

    pthread_mutex_lock(&guard->lock);
    closed = guard->closed;
    pthread_mutex_unlock(&guard->lock);
    return closed;
}

void guard_on_connection(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_ConnectionNotificationCode code)
{
    struct guard *guard = arg;
    struct link *link = *state;

    pthread_mutex_lock(&guard->lock);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        link = MEM_NEW(struct link);
        link->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        link->since = instant_monotonic();
        link->next = guard->links;
        link->back = &guard->links;
        if (link->next)
            link->next->back = &link->next;
        guard->links = link;
        *state = link;
    } else if (link) {
        *link->back = link->next;
        if (link->next)
            link->next->back = link->back;
        guard->closed++;
        free(link);
        *state = NULL;
    }
    pthread_mutex_unlock(&guard->lock);
}

static void set_since(struct guard *guard, struct MHD_Connection *connection, int64_t since)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    pthread_mutex_lock(&guard->lock);
    if (info && info->socket_context)
        ((struct link *)info->socket_context)->since = since;
    pthread_mutex_unlock(&guard->lock);
}

void guard_rests(struct guard *guard, struct MHD_Connection *connection)
{
    set_since(guard, connection, 0);
}

void guard_waits(struct guard *guard, struct MHD_Connection *connection)
{
    set_since(guard, connection, instant_monotonic());
}
