/* How processes that users deployed are found. */
#include "api/common/build.h"
#include "api/ogc/ogc.h"
#include "json/js.h"
#include "store/deployed.h"

static const char *viewer_of(const struct request *rq)
{
    return rq->user ? rq->user->id : NULL;
}

static bool not_found(const char *name, struct err *err)
{
    return err_set(err, ERR_ProcessNotFound, "There is no process '%.60s'.", name);
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
    ogc_deployed_link(rq, *ret_body, name);
    deployed_done(&d);
    return true;
}

static bool load_description(struct request *rq, const char *viewer, const char *name, json_t **ret_description, struct err *err)
{
    const struct ogc_process *process = ogc_process_find(name);
    struct deployed d;
    bool found;

    *ret_description = process ? ogc_process_description(process) : NULL;
    if (process || !deployed_load(rq->db, rq->arena, viewer, name, false, &d, &found, err))
        return process != NULL;
    if (!found)
        return true;
    *ret_description = json_incref(d.description);
    deployed_done(&d);
    return true;
}

bool ogc_describe(struct request *rq, const char *name, json_t **ret_description, struct err *err)
{
    if (ogc_process_is_missing(name, err) || !load_description(rq, viewer_of(rq), name, ret_description, err))
        return false;
    return *ret_description || not_found(name, err);
}

bool ogc_describe_of(struct request *rq, const struct job *job, json_t **ret_description, struct err *err)
{
    const struct ogc_process *process = job->process_id ? ogc_process_find(job->process_id) : NULL;
    const char *owner;

    *ret_description = process ? ogc_process_description(process) : NULL;
    if (!job->process_id || process)
        return true;
    return job_owner(rq->db, rq->arena, job->id, &owner, err) && load_description(rq, owner, job->process_id, ret_description, err);
}

bool ogc_deployed_list(struct request *rq, const char *after, int64_t limit, json_t *list, struct err *err)
{
    AUTO(json) json_t *all = NULL;
    json_t *one;
    size_t i;

    if (!deployed_list(rq->db, viewer_of(rq), after, limit, &all, err))
        return false;
    json_array_foreach(all, i, one) {
        json_object_del(one, "inputs");
        json_object_del(one, "outputs");
        ogc_deployed_link(rq, one, js_text(one, "id"));
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
