/* Types of CWL for those who speak JSON Schema. */
#ifndef API_OGC_PACKAGE_TYPES_H
#define API_OGC_PACKAGE_TYPES_H

#include "api/ogc/ogc.h"

/* The caller owns it. */
json_t *ogc_schema_of_type(const json_t *type, bool is_output);

#endif
