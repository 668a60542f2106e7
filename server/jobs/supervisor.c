/* The supervisor: one thread, one poll loop, no GDAL. It claims tasks, hands them to children, renews
 * their leases, and tells the database how they ended.
 *
 * Time is kept by CLOCK_BOOTTIME. Leases are renewed every third of their length; a watchdog, which is
 * wound up by each renewal, kills all children before the leases end, also when this very loop hangs
 * in a call to a database that does not answer. */
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs/scratch.h"
#include "jobs/worker.h"
#include "jobs/zygote.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_MS = 1000, TICK_MS = 100, PROGRESS_MS = 500, MARGIN_S = 3, BACKLOG_MS = 200 };

static struct supervisor *watched; /* by the watchdog */

/* SIGALRM: kill(2) is all that it does. */
static void watchdog(int signal)
{
    (void)signal;
    for (size_t i = 0; i < watched->n_places; i++) {
        struct slot *slot = &watched->slots[i];

        if (slot->pid && slot->state == SLOT_BUSY) {
            slot->starved = true;
            kill(-slot->pid, SIGKILL);
        }
    }
}

static void wind_up_watchdog(const struct supervisor *s)
{
    int64_t seconds = s->config->jobs_lease > MARGIN_S ? s->config->jobs_lease - MARGIN_S : 1;

    setitimer(ITIMER_REAL, &(struct itimerval){ .it_value = { .tv_sec = (time_t)seconds } }, NULL);
}

/* --- the database ------------------------------------------------------------------------------- */

static bool settle_in(struct supervisor *s, struct err *err)
{
    s->leads = false;
    s->idle_told = -1;
    s->look = true;
    s->next_beat = 0;
    return db_script(s->db, "SET synchronous_commit TO off", err) &&
           db_listen(s->db, TASK_CHANNEL, err) && db_listen(s->db, JOB_ENDED_CHANNEL, err) &&
           worker_register(s->db, &s->self, err);
}

static bool connect_again(struct supervisor *s)
{
    struct err err = { 0 };

    if (s->connected && db_is_alive(s->db))
        return true;
    if (s->connected)
        log_write(LOG_WARNING, NULL, "The connection to the database is lost.");
    s->connected = false;
    if (!db_revive(s->db, &err) || !settle_in(s, &err))
        return false;
    s->connected = true;
    log_write(LOG_INFO, NULL, "Connected to the database.");
    return true;
}

static void read_notices(struct supervisor *s)
{
    const char *channel, *payload;

    while (db_notice(s->db, &channel, &payload)) {
        if (!strcmp(channel, JOB_ENDED_CHANNEL))
            slots_job_ended(s, payload);
        else
            s->look = true;
    }
}

static int64_t room_for_tasks(const struct supervisor *s)
{
    return (int64_t)(slots_free(s) + slots_spare(s));
}

/* All tokens that are ours; *ret_where[i] is the slot whose task in hand has it, or NULL. */
static size_t list_tokens(struct supervisor *s, int64_t **ret_tokens, struct slot ***ret_where)
{
    size_t most = s->n_places * (1 + WIRE_MOST_MADE) + s->n_backlog + s->n_failures, n = 0;
    int64_t *tokens = *ret_tokens = mem_array(most, sizeof *tokens);
    struct slot **where = *ret_where = mem_array(most, sizeof *where);

    for (size_t i = 0; i < s->n_places; i++) {
        struct slot *slot = &s->slots[i];

        if (slot->state == SLOT_BUSY) {
            where[n] = slot;
            tokens[n++] = slot->task.token;
        }
        for (size_t k = 0; k < slot->n_made; k++)
            tokens[n++] = slot->made[k].token;
    }
    for (size_t i = 0; i < s->n_backlog; i++)
        tokens[n++] = s->backlog[i].token;
    for (size_t i = 0; i < s->n_failures; i++)
        tokens[n++] = s->failures[i].task.token;
    return n;
}

/* The task in hand is not held: it is done, which the process may be about to say, or no longer ours. */
static bool end_lost(struct supervisor *s, struct slot *slot, struct err *err)
{
    struct task task = slot->task;
    bool done;

    if (!task_is_done(s->db, &task, &done, err))
        return false;
    slots_read(s, (size_t)(slot - s->slots)); /* it may have said so by now */
    if (!done && slot->state == SLOT_BUSY && slot->task.token == task.token)
        slots_kill(s, (size_t)(slot - s->slots));
    return true;
}

static bool beat(struct supervisor *s, int64_t now, struct err *err)
{
    AUTO(mem) int64_t *tokens = NULL;
    AUTO(mem) struct slot **where = NULL;
    AUTO(mem) bool *held = NULL;
    bool known;
    size_t n;

    if (now < s->next_beat)
        return true;
    n = list_tokens(s, &tokens, &where);
    held = mem_array(n, sizeof *held);
    if (!worker_beat(s->db, s->self.id, room_for_tasks(s), s->config->jobs_lease, tokens, held, n,
                     &known, err))
        return false;
    wind_up_watchdog(s);
    s->next_beat = now + s->config->jobs_lease * 1000 / 3;
    if (!known)
        return worker_register(s->db, &s->self, err);
    for (size_t k = 0; k < n; k++)
        if (!held[k] && where[k] && !end_lost(s, where[k], err))
            return false;
    return true;
}

static bool tell_failures(struct supervisor *s, struct err *err)
{
    while (s->n_failures > 0) {
        struct failed_task *f = &s->failures[s->n_failures - 1];

        f->failure.node = f->report.node[0] ? f->report.node : NULL;
        f->failure.message = f->report.message;
        if (!task_fail(s->db, &f->task, &f->failure, err))
            return false;
        s->n_failures--;
        s->look = true;
        log_write(f->failure.retry ? LOG_WARNING : LOG_INFO, f->task.job, "task %d: %s: %s",
                  f->task.number, err_name(f->failure.code), f->failure.message);
    }
    return true;
}

static bool tell_progress(struct supervisor *s, int64_t now, struct err *err)
{
    for (size_t i = 0; i < s->n_places; i++) {
        struct slot *slot = &s->slots[i];

        if (slot->state != SLOT_BUSY || slot->blocks_seen == slot->blocks_sent ||
            now - slot->progress_at < PROGRESS_MS)
            continue;
        slot->blocks_sent = slot->blocks_seen;
        slot->progress_at = now;
        if (!task_progress(s->db, &slot->task, slot->blocks_sent, err))
            return false;
    }
    return true;
}

static bool tell_idle(struct supervisor *s, int64_t idle, struct err *err)
{
    if (s->idle_told >= 0 && (s->idle_told > 0) == (idle > 0))
        return true;
    s->idle_told = idle;
    return worker_set_idle(s->db, s->self.id, idle, err);
}

/* A claim that finds nothing says "idle" first and looks once more: a task that came in between told
 * nobody. */
static bool claim(struct supervisor *s, struct task *ret_task, bool *ret_found, struct err *err)
{
    size_t slots = slots_free(s), count;
    struct task_room room = { .bytes = (int64_t)(slots ? slots : 1) * s->self.slot_bytes,
                              .stagings = slots_free_for_staging(s) > 0 ? s->config->catalog_stagings : 0,
                              .plans_only = slots == 0 };
    bool told = s->idle_told > 0;

    if (!task_claim(s->db, s->self.id, &room, s->config->jobs_lease, ret_task, 1, &count, err))
        return false;
    if (count == 0 && !told &&
        (!tell_idle(s, room_for_tasks(s), err) ||
         !task_claim(s->db, s->self.id, &room, s->config->jobs_lease, ret_task, 1, &count, err)))
        return false;
    *ret_found = count > 0;
    return true;
}

static bool give(struct supervisor *s, struct task *task, struct err *err)
{
    struct err reason = { 0 };
    struct task_failure failure = { .code = ERR_Internal, .message = reason.message, .retry = true,
                                    .lost = true,
                                    .max_failures = s->config->jobs_max_attempts };

    task->held_bytes = task->memory_bytes > s->self.slot_bytes ? task->memory_bytes : s->self.slot_bytes;
    return slots_give(s, task, &reason) || task_fail(s->db, task, &failure, err);
}

/* First tasks go to processes that want more of them, and to those that are free. */
static bool give_backlog(struct supervisor *s, struct err *err)
{
    while (s->n_backlog > 0 && (room_for_tasks(s) > 0 || slots_want(s, &s->backlog[0]))) {
        struct task task = s->backlog[0];

        memmove(s->backlog, s->backlog + 1, --s->n_backlog * sizeof *s->backlog);
        if (!give(s, &task, err))
            return false;
    }
    return true;
}

/* Where jobs are small, and there are many, several are claimed at a time. */
static bool claim_backlog(struct supervisor *s, struct err *err)
{
    struct task_room room = { .bytes = s->self.slot_bytes, .plans_only = true };

    if (s->n_backlog > 0 || !slots_want(s, NULL))
        return true;
    s->backlog_since = instant_monotonic();
    return task_claim(s->db, s->self.id, &room, s->config->jobs_lease, s->backlog, MAX_BACKLOG, &s->n_backlog, err);
}

/* What turns out to wait is for whoever is free. */
static bool return_backlog(struct supervisor *s, int64_t now, struct err *err)
{
    while (s->n_backlog > 0 && (s->stopping || now - s->backlog_since > BACKLOG_MS)) {
        if (!task_return(s->db, &s->backlog[s->n_backlog - 1], err))
            return false;
        s->n_backlog--;
    }
    return true;
}

static bool look_for_tasks(struct supervisor *s, int64_t now, struct err *err)
{
    bool found = true;
    struct task task;

    s->look = false;
    if (!claim_backlog(s, err) || !give_backlog(s, err))
        return false;
    while (found && room_for_tasks(s) > 0)
        if (!claim(s, &task, &found, err) || (found && !give(s, &task, err)))
            return false;
    s->next_poll = now + POLL_MS * 3 / 4 + (int64_t)(id_token63() % (POLL_MS / 2));
    return room_for_tasks(s) > 0 || tell_idle(s, 0, err);
}

static bool take_tasks(struct supervisor *s, int64_t now, struct err *err)
{
    if (!give_backlog(s, err) || !return_backlog(s, now, err))
        return false;
    if (!s->stopping && (s->look || now >= s->next_poll) && !look_for_tasks(s, now, err))
        return false;
    slots_flush(s); /* who wants more still gets none */
    return true;
}

/* --- the loop ----------------------------------------------------------------------------------- */

static void read_zygote(struct supervisor *s)
{
    struct wire_process what;

    while (s->zygote >= 0) {
        ssize_t got = recv(s->zygote, &what, sizeof what, MSG_DONTWAIT);

        if (got == (ssize_t)sizeof what) {
            slots_ended(s, &what);
        } else {
            if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
                slots_zygote_gone(s);
            return;
        }
    }
}

static void read_signals(struct supervisor *s, int signals)
{
    struct signalfd_siginfo info;

    while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            if (s->sweeper > 0 && waitpid(s->sweeper, NULL, WNOHANG) == s->sweeper)
                s->sweeper = 0;
            if (s->dismisser > 0 && waitpid(s->dismisser, NULL, WNOHANG) == s->dismisser)
                s->dismisser = 0;
        } else {
            s->stopping = true;
        }
    }
}

static void wait_for_something(struct supervisor *s, int signals)
{
    struct pollfd polled[MAX_PLACES + 3];
    nfds_t n = 0;

    polled[n++] = (struct pollfd){ signals, POLLIN, 0 };
    polled[n++] = (struct pollfd){ s->zygote, POLLIN, 0 }; /* -1 is skipped */
    polled[n++] = (struct pollfd){ s->connected ? db_socket(s->db) : -1, POLLIN, 0 };
    for (size_t i = 0; i < s->n_places; i++)
        if (s->slots[i].socket >= 0)
            polled[n++] = (struct pollfd){ s->slots[i].socket, POLLIN, 0 };
    poll(polled, n, TICK_MS);
}

static bool talk_to_database(struct supervisor *s, int64_t now, struct err *err)
{
    if (!connect_again(s))
        return true;
    read_notices(s);
    return tell_failures(s, err) && beat(s, now, err) && take_tasks(s, now, err) &&
           tell_progress(s, now, err) && leader_tick(s, now, err);
}

/* Whatever still runs is ended and its tasks given back, so that another worker goes on at once. */
static void stop(struct supervisor *s)
{
    struct err err = { 0 };

    for (size_t i = 0; i < s->n_places; i++) {
        struct slot *slot = &s->slots[i];
        struct task_failure failure = { .code = ERR_TaskLost, .retry = true, .lost = true,
                                        .message = "The worker was stopped.",
                                        .max_failures = s->config->jobs_max_attempts };
        bool busy = slot->state == SLOT_BUSY;

        slots_kill(s, i);
        if (busy)
            slot->made[slot->n_made++] = slot->task;
        for (size_t k = 0; k < slot->n_made; k++) {
            scratch_remove_task(s->config, &slot->made[k]);
            if (s->connected && !task_fail(s->db, &slot->made[k], &failure, &err))
                err_clear(&err); /* its lease runs out */
        }
    }
    if (s->connected && !return_backlog(s, 0, &err))
        err_clear(&err);
    if (s->connected && !worker_leave(s->db, s->self.id, &err))
        err_clear(&err);
    if (s->zygote >= 0) {
        close(s->zygote);
        kill(s->zygote_pid, SIGKILL);
        waitpid(s->zygote_pid, NULL, 0);
    }
}

static void loop(struct supervisor *s, int signals)
{
    while (!s->stopping) {
        struct err err = { 0 };
        int64_t now;

        wait_for_something(s, signals);
        now = instant_monotonic();
        read_signals(s, signals);
        for (size_t i = 0; i < s->n_places; i++)
            slots_read(s, i);
        read_zygote(s);
        slots_close_idle(s, now);
        if (s->n_ended > 0)
            slots_sweep_ended(s);
        if (!talk_to_database(s, now, &err) && db_is_alive(s->db))
            log_write(LOG_ERROR, NULL, "%s", err.message);
    }
}

static int take_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    sigaction(SIGALRM, &(struct sigaction){ .sa_handler = watchdog }, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool worker_run(const struct config *config, const char *url, int64_t slots, void (*ready)(void),
                struct err *err)
{
    static struct supervisor s;
    int64_t spare = config->worker_spare < MAX_SPARE ? config->worker_spare : MAX_SPARE;
    int signals;

    if (slots <= 0)
        slots = config->worker_slots > 0 ? config->worker_slots : sysconf(_SC_NPROCESSORS_ONLN);
    if (slots > MAX_SLOTS)
        slots = MAX_SLOTS;
    s = (struct supervisor){ .config = config, .url = url, .zygote = -1,
                             .n_slots = (size_t)slots, .n_spare = (size_t)spare,
                             .n_places = 2 * (size_t)(slots + spare) + 2 + STAGING_PLACES };
    for (size_t i = 0; i < MAX_PLACES; i++)
        s.slots[i].socket = -1;
    s.self = (struct worker){ .id = id_token63(), .slots = slots,
                              .slot_bytes = config->worker_memory };
    leader_describe_self(&s.self);
    watched = &s;
    if (!slots_start_zygote(&s, err)) /* before there is a connection that it would inherit */
        return false;
    signals = take_signals();
    if (!db_open(url, &s.db, err))
        return false;
    if (!settle_in(&s, err))
        return false;
    s.connected = true;
    if (ready)
        ready();
    loop(&s, signals);
    setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
    stop(&s);
    db_close(s.db);
    close(signals);
    return true;
}
