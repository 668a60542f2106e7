/* The openEO face: the versions of the API under one root each, by the same handlers. Handlers only. */
#ifndef API_OPENEO_OPENEO_H
#define API_OPENEO_OPENEO_H

#include "graph/catalog.h"
#include "http/route.h"
#include "store/jobs.h"

/* What a client asked for shows in the address. New members of answers are not kept from older
 * clients; what differs are the versions told, defaults, and what an older document forbids. */
#define OPENEO_1_2 "/openeo/1.2"
#define OPENEO_1_3 "/openeo/1.3"
enum openeo_minor { OPENEO_MINOR_2, OPENEO_MINOR_3, OPENEO_MINORS };
extern const struct openeo_version {
    const char *root, *number;
} openeo_versions[OPENEO_MINORS];
enum openeo_minor openeo_minor(const struct request *rq);
/* An absolute address below the root of the version that was asked for. */
const char *openeo_href(struct request *rq, const char *format, ...) PRINTF_LIKE(2, 3);

/* capabilities.c */
handler_fn openeo_well_known_get, openeo_capabilities_get, openeo_conformance_get,
    openeo_file_formats_get, openeo_udf_runtimes_get, openeo_processing_parameters_get;
/* services.c, tiles.c, wmts.c */
handler_fn openeo_service_types_get, openeo_services_get, openeo_services_post, openeo_service_get,
    openeo_service_patch, openeo_service_delete, openeo_xyz_get, openeo_wmts_get, openeo_wmts_capabilities_get,
    openeo_wmts_tile_get;
/* account.c */
handler_fn openeo_credentials_basic_get, openeo_credentials_oidc_get, openeo_me_get;
/* collections.c */
handler_fn openeo_collections_get, openeo_collection_get, openeo_queryables_get, openeo_items_get;
/* processes.c */
handler_fn openeo_processes_get, openeo_validation_post;
/* files.c */
handler_fn openeo_files_get, openeo_file_get, openeo_file_put, openeo_file_delete;
/* process_graphs.c */
handler_fn openeo_process_graphs_get, openeo_process_graph_get, openeo_process_graph_put,
    openeo_process_graph_delete, openeo_process_versions_get, openeo_namespace_get;
/* workspaces.c */
handler_fn openeo_workspace_providers_get, openeo_workspaces_get, openeo_workspaces_post, openeo_workspace_get,
    openeo_workspace_patch, openeo_workspace_delete;
/* result.c */
handler_fn openeo_result_post;
/* jobs.c */
handler_fn openeo_jobs_get, openeo_jobs_post, openeo_job_get, openeo_job_patch,
    openeo_job_delete, openeo_estimate_get;
/* logs.c */
handler_fn openeo_logs_get, openeo_service_logs_get;
/* job_results.c */
handler_fn openeo_results_get, openeo_results_post, openeo_results_delete, openeo_result_item_get,
    openeo_results_zip_get;

/* What POST /jobs, PATCH /jobs/{id} and POST /result have in their bodies. */
struct openeo_request {
    const char *title, *description, *plan, *log_level, *dialect;
    json_t *process, *job_options; /* where the Python client puts options */
    json_t *notify_email, *subscriber; /* who is told of a job's end (api/common/notify.h) */
    double budget;
};
extern const struct js_field openeo_request_fields[];

/* The only billing plan, where something is charged. */
#define OPENEO_PLAN "standard"
/* Errors: BillingPlanInvalid. `plan` may be NULL. */
bool openeo_check_plan(const struct request *rq, const char *plan, struct err *err) MUST_USE;
double openeo_budget(const json_t *request); /* < 0: none */
/* What a request that names no dialect is read by: what its process says in `options` ("default_job_options",
 * "default_synchronous_options"), or the stored process that is all it calls, else jobs.dialect. */
const char *openeo_default_dialect(struct request *rq, const json_t *process, const char *options);
/* The dialect that a request names, or else `otherwise`. Errors: BadRequest. */
bool openeo_dialect(const struct openeo_request *in, const char *otherwise, enum dialect *ret_dialect,
                    struct err *err) MUST_USE;
enum dialect openeo_job_dialect(const struct job *job); /* that was recorded with the job */

/* Names of groups in a body, a member of our own beside what the API has for sharing; NULL is fine. Errors: BadRequest. */
#define OPENEO_GROUPS "sentier:groups"
bool openeo_check_groups(const json_t *groups, struct err *err) MUST_USE;

/* A job as GET /jobs lists it, or with its process and links. The caller owns the answer. */
json_t *openeo_job_json(struct request *rq, const struct job *job, bool whole);

/* When it was changed, queued, started, and when its results go. */
void openeo_put_times(json_t *body, const struct job *job);

/* The version of the process definitions that ours follow. */
#define OPENEO_PROCESSES "2.0.0-rc.2"
#define OPENEO_FACE_BATCH "openeo"

#endif
