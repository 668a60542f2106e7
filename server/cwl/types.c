/* Types and the values that fit them; inputs with their defaults; what processes require. */
#include "base/text.h"
#include "cwl/cwl.h"
#include "json/js.h"
#include "sandbox/container.h"
#include <math.h>
#include <string.h>

/* ---- types ---- */

static bool is_class(const json_t *value, const char *name)
{
    const char *class_name = js_text(value, "class");

    return class_name && !strcmp(class_name, name);
}

static bool is_whole(const json_t *value, double most)
{
    double number = json_number_value(value);

    return json_is_number(value) && floor(number) == number && fabs(number) <= most;
}

static bool fits_word(const char *word, const json_t *value)
{
    if (!strcmp(word, "null"))
        return json_is_null(value);
    if (!strcmp(word, "boolean"))
        return json_is_boolean(value);
    if (!strcmp(word, "int"))
        return is_whole(value, 2147483648.0);
    if (!strcmp(word, "long"))
        return is_whole(value, 9.3e18);
    if (!strcmp(word, "float") || !strcmp(word, "double"))
        return json_is_number(value);
    if (!strcmp(word, "string"))
        return json_is_string(value);
    if (!strcmp(word, "Any"))
        return value && !json_is_null(value);
    if (!strcmp(word, "Directory"))
        return is_class(value, "Directory");
    return is_class(value, "File"); /* File, stdin, stdout, stderr */
}

static bool fits_enum(const json_t *type, const json_t *value)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(type, "symbols"), i, one)
        if (json_equal((json_t *)one, (json_t *)value))
            return true;
    return false;
}

bool cwl_fits(const json_t *type, const json_t *value)
{
    const char *kind = js_text(type, "type");
    const json_t *one;
    size_t i;

    if (json_is_string(type))
        return fits_word(json_string_value(type), value);
    json_array_foreach(type, i, one)
        if (cwl_fits(one, value))
            return true;
    if (!kind)
        return false;
    if (!strcmp(kind, "enum"))
        return fits_enum(type, value);
    if (!strcmp(kind, "record")) {
        if (!json_is_object(value))
            return false;
        json_array_foreach(json_object_get(type, "fields"), i, one)
        {
            const json_t *field = json_object_get(value, js_text(one, "name"));

            if (!cwl_fits(json_object_get(one, "type"), field ? field : json_null()))
                return false;
        }
        return true;
    }
    if (!json_is_array(value))
        return false;
    json_array_foreach(value, i, one)
        if (!cwl_fits(json_object_get(type, "items"), one))
            return false;
    return true;
}

static void write_type(const json_t *type, struct text *text)
{
    const char *kind = js_text(type, "type");
    const json_t *one;
    size_t i;

    if (json_is_string(type))
        text_add(text, json_string_value(type));
    json_array_foreach(type, i, one)
    {
        text_add(text, i ? " or " : "");
        write_type(one, text);
    }
    if (kind && !strcmp(kind, "array")) {
        text_add(text, "an array of ");
        write_type(json_object_get(type, "items"), text);
    } else if (kind && !strcmp(kind, "enum")) {
        text_add(text, "one of");
        json_array_foreach(json_object_get(type, "symbols"), i, one)
            text_printf(text, " '%s'", json_string_value(one));
    } else if (kind) {
        text_printf(text, "a %s", kind);
    }
}

char *cwl_type_text(const json_t *type)
{
    struct text text = { 0 };

    write_type(type, &text);
    return text_take(&text);
}

/* ---- inputs ---- */

static bool expand_format(void *context, json_t *file, struct err *err)
{
    (void)err;
    cwl_format_expand(file, context);
    return true;
}

bool cwl_inputs(const json_t *process, const json_t *given, json_t **ret_inputs, struct err *err)
{
    AUTO(json) json_t *inputs = json_object();
    bool is_workflow = is_class(process, "Workflow");
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(process, "inputs"), i, one)
    {
        const char *id = js_text(one, "id");
        const json_t *type = json_object_get(one, "type"), *value = json_object_get(given, id);
        bool is_absent = !value || json_is_null(value);

        if (is_absent && json_object_get(one, "default"))
            value = json_object_get(one, "default");
        if (!value)
            value = json_null();
        if (!cwl_fits(type, value)) {
            AUTO(mem) char *expected = cwl_type_text(type);

            return err_set(err, ERR_InvalidParameter, "/inputs/%.100s: expected %.300s, found %s", id, expected,
                           is_absent ? "nothing" : js_type_name(value));
        }
        json_object_set_new(inputs, id, json_deep_copy(value));
        if (!cwl_files_each(json_object_get(inputs, id), expand_format, json_object_get(process, "$namespaces"), err))
            return false;
        if (is_workflow && (json_is_true(json_object_get(one, "loadContents")) ||
                            json_is_true(json_object_get(json_object_get(one, "inputBinding"), "loadContents"))) &&
            is_class(value, "File") && !cwl_load_contents(json_object_get(inputs, id), err))
            return false;
    }
    json_object_del(inputs, "cwl:requirements");
    *ret_inputs = json_incref(inputs);
    return true;
}

/* ---- requirements ---- */

static const json_t *find_class(const json_t *list, const char *class_name)
{
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
        if (is_class(one, class_name))
            return one;
    return NULL;
}

const json_t *cwl_requirement(const json_t *process, const char *class_name, bool *ret_is_hint)
{
    const json_t *found = find_class(json_object_get(process, "requirements"), class_name);

    if (ret_is_hint)
        *ret_is_hint = !found;
    return found ? found : find_class(json_object_get(process, "hints"), class_name);
}

static bool check_known(const json_t *process, struct err *err)
{
    static const char *const known[] = {
        "InlineJavascriptRequirement", "SchemaDefRequirement", "LoadListingRequirement", "DockerRequirement",
        "SoftwareRequirement", "InitialWorkDirRequirement", "EnvVarRequirement", "ShellCommandRequirement",
        "ResourceRequirement", "WorkReuse", "NetworkAccess", "InplaceUpdateRequirement", "ToolTimeLimit",
        "SubworkflowFeatureRequirement", "ScatterFeatureRequirement", "MultipleInputFeatureRequirement",
        "StepInputExpressionRequirement",
    };
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(process, "requirements"), i, one)
    {
        const char *class_name = js_text(one, "class");
        size_t k = 0;

        while (k < ARRAY_LEN(known) && (!class_name || strcmp(known[k], class_name)))
            k++;
        if (k == ARRAY_LEN(known) || !strcmp(class_name, "InplaceUpdateRequirement"))
            return err_set(err, ERR_FeatureUnsupported, "/requirements/%zu: '%.100s' is not offered here", i,
                           class_name ? class_name : "");
    }
    return true;
}

static bool check_resources(const json_t *process, const struct cwl_site *site, struct err *err)
{
    const json_t *wanted = cwl_requirement(process, "ResourceRequirement", NULL);
    double cores = json_number_value(json_object_get(wanted, "coresMin"));
    double memory = json_number_value(json_object_get(wanted, "ramMin")) * (1 << 20);

    if (cores > (double)site->cores)
        return err_set(err, ERR_FeatureUnsupported, "ResourceRequirement: %g cores are wanted; a task here has %lld",
                       cores, (long long)site->cores);
    return memory <= (double)site->memory_bytes ||
           err_set(err, ERR_FeatureUnsupported, "ResourceRequirement: %g MiB of memory are wanted; a task here has %lld",
                   memory / (1 << 20), (long long)(site->memory_bytes >> 20));
}

static bool read_image(const json_t *wanted, const struct cwl_site *site, char **ret_image, struct err *err)
{
    static const char *const ways[] = { "dockerFile", "dockerImport", "dockerLoad", "dockerOutputDirectory" };
    const char *pull = js_text(wanted, "dockerPull");

    for (size_t i = 0; i < ARRAY_LEN(ways); i++)
        if (json_object_get(wanted, ways[i]))
            return err_set(err, ERR_FeatureUnsupported, "DockerRequirement: %s is not offered here: name an image by dockerPull", ways[i]);
    return pull ? container_reference(pull, site->registries, ret_image, err)
                : err_set(err, ERR_BadRequest, "DockerRequirement: dockerPull: expected a text, found %s",
                          js_type_name(json_object_get(wanted, "dockerPull")));
}

bool cwl_image(const json_t *process, const struct cwl_site *site, char **ret_image, struct err *err)
{
    bool is_hint;
    const json_t *wanted = cwl_requirement(process, "DockerRequirement", &is_hint);

    *ret_image = NULL;
    if (!wanted || (is_hint && !site->container))
        return true;
    if (!site->container)
        return err_set(err, ERR_FeatureUnsupported,
                       "DockerRequirement: this site runs no containers (neither apptainer nor podman is set up); a tool whose "
                       "commands are installed here can name the image as a hint");
    if (read_image(wanted, site, ret_image, err))
        return true;
    if (is_hint)
        err_clear(err);
    return is_hint;
}

bool cwl_check_site(const json_t *document, const struct cwl_site *site, struct err *err)
{
    const char *id;
    json_t *process;

    json_object_foreach(json_object_get(document, "graph"), id, process)
    {
        const json_t *network = cwl_requirement(process, "NetworkAccess", NULL);
        AUTO(mem) char *image = NULL;

        if (!check_known(process, err) || !check_resources(process, site, err) || !cwl_image(process, site, &image, err))
            return err_prefix(err, "%s", id);
        if (network && !json_is_false(json_object_get(network, "networkAccess")) && !site->network)
            return err_set(err, ERR_FeatureUnsupported, "%s: NetworkAccess: this site gives packages no network", id);
    }
    return true;
}
