/* What a tool made. Paths are followed in the command's own view, so a link out of it leads nowhere; what is
 * found is told as files of the run's folder, or as the inputs that they are. */
#include "cwl/tool.h"
#include "json/js.h"
#include <errno.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FOUND = 100000 };

/* ---- globs ---- */

/* An input that was given through is told as the input it is. */
static json_t *found_file(struct tool *t, const char *inside)
{
    AUTO(mem) char *outside = tool_outside(t, inside);
    const char *name = strrchr(inside, '/') + 1;
    json_t *file = outside ? cwl_file_new(outside, t->run->checksums) : NULL;

    if (file && *name && strcmp(name, js_text(file, "basename"))) {
        json_object_set_new(file, "basename", json_string(name));
        cwl_file_complete(file);
    }
    if (file)
        json_object_set_new(file, "path", json_string(inside)); /* for expressions */
    return file;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool find_pattern(struct tool *t, const char *pattern, json_t *found, struct err *err)
{
    AUTO(text) struct text whole = { 0 };
    glob_t matches = { 0 };
    const char *prefix = TOOL_WORK "/";
    size_t length;

    if (!strcmp(pattern, TOOL_WORK))
        pattern = ".";
    if (!strncmp(pattern, prefix, strlen(prefix)))
        pattern += strlen(prefix);
    if (*pattern == '/')
        return err_set(err, ERR_CommandFailed, "the glob '%.100s' is not below the tool's folder", pattern);
    for (const char *at = t->work; *at; at++)
        text_printf(&whole, "%s%c", strchr("*?[]\\", *at) ? "\\" : "", *at);
    text_add(&whole, "/");
    length = strlen(t->work) + 1;
    text_add(&whole, pattern);
    if (glob(whole.data, GLOB_NOSORT, NULL, &matches) == 0) {
        qsort(matches.gl_pathv, matches.gl_pathc, sizeof *matches.gl_pathv, by_text);
        for (size_t i = 0; i < matches.gl_pathc && json_array_size(found) < MAX_FOUND; i++) {
            const char *below = matches.gl_pathv[i] + length;
            size_t end = strlen(below);

            while (end && below[end - 1] == '/')
                end--;
            AUTO(mem) char *inside = end == 1 && *below == '.' ? mem_text(TOOL_WORK) : mem_printf(TOOL_WORK "/%.*s", (int)end, below);
            json_t *file = found_file(t, inside);

            if (!file) {
                globfree(&matches);
                return err_set(err, ERR_CommandFailed, "'%.200s' is a link that leads to nothing that the tool may read, or no file",
                               inside);
            }
            if ( !strcmp(inside, TOOL_WORK))
                json_object_set_new(file, "basename", json_string("work"));
            json_array_append_new(found, file);
        }
    }
    globfree(&matches);
    return true;
}

static bool find_files(struct tool *t, const json_t *globs, json_t *found, struct err *err)
{
    AUTO(json) json_t *patterns = NULL;
    const json_t *one;
    size_t i;

    if (json_is_array(globs)) {
        json_array_foreach(globs, i, one)
            if (!find_files(t, one, found, err))
                return false;
        return true;
    }
    if (!cwl_evaluate(&t->scope, globs, &patterns, err))
        return false;
    if (json_is_string(patterns))
        return find_pattern(t, json_string_value(patterns), found, err);
    if (cwl_is_file(patterns)) {
        const char *path = js_text(patterns, "path");

        return !path || find_pattern(t, path, found, err);
    }
    json_array_foreach(patterns, i, one)
    {
        const char *text = cwl_is_file(one) ? js_text(one, "path") : json_string_value(one);

        if (!text || !find_pattern(t, text, found, err))
            return text ? false : err_set(err, ERR_CommandFailed, "a glob is %s", js_type_name(one));
    }
    return true;
}

/* ---- outputs ---- */

static bool wants_array(const json_t *type)
{
    const char *kind = js_text(type, "type");
    const json_t *one;
    size_t i;

    json_array_foreach(type, i, one)
        if (wants_array(one))
            return true;
    return kind && !strcmp(kind, "array");
}

/* Where it is when it is the tool's own, or was given to it: tools and expressions can say anything. */
static char *own_path(const struct tool *t, const json_t *file)
{
    const char *const folders[] = { t->work, t->literals };
    char *path = cwl_path(file), *real = path ? realpath(path, NULL) : NULL;
    bool is_own = false;

    for (size_t i = 0; real && i < ARRAY_LEN(folders) + t->n_binds; i++) {
        const char *folder = i < ARRAY_LEN(folders) ? folders[i] : t->binds[i - ARRAY_LEN(folders)].outside;
        size_t length = strlen(folder);

        is_own |= !strncmp(path, folder, length) && (path[length] == '/' || !path[length]) &&
                  (i >= ARRAY_LEN(folders) || !strcmp(path, real)) && !strstr(path, "/../");
    }
    free(real);
    if (is_own)
        return path;
    free(path);
    return NULL;
}

/* What an expression made of files: places inside become places here. */
static bool settle_file(void *context, json_t *file, struct err *err)
{
    struct tool *t = context;
    const char *path = js_text(file, "path"), *location = js_text(file, "location");
    AUTO(mem) char *inside = NULL, *there = own_path(t, file), *outside = NULL;
    AUTO(json) json_t *made = NULL;

    if (!path && location && !there)
        path = location + (text_begins(location, "file://") ? strlen("file://") : 0);
    if (path) {
        inside = *path == '/' ? mem_text(path) : mem_printf(TOOL_WORK "/%s", path);
        outside = tool_outside(t, inside);
        if (!outside && !there)
            return err_set(err, ERR_CommandFailed, "'%.200s' is no file that the tool made or was given", path);
        made = outside ? cwl_file_new(outside, t->run->checksums) : NULL;
        if (!made && !there)
            return err_set(err, ERR_CommandFailed, "'%.200s' is not there", path);
        if (made) {
            AUTO(json) json_t *name = json_incref(json_object_get(file, "basename"));

            json_object_del(file, "location");
            json_object_update_missing(file, made);
            if (name)
                json_object_set(file, "basename", name);
        }
        json_object_set_new(file, "path", json_string(inside));
    } else if (there) {
        /* one of ours: found by a glob, or an input */
    } else if (json_is_string(json_object_get(file, "contents")) || json_object_get(file, "listing")) {
        return true; /* a literal */
    }
    cwl_file_complete(file);
    return true;
}

bool tool_settle(struct tool *t, json_t *outputs, struct err *err)
{
    return cwl_files_each(outputs, settle_file, t, err);
}

static bool finish_file(struct tool *t, const json_t *parameter, json_t *file, struct err *err)
{
    const json_t *patterns = json_object_get(parameter, "secondaryFiles");
    const json_t *format = json_object_get(parameter, "format");
    struct cwl_scope scope = t->scope;
    json_t *made;

    if (strcmp(js_text(file, "class"), "File") || !js_text(file, "location"))
        return true;
    if (patterns && !tool_add_secondary(t, patterns, file, true, err))
        return false;
    if (!json_is_string(format))
        return true;
    scope.self = file;
    if (!cwl_evaluate(&scope, format, &made, err))
        return false;
    json_object_set_new(file, "format", made);
    return true;
}

/* The files of a value, but none that belong beside them. */
static bool finish_files(struct tool *t, const json_t *parameter, json_t *value, struct err *err)
{
    json_t *one;
    size_t i;

    json_array_foreach(value, i, one)
        if (!finish_files(t, parameter, one, err))
            return false;
    return !cwl_is_file(value) || finish_file(t, parameter, value, err);
}

static bool collect_bound(struct tool *t, const json_t *output, const json_t *type, const json_t *binding,
                          json_t **ret_value, struct err *err)
{
    const json_t *globs = json_object_get(binding, "glob"), *eval = json_object_get(binding, "outputEval");
    const char *listing = js_text(binding, "loadListing");
    AUTO(json) json_t *found = globs ? json_array() : NULL;
    struct cwl_scope scope = t->scope;
    json_t *one;
    size_t i;

    if (globs && !find_files(t, globs, found, err))
        return false;
    json_array_foreach(found, i, one)
    {
        if (json_is_true(json_object_get(binding, "loadContents")) && !cwl_load_contents(one, err))
            return false;
        if (listing && strcmp(listing, "no_listing") && !strcmp(js_text(one, "class"), "Directory"))
            cwl_load_listing(one, !strcmp(listing, "deep_listing"));
    }
    if (eval) {
        scope.self = found;
        if (!cwl_evaluate(&scope, eval, ret_value, err))
            return false;
    } else if (wants_array(type)) {
        *ret_value = found ? json_incref(found) : json_null();
    } else {
        if (json_array_size(found) > 1)
            return err_set(err, ERR_CommandFailed, "one file is expected, the glob finds %zu", json_array_size(found));
        *ret_value = json_array_size(found) ? json_incref(json_array_get(found, 0)) : json_null();
    }
    return cwl_files_each(*ret_value, settle_file, t, err) &&
           finish_files(t, output, *ret_value, err);
}

static bool collect_record(struct tool *t, const json_t *type, json_t **ret_value, struct err *err)
{
    json_t *record = json_object(), *value;
    const json_t *field;
    size_t i;

    *ret_value = record;
    json_array_foreach(json_object_get(type, "fields"), i, field)
    {
        value = NULL;
        if (!collect_bound(t, field, json_object_get(field, "type"), json_object_get(field, "outputBinding"), &value, err)) {
            json_decref(value);
            return err_prefix(err, "%s", js_text(field, "name"));
        }
        json_object_set_new(record, js_text(field, "name"), value);
    }
    return true;
}

static bool collect_one(struct tool *t, const json_t *output, json_t **ret_value, struct err *err)
{
    const json_t *type = json_object_get(output, "type"), *binding = json_object_get(output, "outputBinding");
    const char *word = json_string_value(type), *name = NULL;
    AUTO(json) json_t *own = NULL;

    if (word && !strcmp(word, "stdout"))
        name = t->stdout_name;
    else if (word && !strcmp(word, "stderr"))
        name = t->stderr_name;
    if (name) {
        AUTO(mem) char *inside = mem_printf(TOOL_WORK "/%s", name);

        *ret_value = found_file(t, inside);
        *ret_value = *ret_value ? *ret_value : json_null();
        return finish_files(t, output, *ret_value, err);
    }
    if (!binding && js_text(type, "type") && !strcmp(js_text(type, "type"), "record"))
        return collect_record(t, type, ret_value, err);
    return collect_bound(t, output, type, binding, ret_value, err);
}

static bool read_own_outputs(struct tool *t, json_t **ret_outputs, struct err *err)
{
    AUTO(mem) char *path = mem_printf("%s/cwl.output.json", t->work);
    struct stat st;

    *ret_outputs = NULL;
    if (lstat(path, &st) || !S_ISREG(st.st_mode))
        return true;
    return js_read_file(path, ret_outputs, err) &&
           (json_is_object(*ret_outputs) || js_refuse(*ret_outputs, "cwl.output.json", "an object", err)) &&
           cwl_files_each(*ret_outputs, settle_file, t, err);
}

bool tool_collect(struct tool *t, int status, json_t **ret_outputs, struct err *err)
{
    AUTO(json) json_t *own = NULL, *outputs = json_object();
    const json_t *one;
    size_t i;

    json_object_set_new(t->runtime, "exitCode", json_integer(status));
    if (!read_own_outputs(t, &own, err))
        return false;
    json_array_foreach(json_object_get(t->process, "outputs"), i, one)
    {
        const char *id = js_text(one, "id");
        const json_t *type = json_object_get(one, "type");
        json_t *value = NULL;

        if (own)
            value = json_object_get(own, id) ? json_incref(json_object_get(own, id)) : json_null();
        else if (!collect_one(t, one, &value, err)) {
            json_decref(value);
            return err_prefix(err, "/outputs/%s", id);
        }
        json_object_set_new(outputs, id, value);
        if (!cwl_fits(type, value)) {
            AUTO(mem) char *expected = cwl_type_text(type);

            return err_set(err, ERR_CommandFailed, "/outputs/%s: expected %s, the tool made %s", id, expected,
                           json_is_null(value) ? "nothing" : js_type_name(value));
        }
    }
    *ret_outputs = json_incref(outputs);
    return true;
}
