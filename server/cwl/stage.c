/* Where files stand. Each input is bound, read-only, into a folder of its own (/in/N/NAME), its secondary files
 * beside it. Literals are written out first. What InitialWorkDirRequirement names is copied into the work
 * folder: then the tool may write it, and nothing of it is anybody else's. */
#include "cwl/tool.h"
#include "json/js.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_directory(const json_t *file)
{
    return !strcmp(js_text(file, "class"), "Directory");
}

static bool check_name(const char *name, struct err *err)
{
    return (name && *name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..")) ||
           err_set(err, ERR_InvalidParameter, "'%.100s' is no name of a file", name ? name : "");
}

/* ---- binds ---- */

static bool add_bind(struct tool *t, const char *outside, const char *inside, struct err *err)
{
    if (t->n_binds == MAX_BINDS)
        return err_set(err, ERR_InvalidParameter, "The inputs are more than %d files.", MAX_BINDS);
    t->binds = mem_grow(t->binds, &t->binds_capacity, t->n_binds + 1, sizeof *t->binds);
    t->binds[t->n_binds++] = (struct tool_bind){ mem_text(outside), mem_text(inside) };
    return true;
}

static bool write_literal(const char *path, const json_t *contents, struct err *err)
{
    const char *text = json_string_value(contents);
    FILE *out = fopen(path, "wxe");
    bool good = out && fwrite(text, 1, strlen(text), out) == strlen(text);

    if (out && fclose(out))
        good = false;
    if (good)
        chmod(path, 0644);
    return good || err_set(err, ERR_StorageFailure, "%.300s: %s", path, strerror(errno));
}

static bool write_secondary(struct tool *t, json_t *file, const char *folder, struct err *err);

/* Of a File with contents alone or a Directory with a listing alone: made below the folder of literals. */
static bool write_out(struct tool *t, json_t *file, const char *folder, struct err *err)
{
    AUTO(mem) char *path = NULL, *from = cwl_path(file);
    json_t *one;
    size_t i;

    if (!js_text(file, "basename")) {
        AUTO(mem) char *name = mem_printf("literal-%zu", ++t->n_staged);

        json_object_set_new(file, "basename", json_string(name));
    }
    if (!check_name(js_text(file, "basename"), err))
        return false;
    path = mem_printf("%s/%s", folder, js_text(file, "basename"));
    if (from)
        return cwl_copy(from, path, err);
    if (!is_directory(file))
        return json_is_string(json_object_get(file, "contents"))
                   ? write_literal(path, json_object_get(file, "contents"), err)
                   : err_set(err, ERR_InvalidParameter, "The file '%.100s' has neither a location nor contents.",
                             js_text(file, "basename"));
    if (mkdir(path, 0755))
        return err_set(err, ERR_StorageFailure, "%.300s: %s", path, strerror(errno));
    json_array_foreach(json_object_get(file, "listing"), i, one)
        if (!write_out(t, one, path, err) || !write_secondary(t, one, path, err))
            return false;
    return true;
}

static bool write_secondary(struct tool *t, json_t *file, const char *folder, struct err *err)
{
    json_t *one;
    size_t i;

    json_array_foreach(json_object_get(file, "secondaryFiles"), i, one)
        if (!write_out(t, one, folder, err))
            return false;
    return true;
}

static bool give_location(struct tool *t, json_t *file, struct err *err)
{
    AUTO(mem) char *folder = NULL, *path = NULL, *there = cwl_path(file);
    AUTO(json) json_t *made = NULL;

    if (there)
        return access(there, R_OK) == 0 || err_set(err, ERR_FileNotFound, "%.300s: %s", there, strerror(errno));
    if (js_text(file, "location") && !json_object_get(file, "contents") && !json_object_get(file, "listing"))
        return err_set(err, ERR_InvalidParameter, "'%.200s' is no file of this machine", js_text(file, "location"));
    folder = mem_printf("%s/%zu", t->literals, ++t->n_staged);
    if (mkdir(folder, 0755))
        return err_set(err, ERR_StorageFailure, "%.300s: %s", folder, strerror(errno));
    json_object_del(file, "location");
    if (!write_out(t, file, folder, err))
        return false;
    path = mem_printf("%s/%s", folder, js_text(file, "basename"));
    made = cwl_file_new(path, false);
    json_object_update_missing(file, made);
    return true;
}

/* ---- inputs ---- */

static void set_path(json_t *file, const char *inside)
{
    const char *slash = strrchr(inside, '/');
    json_t *one;
    size_t i;

    json_object_set_new(file, "path", json_string(inside));
    if (!is_directory(file))
        json_object_set_new(file, "dirname", json_stringn(inside, (size_t)(slash - inside)));
    json_array_foreach(json_object_get(file, "listing"), i, one)
    {
        AUTO(mem) char *below = mem_printf("%s/%s", inside, js_text(one, "basename") ? js_text(one, "basename") : "");

        if (cwl_is_file(one))
            set_path(one, below);
    }
}

static bool stage_one(struct tool *t, json_t *file, const char *folder, struct err *err)
{
    AUTO(mem) char *inside = NULL, *outside = NULL;
    json_t *one;
    struct stat st;
    size_t i;

    if (!give_location(t, file, err))
        return false;
    cwl_file_complete(file);
    if (!check_name(js_text(file, "basename"), err))
        return false;
    inside = mem_printf("%s/%s", folder, js_text(file, "basename"));
    outside = cwl_path(file);
    if (!is_directory(file) && stat(outside, &st) == 0)
        json_object_set_new(file, "size", json_integer((json_int_t)st.st_size));
    set_path(file, inside);
    if (!add_bind(t, outside, inside, err))
        return false;
    json_array_foreach(json_object_get(file, "secondaryFiles"), i, one)
        if (cwl_is_file(one) && !stage_one(t, one, folder, err))
            return false;
    return true;
}

static bool stage_value(struct tool *t, json_t *value, struct err *err)
{
    const char *key;
    json_t *one;
    size_t i;

    if (cwl_is_file(value)) {
        AUTO(mem) char *folder = mem_printf(TOOL_IN "/%zu", ++t->n_staged);

        return stage_one(t, value, folder, err);
    }
    json_array_foreach(value, i, one)
        if (!stage_value(t, one, err))
            return false;
    json_object_foreach(value, key, one)
        if (!stage_value(t, one, err))
            return false;
    return true;
}

/* ---- what parameters say about their files ---- */

struct preparing {
    struct tool *tool;
    const json_t *parameter;
    const char *listing;
};

static void put_size(json_t *file)
{
    AUTO(mem) char *path = is_directory(file) ? NULL : cwl_path(file);
    struct stat st;
    json_t *one;
    size_t i;

    if (path && stat(path, &st) == 0)
        json_object_set_new(file, "size", json_integer((json_int_t)st.st_size));
    json_array_foreach(json_object_get(file, "listing"), i, one)
        if (cwl_is_file(one))
            put_size(one);
}

/* Without the ontology there is no telling that one format is a kind of another: then any will do. */
static bool check_format(const struct preparing *p, const json_t *file, struct err *err)
{
    const json_t *wanted = json_object_get(p->parameter, "format"), *one;
    AUTO(json) json_t *made = NULL;
    struct cwl_scope scope = p->tool->scope;
    size_t i;

    if (!wanted || is_directory(file) || json_is_true(json_object_get(p->tool->process, "has_ontology")))
        return true;
    scope.self = file;
    if (!cwl_evaluate(&scope, wanted, &made, err))
        return false;
    if (json_equal(made, json_object_get(file, "format")))
        return true;
    json_array_foreach(made, i, one)
        if (json_equal((json_t *)one, json_object_get(file, "format")))
            return true;
    return err_set(err, ERR_InvalidParameter, "the format of '%.100s': expected %.200s, found %.200s", js_text(file, "basename"),
                   json_is_string(made) ? json_string_value(made) : "one of several",
                   js_text(file, "format") ? js_text(file, "format") : "none");
}

static bool prepare_file(void *context, json_t *file, struct err *err)
{
    const struct preparing *p = context;
    const json_t *patterns = json_object_get(p->parameter, "secondaryFiles");
    const json_t *binding = json_object_get(p->parameter, "inputBinding");

    cwl_file_complete(file);
    put_size(file);
    if (!check_format(p, file, err))
        return false;
    if (is_directory(file)) {
        if (strcmp(p->listing, "no_listing") && !strstr(p->listing, "invalid"))
            cwl_load_listing(file, !strcmp(p->listing, "deep_listing"));
        return true;
    }
    if ((json_is_true(json_object_get(p->parameter, "loadContents")) ||
         json_is_true(json_object_get(binding, "loadContents"))) &&
        !cwl_load_contents(file, err))
        return false;
    return !patterns || tool_add_secondary(p->tool, patterns, file, false, err);
}

/* Records and arrays carry what holds for their members. */
static bool prepare(struct tool *t, const json_t *parameter, json_t *value, const char *listing, struct err *err)
{
    const json_t *type = json_object_get(parameter, "type"), *one;
    struct preparing p = { t, parameter, listing };
    json_t *item;
    size_t i;

    if (cwl_is_file(value))
        return prepare_file(&p, value, err);
    if (json_is_array(type))
        json_array_foreach(type, i, one)
            if (cwl_fits(one, value)) {
                type = one;
                break;
            }
    if (json_is_object(value))
        json_array_foreach(json_object_get(type, "fields"), i, one)
            if (!prepare(t, one, json_object_get(value, js_text(one, "name")), listing, err))
                return false;
    json_array_foreach(value, i, item)
        if (json_is_object(item) || json_is_array(item)) {
            AUTO(json) json_t *inner = json_copy((json_t *)parameter);

            json_object_set(inner, "type", json_object_get(type, "items"));
            if (!prepare(t, inner, item, listing, err))
                return false;
        }
    return true;
}

static bool prepare_inputs(struct tool *t, struct err *err)
{
    const char *usual = js_text(cwl_requirement(t->process, "LoadListingRequirement", NULL), "loadListing");
    const char *version = js_text(t->process, "cwlVersion");
    const json_t *one;
    size_t i;

    if (!usual) /* version 1.0 has listings whole */
        usual = version && !strcmp(version, "v1.0") ? "deep_listing" : "no_listing";
    json_array_foreach(json_object_get(t->process, "inputs"), i, one)
    {
        const char *own = js_text(one, "loadListing");
        json_t *value = json_object_get(t->inputs, js_text(one, "id"));

        if (!prepare(t, one, value, own ? own : usual, err))
            return err_prefix(err, "/inputs/%s", js_text(one, "id"));
    }
    return true;
}

/* ---- InitialWorkDirRequirement ---- */

struct moved {
    struct tool *tool;
    const char *location, *inside;
};

static bool move_path(void *context, json_t *file, struct err *err)
{
    const struct moved *m = context;

    (void)err;
    if (js_text(file, "location") && !strcmp(js_text(file, "location"), m->location))
        set_path(file, m->inside);
    return true;
}

/* `name`: relative to the work folder. */
static bool check_entry_name(const char *name, struct err *err)
{
    AUTO(mem) char *padded = mem_printf("/%s/", name);

    return (*name && *name != '/' && !strstr(padded, "/../")) ||
           err_set(err, ERR_FeatureUnsupported,
                   "InitialWorkDirRequirement: '%.100s' is not below the tool's own folder", name);
}

static bool make_folders_above(const char *path, const char *root, struct err *err)
{
    AUTO(mem) char *copy = mem_text(path);

    for (char *slash = strchr(copy + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0755) && errno != EEXIST)
            return err_set(err, ERR_StorageFailure, "%.300s: %s", copy, strerror(errno));
        *slash = '/';
    }
    return true;
}

static bool place_file(struct tool *t, json_t *file, const char *name, struct err *err)
{
    AUTO(mem) char *target = NULL, *inside = NULL, *from = NULL;
    json_t *one;
    size_t i;

    if (!give_location(t, file, err))
        return false;
    cwl_file_complete(file);
    name = name ? name : js_text(file, "basename");
    if (!check_entry_name(name, err))
        return false;
    target = mem_printf("%s/%s", t->work, name);
    inside = mem_printf(TOOL_WORK "/%s", name);
    from = cwl_path(file);
    if (!make_folders_above(target, t->work, err) || !cwl_copy(from, target, err))
        return false;
    if (!cwl_files_each(t->inputs, move_path, &(struct moved){ t, js_text(file, "location"), inside }, err))
        return false;
    json_array_foreach(json_object_get(file, "secondaryFiles"), i, one)
        if (cwl_is_file(one) && !place_file(t, one, NULL, err))
            return false;
    return true;
}

static bool place_text(struct tool *t, const char *name, const json_t *value, struct err *err)
{
    AUTO(mem) char *target = NULL, *text = NULL;
    AUTO(json) json_t *content = NULL;

    if (!name || !check_entry_name(name, err))
        return name ? false : err_set(err, ERR_BadRequest, "InitialWorkDirRequirement: a text needs an entryname");
    text = cwl_text(value);
    content = json_string(text);
    target = mem_printf("%s/%s", t->work, name);
    return make_folders_above(target, t->work, err) && write_literal(target, content, err);
}

static bool place_value(struct tool *t, json_t *value, const char *name, struct err *err)
{
    json_t *one;
    size_t i;

    if (json_is_null(value))
        return true;
    if (cwl_is_file(value))
        return place_file(t, value, name, err);
    if (json_is_array(value) && json_array_size(value) > 0 && cwl_is_file(json_array_get(value, 0))) {
        json_array_foreach(value, i, one)
            if (!place_value(t, one, NULL, err))
                return false;
        return true;
    }
    return place_text(t, name, value, err);
}

static bool place_entry(struct tool *t, const json_t *entry, struct err *err)
{
    AUTO(json) json_t *name = NULL, *value = NULL;
    const json_t *content = json_object_get(entry, "entry");
    struct cwl_scope scope = t->scope;

    if (!content) {
        json_t *one;
        size_t i;

        if (!cwl_evaluate(&t->scope, entry, &value, err))
            return false;
        if (json_is_object(value) && json_object_get(value, "entry"))
            return place_entry(t, value, err);
        if (!json_is_array(value))
            return place_value(t, value, NULL, err);
        json_array_foreach(value, i, one)
            if (!(json_object_get(one, "entry") ? place_entry(t, one, err) : place_value(t, one, NULL, err)))
                return false;
        return true;
    }
    scope.exact = true;
    return cwl_evaluate(&scope, content, &value, err) &&
           (!json_object_get(entry, "entryname") ||
            cwl_evaluate(&t->scope, json_object_get(entry, "entryname"), &name, err)) &&
           place_value(t, value, json_string_value(name), err);
}

static bool fill_work(struct tool *t, struct err *err)
{
    const json_t *wanted = cwl_requirement(t->process, "InitialWorkDirRequirement", NULL);
    const json_t *listing = json_object_get(wanted, "listing"), *one;
    AUTO(json) json_t *value = NULL;
    size_t i;

    if (!listing)
        return true;
    if (json_is_string(listing)) {
        if (!cwl_evaluate(&t->scope, listing, &value, err))
            return false;
        listing = value;
        if (!json_is_array(listing) && !json_is_null(listing))
            return place_value(t, value, NULL, err);
    }
    json_array_foreach(listing, i, one)
        if (!place_entry(t, one, err))
            return err_prefix(err, "InitialWorkDirRequirement");
    return true;
}

bool tool_stage(struct tool *t, struct err *err)
{
    const char *key;
    json_t *value;

    if (!prepare_inputs(t, err))
        return false;
    json_object_foreach(t->inputs, key, value)
        if (!stage_value(t, value, err))
            return err_prefix(err, "/inputs/%s", key);
    return fill_work(t, err);
}
