/* sentier cwl: runs a tool or a workflow on files, step by step, without a server. */
#include "base/folder.h"
#include "base/text.h"
#include "commands/command.h"
#include "cwl/cwl.h"
#include "json/js.h"
#include "json/yaml.h"
#include "sandbox/container.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 60, STATUS_UNSUPPORTED = 33, MAX_STEPS = 100000 };

struct workflow_run {
    const char *document, *inputs, *output;
    struct config *config;
    char *folder; /* of temporaries */
    json_t *process, *values;
};

/* ---- files beside each other ---- */

static bool read_file(const char *path, char **ret_bytes, size_t *ret_size, struct err *err)
{
    struct text bytes = { 0 };
    FILE *file = fopen(path, "rbe");
    char part[65536];
    size_t got;

    if (!file)
        return err_set(err, ERR_FileNotFound, "%s: %s", path, strerror(errno));
    while ((got = fread(part, 1, sizeof part, file)) > 0)
        text_addn(&bytes, part, got);
    fclose(file);
    *ret_size = bytes.length;
    *ret_bytes = text_take(&bytes);
    return true;
}

static char *beside(const char *base, const char *reference)
{
    const char *slash = base ? strrchr(base, '/') : NULL;

    if (text_begins(reference, "file://"))
        reference += strlen("file://");
    if (*reference == '/' || !slash)
        return mem_text(reference);
    return mem_printf("%.*s/%s", (int)(slash - base), base, reference);
}

static bool read_beside(void *context, const char *reference, const char *base, char **ret_bytes, size_t *ret_size,
                        char **ret_base, struct err *err)
{
    char *path = beside(base, reference);

    (void)context;
    if (!read_file(path, ret_bytes, ret_size, err)) {
        free(path);
        return false;
    }
    *ret_base = path;
    return true;
}

static bool locate(void *context, json_t *file, struct err *err)
{
    const char *base = context, *location = js_text(file, "location");
    AUTO(text) struct text address = { 0 };
    AUTO(mem) char *plain = NULL, *path = NULL;
    char *real;

    (void)err;
    if (!location)
        location = js_text(file, "path");
    if (!location || text_begins(location, "_:") || text_is_remote(location))
        return true;
    plain = mem_text(location);
    text_url_decode(plain, false);
    path = beside(base, plain);
    real = realpath(path, NULL);
    text_add(&address, "file://");
    text_add_url(&address, real ? real : path, "/");
    free(real);
    json_object_set_new(file, "location", json_string(address.data));
    json_object_del(file, "path");
    if (!json_object_get(file, "basename")) { /* a link keeps its own name */
        AUTO(json) json_t *named = json_pack("{s:s, s:s}", "class", "File", "location", path);

        cwl_file_complete(named);
        json_object_update_missing(file, named);
        json_object_del(file, strcmp(js_text(file, "class"), "File") ? "nameroot" : "_");
        json_object_del(file, strcmp(js_text(file, "class"), "File") ? "nameext" : "_");
    }
    return true;
}

static bool read_all(struct workflow_run *w, struct err *err)
{
    const struct cwl_reader reader = { read_beside, NULL };
    AUTO(mem) char *bytes = NULL, *job = NULL, *path = mem_text(w->document);
    char *mark = strrchr(path, '#');
    AUTO(json) json_t *given = json_object();
    const char *id;
    json_t *process, *own;
    size_t size;

    if (mark)
        *mark = '\0';
    if (!read_file(path, &bytes, &size, err) ||
        !cwl_read(bytes, size, path, mark ? mark + 1 : NULL, &reader, &w->process, err))
        return false;
    json_object_foreach(json_object_get(w->process, "graph"), id, process) /* files as defaults */
        if (!cwl_files_each(process, locate, path, err))
            return false;
    if (w->inputs) {
        json_decref(given);
        given = NULL;
        if (!read_file(w->inputs, &job, &size, err) || !yaml_parse(job, size, MAX_DEPTH, &given, err) ||
            !cwl_files_each(given, locate, (void *)(uintptr_t)w->inputs, err))
            return false;
    }
    own = json_object_get(given, "cwl:requirements");
    if (json_is_array(own)) {
        json_t *main_process = (json_t *)cwl_main(w->process);
        json_t *all = json_copy(own);

        if (json_object_get(main_process, "requirements"))
            json_array_extend(all, json_object_get(main_process, "requirements"));
        json_object_set_new(main_process, "requirements", all);
    }
    return cwl_inputs(cwl_main(w->process), given, &w->values, err);
}

/* ---- steps ---- */

static void say(void *context, bool is_error, const char *line)
{
    (void)context;
    (void)is_error;
    fprintf(stderr, "%s\n", line);
}

static struct cwl_site site_of(const struct config *c)
{
    return (struct cwl_site){ .network = c->packages_network, .container = container_runtime(c->packages_container),
                              .registries = c->packages_registries, .cores = sysconf(_SC_NPROCESSORS_ONLN),
                              .memory_bytes = c->worker_memory };
}

static bool run_step(const struct workflow_run *w, const json_t *step, json_t *done, size_t number, struct err *err)
{
    AUTO(mem) char *folder = mem_printf("%s/%zu", w->folder, number);
    const struct config *c = w->config;
    struct cwl_run run = { .folder = folder, .site = site_of(c), .checksums = true, .line = say,
                           .limits = { c->worker_memory, c->packages_disk, c->packages_files, c->packages_processes,
                                       c->packages_time * 16, c->packages_time * 1000, 1 << 20 } };
    const char *key = js_text(step, "key");
    json_t *outputs = NULL;

    if (mkdir(folder, 0755))
        return err_set(err, ERR_StorageFailure, "%s: %s", folder, strerror(errno));
    if (!cwl_run(&run, json_object_get(step, "process"), json_object_get(step, "inputs"), &outputs, err))
        return err_prefix(err, "%s", key);
    json_object_set_new(done, key, outputs);
    return true;
}

static bool run_steps(const struct workflow_run *w, json_t **ret_outputs, struct err *err)
{
    AUTO(json) json_t *done = json_object();
    size_t i, number = 0;
    json_t *step;

    for (;;) {
        AUTO(json) json_t *ready = NULL;

        if (!cwl_next(w->process, w->values, done, &ready, ret_outputs, err))
            return false;
        if (*ret_outputs)
            return true;
        if (json_array_size(ready) == 0)
            return err_set(err, ERR_Internal, "Nothing is left to do, and there is no result.");
        json_array_foreach(ready, i, step)
            if (!run_step(w, step, done, number++, err))
                return false;
    }
}

/* ---- results ---- */

static bool deliver(void *context, json_t *file, struct err *err)
{
    const struct workflow_run *w = context;
    AUTO(mem) char *from = cwl_path(file), *to = NULL;
    const char *name = js_text(file, "basename");
    AUTO(json) json_t *made = NULL, *listing = json_incref(json_object_get(file, "listing"));
    AUTO(text) struct text location = { 0 };

    if (!name || strchr(name, '/'))
        return err_set(err, ERR_CommandFailed, "A file of the outputs has no name.");
    to = mem_printf("%s/%s", w->output, name);
    for (int i = 2; access(to, F_OK) == 0; i++) {
        free(to);
        to = mem_printf("%s/%s_%d", w->output, name, i);
    }
    if (from) {
        if (!cwl_copy(from, to, err))
            return false;
    } else if (json_is_string(json_object_get(file, "contents"))) {
        FILE *out = fopen(to, "wxe");

        if (!out || fputs(js_text(file, "contents"), out) < 0 || fclose(out))
            return err_set(err, ERR_StorageFailure, "%s: %s", to, strerror(errno));
    } else if (mkdir(to, 0755)) {
        return err_set(err, ERR_StorageFailure, "%s: %s", to, strerror(errno));
    } else {
        struct workflow_run inner = *w;

        inner.output = to;
        if (!cwl_files_each(listing, deliver, &inner, err))
            return false;
    }
    made = cwl_file_new(to, true);
    json_object_del(made, "basename");
    if (listing || !strcmp(js_text(file, "class"), "Directory")) {
        json_object_del(file, "listing");
        json_object_update(file, made); /* what is in it has come along */
        json_object_del(file, "contents");
    } else {
        json_object_update(file, made);
        json_object_del(file, "contents");
    }
    text_add(&location, "file://");
    text_add_url(&location, to, "/");
    json_object_set_new(file, "location", json_string(location.data));
    json_object_set_new(file, "path", json_string(to));
    return true;
}

static bool complete(void *context, json_t *file, struct err *err)
{
    AUTO(mem) char *path = cwl_path(file);
    AUTO(json) json_t *made = path ? cwl_file_new(path, true) : NULL;

    (void)context;
    (void)err;
    if (made)
        json_object_update_missing(file, made);
    if (path)
        json_object_set_new(file, "path", json_string(path));
    if (!strcmp(js_text(file, "class"), "Directory") && !json_object_get(file, "listing"))
        cwl_load_listing(file, true);
    return true;
}

static bool evaluate(struct workflow_run *w, struct err *err)
{
    const struct cwl_site site = site_of(w->config);
    AUTO(json) json_t *outputs = NULL;

    if ((site.container && !container_check_runtime(site.container, err)) || !read_all(w, err) || !cwl_check_site(w->process, &site, err) || !run_steps(w, &outputs, err))
        return false;
    if (!folder_make(w->output, err))
        return false;
    if (!cwl_files_each(outputs, deliver, w, err) || !cwl_files_each(outputs, complete, NULL, err))
        return false;
    json_dumpf(outputs, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    printf("\n");
    return true;
}

static bool take_arguments(int *argc, char **argv, struct workflow_run *w, struct err *err)
{
    struct common_options options = { 0 };

    if (!command_take(argc, argv, "--outdir", &w->output, err) || !command_options(argc, argv, &options, err))
        return false;
    w->config = options.config;
    if (*argc < 2 || *argc > 3)
        return err_set(err, ERR_UsageInvalid, "cwl: expected a document and its inputs, found %d arguments", *argc - 1);
    w->document = argv[1];
    w->inputs = *argc == 3 ? argv[2] : NULL;
    if (!w->output)
        w->output = ".";
    return true;
}

static int run(int argc, char **argv)
{
    char folder[] = "/var/tmp/sentier-cwl-XXXXXX", here[PATH_MAX];
    struct workflow_run w = { .folder = folder };
    struct err err = { 0 };
    AUTO(mem) char *output = NULL;
    bool good = take_arguments(&argc, argv, &w, &err);

    if (good && *w.output != '/' && getcwd(here, sizeof here))
        w.output = output = strcmp(w.output, ".") ? mem_printf("%s/%s", here, w.output) : mem_text(here);
    good = good && (mkdtemp(folder) || err_set(&err, ERR_StorageFailure, "%s: %s", folder, strerror(errno)));
    if (good) {
        chmod(folder, 0755);
        good = evaluate(&w, &err);
        cwl_remove(folder);
    }
    json_decref(w.process);
    json_decref(w.values);
    config_free(w.config);
    if (!good && err.code == ERR_FeatureUnsupported) {
        command_fail(&err);
        return STATUS_UNSUPPORTED;
    }
    return good ? 0 : command_fail(&err);
}

const struct command command_cwl = {
    .name = "cwl",
    .synopsis = "DOCUMENT[#ID] [INPUTS] [--outdir DIR]",
    .summary = "run a tool or a workflow of the Common Workflow Language, without a server",
    .help = "Runs a CWL document (1.0, 1.1, 1.2) with the inputs of a YAML or JSON file. Commands run in a\n"
            "sandbox, as those of packages that users deploy. Prints the outputs as JSON; ends with status 33\n"
            "when the document requires what this machine does not offer.\n"
            "\n"
            "  --outdir DIR   where files go that were made (the current folder without it)\n",
    .run = run,
};
