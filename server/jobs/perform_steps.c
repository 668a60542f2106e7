/* Jobs that run commands. The first task stages inputs, looks at the workflow, writes a task for each step that is
 * ready, and waits; whenever a step has ended it looks again. When nothing is left to do it publishes the outputs. A step's
 * files lie in a folder that bears its task's token, and are believed when the transaction that settles it says so. */
#include "base/folder.h"
#include "base/instant.h"
#include "base/text.h"
#include "cwl/cwl.h"
#include "jobs/ortho.h"
#include "jobs/perform.h"
#include "jobs/scratch.h"
#include "jobs/stage_in.h"
#include "jobs/stage_out.h"
#include "sandbox/container.h"
#include "store/steps.h"
#include <string.h>

enum { LOG_BYTES = 1 << 20 };

bool perform_is_commands(const struct performer *p)
{
    return p->work.may_run_commands && json_object_get(p->work.process, "cwl") != NULL;
}

struct flow {
    struct performer *performer;
    struct task *task;
    const json_t *inputs, *ready;
    struct step_look look;
    enum hold hold;
};

static void flow_drop(struct flow *f)
{
    step_look_drop(&f->look);
}

static bool record_inputs(struct db *db, void *arg, struct err *err)
{
    struct flow *f = arg;

    return task_hold(db, f->task, &f->hold, err) && (f->hold != HOLD_MINE || step_begin(db, f->task, f->inputs, err));
}

static bool add_steps(struct db *db, void *arg, struct err *err)
{
    struct flow *f = arg;

    return task_hold(db, f->task, &f->hold, err) &&
           (f->hold != HOLD_MINE || (step_add(db, f->task, &f->performer->work, f->ready, &f->look, err) &&
                                     step_wait(db, f->task, &f->look, err)));
}

/* Those of an earlier look, else those of the job, with what they name fetched. */
static bool take_inputs(struct flow *f, const char *root, struct err *err)
{
    struct performer *p = f->performer;
    AUTO(mem) char *folder = NULL;
    AUTO(json) json_t *given = NULL;

    if (f->look.inputs)
        return true;
    given = p->work.arguments ? json_deep_copy(p->work.arguments) : json_object();
    folder = mem_printf("%s/inputs.%lld", root, (long long)f->task->token);
    if (!folder_make(folder, err) || !stage_in(p->config, given, folder, err) ||
        !cwl_inputs(cwl_main(json_object_get(p->work.process, "cwl")), given, &f->look.inputs, err))
        return false;
    f->inputs = f->look.inputs;
    return perform_transact(p, record_inputs, f, err);
}

static bool publish(struct flow *f, const json_t *outputs, int64_t start, struct err *err)
{
    struct performer *p = f->performer;
    AUTO(mem) char *fresh = scratch_fresh_result(p->config, f->task);
    AUTO(arena) struct arena *arena = arena_new();
    struct job_asset *assets = NULL;
    size_t count = 0;
    bool good = folder_make(fresh, err) && stage_out(outputs, fresh, arena, &assets, &count, err) &&
                perform_publish(p, f->task, &(struct perform_end){ fresh, .files = assets, .n_files = count,
                                                                   .seconds = perform_seconds(start) }, err);

    for (size_t i = 0; i < count; i++)
        json_decref(assets[i].fields);
    return good;
}

bool perform_flow(struct performer *p, struct task *task, struct err *err)
{
    AUTO(mem) char *root = scratch_run(p->config, task->job, task->run);
    AUTO(json) json_t *ready = NULL, *outputs = NULL;
    AUTO(flow) struct flow f = { .performer = p, .task = task };
    int64_t start = instant_monotonic();

    if (!folder_make(root, err))
        return false;
    cwl_confine(root);
    if (!step_look(p->db, task, &f.look, err) || !take_inputs(&f, root, err) ||
        !cwl_next(json_object_get(p->work.process, "cwl"), f.look.inputs, f.look.done, &ready, &outputs, err))
        return false;
    if (outputs)
        return publish(&f, outputs, start, err);
    if (json_array_size(ready) == 0) /* steps that run are ready ones */
        return err_set(err, ERR_ProcessInvalid, "Nothing is left to do in the workflow, and there is no result.");
    f.ready = ready;
    return perform_transact(p, add_steps, &f, err);
}

/* ---- a step ---- */

struct stepping {
    struct performer *performer;
    struct task *task;
    const char *key;
};

void perform_step_say(struct performer *p, const struct task *task, const struct step_line *line)
{
    AUTO(json) json_t *data = json_pack("{s:s, s:s*}", "node", line->key, "stream", line->stream);
    struct err ignored = { 0 };

    if (!job_log_add_at(p->db, task->job, task->number, line->level, line->code, line->message, data, &ignored))
        err_clear(&ignored);
}

static void say_line(void *context, bool is_error, const char *line)
{
    const struct stepping *s = context;

    if (*line)
        perform_step_say(s->performer, s->task,
                         &(struct step_line){ s->key, is_error ? "stderr" : "stdout", "info", .message = line });
}

struct settling {
    const struct step_end *end;
    struct task *task;
    struct artefact *released;
    size_t n_released;
    enum hold hold;
};

static bool tell_end(struct db *db, const struct settling *s, struct err *err)
{
    AUTO(json) json_t *data = json_pack("{s:s}", "node", s->end->key);
    char message[60];

    snprintf(message, sizeof message, "Done in %.1f s.", s->end->seconds);
    return job_log_add_at(db, s->task->job, s->task->number, "info", NULL, message, data, err);
}

static bool settle(struct db *db, void *arg, struct err *err)
{
    struct settling *s = arg;
    const struct step_end *end = s->end;

    if (!task_hold(db, s->task, &s->hold, err))
        return false;
    if (s->hold != HOLD_MINE)
        return true;
    free(s->released);
    s->released = NULL;
    return (!end->has_artefact || artefact_add(db, s->task, end->artefact_bytes, err)) && step_finish(db, s->task, end->outputs, err) &&
           tell_end(db, s, err) && task_settle(db, s->task, end->seconds, err) &&
           (!end->releases || artefact_release(db, s->task->job, s->task->number, &s->released, &s->n_released, err));
}

bool perform_step_end(struct performer *p, struct task *task, const struct step_end *end, struct err *err)
{
    struct settling s = { .end = end, .task = task };
    bool good = perform_transact(p, settle, &s, err);

    for (size_t i = 0; good && s.hold == HOLD_MINE && i < s.n_released; i++) {
        AUTO(mem) char *path = scratch_part(p->config, task, s.released[i].number, s.released[i].token);

        scratch_remove(path);
    }
    if (good && s.hold == HOLD_LOST)
        scratch_remove(end->made);
    free(s.released);
    return good;
}

static bool run_step(struct stepping *s, const json_t *step, const char *folder, json_t **ret_outputs, struct err *err)
{
    const struct config *c = s->performer->config;
    int64_t memory = s->task->memory_bytes > c->worker_memory ? s->task->memory_bytes : c->worker_memory;
    struct cwl_run run = {
        .folder = folder,
        .site = { c->packages_network, container_runtime(c->packages_container), c->packages_registries,
                  c->worker_threads > 0 ? c->worker_threads : 1, memory },
        .limits = { memory, c->packages_disk, c->packages_files, c->packages_processes,
                    c->packages_time * (c->worker_threads > 0 ? c->worker_threads : 1), c->packages_time * 1000, LOG_BYTES },
        .line = say_line, .context = s,
    };

    return cwl_run(&run, json_object_get(step, "process"), json_object_get(step, "inputs"), ret_outputs, err);
}

bool perform_step(struct performer *p, struct task *task, struct err *err)
{
    AUTO(mem) char *root = scratch_run(p->config, task->job, task->run), *folder = scratch_spool(p->config, task);
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(json) json_t *step = NULL, *outputs = NULL;
    struct stepping s = { .performer = p, .task = task };
    int64_t start = instant_monotonic();

    if (!step_load(p->db, arena, task, &s.key, &step, err))
        return false;
    if (perform_is_ortho(p))
        return perform_ortho_step(p, task, s.key, step, err);
    if (!folder_make(folder, err))
        return false;
    cwl_confine(root);
    if (!run_step(&s, step, folder, &outputs, err))
        return err_prefix(err, "%s", s.key);
    return perform_step_end(p, task, &(struct step_end){ .key = s.key, .made = folder, .outputs = outputs,
                                                         .seconds = perform_seconds(start) }, err);
}
