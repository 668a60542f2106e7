/* OGC API - Processes under OGC_ROOT: Part 1 in both its generations (1.0, and the 2.0 draft where
 * they do not contradict). A process is a parameterised process graph; its jobs are the rows that
 * openEO's jobs are. Handlers only. */
#ifndef API_OGC_OGC_H
#define API_OGC_OGC_H

#include "api/common/build.h"
#include "base/text.h"
#include "http/route.h"
#include "json/js.h"
#include "store/jobs.h"

#define OGC_ROOT "/ogc"
#define OGC_FACE "ogc"
#define OGC_FACE_SYNC "ogc-sync" /* of requests that wait: their jobs are nobody's to see */

/* landing.c */
handler_fn ogc_landing_get, ogc_conformance_get;
/* processes.c */
handler_fn ogc_processes_get, ogc_process_get;
/* deploy.c: Part 2 */
handler_fn ogc_processes_post, ogc_process_put, ogc_process_delete, ogc_package_get;
/* execution.c */
handler_fn ogc_execution_post, ogc_execution_get;
/* jobs.c */
handler_fn ogc_jobs_get, ogc_job_get, ogc_job_delete, ogc_job_dismiss;
/* results.c */
handler_fn ogc_results_get, ogc_result_get;

/* manage.c, prov.c: Part 4 */
handler_fn ogc_jobs_post, ogc_job_patch, ogc_results_post, ogc_definition_get, ogc_inputs_get, ogc_logs_get, ogc_prov_get;

/* answer.c: a resource as JSON or, for who prefers that, as the page that `page` makes of the same JSON (swallowed).
 * Errors: NotAcceptable. */
typedef void ogc_page_fn(struct request *rq, const json_t *body, struct text *page);
bool ogc_answer(struct request *rq, struct reply *reply, int status, json_t *body_taken, ogc_page_fn *page,
                struct err *err) MUST_USE;
/* Refuses query parameters that are not among `names` (NULL ends) nor f. Errors: InvalidQueryValue. */
bool ogc_query_known(struct request *rq, const char *const *names, struct err *err) MUST_USE;
#define OGC_QUERY(rq, err, ...) ogc_query_known(rq, (const char *const[]){ __VA_ARGS__ __VA_OPT__(,) NULL }, err)
/* Links self and alternate of a resource that is JSON and a page. */
void ogc_link_both(struct request *rq, json_t *links, const char *href, const char *title);
/* The links of a process's description; of a deployed one they are put into its body. */
json_t *ogc_process_links(struct request *rq, const char *id);
void ogc_deployed_link(struct request *rq, json_t *body, const char *id);

/* preference.c: the header Prefer, or response[prefer]. */
struct ogc_preference {
    bool async, sync;
    int64_t wait_ms;     /* -1: not given */
    const char *returns; /* "minimal", "representation" or NULL */
};
struct ogc_preference ogc_preference_read(struct request *rq);
void ogc_preference_applied(struct request *rq, struct reply *reply, const struct ogc_preference *prefer, bool async);

/* builtin.c: a process that is part of the program. What all requests share is never changed: who wants it otherwise
 * makes a copy. */
struct ogc_process {
    const char *id;
    json_t *description, *graph; /* NULL: it was deployed (ogc_deployed_find()) */
};
/* Which of them this site offers; called once, before the first request. */
void ogc_processes_configure(const struct config *config);
/* True, with an error, when the program has a process of this id which this site does not offer. Errors: FeatureUnsupported. */
bool ogc_process_is_missing(const char *id, struct err *err) MUST_USE;
const struct ogc_process *ogc_process_find(const char *id); /* NULL when there is none */
const struct ogc_process *ogc_process_at(size_t i); /* in the order of the list; NULL at its end */
/* References for the caller to drop. */
json_t *ogc_process_description(const struct ogc_process *process);
json_t *ogc_process_graph(const struct ogc_process *process);
/* The schema of an input, or of an alternative of it, made ready; NULL: it is none of what is built in. */
struct js_schema;
const struct js_schema *ogc_schema_find(const json_t *schema);

/* deployed.c: what users deployed. The description as it is told, links included. Errors: ProcessNotFound. */
bool ogc_deployed_describe(struct request *rq, const char *name, json_t **ret_body, struct err *err) MUST_USE;
/* The description of what is built in or what the caller may see of what was deployed. Errors: ProcessNotFound. */
bool ogc_describe(struct request *rq, const char *name, json_t **ret_description, struct err *err) MUST_USE;
/* Of the process of a job, as its owner sees it; NULL: it is no more. */
bool ogc_describe_of(struct request *rq, const struct job *job, json_t **ret_description, struct err *err) MUST_USE;
/* Summaries after the id `after`, appended. */
bool ogc_deployed_list(struct request *rq, const char *after, int64_t limit, json_t *list, struct err *err) MUST_USE;
/* For a request that runs it; what it gives but *ret_process is the caller's. Errors: ProcessNotFound. */
bool ogc_deployed_find(struct request *rq, const char *name, const struct ogc_process **ret_process,
                       json_t **ret_description, json_t **ret_unit, struct err *err) MUST_USE;
/* package.c: "inputs" as CWL has them; files by reference stay references. Errors: InvalidParameter. */
bool ogc_package_inputs(const json_t *inputs, const json_t *unit, json_t **ret_arguments, struct err *err) MUST_USE;

/* sources.c: values that a request names: by reference, or as a collection. */
struct ogc_source {
    const struct config *config;
    const char *base_url; /* of this service */
    int fetched;          /* so far */
};
/* What is behind {"href"}, in the form that a value of the schema has. Errors: InvalidParameter. */
bool ogc_source_reference(struct ogc_source *source, const json_t *reference, const json_t *schema, const char *pointer,
                          json_t **ret_value, struct err *err) MUST_USE;
/* An address that begins with a dot is relative to the process that receives it. The caller frees. */
char *ogc_source_address(const struct ogc_source *source, const char *address);
/* The items of {"collection", "filter", "bbox", "datetime", "limit", "ids", "q"}. Errors: InvalidParameter. */
bool ogc_source_items(struct ogc_source *source, const json_t *value, const char *pointer, json_t **ret_features,
                      struct err *err) MUST_USE;

/* inputs.c: the "inputs" of an execute request become the arguments of the process graph: checked
 * against the schemas of the description, bounding boxes in openEO's form. `source` NULL: nothing is fetched.
 * Errors: InvalidParameter with the JSON pointer of what is wrong. */
bool ogc_inputs_read(const json_t *inputs, const json_t *description, const json_t *graph, struct ogc_source *source,
                     json_t **ret_arguments, struct err *err) MUST_USE;
/* Whether the graph wants this parameter as a value of openEO's `subtype`. */
bool ogc_graph_wants(const json_t *graph, const char *name, const char *subtype);
/* A restriction of a collection as the parameter `name` of the graph. Errors: InvalidParameter. */
bool ogc_restriction_read(const json_t *graph, const char *name, const json_t *value, const char *pointer,
                          json_t **ret_value, struct err *err) MUST_USE;
/* kvp.c: the execute request that the query says. Errors: ProcessNotFound, InvalidParameter, PermissionsInsufficient. */
bool ogc_kvp_read(struct request *rq, json_t **ret_body, struct err *err) MUST_USE;

/* outputs.c: what of the results is asked for. *ret_request is what the job keeps:
 * {"response": "raw" or "document" (absent: by the number of outputs), "outputs": {id: {...}}}. */
/* Without a choice all outputs are asked for, but for those that need an input ("needs" of their description) which is not given. */
bool ogc_outputs_read(const json_t *body, const json_t *description, json_t **ret_request,
                      struct err *err) MUST_USE;
/* The media type that is asked for of an output with several of them, as the input "format". Errors: InvalidParameter. */
bool ogc_outputs_choose(const json_t *body, const json_t *description, json_t *arguments, struct err *err) MUST_USE;
/* The graph without the sinks of outputs that nobody asked for and what feeds nothing else: a reference to the same one
 * when there are none, else a copy. */
json_t *ogc_outputs_prune(json_t *graph, const json_t *description, const json_t *request);

/* steps.c */
handler_fn ogc_steps_get;

const char *ogc_status_name(enum job_state state);
/* jobs.c: the statusInfo of a job. The caller owns it. */
json_t *ogc_status(struct request *rq, const struct job *job);
/* The job of the path that the caller may see here. Errors: JobNotFound. */
bool ogc_job(struct request *rq, struct job *ret_job, struct err *err) MUST_USE;
/* The same for changes: no step of a workflow. Errors: JobNotFound, JobBusy. */
bool ogc_job_own(struct request *rq, struct job *ret_job, struct err *err) MUST_USE;

/* results.c: answers with the results of a finished job, as its request asked for them. */
bool ogc_reply_results(struct request *rq, struct reply *reply, const struct job *job,
                       struct err *err) MUST_USE;

#endif
