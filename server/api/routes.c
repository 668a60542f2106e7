/* The whole HTTP surface on one page: who may call is a column. The capabilities of openEO and the
 * tests of openapi/ are read from this table. */
#include "http/route.h"
#include "api/common/common.h"
#include "api/common/landing.h"
#include "api/common/notify.h"
#include "api/common/results.h"
#include "api/ogc/collections.h"
#include "api/ogc/ogc.h"
#include "api/openeo/openeo.h"
#include "api/resto/resto.h"
#include "api/stac/atom.h"
#include "api/stac/changes.h"
#include "api/stac/stac.h"
#include "api/stac/subscriptions.h"
#include "api/stac/write.h"
#include "api/ui/ui.h"
#include "api/wps/peps.h"
#include "api/wps/wps.h"

/* Both versions of openEO. */
#define OPENEO(method, path, access, handler, ...)                                                 \
    ROUTE(method, OPENEO_1_2 path, access, openeo_##handler, OPENEO, __VA_ARGS__),                 \
        ROUTE(method, OPENEO_1_3 path, access, openeo_##handler, OPENEO, __VA_ARGS__)
#define OGC(method, path, access, handler, ...)                                                    \
    ROUTE(method, OGC_ROOT path, access, ogc_##handler, OGC, __VA_ARGS__)
#define RESTO(method, path, access, handler, ...)                                                  \
    ROUTE(method, RESTO_ROOT path, access, resto_##handler, RESTO, __VA_ARGS__)
#define STAC(method, path, access, handler, ...)                                                   \
    ROUTE(method, STAC_ROOT path, access, stac_##handler, STAC, __VA_ARGS__)

const struct route routes[] = {
    /* this service */
    ROUTE(GET, "/", NOBODY, landing_get, PLAIN),
    ROUTE(GET, "/ui", NOBODY, ui_get, PLAIN),
    ROUTE(GET, "/ui/{file}", NOBODY, ui_file_get, PLAIN),
    ROUTE(GET, "/favicon.ico", NOBODY, ui_icon_get, PLAIN),
    ROUTE(GET, "/api", NOBODY, api_get, PLAIN),
    ROUTE(GET, "/api/{face}", NOBODY, api_document_get, PLAIN),
    ROUTE(GET, "/healthz", NOBODY, health_get, PLAIN, .at_once = true),
    ROUTE(GET, "/readyz", NOBODY, ready_get, PLAIN, .without_database = true),
    ROUTE(GET, "/api/me", USER, me_get, PLAIN),
    ROUTE(GET, "/api/keys", USER, keys_list, PLAIN),
    ROUTE(POST, "/api/keys", USER, key_create, PLAIN, .body = BODY_JSON, .max_body = 4096),
    ROUTE(POST, "/api/keys/form", USER, key_form_post, PLAIN, .body = BODY_BYTES, .max_body = 4096),
    ROUTE(POST, "/api/keys/{key_id}/revocation", USER, key_revocation_post, PLAIN),
    ROUTE(GET, "/api/notices", USER, notices_get, PLAIN),
    ROUTE(GET, "/api/subscriptions", USER, subscriptions_list, PLAIN),
    ROUTE(POST, "/api/subscriptions", USER, subscription_create, PLAIN, .body = BODY_JSON),
    ROUTE(GET, "/api/subscriptions/{subscription_id}", USER, subscription_get, PLAIN),
    ROUTE(PATCH, "/api/subscriptions/{subscription_id}", USER, subscription_patch, PLAIN,
          .body = BODY_JSON),
    ROUTE(DELETE, "/api/subscriptions/{subscription_id}", USER, subscription_delete, PLAIN),
    ROUTE(GET, "/api/collections/{collection_id}/shares", USER, shares_list, PLAIN),
    ROUTE(POST, "/api/collections/{collection_id}/shares", USER, share_create, PLAIN,
          .body = BODY_JSON, .max_body = 4096),
    ROUTE(DELETE, "/api/collections/{collection_id}/shares/{share_id}", USER, share_delete, PLAIN),
    ROUTE(DELETE, "/api/keys/{key_id}", USER, key_delete, PLAIN),
    ROUTE(GET, "/api/endpoints", OPERATOR, endpoints_get, PLAIN),
    ROUTE(PUT, "/api/endpoints/{name}", OPERATOR, endpoint_put, PLAIN, .body = BODY_JSON,
          .max_body = 65536),
    ROUTE(DELETE, "/api/endpoints/{name}", OPERATOR, endpoint_delete, PLAIN),
    ROUTE(POST, "/api/places", OPERATOR, places_post, PLAIN, .body = BODY_JSON),
    ROUTE(GET, "/api/places/{collection}/{item}", OPERATOR, places_get, PLAIN),
    ROUTE(POST, "/api/places/{collection}/{item}/order", USER, order_post, PLAIN),
    ROUTE(GET, "/results/{job_id}", SIGNED, openeo_results_zip_get, OPENEO),
    ROUTE(GET, "/results/{job_id}/{file}", SIGNED, results_file_get, OPENEO),
    ROUTE(GET, "/results/{job_id}/preview/{file}", SIGNED, results_preview_get, OPENEO),
    ROUTE(GET, "/results/{job_id}/items/{file}", SIGNED, openeo_result_item_get, OPENEO),
    ROUTE(GET, "/store/{token}/{job_id}/{file}/{path*}", NOBODY, results_member_get, OPENEO),

    /* web services that users make */
    ROUTE(GET, "/xyz/{service_id}/{z}/{x}/{file}", NOBODY, openeo_xyz_get, OPENEO),
    ROUTE(GET, "/wmts/{service_id}", NOBODY, openeo_wmts_get, OPENEO),
    ROUTE(GET, "/wmts/{service_id}/1.0.0/WMTSCapabilities.xml", NOBODY,
          openeo_wmts_capabilities_get, OPENEO),
    ROUTE(GET, "/wmts/{service_id}/{z}/{x}/{file}", NOBODY, openeo_wmts_tile_get, OPENEO),

    /* openEO API */
    ROUTE(GET, "/.well-known/openeo", NOBODY, openeo_well_known_get, OPENEO),
    OPENEO(GET, "", NOBODY, capabilities_get),
    OPENEO(GET, "/conformance", NOBODY, conformance_get),
    OPENEO(GET, "/file_formats", NOBODY, file_formats_get),
    /* in 1.3 a list without a runtime is not allowed */
    OPENEO(GET, "/udf_runtimes", NOBODY, udf_runtimes_get),
    OPENEO(GET, "/service_types", NOBODY, service_types_get),
    OPENEO(GET, "/processing_parameters", NOBODY, processing_parameters_get),
    OPENEO(GET, "/services", USER, services_get),
    OPENEO(POST, "/services", USER, services_post, .body = BODY_JSON),
    OPENEO(GET, "/services/{service_id}", USER, service_get),
    OPENEO(PATCH, "/services/{service_id}", USER, service_patch, .body = BODY_JSON),
    OPENEO(DELETE, "/services/{service_id}", USER, service_delete),
    OPENEO(GET, "/services/{service_id}/logs", USER, service_logs_get),
    OPENEO(GET, "/credentials/basic", USER, credentials_basic_get),
    OPENEO(GET, "/credentials/oidc", NOBODY, credentials_oidc_get),
    OPENEO(GET, "/me", USER, me_get),
    OPENEO(GET, "/collections", NOBODY, collections_get),
    OPENEO(GET, "/collections/{collection_id}", NOBODY, collection_get),
    OPENEO(GET, "/collections/{collection_id}/queryables", NOBODY, queryables_get),
    OPENEO(GET, "/collections/{collection_id}/items", NOBODY, items_get, .quick = true),
    OPENEO(GET, "/processes", NOBODY, processes_get),
    OPENEO(GET, "/processes/{namespace}", NOBODY, namespace_get),
    OPENEO(GET, "/process_graphs", USER, process_graphs_get),
    OPENEO(GET, "/process_graphs/{process_graph_id}", USER, process_graph_get),
    OPENEO(GET, "/process_graphs/{process_graph_id}/versions", USER, process_versions_get),
    OPENEO(PUT, "/process_graphs/{process_graph_id}", USER, process_graph_put, .body = BODY_JSON),
    OPENEO(DELETE, "/process_graphs/{process_graph_id}", USER, process_graph_delete),
    OPENEO(GET, "/workspace_providers", NOBODY, workspace_providers_get),
    OPENEO(GET, "/workspaces", USER, workspaces_get),
    OPENEO(POST, "/workspaces", USER, workspaces_post, .body = BODY_JSON),
    OPENEO(GET, "/workspaces/{workspace_id}", USER, workspace_get),
    OPENEO(PATCH, "/workspaces/{workspace_id}", USER, workspace_patch, .body = BODY_JSON),
    OPENEO(DELETE, "/workspaces/{workspace_id}", USER, workspace_delete),
    OPENEO(GET, "/files", USER, files_get),
    OPENEO(GET, "/files/{path*}", USER, file_get),
    OPENEO(PUT, "/files/{path*}", USER, file_put, .body = BODY_FILE),
    OPENEO(DELETE, "/files/{path*}", USER, file_delete),
    OPENEO(POST, "/validation", NOBODY, validation_post, .body = BODY_JSON),
    OPENEO(POST, "/result", USER, result_post, .body = BODY_JSON),
    OPENEO(GET, "/jobs", USER, jobs_get),
    OPENEO(POST, "/jobs", USER, jobs_post, .body = BODY_JSON),
    OPENEO(GET, "/jobs/{job_id}", USER, job_get),
    OPENEO(PATCH, "/jobs/{job_id}", USER, job_patch, .body = BODY_JSON),
    OPENEO(DELETE, "/jobs/{job_id}", USER, job_delete),
    OPENEO(GET, "/jobs/{job_id}/estimate", USER, estimate_get),
    OPENEO(GET, "/jobs/{job_id}/logs", USER, logs_get),
    OPENEO(GET, "/jobs/{job_id}/results", SIGNED, results_get),
    OPENEO(POST, "/jobs/{job_id}/results", USER, results_post, .body = BODY_JSON,
           .body_optional = true),
    OPENEO(DELETE, "/jobs/{job_id}/results", USER, results_delete),

    /* OGC API - Processes */
    OGC(GET, "", NOBODY, landing_get),
    OGC(GET, "/conformance", NOBODY, conformance_get),
    OGC(GET, "/processes", NOBODY, processes_get),
    OGC(GET, "/processes/{processId}", NOBODY, process_get),
    OGC(POST, "/processes", USER, processes_post, .body = BODY_BYTES),
    OGC(PUT, "/processes/{processId}", USER, process_put, .body = BODY_BYTES),
    OGC(DELETE, "/processes/{processId}", USER, process_delete),
    OGC(GET, "/processes/{processId}/package", NOBODY, package_get),
    OGC(POST, "/processes/{processId}/execution", USER, execution_post, .body = BODY_JSON),
    OGC(GET, "/processes/{processId}/execution", USER, execution_get),
    OGC(GET, "/datasets/{datasetId}", USER, dataset_get),
    OGC(GET, "/datasets/{datasetId}/collections", USER, dataset_collections_get),
    OGC(GET, "/collections", USER, collections_get),
    OGC(GET, "/collections/{collectionId}", USER, collection_get),
    OGC(POST, "/collections/{collectionId}", USER, collection_get, .body = BODY_JSON, .body_optional = true),
    OGC(DELETE, "/collections/{collectionId}", USER, collection_delete),
    OGC(GET, "/collections/{collectionId}/coverage", USER, coverage_get),
    OGC(GET, "/collections/{collectionId}/map", USER, map_get),
    OGC(GET, "/collections/{collectionId}/items", USER, items_get),
    OGC(GET, "/collections/{collectionId}/items/{featureId}", USER, item_get),
    OGC(GET, "/jobs", USER, jobs_get),
    OGC(GET, "/jobs/{jobId}", USER, job_get),
    OGC(DELETE, "/jobs/{jobId}", USER, job_delete),
    OGC(POST, "/jobs/{jobId}/dismissal", USER, job_dismiss),
    OGC(POST, "/jobs", USER, jobs_post, .body = BODY_BYTES),
    OGC(PATCH, "/jobs/{jobId}", USER, job_patch, .body = BODY_BYTES),
    OGC(POST, "/jobs/{jobId}/results", USER, results_post, .body = BODY_JSON, .body_optional = true),
    OGC(GET, "/jobs/{jobId}/definition", USER, definition_get),
    OGC(GET, "/jobs/{jobId}/inputs", USER, inputs_get),
    OGC(GET, "/jobs/{jobId}/logs", USER, logs_get),
    OGC(GET, "/jobs/{jobId}/steps", USER, steps_get),
    OGC(GET, "/jobs/{jobId}/prov", USER, prov_get),
    OGC(GET, "/jobs/{jobId}/results", USER, results_get),
    OGC(GET, "/jobs/{jobId}/results/{outputId}", USER, result_get),

    /* OGC Web Processing Service 1.0.0 and 2.0.0 */
    ROUTE(GET, WPS_ROOT, NOBODY, wps_get, WPS),
    ROUTE(POST, WPS_ROOT, NOBODY, wps_post, WPS, .body = BODY_BYTES),
    ROUTE(GET, WPS_ROOT "/status/{file}", SIGNED, wps_status_get, WPS),

    /* STAC API, and the files that its assets name */
    STAC(GET, "", NOBODY, landing_get),
    STAC(GET, "/conformance", NOBODY, conformance_get),
    STAC(GET, "/children", NOBODY, children_get),
    STAC(GET, "/collections", NOBODY, collections_get),
    STAC(GET, "/collections/{collectionId}", NOBODY, collection_get, .quick = true),
    STAC(GET, "/collections/{collectionId}/children", NOBODY, collection_children_get),
    STAC(GET, "/collections/{collectionId}/browse", NOBODY, browse_get),
    STAC(GET, "/collections/{collectionId}/browse/children", NOBODY, browse_children_get),
    STAC(GET, "/collections/{collectionId}/browse/{period}", NOBODY, browse_period_get),
    STAC(GET, "/collections/{collectionId}/browse/{period}/children", NOBODY,
         browse_period_children_get),
    STAC(GET, "/collections/{collectionId}/items", NOBODY, items_get, .quick = true),
    STAC(GET, "/collections/{collectionId}/items/{itemId}", NOBODY, item_get, .quick = true),
    STAC(GET, "/search", NOBODY, search_get, .quick = true),
    STAC(POST, "/search", NOBODY, search_post, .body = BODY_JSON, .quick = true),
    STAC(GET, "/queryables", NOBODY, queryables_get),
    STAC(GET, "/sortables", NOBODY, sortables_get),
    STAC(GET, "/collections/{collectionId}/queryables", NOBODY, collection_queryables_get),
    STAC(GET, "/collections/{collectionId}/sortables", NOBODY, collection_sortables_get),
    STAC(GET, "/functions", NOBODY, functions_get),
    STAC(GET, "/collections-queryables", NOBODY, searched_queryables_get),
    STAC(GET, "/collections-sortables", NOBODY, searched_sortables_get),
    STAC(GET, "/aggregations", NOBODY, aggregations_get),
    STAC(GET, "/aggregate", NOBODY, aggregate_get),
    STAC(POST, "/aggregate", NOBODY, aggregate_post, .body = BODY_JSON),
    STAC(GET, "/collections/{collectionId}/aggregations", NOBODY, collection_aggregations_get),
    STAC(GET, "/collections/{collectionId}/aggregate", NOBODY, collection_aggregate_get),
    STAC(POST, "/collections", USER, collections_post, .body = BODY_JSON),
    STAC(PUT, "/collections/{collectionId}", USER, collection_put, .body = BODY_JSON),
    STAC(PATCH, "/collections/{collectionId}", USER, collection_patch, .body = BODY_JSON),
    STAC(DELETE, "/collections/{collectionId}", USER, collection_delete),
    STAC(POST, "/collections/{collectionId}/items", USER, items_post, .body = BODY_BYTES,
         .bulk = true),
    STAC(POST, "/collections/{collectionId}/bulk_items", USER, bulk_post, .body = BODY_JSON),
    STAC(PUT, "/collections/{collectionId}/items/{itemId}", USER, item_put, .body = BODY_JSON),
    STAC(PATCH, "/collections/{collectionId}/items/{itemId}", USER, item_patch, .body = BODY_JSON),
    STAC(DELETE, "/collections/{collectionId}/items/{itemId}", USER, item_delete),
    STAC(GET, "/collections/{collectionId}/feed.atom", NOBODY, atom_get),
    STAC(GET, "/changes", NOBODY, changes_get),
    STAC(GET, "/changes/stream", NOBODY, changes_stream_get),
    ROUTE(GET, "/data/{collection}/{item}/{asset}/{file}", NOBODY, stac_data_get, STAC),

    /* PEPS: resto 2.x, for the scripts of its users */
    RESTO(GET, "/api/collections/{collection}/search.json", NOBODY, search_get),
    RESTO(GET, "/api/collections/{collection}/describe.xml", NOBODY, describe_get),
    RESTO(GET, "/collections/{collection}/{id}", NOBODY, feature_get),
    RESTO(GET, "/collections/{collection}/{id}/download", USER, download_get),
    ROUTE(GET, RESTO_ROOT "/wps", NOBODY, peps_get, RESTO),
    ROUTE(GET, RESTO_ROOT "/wps/status/{file}", USER, peps_status_get, RESTO),
    ROUTE(GET, RESTO_ROOT "/wps/results/{jobId}/{file}", USER, peps_result_get, RESTO),

    {.pattern = NULL},
};
