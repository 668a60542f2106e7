/* A child of the zygote: does the tasks that its socket brings, one after another, and ends when the
 * socket does. What goes wrong is told to the supervisor, which decides. Of jobs that are small and
 * read nothing the ends are kept for a moment, and told together. */
#include "base/instant.h"
#include "base/log.h"
#include "base/text.h"
#include "jobs/perform.h"
#include "jobs/scratch.h"
#include "jobs/zygote.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REPORT_EVERY_MS = 250, PAUSE_US = 100000, NICE_OF_LARGE = 10 };

struct child {
    int socket;
    struct performer *performer;
    int64_t token;          /* of the task in hand */
    _Atomic int64_t reported; /* when, by instant_monotonic() */
};

static void report(const struct child *c, const struct wire_report *what)
{
    if (send(c->socket, what, sizeof *what, MSG_NOSIGNAL) < 0)
        _exit(0); /* the supervisor is gone */
}

/* From any thread of the task. */
static void report_progress(void *context, int64_t blocks_done)
{
    struct child *c = context;
    int64_t now = instant_monotonic(), last = atomic_load(&c->reported);

    if (now - last < REPORT_EVERY_MS || !atomic_compare_exchange_strong(&c->reported, &last, now))
        return;
    report(c, &(struct wire_report){ .what = REPORT_PROGRESS, .token = c->token,
                                     .blocks_done = blocks_done });
}

/* "/process_graph/ndvi1/arguments/...: ..." is about node ndvi1. */
static void find_node(const char *message, char *ret_node, size_t size)
{
    static const char prefix[] = "/process_graph/";
    size_t length;

    ret_node[0] = '\0';
    if (!text_begins(message, prefix))
        return;
    message += sizeof prefix - 1;
    length = strcspn(message, "/: ");
    if (length < size) {
        memcpy(ret_node, message, length);
        ret_node[length] = '\0';
    }
}

static void report_end(const struct child *c, int64_t token, double seconds, const struct err *problem)
{
    struct wire_report end = { .what = problem ? REPORT_FAILED : REPORT_DONE, .token = token, .seconds = seconds,
                               .reuse = c->performer->reuse };

    if (problem) {
        end.code = problem->code ? problem->code : ERR_Internal;
        memcpy(end.message, problem->message, sizeof end.message);
        find_node(problem->message, end.node, sizeof end.node);
    }
    report(c, &end);
}

/* Of a task whose end has waited. */
static void settled(void *context, const struct task *task, double seconds, const struct err *problem)
{
    const struct child *c = context;

    if (problem)
        scratch_remove_task(c->performer->config, task);
    report_end(c, task->token, seconds, problem);
}

static void do_task(struct child *c, const struct task *task)
{
    struct performer *p = c->performer;
    struct err err = { 0 };
    int64_t start = instant_monotonic();

    c->token = task->token;
    if (task->kind != TASK_PLAN) /* parts of what is large: first tasks, the server and the database come first */
        setpriority(PRIO_PROCESS, 0, NICE_OF_LARGE);
    atomic_store(&c->reported, start);
    if (!perform(p, task, &err)) {
        scratch_remove_task(p->config, task);
        report_end(c, task->token, perform_seconds(start), &err);
    } else if (!perform_is_waiting(p, task)) {
        report_end(c, task->token, perform_seconds(start), NULL);
    } else if (!perform_must_flush(p)) {
        report(c, &(struct wire_report){ .what = REPORT_MADE, .token = task->token });
        return;
    }
    if (perform_must_flush(p))
        perform_flush(p);
}

void child_live(const struct config *config, const char *url, int socket)
{
    struct child child = { .socket = socket };
    struct performer performer = { .config = config, .progress = report_progress,
                                   .progress_context = &child, .settled = settled };
    struct err err = { 0 };
    struct wire_order order;

    child.performer = &performer;
    while (!db_open(url, &performer.db, &err)) {
        err_clear(&err);
        usleep(PAUSE_US); /* until it answers or the supervisor ends us with the lease */
    }
    if (!db_script(performer.db, "SET synchronous_commit TO off", &err))
        _exit(1);
    while (recv(socket, &order, sizeof order, 0) == (ssize_t)sizeof order) {
        if (!db_revive(performer.db, &err))
            err_clear(&err); /* the task's own statements will tell */
        if (order.what == ORDER_FLUSH)
            perform_flush(&performer);
        else
            do_task(&child, &order.task);
    }
    performer_done(&performer);
    db_close(performer.db);
    _exit(0);
}
