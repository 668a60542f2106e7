/* What is built in: the texts that processes/ogc/ has, read once, with the schemas of inputs compiled. From then on
 * nothing changes any more, so that all threads share it. */
#include "api/ogc/ogc.h"
#include "graph/formats.h"
#include "json/schema.h"
#include "raster/engine.h"
#include <pthread.h>
#include <string.h>
#include <uthash.h>

#define OGC_PROCESS(name, file)                                                                    \
    extern const char ogc_description_##name[], ogc_graph_##name[];
#include "processes/ogc/processes.def"
#undef OGC_PROCESS

static const struct { const char *id, *description, *graph; } texts[] = {
#define OGC_PROCESS(name, file) { #file, ogc_description_##name, ogc_graph_##name },
#include "processes/ogc/processes.def"
#undef OGC_PROCESS
};

static struct ogc_process processes[ARRAY_LEN(texts)];

/* By the address of its JSON. */
struct known_schema {
    const json_t *json;
    struct js_schema *compiled;
    UT_hash_handle hh;
};
static struct known_schema *schemas;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* What only some sites can offer comes last in the table; how many of it this one offers is found out before the first request. */
static size_t n_offered = ARRAY_LEN(texts);

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    if (!json)
        abort(); /* a file of processes/ogc/ is broken: the unit tests say where */
    return json;
}

/* Elements of a list whose file format (`member` NULL: that they name; else of that media type) needs a program that is not
 * here are taken out. */
static void drop_missing(json_t *list, const char *member, const json_t *missing)
{
    for (size_t i = json_array_size(list); i-- > 0;) {
        const json_t *one = json_array_get(list, i);
        const char *name = json_string_value(member ? json_object_get(one, member) : one);

        if (name && json_object_get(missing, name))
            json_array_remove(list, i);
    }
}

/* What is offered depends on what is installed beside the program. */
static void drop_missing_formats(json_t *description)
{
    json_t *formats = json_object_get(json_object_get(json_object_get(json_object_get(description, "inputs"), "format"), "schema"), "enum");
    AUTO(json) json_t *missing = json_object();
    json_t *one, *output;
    const char *id;
    size_t i;

    json_array_foreach(formats, i, one) {
        const char *name = json_string_value(one);

        if (format_find(name))
            continue;
        json_object_set_new(missing, name, json_true());
        json_object_set_new(missing, raster_media_type(name), json_true());
    }
    drop_missing(formats, NULL, missing);
    json_object_foreach(json_object_get(description, "outputs"), id, output)
        drop_missing(json_object_get(json_object_get(output, "schema"), "oneOf"), "contentMediaType", missing);
}

/* What is built in means predefined processes, whatever a user calls his own. */
static void name_spaces(json_t *json)
{
    const char *name;
    json_t *one;
    size_t i;

    json_array_foreach(json, i, one)
        name_spaces(one);
    json_object_foreach(json, name, one)
        name_spaces(one);
    if (json_is_string(json_object_get(json, "process_id")) && !json_object_get(json, "namespace"))
        json_object_set_new(json, "namespace", json_string("backend"));
}

static void compile(const json_t *schema)
{
    struct known_schema *one = mem_alloc(sizeof *one);
    const json_t *branch;
    size_t i;

    *one = (struct known_schema){ .json = schema, .compiled = js_schema_compile(schema) };
    HASH_ADD_PTR(schemas, json, one);
    json_array_foreach(json_object_get(schema, "oneOf"), i, branch) /* which a media type may choose */
        compile(branch);
}

static void read_all(void)
{
    const char *name;
    json_t *input;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        processes[i] = (struct ogc_process){ texts[i].id, parse(texts[i].description), parse(texts[i].graph) };
        drop_missing_formats(processes[i].description);
        name_spaces(json_object_get(processes[i].graph, "process_graph"));
        json_object_foreach(json_object_get(processes[i].description, "inputs"), name, input)
            compile(json_object_get(input, "schema"));
    }
}

void ogc_processes_configure(const struct config *config)
{
    n_offered = ARRAY_LEN(texts) - (*config->sar_dem ? 0 : 1);
}

bool ogc_process_is_missing(const char *id, struct err *err)
{
    for (size_t i = n_offered; i < ARRAY_LEN(texts); i++)
        if (!strcmp(texts[i].id, id))
            return !err_set(err, ERR_FeatureUnsupported,
                            "'%s' is not offered here: this site has no digital elevation model (sar.dem is not set)", id);
    return false;
}

const struct ogc_process *ogc_process_find(const char *id)
{
    pthread_once(&once, read_all);
    for (size_t i = 0; i < n_offered; i++)
        if (!strcmp(processes[i].id, id))
            return &processes[i];
    return NULL;
}

const struct ogc_process *ogc_process_at(size_t i)
{
    pthread_once(&once, read_all);
    return i < n_offered ? &processes[i] : NULL;
}

json_t *ogc_process_description(const struct ogc_process *process)
{
    return json_incref(process->description);
}

json_t *ogc_process_graph(const struct ogc_process *process)
{
    return json_incref(process->graph);
}

const struct js_schema *ogc_schema_find(const json_t *schema)
{
    struct known_schema *found;

    pthread_once(&once, read_all);
    HASH_FIND_PTR(schemas, &schema, found);
    return found ? found->compiled : NULL;
}
