/* What a user sends to deploy a process. */
#ifndef API_OGC_PACKAGE_H
#define API_OGC_PACKAGE_H

#include "api/ogc/ogc.h"

struct ogc_package {
    const char *id;
    bool mutable_, shared;
    json_t *description, *unit, *groups; /* owned */
    const char *type; /* media type, as it came */
};
void ogc_package_drop(struct ogc_package *package); /* AUTO(ogc_package) */
/* The body of the request: an application package (application/ogcapppkg+json), CWL (application/cwl, cwl+yaml, cwl+json) or an
 * openEO process (application/json). `id`: of the address, NULL: the package says it. Errors: PackageTypeUnsupported, BadRequest,
 * WorkflowNotFound, FeatureUnsupported, SandboxUnavailable, those of graphs. */
bool ogc_package_read(struct request *rq, const char *id, struct ogc_package *ret_package, struct err *err) MUST_USE;

/* What is run without being deployed: a unit, and the package that it came in, whose processDescription is taken. The id is
 * given. Errors as above. */
bool ogc_package_of_unit(struct request *rq, const json_t *unit, const json_t *sent, struct ogc_package *package,
                         struct err *err) MUST_USE;

/* Whether this site runs commands. Errors: SandboxUnavailable. */
bool ogc_package_runs_commands(const struct config *config, struct err *err) MUST_USE;

#endif
