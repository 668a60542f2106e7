/* The openEO face: API 1.2 under OPENEO_ROOT. Handlers only. */
#ifndef API_OPENEO_OPENEO_H
#define API_OPENEO_OPENEO_H

#include "http/route.h"
#include "store/jobs.h"

#define OPENEO_ROOT "/openeo/1.2"
#define OPENEO_API_VERSION "1.2.0"
#define OPENEO_CONFORMANCE "https://api.openeo.org/1.2.0"

/* capabilities.c */
handler_fn openeo_well_known_get, openeo_capabilities_get, openeo_conformance_get,
    openeo_file_formats_get, openeo_udf_runtimes_get, openeo_service_types_get;
/* account.c */
handler_fn openeo_credentials_basic_get, openeo_credentials_oidc_get, openeo_me_get;
/* collections.c */
handler_fn openeo_collections_get, openeo_collection_get;
/* processes.c */
handler_fn openeo_processes_get, openeo_validation_post;
/* process_graphs.c */
handler_fn openeo_process_graphs_get, openeo_process_graph_get, openeo_process_graph_put,
    openeo_process_graph_delete, openeo_namespace_get;
/* result.c */
handler_fn openeo_result_post;
/* jobs.c */
handler_fn openeo_jobs_get, openeo_jobs_post, openeo_job_get, openeo_job_patch,
    openeo_job_delete, openeo_estimate_get;
/* logs.c */
handler_fn openeo_logs_get;
/* job_results.c */
handler_fn openeo_results_get, openeo_results_post, openeo_results_delete;

/* What POST /jobs, PATCH /jobs/{id} and POST /result have in their bodies. */
struct openeo_request {
    const char *title, *description, *plan, *log_level;
    json_t *process;
    double budget;
};
extern const struct js_field openeo_request_fields[];

/* A job as GET /jobs lists it, or with its process and links. The caller owns the answer. */
json_t *openeo_job_json(struct request *rq, const struct job *job, bool whole);

#define OPENEO_FACE_BATCH "openeo"

#endif
