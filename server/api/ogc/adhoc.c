/* A unit that is executed at once is read as one that is deployed; nothing of it is kept but the job. */
#include "api/ogc/adhoc.h"
#include "api/ogc/package.h"
#include "base/text.h"
#include "store/jobs.h"
#include <string.h>

json_t *ogc_graph_of(const json_t *body)
{
    static const char *const kept[] = { "process_graph", "parameters", "returns" };
    const json_t *process = json_object_get(body, "process");
    json_t *node, *made;
    const char *id;

    if (json_is_object(process))
        return json_incref((json_t *)process);
    if (json_object_get(body, "process_graph")) {
        made = json_object();
        for (size_t i = 0; i < ARRAY_LEN(kept); i++)
            if (json_object_get(body, kept[i]))
                json_object_set(made, kept[i], json_object_get(body, kept[i]));
        return made;
    }
    if (!json_object_size(body))
        return NULL;
    json_object_foreach((json_t *)body, id, node)
        if (!json_is_string(json_object_get(node, "process_id")))
            return NULL;
    return json_pack("{s:O}", "process_graph", body);
}

static const struct { const char *name, *unit, *expected; } kinds[] = {
    { JOB_GRAPH_ID, "process_graph", "a process graph" },
    { "CWL", "cwl", "CWL" },
};

const char *ogc_adhoc_name(struct request *rq, const char *uri)
{
    const char *id = ogc_own_id(rq, uri);

    for (size_t i = 0; id && i < ARRAY_LEN(kinds); i++)
        if (!strcmp(kinds[i].name, id))
            return kinds[i].name;
    return NULL;
}

json_t *ogc_adhoc_request(const json_t *body)
{
    return json_object_get(body, "executionUnit") ? json_copy((json_t *)body) : json_pack("{s:O}", "executionUnit", body);
}

static bool check_kind(const char *name, const json_t *unit, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (!strcmp(kinds[i].name, name) && !json_object_get(unit, kinds[i].unit))
            return err_set(err, ERR_BadRequest, "/executionUnit: '%s' runs %s, found %s", name, kinds[i].expected,
                           json_object_get(unit, "cwl") ? "CWL" : json_object_get(unit, "execute") ? "an execute request" : "a process graph");
    return true;
}

bool ogc_adhoc_call(struct request *rq, const char *name, json_t *request, struct ogc_called *ret, struct err *err)
{
    static const char *const read[] = { "executionUnit", "processDescription", "deploymentProfile" };
    const json_t *unit = json_object_get(request, "executionUnit");
    AUTO(json) json_t *graph = ogc_graph_of(unit);
    AUTO(ogc_package) struct ogc_package package = { .id = name };

    if (!ogc_package_of_unit(rq, graph ? graph : unit, request, &package, err) ||
        !check_kind(name, package.unit, err))
        return false;
    *ret = (struct ogc_called){ .id = name, .description = json_incref(package.description), .unit = json_incref(package.unit) };
    for (size_t i = 0; i < ARRAY_LEN(read); i++)
        json_object_del(request, read[i]);
    return true;
}
