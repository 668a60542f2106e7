/* Credentials travel in the Authorization header and never in cookies, so any origin may be allowed:
 * a foreign page cannot borrow a log-in that it does not hold. */
#include "http/cors.h"

void cors_add(struct MHD_Response *response)
{
    MHD_add_response_header(response, "Access-Control-Allow-Origin", "*");
    MHD_add_response_header(response, "Access-Control-Expose-Headers",
                            "Link, Location, OpenEO-Identifier, OpenEO-Costs, Retry-After, "
                            "Preference-Applied, ETag, Last-Modified, Accept-Ranges, Content-Range, "
                            "Content-Disposition, WWW-Authenticate, X-Request-Id");
}

void cors_add_preflight(struct MHD_Response *response, const char *methods)
{
    MHD_add_response_header(response, "Allow", methods);
    MHD_add_response_header(response, "Access-Control-Allow-Methods", methods);
    MHD_add_response_header(response, "Access-Control-Allow-Headers",
                            "Accept, Accept-Language, Authorization, Content-Type, If-Match, "
                            "If-Modified-Since, If-None-Match, If-Range, Prefer, Range, X-API-Key, "
                            "X-Request-Id");
    MHD_add_response_header(response, "Access-Control-Max-Age", "86400");
}
