/* Steps that another server does: {"remote": {"kind", "url", "outputs"}} with the inputs as arguments. The task starts the job
 * there, looks a few times in the first second, and then gives its place back and is run again after ever longer pauses.
 * A server that is silent for a while is asked again; one that stays silent, takes too long, or answers what cannot be
 * understood ends the step with the reason. */
#include "base/folder.h"
#include "base/instant.h"
#include "base/text.h"
#include "jobs/perform.h"
#include "jobs/remote.h"
#include "jobs/scratch.h"
#include "json/js.h"
#include "store/remote_jobs.h"
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_MS = 40, AT_ONCE_MS = 1000, PAUSE_MS = 1000, LONGEST_PAUSE_MS = 30000, MOST_SILENT = 12 };

bool perform_is_remote(const struct performer *p)
{
    return p->work.may_run_commands && json_object_get(p->work.process, "remote") != NULL;
}

struct calling {
    struct performer *performer;
    struct task *task;
    const char *kind, *url, *job; /* job: its address there */
    const json_t *outputs;
    int64_t pause_ms, start;
    double progress;
    bool answered;
    enum hold hold;
};

/* ---- the end ---- */

static bool list_files(const json_t *made, struct arena *arena, struct job_asset *assets, size_t *count, json_t *values)
{
    const char *id;
    json_t *output, *file;
    size_t i;

    json_object_foreach((json_t *)made, id, output) {
        if (json_object_get(output, "value"))
            json_object_set(values, id, json_object_get(output, "value"));
        json_array_foreach(json_object_get(output, "files"), i, file)
            assets[(*count)++] = (struct job_asset){ .name = arena_text(arena, js_text(file, "name")), .title = arena_text(arena, js_text(file, "name")),
                                                     .media_type = arena_text(arena, js_text(file, "media")), .output = arena_text(arena, id),
                                                     .size_bytes = json_integer_value(json_object_get(file, "size")),
                                                     .fields = json_pack("{s:[s]}", "roles", "data") };
    }
    return true;
}

static size_t count_files(const json_t *made)
{
    const char *id;
    json_t *output;
    size_t n = 1;

    json_object_foreach((json_t *)made, id, output)
        n += json_array_size(json_object_get(output, "files"));
    return n;
}

static bool publish(struct calling *c, const json_t *made, const char *fresh, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(json) json_t *values = json_object();
    AUTO(mem) char *path = mem_printf("%s/result.json", fresh);
    struct job_asset *assets = arena_array(arena, count_files(made) + 1, sizeof *assets);
    size_t count = 0;
    struct stat st;
    bool good = true;

    list_files(made, arena, assets, &count, values);
    if (json_object_size(values) || count == 0) {
        good = (json_dump_file(values, path, JSON_INDENT(2)) == 0 && stat(path, &st) == 0) ||
               err_set(err, ERR_StorageFailure, "%s: could not be written", path);
        if (good)
            assets[count++] = (struct job_asset){ .name = "result.json", .media_type = "application/json", .title = "Result",
                                                  .size_bytes = st.st_size, .fields = json_pack("{s:[s]}", "roles", "data") };
    }
    good = good && remote_job_end(c->performer->db, c->task->job, err) &&
           perform_publish(c->performer, c->task, &(struct perform_end){ fresh, .files = assets, .n_files = count,
                                                                             .seconds = perform_seconds(c->start) }, err);
    for (size_t i = 0; i < count; i++)
        json_decref(assets[i].fields);
    return good;
}

/* The outputs that were asked for have come, or the server has lied. */
static bool check_whole(const struct calling *c, const json_t *made, struct err *err)
{
    const char *id;
    json_t *wish;

    json_object_foreach((json_t *)c->outputs, id, wish)
        if (!json_object_get(made, id))
            return err_set(err, ERR_RemoteFailed, "%.200s: its results have no output '%.60s'", c->url, id);
    return true;
}

static bool take(struct calling *c, const struct fetched *at_once, struct err *err)
{
    AUTO(mem) char *fresh = scratch_fresh_result(c->performer->config, c->task);
    AUTO(json) json_t *made = NULL;

    if (folder_make(fresh, err) &&
        remote_results(c->performer->config, c->kind, c->job, at_once, c->outputs, fresh, &made, err) && check_whole(c, made, err) &&
        publish(c, made, fresh, err))
        return true;
    scratch_remove(fresh);
    return false;
}

/* ---- looking ---- */

static bool pause_task(struct db *db, void *arg, struct err *err)
{
    struct calling *c = arg;

    return task_hold(db, c->task, &c->hold, err) &&
           (c->hold != HOLD_MINE || remote_job_pause(db, c->task, c->pause_ms, c->progress, c->answered, err));
}

static int64_t next_pause(int64_t polls)
{
    double pause = PAUSE_MS * pow(1.4, (double)(polls < 20 ? polls : 20));

    return pause < LONGEST_PAUSE_MS ? (int64_t)pause : LONGEST_PAUSE_MS;
}

/* How long it has been going on is told by our job. */
static bool is_late(const struct calling *c, bool *ret_late, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct job job = { 0 };

    if (!job_load(c->performer->db, arena, NULL, c->task->job, &job, err))
        return false;
    *ret_late = job.started && instant_now() - job.started > c->performer->config->workflows_time * 1000;
    job_done(&job);
    return true;
}

static bool look_later(struct calling *c, int64_t polls, double progress, bool answered, struct err *err)
{
    c->pause_ms = next_pause(polls);
    c->progress = progress;
    c->answered = answered;
    return perform_transact(c->performer, pause_task, c, err);
}

/* The server did not answer: the job may go on all the same. */
static bool forgive(struct calling *c, const struct remote_job *remote, struct err *err)
{
    if (err->code != ERR_Unreachable || remote->failures + 1 >= MOST_SILENT) {
        if (err->code == ERR_Unreachable)
            err->code = ERR_RemoteFailed; /* enough was tried */
        return false;
    }
    err_clear(err);
    return look_later(c, remote->polls, 0, false, err);
}

static bool look(struct calling *c, const struct remote_job *remote, struct err *err)
{
    const struct config *config = c->performer->config;
    int64_t until = instant_monotonic() + (remote->polls ? 0 : AT_ONCE_MS);
    bool late;

    for (int64_t wait = FIRST_MS;; wait *= 2) {
        AUTO(remote_answer) struct remote_answer answer = { 0 };

        if (!remote_look(config, c->kind, c->job, &answer, err))
            return forgive(c, remote, err);
        if (answer.state == REMOTE_DONE)
            return take(c, NULL, err) || forgive(c, remote, err);
        if (answer.state == REMOTE_FAILED)
            return remote_job_end(c->performer->db, c->task->job, err) && err_set(err, ERR_RemoteFailed, "%s", answer.message);
        if (instant_monotonic() + wait < until) {
            usleep((useconds_t)wait * 1000);
            continue;
        }
        if (!is_late(c, &late, err))
            return false;
        if (late)
            return err_set(err, ERR_RemoteFailed, "the job %.200s has not ended within workflows.time (%lld s)", c->job,
                           (long long)config->workflows_time);
        return look_later(c, remote->polls, answer.progress, true, err);
    }
}

static bool submit(struct calling *c, struct err *err)
{
    struct performer *p = c->performer;
    AUTO(remote_answer) struct remote_answer answer = { 0 };
    AUTO(json) json_t *nothing = json_object();
    struct remote_job remote = { 0 };

    if (!remote_submit(p->config, c->kind, c->url, p->work.arguments ? p->work.arguments : nothing, c->outputs, &answer, err))
        return false;
    if (!answer.job)
        return take(c, &answer.results, err);
    c->job = answer.job;
    return remote_job_begin(p->db, c->task->job, answer.job, c->kind, err) &&
           job_log_add(p->db, c->task->job, "info", NULL, answer.job, err) && look(c, &remote, err);
}

bool perform_remote(struct performer *p, struct task *task, struct err *err)
{
    const json_t *remote = json_object_get(p->work.process, "remote");
    AUTO(arena) struct arena *arena = arena_new();
    struct calling c = { .performer = p, .task = task, .kind = js_text(remote, "kind"), .url = js_text(remote, "url"),
                         .outputs = json_object_get(remote, "outputs"), .start = instant_monotonic() };
    struct remote_job begun;
    bool found;

    if (!remote_kind(p->config, c.url))
        return err_set(err, ERR_InvalidParameter, "%.200s: this site may not call it any more", c.url);
    if (!remote_job_load(p->db, arena, task->job, &begun, &found, err))
        return false;
    if (!found)
        return submit(&c, err);
    c.job = begun.url;
    return look(&c, &begun, err);
}
