/* Part 2: processes that users deploy, replace and undeploy, and what they deployed. */
#include "api/common/build.h"
#include "api/ogc/adhoc.h"
#include "api/ogc/package.h"
#include "store/deployed.h"

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
    if (!deployed_load(rq->db, rq->arena, rq->user ? rq->user->id : NULL, name, true, &d, &found, err))
        return false;
    if (!found)
        return err_set(err, ERR_ProcessNotFound, "There is no process '%.60s'.", name);
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

static bool check_immutable(struct request *rq, const char *id, struct err *err)
{
    return (!ogc_process_find(id) && !ogc_adhoc_name(rq, id)) || err_set(err, ERR_ImmutableProcess, "The process '%.60s' is built in.", id);
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
    if (!check_immutable(rq, package.id, err) || !deployed_add(rq->db, rq->user->id, &in, rq->config->packages_user_processes, err))
        return false;
    body = json_copy(package.description);
    json_object_del(body, "inputs");
    json_object_del(body, "outputs");
    json_object_set_new(body, "mutable", json_boolean(package.mutable_));
    ogc_deployed_link(rq, body, package.id);
    reply_header(rq, reply, "Location", "%s", href_of(rq, OGC_ROOT "/processes/%s", package.id));
    return reply_json(reply, 201, body, NULL);
}

/* PUT /ogc/processes/{processId} */
bool ogc_process_put(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "processId");
    AUTO(ogc_package) struct ogc_package package = { 0 };
    struct deployed_input in;

    if (!may_deploy(rq, err) || !OGC_QUERY(rq, err, "w", "visibility", "group") || !check_immutable(rq, id, err) || !ogc_package_read(rq, id, &package, err))
        return false;
    in = input_of(rq, &package);
    return deployed_replace(rq->db, rq->user->id, &in, rq->config->packages_user_processes, err) && reply_empty(reply, 204);
}

/* DELETE /ogc/processes/{processId} */
bool ogc_process_delete(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "processId");

    return may_deploy(rq, err) && OGC_QUERY(rq, err) && check_immutable(rq, id, err) && deployed_remove(rq->db, rq->user->id, id, err) &&
           reply_empty(reply, 204);
}
