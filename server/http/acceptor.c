/* MHD could listen itself, but cannot stop to: MHD_quiesce_daemon() takes the socket out of the epoll sets
 * of its pool while the threads of the pool do the same, and whoever comes second finds it gone and ends
 * the process. So a thread of ours waits for connections and adds them, and ends before MHD does. */
#include "http/acceptor.h"
#include "base/log.h"
#include "base/mem.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAUSE_MS = 50 }; /* until there may be room again */

struct acceptor {
    int socket, wake;
    uint64_t most, taken;
    struct MHD_Daemon *daemon;
    struct guard *guard;
    pthread_t thread;
};

/* False: it will not go better at once. */
static bool take(struct acceptor *acceptor)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    int fd = accept4(acceptor->socket, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        acceptor->taken += MHD_add_connection(acceptor->daemon, fd, (struct sockaddr *)&peer, length) == MHD_YES;
        return true;
    }
    if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
        return true; /* who came has left already */
    log_write(LOG_WARNING, NULL, "no connection can be taken: %s", strerror(errno));
    return false;
}

static void *work(void *arg)
{
    struct acceptor *acceptor = arg;
    bool good = true;

    for (;;) {
        bool room = good && acceptor->taken - guard_closed(acceptor->guard) < acceptor->most;
        struct pollfd fds[] = { { .fd = acceptor->wake, .events = POLLIN },
                                { .fd = room ? acceptor->socket : -1, .events = POLLIN } };

        poll(fds, ARRAY_LEN(fds), room ? -1 : PAUSE_MS);
        if (fds[0].revents)
            return NULL;
        good = !fds[1].revents || take(acceptor);
    }
}

static void acceptor_free(struct acceptor *acceptor)
{
    close(acceptor->wake);
    free(acceptor);
}

bool acceptor_start(int socket, size_t most, struct MHD_Daemon *daemon, struct guard *guard,
                    struct acceptor **ret_acceptor, struct err *err)
{
    struct acceptor *acceptor = MEM_NEW(struct acceptor);

    acceptor->socket = socket;
    acceptor->most = most;
    acceptor->daemon = daemon;
    acceptor->guard = guard;
    acceptor->wake = eventfd(0, EFD_CLOEXEC);
    if (acceptor->wake < 0 || pthread_create(&acceptor->thread, NULL, work, acceptor) != 0) {
        acceptor_free(acceptor);
        return err_set(err, ERR_Internal, "The thread that takes connections cannot be started");
    }
    *ret_acceptor = acceptor;
    return true;
}

void acceptor_stop(struct acceptor *acceptor)
{
    if (!acceptor)
        return;
    eventfd_write(acceptor->wake, 1);
    pthread_join(acceptor->thread, NULL);
    close(acceptor->socket);
    acceptor_free(acceptor);
}
