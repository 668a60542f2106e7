/* The end of a job: its files get their final name and their rows, the job is finished, and its item is
 * in the catalogue. The rename happens while the task is locked and known to be ours, so nobody else can
 * do the same; a crash before the commit leaves files that the next try replaces. */
#include "base/instant.h"
#include "base/log.h"
#include "jobs/perform.h"
#include "jobs/results_stac.h"
#include "jobs/scratch.h"
#include "jobs/workspace.h"
#include "json/js.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct publishing {
    struct performer *performer;
    struct task *task;
    const char *fresh, *final;
    const struct raster_result *result;
    struct results_files files;
    json_t *exports; /* what was exported; NULL: nothing */
    double seconds;
    enum hold hold;
    bool renamed; /* by an earlier try of this transaction */
};

static json_t *grid_fields(const struct grid *g)
{
    double right = g->x0 + g->dx * (double)g->width, bottom = g->y0 - g->dy * (double)g->height;
    AUTO(mem) char *code = mem_printf("EPSG:%d", g->epsg);

    return json_pack("{s:i, s:s, s:[I,I], s:[f,f,f,f,f,f,i,i,i], s:[f,f,f,f]}", "proj:epsg", g->epsg,
                     "proj:code", code, "proj:shape", (json_int_t)g->height, (json_int_t)g->width,
                     "proj:transform", g->dx, 0.0, g->x0, 0.0, -g->dy, g->y0, 0, 0, 1, "proj:bbox",
                     g->x0, bottom, right, g->y0);
}

/* STAC 1.1 allows numbers alone in statistics. */
static json_t *statistics(const struct raster_band_stats *b)
{
    const struct { const char *name; double value; } rows[] = {
        { "minimum", b->minimum }, { "maximum", b->maximum }, { "mean", b->mean },
        { "stddev", b->stddev }, { "valid_percent", b->valid_percent },
    };
    json_t *values = json_object();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (isfinite(rows[i].value))
            json_object_set_new(values, rows[i].name, json_real(rows[i].value));
    return values;
}

/* The members have the same names in "bands" of STAC 1.1 and "raster:bands" of 1.0. */
static json_t *band_fields(const struct raster_file *file)
{
    json_t *bands = json_array();

    for (size_t i = 0; i < file->n_bands; i++) {
        const struct raster_band_stats *b = &file->bands[i];
        json_t *band = json_pack("{s:s}", "data_type", pixel_name(file->pixel));
        AUTO(json) json_t *values = statistics(b);

        if (json_object_size(values))
            json_object_set(band, "statistics", values);
        if (b->name)
            json_object_set_new(band, "name", json_string(b->name));
        if (file->has_nodata)
            json_object_set_new(band, "nodata",
                                isnan(file->nodata) ? json_string("nan") : json_real(file->nodata));
        json_array_append_new(bands, band);
    }
    return bands;
}

static json_t *derived_from(const struct plan *plan)
{
    json_t *sources = json_array();

    for (size_t i = 0; plan && i < plan->n_sources; i++)
        json_array_append_new(sources,
                              json_pack("{s:s, s:s}", "collection", plan->sources[i]->collection,
                                        "id", plan->sources[i]->id));
    return sources;
}

static void add_time(json_t *fields, const char *name, int64_t ms)
{
    char text[INSTANT_TEXT_SIZE];

    json_object_set_new(fields, name, json_string(instant_format(ms, text)));
}

/* The date of the file's own label, or the range of the scenes that it was made of. */
static void add_times(json_t *fields, const struct plan *plan, int64_t instant_ms)
{
    int64_t start = INSTANT_MAX, end = INSTANT_MIN;

    if (instant_ms != INSTANT_MIN) {
        add_time(fields, "datetime", instant_ms);
        return;
    }
    for (size_t i = 0; i < plan->n_sources; i++) {
        int64_t at = plan->sources[i]->instant_ms;

        start = at < start ? at : start;
        end = at > end ? at : end;
    }
    if (start > end)
        return;
    add_time(fields, "start_datetime", start);
    add_time(fields, "end_datetime", end);
}

static json_t *file_fields(const struct plan *plan, const struct raster_file *file)
{
    json_t *fields = json_pack("{s:[s], s:o}", "roles", "data", "derived_from",
                               derived_from(plan));
    double box[4];

    if (file->has_grid) {
        AUTO(json) json_t *grid = grid_fields(&file->grid);

        json_object_update(fields, grid);
        if (raster_degrees(&file->grid, box))
            json_object_set_new(fields, "bbox",
                                json_pack("[f,f,f,f]", box[0], box[1], box[2], box[3]));
    }
    if (file->n_bands > 0) {
        json_object_set_new(fields, "bands", band_fields(file));
        json_object_set_new(fields, "raster:bands", band_fields(file)); /* for readers of STAC 1.0 */
    }
    add_times(fields, plan, file->instant_ms);
    return fields;
}

/* The files under their final names; a result without any is a value. */
static void list_files(struct publishing *u, struct arena *arena)
{
    size_t count = u->result ? u->result->n_files : 1;
    struct job_asset *assets = arena_array(arena, count, sizeof *assets);
    struct stat st;

    for (size_t i = 0; u->result && i < count; i++) {
        const struct raster_file *file = &u->result->files[i];

        assets[i] = (struct job_asset){ .name = file->name, .media_type = file->media_type, .title = file->title,
                                        .output = file->save, .size_bytes = file->size_bytes,
                                        .path = arena_printf(arena, "%s/%s", u->final, file->name),
                                        .fields = file_fields(u->performer->plan, file) };
    }
    if (!u->result)
        assets[0] = (struct job_asset){ .name = "result.json", .media_type = "application/json", .title = "Result",
                                        .path = arena_printf(arena, "%s/result.json", u->final),
                                        .size_bytes = stat(arena_printf(arena, "%s/result.json", u->fresh), &st) == 0 ? st.st_size : 0,
                                        .fields = json_pack("{s:[s], s:o}", "roles", "data", "derived_from",
                                                            derived_from(u->performer->plan)) };
    u->files = (struct results_files){ .job = u->task->job, .fresh = u->fresh, .assets = assets, .count = count };
}

static void drop_files(const struct results_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        json_decref(files->assets[i].fields);
}

/* Results of an earlier run of the job, or of a try whose commit failed, give way. */
static bool rename_result(struct publishing *u, struct err *err)
{
    if (u->renamed)
        return true;
    if (!scratch_remove(u->final) || rename(u->fresh, u->final))
        return err_set(err, ERR_StorageFailure, "%s: could not be renamed: %s", u->fresh,
                       strerror(errno));
    u->renamed = true;
    return true;
}

static bool publish(struct db *db, void *arg, struct err *err)
{
    struct publishing *u = arg;
    AUTO(mem) struct artefact *released = NULL;
    size_t n_released;
    char message[120];

    if (!task_hold(db, u->task, &u->hold, err))
        return false;
    if (u->hold != HOLD_MINE)
        return true;
    for (size_t i = 0; i < u->files.count; i++)
        if (!job_asset_add(db, u->task->job, (int)i, &u->files.assets[i], err))
            return false;
    snprintf(message, sizeof message, "Finished: %zu file%s.", u->files.count, u->files.count != 1 ? "s" : "");
    if (u->exports && !job_set_exports(db, u->task->job, u->exports, err))
        return false;
    return task_settle(db, u->task, u->seconds, err) &&
           artefact_release(db, u->task->job, u->task->number, &released, &n_released, err) &&
           job_log_add_at(db, u->task->job, u->task->number, "info", NULL, message, NULL, err) &&
           job_end(db, u->task->job, JOB_FINISHED, NULL, NULL, NULL, u->performer->config->jobs_keep,
                   err) &&
           rename_result(u, err);
}

/* As part of a transaction that does more: nothing of which is done when the task is not ours. */
static bool publish_or_fail(struct db *db, void *arg, struct err *err)
{
    struct publishing *u = arg;

    return publish(db, u, err) &&
           (u->hold == HOLD_MINE || err_set(err, ERR_JobNotFinished, "The task is not ours any more"));
}

/* With its item. When that cannot be made, the job is finished all the same; the leader makes it up (sweep.c). */
static bool publish_all(struct publishing *u, struct err *err)
{
    struct err problem = { 0 };

    if (results_publish(u->performer->db, &u->files, publish_or_fail, u, &problem))
        return true;
    if (u->hold == HOLD_MINE)
        log_write(LOG_WARNING, u->task->job, "The results are not in the catalogue yet: %s", problem.message);
    return perform_transact(u->performer, publish, u, err);
}

/* What `list` says, or of a plan's result what it made. */
static bool publish_folder(struct publishing *u, struct job_asset *assets, size_t count, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(mem) char *final = scratch_result(u->performer->config, u->task->job);
    AUTO(mem) char *folder = scratch_run(u->performer->config, u->task->job, u->task->run);
    const struct plan *plan = u->performer->plan;
    bool good;

    u->final = final;
    if (assets) {
        for (size_t i = 0; i < count; i++)
            assets[i].path = arena_printf(arena, "%s/%s", final, assets[i].name);
        u->files = (struct results_files){ .job = u->task->job, .fresh = u->fresh, .assets = assets, .count = count };
    } else {
        list_files(u, arena);
    }
    good = scratch_sync_folder(u->fresh, err) &&
           (!plan || !plan->exports ||
            workspace_export(u->performer->config, u->performer->db, u->performer->work.owner, plan->exports, &u->files,
                             &u->exports, err)) &&
           publish_all(u, err);
    if (!assets)
        drop_files(&u->files);
    json_decref(u->exports);
    if (!good)
        return false;
    if (u->hold == HOLD_LOST) {
        scratch_remove(u->fresh);
        return true;
    }
    scratch_remove(folder); /* the run's temporaries, all in one go */
    return true;
}

bool perform_publish(struct performer *p, struct task *task, const char *fresh,
                     const struct raster_result *result, double seconds, struct err *err)
{
    struct publishing u = { .performer = p, .task = task, .fresh = fresh, .result = result, .seconds = seconds };

    return publish_folder(&u, NULL, 0, err);
}

bool perform_publish_files(struct performer *p, struct task *task, const char *fresh, struct job_asset *assets,
                           size_t count, double seconds, struct err *err)
{
    struct publishing u = { .performer = p, .task = task, .fresh = fresh, .seconds = seconds };

    return publish_folder(&u, assets, count, err);
}
