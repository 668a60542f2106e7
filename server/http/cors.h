/* Cross-origin headers: on every answer, so that a web client on any site can also read errors. */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include <microhttpd.h>

void cors_add(struct MHD_Response *response);
/* The answer to OPTIONS; `methods` is "GET, POST". */
void cors_add_preflight(struct MHD_Response *response, const char *methods);

#endif
