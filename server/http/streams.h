/* The streams that are being answered: the server ends them when it stops. */
#ifndef HTTP_STREAMS_H
#define HTTP_STREAMS_H

#include "http/exchange.h"
#include "http/stream.h"

struct streams;

struct streams *streams_new(void);
void streams_stop(struct streams *streams); /* ends all, and from now on at once */
void streams_free(struct streams *streams);

/* ->response of ex->reply.stream, whose reference for the answer it takes. */
void respond_stream(struct exchange *ex);

#endif
