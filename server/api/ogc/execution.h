/* An execute request from its JSON to a job: what /ogc and /wps do alike. */
#ifndef API_OGC_EXECUTION_H
#define API_OGC_EXECUTION_H

#include "api/ogc/ogc.h"
#include "api/ogc/products.h"

/* A request that was checked; all of it is owned. */
struct ogc_execution {
    const struct ogc_process *process;
    json_t *description, *graph, *arguments, *request;
};
/* AUTO(ogc_execution) struct ogc_execution x = { 0 }; */
void ogc_execution_drop(struct ogc_execution *x);

/* Reads and checks an execute request in the JSON of OGC API - Processes. Errors: ProcessNotFound,
 * InvalidParameter with the JSON pointer of what is wrong. */
bool ogc_execution_read(struct request *rq, const char *process_id, const json_t *body,
                        struct ogc_execution *x, struct err *err) MUST_USE;
/* A package of commands or a workflow rather than a graph: nothing of it is planned here. */
bool ogc_execution_is_commands(const struct ogc_execution *x);
/* Whether a job of it can be made. */
bool ogc_execution_check(struct request *rq, const struct ogc_execution *x, struct err *err) MUST_USE;
/* An input "pause" has the job begin so many seconds later, where the process has one. */
int64_t ogc_pause_of(const json_t *arguments);
/* What the job table keeps of it. */
struct job_input ogc_execution_input(struct request *rq, const struct ogc_execution *x, const char *face,
                                     enum job_class class);
/* Does the description's jobControlOptions name it? */
bool ogc_execution_offers(const struct ogc_execution *x, const char *option);
/* Queues it as a job: *ret_job as it was stored, to be freed by job_done(). */
bool ogc_execution_queue(struct request *rq, const struct ogc_execution *x, struct job *ret_job, struct err *err) MUST_USE;
/* Submits it and waits (run.h); `any_size`: also what is too large to be waited for. */
bool ogc_execution_wait(struct request *rq, struct reply *reply, const struct ogc_execution *x,
                        int64_t timeout_ms, bool any_size, struct err *err) MUST_USE;

/* Answers with outputs that are values, for which there is no job: `value` has a member for each. */
bool ogc_reply_values(struct request *rq, struct reply *reply, const struct ogc_execution *x, json_t *value,
                      struct err *err) MUST_USE;

#endif
