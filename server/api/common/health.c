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

static void look_at_database(struct request *rq, json_t *missing)
{
    struct err err = { 0 };
    int64_t workers = 0;

    if (!rq->db) {
        add_missing(missing, "database", "it cannot be reached");
        return;
    }
    if (!migrate_check(rq->db, &err)) {
        add_missing(missing, "migrations", err.message);
        return;
    }
    if (!status_workers(rq->db, &workers, &err))
        add_missing(missing, "database", "it does not answer");
    else if (workers == 0)
        add_missing(missing, "worker", "no worker was seen in the last 30 s; jobs wait");
}

/* 200 or 503, with everything that is missing: {"status", "missing": [{"what", "why"}]}. */
bool ready_get(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *missing = json_array();
    bool ready;

    (void)err;
    look_at_database(rq, missing);
    ready = json_array_size(missing) == 0;
    if (!ready)
        reply_header(rq, reply, "Retry-After", "2");
    return reply_json(reply, ready ? 200 : 503,
                      json_pack("{s:s, s:o}", "status", ready ? "ready" : "not ready", "missing",
                                missing),
                      NULL);
}
