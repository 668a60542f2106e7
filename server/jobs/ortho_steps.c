/* The steps. A geocoded image and a joined tile are temporaries that bear their task's token; the transaction that settles
 * the task makes them known. The images that a join has read go when it is settled. */
#include "base/instant.h"
#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "jobs/ortho.h"
#include "jobs/ortho_items.h"
#include "jobs/scratch.h"
#include "json/js.h"
#include "raster/zip_file.h"
#include "sar/ortho.h"
#include "store/steps.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct stepping {
    struct performer *performer;
    struct task *task;
    const char *key;
    const json_t *inputs;
    json_t *outputs; /* owned */
    int64_t bytes;   /* of the temporary; -1: none is left */
    bool releases;   /* what the tasks before it made */
    struct artefact *released;
    size_t n_released;
    double seconds;
    enum hold hold;
};

static struct grid grid_of(const json_t *json)
{
    return (struct grid){ .epsg = (int)json_integer_value(json_object_get(json, "epsg")),
                          .x0 = json_number_value(json_object_get(json, "x0")),
                          .y0 = json_number_value(json_object_get(json, "y0")),
                          .dx = 10, .dy = 10,
                          .width = json_integer_value(json_object_get(json, "width")),
                          .height = json_integer_value(json_object_get(json, "height")) };
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* A line in the job's log that is about this step. What cannot be told is lost. */
static void say(const struct stepping *s, const char *level, const char *code, const char *message)
{
    AUTO(json) json_t *data = json_pack("{s:s}", "node", s->key);
    struct err ignored = { 0 };

    if (!job_log_add_at(s->performer->db, s->task->job, s->task->number, level, code, message, data, &ignored))
        err_clear(&ignored);
}

/* ---- settling ---- */

static bool settle(struct db *db, void *arg, struct err *err)
{
    struct stepping *s = arg;
    AUTO(json) json_t *data = json_pack("{s:s}", "node", s->key);
    char message[60];

    snprintf(message, sizeof message, "Done in %.1f s.", s->seconds);
    if (!task_hold(db, s->task, &s->hold, err))
        return false;
    if (s->hold != HOLD_MINE)
        return true;
    free(s->released);
    s->released = NULL;
    return (s->bytes < 0 || artefact_add(db, s->task, s->bytes, err)) && step_finish(db, s->task, s->outputs, err) &&
           job_log_add_at(db, s->task->job, s->task->number, "info", NULL, message, data, err) &&
           task_settle(db, s->task, s->seconds, err) &&
           (!s->releases || artefact_release(db, s->task->job, s->task->number, &s->released, &s->n_released, err));
}

static bool settle_step(struct stepping *s, const char *made, int64_t start, struct err *err)
{
    s->seconds = perform_seconds(start);
    if (!perform_transact(s->performer, settle, s, err))
        return false;
    for (size_t i = 0; s->hold == HOLD_MINE && i < s->n_released; i++) {
        AUTO(mem) char *path = scratch_part(s->performer->config, s->task, s->released[i].number, s->released[i].token);

        scratch_remove(path);
    }
    if (s->hold == HOLD_LOST && made)
        scratch_remove(made);
    return true;
}

/* ---- geocode ---- */

static void forward_progress(void *context, size_t done, size_t all)
{
    struct performer *p = context;

    if (p->progress && all)
        p->progress(p->progress_context, (int64_t)((double)p->task->blocks * (double)done / (double)all));
}

static json_t *facts_json(const struct ortho_facts *f)
{
    return json_pack("{s:s, s:s, s:b, s:b, s:s, s:I, s:I}", "processor", f->processor, "orbit_file", f->orbit_file, "noise_removed", f->noise_removed, "border_removed",
                     f->border_removed, "noise_obstacle", f->noise_obstacle, "valid", (json_int_t)f->valid, "dem_gaps",
                     (json_int_t)f->dem_gaps);
}

static bool geocode(struct stepping *s, int64_t start, struct err *err)
{
    struct performer *p = s->performer;
    const struct config *c = p->config;
    AUTO(mem) char *path = scratch_part(c, s->task, s->task->number, s->task->token);
    struct raster_options raster = perform_options(p, s->task, NULL);
    struct ortho_frame frame = { member(s->inputs, "product"), member(s->inputs, "polarisation"),
                                 grid_of(json_object_get(s->inputs, "grid")), json_string_value(json_object_get(s->inputs, "before")),
                                 json_string_value(json_object_get(s->inputs, "after")) };
    struct ortho_options options = { .calibration = member(s->inputs, "calibration"), .resampling = member(s->inputs, "resampling"),
                                     .remove_noise = json_is_true(json_object_get(s->inputs, "noise")),
                                     .remove_border = json_is_true(json_object_get(s->inputs, "border")),
                                     .dem = c->sar_dem, .geoid = strcmp(c->sar_geoid, "none") && *c->sar_geoid ? c->sar_geoid : NULL,
                                     .orbits = *c->sar_orbits ? c->sar_orbits : NULL,
                                     .threads = raster.threads, .allowed_paths = raster.allowed_paths,
                                     .progress = forward_progress, .progress_context = p };
    struct ortho_facts facts = { 0 };
    char message[300];
    struct stat st;

    if (!ortho_frame_make(&frame, &options, path, &facts, err))
        return err_prefix(err, "%.200s %s", member(s->inputs, "item"), frame.polarisation);
    if (stat(path, &st))
        return err_set(err, ERR_StorageFailure, "%s: the file just made is gone", path);
    if (*facts.noise_obstacle) {
        snprintf(message, sizeof message, "Thermal noise was not removed: %s", facts.noise_obstacle);
        say(s, "warning", "NoiseNotRemoved", message);
    }
    if (facts.dem_gaps > 0) {
        snprintf(message, sizeof message, "The elevation model has no height at %zu of its nodes: the sea's was taken", facts.dem_gaps);
        say(s, "warning", "DemGaps", message);
    }
    s->bytes = st.st_size;
    s->outputs = facts_json(&facts);
    return settle_step(s, path, start, err);
}

/* ---- join ---- */

/* Tasks are numbered in the order of time, and so are their files. */
static bool join_frames(struct stepping *s, char **paths, size_t n, const json_t *made, int64_t start, struct err *err)
{
    struct performer *p = s->performer;
    const json_t *about = json_object_get(s->inputs, "about");
    AUTO(mem) char *path = scratch_part(p->config, s->task, s->task->number, s->task->token);
    struct ortho_join join = { .grid = grid_of(json_object_get(about, "grid")), .n_frames = n, .paths = (const char *const *)paths,
                               .filter = SPECKLE_FILTER_DEFAULT, .band = member(s->inputs, "polarisation"),
                               .centibels = !strcmp(member(about, "data_type"), "int16"),
                               .deflate = json_is_true(json_object_get(about, "deflate")),
                               .threads = p->config->worker_threads > 0 ? (int)p->config->worker_threads : 1 };
    AUTO(json) json_t *metadata = ortho_metadata(s->inputs, made);
    struct ortho_joined joined;
    char message[200];

    if (!speckle_find(member(about, "filter"), &join.filter.kind))
        return err_set(err, ERR_Internal, "There is no filter '%s'", member(about, "filter"));
    join.filter.radius = (int)json_integer_value(json_object_get(about, "radius"));
    join.filter.looks = json_number_value(json_object_get(about, "looks"));
    join.metadata = metadata;
    if (!ortho_join(&join, path, &joined, err))
        return false;
    s->bytes = joined.size_bytes;
    s->releases = true;
    s->outputs = json_pack("{s:i, s:I, s:I, s:I, s:O, s:O, s:f, s:f, s:f, s:f}", "number", s->task->number, "token",
                           (json_int_t)s->task->token, "size", (json_int_t)joined.size_bytes, "valid", (json_int_t)joined.valid,
                           "scenes", json_object_get(s->inputs, "scenes"), "frames", made, "minimum", joined.minimum, "maximum",
                           joined.maximum, "mean", joined.mean, "stddev", joined.stddev);
    snprintf(message, sizeof message, "%zu image%s joined; %.2f %% of the pixels have data.", n, n == 1 ? "" : "s",
             100.0 * (double)joined.valid / ((double)join.grid.width * (double)join.grid.height));
    say(s, "info", NULL, message);
    return settle_step(s, path, start, err);
}

static bool join(struct stepping *s, int64_t start, struct err *err)
{
    AUTO(json) json_t *made = NULL;
    AUTO(mem) struct artefact *inputs = NULL;
    char **paths;
    size_t n = 0;
    bool good;

    if (!perform_inputs(s->performer, s->task, &paths, &inputs, &n, err))
        return false;
    if (!paths)
        return true;
    good = step_inputs(s->performer->db, s->task, &made, err) && join_frames(s, paths, n, made, start, err);
    perform_inputs_free(paths, n);
    return good;
}

/* ---- package ---- */

static bool add_member(struct zip_file *zip, const char *name, const char *path, int64_t size, struct err *err)
{
    AUTO(mem) char *bytes = malloc((size_t)size);
    FILE *file = fopen(path, "re");
    bool good = bytes && file && fread(bytes, 1, (size_t)size, file) == (size_t)size;

    if (file)
        fclose(file);
    if (!good)
        return err_set(err, bytes ? ERR_StorageFailure : ERR_MemoryExceeded, "%s: could not be read into a zip", path);
    return zip_add(zip, name, bytes, (size_t)size, err);
}

/* The files of a package in one archive, below a folder with its name. */
static bool make_zip(struct stepping *s, const char *path, json_t *files, const char *name, int64_t *ret_size, struct err *err)
{
    struct zip_file zip;
    bool good = zip_create(&zip, path, err);
    json_t *file;
    size_t i;

    json_array_foreach(files, i, file) {
        AUTO(mem) char *inside = mem_printf("%s/%s", name, member(file, "name"));
        AUTO(mem) char *from = scratch_part(s->performer->config, s->task, (int)json_integer_value(json_object_get(file, "number")),
                                            json_integer_value(json_object_get(file, "token")));
        AUTO(mem) char *text = json_object_get(file, "content") ? json_dumps(json_object_get(file, "content"), JSON_INDENT(2)) : NULL;

        good = good && (text ? zip_add(&zip, inside, text, strlen(text), err)
                             : add_member(&zip, inside, from, json_integer_value(json_object_get(file, "size")), err));
    }
    good = good && zip_finish(&zip, ret_size, err);
    zip_done(&zip);
    return good;
}

static bool make_package(struct stepping *s, const json_t *made, int64_t start, struct err *err)
{
    struct performer *p = s->performer;
    AUTO(mem) char *path = scratch_part(p->config, s->task, s->task->number, s->task->token), *name = NULL;
    AUTO(json) json_t *files = ortho_files(s->inputs, made, &name);
    bool zip = json_is_true(json_object_get(s->inputs, "zip"));

    double percent = ortho_coverage(json_object_get(s->inputs, "about"), made);
    char message[300];

    s->bytes = -1;
    if (percent < ORTHO_WHOLE) {
        snprintf(message, sizeof message, "PARTIAL: %.2f %% of the pixels of tile %s have data.%s%s", percent,
                 member(json_object_get(s->inputs, "about"), "tile"),
                 json_array_size(json_object_get(s->inputs, "unused")) ? " Beside it lies " : "",
                 json_array_size(json_object_get(s->inputs, "unused"))
                     ? json_string_value(json_array_get(json_object_get(s->inputs, "unused"), 0)) : "");
        say(s, "warning", "Partial", message);
    }
    if (zip) {
        json_t *fields = json_object_get(json_array_get(files, 0), "fields");
        AUTO(mem) char *zip_name = mem_printf("%s.zip", name);

        if (!make_zip(s, path, files, name, &s->bytes, err))
            return false;
        fields = json_copy(fields);
        json_object_del(fields, "bands");
        json_object_del(fields, "raster:bands");
        json_decref(files);
        files = json_pack("[{s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:o}]", "name", zip_name, "type", "application/zip", "title", name, "output",
                          "packages", "number", s->task->number, "token", (json_int_t)s->task->token, "size", (json_int_t)s->bytes, "fields",
                          fields);
    }
    s->outputs = json_pack("{s:i, s:O}", "number", s->task->number, "files", files);
    return settle_step(s, path, start, err);
}

/* What was joined must be there still; else it is made again. */
static bool package(struct stepping *s, int64_t start, struct err *err)
{
    AUTO(json) json_t *made = NULL;
    AUTO(mem) struct artefact *inputs = NULL;
    char **paths;
    size_t n = 0;

    if (!perform_inputs(s->performer, s->task, &paths, &inputs, &n, err))
        return false;
    if (!paths)
        return true;
    perform_inputs_free(paths, n);
    return step_inputs(s->performer->db, s->task, &made, err) && make_package(s, made, start, err);
}

bool perform_ortho_step(struct performer *p, struct task *task, const char *key, const json_t *step, struct err *err)
{
    static const struct { const char *name; bool (*run)(struct stepping *s, int64_t start, struct err *err); } rows[] = {
        { "geocode", geocode }, { "join", join }, { "package", package },
    };
    struct stepping s = { .performer = p, .task = task, .key = key, .inputs = json_object_get(step, "inputs") };
    bool good = false;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows) && strcmp(rows[i].name, member(step, "process")); i++)
        ;
    good = i < ARRAY_LEN(rows) ? rows[i].run(&s, instant_monotonic(), err)
                               : err_set(err, ERR_Internal, "There is no step '%.60s'", member(step, "process"));
    json_decref(s.outputs);
    free(s.released);
    return good || err_prefix(err, "%s", key);
}
