/* The zygote. Registering GDAL's drivers takes long and forking a process with much memory too, so
 * the supervisor forks this one once while it is small, and this one forks a child a task.
 *
 * A child is in a process group of its own (killing a task kills all that it started), can gain no
 * privileges, has bounded address space, and dies with the zygote, which dies with the supervisor. */
#include "jobs/zygote.h"
#include "base/log.h"
#include "raster/engine.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_CHILDREN = 1024 };

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

struct zygote {
    const struct config *config;
    const char *url;
    int socket, signals;
    struct {
        pid_t pid;
        int slot;
    } children[MAX_CHILDREN];
};

bool zygote_fork(int zygote_socket, const struct wire_fork *request, int child_socket,
                 struct err *err)
{
    struct wire_fork copy = *request;
    char control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec part = { &copy, sizeof copy };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                              .msg_controllen = sizeof control };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    bool sent;

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &child_socket, sizeof(int));
    sent = sendmsg(zygote_socket, &message, MSG_NOSIGNAL) == (ssize_t)sizeof copy;
    close(child_socket);
    return sent || err_set(err, ERR_Internal, "A task process could not be asked for: %s",
                           strerror(errno));
}

/* False at the end of the socket. *ret_socket is -1 when none came along. */
static bool receive(int socket, struct wire_fork *ret_request, int *ret_socket)
{
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec part = { ret_request, sizeof *ret_request };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                              .msg_controllen = sizeof control };
    ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;

    *ret_socket = -1;
    if (header && header->cmsg_type == SCM_RIGHTS)
        memcpy(ret_socket, CMSG_DATA(header), sizeof(int));
    return got == (ssize_t)sizeof *ret_request;
}

/* In the child. What is mapped already (the program and its libraries) comes on top. */
static void confine(int64_t memory_bytes)
{
    rlim_t most = (rlim_t)(mem_address_space() + memory_bytes);
    struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_NAME, "sentier-task");
    if (SANITIZED) /* the sanitizers' shadow memory needs terabytes of address space */
        return;
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = most < limit.rlim_max ? most : limit.rlim_max; /* not that of an operator's command */
    setrlimit(RLIMIT_AS, &limit);
}

static void tell(const struct zygote *z, const struct wire_process *what)
{
    if (send(z->socket, what, sizeof *what, MSG_NOSIGNAL) < 0)
        _exit(0); /* the supervisor is gone */
}

static void fork_child(struct zygote *z, const struct wire_fork *request, int socket)
{
    pid_t zygote = getpid(), pid = fork();
    sigset_t none;

    if (pid == 0) {
        confine(request->memory_bytes);
        if (getppid() != zygote)
            _exit(0);
        close(z->socket);
        close(z->signals);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        child_live(z->config, z->url, socket);
    }
    close(socket);
    if (pid < 0) {
        tell(z, &(struct wire_process){ PROCESS_ENDED, request->slot, 0, W_EXITCODE(111, 0) });
        return;
    }
    setpgid(pid, pid);
    for (size_t i = 0; i < MAX_CHILDREN; i++) {
        if (z->children[i].pid)
            continue;
        z->children[i].pid = pid;
        z->children[i].slot = request->slot;
        break;
    }
    tell(z, &(struct wire_process){ PROCESS_STARTED, request->slot, pid, 0 });
}

static void reap_children(struct zygote *z)
{
    struct signalfd_siginfo info;
    pid_t pid;
    int status;

    if (read(z->signals, &info, sizeof info) < 0)
        return;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        kill(-pid, SIGKILL); /* what it may have started */
        for (size_t i = 0; i < MAX_CHILDREN; i++) {
            if (z->children[i].pid != pid)
                continue;
            z->children[i].pid = 0;
            tell(z, &(struct wire_process){ PROCESS_ENDED, z->children[i].slot, pid, status });
        }
    }
}

/* The supervisor's sockets are copies that would keep its connections open. The descriptor of a
 * folder (O_PATH) may be part of the database's address. */
static void close_inherited(int but)
{
    for (int fd = 3; fd < 4096; fd++) {
        int flags = fcntl(fd, F_GETFL);

        if (flags >= 0 && fd != but && !(flags & O_PATH))
            close(fd);
    }
}

static void live(struct zygote *z)
{
    sigset_t signals;

    signal(SIGALRM, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGINT); /* Ctrl-C is for the supervisor */
    sigprocmask(SIG_SETMASK, &signals, NULL);
    sigdelset(&signals, SIGINT);
    z->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    raster_init();
    for (;;) {
        struct pollfd polled[] = { { z->socket, POLLIN, 0 }, { z->signals, POLLIN, 0 } };
        struct wire_fork request;
        int socket;

        if (poll(polled, 2, -1) < 0)
            continue;
        if (polled[1].revents)
            reap_children(z);
        if (!polled[0].revents)
            continue;
        if (!receive(z->socket, &request, &socket))
            _exit(0);
        fork_child(z, &request, socket);
    }
}

bool zygote_start(const struct config *config, const char *url, int *ret_socket, pid_t *ret_pid,
                  struct err *err)
{
    int pair[2];
    pid_t parent = getpid(), pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return err_set(err, ERR_Internal, "No sockets for task processes: %s", strerror(errno));
    pid = fork();
    if (pid == 0) {
        static struct zygote zygote;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, "sentier-zygote");
        if (getppid() != parent)
            _exit(0);
        setpgid(0, 0);
        close_inherited(pair[1]);
        zygote = (struct zygote){ .config = config, .url = url, .socket = pair[1] };
        live(&zygote);
        _exit(0);
    }
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return err_set(err, ERR_Internal, "The worker could not fork: %s", strerror(errno));
    }
    *ret_socket = pair[0];
    *ret_pid = pid;
    return true;
}
