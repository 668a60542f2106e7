/* Part 2: processes that users deploy, replace and undeploy, and how others find them. */
#include "api/common/build.h"
#include "api/ogc/html.h"
#include "api/ogc/package.h"
#include "store/deployed.h"
#include <string.h>

static const char *viewer_of(const struct request *rq)
{
    return rq->user ? rq->user->id : NULL;
}

static bool not_found(const char *name, struct err *err)
{
    return err_set(err, ERR_ProcessNotFound, "There is no process '%.60s'.", name);
}

/* ---- what is there ---- */

static void add_links(struct request *rq, json_t *body, const char *name)
{
    json_t *links = ogc_process_links(rq, name);

    link_add(links, "http://www.opengis.net/def/rel/ogc/1.0/package", href_of(rq, OGC_ROOT "/processes/%s/package", name), NULL,
             "What was deployed");
    json_object_set_new(body, "links", links);
}

bool ogc_deployed_describe(struct request *rq, const char *name, json_t **ret_body, struct err *err)
{
    struct deployed d;
    bool found;

    if (!deployed_load(rq->db, rq->arena, viewer_of(rq), name, false, &d, &found, err))
        return false;
    if (!found)
        return not_found(name, err);
    *ret_body = json_incref(d.description);
    json_object_set_new(*ret_body, "mutable", json_boolean(d.mutable_ && d.is_own));
    add_links(rq, *ret_body, name);
    deployed_done(&d);
    return true;
}

bool ogc_deployed_list(struct request *rq, const char *after, int64_t limit, json_t *list, struct err *err)
{
    AUTO(json) json_t *all = NULL;
    json_t *one;
    size_t i;

    if (!deployed_list(rq->db, viewer_of(rq), after, limit, &all, err))
        return false;
    json_array_foreach(all, i, one)
    {
        json_object_del(one, "inputs");
        json_object_del(one, "outputs");
        add_links(rq, one, json_string_value(json_object_get(one, "id")));
        json_array_append(list, one);
    }
    return true;
}

bool ogc_deployed_find(struct request *rq, const char *name, const struct ogc_process **ret_process,
                       json_t **ret_description, json_t **ret_unit, struct err *err)
{
    struct ogc_process *process = arena_alloc(rq->arena, sizeof *process);
    struct deployed d;
    bool found;

    if (!deployed_load(rq->db, rq->arena, viewer_of(rq), name, false, &d, &found, err))
        return false;
    if (!found)
        return not_found(name, err);
    process->id = arena_text(rq->arena, name);
    *ret_process = process;
    *ret_description = d.description;
    *ret_unit = d.unit;
    return true;
}

/* GET /ogc/processes/{processId}/package */
bool ogc_package_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *name = request_variable(rq, "processId");
    struct deployed d;
    char *bytes;
    bool found;

    if (!OGC_QUERY(rq, err))
        return false;
    if (ogc_process_find(name))
        return err_set(err, ERR_NotFound, "The process '%.60s' is built in and has no package.", name);
    if (!deployed_load(rq->db, rq->arena, viewer_of(rq), name, true, &d, &found, err))
        return false;
    if (!found)
        return not_found(name, err);
    bytes = d.package;
    d.package = NULL;
    deployed_done(&d);
    return reply_bytes(reply, 200, bytes, d.package_size, d.package_type);
}

/* ---- changes ---- */

static struct deployed_input input_of(const struct request *rq, const struct ogc_package *package)
{
    return (struct deployed_input){ .id = package->id, .mutable_ = package->mutable_, .shared = package->shared,
                                    .groups = package->groups, .description = package->description,
                                    .unit = package->unit, .package = rq->bytes, .package_size = rq->size,
                                    .package_type = package->type };
}

static bool may_deploy(const struct request *rq, struct err *err)
{
    return user_may(rq->user, KEY_PROCESS) ||
           err_set(err, ERR_PermissionsInsufficient, "This API key may not deploy processes: it lacks the scope 'process'");
}

static bool check_immutable(const char *id, struct err *err)
{
    return !ogc_process_find(id) || err_set(err, ERR_ImmutableProcess, "The process '%.60s' is built in.", id);
}

/* POST /ogc/processes */
bool ogc_processes_post(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(ogc_package) struct ogc_package package = { 0 };
    struct deployed_input in;
    json_t *body;

    if (!may_deploy(rq, err) || !OGC_QUERY(rq, err, "w", "visibility", "group") || !ogc_package_read(rq, NULL, &package, err))
        return false;
    in = input_of(rq, &package);
    if (!check_immutable(package.id, err) || !deployed_add(rq->db, rq->user->id, &in, rq->config->packages_user_processes, err))
        return false;
    body = json_copy(package.description);
    json_object_del(body, "inputs");
    json_object_del(body, "outputs");
    json_object_set_new(body, "mutable", json_boolean(package.mutable_));
    add_links(rq, body, package.id);
    reply_header(rq, reply, "Location", "%s", href_of(rq, OGC_ROOT "/processes/%s", package.id));
    return reply_json(reply, 201, body, NULL);
}

/* PUT /ogc/processes/{processId} */
bool ogc_process_put(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "processId");
    AUTO(ogc_package) struct ogc_package package = { 0 };
    struct deployed_input in;

    if (!may_deploy(rq, err) || !OGC_QUERY(rq, err, "w", "visibility", "group") || !check_immutable(id, err) || !ogc_package_read(rq, id, &package, err))
        return false;
    in = input_of(rq, &package);
    return deployed_replace(rq->db, rq->user->id, &in, rq->config->packages_user_processes, err) && reply_empty(reply, 204);
}

/* DELETE /ogc/processes/{processId} */
bool ogc_process_delete(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "processId");

    return may_deploy(rq, err) && OGC_QUERY(rq, err) && check_immutable(id, err) && deployed_remove(rq->db, rq->user->id, id, err) &&
           reply_empty(reply, 204);
}
