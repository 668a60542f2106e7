/* bubblewrap makes the namespaces and starts the command below a process of its own, the first one of its
 * process namespace: when that is killed, the kernel ends all that lives inside, however it clings to
 * life. We hold it by a process descriptor, whose end tells that nothing is left.
 *
 * Single processes are bounded by the kernel (data, file size, CPU time, number of processes). What all use
 * together is looked at every TICK_MS and, on the disk, as often as a fortieth of the time allows. */
#include "sandbox/sandbox.h"
#include "base/instant.h"
#include "base/mem.h"
#include "base/text.h"
#include "sandbox/usage.h"
#include "sandbox/words.h"
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TICK_MS = 20, DISK_MS = 100, DISK_SHARE = 40, LINE_BYTES = 2000, START_MS = 20000, END_MS = 30000,
       OPEN_FILES = 4096 };
/* Users that nobody is: systemd leaves this range alone. 22 bits of the process's number, 6 of a counter. */
enum { FIRST_USER = 0x70000000, USER_COUNTER_BITS = 6 };

struct stream {
    int fd;
    bool is_error;
    char line[LINE_BYTES + 1];
    size_t length;
};

struct sandbox_process {
    struct sandbox wanted;
    pid_t bubblewrap, first; /* first: of the process namespace, as seen from here */
    int first_fd;
    struct stream streams[2];
    int64_t started, next_tick, next_disk, told_bytes;
    bool ended, log_full;
    int status;         /* of waitpid() */
    char last[401];     /* line of stderr */
    struct sandbox_end end;
    enum sandbox_ending limit; /* that was passed; SANDBOX_EXITED: none */
    _Atomic bool stopped;
};

/* ---- lines ---- */

static void tell_line(struct sandbox_process *p, struct stream *stream)
{
    stream->line[stream->length] = '\0';
    text_repair_utf8(stream->line);
    if (stream->is_error && stream->length)
        snprintf(p->last, sizeof p->last, "%.400s", stream->line);
    if (!p->log_full && p->told_bytes + (int64_t)stream->length > p->wanted.limits.log_bytes) {
        p->log_full = true;
        snprintf(stream->line, sizeof stream->line, "(more than %lld bytes were written; the rest is not kept)",
                 (long long)p->wanted.limits.log_bytes);
        if (p->wanted.line)
            p->wanted.line(p->wanted.context, true, stream->line);
    }
    if (!p->log_full && p->wanted.line)
        p->wanted.line(p->wanted.context, stream->is_error, stream->line);
    p->told_bytes += (int64_t)stream->length + 1;
    stream->length = 0;
}

/* Closes the stream at its end. Returns false when nothing was there. */
static bool read_stream(struct sandbox_process *p, struct stream *stream)
{
    char bytes[8192];
    ssize_t got = read(stream->fd, bytes, sizeof bytes);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    for (ssize_t i = 0; i < got; i++) {
        if (bytes[i] == '\n' || stream->length == LINE_BYTES)
            tell_line(p, stream);
        if (bytes[i] != '\n')
            stream->line[stream->length++] = bytes[i] ? bytes[i] : '?';
    }
    if (got > 0)
        return true;
    if (stream->length)
        tell_line(p, stream);
    close(stream->fd);
    stream->fd = -1;
    return false;
}

/* ---- start ---- */

static int file_of(const char *text)
{
    int file = memfd_create("sandbox", 0);

    if (file >= 0 && (write(file, text, strlen(text)) != (ssize_t)strlen(text) || lseek(file, 0, SEEK_SET)))
        _exit(126);
    return file;
}

static void set_limit(int resource, int64_t most)
{
    struct rlimit limit = { (rlim_t)most, (rlim_t)most }, now;

    if (getrlimit(resource, &now) == 0 && now.rlim_max < limit.rlim_max)
        limit.rlim_cur = limit.rlim_max = now.rlim_max;
    setrlimit(resource, &limit);
}

static void set_limits(const struct sandbox_limits *limits)
{
    struct rlimit space;

    if (getrlimit(RLIMIT_AS, &space) == 0) { /* a task's bound is meant for its own pixels */
        space.rlim_cur = space.rlim_max;
        setrlimit(RLIMIT_AS, &space);
    }
    set_limit(RLIMIT_DATA, limits->memory_bytes);
    set_limit(RLIMIT_FSIZE, limits->disk_bytes);
    set_limit(RLIMIT_CPU, limits->cpu_seconds + 1);
    set_limit(RLIMIT_NOFILE, OPEN_FILES);
    set_limit(RLIMIT_CORE, 0);
}

static void place(int from, int to)
{
    if (from < 0 || (from == to ? fcntl(to, F_SETFD, 0) : dup2(from, to)) < 0)
        _exit(126);
}

/* No descriptor of ours comes along, whoever forgot to say so. */
static void close_others(const struct words_files *files)
{
    const int keep[] = { files->users, files->groups, files->hosts, files->told };
    int at = 3;

    for (size_t i = 0; i < ARRAY_LEN(keep); i++) { /* in rising order: made so */
        if (keep[i] > at)
            syscall(SYS_close_range, at, keep[i] - 1, 0);
        at = keep[i] + 1;
    }
    syscall(SYS_close_range, at, ~0U, 0);
}

/* In the new process. */
static void become(const struct sandbox *s, uid_t uid, int output, int errors, int told)
{
    struct words_files files = { 0 };
    struct words words;
    AUTO(mem) char *users = NULL, *groups = NULL;
    long long user = uid ? (long long)uid : SANDBOX_USER;
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    place(s->input > 0 ? s->input : open("/dev/null", O_RDONLY), STDIN_FILENO);
    place(output, STDOUT_FILENO);
    place(errors, STDERR_FILENO);
    users = mem_printf("user:x:%lld:%lld::%s:/bin/sh\n", user, user, s->folder ? s->folder : "/");
    groups = mem_printf("user:x:%lld:\n", user);
    files.users = fcntl(file_of(users), F_DUPFD, 100); /* above all that is closed below, and rising */
    files.groups = fcntl(file_of(groups), F_DUPFD, files.users + 1);
    files.hosts = fcntl(file_of("127.0.0.1 localhost sandbox\n::1 localhost\n"), F_DUPFD, files.groups + 1);
    files.told = fcntl(told, F_DUPFD, files.hosts + 1);
    close_others(&files);
    for (int fd = files.users; s->container && fd < files.told; fd++)
        close(fd); /* its /etc is the image's */
    words_make(&words, s, &files, uid);
    set_limits(&s->limits); /* from here on little memory can be had */
    execvp("bwrap", words.list);
    dprintf(STDERR_FILENO, "bwrap: %s\n", strerror(errno));
    _exit(127);
}

static bool own(const char *folder, uid_t uid, struct err *err)
{
    char *paths[] = { (char *)(uintptr_t)folder, NULL };
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    FTSENT *entry;
    bool good = walk != NULL;

    while (good && (entry = fts_read(walk)))
        good = entry->fts_info == FTS_DP || lchown(entry->fts_accpath, uid, uid) == 0;
    if (walk)
        fts_close(walk);
    return good || err_set(err, ERR_StorageFailure, "%s: could not be given to the command: %s", folder,
                           strerror(errno));
}

bool sandbox_own(const char *folder, struct err *err)
{
    return own(folder, geteuid(), err);
}

static bool choose_user(const struct sandbox *s, uid_t *ret_uid, struct err *err)
{
    static _Atomic unsigned counter;
    unsigned count = atomic_fetch_add(&counter, 1);

    *ret_uid = 0;
    if (geteuid() != 0)
        return true;
    *ret_uid = (uid_t)FIRST_USER | ((uid_t)getpid() & 0x3fffff) << USER_COUNTER_BITS |
               (count & ((1 << USER_COUNTER_BITS) - 1));
    for (size_t i = 0; i < s->n_binds; i++)
        if (s->binds[i].writable && !own(s->binds[i].outside, *ret_uid, err))
            return false;
    return true;
}

struct pipes {
    int output[2], errors[2], told[2];
};

static void close_all(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static bool make_pipes(const struct sandbox *s, struct pipes *pipes, struct err *err)
{
    *pipes = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
    if (pipe2(pipes->told, O_CLOEXEC) || (!s->output && pipe2(pipes->output, O_CLOEXEC)) ||
        (!s->errors && pipe2(pipes->errors, O_CLOEXEC))) {
        int saved = errno;

        close_all(&pipes->output[0], sizeof *pipes / sizeof(int));
        return err_set(err, ERR_Internal, "No pipe for a command: %s", strerror(saved));
    }
    return true;
}

/* bubblewrap's word about the first process inside. False when it ended without. */
static bool read_first(struct sandbox_process *p, int told)
{
    int64_t until = instant_monotonic() + START_MS;
    char text[1024] = "";
    size_t length = 0;
    const char *at;

    while (length < sizeof text - 1 && instant_monotonic() < until) {
        struct pollfd polled = { told, POLLIN, 0 };
        ssize_t got;

        if (poll(&polled, 1, TICK_MS) <= 0)
            continue;
        got = read(told, text + length, sizeof text - 1 - length);
        if (got <= 0)
            break;
        length += (size_t)got;
        text[length] = '\0';
        if (strchr(text, '}'))
            break;
    }
    at = strstr(text, "\"child-pid\":");
    if (!at || sscanf(at + strlen("\"child-pid\":"), "%d", &p->first) != 1)
        return false;
    p->first_fd = (int)syscall(SYS_pidfd_open, p->first, 0);
    return p->first_fd >= 0 || errno == ESRCH;
}

static bool refuse_start(struct sandbox_process *p, struct err *err)
{
    kill(p->bubblewrap, SIGKILL);
    waitpid(p->bubblewrap, &p->status, 0);
    for (size_t i = 0; i < ARRAY_LEN(p->streams); i++)
        while (p->streams[i].fd >= 0 && read_stream(p, &p->streams[i]))
            ;
    return err_set(err, ERR_SandboxUnavailable, "%s",
                   !strcmp(p->last, "bwrap: No such file or directory")
                       ? "bubblewrap (the command bwrap) is not installed"
                       : (*p->last ? p->last : "bubblewrap ended without a word"));
}

bool sandbox_start(const struct sandbox *s, struct sandbox_process **ret_process, struct err *err)
{
    struct sandbox_process *p;
    struct pipes pipes;
    uid_t uid;

    if (!choose_user(s, &uid, err) || !make_pipes(s, &pipes, err))
        return false;
    p = MEM_NEW(struct sandbox_process);
    p->wanted = *s;
    p->first_fd = -1;
    p->started = instant_monotonic();
    p->bubblewrap = fork();
    if (p->bubblewrap == 0)
        become(s, uid, s->output ? s->output : pipes.output[1], s->errors ? s->errors : pipes.errors[1],
               pipes.told[1]);
    close_all((int[]){ pipes.told[1], pipes.output[1], pipes.errors[1] }, 3);
    p->streams[0] = (struct stream){ .fd = pipes.output[0] };
    p->streams[1] = (struct stream){ .fd = pipes.errors[0], .is_error = true };
    for (size_t i = 0; i < ARRAY_LEN(p->streams); i++)
        if (p->streams[i].fd >= 0)
            fcntl(p->streams[i].fd, F_SETFL, O_NONBLOCK);
    if (p->bubblewrap < 0 || !read_first(p, pipes.told[0])) {
        bool good = p->bubblewrap < 0 ? err_set(err, ERR_Internal, "No process for a command: %s", strerror(errno))
                                      : refuse_start(p, err);

        close_all((int[]){ pipes.told[0], p->streams[0].fd, p->streams[1].fd, p->first_fd }, 4);
        free(p);
        return good;
    }
    close(pipes.told[0]);
    *ret_process = p;
    return true;
}

/* ---- while it runs ---- */

static void end_all(struct sandbox_process *p)
{
    if (p->first_fd >= 0)
        syscall(SYS_pidfd_send_signal, p->first_fd, SIGKILL, NULL, 0);
    if (!p->ended)
        kill(p->bubblewrap, SIGKILL);
}

static void pass_limit(struct sandbox_process *p, enum sandbox_ending limit)
{
    if (p->limit == SANDBOX_EXITED)
        p->limit = limit;
    end_all(p);
}

static void watch_disk(struct sandbox_process *p, int64_t now)
{
    const struct sandbox_limits *limits = &p->wanted.limits;
    struct disk_usage usage = { 0 };
    int64_t took;

    for (size_t i = 0; i < p->wanted.n_binds; i++)
        if (p->wanted.binds[i].writable)
            usage_of_folder(p->wanted.binds[i].outside, limits->disk_bytes, limits->files, &usage);
    if (p->wanted.container)
        usage_of_folder(p->wanted.container->scratch, limits->disk_bytes, limits->files, &usage);
    usage_of_removed(p->first, &usage);
    if (usage.bytes > limits->disk_bytes)
        pass_limit(p, SANDBOX_DISK);
    else if (usage.files > limits->files)
        pass_limit(p, SANDBOX_FILES);
    took = instant_monotonic() - now;
    p->next_disk = now + (took * DISK_SHARE > DISK_MS ? took * DISK_SHARE : DISK_MS);
}

static void watch(struct sandbox_process *p, int64_t now)
{
    const struct sandbox_limits *limits = &p->wanted.limits;
    struct usage usage;

    usage_of(p->first, limits->processes, false, &usage);
    if (usage.memory_bytes > limits->memory_bytes)
        usage_of(p->first, limits->processes, true, &usage);
    if (usage.memory_bytes > p->end.most_memory_bytes)
        p->end.most_memory_bytes = usage.memory_bytes;
    if (usage.cpu_seconds > p->end.cpu_seconds)
        p->end.cpu_seconds = usage.cpu_seconds;
    if (usage.tasks > limits->processes)
        pass_limit(p, SANDBOX_PROCESSES);
    else if (usage.memory_bytes > limits->memory_bytes)
        pass_limit(p, SANDBOX_MEMORY);
    else if (usage.cpu_seconds > (double)limits->cpu_seconds)
        pass_limit(p, SANDBOX_CPU);
    else if (now - p->started > limits->wall_ms)
        pass_limit(p, SANDBOX_TIME);
    if (now >= p->next_disk)
        watch_disk(p, now);
    p->next_tick = instant_monotonic() + TICK_MS;
}

bool sandbox_step(struct sandbox_process *p, int wait_ms)
{
    int64_t now = instant_monotonic();
    int most = (int)(p->next_tick > now ? p->next_tick - now : 0);
    struct pollfd polled[] = { { p->streams[0].fd, POLLIN, 0 },
                               { p->streams[1].fd, POLLIN, 0 },
                               { p->first_fd, POLLIN, 0 } };

    if (p->ended)
        return false;
    poll(polled, ARRAY_LEN(polled), wait_ms < most ? wait_ms : most);
    for (size_t i = 0; i < ARRAY_LEN(p->streams); i++)
        if (p->streams[i].fd >= 0 && polled[i].revents)
            read_stream(p, &p->streams[i]);
    if (atomic_load(&p->stopped))
        pass_limit(p, SANDBOX_STOPPED);
    now = instant_monotonic();
    if (now >= p->next_tick)
        watch(p, now);
    p->ended = waitpid(p->bubblewrap, &p->status, WNOHANG) == p->bubblewrap;
    return !p->ended;
}

void sandbox_kill(struct sandbox_process *p)
{
    atomic_store(&p->stopped, true);
}

/* ---- the end ---- */

static void describe_limit(const struct sandbox_process *p, struct sandbox_end *end)
{
    const struct sandbox_limits *l = &p->wanted.limits;
    const struct { const char *format; double most; } texts[] = {
        [SANDBOX_TIME] = { "it ran for more than %.6g s", (double)l->wall_ms / 1000 },
        [SANDBOX_CPU] = { "it used more than %.6g s of CPU time", (double)l->cpu_seconds },
        [SANDBOX_MEMORY] = { "it used more than %.6g MiB of memory", (double)l->memory_bytes / (1 << 20) },
        [SANDBOX_DISK] = { "it wrote more than %.6g MiB", (double)l->disk_bytes / (1 << 20) },
        [SANDBOX_FILES] = { "it made more than %.9g files", (double)l->files },
        [SANDBOX_PROCESSES] = { "it started more than %.9g processes and threads", (double)l->processes },
    };

    if (end->ending == SANDBOX_STOPPED)
        snprintf(end->message, sizeof end->message, "it was stopped");
    else
        snprintf(end->message, sizeof end->message, texts[end->ending].format, texts[end->ending].most);
}

/* The kernel's own bounds end single processes with these signals; a shell tells 128 + the signal. */
static enum sandbox_ending bound_of(int signal_number)
{
    return signal_number == SIGXCPU ? SANDBOX_CPU : signal_number == SIGXFSZ ? SANDBOX_DISK : SANDBOX_EXITED;
}

static void describe(const struct sandbox_process *p, struct sandbox_end *end)
{
    int code = WIFEXITED(p->status) ? WEXITSTATUS(p->status) : 0;
    int number = WIFSIGNALED(p->status) ? WTERMSIG(p->status) : code > 128 && code < 128 + 32 ? code - 128 : 0;

    end->wall_seconds = (double)(instant_monotonic() - p->started) / 1000;
    end->ending = p->limit != SANDBOX_EXITED ? p->limit : bound_of(number);
    end->status = number ? number : code;
    if (end->ending != SANDBOX_EXITED) {
        describe_limit(p, end);
    } else if (number) {
        end->ending = SANDBOX_SIGNALED;
        snprintf(end->message, sizeof end->message, "it was ended by signal %d (%s)", number,
                 sigdescr_np(number) ? sigdescr_np(number) : "?");
    } else if (code) {
        snprintf(end->message, sizeof end->message, "it ended with status %d%s%.300s", code,
                 *p->last ? ": " : "", p->last);
    }
}

void sandbox_finish(struct sandbox_process *p, struct sandbox_end *ret_end)
{
    int64_t until = instant_monotonic() + END_MS;

    if (!p->ended) {
        pass_limit(p, SANDBOX_STOPPED);
        p->ended = waitpid(p->bubblewrap, &p->status, 0) == p->bubblewrap;
    }
    end_all(p);
    while (p->first_fd >= 0 && poll(&(struct pollfd){ p->first_fd, POLLIN, 0 }, 1, 100) == 0 &&
           instant_monotonic() < until)
        end_all(p);
    for (size_t i = 0; i < ARRAY_LEN(p->streams); i++)
        while (p->streams[i].fd >= 0 && read_stream(p, &p->streams[i]))
            ;
    if (ret_end) {
        describe(p, &p->end);
        *ret_end = p->end;
    }
    close_all((int[]){ p->first_fd, p->streams[0].fd, p->streams[1].fd }, 3);
    free(p);
}

bool sandbox_run(const struct sandbox *s, struct sandbox_end *ret_end, struct err *err)
{
    struct sandbox_process *p;

    if (!sandbox_start(s, &p, err))
        return false;
    while (sandbox_step(p, TICK_MS))
        ;
    sandbox_finish(p, ret_end);
    return true;
}

bool sandbox_check(struct err *err)
{
    char *const words[] = { "/usr/bin/true", NULL };
    struct sandbox s = { .words = words,
                         .limits = { 1LL << 30, 1 << 20, 100, 100, 10, START_MS, 10000 } };
    struct sandbox_end end;

    if (!sandbox_run(&s, &end, err))
        return false;
    return end.ending == SANDBOX_EXITED && end.status == 0 ? true
               : err_set(err, ERR_SandboxUnavailable, "A command in a sandbox failed: %s", end.message);
}
