/* The descriptions of predefined processes: texts that processes/descriptions.S puts into the
 * program, parsed once, each joined with the operation that does it. */
#include "graph/planner.h"
#include "json/js.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define PROCESS(id) extern const char process_json_##id[];
#include "graph/processes.def"
#undef PROCESS

static struct process processes[] = {
#define PROCESS(id_) { .id = #id_, .text = process_json_##id_ },
#include "graph/processes.def"
#undef PROCESS
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

bool schema_is_callback(const json_t *schema)
{
    const json_t *one;
    size_t i;

    if (json_is_array(schema)) {
        json_array_foreach(schema, i, one)
            if (schema_is_callback(one))
                return true;
        return false;
    }
    one = json_object_get(schema, "subtype");
    return json_is_string(one) && !strcmp(json_string_value(one), "process-graph");
}

bool process_has_parameter(const json_t *process, const char *name)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(process, "parameters"), i, one) {
        const char *its = js_text(one, "name");

        if (its && !strcmp(its, name))
            return true;
    }
    return false;
}

static const struct operation *operation_find(const char *id)
{
    static const struct operation *const tables[] = {
        scalar_operations, logic_operations, array_operations, arrange_operations, series_operations,
        text_operations,   date_operations,  cube_operations,    label_operations, trim_operations,
        shape_operations,  time_operations,  climate_operations, combine_operations, cloud_operations, radar_operations,
        around_operations, reduce_operations, mask_operations,  zone_operations,
        vector_operations, neighborhood_operations, curve_operations, rice_operations, point_operations, polygon_operations, udf_operations, io_operations,
    };

    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        for (const struct operation *o = tables[i]; o->id; o++)
            if (!strcmp(o->id, id))
                return o;
    return NULL;
}

/* A description that cannot be read, or that nothing does, is a fault of the build. */
static void join(struct process *process)
{
    struct err err = { 0 };
    json_t *description = NULL, *parameter;
    size_t i;

    process->operation = operation_find(process->id);
    if (!process->operation ||
        !js_parse(process->text, strlen(process->text), JS_DEFAULT_DEPTH, &description, &err)) {
        fprintf(stderr, "sentier: process %s: %s\n", process->id,
                process->operation ? err.message : "is described and not done");
        abort();
    }
    process->description = description; /* kept until the program ends */
    json_array_foreach(json_object_get(description, "parameters"), i, parameter) {
        struct parameter *p = &process->parameters[process->n_parameters++];

        p->name = js_text(parameter, "name");
        p->schema = json_object_get(parameter, "schema");
        p->fallback = json_object_get(parameter, "default");
        p->optional = json_is_true(json_object_get(parameter, "optional"));
        p->is_callback = schema_is_callback(p->schema);
    }
}

static void join_all(void)
{
    for (size_t i = 0; i < ARRAY_LEN(processes); i++)
        join(&processes[i]);
}

static int compare_id(const void *id, const void *process)
{
    return strcmp(id, ((const struct process *)process)->id);
}

const struct process *process_find(const char *id)
{
    pthread_once(&once, join_all);
    return bsearch(id, processes, ARRAY_LEN(processes), sizeof *processes, compare_id);
}

const char *process_near(const char *id)
{
    for (size_t i = 0; i < ARRAY_LEN(processes); i++)
        if (strlen(id) > 4 && text_is_near(id, processes[i].id))
            return processes[i].id;
    return NULL;
}

size_t process_count(void)
{
    return ARRAY_LEN(processes);
}

const char *process_id(size_t i)
{
    return processes[i].id;
}

const char *process_text(size_t i)
{
    return processes[i].text;
}

const char *process_text_of(const char *id)
{
    const struct process *process =
        bsearch(id, processes, ARRAY_LEN(processes), sizeof *processes, compare_id);

    return process ? process->text : NULL;
}
