/* Tasks. Pixels go to a file that bears the task's token; only the transaction that settles the
 * task, which asks for the token, makes the file known. Whoever was fenced off removes his own. */
#include "jobs/perform.h"
#include "base/folder.h"
#include "base/instant.h"
#include "base/log.h"
#include "jobs/scratch.h"
#include "jobs/url.h"
#include "store/catalog.h"
#include "json/js.h"
#include "store/cluster.h"
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAUSE_US = 100000 };

double perform_seconds(int64_t start_ms)
{
    return (double)(instant_monotonic() - start_ms) / 1000;
}

bool perform_transact(struct performer *p,
                      bool (*body)(struct db *db, void *arg, struct err *err), void *arg,
                      struct err *err)
{
    struct err ignored = { 0 };

    while (!db_transact(p->db, body, arg, err)) {
        if (db_is_alive(p->db))
            return false;
        err_clear(err);
        usleep(PAUSE_US);
        if (!db_revive(p->db, &ignored))
            err_clear(&ignored);
    }
    return true;
}

/* From any thread of the task: nothing else uses the connection while pixels are computed. What cannot be
 * told is lost: a log is no reason to fail. */
static void tell(void *performer, const char *level, const char *code, const char *node, const char *message,
                 const json_t *seen)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct performer *p = performer;
    AUTO(json) json_t *data = node ? json_pack("{s:s}", "node", node) : NULL;
    struct err ignored = { 0 };

    if (seen && data)
        json_object_set(data, "data", (json_t *)seen);
    pthread_mutex_lock(&lock);
    if (!job_log_add_at(p->db, p->task->job, p->task->number, level, code, message, data, &ignored))
        log_write(LOG_WARNING, p->task->job, "A line of a user's function is lost: %s", ignored.message);
    pthread_mutex_unlock(&lock);
}

static void tell_line(void *performer, const char *node, const struct udf_line *line)
{
    tell(performer, line->level, line->code, node, line->message, line->data);
}

struct udf_listener perform_listener(struct performer *p)
{
    return (struct udf_listener){ tell_line, p };
}

static void forward_progress(void *context, size_t blocks_done, size_t blocks_all)
{
    struct performer *p = context;

    (void)blocks_all;
    if (p->progress)
        p->progress(p->progress_context, (int64_t)blocks_done);
}

struct raster_options perform_options(struct performer *p, const struct task *task,
                                      const char *spool)
{
    const struct config *c = p->config;
    int threads = c->worker_threads > 0 ? (int)c->worker_threads : 1;

    if (*c->raster_data && !p->allowed_paths) {
        AUTO(mem) char *staged = store_staged(c), *copies = store_downloads(c), *files = store_files(c);
        AUTO(mem) char *run = scratch_run(c, task->job, task->run);

        p->allowed_paths = mem_printf("%s:%s:%s:%s/%s:%s", c->raster_data, staged, copies, files, p->work.owner, run); /* files: his own */
    }
    return (struct raster_options){ .threads = threads,
                                    .memory_bytes = (size_t)(c->raster_block_budget * threads),
                                    .task_bytes = (size_t)(task->memory_bytes > c->worker_memory ? task->memory_bytes : c->worker_memory),
                                    .scratch = spool,
                                    .allowed_paths = p->allowed_paths,
                                    .allowed_hosts = c->raster_allowed_hosts,
                                    .progress = task->kind == TASK_ASSEMBLE ? NULL
                                                                            : forward_progress,
                                    .progress_context = p,
                                    .reading = &p->reading,
                                    .config = c,
                                    .tell = tell,
                                    .tell_context = p };
}

static void wish_picture(struct performer *p, struct catalog *catalog)
{
    const json_t *picture = p->work.picture;

    if (!json_is_object(picture))
        return;
    p->picture.options = json_object_get(picture, "options");
    p->picture.numbers = json_is_true(json_object_get(picture, "numbers"));
    p->picture.grid = (struct grid){
        .epsg = (int)json_integer_value(json_object_get(picture, "epsg")),
        .x0 = json_number_value(json_object_get(picture, "x0")),
        .y0 = json_number_value(json_object_get(picture, "y0")),
        .dx = json_number_value(json_object_get(picture, "dx")),
        .dy = json_number_value(json_object_get(picture, json_object_get(picture, "dy") ? "dy" : "dx")),
        .width = json_integer_value(json_object_get(picture, "width")),
        .height = json_integer_value(json_object_get(picture, "height")),
    };
    catalog->picture = &p->picture;
}

bool perform_make_plan(struct performer *p, struct catalog *catalog, struct err *err)
{
    enum plan_mode mode = p->work.only_result ? PLAN_SYNC : PLAN_BATCH;

    if (!dialect_find(p->work.dialect, &catalog->dialect))
        catalog->dialect = DIALECT_OPENEO; /* none is recorded */
    wish_picture(p, catalog);
    url_name_elevation_model(catalog, p->config);
    return graph_plan(p->work.process, p->work.arguments, "", catalog, mode, &p->plan, err);
}

/* Every task but the first sees the scenes that the first one was told of. */
static bool need_plan(struct performer *p, struct err *err)
{
    struct catalog catalog;

    if (p->plan)
        return true;
    if (!p->work.scenes)
        return err_set(err, ERR_Internal, "The job has no recorded plan.");
    catalog = catalog_replay(p->work.scenes);
    return perform_make_plan(p, &catalog, err);
}

struct settle {
    struct task *task;
    double seconds;
    int64_t bytes;
    enum hold hold;
};

static bool settle_part(struct db *db, void *arg, struct err *err)
{
    struct settle *s = arg;

    if (!task_hold(db, s->task, &s->hold, err))
        return false;
    return s->hold != HOLD_MINE || (artefact_add(db, s->task, s->bytes, err) &&
                                    task_settle(db, s->task, s->seconds, err));
}

static bool compute(struct performer *p, struct task *task, struct err *err)
{
    AUTO(mem) char *folder = scratch_run(p->config, task->job, task->run);
    AUTO(mem) char *spool = scratch_spool(p->config, task);
    AUTO(mem) char *part = scratch_part(p->config, task, task->number, task->token);
    struct raster_options options = perform_options(p, task, spool);
    int64_t start = instant_monotonic();
    struct settle s = { .task = task };
    struct stat st;

    if (!need_plan(p, err) || !folder_make(spool, err) ||
        !raster_compute(p->plan, &options, (size_t)task->first, (size_t)(task->first + task->blocks),
                        part, err) ||
        !scratch_sync_folder(folder, err))
        return false;
    scratch_remove(spool);
    if (stat(part, &st))
        return err_set(err, ERR_StorageFailure, "%s: the file just made is gone", part);
    s.bytes = st.st_size;
    s.seconds = perform_seconds(start);
    task->pixels_read = (int64_t)p->reading.pixels;
    if (!perform_transact(p, settle_part, &s, err))
        return false;
    if (s.hold == HOLD_LOST)
        scratch_remove(part);
    return true;
}

struct reopen {
    struct task *task;
    int *numbers;
    size_t n_numbers;
};

static bool reopen(struct db *db, void *arg, struct err *err)
{
    struct reopen *r = arg;
    enum hold hold;

    if (!task_hold(db, r->task, &hold, err))
        return false;
    return hold != HOLD_MINE ||
           (task_reopen(db, r->task, r->numbers, r->n_numbers, err) &&
            job_log_add_at(db, r->task->job, r->task->number, "warning", NULL,
                           "Temporary files are gone; they are computed again.", NULL, err));
}

/* The paths of all inputs (the caller frees each and the array), or which producers must run again. */
static char **find_parts(struct performer *p, const struct task *task,
                         const struct artefact *inputs, size_t n, int *missing, size_t *n_missing)
{
    char **paths = mem_array(n, sizeof *paths);

    *n_missing = 0;
    for (size_t i = 0; i < n; i++) {
        struct stat st;

        paths[i] = scratch_part(p->config, task, inputs[i].number, inputs[i].token);
        if (inputs[i].token == 0 || stat(paths[i], &st) || st.st_size != inputs[i].bytes)
            missing[(*n_missing)++] = inputs[i].number;
    }
    return paths;
}

static bool assemble_parts(struct performer *p, struct task *task, char **paths, size_t n,
                           struct err *err)
{
    AUTO(mem) char *spool = scratch_spool(p->config, task);
    AUTO(mem) char *fresh = scratch_fresh_result(p->config, task);
    struct raster_options options = perform_options(p, task, spool);
    AUTO(raster_result) struct raster_result *result = NULL;
    int64_t start = instant_monotonic();

    if (!need_plan(p, err) || !folder_make(spool, err) || !folder_make(fresh, err) ||
        !raster_assemble(p->plan, &options, n, (const char *const *)paths, fresh, &result, err))
        return false;
    return perform_publish(p, task, &(struct perform_end){ fresh, .result = result, .seconds = perform_seconds(start) }, err);
}

bool perform_again(struct performer *p, struct task *task, int *numbers, size_t count, struct err *err)
{
    struct reopen r = { task, numbers, count };

    return perform_transact(p, reopen, &r, err);
}

void perform_inputs_free(char **paths, size_t count)
{
    for (size_t i = 0; paths && i < count; i++)
        free(paths[i]);
    free(paths);
}

bool perform_inputs(struct performer *p, struct task *task, char ***ret_paths, struct artefact **ret_inputs, size_t *ret_count,
                    struct err *err)
{
    AUTO(mem) struct artefact *inputs = NULL;
    AUTO(mem) int *missing = NULL;
    char **paths;
    size_t n, n_missing;

    *ret_paths = NULL;
    if (!artefact_inputs(p->db, task->job, task->number, &inputs, &n, err))
        return false;
    missing = mem_array(n, sizeof *missing);
    paths = find_parts(p, task, inputs, n, missing, &n_missing);
    if (n_missing > 0) {
        perform_inputs_free(paths, n);
        return perform_again(p, task, missing, n_missing, err);
    }
    *ret_paths = paths;
    *ret_count = n;
    *ret_inputs = inputs;
    inputs = NULL;
    return true;
}

static bool assemble(struct performer *p, struct task *task, struct err *err)
{
    AUTO(mem) struct artefact *inputs = NULL;
    char **paths;
    size_t n = 0;
    bool good;

    if (!perform_inputs(p, task, &paths, &inputs, &n, err))
        return false;
    if (!paths)
        return true;
    good = assemble_parts(p, task, paths, n, err);
    perform_inputs_free(paths, n);
    return good;
}

void performer_done(struct performer *p)
{
    job_work_done(&p->work);
    plan_free(p->plan);
    free(p->allowed_paths);
    p->plan = NULL;
    p->allowed_paths = NULL;
    p->picture = (struct picture_wish){ 0 };
}

bool perform(struct performer *p, const struct task *task, struct err *err)
{
    static bool (*const acts[])(struct performer *, struct task *, struct err *) = {
        [TASK_PLAN] = perform_plan, [TASK_COMPUTE] = compute, [TASK_ASSEMBLE] = assemble,
        [TASK_STAGE] = perform_stage, [TASK_STEP] = perform_step,
    };
    struct task mine = *task;

    if (p->work.id[0] && (strcmp(p->work.id, task->job) || p->work.run != task->run)) {
        performer_done(p);
        udf_end_of_thread(); /* its memory is this job's now */
        if (p->reuse > REUSE_ANYBODY)
            raster_forget();
    }
    p->task = task;
    p->reading = (struct raster_reading){ 0 };
    if (!p->work.id[0] && !job_load_work(p->db, task->job, &p->work, err)) {
        if (err->code != ERR_JobNotFound)
            return false;
        err_clear(err); /* deleted in the meantime: nothing is left to do */
        return true;
    }
    if (task->kind != TASK_PLAN)
        perform_will_stay(p);
    return acts[task->kind](p, &mine, err);
}
