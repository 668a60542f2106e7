/* Errors as each face wants them. A message of ours may name things that are none of the client's
 * business (SQL, paths): errors of the server itself are logged under the request id, and the client
 * gets the id. */
#include "base/log.h"
#include "http/ows.h"
#include "http/respond.h"
#include "json/js.h"
#include <inttypes.h>
#include <string.h>

static bool is_private(enum err_code code)
{
    return code == ERR_Internal || code == ERR_DatabaseFailed || code == ERR_ConfigInvalid ||
           code == ERR_DatabaseNewer || code == ERR_StorageFailure;
}

/* openEO answers 403 to wrong credentials, HTTP at large 401. */
static int status_of(const struct exchange *ex)
{
    enum err_code code = ex->err.code;

    if (ex->match.face != FACE_OPENEO && (code == ERR_TokenInvalid || code == ERR_CredentialsInvalid))
        return 401;
    return err_status(code);
}

static json_t *body_of(const struct exchange *ex, int status, const char *message)
{
    enum err_code code = ex->err.code;

    if (ex->match.face == FACE_OPENEO)
        return json_pack("{s:s, s:s, s:s, s:[]}", "id", ex->rq.id, "code", err_name(code), "message",
                         message, "links");
    if (ex->match.face == FACE_RESTO) /* scripts look for the key ErrorCode */
        return json_pack("{s:i, s:s}", "ErrorCode", status, "ErrorMessage", message);
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s}", "type", err_type(code), "title",
                     err_title(code), "status", status, "detail", message, "code", err_name(code),
                     "instance", ex->rq.id);
}

/* A page that asks by script must not make the browser open its own log-in window; a person who opens an address may. */
static void add_challenges(struct exchange *ex)
{
    const char *mode = request_header(&ex->rq, "Sec-Fetch-Mode");

    reply_header(&ex->rq, &ex->reply, "WWW-Authenticate", "Bearer realm=\"sentier\"");
    if (!request_header(&ex->rq, "Origin") && (!mode || !strcmp(mode, "navigate")))
        reply_header(&ex->rq, &ex->reply, "WWW-Authenticate",
                     "Basic realm=\"sentier\", charset=\"UTF-8\"");
}

/* OGC's clients may insist on plain JSON. */
static const char *media_of(const struct exchange *ex)
{
    static const char *const offers[] = { "application/problem+json", "application/json", NULL };

    if (ex->match.face == FACE_OPENEO || ex->match.face == FACE_RESTO)
        return "application/json";
    return offers[ex->match.face == FACE_OGC && request_accepts(&ex->rq, offers) == 1];
}

static void answer_report(struct exchange *ex, int status, const char *message)
{
    const char *version = request_query(&ex->rq, "version");
    bool second = version && *version == '2';
    char *report = ows_report(second ? OWS_2_0 : OWS_1_1, ows_code(ex->err.code), NULL, message);

    text_repair_utf8(report);
    reply_bytes(&ex->reply, status, report, strlen(report), "text/xml; charset=utf-8");
}

static void answer_json(struct exchange *ex, int status, const char *message)
{
    json_t *body = body_of(ex, status, message);

    if (!body) /* the message quotes bytes that are not UTF-8 */
        body = body_of(ex, status, err_title(ex->err.code));
    reply_json(&ex->reply, status, body, media_of(ex));
}

void respond_error(struct exchange *ex)
{
    struct reply *reply = &ex->reply;
    enum err_code code = ex->err.code;
    int status = status_of(ex);
    const char *message = is_private(code) ? err_title(code) : ex->err.message;
    char allowed[ROUTE_METHODS_SIZE];

    if (is_private(code))
        log_write(LOG_ERROR, ex->rq.id, "%s: %s", err_name(code), ex->err.message);
    free(reply->body);
    *reply = (struct reply){ 0 };
    if (ex->match.face == FACE_WPS)
        answer_report(ex, status, message);
    else
        answer_json(ex, status, message);
    if (status == 401)
        add_challenges(ex);
    if (status == 503 || status == 429)
        reply_header(&ex->rq, reply, "Retry-After", code == ERR_TooManyOrders ? "60" : "2");
    if (code == ERR_MethodNotAllowed)
        reply_header(&ex->rq, reply, "Allow", "%s", route_methods(ex->match.allowed, allowed));
    if (code == ERR_RangeNotSatisfiable)
        reply_header(&ex->rq, reply, "Content-Range", "bytes */%" PRId64, ex->file_size);
}
