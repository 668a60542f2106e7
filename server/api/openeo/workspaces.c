/* Workspaces (an extension of the API): places of the operator's that users export results to. They are made for
 * users; places of users' own are not registered. */
#include "api/common/build.h"
#include "api/openeo/openeo.h"
#include "base/text.h"
#include "jobs/workspace.h"
#include "raster/bucket.h"
#include "store/workspaces.h"
#include <string.h>

/* GET /workspace_providers */
bool openeo_workspace_providers_get(struct request *rq, struct reply *reply, struct err *err)
{
    const struct workspace_provider *p = NULL;
    json_t *list = json_object();

    (void)err;
    while ((p = workspace_provider_next(rq->config, p)))
        json_object_set_new(list, p->name, json_pack("{s:s, s:s, s:[s], s:{}}", "title", p->title, "description",
                                                     p->description, "intents", "create", "parameters"));
    return reply_json(reply, 200, json_pack("{s:o}", "providers", list), NULL);
}

struct workspace_body {
    const char *intent, *type, *title, *description;
    json_t *parameters, *groups;
};

static const struct js_field create_fields[] = {
    JS_STRING(struct workspace_body, intent),
    JS_STRING(struct workspace_body, type, .optional = true, .nullable = true),
    JS_STRING(struct workspace_body, title, .optional = true, .nullable = true, .max_len = 1000),
    JS_STRING(struct workspace_body, description, .optional = true, .nullable = true, .max_len = 100000),
    JS_OBJECT(struct workspace_body, parameters, .optional = true, .nullable = true),
    JS_END,
}, change_fields[] = {
    JS_STRING(struct workspace_body, title, .optional = true, .nullable = true, .max_len = 1000),
    JS_STRING(struct workspace_body, description, .optional = true, .nullable = true, .max_len = 100000),
    JS_END,
};

static bool check_wish(const struct workspace_body *in, struct err *err)
{
    if (strcmp(in->intent, "create"))
        return err_set(err, ERR_FeatureUnsupported, "/intent: found '%.60s', expected create: places of others cannot be "
                       "registered here.", in->intent);
    return json_object_size(in->parameters) == 0 ||
           err_set(err, ERR_BadRequest, "/parameters: the providers here have none");
}

/* POST /workspaces */
bool openeo_workspaces_post(struct request *rq, struct reply *reply, struct err *err)
{
    const json_t *groups = json_object_get(rq->body, OPENEO_GROUPS);
    const struct workspace_provider *provider;
    AUTO(mem) char *root = NULL;
    struct workspace_body in;
    char id[ID_UUID_SIZE];

    if (!js_read(rq->body, "", create_fields, JS_IGNORE_UNKNOWN, &in, err) || !check_wish(&in, err) ||
        !openeo_check_groups(groups, err))
        return false;
    provider = workspace_provider(rq->config, in.type);
    if (!provider)
        return err_set(err, ERR_BadRequest, "/type: there is no provider of workspaces%s%.60s", in.type ? " " : "",
                       in.type ? in.type : "");
    if (!workspace_insert(rq->db, rq->user->id,
                          &(struct workspace_input){ provider->name, in.title, in.description,
                                                     json_is_array(groups) ? groups : NULL },
                          rq->config->workspaces_user_workspaces, id, err))
        return false;
    root = workspace_root(rq->config, provider->name, id);
    if (!bucket_make(root, err))
        return false;
    reply_header(rq, reply, "Location", "%s", openeo_href(rq, "/workspaces/%s", id));
    reply_header(rq, reply, "OpenEO-Identifier", "%s", id);
    return reply_empty(reply, 201);
}

static json_t *workspace_json(struct request *rq, const struct workspace *w, bool whole)
{
    AUTO(mem) char *url = workspace_url(rq->config, w->provider, w->id);
    int64_t quota = rq->config->workspaces_quota, left = w->bytes < quota ? quota - w->bytes : 0;
    json_t *body = json_pack("{s:s, s:s, s:s, s:I}", "id", w->id, "type", w->provider, "status",
                             url ? "ready" : "unavailable", "quota", (json_int_t)quota);

    put_text(body, "title", w->title);
    put_text(body, "description", w->description);
    put_text(body, "details", url ? NULL : "Its provider is not configured any more.");
    if (url) {
        put_text(body, "url", url);
        json_object_set_new(body, "free", json_integer(left));
    }
    if (whole && w->is_own)
        json_object_set_new(body, OPENEO_GROUPS, json_loads(w->groups, 0, NULL));
    return body;
}

/* GET /workspaces */
bool openeo_workspaces_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct workspace *workspaces;
    json_t *list, *links;
    int64_t limit;
    size_t count;

    if (!request_query_integer(rq, "limit", 1, 10000, 10000, &limit, err))
        return false;
    workspaces = arena_array(rq->arena, (size_t)limit + 1, sizeof *workspaces);
    if (!workspace_list(rq->db, rq->arena, rq->user->id, request_query(rq, "after"), limit + 1, workspaces, &count, err))
        return false;
    list = json_array();
    links = json_array();
    for (size_t i = 0; i < count && i < (size_t)limit; i++)
        json_array_append_new(list, workspace_json(rq, &workspaces[i], false));
    link_add(links, "self", href_with(rq, "f", NULL), "application/json", NULL);
    if (count > (size_t)limit)
        link_add(links, "next", href_with(rq, "after", workspaces[limit - 1].id), "application/json", NULL);
    return reply_json(reply, 200, json_pack("{s:o, s:o}", "workspaces", list, "links", links), NULL);
}

/* GET /workspaces/{workspace_id} */
bool openeo_workspace_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct workspace w;

    if (!workspace_load(rq->db, rq->arena, rq->user->id, request_variable(rq, "workspace_id"), &w, err))
        return false;
    return reply_json(reply, 200, workspace_json(rq, &w, true), NULL);
}

/* PATCH /workspaces/{workspace_id} */
bool openeo_workspace_patch(struct request *rq, struct reply *reply, struct err *err)
{
    const json_t *groups = json_object_get(rq->body, OPENEO_GROUPS);
    struct workspace_body in;

    if (!js_read(rq->body, "", change_fields, JS_IGNORE_UNKNOWN, &in, err) || !openeo_check_groups(groups, err) ||
        !workspace_update(rq->db, rq->user->id, request_variable(rq, "workspace_id"),
                          &(struct workspace_input){ NULL, in.title, in.description,
                                                     json_is_array(groups) ? groups : NULL }, err))
        return false;
    return reply_empty(reply, 204);
}

/* DELETE /workspaces/{workspace_id}: with all that lies there. */
bool openeo_workspace_delete(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "workspace_id");
    AUTO(mem) char *root = NULL;
    struct workspace w;

    if (!workspace_load(rq->db, rq->arena, rq->user->id, id, &w, err))
        return false;
    root = w.is_own ? workspace_root(rq->config, w.provider, w.id) : NULL;
    if ((root && !bucket_remove(root, err)) || !workspace_delete(rq->db, rq->user->id, id, err))
        return false;
    return reply_empty(reply, 204);
}
