/* GET /jobs/{job_id}/logs and /services/{service_id}/logs: rows of the log, oldest first. */
#include "api/common/build.h"
#include "api/common/run.h"
#include "api/openeo/openeo.h"
#include "json/js.h"
#include "store/services.h"
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

/* The more severe of what is kept and what the request asks for. */
static bool effective_level(const struct request *rq, const json_t *kept_by,
                            const char **ret_level, struct err *err)
{
    const char *asked = request_query(rq, "level");
    size_t kept = severity(js_text(kept_by, "log_level"));
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

struct page {
    const char *level;
    int64_t after, limit;
    struct job_log *logs;
    size_t count; /* may be limit + 1: there are more */
};

/* What is asked for, at least as severe as what `request` (of a job or a service) wants kept. */
static bool read_page(struct request *rq, const json_t *request, struct page *page, struct err *err)
{
    *page = (struct page){ 0 };
    if (!effective_level(rq, request, &page->level, err) || !offset_of(rq, &page->after, err) ||
        !request_query_integer(rq, "limit", 1, 10000, 10000, &page->limit, err))
        return false;
    page->logs = arena_array(rq->arena, (size_t)page->limit + 1, sizeof *page->logs);
    return true;
}

static bool reply_page(struct request *rq, struct reply *reply, const struct page *page)
{
    json_t *list = json_array(), *links = json_array();
    size_t limit = (size_t)page->limit;

    for (size_t i = 0; i < page->count; i++) {
        if (i < limit)
            json_array_append_new(list, entry(&page->logs[i]));
        json_decref(page->logs[i].data);
    }
    if (page->count > limit)
        link_add(links, "next",
                 href_with(rq, "offset", arena_printf(rq->arena, "%" PRId64, page->logs[limit - 1].id)),
                 "application/json", NULL);
    return reply_json(reply, 200,
                      json_pack("{s:s, s:o, s:o}", "level", page->level, "logs", list, "links", links), NULL);
}

bool openeo_logs_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };
    struct page page;

    return run_job(rq, "job_id", &job, err) && read_page(rq, job.request, &page, err) &&
           job_log_list(rq->db, rq->arena, rq->user->id, job.id, page.level, page.after, (size_t)page.limit + 1,
                        page.logs, &page.count, err) &&
           reply_page(rq, reply, &page);
}

bool openeo_service_logs_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(service) struct service service = { 0 };
    struct page page;

    return service_load(rq->db, rq->arena, rq->user->id, request_variable(rq, "service_id"), &service, err) &&
           read_page(rq, service.request, &page, err) &&
           service_log_list(rq->db, rq->arena, rq->user->id, service.id, page.level, page.after,
                            (size_t)page.limit + 1, page.logs, &page.count, err) &&
           reply_page(rq, reply, &page);
}
