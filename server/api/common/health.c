/* Two questions of whoever runs the service: does the process live, and can it do its work? */
#include "api/common/common.h"
#include "store/migrate.h"
#include "store/status.h"

bool health_get(struct request *rq, struct reply *reply, struct err *err)
{
    (void)rq, (void)err;
    return reply_json(reply, 200, json_pack("{s:s}", "status", "ok"), NULL);
}

static void add_missing(json_t *missing, const char *what, const char *why)
{
    json_array_append_new(missing, json_pack("{s:s, s:s}", "what", what, "why", why));
}

static void look_at_database(struct request *rq, json_t *missing, int64_t *workers)
{
    struct err err = { 0 };

    if (!rq->db) {
        add_missing(missing, "database", "it cannot be reached");
        return;
    }
    if (!migrate_check(rq->db, &err)) {
        add_missing(missing, "migrations", err.message);
        return;
    }
    if (!status_workers(rq->db, workers, &err))
        add_missing(missing, "database", "it does not answer");
}

/* 200 or 503, with everything that is missing: {"status", "missing": [{"what", "why"}], "jobs"}. A server
 * without workers answers searches and takes jobs, which wait: it is ready, and says so. */
bool ready_get(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *missing = json_array(), *answer;
    int64_t workers = 0;
    bool ready;

    (void)err;
    look_at_database(rq, missing, &workers);
    ready = json_array_size(missing) == 0;
    if (!ready)
        reply_header(rq, reply, "Retry-After", "2");
    answer = json_pack("{s:s, s:o}", "status", ready ? "ready" : "not ready", "missing", missing);
    if (ready)
        json_object_set_new(answer, "jobs",
                            json_string(workers ? "run" : "wait: no worker was seen in the last 30 s"));
    return reply_json(reply, ready ? 200 : 503, answer, NULL);
}
