/* OGC API - Processes under OGC_ROOT: Part 1 in both its generations (1.0, and the 2.0 draft where
 * they do not contradict). A process is a parameterised process graph; its jobs are the rows that
 * openEO's jobs are. Handlers only. */
#ifndef API_OGC_OGC_H
#define API_OGC_OGC_H

#include "http/route.h"
#include "json/js.h"
#include "store/jobs.h"

#define OGC_ROOT "/ogc"
#define OGC_FACE "ogc"
#define OGC_REL "http://www.opengis.net/def/rel/ogc/1.0/"

/* landing.c */
handler_fn ogc_landing_get, ogc_conformance_get;
/* processes.c */
handler_fn ogc_processes_get, ogc_process_get;
/* execution.c */
handler_fn ogc_execution_post;
/* jobs.c */
handler_fn ogc_jobs_get, ogc_job_get, ogc_job_delete;
/* results.c */
handler_fn ogc_results_get;

/* A process as it is built into the program. */
struct ogc_process {
    const char *id;
    const char *description, *graph; /* JSON texts */
};
const struct ogc_process *ogc_process_find(const char *id); /* NULL when there is none */
/* The caller owns what these give; their texts were read when the program was tested. */
json_t *ogc_process_description(const struct ogc_process *process);
json_t *ogc_process_graph(const struct ogc_process *process);

/* inputs.c: the "inputs" of an execute request become the arguments of the process graph: checked
 * against the schemas of the description, references refused, bounding boxes in openEO's form.
 * Errors: InvalidParameter with the JSON pointer of what is wrong. */
bool ogc_inputs_read(const json_t *inputs, const json_t *description, const json_t *graph,
                     json_t **ret_arguments, struct err *err) MUST_USE;

/* outputs.c: what of the results is asked for. *ret_request is what the job keeps:
 * {"response": "raw" or "document" (absent: by the number of outputs), "outputs": {id: {...}}}. */
bool ogc_outputs_read(const json_t *body, const json_t *description, json_t **ret_request,
                      struct err *err) MUST_USE;
/* Takes the sinks of outputs that nobody asked for out of the graph. */
void ogc_outputs_prune(json_t *graph, const json_t *description, const json_t *request);

/* jobs.c: the statusInfo of a job. The caller owns it. */
json_t *ogc_status(struct request *rq, const struct job *job);

/* results.c: answers with the results of a finished job, as its request asked for them. */
bool ogc_reply_results(struct request *rq, struct reply *reply, const struct job *job,
                       struct err *err) MUST_USE;

#endif
