/* Answers that are made while they are sent, as MHD asks for them: in order, by position. */
#include "http/respond.h"
#include <string.h>

enum { BLOCK = 256 << 10 };

struct state {
    struct reply_source source;
    int64_t sent;
};

void reply_source_free(struct reply_source *source)
{
    if (!source)
        return;
    source->free_context(source->context);
    free(source);
}

static ssize_t on_read(void *cls, uint64_t position, char *buffer, size_t most)
{
    struct state *state = cls;
    ssize_t got;

    if (position >= (uint64_t)state->source.size)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (position != (uint64_t)state->sent) /* nobody goes back */
        return MHD_CONTENT_READER_END_WITH_ERROR;
    got = state->source.read(state->source.context, buffer, most);
    if (got <= 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    state->sent += got;
    return got;
}

static void on_free(void *cls)
{
    struct state *state = cls;

    state->source.free_context(state->source.context);
    free(state);
}

void respond_source(struct exchange *ex)
{
    struct state *state = MEM_NEW(struct state);

    state->source = *ex->reply.source;
    free(ex->reply.source);
    ex->reply.source = NULL;
    ex->status = ex->reply.status;
    ex->response = MHD_create_response_from_callback((uint64_t)state->source.size, BLOCK, on_read, state,
                                                     on_free);
    if (!ex->response)
        on_free(state);
}
