/* The processes of `sentier up`. They tell that they are ready as to systemd: a datagram to
 * NOTIFY_SOCKET. One that dies is started again after a pause that doubles while it keeps dying. */
#include "pool/roles.h"
#include "base/id.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* What works for a while and then dies is wanted back soon; what dies before it works is not. */
enum { FIRST_PAUSE_MS = 200, READY_PAUSE_MS = 1000, LONGEST_PAUSE_MS = 10000, STABLE_MS = 10000,
       STEP_US = 10000 };

bool roles_open(struct roles *roles, struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int yes = 1;
    size_t length;

    snprintf(roles->address, sizeof roles->address, "@sentier-%d-%" PRIx64, (int)getpid(),
             (uint64_t)id_token63());
    length = strlen(roles->address);
    memcpy(address.sun_path, roles->address, length);
    address.sun_path[0] = '\0'; /* an abstract name: no file is left behind */
    roles->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (roles->notify < 0 ||
        bind(roles->notify, (struct sockaddr *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) ||
        setsockopt(roles->notify, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes))
        return err_set(err, ERR_Internal, "No socket for messages of child processes: %s",
                       strerror(errno));
    return true;
}

void roles_add(struct roles *roles, const char *name, char *const *options,
               int64_t stop_timeout_ms)
{
    if (roles->count < MAX_ROLES)
        roles->process[roles->count++] = (struct role_process){ .name = name, .options = options,
                                                                .stop_timeout_ms = stop_timeout_ms,
                                                                .pause_ms = FIRST_PAUSE_MS };
}

static void become(const struct roles *roles, const struct role_process *role, pid_t parent)
{
    char *argv[64] = { (char *)"sentier", (char *)role->name };
    sigset_t none;
    size_t n = 2;

    for (char *const *option = role->options; *option && n < ARRAY_LEN(argv) - 1; option++)
        argv[n++] = *option;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0); /* Ctrl-C is for our parent, who ends us in order */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    setenv("NOTIFY_SOCKET", roles->address, 1);
    if (getppid() == parent)
        execv("/proc/self/exe", argv);
    _exit(127);
}

bool roles_start(struct roles *roles, struct err *err)
{
    pid_t parent = getpid();

    for (size_t i = 0; i < roles->count; i++) {
        struct role_process *role = &roles->process[i];

        if (role->pid || instant_monotonic() < role->restart_at)
            continue;
        role->pid = fork();
        if (role->pid == 0)
            become(roles, role, parent);
        if (role->pid < 0) {
            role->pid = 0;
            return err_set(err, ERR_Internal, "sentier %s could not be started: %s", role->name,
                           strerror(errno));
        }
        role->started = instant_monotonic();
        role->ready = false;
    }
    return true;
}

static struct role_process *find(struct roles *roles, pid_t pid)
{
    for (size_t i = 0; i < roles->count; i++)
        if (roles->process[i].pid == pid)
            return &roles->process[i];
    return NULL;
}

static void read_message(struct roles *roles, const char *text, pid_t pid)
{
    struct role_process *role = find(roles, pid);
    const char *status = strstr(text, "STATUS=");

    if (!role)
        return;
    if (strstr(text, "READY=1"))
        role->ready = role->was_ready = true;
    if (status && !strcmp(role->name, "serve")) {
        snprintf(roles->url, sizeof roles->url, "%s", status + strlen("STATUS="));
        roles->url[strcspn(roles->url, "\n")] = '\0';
    }
}

void roles_read(struct roles *roles)
{
    char text[512], control[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec part = { text, sizeof text - 1 };

    for (;;) {
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                                  .msg_controllen = sizeof control };
        ssize_t got = recvmsg(roles->notify, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        struct cmsghdr *header = got >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
        struct ucred who = { 0 };

        if (got < 0)
            return;
        text[got] = '\0';
        if (header && header->cmsg_type == SCM_CREDENTIALS)
            memcpy(&who, CMSG_DATA(header), sizeof who);
        read_message(roles, text, who.pid);
    }
}

bool roles_all_ready(const struct roles *roles)
{
    for (size_t i = 0; i < roles->count; i++)
        if (!roles->process[i].ready)
            return false;
    return true;
}

bool roles_ended(struct roles *roles, pid_t pid, int status, bool *ret_fatal)
{
    struct role_process *role = find(roles, pid);
    int64_t now = instant_monotonic(), longest;

    *ret_fatal = false;
    if (!role)
        return false;
    roles_read(roles);
    longest = role->ready ? READY_PAUSE_MS : LONGEST_PAUSE_MS;
    role->pid = 0;
    role->ready = false;
    *ret_fatal = !role->was_ready;
    if (now - role->started > STABLE_MS)
        role->pause_ms = FIRST_PAUSE_MS;
    role->restart_at = now + role->pause_ms;
    if (WIFSIGNALED(status))
        log_write(LOG_WARNING, NULL, "sentier %s (%d) was ended by signal %d", role->name, (int)pid,
                  WTERMSIG(status));
    else
        log_write(LOG_WARNING, NULL, "sentier %s (%d) ended with status %d", role->name, (int)pid,
                  WEXITSTATUS(status));
    role->pause_ms = role->pause_ms * 2 > longest ? longest : role->pause_ms * 2;
    return true;
}

void roles_stop(struct roles *roles)
{
    for (size_t i = 0; i < roles->count; i++) {
        struct role_process *role = &roles->process[i];
        int64_t deadline = instant_monotonic() + role->stop_timeout_ms;

        if (!role->pid)
            continue;
        kill(role->pid, SIGTERM);
        /* those of the same kind end together */
        for (size_t k = i + 1; k < roles->count && !strcmp(roles->process[k].name, role->name); k++)
            if (roles->process[k].pid)
                kill(roles->process[k].pid, SIGTERM);
        while (waitpid(role->pid, NULL, WNOHANG) == 0) {
            if (instant_monotonic() > deadline)
                kill(role->pid, SIGKILL);
            usleep(STEP_US);
        }
        role->pid = 0;
    }
    if (roles->notify >= 0)
        close(roles->notify);
}
