/* The list of processes and their descriptions: what is built in, then what users deployed. */
#include "api/common/build.h"
#include "api/ogc/html.h"
#include "json/js.h"
#include <string.h>

/* A summary is the description without inputs and outputs. */
static json_t *summary(struct request *rq, const struct ogc_process *process)
{
    json_t *body = json_copy(process->description);

    json_object_del(body, "inputs");
    json_object_del(body, "outputs");
    json_object_set_new(body, "mutable", json_false());
    json_object_set_new(body, "links", ogc_process_links(rq, process->id));
    return body;
}

static bool first_of_page(struct request *rq, size_t *ret_first, struct err *err)
{
    const char *after = request_query(rq, "after");
    const struct ogc_process *process;

    *ret_first = 0;
    if (!after)
        return true;
    for (size_t i = 0; (process = ogc_process_at(i)); i++) {
        *ret_first = i + 1;
        if (!strcmp(process->id, after))
            return true;
    }
    return !strncmp(after, "deployed:", strlen("deployed:")) ||
           err_set(err, ERR_InvalidParameter, "after: there is no process '%.60s'", after);
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
    last = room ? js_text(json_array_get(list, json_array_size(list) - 1), "id") : "";
    link_add(links, "next", href_with(rq, "after", arena_printf(rq->arena, "deployed:%s", last)), "application/json",
             "Next page");
    return true;
}

/* GET /ogc/processes */
bool ogc_processes_get(struct request *rq, struct reply *reply, struct err *err)
{
    const struct ogc_process *process;
    json_t *list, *links;
    int64_t limit;
    size_t i;

    if (!OGC_QUERY(rq, err, "limit", "after") || !request_query_integer(rq, "limit", 1, 10000, 100, &limit, err) ||
        !first_of_page(rq, &i, err))
        return false;
    list = json_array();
    links = json_array();
    for (; (process = ogc_process_at(i)) && (int64_t)json_array_size(list) < limit; i++)
        json_array_append_new(list, summary(rq, process));
    ogc_link_both(rq, links, href_with(rq, "f", NULL), "This document");
    AUTO(json) json_t *answer = json_pack("{s:o, s:o}", "processes", list, "links", links);

    if (!process && !list_deployed(rq, limit - (int64_t)json_array_size(list), list, links, err))
        return false;
    if (process)
        link_add(links, "next", href_with(rq, "after", ogc_process_at(i - 1)->id), "application/json", "Next page");
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
    body = json_copy(process->description);
    json_object_set_new(body, "mutable", json_false());
    json_object_set_new(body, "links", ogc_process_links(rq, process->id));
    return ogc_answer(rq, reply, 200, body, html_ogc_process, err);
}
