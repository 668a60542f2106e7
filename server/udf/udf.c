/* Talks with the interpreter through two pipes; stderr, which print() goes to as well, is read line by line
 * by the sandbox. Whoever waits for an answer holds the limits meanwhile: the sandbox's own are looked after
 * with every step, a call has an end. What goes wrong with the process (it ended, it passed a bound, it said
 * what is no answer) ends the interpreter; an exception of the user's does not. */
#include "udf/udf.h"
#include "base/instant.h"
#include "base/mem.h"
#include "json/js.h"
#include "sandbox/sandbox.h"
#include "udf/runtime.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

extern const char udf_runner[]; /* processes/udf/runner.py */

enum { MOST_FUNCTIONS = 1000, PIPE_BYTES = 1 << 20, TICK_MS = 10, START_S = 120, MOST_LINES = 1000,
       END_MS = 10000, LOG_BYTES = 256 << 10, FILES = 1000, TASKS = 64, DISK_BYTES = 64 << 20, MOST_BINDS = 32,
       LEAST_LEFT_BYTES = 64 << 20 /* for the process itself */ };

struct udf_session {
    const struct config *config;
    struct udf_listener listener;
    struct sandbox_process *process; /* NULL: none is running */
    struct sandbox_bind binds[MOST_BINDS]; /* of the process, as long as it runs */
    int64_t taken_bytes; /* off this process's own bound, meanwhile */
    int to, from;
    struct answers answers;
    size_t n_functions, capacity, n_lines;
    char **functions; /* their requests, by number */
    const struct udf_function *current; /* whose lines are told */
};

/* ---- memory ---- */

static pthread_mutex_t bound_lock = PTHREAD_MUTEX_INITIALIZER;

/* A task and its interpreters share one bound; a process without one (sentier run) has none to share. */
static bool take_memory(struct udf_session *s, struct err *err)
{
    struct rlimit bound;
    int64_t left = 0;
    bool good = true;

    pthread_mutex_lock(&bound_lock);
    if (getrlimit(RLIMIT_AS, &bound) == 0 && bound.rlim_cur != RLIM_INFINITY) {
        left = (int64_t)bound.rlim_cur - mem_address_space() - LEAST_LEFT_BYTES;
        good = left >= s->config->udf_memory;
        if (good) {
            bound.rlim_cur -= (rlim_t)s->config->udf_memory;
            good = setrlimit(RLIMIT_AS, &bound) == 0;
            s->taken_bytes = good ? s->config->udf_memory : 0;
        }
    }
    pthread_mutex_unlock(&bound_lock);
    return good || err_set(err, ERR_MemoryExceeded,
                           "%s: the interpreter of a UDF may take %lld MiB (udf.memory), of which %lld are left of what the "
                           "task may take (worker.memory).", s->current ? s->current->pointer : "",
                           (long long)s->config->udf_memory >> 20, (long long)(left > 0 ? left : 0) >> 20);
}

static void give_memory_back(struct udf_session *s)
{
    struct rlimit bound;

    pthread_mutex_lock(&bound_lock);
    if (s->taken_bytes && getrlimit(RLIMIT_AS, &bound) == 0) {
        bound.rlim_cur += (rlim_t)s->taken_bytes;
        setrlimit(RLIMIT_AS, &bound);
    }
    s->taken_bytes = 0;
    pthread_mutex_unlock(&bound_lock);
}

static void end(struct udf_session *s, struct sandbox_end *ret_end)
{
    if (s->process)
        sandbox_finish(s->process, ret_end);
    if (s->to >= 0)
        close(s->to);
    if (s->from >= 0)
        close(s->from);
    s->process = NULL;
    s->to = s->from = -1;
    give_memory_back(s);
    while (s->n_functions > 0)
        free(s->functions[--s->n_functions]);
}

static void session_free(void *session)
{
    struct udf_session *s = session;

    end(s, NULL);
    answers_done(&s->answers);
    free(s->functions);
    free(s);
}

static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void make_key(void)
{
    if (pthread_key_create(&key, session_free))
        abort(); /* 1,024 keys are there */
}

struct udf_session *udf_session_of_thread(const struct config *config, const struct udf_listener *listener)
{
    struct udf_session *s;

    pthread_once(&key_once, make_key);
    s = pthread_getspecific(key);
    if (!s) {
        s = MEM_NEW(struct udf_session);
        s->to = s->from = -1;
        pthread_setspecific(key, s);
    }
    s->config = config;
    s->listener = *listener;
    return s;
}

void udf_end_of_thread(void)
{
    struct udf_session *s;

    pthread_once(&key_once, make_key);
    s = pthread_getspecific(key);
    if (s)
        end(s, NULL);
}

/* ---- the log ---- */

static void tell(struct udf_session *s, const struct udf_line *line)
{
    static const struct udf_line last = { .level = "warning",
                                          .message = "The UDF says too much; the rest is not kept." };

    if (s->n_lines++ > MOST_LINES || !s->listener.line)
        return;
    s->listener.line(s->listener.context, s->current ? s->current->node : NULL,
                     s->n_lines > MOST_LINES ? &last : line);
}

static void tell_answer(void *session, const struct udf_line *line)
{
    tell(session, line);
}

static void tell_printed(void *session, bool is_error, const char *text)
{
    (void)is_error;
    if (*text)
        tell(session, &(struct udf_line){ .level = "info", .message = text });
}

static void tell_trace(struct udf_session *s)
{
    const char *trace = js_text(s->answers.json, "trace");

    if (trace)
        tell(s, &(struct udf_line){ .level = "error", .message = trace, .code = "UdfFailed" });
}

/* ---- the process ---- */

static bool start_process(struct udf_session *s, const struct udf_runtime *runtime, struct err *err)
{
    static const char *const environment[] = {
        "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/dev/shm", "TMPDIR=/dev/shm", "OPENBLAS_NUM_THREADS=1",
        "OMP_NUM_THREADS=1", "MKL_NUM_THREADS=1", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1", NULL,
    };
    char *const words[] = { (char *)runtime->python, "-I", "-c", (char *)udf_runner, NULL };
    struct sandbox how = {
        .words = words, .environment = environment, .binds = s->binds, .line = tell_printed, .context = s,
        .limits = { .memory_bytes = s->config->udf_memory, .disk_bytes = DISK_BYTES, .files = FILES,
                    .processes = TASKS, .cpu_seconds = INT32_MAX, .wall_ms = INT64_MAX / 4,
                    .log_bytes = LOG_BYTES },
    };
    int down[2], up[2];
    bool good;

    for (; how.n_binds < MOST_BINDS && runtime->folders[how.n_binds]; how.n_binds++)
        s->binds[how.n_binds] = (struct sandbox_bind){ runtime->folders[how.n_binds],
                                                       runtime->folders[how.n_binds], false };
    if (pipe2(down, O_CLOEXEC))
        return err_set(err, ERR_Internal, "No pipe for a UDF: %s", strerror(errno));
    if (pipe2(up, O_CLOEXEC)) {
        close(down[0]);
        close(down[1]);
        return err_set(err, ERR_Internal, "No pipe for a UDF: %s", strerror(errno));
    }
    how.input = down[0];
    how.output = up[1];
    good = sandbox_start(&how, &s->process, err);
    close(down[0]);
    close(up[1]);
    s->to = down[1];
    s->from = up[0];
    fcntl(s->to, F_SETFL, O_NONBLOCK);
    fcntl(s->from, F_SETFL, O_NONBLOCK);
    fcntl(s->to, F_SETPIPE_SZ, PIPE_BYTES);
    fcntl(s->from, F_SETPIPE_SZ, PIPE_BYTES);
    if (!good)
        end(s, NULL);
    return good;
}

/* ---- questions and answers ---- */

/* What is still to be sent: head, and a body in two parts. */
struct outgoing {
    struct {
        const char *at;
        size_t left;
    } parts[3];
};

static bool send_some(struct udf_session *s, struct outgoing *out, bool *ret_sent)
{
    for (size_t i = 0; i < ARRAY_LEN(out->parts); i++) {
        while (out->parts[i].left > 0) {
            ssize_t n = write(s->to, out->parts[i].at, out->parts[i].left);

            if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return true;
            if (n < 0)
                return false; /* it ended: its last words are in the other pipe */
            out->parts[i].at += n;
            out->parts[i].left -= (size_t)n;
        }
    }
    *ret_sent = true;
    return true;
}

/* False at the end, and when what came is no answer. */
static bool hear_some(struct udf_session *s, struct err *err)
{
    static _Thread_local char bytes[1 << 16];
    ssize_t n;

    while ((n = read(s->from, bytes, sizeof bytes)) > 0)
        if (!answers_take(&s->answers, bytes, (size_t)n, err))
            return false;
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Why there is no answer. */
static bool explain(struct udf_session *s, bool late, int64_t seconds, struct err *err)
{
    struct sandbox_end how = { 0 };
    int64_t until = instant_monotonic() + END_MS;
    const char *pointer = s->current ? s->current->pointer : "";

    /* it closed the pipe and is about to end: how, is worth some seconds */
    while (err->code == ERR_None && !late && instant_monotonic() < until && sandbox_step(s->process, 1))
        usleep(1000);
    end(s, &how);
    if (err->code != ERR_None)
        return *pointer ? err_prefix(err, "%s", pointer) : false;
    if (late)
        return err_set(err, ERR_UdfFailed, "%s: the UDF was ended, because a call took more than %lld s.", pointer,
                       (long long)seconds);
    return err_set(err, ERR_UdfFailed, "%s: the process of the UDF ended: %s%s.", pointer,
                   *how.message ? how.message : "it left by itself",
                   how.ending == SANDBOX_MEMORY ? " (udf.memory)" : "");
}

static bool converse(struct udf_session *s, struct outgoing *out, int64_t seconds, struct err *err)
{
    int64_t until = instant_monotonic() + seconds * 1000, next_step = 0;
    bool sent = false, open = true;

    while (!s->answers.done) {
        struct pollfd polled[] = { { s->from, POLLIN, 0 }, { sent ? -1 : s->to, POLLOUT, 0 } };
        int64_t now;

        poll(polled, ARRAY_LEN(polled), TICK_MS);
        if (polled[0].revents)
            open = hear_some(s, err);
        if (open && polled[1].revents)
            open = send_some(s, out, &sent) && open;
        if (s->answers.done && err->code == ERR_None)
            break;
        if (!open && err->code == ERR_None)
            open = hear_some(s, err) && false;
        now = instant_monotonic();
        if (!open || now > until)
            return s->answers.done && err->code == ERR_None ? true : explain(s, open, seconds, err);
        if (now >= next_step) {
            if (!sandbox_step(s->process, 0))
                return explain(s, false, seconds, err);
            next_step = now + TICK_MS;
        }
    }
    sandbox_step(s->process, 0); /* what was printed */
    return true;
}

static bool ask(struct udf_session *s, char kind, uint32_t number, const void *head, size_t head_size,
                const void *body, size_t size, int64_t seconds, struct err *err)
{
    struct udf_head first = { (uint32_t)kind, number, head_size + size };
    struct outgoing out = { .parts = { { (const char *)&first, sizeof first }, { head, head_size }, { body, size } } };
    const char *message;
    char bound[80] = "";
    json_int_t line;

    if (!converse(s, &out, seconds, err))
        return false;
    if (!s->answers.failed)
        return true;
    tell_trace(s);
    if (json_is_true(json_object_get(s->answers.json, "memory")))
        snprintf(bound, sizeof bound, " (it may use %lld MiB of memory: udf.memory)", (long long)s->config->udf_memory >> 20);
    message = js_text(s->answers.json, "message");
    line = json_integer_value(json_object_get(s->answers.json, "line"));
    if (line > 0)
        return err_set(err, ERR_UdfFailed, "%s: the UDF failed in line %lld: %.700s%s", s->current->pointer,
                       (long long)line, message, bound);
    return err_set(err, ERR_UdfFailed, "%s: %.700s%s", s->current->pointer, message, bound);
}

static bool start(struct udf_session *s, struct err *err)
{
    const struct udf_runtime *runtime;
    struct outgoing nothing = { .parts = { { NULL, 0 } } };

    if (s->process)
        return true;
    runtime = udf_runtime(s->config);
    if (!runtime)
        return err_set(err, ERR_FeatureUnsupported, "UDFs are not offered here.");
    signal(SIGPIPE, SIG_IGN);
    if (!take_memory(s, err))
        return false;
    if (!start_process(s, runtime, err)) {
        give_memory_back(s);
        return false;
    }
    s->answers.line = tell_answer;
    s->answers.context = s;
    answers_expect(&s->answers, 'h', 0, NULL, 0);
    return converse(s, &nothing, START_S, err);
}

/* The number of a function that the interpreter knows. */
static bool define(struct udf_session *s, const struct udf_function *f, uint32_t *ret_number, struct err *err)
{
    size_t i = 0;

    s->current = f;
    if (!start(s, err))
        return false;
    while (i < s->n_functions && strcmp(s->functions[i], f->request))
        i++;
    *ret_number = (uint32_t)i;
    if (i < s->n_functions)
        return true;
    if (s->n_functions >= MOST_FUNCTIONS) { /* rather than grow for ever: a new one */
        end(s, NULL);
        return define(s, f, ret_number, err);
    }
    answers_expect(&s->answers, 'd', *ret_number, NULL, 0);
    if (!ask(s, 'D', *ret_number, NULL, 0, f->request, strlen(f->request), s->config->udf_time, err))
        return false;
    s->functions = mem_grow(s->functions, &s->capacity, i + 1, sizeof *s->functions);
    s->functions[s->n_functions++] = mem_text(f->request);
    return true;
}

bool udf_run(struct udf_session *s, const struct udf_function *f, const struct udf_place *place,
             const void *pixels, size_t pixel_bytes, void *result, size_t result_bytes, struct err *err)
{
    uint32_t number;

    if (!define(s, f, &number, err))
        return false;
    answers_expect(&s->answers, 'r', number, result, result_bytes);
    return ask(s, 'R', number, place, sizeof *place, pixels, pixel_bytes, s->config->udf_time, err);
}

bool udf_probe(struct udf_session *s, const struct udf_function *f, json_t **ret_axes, struct err *err)
{
    uint32_t number;

    if (!define(s, f, &number, err))
        return false;
    answers_expect(&s->answers, 'p', number, NULL, 0);
    if (!ask(s, 'P', number, NULL, 0, NULL, 0, s->config->udf_time, err))
        return false;
    *ret_axes = json_incref(s->answers.json);
    return true;
}
