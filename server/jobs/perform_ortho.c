/* The first task of a job of ortho-s1-grd finds out what is to be done, has products fetched from tape, writes a task for
 * every step, and waits for the last ones. When it runs again after them it publishes what they made. */
#include "base/folder.h"
#include "base/instant.h"
#include "base/text.h"
#include "cwl/cwl.h"
#include "jobs/ortho.h"
#include "jobs/scratch.h"
#include "json/js.h"
#include "store/budgets.h"
#include "store/steps.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool perform_is_ortho(const struct performer *p)
{
    return p->work.may_run_commands && json_object_get(p->work.process, "chain") != NULL;
}

/* ---- the beginning ---- */

struct beginning {
    struct performer *performer;
    struct task *task;
    const struct ortho_scenes *scenes;
    const struct ortho_plan *plan;
    double seconds;
    bool seen; /* an earlier look recorded that it has begun */
    enum hold hold;
};

static bool note_begin(struct db *db, const struct beginning *b, struct err *err)
{
    AUTO(json) json_t *nothing = json_object();

    return b->seen || step_begin(db, b->task, nothing, err);
}

static bool add_stagings(struct db *db, void *arg, struct err *err)
{
    struct beginning *b = arg;

    return task_hold(db, b->task, &b->hold, err) &&
           (b->hold != HOLD_MINE || (note_begin(db, b, err) &&
                                     staging_add_tasks(db, b->task, &b->performer->work, b->scenes->offline, b->scenes->n_offline, err) &&
                                     step_show_stagings(db, b->task, err)));
}

static bool add_fetches(struct db *db, void *arg, struct err *err)
{
    struct beginning *b = arg;

    return task_hold(db, b->task, &b->hold, err) &&
           (b->hold != HOLD_MINE || (note_begin(db, b, err) && copy_add_tasks(db, b->task, &b->performer->work, b->scenes->away,
                                                                             b->scenes->n_away, err)));
}

static json_t *estimate_json(const struct ortho_plan *plan)
{
    return json_pack("{s:I, s:f, s:f, s:I, s:f, s:i}", "blocks", (json_int_t)plan->blocks, "pixels_in", plan->pixels, "pixels_out",
                     plan->pixels, "bytes_out", (json_int_t)plan->bytes, "seconds", plan->seconds, "memory_bytes", 0);
}

/* What is to be done, and its price where there are prices. */
static char *describe(const struct config *c, const struct ortho_plan *plan)
{
    size_t n_scenes = json_array_size(plan->scenes);
    struct text t = { 0 };

    text_printf(&t, "Planned: %zu tile%s of %zu product%s in %zu steps, about %.0f s of work", plan->n_tiles, plan->n_tiles == 1 ? "" : "s",
                n_scenes, n_scenes == 1 ? "" : "s", json_array_size(plan->steps), plan->seconds);
    if (*c->billing_currency)
        text_printf(&t, " and %.0f MB of results for about %.3g %s", plan->bytes / 1e6, budget_price(c, plan->seconds, 0, plan->bytes),
                    c->billing_currency);
    text_add(&t, ".");
    return text_take(&t);
}

static bool record(struct db *db, void *arg, struct err *err)
{
    struct beginning *b = arg;
    const struct ortho_plan *plan = b->plan;
    AUTO(json) json_t *estimate = estimate_json(plan);
    AUTO(mem) char *message = describe(b->performer->config, plan);
    size_t i;
    struct job_planned planned = { .scenes = plan->scenes, .estimate = estimate, .blocks = plan->blocks + 1,
                                   .n_tasks = (int)json_array_size(plan->steps) + 1, .seconds = plan->seconds };
    json_t *warning;

    if (!task_hold(db, b->task, &b->hold, err))
        return false;
    if (b->hold != HOLD_MINE)
        return true;
    if (!note_begin(db, b, err) || !step_show_planning(db, b->task, "init", b->seconds, err) ||
        !job_set_planned(db, b->task->job, &planned, err) ||
        !job_log_add_at(db, b->task->job, b->task->number, "info", NULL, message, NULL, err))
        return false;
    json_array_foreach(plan->warnings, i, warning)
        if (!job_log_add_at(db, b->task->job, b->task->number, "warning", "Partial", json_string_value(warning), NULL, err))
            return false;
    return step_add_all(db, b->task, &b->performer->work, plan->steps, err);
}

static bool check_limits(const struct config *config, const struct ortho_plan *plan, struct err *err)
{
    if (plan->pixels > (double)config->jobs_max_pixels)
        return err_set(err, ERR_ProcessGraphComplexity,
                       "The job makes %.3g pixels of all tiles and polarisations; a job may make %.3g (jobs.max_pixels). Choose fewer "
                       "tiles or a shorter time.", plan->pixels, (double)config->jobs_max_pixels);
    if (json_array_size(plan->steps) > (size_t)config->jobs_max_tasks)
        return err_set(err, ERR_ProcessGraphComplexity, "The job has %zu steps; a job may have %" PRId64 " (jobs.max_tasks).",
                       json_array_size(plan->steps), config->jobs_max_tasks);
    return true;
}

static bool begin(struct performer *p, struct task *task, bool seen, int64_t start, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct ortho_inputs inputs = { 0 };
    struct ortho_scenes scenes = { 0 };
    struct ortho_plan plan = { 0 };
    struct beginning b = { .performer = p, .task = task, .scenes = &scenes, .plan = &plan, .seen = seen };
    AUTO(json) json_t *given = p->work.arguments ? json_incref(p->work.arguments) : json_object();
    bool good;

    if (!*p->config->sar_dem)
        return err_set(err, ERR_FeatureUnsupported, "This site has no digital elevation model (sar.dem is not set)");
    if (!ortho_inputs_read(given, &inputs, err) || !ortho_scenes_find(p, &inputs, arena, &scenes, err))
        return false;
    if (!ortho_plan_make(&inputs, &scenes, arena, &plan, err)) /* before anything is fetched in vain */
        return false;
    b.seconds = perform_seconds(start);
    good = check_limits(p->config, &plan, err) &&
           perform_transact(p, scenes.n_offline ? add_stagings : scenes.n_away ? add_fetches : record, &b, err);
    ortho_plan_done(&plan);
    return good;
}

/* ---- the end ---- */

struct ending {
    struct performer *performer;
    struct task *task;
    struct arena *arena;
    const char *fresh;
    struct job_asset *assets;
    size_t count, room;
    int *again; /* numbers of packages whose files are gone */
    size_t n_again, room_again;
};

/* A temporary becomes a result: the same file under another name, so that a try that fails later has lost nothing. */
static bool take_file(const char *from, const char *to, struct err *err)
{
    unlink(to);
    return link(from, to) == 0 || cwl_copy(from, to, err);
}

static void add_asset(struct ending *e, const json_t *file, int64_t size)
{
    e->assets = mem_grow(e->assets, &e->room, e->count + 1, sizeof *e->assets);
    e->assets[e->count++] = (struct job_asset){ .name = js_text_in(file, "name"), .media_type = js_text_in(file, "type"),
                                                .title = js_text_in(file, "title"), .output = js_text_in(file, "output"),
                                                .size_bytes = size,
                                                .fields = json_incref(json_object_get(file, "fields")) };
}

/* What a package lists: files of tasks, and texts that it gave itself. */
static bool take_package(struct ending *e, const json_t *package, struct err *err)
{
    json_t *file;
    size_t i;

    json_array_foreach(json_object_get(package, "files"), i, file) {
        const char *to = arena_printf(e->arena, "%s/%s", e->fresh, js_text_in(file, "name"));
        AUTO(mem) char *from = scratch_part(e->performer->config, e->task, (int)json_integer_value(json_object_get(file, "number")),
                                            json_integer_value(json_object_get(file, "token")));
        const json_t *content = json_object_get(file, "content");
        struct stat st;

        if (content) {
            if (json_dump_file(content, to, JSON_INDENT(2)) || stat(to, &st))
                return err_set(err, ERR_StorageFailure, "%s: could not be written", to);
        } else if (stat(from, &st) || st.st_size != json_integer_value(json_object_get(file, "size"))) {
            e->again = mem_grow(e->again, &e->room_again, e->n_again + 1, sizeof *e->again);
            e->again[e->n_again++] = (int)json_integer_value(json_object_get(package, "number"));
            return true;
        } else if (!take_file(from, to, err)) {
            return false;
        }
        add_asset(e, file, st.st_size);
    }
    return true;
}

static bool finish(struct ending *e, const json_t *outputs, int64_t start, struct err *err)
{
    const char *key;
    json_t *package;

    if (!folder_make(e->fresh, err))
        return false;
    json_object_foreach((json_t *)outputs, key, package)
        if (!take_package(e, package, err))
            return err_prefix(err, "%s", key);
    if (e->n_again > 0) {
        scratch_remove(e->fresh);
        return perform_again(e->performer, e->task, e->again, e->n_again, err);
    }
    return perform_publish(e->performer, e->task,
                           &(struct perform_end){ e->fresh, .files = e->assets, .n_files = e->count, .seconds = perform_seconds(start) },
                           err);
}

static bool publish(struct performer *p, struct task *task, int64_t start, struct err *err)
{
    AUTO(mem) char *fresh = scratch_fresh_result(p->config, task);
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(json) json_t *outputs = NULL;
    struct ending e = { .performer = p, .task = task, .arena = arena, .fresh = fresh };
    bool good = step_inputs(p->db, task, &outputs, err) && finish(&e, outputs, start, err);

    for (size_t i = 0; i < e.count; i++)
        json_decref(e.assets[i].fields);
    free(e.assets);
    free(e.again);
    return good;
}

bool perform_ortho(struct performer *p, struct task *task, struct err *err)
{
    AUTO(mem) char *root = scratch_run(p->config, task->job, task->run);
    AUTO(step_look) struct step_look look = { 0 };
    int64_t start = instant_monotonic();

    if (!folder_make(root, err) || !step_look(p->db, task, &look, err))
        return false;
    return json_object_get(look.begun, "init") ? publish(p, task, start, err) : begin(p, task, look.inputs != NULL, start, err);
}
