/* The predefined processes, as text that is passed through, and validation. */
#include "api/common/build.h"
#include "api/openeo/openeo.h"
#include "base/text.h"
#include "graph/graph.h"
#include "jobs/udf_host.h"
#include "jobs/url.h"
#include "json/js.h"
#include "store/catalog.h"
#include "udf/runtime.h"
#include <string.h>

/* The process after the one that a page ended with. */
static bool first_of_page(struct request *rq, size_t *ret_first, struct err *err)
{
    const char *after = request_query(rq, "after");

    *ret_first = 0;
    if (!after)
        return true;
    for (size_t i = 0; i < process_count(); i++) {
        if (!strcmp(process_id(i), after)) {
            *ret_first = i + 1;
            return true;
        }
    }
    return err_set(err, ERR_InvalidParameter, "after: there is no process '%.60s'", after);
}

/* run_udf needs an interpreter, images of a radar the heights of the ground. */
static bool is_offered(const struct request *rq, size_t i)
{
    const char *id = process_id(i);

    if (!strcmp(id, "run_udf"))
        return udf_runtime(rq->config) != NULL;
    return (strcmp(id, "sar_backscatter") && strcmp(id, "ard_normalized_radar_backscatter")) || *rq->config->sar_dem;
}

/* The first from i on that is offered; process_count() if none is. */
static size_t next_offered(const struct request *rq, size_t i)
{
    while (i < process_count() && !is_offered(rq, i))
        i++;
    return i;
}

/* GET /processes */
bool openeo_processes_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(text) struct text body = { 0 };
    AUTO(json) json_t *links = json_array();
    AUTO(mem) char *link_text = NULL;
    const char *last = NULL;
    size_t i, size, n = 0;
    int64_t limit;

    if (!request_query_integer(rq, "limit", 1, 10000, 10000, &limit, err) ||
        !first_of_page(rq, &i, err))
        return false;
    text_add(&body, "{\"processes\":[");
    for (i = next_offered(rq, i); i < process_count() && n < (size_t)limit; i = next_offered(rq, i + 1)) {
        text_add(&body, n++ ? "," : "");
        text_add(&body, process_text(i));
        last = process_id(i);
    }
    link_add(links, "self", href_with(rq, "f", NULL), "application/json", NULL);
    if (last && i < process_count())
        link_add(links, "next", href_with(rq, "after", last), "application/json", NULL);
    link_text = json_dumps(links, JSON_COMPACT);
    text_printf(&body, "],\"version\":\"" OPENEO_PROCESSES "\",\"links\":%s}", link_text);
    size = body.length;
    return reply_bytes(reply, 200, text_take(&body), size, "application/json");
}

/* POST /validation: what is wrong with the process is an answer, not an error. */
bool openeo_validation_post(struct request *rq, struct reply *reply, struct err *err)
{
    struct catalog_viewer viewer = {
        .db = rq->db,
        .user = rq->user ? rq->user->id : NULL,
        .draft_id = js_text(rq->body, "id"), /* a process that needs itself */
        .draft = rq->body,
    };
    struct catalog catalog = catalog_store(&viewer);
    struct url_reader reader = { .config = rq->config, .db = rq->db, .user = viewer.user };
    json_t *errors;

    if (!dialect_find(rq->config->jobs_dialect, &catalog.dialect))
        catalog.dialect = DIALECT_OPENEO;
    if (rq->user) { /* a stranger makes no calls from here */
        url_allow(&catalog, &reader);
    } else {
        catalog.udf = udf_host(&reader);
        catalog.udf.code = NULL;
        url_name_elevation_model(&catalog, rq->config);
    }
    if (!graph_validate(rq->body, &catalog, &errors, err)) {
        if (err->code != ERR_ProcessGraphMissing)
            return false;
        errors = json_pack("[{s:s, s:s}]", "code", err_name(err->code), "message", err->message);
        err_clear(err);
    }
    return reply_json(reply, 200, json_pack("{s:o}", "errors", errors), NULL);
}
