/* If-None-Match: entity tags are compared weakly (RFC 9110, 8.8.3.2). */
#include "http/request.h"
#include <string.h>

static const char *without_weakness(const char *etag)
{
    return strncmp(etag, "W/", 2) ? etag : etag + 2;
}

bool request_none_match(const struct request *rq, const char *etag)
{
    const char *at = request_header(rq, "If-None-Match");

    etag = without_weakness(etag);
    while (at && *at) {
        size_t length;

        at += strspn(at, ", \t");
        length = strcspn(at, ", \t");
        if (length == 1 && *at == '*')
            return true;
        if (length > 2 && !strncmp(at, "W/", 2)) {
            at += 2;
            length -= 2;
        }
        if (length == strlen(etag) && !strncmp(at, etag, length))
            return true;
        at += length;
    }
    return false;
}
