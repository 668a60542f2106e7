/* One address for all operations. What a client can mend is answered with an exception report that
 * names the place; what it cannot is left to http/, which has a report for this face, too. */
#include "api/wps/wps.h"
#include "api/common/run.h"
#include <stdio.h>
#include <string.h>

static const struct {
    const char *code;
    int status;
} statuses[] = {{"OperationNotSupported", 501}};

/* "/inputs/NAME/...: what is wrong": the name, in the arena; NULL when the message says no place.
 */
static const char *locator_of(struct request *rq, const char *message)
{
    static const char *const parts[] = {"/inputs/", "/outputs/"};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t skip = strlen(parts[i]);

        if (!strncmp(message, parts[i], skip))
            return arena_printf(rq->arena, "%.*s", (int)strcspn(message + skip, "/: "),
                                message + skip);
    }
    return NULL;
}

/* Errors of the server, of log-ins and of limits have statuses that mean something to HTTP. */
static bool is_for_client(const struct err *err)
{
    int status = err_status(err->code);

    return (status == 400 || status == 404 || status == 422) &&
           err->code != ERR_AuthenticationRequired;
}

static bool refuse(struct request *rq, struct reply *reply, enum ows_version version,
                   struct wps_problem *problem, struct err *err)
{
    AUTO(mem) char *report = NULL;
    struct text xml = {0};
    int status = 400;

    if (!problem->code && !is_for_client(err))
        return false;
    if (!problem->code)
        *problem = (struct wps_problem){ows_code(err->code), locator_of(rq, err->message)};
    report = ows_report(version, problem->code, problem->locator, err->message);
    text_repair_utf8(report);
    err_clear(err);
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        if (!strcmp(problem->code, statuses[i].code))
            status = statuses[i].status;
    text_add(&xml, report);
    wps_send(reply, &xml);
    reply->status = status;
    return true;
}

/* ---- operations on jobs ---- */

static bool find_job(struct request *rq, const char *id, struct job *ret_job,
                     struct wps_problem *problem, struct err *err)
{
    struct err why = {0};

    if (!rq->user)
        return err_set(err, ERR_AuthenticationRequired, "Log in to see your jobs");
    if (id_is_uuid(id) && job_load(rq->db, rq->arena, rq->user->id, id, ret_job, &why))
        return true;
    if (why.code && why.code != ERR_JobNotFound)
        return err_set(err, why.code, "%s", why.message);
    return wps_refuse(problem, "NoSuchJob", "jobid", err, "There is no job '%.60s'", id);
}

static bool dismiss(struct request *rq, struct reply *reply, struct job *job, struct err *err)
{
    bool active = job->state == JOB_QUEUED || job->state == JOB_RUNNING;

    if (!user_may(rq->user, KEY_PROCESS))
        return err_set(err, ERR_PermissionsInsufficient, "This API key may not dismiss jobs: it lacks the scope 'process'");
    if (active ? !job_cancel(rq->db, rq->user->id, job->id, err)
               : !job_delete(rq->db, rq->user->id, job->id, err))
        return false;
    job->state = JOB_CANCELED;
    return wps_reply_status(reply, job);
}

static bool answer_job(struct request *rq, struct reply *reply, const struct wps_request *wps,
                       struct wps_problem *problem, struct err *err)
{
    AUTO(job_value) struct job job = {0};

    if (!find_job(rq, wps->job, &job, problem, err))
        return false;
    if (wps->operation == WPS_STATUS)
        return wps_reply_status(reply, &job);
    return wps->operation == WPS_RESULT ? wps_reply_result(rq, reply, &job, problem, err)
                                        : dismiss(rq, reply, &job, err);
}

/* ---- requests ---- */

static bool answer(struct request *rq, struct reply *reply, const struct wps_request *wps,
                   struct wps_problem *problem, struct err *err)
{
    switch (wps->operation) {
    case WPS_CAPABILITIES:
        return wps_reply_capabilities(rq, reply, wps, err);
    case WPS_DESCRIBE:
        return wps_reply_descriptions(rq, reply, wps, problem, err);
    case WPS_EXECUTE:
        return wps_execute(rq, reply, wps, problem, err);
    case WPS_STATUS:
    case WPS_RESULT:
    case WPS_DISMISS:
        break;
    }
    return answer_job(rq, reply, wps, problem, err);
}

bool wps_read_query(struct request *rq, struct wps_request *wps, struct wps_problem *problem,
                    struct err *err)
{
    struct wps_pair pairs[WPS_MAX_PARTS];
    size_t count = 0;

    while (count < WPS_MAX_PARTS &&
           request_query_at(rq, count, &pairs[count].key, &pairs[count].value))
        count++;
    return wps_read_pairs(pairs, count, rq->arena, wps, problem, err);
}

static bool handle(struct request *rq, struct reply *reply, struct err *err)
{
    struct wps_request *wps = arena_alloc(rq->arena, sizeof *wps);
    struct wps_problem problem = {0};

    if (rq->state)
        return wps_execute_again(rq, reply, err);
    return ((rq->method == POST
                 ? wps_read_xml((const char *)rq->bytes, rq->size, rq->arena, wps, &problem, err)
                 : wps_read_query(rq, wps, &problem, err)) &&
            answer(rq, reply, wps, &problem, err)) ||
           refuse(rq, reply, wps->version, &problem, err);
}

bool wps_get(struct request *rq, struct reply *reply, struct err *err)
{
    return handle(rq, reply, err);
}

bool wps_post(struct request *rq, struct reply *reply, struct err *err)
{
    return handle(rq, reply, err);
}

/* GET /wps/status/{jobId}.xml: what statusLocation names. */
bool wps_status_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *file = request_variable(rq, "file");
    AUTO(job_value) struct job job = {0};
    char id[ID_UUID_SIZE];

    snprintf(id, sizeof id, "%.36s", file);
    if (!id_is_uuid(id) || strcmp(file + 36, ".xml"))
        return err_set(err, ERR_JobNotFound, "There is no job '%.60s'.", file);
    return job_load(rq->db, rq->arena, rq->user ? rq->user->id : NULL, id, &job, err) &&
           wps_reply_response(rq, reply, &job, err);
}
