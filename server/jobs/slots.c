/* The children of a worker. A worker has room for n_slots tasks of ordinary size; a task that needs
 * more memory takes the room of several, with one process. When all are taken, the first task of a job,
 * which does what is small at once, still finds a spare place beside them.
 *
 * A process that has read nothing goes on with the first task of any job; one that has opened files, with first
 * tasks of the same owner; one that works on parts of a job serves that job alone: for another it is ended and a
 * new one forked. A process that says that it made a task which may end together with others is given more of
 * them, as long as there are some. */
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs/scratch.h"
#include "jobs/worker.h"
#include "jobs/zygote.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IDLE_MS = 10000 };

/* Who fetches from tape only waits: other work goes on beside it. */
static size_t width_of(const struct supervisor *s, const struct task *task)
{
    int64_t slot = s->self.slot_bytes;

    if (task->kind == TASK_STAGE)
        return 0;
    return task->memory_bytes <= slot ? 1 : (size_t)((task->memory_bytes + slot - 1) / slot);
}

static size_t slots_used(const struct supervisor *s)
{
    size_t used = 0;

    for (size_t i = 0; i < s->n_places; i++)
        if (s->slots[i].state == SLOT_BUSY)
            used += width_of(s, &s->slots[i].task);
    return used;
}

size_t slots_free(const struct supervisor *s)
{
    size_t used = slots_used(s);

    return used < s->n_slots ? s->n_slots - used : 0;
}

size_t slots_spare(const struct supervisor *s)
{
    size_t used = slots_used(s);

    if (used <= s->n_slots)
        return s->n_spare;
    return used < s->n_slots + s->n_spare ? s->n_slots + s->n_spare - used : 0;
}

static void close_socket(struct slot *slot)
{
    if (slot->socket >= 0)
        close(slot->socket);
    slot->socket = -1;
}

/* The whole process group at once; the slot is free when the zygote tells that it is gone. */
void slots_kill(struct supervisor *s, size_t i)
{
    struct slot *slot = &s->slots[i];

    if (slot->state == SLOT_FREE)
        return;
    if (slot->state != SLOT_DOOMED)
        slot->interrupted = slot->state == SLOT_BUSY;
    slot->state = SLOT_DOOMED;
    if (slot->pid)
        kill(-slot->pid, SIGKILL);
    close_socket(slot);
}

static bool fork_into(struct supervisor *s, size_t i, int64_t memory_bytes, struct err *err)
{
    struct slot *slot = &s->slots[i];
    int pair[2];

    if (s->zygote < 0 && !slots_start_zygote(s, err))
        return false;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return err_set(err, ERR_Internal, "No socket for a task process: %s", strerror(errno));
    if (!zygote_fork(s->zygote, &(struct wire_fork){ (int)i, memory_bytes }, pair[1], err)) {
        close(pair[0]);
        return false;
    }
    *slot = (struct slot){ .state = SLOT_IDLE, .socket = pair[0], .memory_bytes = memory_bytes };
    return true;
}

static bool is_of(const struct task *task, const char *job, int run)
{
    return task->run == run && !strcmp(task->job, job);
}

static int64_t memory_for(const struct supervisor *s, const struct task *task)
{
    return task->memory_bytes > s->self.slot_bytes ? task->memory_bytes : s->self.slot_bytes;
}

/* May the process do the task, after what it has done? */
static bool fits(const struct slot *slot, const struct task *task, int64_t memory_bytes)
{
    if (slot->memory_bytes != memory_bytes)
        return false;
    if (is_of(&slot->task, task->job, task->run))
        return true;
    return task->kind == TASK_PLAN &&
           (slot->reuse == REUSE_ANYBODY || (slot->reuse == REUSE_OWNER && !strcmp(slot->task.owner, task->owner)));
}

/* Is it free for it? */
static bool serves(const struct slot *slot, const struct task *task, int64_t memory_bytes)
{
    bool is_free = slot->state == SLOT_IDLE ||
                   (slot->state == SLOT_BUSY && slot->wants && task->kind == TASK_PLAN && slot->n_made < WIRE_MOST_MADE);

    return is_free && fits(slot, task, memory_bytes);
}

bool slots_want(const struct supervisor *s, const struct task *task)
{
    for (size_t i = 0; i < s->n_places; i++)
        if (s->slots[i].state == SLOT_BUSY && s->slots[i].wants &&
            (!task || serves(&s->slots[i], task, memory_for(s, task))))
            return true;
    return false;
}

static bool order(struct slot *slot, const struct wire_order *order)
{
    slot->wants = false;
    return send(slot->socket, order, sizeof *order, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

void slots_flush(struct supervisor *s)
{
    for (size_t i = 0; i < s->n_places; i++)
        if (s->slots[i].state == SLOT_BUSY && s->slots[i].wants &&
            !order(&s->slots[i], &(struct wire_order){ .what = ORDER_FLUSH }))
            slots_kill(s, i);
}

static void end_oldest_idle(struct supervisor *s)
{
    size_t oldest = s->n_places;

    for (size_t i = 0; i < s->n_places; i++)
        if (s->slots[i].state == SLOT_IDLE &&
            (oldest == s->n_places || s->slots[i].idle_since < s->slots[oldest].idle_since))
            oldest = i;
    if (oldest < s->n_places)
        slots_kill(s, oldest);
}

static size_t count_processes(const struct supervisor *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_places; i++)
        n += s->slots[i].state == SLOT_IDLE ||
             (s->slots[i].state == SLOT_BUSY && s->slots[i].task.kind != TASK_STAGE);
    return n;
}

/* How many tasks of staging this worker may still take: its places are not many. */
size_t slots_free_for_staging(const struct supervisor *s)
{
    size_t used = 0;

    for (size_t i = 0; i < s->n_places; i++)
        used += s->slots[i].state == SLOT_BUSY && s->slots[i].task.kind == TASK_STAGE;
    return used < STAGING_PLACES ? STAGING_PLACES - used : 0;
}

/* A process that may do it (the one that knows the job first), else a new one; then one that idles goes. */
static bool find_slot(struct supervisor *s, const struct task *task, int64_t memory_bytes,
                      size_t *ret_i, struct err *err)
{
    size_t found = s->n_places;

    for (size_t i = 0; i < s->n_places; i++) {
        if (!serves(&s->slots[i], task, memory_bytes))
            continue;
        if (found == s->n_places || is_of(&s->slots[i].task, task->job, task->run))
            found = i;
    }
    *ret_i = found;
    if (found < s->n_places)
        return true;
    if (count_processes(s) >= s->n_slots + s->n_spare)
        end_oldest_idle(s);
    for (size_t i = 0; i < s->n_places; i++) {
        if (s->slots[i].state == SLOT_FREE) {
            *ret_i = i;
            return fork_into(s, i, memory_bytes, err);
        }
    }
    return err_set(err, ERR_InfrastructureBusy, "No task process is free.");
}

bool slots_give(struct supervisor *s, const struct task *task, struct err *err)
{
    int64_t memory_bytes = memory_for(s, task);
    struct slot *slot;
    size_t i = 0;

    if (!find_slot(s, task, memory_bytes, &i, err))
        return false;
    slot = &s->slots[i];
    if (!order(slot, &(struct wire_order){ ORDER_TASK, *task })) {
        slots_kill(s, i);
        return err_set(err, ERR_Internal, "A task process does not listen: %s", strerror(errno));
    }
    if (slot->state == SLOT_BUSY)
        slot->made[slot->n_made++] = slot->task;
    slot->state = SLOT_BUSY;
    slot->task = *task;
    slot->blocks_seen = slot->blocks_sent = 0;
    slot->started = slot->progress_at = instant_monotonic();
    return true;
}

static struct failed_task *add_failure(struct supervisor *s, const struct task *task)
{
    s->failures = mem_grow(s->failures, &s->failures_capacity, s->n_failures + 1, sizeof *s->failures);
    s->failures[s->n_failures] = (struct failed_task){ .task = *task };
    return &s->failures[s->n_failures++];
}

/* What the error of a task means. A user's error (4xx) is never tried again; memory that ended is,
 * once, with twice the room when this worker has it. */
static void judge(struct supervisor *s, const struct slot *slot, const struct task *task, const struct wire_report *report,
                  bool memory)
{
    struct failed_task *f = add_failure(s, task);
    int64_t most = (int64_t)s->n_slots * s->self.slot_bytes, more = 2 * slot->memory_bytes;

    if (more > most)
        more = most;
    f->report = *report;
    f->failure = (struct task_failure){ .code = report->code,
                                        .retry = err_status(report->code) >= 500,
                                        .lost = report->code == ERR_DatabaseFailed || slot->starved,
                                        .max_failures = s->config->jobs_max_attempts,
                                        .seconds = report->seconds };
    if (memory && more > slot->memory_bytes && task->memory_bytes == 0) {
        f->failure.retry = true;
        f->failure.memory_bytes = more;
    }
}

/* Tasks that were made, and whose process went before it told their ends: not their fault. */
static void lose_made(struct supervisor *s, struct slot *slot)
{
    for (size_t i = 0; i < slot->n_made; i++) {
        struct failed_task *f = add_failure(s, &slot->made[i]);

        scratch_remove_task(s->config, &slot->made[i]);
        f->report.code = ERR_TaskLost;
        snprintf(f->report.message, sizeof f->report.message, "Its process ended in another task.");
        f->failure = (struct task_failure){ .code = ERR_TaskLost, .retry = true, .lost = true,
                                            .max_failures = s->config->jobs_max_attempts };
    }
    slot->n_made = 0;
}

static bool has_ended(const struct supervisor *s, const struct task *task)
{
    for (size_t i = 0; i < s->n_ended; i++)
        if (is_of(task, s->ended[i].id, s->ended[i].run))
            return true;
    return false;
}

static void rest(struct supervisor *s, size_t i)
{
    struct slot *slot = &s->slots[i];

    slot->state = SLOT_IDLE;
    slot->wants = false;
    slot->idle_since = instant_monotonic();
    if (slot->reuse == REUSE_JOB && has_ended(s, &slot->task))
        slots_kill(s, i); /* it was the last one: nobody needs this process any more */
}

/* The end of the task in hand, or of one that was made before. */
static void take_end(struct supervisor *s, size_t i, const struct wire_report *report)
{
    struct slot *slot = &s->slots[i];
    bool in_hand = report->token == slot->task.token;
    size_t k = 0;

    while (!in_hand && k < slot->n_made && slot->made[k].token != report->token)
        k++;
    if (!in_hand && k == slot->n_made)
        return;
    s->look = true;
    slot->reuse = report->reuse;
    if (report->what == REPORT_FAILED)
        judge(s, slot, in_hand ? &slot->task : &slot->made[k], report,
              in_hand && report->code == ERR_MemoryExceeded && slot->task.kind != TASK_PLAN);
    if (!in_hand)
        slot->made[k] = slot->made[--slot->n_made];
    else if (slot->n_made == 0)
        rest(s, i);
    else /* others wait still: for no task is this one in hand any more */
        slot->task = slot->made[--slot->n_made], slot->wants = true;
}

void slots_read(struct supervisor *s, size_t i)
{
    struct slot *slot = &s->slots[i];
    struct wire_report report;

    while (slot->socket >= 0) {
        ssize_t got = recv(slot->socket, &report, sizeof report, MSG_DONTWAIT);

        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got != (ssize_t)sizeof report) {
            close_socket(slot); /* it ended: the zygote tells how */
            return;
        }
        if (slot->state != SLOT_BUSY)
            continue;
        if (report.what == REPORT_DONE || report.what == REPORT_FAILED) {
            take_end(s, i, &report);
        } else if (report.token == slot->task.token) {
            slot->blocks_seen = report.what == REPORT_PROGRESS ? report.blocks_done : slot->blocks_seen;
            slot->wants = report.what == REPORT_MADE;
            s->look |= slot->wants;
        }
    }
}

static struct wire_report tell_end(const struct slot *slot, int status)
{
    struct wire_report report = { .token = slot->task.token, .code = ERR_Internal,
                                  .seconds = (double)(instant_monotonic() - slot->started) / 1000 };
    char *message = report.message;
    size_t size = sizeof report.message;

    if (slot->starved)
        snprintf(message, size, "The database did not answer in time; the task was stopped.");
    else if (WIFSIGNALED(status))
        snprintf(message, size, "The process of the task was ended by signal %d (%s).",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(message, size, "The process of the task ended with status %d.",
                 WEXITSTATUS(status));
    return report;
}

void slots_ended(struct supervisor *s, const struct wire_process *what)
{
    struct slot *slot = &s->slots[what->slot];

    if (what->what == PROCESS_STARTED) {
        slot->pid = what->pid;
        if (slot->state == SLOT_DOOMED)
            kill(-slot->pid, SIGKILL);
        return;
    }
    slots_read(s, (size_t)what->slot); /* it may have told its end before it ended */
    if (slot->state == SLOT_BUSY || (slot->state == SLOT_DOOMED && slot->starved)) {
        struct wire_report report = tell_end(slot, what->status);

        scratch_remove_task(s->config, &slot->task);
        /* out of memory aborts (SIGABRT), or the kernel ends it (SIGKILL) */
        judge(s, slot, &slot->task, &report,
              !slot->starved && WIFSIGNALED(what->status) && WTERMSIG(what->status) == SIGABRT);
    } else if (slot->state == SLOT_DOOMED && slot->interrupted) {
        scratch_remove_task(s->config, &slot->task);
    }
    lose_made(s, slot);
    close_socket(slot);
    slot->state = SLOT_FREE;
    slot->pid = 0;
    slot->starved = false;
    s->look = true;
    slots_sweep_ended(s);
}

bool slots_start_zygote(struct supervisor *s, struct err *err)
{
    return zygote_start(s->config, s->url, &s->zygote, &s->zygote_pid, err);
}

/* All children died with it. */
void slots_zygote_gone(struct supervisor *s)
{
    int status = 0;

    close(s->zygote);
    s->zygote = -1;
    kill(s->zygote_pid, SIGKILL);
    waitpid(s->zygote_pid, &status, 0);
    for (size_t i = 0; i < s->n_places; i++)
        if (s->slots[i].state != SLOT_FREE)
            slots_ended(s, &(struct wire_process){ PROCESS_ENDED, (int)i, 0, status });
}

void slots_close_idle(struct supervisor *s, int64_t now)
{
    for (size_t i = 0; i < s->n_places; i++)
        if (s->slots[i].state == SLOT_IDLE &&
            now - s->slots[i].idle_since > IDLE_MS)
            slots_kill(s, i);
}

static bool works_on(const struct supervisor *s, const struct ended_job *job)
{
    for (size_t i = 0; i < s->n_places; i++) {
        if (s->slots[i].state >= SLOT_BUSY && is_of(&s->slots[i].task, job->id, job->run))
            return true;
        for (size_t k = 0; k < s->slots[i].n_made; k++)
            if (is_of(&s->slots[i].made[k], job->id, job->run))
                return true;
    }
    return false;
}

void slots_sweep_ended(struct supervisor *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->n_ended; i++) {
        const struct ended_job *job = &s->ended[i];

        if (works_on(s, job)) {
            s->ended[kept++] = *job;
            continue;
        }
        AUTO(mem) char *folder = scratch_run(s->config, job->id, job->run);
        AUTO(mem) char *result = scratch_result(s->config, job->id);

        scratch_remove(folder);
        if (job->deleted)
            scratch_remove(result);
    }
    s->n_ended = kept;
}

void slots_job_ended(struct supervisor *s, const char *payload)
{
    struct ended_job job = { 0 };
    char how[16] = "";
    bool finished;

    if (sscanf(payload, "%36s %d %15s", job.id, &job.run, how) != 3 || !id_is_uuid(job.id))
        return;
    finished = !strcmp(how, "finished"); /* then whoever works on it is about to say so */
    job.deleted = !strcmp(how, "deleted");
    for (size_t i = 0; i < s->n_places; i++) {
        struct slot *slot = &s->slots[i];

        if (!is_of(&slot->task, job.id, job.run) || slot->wants) /* whose end waits is told that it is not its own any more */
            continue;
        if (slot->state == SLOT_BUSY ? !finished : slot->state == SLOT_IDLE && slot->reuse == REUSE_JOB)
            slots_kill(s, i);
    }
    if (s->n_ended == MAX_ENDED)
        s->n_ended--; /* the sweep of garbage finds it later */
    s->ended[s->n_ended++] = job;
    slots_sweep_ended(s);
}
