/* The home page and the API documents. */
#ifndef API_COMMON_LANDING_H
#define API_COMMON_LANDING_H

#include "http/route.h"

handler_fn landing_get; /* GET / */
handler_fn api_get;     /* GET /api: a page of links */
handler_fn api_document_get; /* GET /api/{face} */

#endif
