/* The documentation of an API for people, made of its OpenAPI document. */
#ifndef API_COMMON_APIDOC_H
#define API_COMMON_APIDOC_H

#include "base/text.h"
#include "http/request.h"

void apidoc_page(const struct request *rq, const json_t *document, struct text *out);

#endif
