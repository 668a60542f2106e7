/* The end of jobs: their files get their final names and their rows, the jobs are finished, and their items are in the
 * catalogue, all in one transaction. The renames happen while the tasks are locked and known to be ours, so nobody else can
 * do the same; a crash before the commit leaves files that the next try replaces.
 *
 * A commit costs more than a job that computes nothing. So such jobs may wait a few milliseconds, and are then ended
 * together: they wait for no other work, but for the planning of the next one of their kind (perform_flush() is called before
 * anything is read or computed). */
#include "base/instant.h"
#include "base/log.h"
#include "jobs/perform.h"
#include "jobs/results_stac.h"
#include "jobs/scratch.h"
#include "jobs/workspace.h"
#include "json/js.h"
#include "store/job_finish.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* How long the first of several waits at most. */
enum { WAIT_MS = 50 };

/* A job whose files are made. Texts are in its arena. */
struct publication {
    struct arena *arena;
    struct task task;
    const char *owner, *title, *description, *process_id, *fresh, *final;
    bool is_hidden;
    struct job_asset *assets; /* their fields are owned */
    size_t n_assets;
    bool is_planned;          /* the plan is recorded with the end */
    struct job_planned planned;
    json_t *scenes, *estimate, *processes, *logs, *exports; /* owned */
    double seconds;
    bool renamed; /* by an earlier try of the transaction */
    bool is_lost; /* the task is not ours any more */
};

/* Several, in a transaction. */
struct publishing {
    struct performer *performer;
    struct publication **list;
    size_t count;
    struct job_finish *finish;
    bool catalogued;
};

static void publication_free(struct publication *u)
{
    for (size_t i = 0; i < u->n_assets; i++)
        json_decref(u->assets[i].fields);
    json_decref(u->scenes);
    json_decref(u->estimate);
    json_decref(u->processes);
    json_decref(u->logs);
    json_decref(u->exports);
    arena_free(u->arena);
    free(u);
}

/* ---- what is to be published ---- */

/* The files that a plan made. */
static void list_result(struct publication *u, const struct plan *plan, const struct raster_result *result)
{
    u->n_assets = result->n_files;
    u->assets = arena_array(u->arena, u->n_assets, sizeof *u->assets);
    for (size_t i = 0; i < u->n_assets; i++) {
        const struct raster_file *file = &result->files[i];

        u->assets[i] = (struct job_asset){ .name = arena_text(u->arena, file->name),
                                           .media_type = arena_text(u->arena, file->media_type),
                                           .title = arena_text(u->arena, file->title),
                                           .output = arena_text(u->arena, file->save),
                                           .size_bytes = file->size_bytes,
                                           .fields = perform_file_fields(plan, file) };
    }
}

/* A result without any file is a value. */
static void list_value(struct publication *u, const struct plan *plan)
{
    const char *path = arena_printf(u->arena, "%s/result.json", u->fresh);
    struct stat st;

    u->n_assets = 1;
    u->assets = arena_array(u->arena, 1, sizeof *u->assets);
    u->assets[0] = (struct job_asset){ .name = "result.json", .media_type = "application/json", .title = "Result",
                                       .size_bytes = stat(path, &st) == 0 ? st.st_size : 0,
                                       .fields = json_pack("{s:[s], s:o}", "roles", "data", "derived_from",
                                                           perform_sources(plan)) };
}

static void list_files(struct publication *u, const struct job_asset *assets, size_t count)
{
    u->n_assets = count;
    u->assets = arena_array(u->arena, count, sizeof *u->assets);
    for (size_t i = 0; i < count; i++) {
        const struct job_asset *a = &assets[i];

        u->assets[i] = (struct job_asset){ .name = arena_text(u->arena, a->name),
                                           .media_type = arena_text(u->arena, a->media_type),
                                           .title = arena_text(u->arena, a->title),
                                           .output = arena_text(u->arena, a->output),
                                           .size_bytes = a->size_bytes,
                                           .fields = json_incref(a->fields) };
    }
}

static struct publication *publication_new(struct performer *p, const struct task *task, const struct perform_end *end)
{
    struct publication *u = MEM_NEW(struct publication);
    AUTO(mem) char *final = scratch_result(p->config, task->job);
    const struct job_work *w = &p->work;

    u->arena = arena_new();
    u->task = *task;
    u->task.pixels_read = (int64_t)p->reading.pixels;
    u->seconds = end->seconds;
    u->fresh = arena_text(u->arena, end->fresh);
    u->final = arena_text(u->arena, final);
    u->owner = arena_text(u->arena, w->owner);
    u->title = arena_text(u->arena, w->title);
    u->description = arena_text(u->arena, w->description);
    u->process_id = arena_text(u->arena, w->process_id);
    u->is_hidden = w->only_result || w->is_step;
    u->logs = end->logs ? json_copy((json_t *)end->logs) : json_array();
    if (end->planned) {
        u->is_planned = true;
        u->planned = *end->planned;
        u->planned.scenes = u->scenes = json_incref((json_t *)end->planned->scenes);
        u->planned.estimate = u->estimate = json_incref((json_t *)end->planned->estimate);
        u->planned.processes = u->processes = json_incref((json_t *)end->planned->processes);
    }
    if (end->files)
        list_files(u, end->files, end->n_files);
    else if (end->result)
        list_result(u, p->plan, end->result);
    else
        list_value(u, p->plan);
    for (size_t i = 0; i < u->n_assets; i++)
        u->assets[i].path = arena_printf(u->arena, "%s/%s", u->final, u->assets[i].name);
    json_array_append_new(u->logs, json_pack("{s:s, s:o, s:b}", "level", "info", "message",
                                             json_sprintf("Finished: %zu file%s%s", u->n_assets, u->n_assets != 1 ? "s" : "",
                                                          end->result ? "" : "."),
                                             "sums", end->result != NULL));
    return u;
}

/* ---- the transaction ---- */

/* Results of an earlier run of the job, or of a try whose commit failed, give way. */
static bool rename_result(struct publication *u, struct err *err)
{
    if (u->renamed)
        return true;
    if ((rename(u->fresh, u->final) && (!scratch_remove(u->final) || rename(u->fresh, u->final))))
        return err_set(err, ERR_StorageFailure, "%s: could not be renamed: %s", u->fresh, strerror(errno));
    u->renamed = true;
    return true;
}

static bool hold(struct db *db, void *arg, struct err *err)
{
    struct publishing *g = arg;

    return jobs_hold(db, g->finish, g->count, err);
}

/* Where one is not ours any more nothing is done: it is left out of the next try. */
static bool hold_all(struct db *db, void *arg, struct err *err)
{
    struct publishing *g = arg;

    if (!hold(db, arg, err))
        return false;
    for (size_t i = 0; i < g->count; i++)
        if (g->finish[i].hold != HOLD_MINE)
            return err_set(err, ERR_JobNotFinished, "A task is not ours any more");
    return true;
}

static bool finish(struct db *db, void *arg, struct err *err)
{
    struct publishing *g = arg;

    if (!jobs_finish(db, g->finish, g->count, g->performer->config->jobs_keep, g->catalogued, err))
        return false;
    for (size_t i = 0; i < g->count; i++)
        if (g->finish[i].hold == HOLD_MINE && !rename_result(g->list[i], err))
            return false;
    return scratch_sync_results(g->performer->config, err);
}

static bool hold_and_finish(struct db *db, void *arg, struct err *err)
{
    return hold(db, arg, err) && finish(db, arg, err);
}

static bool all_are_ours(const struct publishing *g)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->finish[i].hold != HOLD_MINE)
            return false;
    return true;
}

static void tell_of(const struct publication *u, struct job_finish *ret_finish, struct results_job *ret_job)
{
    *ret_finish = (struct job_finish){ .task = (struct task *)&u->task, .planned = u->is_planned ? &u->planned : NULL,
                                       .seconds = u->seconds, .logs = u->logs, .exports = u->exports,
                                       .assets = u->assets, .n_assets = u->n_assets, .hold = HOLD_MINE };
    *ret_job = (struct results_job){ .files = { u->task.job, u->renamed ? NULL : u->fresh, u->assets, u->n_assets },
                                     .owner = u->owner, .title = u->title, .description = u->description,
                                     .process_id = u->process_id, .is_hidden = u->is_hidden, .finished = instant_now() };
}

static bool sync_files(const struct publishing *g, struct err *err)
{
    const char *folders[WIRE_MOST_MADE];

    for (size_t i = 0; i < g->count; i++)
        folders[i] = g->list[i]->renamed ? g->list[i]->final : g->list[i]->fresh;
    return scratch_sync_folders(folders, g->count, err);
}

/* With their items. When those cannot be made, the jobs are finished all the same; the leader makes them up (sweep.c). */
static bool publish_all(struct publishing *g, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct results_job *jobs = arena_array(arena, g->count, sizeof *jobs);
    struct results_end end = { hold_all, finish, g };
    struct err problem = { 0 };

    g->finish = arena_array(arena, g->count, sizeof *g->finish);
    for (size_t i = 0; i < g->count; i++)
        tell_of(g->list[i], &g->finish[i], &jobs[i]);
    if (!sync_files(g, err))
        return false;
    g->catalogued = true;
    if (!results_publish(g->performer->db, jobs, g->count, &end, &problem)) {
        if (all_are_ours(g))
            log_write(LOG_WARNING, g->list[0]->task.job, "The results are not in the catalogue yet: %s", problem.message);
        g->catalogued = false;
        if (!perform_transact(g->performer, hold_and_finish, g, err))
            return false;
    }
    if (!jobs_charge(g->performer->db, g->finish, g->count, &problem))
        err_clear(&problem);
    for (size_t i = 0; i < g->count; i++)
        g->list[i]->is_lost = g->finish[i].hold == HOLD_LOST;
    return true;
}

/* What others left of the job's run goes with its own, all in one go. */
static void remove_rest(const struct performer *p, const struct publication *u)
{
    AUTO(mem) char *folder = scratch_run(p->config, u->task.job, u->task.run);

    scratch_remove(u->is_lost ? u->fresh : folder);
}

static bool publish_one(struct performer *p, struct publication *u, struct err *err)
{
    struct publishing g = { .performer = p, .list = &u, .count = 1 };

    if (!publish_all(&g, err))
        return false;
    remove_rest(p, u);
    return true;
}

bool perform_publish(struct performer *p, struct task *task, const struct perform_end *end, struct err *err)
{
    const struct plan *plan = p->plan;
    struct publication *u = publication_new(p, task, end);
    bool good = true;

    if (plan && plan->exports) {
        struct results_files files = { task->job, u->fresh, u->assets, u->n_assets };

        p->reuse = REUSE_JOB; /* the bucket's key is known to this process */
        good = workspace_export(p->config, p->db, p->work.owner, plan->exports, &files, &u->exports, err);
    }
    if (good && end->may_wait && !u->exports && p->settled) {
        if (p->n_made == 0)
            p->made_since = instant_monotonic();
        p->made[p->n_made++] = u;
        return true;
    }
    good = good && publish_one(p, u, err);
    publication_free(u);
    return good;
}

/* ---- several ---- */

bool perform_is_waiting(const struct performer *p, const struct task *task)
{
    for (size_t i = 0; i < p->n_made; i++)
        if (p->made[i]->task.token == task->token)
            return true;
    return false;
}

bool perform_must_flush(const struct performer *p)
{
    return p->n_made == WIRE_MOST_MADE || (p->n_made > 0 && instant_monotonic() - p->made_since > WAIT_MS);
}

void perform_flush(struct performer *p)
{
    struct publishing g = { .performer = p, .list = p->made, .count = p->n_made };
    struct err err = { 0 };
    bool all;

    if (p->n_made == 0)
        return;
    all = publish_all(&g, &err);
    for (size_t i = 0; i < p->n_made; i++) {
        struct publication *u = p->made[i];
        struct err own = { 0 };
        bool good = all || publish_one(p, u, &own); /* each for itself: one of them may be the reason */

        if (all)
            remove_rest(p, u);
        p->settled(p->progress_context, &u->task, u->seconds, good ? NULL : &own);
        publication_free(u);
    }
    p->n_made = 0;
}

static void become(struct performer *p, enum reuse reuse)
{
    perform_flush(p);
    if (p->reuse < reuse)
        p->reuse = reuse;
}

void perform_will_read(struct performer *p)
{
    become(p, REUSE_OWNER);
}

void perform_will_stay(struct performer *p)
{
    become(p, REUSE_JOB);
}
