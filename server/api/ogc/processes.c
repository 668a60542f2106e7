/* The list of processes and their descriptions. */
#include "api/common/build.h"
#include "api/ogc/html.h"
#include "graph/formats.h"
#include "raster/engine.h"
#include <string.h>

#define OGC_PROCESS(name, file)                                                                    \
    extern const char ogc_description_##name[], ogc_graph_##name[];
#include "processes/ogc/processes.def"
#undef OGC_PROCESS

static const struct ogc_process processes[] = {
#define OGC_PROCESS(name, file) { #file, ogc_description_##name, ogc_graph_##name },
#include "processes/ogc/processes.def"
#undef OGC_PROCESS
};

/* What only some sites can offer comes last in the table; how many of it this one offers is found out before the first request. */
static size_t n_offered = ARRAY_LEN(processes);

void ogc_processes_configure(const struct config *config)
{
    n_offered = ARRAY_LEN(processes) - (*config->sar_dem ? 0 : 1);
}

bool ogc_process_is_missing(const char *id, struct err *err)
{
    for (size_t i = n_offered; i < ARRAY_LEN(processes); i++)
        if (!strcmp(processes[i].id, id))
            return !err_set(err, ERR_FeatureUnsupported,
                            "'%s' is not offered here: this site has no digital elevation model (sar.dem is not set)", id);
    return false;
}

const struct ogc_process *ogc_process_find(const char *id)
{
    for (size_t i = 0; i < n_offered; i++)
        if (!strcmp(processes[i].id, id))
            return &processes[i];
    return NULL;
}

const struct ogc_process *ogc_process_at(size_t i)
{
    return i < n_offered ? &processes[i] : NULL;
}

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

json_t *ogc_process_description(const struct ogc_process *process)
{
    json_t *description = parse(process->description);

    drop_missing_formats(description);
    return description;
}

json_t *ogc_process_graph(const struct ogc_process *process)
{
    return parse(process->graph);
}

json_t *ogc_process_links(struct request *rq, const char *id)
{
    json_t *links = json_array();

    ogc_link_both(rq, links, href_of(rq, OGC_ROOT "/processes/%s", id), "Description of the process");
    link_add(links, OGC_REL "execute", href_of(rq, OGC_ROOT "/processes/%s/execution", id),
             "application/json", "Run the process");
    link_add(links, "profile", "http://www.opengis.net/def/profile/OGC/0/ogc-process-description", NULL,
             "Profile of the description");
    return links;
}

/* A summary is the description without inputs and outputs. */
static json_t *summary(struct request *rq, const struct ogc_process *process)
{
    json_t *body = ogc_process_description(process);

    json_object_del(body, "inputs");
    json_object_del(body, "outputs");
    json_object_set_new(body, "mutable", json_false());
    json_object_set_new(body, "links", ogc_process_links(rq, process->id));
    return body;
}

static bool first_of_page(struct request *rq, size_t *ret_first, struct err *err)
{
    const char *after = request_query(rq, "after");
    const struct ogc_process *last;

    *ret_first = 0;
    if (!after)
        return true;
    last = ogc_process_find(after);
    if (!last && strncmp(after, "deployed:", strlen("deployed:")))
        return err_set(err, ERR_InvalidParameter, "after: there is no process '%.60s'", after);
    *ret_first = last ? (size_t)(last - processes) + 1 : n_offered;
    return true;
}

/* What users deployed comes after what is built in. */
static bool list_deployed(struct request *rq, int64_t room, json_t *list, json_t *links, struct err *err)
{
    const char *after = request_query(rq, "after"), *last;
    size_t before = json_array_size(list);

    after = after && !strncmp(after, "deployed:", strlen("deployed:")) ? after + strlen("deployed:") : NULL;
    if (!ogc_deployed_list(rq, after, room + 1, list, err))
        return false;
    if ((int64_t)(json_array_size(list) - before) <= room)
        return true;
    json_array_remove(list, json_array_size(list) - 1);
    last = room ? json_string_value(json_object_get(json_array_get(list, json_array_size(list) - 1), "id")) : "";
    link_add(links, "next", href_with(rq, "after", arena_printf(rq->arena, "deployed:%s", last)), "application/json",
             "Next page");
    return true;
}

/* GET /ogc/processes */
bool ogc_processes_get(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *list, *links;
    size_t first, end;
    int64_t limit;

    if (!OGC_QUERY(rq, err, "limit", "after") || !request_query_integer(rq, "limit", 1, 10000, 100, &limit, err) ||
        !first_of_page(rq, &first, err))
        return false;
    end = first + (size_t)limit < n_offered ? first + (size_t)limit
                                                       : n_offered;
    list = json_array();
    links = json_array();
    for (size_t i = first; i < end; i++)
        json_array_append_new(list, summary(rq, &processes[i]));
    ogc_link_both(rq, links, href_with(rq, "f", NULL), "This document");
    AUTO(json) json_t *answer = json_pack("{s:o, s:o}", "processes", list, "links", links);

    if (end == n_offered && !list_deployed(rq, limit - (int64_t)(end - first), list, links, err))
        return false;
    if (end < n_offered)
        link_add(links, "next", href_with(rq, "after", processes[end - 1].id), "application/json",
                 "Next page");
    return ogc_answer(rq, reply, 200, json_incref(answer), html_ogc_processes, err);
}

/* GET /ogc/processes/{processId} */
bool ogc_process_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "processId");
    const struct ogc_process *process = ogc_process_find(id);
    json_t *body;

    if (!OGC_QUERY(rq, err))
        return false;
    if (!process) {
        if (ogc_process_is_missing(id, err) || !ogc_deployed_describe(rq, id, &body, err))
            return false;
        return ogc_answer(rq, reply, 200, body, html_ogc_process, err);
    }
    body = ogc_process_description(process);
    json_object_set_new(body, "mutable", json_false());
    json_object_set_new(body, "links", ogc_process_links(rq, process->id));
    return ogc_answer(rq, reply, 200, body, html_ogc_process, err);
}
