/* What this service is and can do. The list of endpoints is read from the route table, so that it
 * cannot promise more or less than is there. */
#include "api/common/build.h"
#include "api/openeo/openeo.h"
#include "config.h"
#include "graph/graph.h"
#include <string.h>

static const char *const method_names[METHOD_COUNT] = {
    [GET] = "GET", [POST] = "POST", [PUT] = "PUT", [PATCH] = "PATCH", [DELETE] = "DELETE",
};

static const char *const conformance[] = {
    OPENEO_CONFORMANCE,
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
};

static json_t *conformance_list(void)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ARRAY_LEN(conformance); i++)
        json_array_append_new(list, json_string(conformance[i]));
    return list;
}

static json_t *endpoints(void)
{
    const size_t root = strlen(OPENEO_ROOT);
    json_t *list = json_array(), *paths = json_object();

    for (const struct route *route = routes; route->pattern; route++) {
        const char *path = route->pattern + root;
        json_t *methods;

        if (strncmp(route->pattern, OPENEO_ROOT "/", root + 1) || !method_names[route->method] ||
            !strcmp(path, "/"))
            continue;
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

    link_add(links, "self", href_of(rq, OPENEO_ROOT "/"), "application/json", "This document");
    link_add(links, "root", href_of(rq, OPENEO_ROOT "/"), "application/json", "This service");
    link_add(links, "version-history", href_of(rq, "/.well-known/openeo"), "application/json",
             "Versions of the openEO API");
    link_add(links, "data", href_of(rq, OPENEO_ROOT "/collections"), "application/json",
             "Collections");
    link_add(links, "conformance", href_of(rq, OPENEO_ROOT "/conformance"), "application/json",
             "Conformance classes");
    link_add(links, "service-desc", href_of(rq, "/api/openeo"),
             "application/vnd.oai.openapi+json;version=3.0", "The API in OpenAPI");
    link_add(links, "about", href_of(rq, "/"), "text/html", "Home page");
    return links;
}

/* GET /openeo/1.2/ */
bool openeo_capabilities_get(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *body = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o}", "api_version",
        OPENEO_API_VERSION, "backend_version", PACKAGE_VERSION, "stac_version", "1.0.0", "type",
        "Catalog", "id", "sentier", "title", "Sentier", "description",
        "Processing of Earth-observation data next to its catalogue: search Sentinel scenes, "
        "describe a computation as a process graph, follow it, and fetch cloud-optimised results.",
        "production", 1, "conformsTo", conformance_list(), "endpoints", endpoints(), "links",
        capability_links(rq));

    (void)err;
    return reply_json(reply, 200, body, NULL);
}

/* GET /.well-known/openeo */
bool openeo_well_known_get(struct request *rq, struct reply *reply, struct err *err)
{
    (void)err;
    return reply_json(reply, 200,
                      json_pack("{s:[{s:s, s:b, s:s}]}", "versions", "url",
                                href_of(rq, OPENEO_ROOT), "production", 1, "api_version",
                                OPENEO_API_VERSION),
                      NULL);
}

bool openeo_conformance_get(struct request *rq, struct reply *reply, struct err *err)
{
    (void)rq, (void)err;
    return reply_json(reply, 200, json_pack("{s:o}", "conformsTo", conformance_list()), NULL);
}

/* GET /file_formats: outputs are what save_result takes; nothing is read from files of users. */
bool openeo_file_formats_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *text = graph_formats();
    json_t *output;

    (void)rq;
    if (!js_parse(text, strlen(text), JS_DEFAULT_DEPTH, &output, err))
        return false;
    return reply_json(reply, 200, json_pack("{s:{}, s:o}", "input", "output", output), NULL);
}

bool openeo_udf_runtimes_get(struct request *rq, struct reply *reply, struct err *err)
{
    (void)rq, (void)err;
    return reply_json(reply, 200, json_object(), NULL);
}

bool openeo_service_types_get(struct request *rq, struct reply *reply, struct err *err)
{
    (void)rq, (void)err;
    return reply_json(reply, 200, json_object(), NULL);
}
