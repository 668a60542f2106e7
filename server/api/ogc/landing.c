/* The entry of this face and what it conforms to: only classes whose requirements are met. */
#include "api/common/build.h"
#include "api/ogc/html.h"
#include "api/ogc/package.h"

static const char *const conformance[] = {
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/ogc-process-description",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/job-list",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/dismiss",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/callback",
    "http://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/ogc-process-description",
    "http://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/job-list",
    "http://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/callback",
    "http://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/dismiss",
    "http://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/kvp-execute",
    "http://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/collection-output",
    "http://www.opengis.net/spec/ogcapi-processes-4/1.0/conf/job-management",
    "http://www.opengis.net/spec/ogcapi-processes-3/0.0/conf/nested-processes",
    "http://www.opengis.net/spec/ogcapi-processes-3/0.0/conf/deployable-workflows",
    "http://www.opengis.net/spec/ogcapi-processes-3/0.0/conf/openeo-workflows",
    "http://www.opengis.net/spec/ogcapi-processes-3/0.0/conf/collection-input",
    "http://www.opengis.net/spec/ogcapi-processes-3/0.0/conf/remote-collections",
    "http://www.opengis.net/spec/ogcapi-processes-3/0.0/conf/input-fields-modifiers",
    "http://www.opengis.net/spec/ogcapi-processes-3/0.0/conf/output-fields-modifiers",
    "http://www.opengis.net/spec/ogcapi-processes-3/0.0/conf/collection-output",
    "http://www.opengis.net/spec/ogcapi-processes-4/1.0/conf/ogcapi-processes",
    "http://www.opengis.net/spec/ogcapi-processes-4/1.0/conf/openeo",
    "http://www.opengis.net/spec/ogcapi-processes-4/1.0/conf/provenance",
    "http://www.opengis.net/spec/ogcapi-processes-2/1.0/conf/deploy-replace-undeploy",
    "http://www.opengis.net/spec/ogcapi-processes-2/1.0/conf/ogcapppkg",
};

/* Where commands can be run. */
static const char *const of_commands[] = {
    "http://www.opengis.net/spec/ogcapi-processes-2/1.0/conf/cwl",
    "http://www.opengis.net/spec/ogcapi-processes-3/0.0/conf/cwl-workflows",
};

/* Where other servers may be called. */
static const char remote_processes[] = "http://www.opengis.net/spec/ogcapi-processes-3/0.0/conf/remote-core-processes";

/* GET /ogc */
bool ogc_landing_get(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *links;

    if (!OGC_QUERY(rq, err))
        return false;
    links = json_array();
    ogc_link_both(rq, links, href_of(rq, OGC_ROOT "/"), "This document");
    link_add(links, "service-desc", href_of(rq, "/api/ogc"),
             "application/vnd.oai.openapi+json;version=3.0", "The API in OpenAPI");
    link_add(links, "service-doc", href_of(rq, "/api/ogc?f=html"), "text/html", "The API as a page");
    link_add(links, OGC_REL "conformance", href_of(rq, OGC_ROOT "/conformance"),
             "application/json", "Conformance classes");
    link_add(links, OGC_REL "processes", href_of(rq, OGC_ROOT "/processes"), "application/json",
             "Processes");
    link_add(links, OGC_REL "job-list", href_of(rq, OGC_ROOT "/jobs"), "application/json", "Jobs");
    link_add(links, "data", href_of(rq, OGC_ROOT "/collections"), "application/json", "Outputs as collections");
    link_add(links, "about", href_of(rq, "/"), "text/html", "Home page");
    return ogc_answer(rq, reply, 200,
                      json_pack("{s:s, s:s, s:o}", "title", "Sentier: OGC API - Processes",
                                "description",
                                "Ready-made processing of Earth-observation data, run near its "
                                "catalogue.",
                                "links", links),
                      html_ogc_landing, err);
}

/* GET /ogc/conformance */
bool ogc_conformance_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct err no_commands = { 0 };
    json_t *list;

    if (!OGC_QUERY(rq, err))
        return false;
    list = json_array();
    for (size_t i = 0; i < ARRAY_LEN(conformance); i++)
        json_array_append_new(list, json_string(conformance[i]));
    for (size_t i = 0; i < ARRAY_LEN(of_commands) && ogc_package_runs_commands(rq->config, &no_commands); i++)
        json_array_append_new(list, json_string(of_commands[i]));
    if (*rq->config->workflows_servers)
        json_array_append_new(list, json_string(remote_processes));
    return ogc_answer(rq, reply, 200, json_pack("{s:o}", "conformsTo", list), html_ogc_conformance, err);
}
