/* sentier run: evaluates a process graph on files, without a server or a database. */
#include "base/folder.h"
#include "base/text.h"
#include "commands/command.h"
#include "commands/progress.h"
#include "graph/graph.h"
#include "ingest/folder_catalog.h"
#include "jobs/url.h"
#include "json/js.h"
#include "json/js_text.h"
#include "raster/engine.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct evaluation {
    const char *graph, *output, *parameters;
    struct config *config;
    struct folder_catalog *folders;
    json_t *process, *arguments;
    struct raster_reading *reading; /* surveys count, too */
};

static void tell_problem(void *context, const struct err *problem)
{
    (void)context;
    fprintf(stderr, "sentier: %s\n", problem->message);
}

/* What users' code says. */
static void tell_line(void *context, const char *level, const char *code, const char *node, const char *message,
                      const json_t *data)
{
    AUTO(mem) char *seen = data ? json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

    (void)context, (void)code;
    fprintf(stderr, "sentier: %s%s%s: %s%s%s\n", node ? node : "", node ? ": " : "", level, message, seen ? " " : "",
            seen ? seen : "");
}

static void tell_udf_line(void *context, const char *node, const struct udf_line *line)
{
    tell_line(context, line->level, line->code, node, line->message, line->data);
}

static void show_progress(void *context, size_t done, size_t all)
{
    (void)context;
    progress_draw("Computing", done, all);
}

/* {"process_graph": ...}, a job with a process, or the bare graph. */
static bool read_process(struct evaluation *e, struct err *err)
{
    AUTO(json) json_t *json = NULL;
    json_t *inner;

    if (!js_read_file(e->graph, &json, err))
        return false;
    if (!json_is_object(json))
        return js_refuse(json, "", "an object with a process graph", err);
    inner = json_object_get(json, "process");
    if (json_object_get(json, "process_graph"))
        e->process = json_incref(json);
    else if (json_object_get(inner, "process_graph"))
        e->process = json_incref(inner);
    else
        e->process = json_pack("{s:O}", "process_graph", json);
    return true;
}

static bool read_arguments(struct evaluation *e, struct err *err)
{
    if (!e->parameters)
        return true;
    if (*e->parameters == '{')
        return js_parse(e->parameters, strlen(e->parameters), JS_DEFAULT_DEPTH, &e->arguments, err) ||
               err_prefix(err, "--parameters");
    return js_read_file(e->parameters, &e->arguments, err);
}

static bool take_folders(int *argc, char **argv, struct evaluation *e, struct err *err)
{
    const char *path;

    e->folders = folder_catalog_new();
    while (command_take(argc, argv, "--from", &path, err) && path)
        if (!folder_catalog_add(e->folders, path, tell_problem, NULL, err))
            return false;
    return err->code == ERR_None;
}

/* ---- what is printed ---- */

static void add_real(json_t *object, const char *key, double number)
{
    json_object_set_new(object, key, isfinite(number) ? json_real(number) : json_null());
}

static json_t *band_json(const struct raster_band_stats *band)
{
    json_t *json = json_pack("{s:s?}", "name", band->name);

    add_real(json, "minimum", band->minimum);
    add_real(json, "maximum", band->maximum);
    add_real(json, "mean", band->mean);
    add_real(json, "stddev", band->stddev);
    add_real(json, "valid_percent", band->valid_percent);
    return json;
}

static json_t *file_json(const struct raster_file *file, const char *folder)
{
    AUTO(mem) char *path = mem_printf("%s/%s", folder, file->name);
    json_t *bands = json_array();
    json_t *json = json_pack("{s:s,s:s?,s:s?,s:I}", "path", path, "save", file->save, "type",
                             file->media_type, "size", (json_int_t)file->size_bytes);

    if (file->has_grid) {
        json_object_set_new(json, "proj:epsg", json_integer(file->grid.epsg));
        json_object_set_new(json, "proj:shape", json_pack("[I,I]", (json_int_t)file->grid.height,
                                                          (json_int_t)file->grid.width));
        json_object_set_new(json, "proj:transform",
                            json_pack("[f,i,f,i,f,f]", file->grid.dx, 0, file->grid.x0, 0,
                                      -file->grid.dy, file->grid.y0));
    }
    for (size_t i = 0; i < file->n_bands; i++)
        json_array_append_new(bands, band_json(&file->bands[i]));
    json_object_set_new(json, "bands", bands);
    return json;
}

static void print_json(json_t *json_taken)
{
    AUTO(text) struct text text = { 0 };

    js_text_add(&text, json_taken);
    puts(text.data);
    json_decref(json_taken);
}

static void print_notices(const struct plan *plan)
{
    const char *last = "";
    size_t i;
    json_t *notice;

    json_array_foreach(plan->notices, i, notice) {
        const char *message = js_text(notice, "message");

        json_t *data = json_object_get(notice, "data");
        AUTO(mem) char *seen = data ? json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

        if (message && strcmp(message, last))
            fprintf(stderr, "sentier: %s%s%s\n", message, seen ? " " : "", seen ? seen : "");
        last = message ? message : last;
    }
}

/* ---- the work ---- */

static struct raster_options options_of(const struct evaluation *e)
{
    return (struct raster_options){
        .threads = (int)sysconf(_SC_NPROCESSORS_ONLN),
        .memory_bytes = (size_t)e->config->raster_block_budget,
        .allowed_hosts = e->config->raster_allowed_hosts,
        .config = e->config,
        .tell = tell_line,
        .reading = e->reading,
    };
}

static bool survey(void *evaluation, const struct plan *plan, struct survey *survey, struct err *err)
{
    struct raster_options options = options_of(evaluation);

    return raster_survey(plan, &options, survey, err);
}

static bool compute(const struct evaluation *e, const struct plan *plan, const char *scratch,
                    struct err *err)
{
    struct raster_options options = options_of(e);
    AUTO(raster_result) struct raster_result *result = NULL;
    json_t *files = json_array();
    bool good;

    options.scratch = scratch;
    options.progress = show_progress;
    good = raster_evaluate(plan, &options, e->output, &result, err);
    progress_clear();
    for (size_t i = 0; good && i < result->n_files; i++)
        json_array_append_new(files, file_json(&result->files[i], e->output));
    print_notices(plan);
    if (good)
        print_json(json_pack("{s:o,s:{s:I,s:I}}", "files", files, "read", "tiles", (json_int_t)e->reading->tiles,
                             "pixels", (json_int_t)e->reading->pixels));
    else
        json_decref(files);
    return good;
}

static bool evaluate(const struct evaluation *e, struct err *err)
{
    struct catalog catalog = folder_catalog(e->folders);
    const struct udf_listener listener = { .line = tell_udf_line };
    const struct url_reader reader = { .config = e->config, .udf_listener = &listener };
    AUTO(plan) struct plan *plan = NULL;
    AUTO(mem) char *scratch = NULL;
    bool good;

    url_allow(&catalog, &reader);
    catalog.survey = survey;
    catalog.survey_context = (void *)e;
    if (!command_dialect(e->config, &catalog.dialect, err) ||
        !graph_plan(e->process, e->arguments, "", &catalog, PLAN_BATCH, &plan, err))
        return false;
    if (plan->value) {
        print_json(json_pack("{s:O}", "value", plan->value));
        return true;
    }
    if (!folder_make(e->output, err))
        return false;
    scratch = mem_printf("%s/.scratch-XXXXXX", e->output);
    if (!mkdtemp(scratch))
        return err_set(err, ERR_StorageFailure, "%s: %m", scratch);
    good = compute(e, plan, scratch, err);
    rmdir(scratch); /* the engine leaves nothing in it */
    return good;
}

static bool read_all(int *argc, char **argv, struct evaluation *e, struct err *err)
{
    struct common_options options = { 0 };

    if (!command_take(argc, argv, "--output", &e->output, err) ||
        !command_take(argc, argv, "--parameters", &e->parameters, err) ||
        !take_folders(argc, argv, e, err) || !command_options(argc, argv, &options, err))
        return false;
    e->config = options.config;
    if (*argc != 2)
        return err_set(err, ERR_UsageInvalid, "run: expected one process graph, found %d arguments",
                       *argc - 1);
    e->graph = argv[1];
    if (!e->output)
        e->output = ".";
    return read_process(e, err) && read_arguments(e, err);
}

static int run(int argc, char **argv)
{
    struct raster_reading reading = { 0 };
    struct evaluation e = { .reading = &reading };
    struct err err = { 0 };
    bool good;

    raster_init();
    good = read_all(&argc, argv, &e, &err) && evaluate(&e, &err);
    folder_catalog_free(e.folders);
    json_decref(e.process);
    json_decref(e.arguments);
    config_free(e.config);
    return good ? 0 : command_fail(&err);
}

const struct command command_run = {
    .name = "run",
    .synopsis = "GRAPH.json [--from FOLDER]... [--output DIR] [--parameters FILE|JSON]",
    .summary = "evaluate a process graph on files, without a server",
    .help = "Reads an openEO process, plans it with the products in the folders as catalogue (SAFE,\n"
            "images with a STAC item beside them, files of STAC items), and writes the results to DIR\n"
            "(the current folder without --output). Prints the files and their statistics as JSON, and how\n"
            "many tiles and pixels of the products were decoded.\n"
            "\n"
            "  --from FOLDER        products; may be given several times\n"
            "  --output DIR         where results go; made when it is missing\n"
            "  --parameters VALUES  values of the process's parameters: JSON, or a file of it\n",
    .run = run,
};
