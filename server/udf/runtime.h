/* The Python that users' code runs in: which one, what it can import, and where that lies. */
#ifndef UDF_RUNTIME_H
#define UDF_RUNTIME_H

#include "config/config.h"
#include <jansson.h>

struct udf_runtime {
    const char *python;        /* full path */
    const char *version;       /* "3.11.2" */
    const char *const *names;  /* under which a graph may ask for it: "3", "3.11"; the first is the default */
    const char *const *folders; /* that it reads beside /usr; NULL ends */
    const json_t *libraries;   /* {"numpy": "1.24.2"} */
};

/* NULL when none is configured or found, or it has no NumPy and xarray, or there is no sandbox for it. It is
 * looked for once (it takes a tenth of a second); any thread may ask. */
const struct udf_runtime *udf_runtime(const struct config *config);

/* GET /udf_runtimes: {} without one. The caller owns it. */
json_t *udf_runtimes(const struct config *config);

#endif
