/* load_uploaded_files, load_url: cubes of files that users bring, by the formats of formats.c. What a file holds is told
 * by whoever looks into it (jobs/uploaded_file.c): items of images, or features. */
#include "graph/formats.h"
#include "graph/load.h"
#include "json/js.h"
#include <string.h>

/* Files that were named in one format: by load_uploaded_files several, by load_url one. */
struct files {
    const char *parameter; /* that names them */
    const struct value *paths; /* texts */
    size_t count;
    const struct file_input *format;
};

static bool find_file(struct call *call, const struct files *files, size_t i, const json_t **ret, struct err *err)
{
    const char *path = files->paths[i].text;
    bool is_url = !strcmp(files->parameter, "url");
    struct err reason = { 0 };

    if (is_url && !strcmp(files->format->name, "GeoJSON") ? catalog_fetch(call->planner, path, ret, &reason)
                                                          : catalog_uploaded(call->planner, path, files->format->name, ret, &reason))
        return true;
    if (is_url && reason.code != ERR_FormatUnsuitable && reason.code != ERR_EstimateComplexity)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "url", "%.400s.", reason.message);
    *err = reason;
    return err_prefix(err, "'%.200s'", path) || call_place(call, files->parameter, err);
}

/* Images as items: a file has one or, as a collection of features, several. */
static bool find_images(struct call *call, const struct files *files, json_t **ret_found, struct err *err)
{
    json_t *items = json_array();
    const json_t *found;

    *ret_found = json_pack("{s:o, s:n}", "items", items, "collection");
    for (size_t i = 0; i < files->count; i++) {
        if (!find_file(call, files, i, &found, err))
            return false;
        if (json_object_get(found, "features"))
            json_array_extend(items, json_object_get(found, "features"));
        else
            json_array_append(items, (json_t *)found);
    }
    return true;
}

/* Of all or of none the date is known. */
static bool check_dates(const struct call *call, const struct files *files, const json_t *items, bool *ret_undated,
                        struct err *err)
{
    json_t *item;
    size_t i;

    json_array_foreach((json_t *)items, i, item) {
        bool undated = json_is_true(json_object_get(json_object_get(item, "properties"), "sentier:undated"));

        if (i && undated != *ret_undated)
            return call_fail(call, err, ERR_ProcessParameterInvalid, files->parameter,
                             "the names of some files tell a date, those of others do not; '%.200s' %s.",
                             js_text(item, "id"), undated ? "does not" : "does");
        *ret_undated = undated;
    }
    return true;
}

static bool load_images(struct call *call, const struct files *files, struct value *ret, struct err *err)
{
    AUTO(text) struct text names = { 0 };
    AUTO(json) json_t *found = NULL;
    bool undated = false;

    if (!find_images(call, files, &found, err) || !check_dates(call, files, json_object_get(found, "items"), &undated, err))
        return false;
    for (size_t i = 0; i < files->count; i++)
        text_printf(&names, "%s%s", i ? ", " : "", files->paths[i].text);
    return load_items(call, arena_text(call->planner->arena, names.data), found, undated, ret, err);
}

static bool load_features(struct call *call, const struct files *files, struct value *ret, struct err *err)
{
    const struct value *options = call_argument(call, "options");
    const struct value *names = value_member(options, "properties");
    json_t *features = json_array();
    AUTO(json) json_t *all = json_pack("{s:s, s:o}", "type", "FeatureCollection", "features", features);

    for (size_t i = 0; i < files->count; i++) {
        const char *path = files->paths[i].text;
        const json_t *one;

        if (!find_file(call, files, i, &one, err))
            return false;
        if (files->count == 1) /* any kind of GeoJSON */
            return geojson_cube(call, files->parameter, one, names, ret, err);
        if (!json_is_array(json_object_get(one, "features")))
            return call_fail(call, err, ERR_FormatUnsuitable, "paths",
                             "'%.200s' is no FeatureCollection, as each of several files must be.", path);
        json_array_extend(features, json_object_get(one, "features"));
    }
    return geojson_cube(call, "paths", all, names, ret, err);
}

static bool check_input_options(const struct call *call, const struct file_input *format, struct err *err)
{
    const struct value *options = call_argument(call, "options");

    for (size_t i = 0; options->kind == KIND_OBJECT && i < options->object.count; i++) {
        const struct value *v = &options->object.values[i];
        bool good = !format->is_image && !strcmp(options->object.keys[i], "properties");

        if (!good)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "options", "%s has no option '%.60s'.",
                             format->name, options->object.keys[i]);
        good = v->kind == KIND_ARRAY;
        for (size_t k = 0; good && k < v->array.length; k++)
            good = v->array.items[k].kind == KIND_STRING;
        if (!good)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "options",
                             "option 'properties': expected an array of names.");
    }
    return true;
}

/* Nothing is known of them before the plan is made. */
static bool load_files(struct call *call, struct files *files, struct value *ret, struct err *err)
{
    const char *name = call_text(call, "format");

    *ret = value_unknown();
    files->format = format_input(name);
    if (!files->format)
        return call_fail(call, err, ERR_FormatUnsuitable, "format", "'%.60s' is no input format; there are %s.", name,
                         format_inputs(call->planner->arena));
    if (!check_input_options(call, files->format, err))
        return false;
    if (files->count == 0)
        return call_fail(call, err, ERR_ProcessParameterInvalid, files->parameter, "expected at least one file.");
    if (call->planner->mode != MODE_PLAN)
        return true;
    return (files->format->is_image ? load_images : load_features)(call, files, ret, err);
}

bool run_load_uploaded_files(struct call *call, struct value *ret, struct err *err)
{
    const struct value *paths = &call->arguments[0];

    return load_files(call, &(struct files){ "paths", paths->array.items, paths->array.length, NULL }, ret, err);
}

bool run_load_url(struct call *call, struct value *ret, struct err *err)
{
    return load_files(call, &(struct files){ "url", call_argument(call, "url"), 1, NULL }, ret, err);
}
