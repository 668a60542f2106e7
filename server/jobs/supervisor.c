/* The supervisor: one thread, one poll loop, no GDAL. It claims tasks, hands them to children, renews
 * their leases, and tells the database how they ended.
 *
 * Time is kept by CLOCK_BOOTTIME. Leases are renewed every third of their length; a watchdog, which is
 * wound up by each renewal, kills all children before the leases end, also when this very loop hangs
 * in a call to a database that does not answer. */
#include "base/instant.h"
#include "base/log.h"
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

enum { POLL_MS = 1000, TICK_MS = 100, PROGRESS_MS = 500, MARGIN_S = 3 };

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

static bool beat(struct supervisor *s, int64_t now, struct err *err)
{
    int64_t tokens[MAX_PLACES];
    size_t where[MAX_PLACES], n = 0;
    bool held[MAX_PLACES], known;

    if (now < s->next_beat)
        return true;
    for (size_t i = 0; i < s->n_places; i++) {
        if (s->slots[i].state != SLOT_BUSY && !s->slots[i].failed)
            continue;
        where[n] = i;
        tokens[n++] = s->slots[i].task.token;
    }
    if (!worker_beat(s->db, s->self.id, room_for_tasks(s), s->config->jobs_lease, tokens, held, n,
                     &known, err))
        return false;
    wind_up_watchdog(s);
    s->next_beat = now + s->config->jobs_lease * 1000 / 3;
    if (!known)
        return worker_register(s->db, &s->self, err);
    for (size_t k = 0; k < n; k++) {
        slots_read(s, where[k]); /* it may be done by now */
        if (!held[k] && s->slots[where[k]].state == SLOT_BUSY &&
            s->slots[where[k]].task.token == tokens[k])
            slots_kill(s, where[k]);
    }
    return true;
}

static bool tell_failures(struct supervisor *s, struct err *err)
{
    for (size_t i = 0; i < s->n_places; i++) {
        struct slot *slot = &s->slots[i];

        if (!slot->failed)
            continue;
        if (slot->failure.node)
            slot->failure.node = slot->report.node;
        slot->failure.message = slot->report.message;
        if (!task_fail(s->db, &slot->task, &slot->failure, err))
            return false;
        slot->failed = false;
        s->look = true;
        log_write(slot->failure.retry ? LOG_WARNING : LOG_INFO, slot->task.job, "task %d: %s: %s",
                  slot->task.number, err_name(slot->failure.code), slot->failure.message);
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
    size_t slots = slots_free(s);
    struct task_room room = { .bytes = (int64_t)(slots ? slots : 1) * s->self.slot_bytes,
                              .stagings = slots_free_for_staging(s) > 0 ? s->config->catalog_stagings : 0,
                              .plans_only = slots == 0 };
    bool told = s->idle_told > 0;

    if (!task_claim(s->db, s->self.id, &room, s->config->jobs_lease, ret_task, ret_found, err))
        return false;
    if (*ret_found || told)
        return true;
    return tell_idle(s, room_for_tasks(s), err) &&
           task_claim(s->db, s->self.id, &room, s->config->jobs_lease, ret_task, ret_found, err);
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

static bool take_tasks(struct supervisor *s, int64_t now, struct err *err)
{
    bool found = true;
    struct task task;

    if (s->stopping || (!s->look && now < s->next_poll))
        return true;
    s->look = false;
    while (found && room_for_tasks(s) > 0) {
        if (!claim(s, &task, &found, err) || (found && !give(s, &task, err)))
            return false;
    }
    s->next_poll = now + POLL_MS * 3 / 4 + (int64_t)(id_token63() % (POLL_MS / 2));
    return room_for_tasks(s) > 0 || tell_idle(s, 0, err);
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
        if (!busy)
            continue;
        scratch_remove_task(s->config, &slot->task);
        if (s->connected && !task_fail(s->db, &slot->task, &failure, &err))
            err_clear(&err); /* its lease runs out */
    }
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
