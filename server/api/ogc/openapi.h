/* What the OpenAPI document of this face has beside openapi/ogc.json. */
#ifndef API_OGC_OPENAPI_H
#define API_OGC_OPENAPI_H

#include <jansson.h>

/* An operation for each process. */
void ogc_document_add(json_t *document);

#endif
