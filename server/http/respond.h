/* The parts of an answer that have a file of their own. */
#ifndef HTTP_RESPOND_H
#define HTTP_RESPOND_H

#include "http/exchange.h"

/* Makes ->reply from ->err in the way of the face: problem+json, or openEO's error object. */
void respond_error(struct exchange *ex);
/* ->response and ->status of a file: ranges, ETag, Last-Modified, conditions. */
void respond_file(struct exchange *ex);
/* Does If-None-Match hold this ETag (weak comparison)? */
bool respond_none_match(const struct exchange *ex, const char *etag);
/* The value of a header that the handler gave; NULL when it did not. */
const char *respond_given(const struct exchange *ex, const char *name);

/* ->response of ex->reply.source, which it takes. */
void respond_source(struct exchange *ex);

#endif
