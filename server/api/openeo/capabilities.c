/* What this service is and can do. The list of endpoints is read from the route table, so that it
 * cannot promise more or less than is there. */
#include "api/common/build.h"
#include "api/openeo/openeo.h"
#include "base/text.h"
#include "config.h"
#include "graph/graph.h"
#include "jobs/workspace.h"
#include "udf/runtime.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const method_names[METHOD_COUNT] = {
    [GET] = "GET", [POST] = "POST", [PUT] = "PUT", [PATCH] = "PATCH", [DELETE] = "DELETE",
};

const struct openeo_version openeo_versions[OPENEO_MINORS] = {
    [OPENEO_MINOR_2] = { OPENEO_1_2, "1.2.0" },
    [OPENEO_MINOR_3] = { OPENEO_1_3, "1.3.0" },
};

enum openeo_minor openeo_minor(const struct request *rq)
{
    return text_begins(rq->path, OPENEO_1_3) ? OPENEO_MINOR_3 : OPENEO_MINOR_2;
}

const char *openeo_href(struct request *rq, const char *format, ...)
{
    const char *path;
    va_list args;

    va_start(args, format);
    path = arena_vprintf(rq->arena, format, args);
    va_end(args);
    return href_of(rq, "%s%s", openeo_versions[openeo_minor(rq)].root, path);
}

static const struct {
    const char *uri;
    enum openeo_minor since;
} conformance[] = {
    { "https://api.stacspec.org/v1.0.0/core", OPENEO_MINOR_2 },
    { "https://api.stacspec.org/v1.0.0/collections", OPENEO_MINOR_2 },
    { "https://api.openeo.org/extensions/processing-parameters/0.1.0", OPENEO_MINOR_2 },
    { "https://api.openeo.org/extensions/remote-process-definition/0.1.0", OPENEO_MINOR_2 },
    { "https://api.openeo.org/1.3.0/authentication/jwt", OPENEO_MINOR_3 },
};

static json_t *conformance_list(const struct request *rq)
{
    json_t *list = json_pack("[o]", json_sprintf("https://api.openeo.org/%s",
                                                 openeo_versions[openeo_minor(rq)].number));

    for (size_t i = 0; i < ARRAY_LEN(conformance); i++)
        if (openeo_minor(rq) >= conformance[i].since)
            json_array_append_new(list, json_string(conformance[i].uri));
    if (workspace_provider(rq->config, NULL))
        json_array_append_new(list, json_string("https://api.openeo.org/extensions/workspaces/0.1.0"));
    return list;
}

/* "/files/{path*}" is "/files/{path}" in the documents. */
static void documented_path(const char *pattern, char *path, size_t size)
{
    size_t n = 0;

    for (; *pattern && n + 1 < size; pattern++)
        if (*pattern != '*')
            path[n++] = *pattern;
    path[n] = '\0';
}

/* A list of none is not allowed since 1.3. */
static bool offers_runtimes(const struct request *rq)
{
    return openeo_minor(rq) < OPENEO_MINOR_3 || udf_runtime(rq->config);
}

static json_t *endpoints(const struct request *rq)
{
    const char *own = openeo_versions[openeo_minor(rq)].root;
    const size_t root = strlen(own);
    json_t *list = json_array(), *paths = json_object();

    for (const struct route *route = routes; route->pattern; route++) {
        char path[200];
        json_t *methods;

        if (strncmp(route->pattern, own, root) || route->pattern[root] != '/' ||
            !method_names[route->method] ||
            (route->handler == openeo_credentials_oidc_get && !*rq->config->auth_oidc_issuer) ||
            (route->handler == openeo_udf_runtimes_get && !offers_runtimes(rq)))
            continue; /* clients ask for the providers when this is listed */
        documented_path(route->pattern + root, path, sizeof path);
        methods = json_object_get(paths, path);
        if (!methods) {
            methods = json_array();
            json_object_set_new(paths, path, methods);
            json_array_append_new(list, json_pack("{s:s, s:O}", "path", path, "methods", methods));
        }
        json_array_append_new(methods, json_string(method_names[route->method]));
    }
    json_decref(paths);
    return list;
}

static json_t *capability_links(struct request *rq)
{
    json_t *links = json_array();

    link_add(links, "self", openeo_href(rq, "/"), "application/json", "This document");
    link_add(links, "root", openeo_href(rq, "/"), "application/json", "This service");
    link_add(links, "version-history", href_of(rq, "/.well-known/openeo"), "application/json",
             "Versions of the openEO API");
    link_add(links, "data", openeo_href(rq, "/collections"), "application/json",
             "Collections");
    link_add(links, "conformance", openeo_href(rq, "/conformance"), "application/json",
             "Conformance classes");
    link_add(links, "service-desc", href_of(rq, "/api/openeo"),
             "application/vnd.oai.openapi+json;version=3.0", "The API in OpenAPI");
    link_add(links, "about", href_of(rq, "/"), "text/html", "Home page");
    return links;
}

static const char *price_list(struct request *rq)
{
    const struct config *c = rq->config;

    return arena_printf(rq->arena, "%g %s for an hour of work, %g for a gigabyte of memory for an hour, %g for a "
                        "gigabyte of results.", c->billing_work_hour, c->billing_currency,
                        c->billing_memory_gb_hour, c->billing_result_gb);
}

/* GET / */
bool openeo_capabilities_get(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *body = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o}", "api_version",
        openeo_versions[openeo_minor(rq)].number, "backend_version", PACKAGE_VERSION, "stac_version", "1.0.0", "type",
        "Catalog", "id", "sentier", "title", "Sentier", "description",
        "Processing of Earth-observation data next to its catalogue: search Sentinel scenes, "
        "describe a computation as a process graph, follow it, and fetch cloud-optimised results.",
        "production", 1, "conformsTo", conformance_list(rq), "endpoints", endpoints(rq), "links",
        capability_links(rq));

    (void)err;
    if (*rq->config->billing_currency)
        json_object_set_new(body, "billing",
                            json_pack("{s:s, s:s, s:[{s:s, s:s, s:b}]}", "currency",
                                      rq->config->billing_currency, "default_plan", OPENEO_PLAN, "plans", "name",
                                      OPENEO_PLAN, "description", price_list(rq), "paid", 1));
    return reply_json(reply, 200, body, NULL);
}

/* GET /.well-known/openeo */
bool openeo_well_known_get(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *list = json_array();

    (void)err;
    for (size_t i = 0; i < OPENEO_MINORS; i++)
        json_array_append_new(list, json_pack("{s:s, s:b, s:s}", "url",
                                              href_of(rq, "%s", openeo_versions[i].root), "production",
                                              1, "api_version", openeo_versions[i].number));
    return reply_json(reply, 200, json_pack("{s:o}", "versions", list), NULL);
}

bool openeo_conformance_get(struct request *rq, struct reply *reply, struct err *err)
{
    (void)err;
    return reply_json(reply, 200, json_pack("{s:o}", "conformsTo", conformance_list(rq)), NULL);
}

/* GET /file_formats: outputs are what save_result takes, inputs what load_uploaded_files takes. */
bool openeo_file_formats_get(struct request *rq, struct reply *reply, struct err *err)
{
    (void)rq, (void)err;
    return reply_json(reply, 200, json_pack("{s:o, s:o}", "input", graph_input_formats(), "output", graph_formats()),
                      NULL);
}

bool openeo_udf_runtimes_get(struct request *rq, struct reply *reply, struct err *err)
{
    if (!offers_runtimes(rq))
        return err_set(err, ERR_NotFound, "There are no runtimes for user-defined functions here.");
    return reply_json(reply, 200, udf_runtimes(rq->config), NULL);
}

static json_t *uri_schema(void)
{
    return json_pack("{s:s, s:s}", "type", "string", "format", "uri");
}

static json_t *dialect_parameter(struct request *rq)
{
    return json_pack("{s:s, s:s, s:b, s:s, s:{s:s, s:[s, s]}}", "name", "dialect", "description",
                     "How the process graph is written: by the definitions, or as the Copernicus Data Space takes it, "
                     "where a few things that the definitions refuse have a meaning.",
                     "optional", 1, "default", rq->config->jobs_dialect, "schema", "type", "string", "enum", "openeo",
                     "cdse");
}

/* Those of jobs: who is told of their end. */
static json_t *job_parameters(struct request *rq)
{
    json_t *list = json_pack("[o]", dialect_parameter(rq));

    if (*rq->config->mail_relay)
        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:b, s:[{s:s}, {s:s, s:s}]}", "name", "notify_email", "description",
            "Whether an e-mail tells of the job's end: to the address of the account (true), or to this one where the service "
            "writes to its domain.", "optional", 1, "default", 0, "schema", "type", "boolean", "type", "string", "format", "email"));
    json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:n, s:{s:s, s:{s:o, s:o, s:o}}}", "name", "subscriber", "description",
        "Addresses that are called when the job runs, has finished, or has failed or was canceled, as the subscriber of OGC API - "
        "Processes; calls are signed (GET /api/notices has the secret).", "optional", 1, "default", "schema", "type", "object", "properties",
        "inProgressUri", uri_schema(), "successUri", uri_schema(), "failedUri", uri_schema()));
    return list;
}

/* GET /processing_parameters: what requests may say beside what the API names. */
bool openeo_processing_parameters_get(struct request *rq, struct reply *reply, struct err *err)
{
    (void)err;
    return reply_json(reply, 200,
                      json_pack("{s:o, s:[o], s:[]}", "create_job_parameters", job_parameters(rq),
                                "create_synchronous_parameters", dialect_parameter(rq), "create_service_parameters"),
                      NULL);
}
