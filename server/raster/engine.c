/* The door: estimates, and threads that take blocks off one counter. Every thread decodes, computes
 * and packs whole blocks with handles and buffers of its own; only the part file is shared. */
#include "raster/engine.h"
#include "base/mem.h"
#include "raster/block_run.h"
#include "raster/foreign.h"
#include "raster/radar.h"
#include "raster/zones.h"
#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_vsi.h>
#include <gdal.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MOST_STAGE_BYTES = 256 << 20, MOST_DESCRIPTORS = 8192 };

/* Measured on one core of 2.6 GHz: pixels of uint16 DEFLATE decoded, instructions over a pixel, bytes
 * packed with ZSTD 1 with their overviews and assembled; in a second. */
static const double decoded_pixels = 240e6, run_operations = 6e9, packed_bytes = 140e6;

/* Series of many dates are read from as many files, which stay open. */
static void allow_many_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= MOST_DESCRIPTORS)
        return;
    limit.rlim_cur = limit.rlim_max < MOST_DESCRIPTORS ? limit.rlim_max : MOST_DESCRIPTORS;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void raster_init(void)
{
    static const char *const settings[][2] = {
        { "GDAL_NUM_THREADS", "1" },
        { "GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR" },
        { "GDAL_PAM_ENABLED", "NO" }, /* no .aux.xml beside the inputs */
        { "GDAL_HTTP_MAX_RETRY", "3" },
        { "GDAL_HTTP_RETRY_DELAY", "0.5" },
        { "GDAL_HTTP_CONNECTTIMEOUT", "10" },
        { "GDAL_HTTP_TIMEOUT", "60" },
        { "GDAL_HTTP_NETRC", "NO" },
        { "VSI_CACHE", "NO" },
    };

    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        CPLSetConfigOption(settings[i][0], settings[i][1]);
    allow_many_files();
    GDALSetCacheMax64(64 << 20); /* the default, a share of all memory, is slower too */
    CPLSetErrorHandler(CPLQuietErrorHandler);
    GDALAllRegister();
}

void raster_forget(void)
{
    VSICurlClearCache();
}

static size_t thread_count(const struct raster_options *options)
{
    return options->threads > 1 ? (size_t)options->threads : 1;
}

/* What blocks in the making may take, of all threads together: what their buffers leave. */
static size_t radar_memory(const struct block_fit *fit)
{
    return fit->image_bytes + fit->makers * fit->maker_bytes;
}

static size_t stage_room(const struct raster_options *options, const struct block_fit *fit)
{
    size_t taken = fit->memory * thread_count(options) + fit->kept_bytes + radar_memory(fit);

    if (!options->memory_bytes)
        return MOST_STAGE_BYTES;
    taken = options->memory_bytes > taken ? options->memory_bytes - taken : 0;
    return taken < MOST_STAGE_BYTES ? taken : MOST_STAGE_BYTES;
}

static size_t stage_memory(const struct plan *plan, const struct schedules *all,
                           const struct raster_options *options, const struct block_fit *fit)
{
    size_t most = 0, bytes;

    for (size_t i = 0; i < all->count; i++) {
        cells_width(plan, &all->schedules[i], thread_count(options), stage_room(options, fit), &bytes);
        most = bytes > most ? bytes : most;
    }
    return most / thread_count(options);
}

/* Within the memory that there is, as cells where all groups can be: else they are computed in blocks, for which more tiles have
 * to stay decoded. */
static bool fit_memory(const struct plan *plan, const struct schedules *all, const struct raster_options *options,
                       struct block_fit *ret_fit, struct err *err)
{
    bool in_blocks = false;

    if (!block_fit(all, options, false, ret_fit, err))
        return false;
    for (size_t i = 0; i < all->count; i++) {
        size_t bytes;

        in_blocks |= !all->schedules[i].tiles && !cells_width(plan, &all->schedules[i], thread_count(options),
                                                              stage_room(options, ret_fit), &bytes);
    }
    return !in_blocks || block_fit(all, options, true, ret_fit, err);
}

/* What the assembly holds besides: the values that quantiles are found in. */
static bool check_zones(const struct plan *plan, const struct raster_options *options, struct err *err)
{
    for (size_t i = 0; i < plan->n_zones; i++) {
        size_t bytes = zones_memory(plan->zones[i]);

        if (options->memory_bytes && bytes > options->memory_bytes)
            return err_set(err, ERR_MemoryExceeded,
                           "%s: a median or quantile needs all pixels of the geometries at once, which "
                           "are %zu MB; the computation may use %zu MB. Smaller geometries, or a "
                           "reducer such as mean, need less.", plan->zones[i]->pointer, bytes >> 20,
                           options->memory_bytes >> 20);
    }
    return true;
}

bool raster_estimate(const struct plan *plan, const struct raster_options *wanted,
                     struct raster_estimate *ret_estimate, struct err *err)
{
    AUTO(schedules) struct schedules *all = NULL;
    struct raster_options options = *wanted;
    struct raster_estimate estimate = { 0 };
    struct block_fit fit;

    if (!foreign_fit(plan, &options, err) || !schedules_make(plan, &all, err) ||
        !fit_memory(plan, all, &options, &fit, err) || !check_zones(plan, &options, err))
        return false;
    estimate.memory_bytes = fit.memory + (fit.kept_bytes + radar_memory(&fit)) / thread_count(&options) +
                            stage_memory(plan, all, &options, &fit) + foreign_interpreter_bytes(plan, &options);
    estimate.blocks = all->blocks;
    for (size_t i = 0; i < all->count; i++) {
        const struct schedule *s = &all->schedules[i];
        double pixels = schedule_pixels(s);

        estimate.pixels_in += (int64_t)(s->read_pixels * pixels);
        estimate.bytes_in += (int64_t)(s->read_bytes * pixels);
        estimate.pixels_out += (int64_t)((double)s->emitted * pixels);
        estimate.bytes_out += (int64_t)((double)s->emitted_bytes * pixels);
        estimate.seconds += pixels * (s->read_cost / decoded_pixels +
                                      (double)s->operations / run_operations +
                                      s->pack_cost / packed_bytes);
    }
    *ret_estimate = estimate;
    return true;
}

/* ---- threads ---- */

/* What is done with the pixels. */
struct use {
    const char *part_path; /* NULL: there is a survey */
    bool durable;
    struct survey_taker *survey;
};

struct crew {
    struct block_job job;
    const struct cells *cells;
    size_t blocks, together; /* all of them; how many units a thread takes at once */
    atomic_size_t next, done;
    atomic_bool failed;
    pthread_mutex_t lock; /* of what follows */
    struct err *err;
    struct raster_reading reading;
};

static void fail(struct crew *crew, const struct err *err)
{
    pthread_mutex_lock(&crew->lock);
    if (crew->err->code == ERR_None)
        *crew->err = *err;
    pthread_mutex_unlock(&crew->lock);
    atomic_store(&crew->failed, true);
}

static bool run_unit(struct crew *crew, struct block_runner *runner, const struct unit *unit)
{
    const struct raster_options *options = crew->job.options;
    struct err err = { 0 };
    size_t finished;

    if (atomic_load(&crew->failed))
        return false;
    if (!block_run(runner, unit, &finished, &err)) {
        fail(crew, &err);
        return false;
    }
    if (options->progress && finished)
        options->progress(options->progress_context, atomic_fetch_add(&crew->done, finished) + finished,
                          crew->blocks);
    return true;
}

static void run_units(struct crew *crew, struct block_runner *runner)
{
    const struct cells *cells = crew->cells;

    for (size_t from; (from = atomic_fetch_add(&crew->next, crew->together)) < cells->n_units;)
        for (size_t i = from; i < from + crew->together && i < cells->n_units; i++)
            if (!run_unit(crew, runner, &cells->units[i]))
                return;
}

static void note_reading(struct crew *crew, const struct block_runner *runner)
{
    struct raster_reading more = block_runner_reading(runner);

    pthread_mutex_lock(&crew->lock);
    crew->reading.tiles += more.tiles;
    crew->reading.pixels += more.pixels;
    pthread_mutex_unlock(&crew->lock);
}

static void *work(void *crew_)
{
    struct crew *crew = crew_;
    AUTO(block_runner) struct block_runner *runner = NULL;
    struct err err = { 0 };

    if (!block_runner_new(&crew->job, &runner, &err)) {
        fail(crew, &err);
        return NULL;
    }
    run_units(crew, runner);
    note_reading(crew, runner);
    return NULL;
}

static void run_crew(struct crew *crew, size_t threads)
{
    AUTO(mem) pthread_t *others = mem_array(threads, sizeof *others);
    size_t started = 0;

    while (started + 1 < threads && pthread_create(&others[started], NULL, work, crew) == 0)
        started++;
    work(crew); /* this thread is one of them, and alone when no other could start */
    for (size_t i = 0; i < started; i++)
        pthread_join(others[i], NULL);
}

static bool compute(const struct plan *plan, const struct raster_options *wanted, size_t first,
                    size_t end, const struct use *use, struct err *err)
{
    struct raster_options fitting = *wanted, *options = &fitting;
    AUTO(schedules) struct schedules *all = NULL;
    AUTO(part_writer) struct part_writer *part = NULL;
    AUTO(cells) struct cells *cells = NULL;
    AUTO(kept) struct kept *kept = NULL;
    AUTO(radar) struct radar *radar = NULL;
    struct crew crew = { .blocks = end - first, .err = err };
    size_t threads;

    if (!foreign_fit(plan, options, err) || !schedules_make(plan, &all, err) ||
        !fit_memory(plan, all, options, &crew.job.fit, err))
        return false;
    threads = thread_count(options);
    if (first >= end || end > all->blocks)
        return err_set(err, ERR_Internal, "Blocks %zu to %zu were asked for, there are %zu.", first,
                       end, all->blocks);
    if (use->part_path && !part_create(use->part_path, part_fingerprint(plan), first, end, &part, err))
        return false;
    crew.job.plan = plan;
    crew.job.options = options;
    crew.job.schedules = all;
    crew.job.part = part;
    crew.job.survey = use->survey;
    if (kept_is_wanted(all))
        crew.job.kept = kept = kept_new(all, crew.job.fit.kept_bytes);
    if (block_reads_radar(all) &&
        !radar_new(options, crew.job.fit.image_bytes, crew.job.fit.size.tile_bytes * threads, crew.job.fit.makers, &radar, err))
        return false;
    crew.job.radar = radar;
    crew.cells = cells = cells_new(plan, all, first, end, threads, stage_room(options, &crew.job.fit));
    if (use->survey)
        cells_edges_first(cells, all);
    /* near the end all threads have work, as they have by parts of blocks */
    crew.together = cells->n_units >= 16 * threads && !cells->in_parts && !use->survey ? 4 : 1;
    pthread_mutex_init(&crew.lock, NULL);
    run_crew(&crew, threads < cells->n_units ? threads : cells->n_units);
    pthread_mutex_destroy(&crew.lock);
    if (options->reading) {
        options->reading->tiles += crew.reading.tiles;
        options->reading->pixels += crew.reading.pixels + (radar ? radar_pixels(radar) : 0);
    }
    return !atomic_load(&crew.failed) && (!part || part_finish(part, use->durable, err));
}

bool raster_compute(const struct plan *plan, const struct raster_options *options, size_t first,
                    size_t end, const char *part_path, struct err *err)
{
    return compute(plan, options, first, end, &(struct use){ .part_path = part_path, .durable = true }, err);
}

bool raster_survey(const struct plan *plan, const struct raster_options *options, struct survey *survey,
                   struct err *err)
{
    struct survey_taker taker = { .survey = survey, .lock = PTHREAD_MUTEX_INITIALIZER };
    struct raster_estimate estimate;

    if (plan->n_saves != 1 || plan->n_zones > 0)
        return err_set(err, ERR_FeatureUnsupported, "Only one cube of pixels can be looked at.");
    return raster_estimate(plan, options, &estimate, err) &&
           compute(plan, options, 0, estimate.blocks, &(struct use){ .survey = &taker }, err);
}

bool raster_evaluate(const struct plan *plan, const struct raster_options *options,
                     const char *folder, struct raster_result **ret_result, struct err *err)
{
    AUTO(mem) char *path =
        mem_printf("%s/blocks.part", options->scratch ? options->scratch : folder);
    const char *const paths[] = { path };
    struct raster_estimate estimate;
    bool ok;

    if (!raster_estimate(plan, options, &estimate, err))
        return false;
    if (estimate.blocks == 0) /* the result is a value: no files */
        return raster_assemble(plan, options, 0, paths, folder, ret_result, err);
    if (!compute(plan, options, 0, estimate.blocks, &(struct use){ .part_path = path }, err)) /* read back at once */
        return false;
    ok = raster_assemble(plan, options, 1, paths, folder, ret_result, err);
    unlink(path);
    return ok;
}

void raster_result_free(struct raster_result *result)
{
    if (!result)
        return;
    arena_free(result->arena);
    free(result);
}
