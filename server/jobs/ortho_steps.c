/* The steps. An image that is alone on its tile becomes the tile's file at once; of several, each is a frame on disk until the
 * step that joins them. Frames and files are temporaries that bear their task's token; the transaction that settles the task
 * makes them known. What a step has read and nobody else will goes when it is settled. */
#include "base/instant.h"
#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "jobs/ortho.h"
#include "jobs/ortho_items.h"
#include "jobs/scratch.h"
#include "json/js.h"
#include "raster/zip_file.h"
#include "sar/ortho_layers.h"
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
    char **paths;    /* what the tasks before it made, in the order of their numbers; */
    size_t n_paths;
    json_t *made;    /* and told of it: {key: facts} */
    int64_t start;
    json_t *outputs; /* owned */
    int64_t bytes;   /* of the temporary; -1: none is left */
    bool releases;   /* what the tasks before it made */
};

static void say(const struct stepping *s, const char *level, const char *code, const char *message)
{
    perform_step_say(s->performer, s->task, &(struct step_line){ s->key, NULL, level, code, message });
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
    return json_pack("{s:s, s:s, s:b, s:b, s:s, s:I, s:I}", "processor", f->processor, "orbit_file", f->orbit_file,
                     "noise_removed", f->noise_removed, "border_removed", f->border_removed, "noise_obstacle",
                     f->noise_obstacle, "valid", (json_int_t)f->valid, "dem_gaps", (json_int_t)f->dem_gaps);
}

/* What was done without. */
static void tell(const struct stepping *s, const struct ortho_facts *f)
{
    char message[300];

    if (*f->noise_obstacle) {
        snprintf(message, sizeof message, "Thermal noise was not removed: %s", f->noise_obstacle);
        say(s, "warning", "NoiseNotRemoved", message);
    }
    if (*s->performer->config->sar_orbits && !*f->orbit_file)
        say(s, "warning", "NoOrbitFile", "The site has no orbit file that is valid for the product: its own vectors were taken");
    if (f->dem_gaps > 0) {
        snprintf(message, sizeof message, "The elevation model has no height at %zu of its nodes: the sea's was taken", f->dem_gaps);
        say(s, "warning", "DemGaps", message);
    }
    if (f->dem_missing > 0) {
        snprintf(message, sizeof message, "The elevation model has no file for %zu cell%s of one degree: the sea's height was taken",
                 f->dem_missing, f->dem_missing == 1 ? "" : "s");
        say(s, "warning", "DemMissing", message);
    }
}

static struct ortho_options options_of(const struct stepping *s)
{
    struct performer *p = s->performer;
    const struct config *c = p->config;
    struct raster_options raster = perform_options(p, s->task, NULL);

    return (struct ortho_options){ .calibration = js_text_in(s->inputs, "calibration"), .resampling = js_text_in(s->inputs, "resampling"),
                                   .remove_noise = json_is_true(json_object_get(s->inputs, "noise")),
                                   .remove_border = json_is_true(json_object_get(s->inputs, "border")),
                                   .adaptive_border = json_is_true(json_object_get(s->inputs, "adaptive")),
                                   .dem = c->sar_dem, .geoid = strcmp(c->sar_geoid, "none") && *c->sar_geoid ? c->sar_geoid : NULL,
                                   .orbits = *c->sar_orbits ? c->sar_orbits : NULL,
                                   .threads = raster.threads, .allowed_paths = raster.allowed_paths,
                                   .progress = forward_progress, .progress_context = p };
}

static bool geocode_pixels(struct stepping *s, const struct ortho_frame *frame, float *pixels, struct err *err)
{
    struct ortho_options options = options_of(s);
    struct ortho_facts facts = { 0 };

    if (!ortho_frame_add(frame, &options, pixels, &facts, err))
        return err_prefix(err, "%.200s %s", js_text_in(s->inputs, "item"), frame->polarisation);
    tell(s, &facts);
    s->outputs = facts_json(&facts);
    return true;
}

/* ---- the file of a tile ---- */

/* `frames`: what was told of the images in it. */
static bool save(struct stepping *s, float **pixels, const json_t *frames, const char *path, struct err *err)
{
    const json_t *about = json_object_get(s->inputs, "about");
    AUTO(json) json_t *metadata = ortho_metadata(s->inputs, frames);
    struct ortho_file file = { .grid = ortho_grid(json_object_get(about, "grid")), .filter = SPECKLE_FILTER_DEFAULT,
                               .band = js_text_in(s->inputs, "polarisation"), .centibels = !strcmp(js_text_in(about, "data_type"), "int16"),
                               .deflate = json_is_true(json_object_get(about, "deflate")), .metadata = metadata,
                               .threads = perform_options(s->performer, s->task, NULL).threads };
    struct ortho_saved saved;
    char message[200];

    if (!speckle_find(js_text_in(about, "filter"), &file.filter.kind))
        return err_set(err, ERR_Internal, "There is no filter '%s'", js_text_in(about, "filter"));
    file.filter.radius = (int)json_integer_value(json_object_get(about, "radius"));
    file.filter.looks = json_number_value(json_object_get(about, "looks"));
    if (!ortho_save(&file, pixels, path, &saved, err))
        return false;
    s->bytes = saved.size_bytes;
    json_decref(s->outputs);
    s->outputs = json_pack("{s:i, s:I, s:I, s:I, s:s, s:O, s:O, s:f, s:f, s:f, s:f}", "number", s->task->number, "token",
                           (json_int_t)s->task->token, "size", (json_int_t)saved.size_bytes, "valid", (json_int_t)saved.valid,
                           "polarisation", file.band, "scenes", json_object_get(s->inputs, "scenes"), "frames", frames, "minimum",
                           saved.minimum, "maximum", saved.maximum, "mean", saved.mean, "stddev", saved.stddev);
    snprintf(message, sizeof message, "Of %zu image%s; %.2f %% of the pixels have data.", json_object_size(frames),
             json_object_size(frames) == 1 ? "" : "s", 100.0 * (double)saved.valid / ((double)file.grid.width * (double)file.grid.height));
    say(s, "info", NULL, message);
    return true;
}

/* A frame, or of an image that is alone the file. */
static bool geocode(struct stepping *s, const char *path, struct err *err)
{
    struct ortho_frame frame = { js_text_in(s->inputs, "product"), js_text_in(s->inputs, "polarisation"),
                                 ortho_grid(json_object_get(s->inputs, "grid")), js_text(s->inputs, "before"),
                                 js_text(s->inputs, "after") };
    AUTO(mem) float *pixels = ortho_pixels_new(&frame.grid, err);
    struct stat st;

    if (!pixels || !geocode_pixels(s, &frame, pixels, err))
        return false;
    if (json_object_get(s->inputs, "about")) {
        AUTO(json) json_t *frames = json_pack("{s:O}", s->key, s->outputs);

        return save(s, &pixels, frames, path, err);
    }
    if (!ortho_frame_write(pixels, &frame.grid, path, err))
        return false;
    if (stat(path, &st))
        return err_set(err, ERR_StorageFailure, "%s: the file just made is gone", path);
    s->bytes = st.st_size;
    return true;
}

/* Tasks are numbered in the order of time, and so are their files. */
static bool join(struct stepping *s, const char *path, struct err *err)
{
    const struct grid grid = ortho_grid(json_object_get(json_object_get(s->inputs, "about"), "grid"));
    AUTO(mem) float *pixels = ortho_pixels_new(&grid, err);

    if (!pixels)
        return false;
    for (size_t i = 0; i < s->n_paths; i++)
        if (!ortho_frame_read(s->paths[i], &grid, pixels, err))
            return false;
    s->releases = true;
    return save(s, &pixels, s->made, path, err);
}

/* ---- layers ---- */

/* Of one of several images. */
struct part {
    struct performer *performer;
    size_t number, count;
};

static void forward_part(void *context, size_t done, size_t all)
{
    const struct part *p = context;

    forward_progress(p->performer, p->number * all + done, p->count * all);
}

/* All images of the pass, one after the other. */
static bool layer_pixels(struct stepping *s, enum ortho_layer layer, const struct grid *grid, float *pixels, struct err *err)
{
    const json_t *products = json_object_get(s->inputs, "products");
    struct ortho_options options = options_of(s);
    struct part part = { s->performer, 0, json_array_size(products) };

    options.progress = forward_part;
    options.progress_context = &part;
    for (size_t i = 0; i < part.count; i++) {
        struct ortho_frame frame = { json_string_value(json_array_get(products, i)), js_text_in(s->inputs, "polarisation"), *grid,
                                     i > 0 ? json_string_value(json_array_get(products, i - 1)) : NULL,
                                     json_string_value(json_array_get(products, i + 1)) };
        struct ortho_facts facts;

        part.number = i;
        if (!ortho_layer_add(&frame, &options, layer, pixels, &facts, err))
            return err_prefix(err, "%.200s", js_text_in(json_array_get(json_object_get(s->inputs, "scenes"), i), "id"));
    }
    return true;
}

static bool layer(struct stepping *s, const char *path, struct err *err)
{
    const json_t *about = json_object_get(s->inputs, "about");
    const struct grid grid = ortho_grid(json_object_get(about, "grid"));
    AUTO(mem) float *pixels = ortho_pixels_new(&grid, err);
    AUTO(json) json_t *metadata = NULL;
    struct ortho_saved saved;
    enum ortho_layer kind;
    struct ortho_file file = { .grid = grid, .deflate = json_is_true(json_object_get(about, "deflate")),
                               .threads = perform_options(s->performer, s->task, NULL).threads };

    if (!pixels)
        return false;
    if (!ortho_layer_find(js_text_in(s->inputs, "layer"), &kind))
        return err_set(err, ERR_Internal, "There is no layer '%.60s'", js_text_in(s->inputs, "layer"));
    file.metadata = metadata = ortho_layer_metadata(s->inputs, &ortho_layers[kind]);
    if (!layer_pixels(s, kind, &grid, pixels, err) || !ortho_layer_save(&file, kind, pixels, path, &saved, err))
        return false;
    s->bytes = saved.size_bytes;
    s->outputs = json_pack("{s:i, s:I, s:I, s:I, s:s, s:O}", "number", s->task->number, "token", (json_int_t)s->task->token, "size",
                           (json_int_t)saved.size_bytes, "valid", (json_int_t)saved.valid, "layer", ortho_layers[kind].name,
                           "scenes", json_object_get(s->inputs, "scenes"));
    return true;
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
        AUTO(mem) char *inside = mem_printf("%s/%s", name, js_text_in(file, "name"));
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

static bool package(struct stepping *s, const char *path, struct err *err)
{
    AUTO(mem) char *name = NULL;
    AUTO(json) json_t *files = ortho_files(s->inputs, s->made, &name);
    bool zip = json_is_true(json_object_get(s->inputs, "zip"));
    double percent = ortho_coverage(json_object_get(s->inputs, "about"), s->made);
    char message[300];

    s->bytes = -1;
    s->releases = zip;
    if (percent < ORTHO_WHOLE) {
        snprintf(message, sizeof message, "PARTIAL: %.2f %% of the pixels of tile %s have data.%s%s", percent,
                 js_text_in(json_object_get(s->inputs, "about"), "tile"),
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
    return true;
}

static bool settle(const struct stepping *s, const char *path, struct err *err)
{
    return perform_step_end(s->performer, s->task,
                            &(struct step_end){ .key = s->key, .made = path, .outputs = s->outputs, .seconds = perform_seconds(s->start),
                                                .has_artefact = s->bytes >= 0, .artefact_bytes = s->bytes, .releases = s->releases },
                            err);
}

bool perform_ortho_step(struct performer *p, struct task *task, const char *key, const json_t *step, struct err *err)
{
    static const struct { const char *name; bool reads, (*run)(struct stepping *s, const char *path, struct err *err); } rows[] = {
        { "geocode", false, geocode }, { "join", true, join }, { "layer", false, layer }, { "package", true, package },
    };
    struct stepping s = { .performer = p, .task = task, .key = key, .inputs = json_object_get(step, "inputs"),
                          .start = instant_monotonic() };
    AUTO(mem) char *path = scratch_part(p->config, task, task->number, task->token);
    AUTO(mem) struct artefact *inputs = NULL;
    bool good = true, ready = true;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows) && strcmp(rows[i].name, js_text_in(step, "process")); i++)
        ;
    if (i == ARRAY_LEN(rows))
        return err_set(err, ERR_Internal, "There is no step '%.60s'", js_text_in(step, "process"));
    if (rows[i].reads) { /* what is gone is made again, and this step runs after it */
        good = perform_inputs(p, task, &s.paths, &inputs, &s.n_paths, err) && step_inputs(p->db, task, &s.made, err);
        ready = good && s.paths;
    }
    good = good && (!ready || (rows[i].run(&s, path, err) && settle(&s, path, err)));
    perform_inputs_free(s.paths, s.n_paths);
    json_decref(s.made);
    json_decref(s.outputs);
    return good || err_prefix(err, "%s", key);
}
