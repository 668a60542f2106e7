/* From an execute request to a collection. A process graph that makes a raster is computed when and where the collection is
 * asked for; all else (workflows, commands, other servers, features) is a job that is run once. The same request is the same
 * collection. */
#include "api/common/build.h"
#include "api/common/run.h"
#include "api/ogc/adhoc.h"
#include "api/ogc/collections.h"
#include "base/text.h"
#include "json/js.h"
#include <string.h>

/* Is it computed where it is asked for? *ret_lazy false: it becomes a job. */
static bool is_lazy(struct request *rq, const struct ogc_execution *x, const char *output, bool *ret_lazy, struct err *err)
{
    const struct ogc_collection c = { .row.output = output, .graph = x->graph, .arguments = x->arguments };
    struct ogc_coverage coverage;

    *ret_lazy = false;
    if (!json_object_get(x->graph, "process_graph"))
        return true;
    *ret_lazy = ogc_collection_survey(rq, &c, &coverage, err);
    if (*ret_lazy || (err->code != ERR_EstimateComplexity && err->code != ERR_FormatUnsuitable))
        return *ret_lazy;
    err_clear(err); /* no raster, or nobody knows before it is run */
    return true;
}

static const char *title_of(struct request *rq, const struct ogc_execution *x, const char *output)
{
    const json_t *described = json_object_get(json_object_get(x->description, "outputs"), output);
    const char *process = js_text(x->description, "title");
    const char *title = js_text(described, "title");

    return arena_printf(rq->arena, "%.200s: %.200s", process ? process : x->process->id, title ? title : output);
}

static bool store(struct request *rq, const struct ogc_execution *x, const char *output, const char *request,
                  char ret_id[static ID_UUID_SIZE], struct err *err)
{
    struct virtual_collection_input in = { .owner = rq->user->id, .request = request, .title = title_of(rq, x, output),
                                           .process_id = x->process->id, .output = output };
    AUTO(job_value) struct job job = { 0 };
    bool lazy;

    if (!is_lazy(rq, x, output, &lazy, err))
        return false;
    if (lazy) {
        in.process = x->graph;
        in.arguments = x->arguments;
    } else {
        if (!ogc_execution_queue(rq, x, &job, err))
            return false;
        in.job = job.id;
    }
    return virtual_collection_insert(rq->db, &in, rq->config->workflows_collections, ret_id, err);
}

/* The collection of one output of the request. */
static bool make(struct request *rq, const json_t *body, const char *output, char ret_id[static ID_UUID_SIZE], struct err *err)
{
    const char *process = request_variable(rq, "processId");
    const json_t *wish = json_object_get(json_object_get(body, "outputs"), output);
    AUTO(json) json_t *one = json_copy((json_t *)body), *nothing = json_object();
    AUTO(json) json_t *key = json_pack("{s:s, s:O}", "process", process, "request", one);
    AUTO(ogc_execution) struct ogc_execution x = { 0 };
    AUTO(mem) char *text = NULL;

    json_object_set_new(one, "outputs", json_pack("{s:O}", output, wish ? wish : nothing));
    text = json_dumps(key, JSON_COMPACT | JSON_SORT_KEYS);
    return ogc_execution_read(rq, process, one, &x, err) && virtual_collection_find(rq->db, rq->user->id, text, ret_id, err) &&
           (*ret_id || store(rq, &x, output, text, ret_id, err));
}

/* Which outputs are meant: {id: ...}, owned by the caller. `all`: without a choice every one. */
static bool choose(struct request *rq, const json_t *body, bool all, json_t **ret_outputs, struct err *err)
{
    AUTO(ogc_execution) struct ogc_execution x = { 0 };
    const json_t *outputs;

    if (!ogc_execution_read(rq, request_variable(rq, "processId"), body, &x, err))
        return false;
    outputs = json_object_get(x.request, "outputs");
    if (json_object_size(outputs) == 0)
        return err_set(err, ERR_InvalidParameter, "/outputs: a collection is made of an output; none is asked for");
    if (!all && json_object_size(outputs) > 1 && !json_object_get(body, "outputs"))
        return err_set(err, ERR_InvalidParameter, "/outputs: the process has %zu outputs: say which one the collection is made of",
                       json_object_size(outputs));
    *ret_outputs = json_incref((json_t *)outputs);
    return true;
}

/* The collections of the outputs: {output: id}, owned by the caller. */
static bool make_each(struct request *rq, const json_t *body, const json_t *outputs, json_t **ret_ids, struct err *err)
{
    AUTO(json) json_t *ids = json_object();
    char id[ID_UUID_SIZE];
    const char *output;
    json_t *wish;

    json_object_foreach((json_t *)outputs, output, wish) {
        if (!make(rq, body, output, id, err))
            return false;
        json_object_set_new(ids, output, json_string(id));
    }
    *ret_ids = json_incref(ids);
    return true;
}

static bool reply_collections(struct request *rq, struct reply *reply, const json_t *ids)
{
    json_t *document = json_object(), *id;
    const char *output, *href = NULL;

    json_object_foreach((json_t *)ids, output, id) {
        href = href_of(rq, OGC_ROOT "/collections/%s", json_string_value(id));
        json_object_set_new(document, output, json_pack("{s:s, s:s, s:s}", "href", href, "type", "application/json", "rel", "collection"));
    }
    if (json_object_size(ids) > 1)
        return reply_json(reply, 200, document, NULL);
    reply_header(rq, reply, "Location", "%s", href);
    return reply_json(reply, 303, document, NULL);
}

static bool reply_dataset(struct request *rq, struct reply *reply, const json_t *ids)
{
    const char *list = "", *output;
    json_t *id;

    json_object_foreach((json_t *)ids, output, id)
        list = arena_printf(rq->arena, "%s%s%s", list, *list ? "," : "", json_string_value(id));
    reply_header(rq, reply, "Location", "%s", href_of(rq, OGC_ROOT "/datasets/%s", list));
    return reply_json(reply, 303, json_copy((json_t *)ids), NULL);
}

bool ogc_collection_make(struct request *rq, struct reply *reply, const json_t *body, bool dataset, struct err *err)
{
    AUTO(json) json_t *outputs = NULL, *request = NULL, *ids = NULL;

    if (ogc_adhoc_name(rq, request_variable(rq, "processId")) && json_is_object(body))
        body = request = ogc_adhoc_request(body); /* its outputs can be chosen */
    if (!choose(rq, body, dataset, &outputs, err) || !make_each(rq, body, outputs, &ids, err))
        return false;
    return dataset ? reply_dataset(rq, reply, ids) : reply_collections(rq, reply, ids);
}
