/* The first task of a job. The checked graph becomes a plan; when products that it reads lie on tape,
 * tasks that fetch them are written, and this one runs again after them. Then the plan is estimated and held against
 * the limits, and then either done at once, when it is small, or written as tasks over ranges of
 * blocks. The scenes that the catalogue named are recorded with it: whatever runs later or again
 * works on the same ones. */
#include "base/folder.h"
#include "base/instant.h"
#include "jobs/ortho.h"
#include "jobs/perform.h"
#include "jobs/scratch.h"
#include "json/js.h"
#include "jobs/url.h"
#include "store/catalog.h"
#include "store/stagings.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* What assembling weighs in progress, in parts of computing. */
enum { ASSEMBLE_PART = 10 };

/* A job that takes less has no progress to tell: its plan is recorded with its end. */
#define QUICK_SECONDS 0.5

static bool check_limits(struct performer *p, const struct raster_estimate *e, struct err *err)
{
    bool sync = p->work.class == CLASS_INTERACTIVE;
    int64_t most = sync ? p->config->jobs_sync_pixels : p->config->jobs_max_pixels;

    if (e->pixels_in <= most)
        return true;
    return err_set(err, ERR_ProcessGraphComplexity,
                   "The process reads %" PRId64 " pixels of all bands and dates; %s may read %" PRId64
                   ". Choose a smaller area, a shorter time or fewer bands%s.",
                   e->pixels_in, sync ? "a synchronous request" : "a job", most,
                   sync ? ", or create a job" : "");
}

struct surveyor {
    struct performer *performer;
    struct task *task;
    const struct catalog_viewer *viewer;
};

/* Nothing goes. */
static void hold_all(const struct plan *plan, struct survey *survey)
{
    const struct grid *grid = &plan->saves[0]->schema.grid;

    memset(survey->holds, true, survey->n_planes * sizeof *survey->holds);
    survey->left = survey->top = 0;
    survey->right = grid->width - 1;
    survey->bottom = grid->height - 1;
}

/* Pixels on tape are looked at when they are online: the plan is made again then. */
static bool survey(void *surveyor_, const struct plan *plan, struct survey *survey, struct err *err)
{
    const struct surveyor *s = surveyor_;
    struct performer *p = s->performer;
    AUTO(mem) char *spool = scratch_spool(p->config, s->task);
    struct raster_options options = perform_options(p, s->task, spool);
    struct raster_estimate estimate;
    bool good;

    if (s->viewer->n_offline > 0) {
        hold_all(plan, survey);
        return true;
    }
    perform_will_read(p);
    options.progress = NULL; /* these are no blocks of the job */
    if (!raster_estimate(plan, &options, &estimate, err) || !check_limits(p, &estimate, err) ||
        !folder_make(spool, err))
        return false;
    good = raster_survey(plan, &options, survey, err);
    scratch_remove(spool);
    return good;
}

/* Who asks may be told after a while: nobody's end waits for that. */
static void before_asking(void *performer)
{
    perform_will_read(performer);
}

static bool make_plan(struct performer *p, struct task *task, struct catalog_viewer *viewer, struct err *err)
{
    struct surveyor surveyor = { p, task, viewer };
    const struct udf_listener listener = perform_listener(p);
    AUTO(mem) char *run = scratch_run(p->config, task->job, task->run);
    AUTO(mem) char *folder = mem_printf("%s/brought.%" PRId64, run, task->token);
    const struct url_reader reader = { p->config, viewer->db, viewer->user, &listener, folder };
    struct catalog catalog = p->work.scenes ? catalog_replay(p->work.scenes)
                                            : catalog_store(viewer);

    if (!p->work.scenes)
        url_allow(&catalog, &reader);
    catalog.survey = survey;
    catalog.survey_context = &surveyor;
    catalog.before = before_asking;
    catalog.before_context = p;
    return perform_make_plan(p, &catalog, err);
}

struct waiting {
    struct performer *performer;
    struct task *task;
    const struct catalog_viewer *viewer;
};

static bool add_stagings(struct db *db, void *arg, struct err *err)
{
    const struct waiting *w = arg;
    enum hold hold;

    if (!task_hold(db, w->task, &hold, err))
        return false;
    return hold != HOLD_MINE ||
           staging_add_tasks(db, w->task, &w->performer->work, w->viewer->offline,
                             w->viewer->n_offline, err);
}

/* Some of what the plan reads lies on tape: it is made again when all is online. */
static bool wait_for_tape(struct performer *p, struct task *task, const struct catalog_viewer *viewer,
                          struct err *err)
{
    struct waiting w = { p, task, viewer };

    plan_free(p->plan);
    p->plan = NULL;
    return perform_transact(p, add_stagings, &w, err);
}

static json_t *estimate_json(const struct raster_estimate *e)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:f, s:I}", "blocks", (json_int_t)e->blocks, "pixels_in",
                     (json_int_t)e->pixels_in, "pixels_out", (json_int_t)e->pixels_out, "bytes_in",
                     (json_int_t)e->bytes_in, "seconds", e->seconds, "memory_bytes",
                     (json_int_t)e->memory_bytes);
}

static size_t count_ranges(const struct config *c, const struct raster_estimate *e)
{
    double wanted = c->jobs_task_seconds > 0 ? ceil(e->seconds / (double)c->jobs_task_seconds)
                                             : (double)e->blocks;
    size_t most = c->jobs_max_tasks > 0 ? (size_t)c->jobs_max_tasks : 1;

    if (!(wanted > 1))
        return 1;
    if (wanted < (double)most)
        most = (size_t)wanted;
    return most < e->blocks ? most : e->blocks;
}

/* Which users' processes the plan was made with; the caller owns the answer. */
static json_t *processes_used(const json_t *scenes)
{
    json_t *used = json_array(), *of_space, *process;
    const char *space, *id;

    json_object_foreach(json_object_get(scenes, "processes"), space, of_space)
        json_object_foreach(of_space, id, process)
            json_array_append_new(used, json_pack("{s:s, s:o, s:O*}", "namespace", space, "id",
                                                  json_stringn(id, strcspn(id, "@")), "version",
                                                  json_object_get(process, CATALOG_VERSION)));
    return used;
}

struct planning {
    struct performer *performer;
    struct task *task;
    const struct raster_estimate *estimate;
    size_t n_ranges; /* 1: this task does it all */
    double seconds;
    enum hold hold;
};

/* Lines of the log; the caller owns them. */
static json_t *planned_lines(const struct planning *g)
{
    json_t *lines = json_array();
    const json_t *notice;
    size_t i;

    json_array_foreach(g->performer->plan->notices, i, notice) {
        json_t *node = json_object_get(notice, "node"), *seen = json_object_get(notice, "data");
        const char *level = js_text(notice, "level"), *message = js_text(notice, "message");
        json_t *line = json_pack("{s:s, s:O*, s:s}", "level", level ? level : "info", "code",
                                 json_object_get(notice, "code"), "message", message ? message : "");

        if (node)
            json_object_set_new(line, "data", json_pack("{s:O, s:O*}", "node", node, "data", seen));
        json_array_append_new(lines, line);
    }
    json_array_append_new(lines, json_pack("{s:s, s:o}", "level", "info", "message",
        json_sprintf("Planned: %" PRId64 " pixels to read, %" PRId64 " blocks in %zu task%s, about %.1f s of work.",
                     g->estimate->pixels_in, (int64_t)g->estimate->blocks, g->n_ranges, g->n_ranges == 1 ? "" : "s",
                     g->estimate->seconds)));
    return lines;
}

static bool log_lines(struct db *db, const struct planning *g, struct err *err)
{
    AUTO(json) json_t *lines = planned_lines(g);
    const json_t *line;
    size_t i;

    json_array_foreach(lines, i, line) {
        if (!job_log_add_at(db, g->task->job, g->task->number, js_text(line, "level"), js_text(line, "code"),
                            js_text(line, "message"), json_object_get(line, "data"), err))
            return false;
    }
    return true;
}

static bool add_tasks(struct db *db, const struct planning *g, int64_t assemble_blocks,
                      struct err *err)
{
    size_t n = g->n_ranges;
    AUTO(mem) int64_t *ends = mem_array(n, sizeof *ends);
    struct task_plan plan = { .n_ranges = n, .ends = ends, .assemble_blocks = assemble_blocks };

    for (size_t i = 0; i < n; i++)
        ends[i] = (int64_t)(g->estimate->blocks * (i + 1) / n);
    plan.block_seconds = g->estimate->seconds / (double)g->estimate->blocks;
    return task_add_plan(db, &g->performer->work, &plan, err);
}

static int64_t assemble_blocks(const struct planning *g)
{
    return g->n_ranges > 1 ? (int64_t)g->estimate->blocks / ASSEMBLE_PART + 1 : 0;
}

/* The caller drops estimate and processes. */
static struct job_planned planned_of(const struct planning *g)
{
    json_t *processes = processes_used(g->performer->plan->scenes);

    if (json_array_size(processes) == 0) {
        json_decref(processes);
        processes = NULL;
    }
    return (struct job_planned){ .scenes = g->performer->plan->scenes,
                                 .estimate = estimate_json(g->estimate),
                                 .processes = processes,
                                 .blocks = (int64_t)g->estimate->blocks + assemble_blocks(g),
                                 .n_tasks = g->n_ranges > 1 ? (int)g->n_ranges + 2 : 1,
                                 .seconds = g->estimate->seconds };
}

static void drop_planned(struct job_planned *planned)
{
    json_decref((json_t *)planned->estimate);
    json_decref((json_t *)planned->processes);
}

static bool record(struct db *db, void *arg, struct err *err)
{
    struct planning *g = arg;
    struct job_planned planned;
    bool good;

    if (!task_hold(db, g->task, &g->hold, err))
        return false;
    if (g->hold != HOLD_MINE)
        return true;
    planned = planned_of(g);
    good = job_set_planned(db, g->task->job, &planned, err) && log_lines(db, g, err);
    drop_planned(&planned);
    if (!good)
        return false;
    return g->n_ranges == 1 ||
           (add_tasks(db, g, assemble_blocks(g), err) && task_settle(db, g->task, g->seconds, err));
}

/* `end` tells all but the files. */
static bool do_at_once(struct performer *p, struct task *task, int64_t start, struct perform_end *end, struct err *err)
{
    AUTO(mem) char *spool = scratch_spool(p->config, task);
    struct raster_options options = perform_options(p, task, spool);
    AUTO(raster_result) struct raster_result *result = NULL;

    if (!folder_make(spool, err) || !folder_make(end->fresh, err) ||
        !raster_evaluate(p->plan, &options, end->fresh, &result, err))
        return false;
    end->result = result;
    end->seconds = perform_seconds(start);
    return perform_publish(p, task, end, err);
}

/* A graph that ends in a number, an array or the like: its JSON is the result. */
static bool save_value(struct performer *p, struct task *task, int64_t start, struct perform_end *end, struct err *err)
{
    AUTO(mem) char *path = mem_printf("%s/result.json", end->fresh);

    if (!folder_make(end->fresh, err))
        return false;
    if (json_dump_file(p->plan->value, path, JSON_ENCODE_ANY | JSON_INDENT(2)))
        return err_set(err, ERR_StorageFailure, "%s: could not be written", path);
    end->seconds = perform_seconds(start);
    return perform_publish(p, task, end, err);
}

/* All of it in this task. */
static bool finish_here(struct performer *p, struct planning *g, int64_t start, struct err *err)
{
    AUTO(mem) char *fresh = scratch_fresh_result(p->config, g->task);
    bool is_value = p->plan->value != NULL, quick = is_value || g->estimate->seconds < QUICK_SECONDS;
    AUTO(json) json_t *lines = quick ? planned_lines(g) : NULL;
    struct perform_end end = { .fresh = fresh, .logs = lines, .may_wait = is_value };
    struct job_planned planned = { 0 };
    bool good;

    if (quick) {
        planned = planned_of(g);
        end.planned = &planned;
    } else if (!perform_transact(p, record, g, err)) {
        return false;
    } else if (g->hold != HOLD_MINE) {
        return true;
    }
    g->task->blocks = (int64_t)g->estimate->blocks;
    good = is_value ? save_value(p, g->task, start, &end, err) : do_at_once(p, g->task, start, &end, err);
    drop_planned(&planned);
    return good;
}

bool perform_plan(struct performer *p, struct task *task, struct err *err)
{
    AUTO(mem) char *folder = scratch_run(p->config, task->job, task->run);
    struct raster_options options = perform_options(p, task, folder);
    int64_t start = instant_monotonic();
    struct raster_estimate estimate = { .blocks = 1 };
    struct planning planning = { .performer = p, .task = task, .estimate = &estimate };
    AUTO(arena) struct arena *arena = arena_new();
    struct catalog_viewer viewer = { .db = p->db, .user = p->work.owner,
                                     .site = p->config->catalog_site, .arena = arena,
                                     .job = task->job, .run = task->run };

    if (perform_is_ortho(p)) {
        perform_will_stay(p);
        return perform_ortho(p, task, err);
    }
    if (perform_is_commands(p)) {
        perform_will_stay(p);
        return perform_flow(p, task, err);
    }
    if (perform_is_workflow(p) || perform_is_remote(p)) {
        perform_will_read(p);
        return (perform_is_workflow(p) ? perform_workflow : perform_remote)(p, task, err);
    }
    if (!make_plan(p, task, &viewer, err))
        return false;
    if (!p->plan->value)
        perform_will_read(p);
    if (viewer.n_offline > 0)
        return wait_for_tape(p, task, &viewer, err);
    if (!p->plan->value &&
        (!raster_estimate(p->plan, &options, &estimate, err) || !check_limits(p, &estimate, err)))
        return false;
    planning.n_ranges = p->plan->value ? 1 : count_ranges(p->config, &estimate);
    planning.seconds = perform_seconds(start);
    task->pixels_read = (int64_t)p->reading.pixels; /* of surveys */
    if (planning.n_ranges == 1)
        return finish_here(p, &planning, start, err);
    perform_will_stay(p);
    if (!perform_transact(p, record, &planning, err))
        return false;
    if (planning.hold == HOLD_MINE && !p->work.scenes) /* later tasks in this process need them no more than this plan */
        p->work.scenes = json_incref(p->plan->scenes);
    return true;
}
