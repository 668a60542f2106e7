/* The files that belong beside another one (CommandLineTool's secondaryFiles): by a pattern of its name, or as an
 * expression tells them. */
#include "cwl/tool.h"
#include "json/js.h"
#include <string.h>

/* "^^.idx": each ^ takes an extension away. */
static char *secondary_name(const char *name, const char *pattern)
{
    AUTO(mem) char *stem = mem_text(name);

    for (; *pattern == '^'; pattern++) {
        char *dot = strrchr(stem, '.');

        if (dot && dot != stem)
            *dot = '\0';
    }
    return mem_printf("%s%s", stem, pattern);
}

static bool has_secondary(const json_t *list, const char *name)
{
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
        if (js_text(one, "basename") && !strcmp(js_text(one, "basename"), name))
            return true;
    return false;
}

static bool add_named(struct tool *t, json_t *file, json_t *list, const char *name, bool is_required, bool is_output,
                      struct err *err)
{
    AUTO(mem) char *path = cwl_path(file), *beside = NULL;
    const char *slash = path ? strrchr(path, '/') : NULL;
    json_t *found;

    if (strrchr(name, '/'))
        name = strrchr(name, '/') + 1;
    if (has_secondary(list, name))
        return true;
    beside = slash ? mem_printf("%.*s/%s", (int)(slash - path), path, name) : NULL;
    found = beside && *name ? cwl_file_new(beside, is_output && t->run->checksums) : NULL;
    if (found)
        json_array_append_new(list, found);
    return found || !is_required ||
           err_set(err, is_output ? ERR_CommandFailed : ERR_InvalidParameter, "the secondary file '%.100s' of '%.100s' is missing",
                   name, js_text(file, "basename"));
}

/* One beside it, by the name that the expression gives it. */
static bool add_renamed(struct tool *t, json_t *file, json_t *list, const json_t *made, bool is_required, bool is_output,
                        struct err *err)
{
    size_t before = json_array_size(list);
    json_t *name = json_object_get(made, "basename"), *added;

    if (!add_named(t, file, list, js_text(made, "path"), is_required, is_output, err))
        return false;
    added = json_array_get(list, before);
    if (added && json_is_string(name)) {
        json_object_set(added, "basename", name);
        cwl_file_complete(added);
    }
    return true;
}

static bool add_made(struct tool *t, json_t *file, json_t *list, const json_t *made, bool is_required,
                     bool is_output, struct err *err)
{
    const json_t *one;
    size_t i;

    if (json_is_string(made))
        return add_named(t, file, list, json_string_value(made), is_required, is_output, err);
    if (cwl_is_file(made)) {
        AUTO(json) json_t *copy = json_deep_copy(made);

        if (!js_text(copy, "location") && js_text(copy, "path"))
            return add_renamed(t, file, list, copy, is_required, is_output, err);
        cwl_file_complete(copy);
        if (!has_secondary(list, js_text(copy, "basename") ? js_text(copy, "basename") : ""))
            json_array_append(list, copy);
        return true;
    }
    json_array_foreach(made, i, one)
        if (!add_made(t, file, list, one, is_required, is_output, err))
            return false;
    return true;
}

static bool add_pattern(struct tool *t, const json_t *wanted, json_t *file, json_t *list, bool is_output,
                        struct err *err)
{
    const json_t *pattern = json_is_object(wanted) ? json_object_get(wanted, "pattern") : wanted;
    const json_t *required = json_is_object(wanted) ? json_object_get(wanted, "required") : NULL;
    const char *text = json_string_value(pattern);
    bool is_required = !is_output;
    AUTO(json) json_t *told = NULL, *made = NULL;
    struct cwl_scope scope = t->scope;

    scope.self = file;
    if (required && !json_is_null(required)) {
        if (!cwl_evaluate(&scope, required, &told, err))
            return false;
        is_required = json_is_true(told);
    }
    if (!text)
        return true;
    if (cwl_is_expression(pattern))
        return cwl_evaluate(&scope, pattern, &made, err) && add_made(t, file, list, made, is_required, is_output, err);
    size_t length = strlen(text);
    AUTO(mem) char *bare = mem_textn(text, length - (length && text[length - 1] == '?'));
    AUTO(mem) char *name = secondary_name(js_text(file, "basename"), bare);

    return add_named(t, file, list, name, is_required && strlen(bare) == length, is_output, err);
}

bool tool_add_secondary(struct tool *t, const json_t *patterns, json_t *file, bool is_output, struct err *err)
{
    json_t *list = json_object_get(file, "secondaryFiles");
    const json_t *one;
    size_t i;

    if (!list) {
        list = json_array();
        json_object_set_new(file, "secondaryFiles", list);
    }
    if (!json_is_array(patterns)) {
        if (!add_pattern(t, patterns, file, list, is_output, err))
            return false;
    } else {
        json_array_foreach(patterns, i, one)
            if (!add_pattern(t, one, file, list, is_output, err))
                return false;
    }
    if (json_array_size(list) == 0)
        json_object_del(file, "secondaryFiles");
    return true;
}
