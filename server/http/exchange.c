/* An exchange is made when MHD has read the request line and ends when the last byte was sent. What
 * is wrong with a request is kept in ->err and answered when the request has come in, so that the
 * client is there to read it. */
#include "http/exchange.h"
#include "base/instant.h"
#include "base/text.h"
#include "json/js.h"
#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MAX_TARGET = 16384, MAX_HEADER_BYTES = 32 << 10, MAX_HEADERS = 200, DRAIN_BYTES = 64 << 20, UNUSED_BODY = 64 << 10, MAX_HOST = 255,
       BODIES_AT_ONCE = 16, LEAST_BODIES = 64 << 20 };

struct exchange *exchange_new(struct server *server, struct MHD_Connection *connection,
                              const char *target)
{
    struct exchange *ex = MEM_NEW(struct exchange);

    atomic_fetch_add(&server->in_flight, 1);
    ex->server = server;
    ex->connection = connection;
    ex->started = instant_monotonic();
    ex->rq.arena = arena_new();
    ex->rq.config = server->config;
    ex->rq.exchange = ex;
    ex->url.path = "/";
    if (strlen(target) > MAX_TARGET)
        err_set(&ex->err, ERR_UriTooLong, "The address has %zu bytes, at most %d are read",
                strlen(target), MAX_TARGET);
    else if (!url_parse(ex->rq.arena, target, &ex->url, &ex->err))
        ex->url.path = "(refused)";
    ex->rq.path = ex->url.path;
    return ex;
}

void exchange_free(struct exchange *ex)
{
    if (ex->response)
        MHD_destroy_response(ex->response);
    atomic_fetch_sub(&ex->server->in_flight, 1);
    exchange_drop_body(ex);
    upload_drop(ex);
    free(ex->reply.body);
    reply_source_free(ex->reply.source);
    arena_free(ex->rq.arena);
    free(ex);
}

const char *request_header(const struct request *rq, const char *name)
{
    return MHD_lookup_connection_value(rq->exchange->connection, MHD_HEADER_KIND, name);
}

/* A caller's own request id is kept when it can stand in a log line. */
static void take_id(struct exchange *ex)
{
    const char *id = request_header(&ex->rq, "X-Request-Id");

    if (id && text_is_plain_name(id, ID_UUID_SIZE - 1))
        snprintf(ex->rq.id, sizeof ex->rq.id, "%s", id);
    else
        id_uuid(ex->rq.id);
}

static const char *peer_address(const struct exchange *ex)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(ex->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *peer = info ? info->client_addr : NULL;
    char address[INET6_ADDRSTRLEN] = "";

    if (peer && peer->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)peer)->sin_addr, address, sizeof address);
    else if (peer && peer->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)peer)->sin6_addr, address,
                  sizeof address);
    return arena_text(ex->rq.arena, address);
}

/* A proxy adds the address that it saw at the end; what stands before is the client's own word. */
static const char *client_address(const struct exchange *ex)
{
    const char *forwarded = request_header(&ex->rq, "X-Forwarded-For"), *last;

    if (ex->rq.config->http_trusted_proxy && forwarded) {
        last = strrchr(forwarded, ',') ? strrchr(forwarded, ',') + 1 : forwarded;
        last += strspn(last, " ");
        if (*last && strlen(last) < INET6_ADDRSTRLEN &&
            strspn(last, "0123456789abcdefABCDEF.:") == strlen(last))
            return arena_text(ex->rq.arena, last);
    }
    return peer_address(ex);
}

static enum method method_of(const char *name)
{
    enum method method = 0;

    while (method < METHOD_COUNT && strcmp(method_names[method], name))
        method++;
    return method;
}

static void find_route(struct exchange *ex, const char *method)
{
    char allowed[ROUTE_METHODS_SIZE];

    ex->rq.method = method_of(method);
    route_find(ex->server->table, ex->rq.method, &ex->url, ex->rq.arena, &ex->match);
    ex->rq.route = ex->match.route;
    if (ex->err.code || ex->match.route || ex->rq.method == OPTIONS)
        return;
    if (ex->match.allowed == 0)
        err_set(&ex->err, ERR_NotFound, "There is nothing at %s", ex->url.path);
    else
        err_set(&ex->err, ERR_MethodNotAllowed, "%s does not offer %s; it offers %s", ex->url.path,
                method, route_methods(ex->match.allowed, allowed));
}

static void too_large(struct exchange *ex)
{
    bool file = ex->match.route && ex->match.route->body == BODY_FILE;

    err_set(&ex->err, file ? ERR_FileSizeExceeded : ERR_PayloadTooLarge,
            "The body is larger than %" PRId64 " bytes", ex->body_limit);
}

struct header_sum {
    size_t count, bytes, hosts;
};

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                  const char *value, size_t value_size)
{
    struct header_sum *sum = cls;

    (void)kind, (void)value;
    sum->count++;
    sum->hosts += name_size == 4 && !strncasecmp(name, "Host", 4);
    sum->bytes += name_size + value_size + 4; /* ": " and the end of the line */
    return MHD_YES;
}

/* RFC 9112, 3.2: whom a request is for must be beyond doubt, since a proxy in front may read it otherwise. */
static void check_host(struct exchange *ex, const char *version, size_t hosts)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()*+,;=:[]";
    const char *host = request_header(&ex->rq, "Host");

    if (hosts > 1)
        err_set(&ex->err, ERR_BadRequest, "Host: expected one header field, found %zu", hosts);
    else if (hosts == 0 && !strcmp(version, MHD_HTTP_VERSION_1_1))
        err_set(&ex->err, ERR_BadRequest, "Host: a request of HTTP/1.1 has this header field");
    else if (host && host[strspn(host, allowed)])
        err_set(&ex->err, ERR_BadRequest, "Host: expected the name and port of this server, found '%.100s'", host);
}

/* Before libmicrohttpd runs out of memory for them and refuses in its own words, which a page of another
 * origin may not read. Where a body ends must be beyond doubt: a proxy in front may read it otherwise. */
static void check_headers(struct exchange *ex, const char *version)
{
    const char *coding = request_header(&ex->rq, "Transfer-Encoding");
    struct header_sum sum = { 0 };

    MHD_get_connection_values_n(ex->connection, MHD_HEADER_KIND, add_header, &sum);
    check_host(ex, version, sum.hosts);
    if (sum.count > MAX_HEADERS || sum.bytes > MAX_HEADER_BYTES)
        err_set(&ex->err, ERR_HeadersTooLarge,
                "The request has %zu header fields of %zu bytes together; at most %d of %d are read",
                sum.count, sum.bytes, MAX_HEADERS, MAX_HEADER_BYTES);
    if (coding && strcasecmp(coding, "chunked"))
        err_set(&ex->err, ERR_FeatureUnsupported, "Transfer-Encoding: expected chunked, found '%.40s'", coding);
    if (coding && request_header(&ex->rq, "Content-Length"))
        err_set(&ex->err, ERR_BadRequest,
                "Transfer-Encoding and Content-Length: expected one of them, found both");
}

bool exchange_ends_here(const struct exchange *ex)
{
    const char *coding = request_header(&ex->rq, "Transfer-Encoding");
    bool clear = !coding || (!strcasecmp(coding, "chunked") && !request_header(&ex->rq, "Content-Length"));

    return ex->err.code && (request_header(&ex->rq, "Expect") || !clear);
}

void exchange_begin(struct exchange *ex, const char *method, const char *version)
{
    const char *length = request_header(&ex->rq, "Content-Length");
    const struct route *route;

    take_id(ex);
    ex->rq.client = client_address(ex);
    check_headers(ex, version);
    find_route(ex, method);
    route = ex->match.route;
    ex->body_limit = !route || route->body == BODY_NONE ? UNUSED_BODY
                     : route->body == BODY_FILE         ? ex->rq.config->files_max_size
                     : route->max_body                  ? route->max_body
                     : route->bulk                      ? ex->rq.config->http_max_bulk
                                                        : ex->rq.config->http_max_body;
    if (length && strtoll(length, NULL, 10) > ex->body_limit)
        too_large(ex);
}

void exchange_drop_body(struct exchange *ex)
{
    atomic_fetch_sub(&ex->server->bodies, (long long)ex->body.length);
    text_drop(&ex->body);
    json_decref(ex->rq.body);
    ex->rq.body = NULL;
    ex->rq.bytes = NULL;
    ex->rq.size = 0;
}

/* Bodies come in before anybody asks who sends them: all connections together get only so much. */
static void keep(struct exchange *ex, const void *bytes, size_t size)
{
    int64_t most = ex->rq.config->http_max_body * BODIES_AT_ONCE;

    most = most > LEAST_BODIES ? most : LEAST_BODIES;
    if (most < 2 * ex->rq.config->http_max_bulk)
        most = 2 * ex->rq.config->http_max_bulk;
    text_addn(&ex->body, bytes, size);
    if (atomic_fetch_add(&ex->server->bodies, (long long)size) + (int64_t)size <= most)
        return;
    exchange_drop_body(ex);
    err_set(&ex->err, ERR_InfrastructureBusy, "Too many large requests come in at once");
}

/* What is too large is read on and thrown away for a while: a client that still sends would take a
 * closed connection for a broken one and never see the answer. */
bool exchange_take(struct exchange *ex, const void *bytes, size_t size)
{
    ex->received += (int64_t)size;
    if (ex->received > ex->body_limit)
        too_large(ex);
    else if (ex->err.code == ERR_None && ex->upload)
        upload_take(ex, bytes, size);
    else if (ex->err.code == ERR_None && ex->match.route && ex->match.route->body != BODY_NONE)
        keep(ex, bytes, size);
    return ex->received <= ex->body_limit + DRAIN_BYTES;
}

static bool is_host(const char *host)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";

    return host && *host && strlen(host) <= MAX_HOST && strspn(host, allowed) == strlen(host);
}

/* The address that links are made of: configured, told by a trusted proxy, or what the client used. */
static const char *base_url(const struct exchange *ex)
{
    const struct request *rq = &ex->rq;
    const struct config *config = rq->config;
    const char *host = request_header(rq, "Host"), *scheme = "http", *prefix = "";

    if (*config->http_base_url) {
        size_t length = strlen(config->http_base_url);
        char *base = arena_text(rq->arena, config->http_base_url);

        while (length && base[length - 1] == '/')
            base[--length] = '\0';
        return base;
    }
    if (config->http_trusted_proxy) {
        const char *proto = request_header(rq, "X-Forwarded-Proto");
        const char *forwarded = request_header(rq, "X-Forwarded-Host");
        const char *path = request_header(rq, "X-Forwarded-Prefix");

        scheme = proto && !strcmp(proto, "https") ? "https" : "http";
        host = is_host(forwarded) ? forwarded : host;
        if (path && path[0] == '/' && path[1] && text_is_plain_name(path + 1, MAX_HOST))
            prefix = path;
    }
    if (!is_host(host))
        return arena_printf(rq->arena, strchr(config->http_address, ':') ? "%s://[%s]:%d%s"
                                                                        : "%s://%s:%d%s",
                            scheme, config->http_address, ex->server->port, prefix);
    return arena_printf(rq->arena, "%s://%s%s", scheme, host, prefix);
}

static bool is_json_media(const char *type)
{
    size_t length = strcspn(type, "; \t");

    return (length == 16 && !strncasecmp(type, "application/json", 16)) ||
           (length > 5 && !strncasecmp(type + length - 5, "+json", 5));
}

static bool read_json(struct exchange *ex, json_t **ret_json, struct err *err)
{
    const char *type = request_header(&ex->rq, "Content-Type");
    const char *encoding = request_header(&ex->rq, "Content-Encoding");

    if (encoding && strcasecmp(encoding, "identity"))
        return err_set(err, ERR_UnsupportedMediaType,
                       "Content-Encoding: bodies of requests are not compressed here, found '%.40s'",
                       encoding);
    if (ex->rq.size == 0 && ex->match.route->body_optional)
        return true;
    if (ex->rq.size > 0 && type && *type && !is_json_media(type))
        return err_set(err, ex->match.face == FACE_OPENEO ? ERR_ContentTypeInvalid
                                                          : ERR_UnsupportedMediaType,
                       "Content-Type: expected application/json, found '%.100s'", type);
    return js_parse((const char *)ex->rq.bytes, ex->rq.size, (size_t)ex->rq.config->http_max_depth,
                    ret_json, err);
}

bool request_json(struct request *rq, json_t **ret_json, struct err *err)
{
    if ((int64_t)rq->size > rq->config->http_max_body)
        return err_set(err, ERR_PayloadTooLarge,
                       "A body in JSON may have %" PRId64 " bytes; lines of items may have more",
                       rq->config->http_max_body);
    return read_json(rq->exchange, ret_json, err);
}

bool exchange_prepare(struct exchange *ex, struct err *err)
{
    ex->rq.base_url = base_url(ex);
    if (ex->body.length) {
        ex->rq.bytes = (const unsigned char *)ex->body.data;
        ex->rq.size = ex->body.length;
    }
    if (ex->rq.upload)
        ex->rq.size = (size_t)ex->received;
    return ex->match.route->body != BODY_JSON || read_json(ex, &ex->rq.body, err);
}

const char *request_variable(const struct request *rq, const char *name)
{
    const struct route_match *match = &rq->exchange->match;

    for (size_t i = 0; i < match->n_variables; i++)
        if (!strcmp(match->variables[i].name, name))
            return match->variables[i].value;
    assert(!"the pattern has no such variable");
    return "";
}

const char *request_query(const struct request *rq, const char *name)
{
    return url_query(&rq->exchange->url, name);
}

bool request_query_at(const struct request *rq, size_t i, const char **ret_name,
                      const char **ret_value)
{
    const struct url *url = &rq->exchange->url;

    if (i >= url->n_query)
        return false;
    *ret_name = url->query[i].name;
    *ret_value = url->query[i].value;
    return true;
}

bool request_query_integer(const struct request *rq, const char *name, int64_t least, int64_t most,
                           int64_t fallback, int64_t *ret_number, struct err *err)
{
    const char *text = request_query(rq, name);
    double number;

    *ret_number = fallback;
    if (!text)
        return true;
    if (!text_to_number(text, &number) || number < -9e15 || number > 9e15 ||
        number != (double)(int64_t)number)
        return err_set(err, ERR_InvalidParameter, "%s: expected a whole number, found '%.100s'",
                       name, text);
    if (number < (double)least || number > (double)most)
        return err_set(err, ERR_InvalidParameter,
                       "%s: %s is outside [%" PRId64 ", %" PRId64 "]", name, text, least, most);
    *ret_number = (int64_t)number;
    return true;
}
