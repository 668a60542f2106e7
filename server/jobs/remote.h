/* Processes on other servers: OGC API - Processes, and openEO back-ends. Only servers that the site has listed are
 * called (workflows.servers, workflows.openeo), and credentials go to the addresses that workflows.credentials names with
 * them, nowhere else. What they answer is not believed: sizes, times and addresses have bounds. */
#ifndef JOBS_REMOTE_H
#define JOBS_REMOTE_H

#include "config/config.h"
#include "net/fetch.h"
#include <jansson.h>

/* "ogc" or "openeo" when the address is of a server that may be called, else NULL. */
const char *remote_kind(const struct config *config, const char *url);
/* The description of a process there. Of an openEO back-end (the address of its API) it has the input process_graph.
 * Errors: InvalidParameter, Unreachable, ProcessNotFound. */
bool remote_describe(const struct config *config, const char *url, json_t **ret_description, struct err *err) MUST_USE;

/* What a call of a remote job found. The owner drops it. */
struct remote_answer {
    enum { REMOTE_WAITS, REMOTE_DONE, REMOTE_FAILED } state;
    double progress;  /* 0 .. 100 */
    char *job;        /* of remote_submit(): the job's address; NULL: the results came at once */
    char *message;    /* why it failed */
    struct fetched results; /* that came at once */
};
void remote_answer_drop(struct remote_answer *answer); /* AUTO(remote_answer) */
/* Starts a process. Errors: Unreachable (may be tried again), InvalidParameter (the server refuses it). */
bool remote_submit(const struct config *config, const char *kind, const char *url, const json_t *inputs,
                   const json_t *outputs, struct remote_answer *ret_answer, struct err *err) MUST_USE;
bool remote_look(const struct config *config, const char *kind, const char *job, struct remote_answer *ret_answer,
                 struct err *err) MUST_USE;
/* Tells it to stop; one that is gone is stopped. */
bool remote_dismiss(const struct config *config, const char *kind, const char *job, struct err *err) MUST_USE;

/* What a job gave, by the outputs that were asked for ({id: ...}): files go to `folder`. *ret_outputs is {id: {"value"}} or
 * {id: {"files": [{"name", "media", "size"}]}}. `at_once`: results that came with the answer, else NULL. */
bool remote_results(const struct config *config, const char *kind, const char *job, const struct fetched *at_once,
                    const json_t *outputs, const char *folder, json_t **ret_outputs, struct err *err) MUST_USE;

#endif
