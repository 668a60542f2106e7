/* Users' processes. A body is kept as it was sent, with the id of its address; members that this
 * service does not know stay. Another body under the same id is its next version. What is stored reads as a process graph (nodes, references, one result,
 * no cycle); whether its processes are there and its arguments fit is asked when it is validated or
 * used, since that changes with time. */
#include "api/common/build.h"
#include "api/openeo/openeo.h"
#include "base/text.h"
#include "graph/graph.h"
#include "json/js.h"
#include "store/catalog.h"
#include "store/user_processes.h"
#include <string.h>

enum { MAX_ID = 200 };

static bool check_parameter(const json_t *parameters, size_t i, struct err *err)
{
    const json_t *one = json_array_get(parameters, i);
    const char *name = js_text(one, "name");

    if (!name)
        return err_set(err, ERR_ProcessInvalid,
                       "/parameters/%zu: expected an object with a 'name', found %s", i,
                       js_type_name(one));
    for (size_t k = 0; k < i; k++) {
        const char *other = js_text(json_array_get(parameters, k), "name");

        if (!strcmp(name, other))
            return err_set(err, ERR_ProcessInvalid,
                           "/parameters/%zu/name: '%.100s' is the name of an earlier parameter", i, name);
    }
    return true;
}

bool openeo_check_groups(const json_t *groups, struct err *err)
{
    const json_t *one;
    size_t i;

    if (groups && !json_is_null(groups) && !json_is_array(groups))
        return js_refuse(groups, "/" OPENEO_GROUPS, "an array of names of groups", err);
    json_array_foreach((json_t *)groups, i, one)
        if (!json_is_string(one))
            return js_refuse(one, "/" OPENEO_GROUPS, "names of groups", err);
    return true;
}

static bool check_metadata(const json_t *body, struct err *err)
{
    const json_t *parameters = json_object_get(body, "parameters");
    const json_t *shared = json_object_get(body, "public");

    if (shared && !json_is_boolean(shared) && !json_is_null(shared))
        return js_refuse(shared, "/public", "true or false", err);
    if (parameters && !json_is_null(parameters) && !json_is_array(parameters))
        return err_set(err, ERR_ProcessInvalid, "/parameters: expected an array, found %s",
                       js_type_name(parameters));
    if (json_array_size(parameters) > PROCESS_MAX_PARAMETERS)
        return err_set(err, ERR_ProcessInvalid, "/parameters: %zu, at most %d are possible",
                       json_array_size(parameters), PROCESS_MAX_PARAMETERS);
    for (size_t i = 0; i < json_array_size(parameters); i++)
        if (!check_parameter(parameters, i, err))
            return false;
    return openeo_check_groups(json_object_get(body, OPENEO_GROUPS), err);
}

/* Of all that validation says only what no later day can mend. */
static bool check_graph(struct request *rq, const char *id, const json_t *process, struct err *err)
{
    struct catalog_viewer viewer = { .db = rq->db, .user = rq->user->id, .draft_id = id,
                                     .draft = process };
    struct catalog catalog = catalog_store(&viewer);
    AUTO(json) json_t *errors = NULL;
    const json_t *one;
    size_t i;

    if (!dialect_find(rq->config->jobs_dialect, &catalog.dialect))
        catalog.dialect = DIALECT_OPENEO;
    if (!graph_validate(process, &catalog, &errors, err))
        return false;
    json_array_foreach(errors, i, one) {
        const char *code = js_text(one, "code");

        if (!strcmp(code, err_name(ERR_ProcessGraphInvalid)))
            return err_set(err, ERR_ProcessGraphInvalid, "%s",
                           js_text(one, "message"));
    }
    return true;
}

/* Clients that know nothing of versions get back what they sent: where these are is said in a header. */
static void link_versions(struct request *rq, struct reply *reply, const char *id)
{
    reply_header(rq, reply, "Link", "<%s>; rel=\"version-history\"",
                 openeo_href(rq, "/process_graphs/%.*s/versions", (int)strcspn(id, "@"), id));
}

/* PUT /process_graphs/{process_graph_id} */
bool openeo_process_graph_put(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "process_graph_id");
    AUTO(json) json_t *process = NULL;
    const json_t *groups;

    if (!text_is_plain_name(id, MAX_ID))
        return err_set(err, ERR_ProcessInvalid,
                       "The id of a process has letters, digits, underscores and hyphens, at most %d; "
                       "found '%.100s'", MAX_ID, id);
    if (!json_is_object(rq->body))
        return js_refuse(rq->body, "", "an object", err);
    process = json_copy(rq->body);
    json_object_set_new(process, "id", json_string(id));
    groups = json_object_get(process, OPENEO_GROUPS);
    if (!check_metadata(process, err) || !check_graph(rq, id, process, err) ||
        !user_process_put(rq->db, rq->user->id,
                          &(struct user_process_input){ .id = id, .process = process,
                                                        .shared = json_is_true(json_object_get(process, "public")),
                                                        .groups = json_is_array(groups) ? groups : NULL,
                                                        .most = rq->config->jobs_user_processes,
                                                        .versions = rq->config->jobs_process_versions },
                          err))
        return false;
    link_versions(rq, reply, id);
    return reply_empty(reply, 200);
}

/* GET /process_graphs/{process_graph_id}: "evi", or "evi@2" for one of its versions. */
bool openeo_process_graph_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "process_graph_id");
    json_t *process;
    int64_t version;

    if (!user_process_load(rq->db, rq->user->id, "user", id, &process, &version, err))
        return false;
    if (!process)
        return err_set(err, ERR_ProcessGraphNotFound, "You have no process '%.100s'.", id);
    link_versions(rq, reply, id);
    return reply_json(reply, 200, process, NULL);
}

/* GET /process_graphs/{process_graph_id}/versions */
bool openeo_process_versions_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "process_graph_id");
    struct user_process_version *versions;
    json_t *list, *links;
    size_t count;

    if (!user_process_versions(rq->db, rq->arena, rq->user->id, id, &versions, &count, err))
        return false;
    list = json_array();
    links = json_array();
    for (size_t i = 0; i < count; i++) {
        const char *name = arena_printf(rq->arena, "%s@%lld", id, (long long)versions[i].number);
        json_t *one = json_pack("{s:s, s:I}", "id", name, "version", (json_int_t)versions[i].number);

        put_instant(one, "created", versions[i].created);
        json_array_append_new(list, one);
        link_add(links, i ? "predecessor-version" : "latest-version",
                 openeo_href(rq, "/process_graphs/%s", name), "application/json", NULL);
    }
    link_add(links, "self", href_with(rq, "f", NULL), "application/json", NULL);
    return reply_json(reply, 200, json_pack("{s:o, s:o}", "versions", list, "links", links), NULL);
}

/* DELETE /process_graphs/{process_graph_id}: with all versions, or a former one alone. */
bool openeo_process_graph_delete(struct request *rq, struct reply *reply, struct err *err)
{
    if (!user_process_remove(rq->db, rq->user->id, request_variable(rq, "process_graph_id"), err))
        return false;
    return reply_empty(reply, 204);
}

/* Lists are kept small; a namespace that others read has the graphs, which is what makes them of use. */
static void shorten(json_t *process, bool keep_graph)
{
    static const char *const large[] = { "exceptions", "examples", "links" };

    if (!keep_graph)
        json_object_del(process, "process_graph");
    for (size_t i = 0; i < ARRAY_LEN(large); i++)
        json_object_del(process, large[i]);
}

static bool reply_list(struct request *rq, struct reply *reply, const char *space, struct err *err)
{
    const char *viewer = rq->user ? rq->user->id : NULL;
    json_t *list, *links;
    int64_t limit;
    size_t count;

    if (!request_query_integer(rq, "limit", 1, 10000, 10000, &limit, err) ||
        !user_process_list(rq->db, viewer, space, request_query(rq, "after"), limit + 1, &list, err))
        return false;
    links = json_array();
    link_add(links, "self", href_with(rq, "f", NULL), "application/json", NULL);
    count = json_array_size(list);
    if (count > (size_t)limit) {
        const json_t *last = json_array_get(list, (size_t)limit - 1);

        link_add(links, "next", href_with(rq, "after", js_text(last, "id")),
                 "application/json", NULL);
        json_array_remove(list, count - 1);
    }
    for (size_t i = 0; i < json_array_size(list); i++)
        shorten(json_array_get(list, i), *space == '@');
    return reply_json(reply, 200, json_pack("{s:o, s:o}", "processes", list, "links", links), NULL);
}

/* GET /process_graphs */
bool openeo_process_graphs_get(struct request *rq, struct reply *reply, struct err *err)
{
    return reply_list(rq, reply, "user", err);
}

/* GET /processes/{namespace}: "backend", "user", or "@name" for what a user shares. */
bool openeo_namespace_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *space = request_variable(rq, "namespace");

    if (!strcmp(space, "backend"))
        return openeo_processes_get(rq, reply, err);
    if (!strcmp(space, "user") && !rq->user)
        return err_set(err, ERR_AuthenticationRequired, "Log in to see your own processes.");
    if (strcmp(space, "user") && (space[0] != '@' || !space[1]))
        return err_set(err, ERR_NotFound,
                       "There is no namespace '%.100s'; there are 'backend', 'user', and '@' with the "
                       "name of a user.", space);
    return reply_list(rq, reply, space, err);
}
