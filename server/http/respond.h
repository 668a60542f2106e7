/* The parts of an answer that have a file of their own. */
#ifndef HTTP_RESPOND_H
#define HTTP_RESPOND_H

#include "http/exchange.h"

/* Makes ->reply from ->err in the way of the face: problem+json, or openEO's error object. */
void respond_error(struct exchange *ex);
/* ->response and ->status of a file: ranges, ETag, Last-Modified, conditions. */
void respond_file(struct exchange *ex);
/* ->response of ex->reply.source, which it takes. */
void respond_source(struct exchange *ex);

#endif
