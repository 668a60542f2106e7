/* GET /jobs/{job_id}/logs: rows of the job's log, oldest first. */
#include "api/common/build.h"
#include "api/common/run.h"
#include "api/openeo/openeo.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const levels[] = { "error", "warning", "info", "debug" };

static size_t severity(const char *level)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (level && !strcmp(level, levels[i]))
            return i;
    return ARRAY_LEN(levels);
}

/* The more severe of what the job keeps and what the request asks for. */
static bool effective_level(const struct request *rq, const struct job *job,
                            const char **ret_level, struct err *err)
{
    const char *asked = request_query(rq, "level");
    size_t kept = severity(json_string_value(json_object_get(job->request, "log_level")));
    const char *otherwise = openeo_minor(rq) >= OPENEO_MINOR_3 ? "debug" : "info"; /* as documented */
    size_t least = severity(asked && *asked ? asked : otherwise);

    if (least == ARRAY_LEN(levels))
        return err_set(err, ERR_InvalidParameter,
                       "level: expected error, warning, info or debug, found '%.40s'", asked);
    *ret_level = levels[kept < least ? kept : least];
    return true;
}

static bool offset_of(const struct request *rq, int64_t *ret_after, struct err *err)
{
    const char *text = request_query(rq, "offset");
    char *end;

    *ret_after = 0;
    if (!text || !*text)
        return true;
    *ret_after = strtoll(text, &end, 10);
    return (!*end && *ret_after >= 0 && strlen(text) < 19) ||
           err_set(err, ERR_InvalidParameter, "offset: expected the id of a log entry, found '%.40s'",
                   text);
}

static json_t *entry(const struct job_log *log)
{
    json_t *body = json_pack("{s:o, s:s, s:s}", "id", json_sprintf("%" PRId64, log->id), "level",
                             log->level, "message", log->message);

    put_text(body, "code", log->code);
    put_instant(body, "time", log->at);
    put_copy(body, "data", log->data);
    return body;
}

bool openeo_logs_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };
    const char *level = NULL;
    int64_t after, limit;
    struct job_log *logs;
    json_t *list, *links;
    size_t count;

    if (!run_job(rq, "job_id", &job, err))
        return false;
    if (!effective_level(rq, &job, &level, err) || !offset_of(rq, &after, err) ||
        !request_query_integer(rq, "limit", 1, 10000, 10000, &limit, err))
        return false;
    logs = arena_array(rq->arena, (size_t)limit + 1, sizeof *logs);
    if (!job_log_list(rq->db, rq->arena, rq->user->id, job.id, level, after, (size_t)limit + 1, logs,
                      &count, err))
        return false;
    list = json_array();
    links = json_array();
    for (size_t i = 0; i < count; i++) {
        if (i < (size_t)limit)
            json_array_append_new(list, entry(&logs[i]));
        json_decref(logs[i].data);
    }
    if (count > (size_t)limit)
        link_add(links, "next",
                 href_with(rq, "offset",
                           arena_printf(rq->arena, "%" PRId64, logs[limit - 1].id)),
                 "application/json", NULL);
    return reply_json(reply, 200,
                      json_pack("{s:s, s:o, s:o}", "level", level, "logs", list, "links", links),
                      NULL);
}
