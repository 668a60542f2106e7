/* OGC Web Processing Service 1.0.0 and 2.0.0 under WPS_ROOT, and PEPS's under /resto/wps: the
 * processes and jobs of /ogc in XML. Execute requests become those of OGC API - Processes
 * (execute.c) and run as they do. */
#ifndef API_WPS_WPS_H
#define API_WPS_WPS_H

#include "api/ogc/execution.h"
#include "api/ogc/products.h"
#include "api/wps/request.h"
#include "base/text.h"
#include "http/route.h"

#define WPS_ROOT "/wps"
#define WPS_MEDIA "text/xml; charset=utf-8"

/* wps.c */
handler_fn wps_get, wps_post, wps_status_get;

/* The query of a request. */
bool wps_read_query(struct request *rq, struct wps_request *wps, struct wps_problem *problem,
                    struct err *err) MUST_USE;

/* ---- describe.c ---- */

bool wps_reply_capabilities(struct request *rq, struct reply *reply, const struct wps_request *wps,
                            struct err *err);
bool wps_reply_descriptions(struct request *rq, struct reply *reply, const struct wps_request *wps,
                            struct wps_problem *problem, struct err *err);

/* The description of what is built in or what the caller may see of what was deployed. */
bool wps_describe(struct request *rq, enum ows_version version, const char *id, json_t **ret_description,
                  struct wps_problem *problem, struct err *err) MUST_USE;

/* ---- values.c ---- */

/* How a schema looks to WPS: one value, four corners, or something else with a media type. */
enum wps_kind { WPS_LITERAL, WPS_BOX, WPS_COMPLEX };
enum wps_kind wps_kind_of(const json_t *schema);
const char *wps_media_of(const json_t *schema); /* of complex data */
/* The inputs of a request as the "inputs" of an execute request in JSON. Errors: InvalidParameter.
 */
bool wps_inputs(const struct wps_request *wps, const json_t *description, json_t **ret_inputs,
                struct wps_problem *problem, struct err *err) MUST_USE;

/* ---- execute.c ---- */

bool wps_execute(struct request *rq, struct reply *reply, const struct wps_request *wps,
                 struct wps_problem *problem, struct err *err);
/* Called again when the job that is waited for has changed. */
bool wps_execute_again(struct request *rq, struct reply *reply, struct err *err);

/* ---- answer.c ---- */

/* What of an Execute request is needed to answer it, kept with the job as request.wps. */
struct wps_form {
    enum ows_version version;
    bool raw, store;
    bool later;            /* whoever has waited long enough may ask again */
    const char *name;      /* of PEPS; NULL: the job did not come by its door */
    const json_t *lineage; /* the body, when the answer is to repeat its inputs and outputs */
};
bool wps_is_later(const struct wps_request *wps);
struct wps_form wps_form_of(const struct job *job);
json_t *wps_form_json(const struct wps_request *wps, const json_t *body);
/* The ExecuteResponse of 1.0.0: the state of the job, with the results of one that has finished. */
bool wps_reply_response(struct request *rq, struct reply *reply, const struct job *job,
                        struct err *err);
/* StatusInfo and Result of 2.0.0. */
bool wps_reply_status(struct reply *reply, const struct job *job);
bool wps_reply_result(struct request *rq, struct reply *reply, const struct job *job,
                      struct wps_problem *problem, struct err *err);
/* The bytes of the only output. */
bool wps_reply_raw(struct request *rq, struct reply *reply, const struct job *job, struct err *err);
#endif

/* ---- document.c ---- */

/* Sends a document (which it takes), without characters that XML does not have. */
bool wps_send(struct reply *reply, struct text *xml);
/* An element of one text; none for NULL. */
void wps_add_element(struct text *xml, const char *name, const char *text);
/* Title, abstract, keywords, identifier of a description, in the order of the version. */
void wps_add_identity(struct text *xml, enum ows_version version, const char *id,
                      const json_t *description);
