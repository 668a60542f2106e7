/* What one worker does for all: it frees the tasks of workers that are gone, says that products which
 * nobody stages any more are offline, ends jobs that cost more than they may and steps of workflows that have ended, tells
 * other servers to stop, and has garbage collected. Who leads is who holds an advisory lock in the database.
 *
 * A worker is gone when its leases run out. On this host it is known sooner: its process is not
 * there any more, or the number belongs to a process that was born at another time. */
#include "base/instant.h"
#include "base/log.h"
#include "base/text.h"
#include "jobs/remote.h"
#include "jobs/scratch.h"
#include "jobs/worker.h"
#include "store/budgets.h"
#include "store/places.h"
#include "store/remote_jobs.h"
#include "store/steps.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEAD_MS = 1000, SWEEP_MS = 3600 * 1000, SILENT_S = 60, MANY = 256 };

/* 0 when there is no such process. */
static int64_t birth_of(int process)
{
    char path[64], line[1024] = "";
    FILE *file;
    const char *rest;
    unsigned long long birth = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", process);
    file = fopen(path, "re");
    if (!file)
        return 0;
    if (!fgets(line, sizeof line, file))
        line[0] = '\0';
    fclose(file);
    rest = strrchr(line, ')'); /* the name may hold anything; fields 3.. follow it */
    if (!rest || rest[1] == '\0' || rest[2] == 'Z')
        return 0; /* a zombie is gone */
    if (sscanf(rest + 2,
               "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
               &birth) != 1)
        return 0;
    return (int64_t)birth;
}

void leader_describe_self(struct worker *self)
{
    char host[65] = "localhost";
    struct stat st = { 0 };

    gethostname(host, sizeof host - 1);
    if (stat("/proc/self/ns/pid", &st))
        st.st_ino = 0;
    snprintf(self->host, sizeof self->host, "%s/%llu", host, (unsigned long long)st.st_ino);
    self->process = getpid();
    self->birth = birth_of(self->process);
}

static bool free_tasks(struct supervisor *s, int64_t worker, const char *why, struct err *err)
{
    struct task_failure failure = { .code = ERR_TaskLost, .message = why, .retry = true, .lost = true,
                                    .max_failures = s->config->jobs_max_attempts };
    static struct task tasks[MANY];
    size_t count;

    do {
        if (!task_list_lost(s->db, worker, tasks, MANY, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!task_fail(s->db, &tasks[i], &failure, err))
                return false;
            scratch_remove_task(s->config, &tasks[i]);
            log_write(LOG_WARNING, tasks[i].job, "task %d is free again: %s", tasks[i].number, why);
        }
    } while (count == MANY);
    return true;
}

static bool bury_dead_neighbours(struct supervisor *s, struct err *err)
{
    static struct worker neighbours[MANY];
    size_t count;

    if (!worker_list_host(s->db, s->self.host, s->self.id, neighbours, MANY, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct worker *w = &neighbours[i];

        if (birth_of(w->process) == w->birth)
            continue;
        if (!free_tasks(s, w->id, "The process of its worker has ended.", err) ||
            !worker_leave(s->db, w->id, err))
            return false;
    }
    return true;
}

/* In a process of its own: removing many files must not hold up the heartbeat. */
static void start_sweeper(struct supervisor *s)
{
    pid_t pid = fork();
    struct sweep_report report = { 0 };
    struct err err = { 0 };
    struct db *db;

    if (pid != 0) {
        s->sweeper = pid > 0 ? pid : 0;
        return;
    }
    if (!db_open(s->url, &db, &err) || !sweep(s->config, db, &report, &err))
        log_write(LOG_WARNING, NULL, "Garbage was not collected: %s", err.message);
    else if (report.jobs + report.folders + report.files > 0)
        log_write(LOG_INFO, NULL,
                  "Removed %" PRId64 " expired jobs, %" PRId64 " folders and %" PRId64 " files.",
                  report.jobs, report.folders, report.files);
    _exit(0);
}

/* Jobs on other servers whose workflow has ended here are told to stop: in a process of its own, as these may not answer. */
static void dismiss_all(const struct supervisor *s, struct db *db)
{
    AUTO(arena) struct arena *arena = arena_new();
    static struct remote_job list[MANY];
    struct err err = { 0 };
    size_t count;

    if (!remote_job_abandoned(db, arena, list, MANY, &count, &err))
        return;
    for (size_t i = 0; i < count; i++) {
        bool good = remote_dismiss(s->config, list[i].kind, list[i].url, &err);

        if (!good)
            log_write(LOG_WARNING, list[i].job, "%s could not be told to stop: %s", list[i].url, err.message);
        err_clear(&err);
        if (!(good ? remote_job_end(db, list[i].job, &err) : remote_job_postpone(db, &list[i], &err)))
            return;
    }
}

static bool dismiss_abandoned(struct supervisor *s, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct remote_job first;
    struct err ignored = { 0 };
    struct db *db;
    size_t count;

    if (s->dismisser || !remote_job_abandoned(s->db, arena, &first, 1, &count, err) || count == 0)
        return err->code == ERR_None;
    s->dismisser = fork();
    if (s->dismisser > 0)
        return true;
    if (s->dismisser < 0) {
        s->dismisser = 0;
        return true;
    }
    if (db_open(s->url, &db, &ignored))
        dismiss_all(s, db);
    _exit(0);
}

/* Steps of workflows that have ended otherwise. */
static bool end_steps(struct supervisor *s, struct err *err)
{
    int64_t count;

    return step_end_orphans(s->db, &count, err) && dismiss_abandoned(s, err);
}

bool leader_tick(struct supervisor *s, int64_t now, struct err *err)
{
    if (now < s->next_lead)
        return true;
    s->next_lead = now + LEAD_MS;
    if (!s->leads) {
        if (!worker_try_lead(s->db, &s->leads, err))
            return false;
        if (!s->leads)
            return true;
        s->led_since = now;
    }
    if (!bury_dead_neighbours(s, err) || !places_tidy(s->db, err) || !end_steps(s, err) ||
        !budgets_enforce(s->db, s->config->billing_currency, s->self.slot_bytes, err))
        return false;
    /* after an outage of the database everybody gets the time to renew first */
    if (now - s->led_since > s->config->jobs_lease * 1000 &&
        (!free_tasks(s, 0, "Its worker fell silent.", err) ||
         !worker_forget_silent(s->db, SILENT_S, err)))
        return false;
    if (s->sweeper == 0 && now >= s->next_sweep) {
        s->next_sweep = now + SWEEP_MS;
        start_sweeper(s);
    }
    return true;
}
