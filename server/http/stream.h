/* An answer without an end, written by whoever has something to tell (server-sent events). No thread
 * is held: the connection sleeps until something is written. Functions may be called on any thread. */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include "http/reply.h"

struct stream;

/* `limit`: bytes that may wait for a reader who is slower than what is written; then he is cut off.
 * Made with two references: one for the answer (reply_stream), one for the writer. */
struct stream *stream_new(size_t limit);
void stream_drop(struct stream *stream); /* the writer's; the answer ends when all is sent */
/* False: the reader is gone or was cut off. */
bool stream_write(struct stream *stream, const char *bytes, size_t size);
/* All that was written is sent, or as good as: the writer may go on with what is older. */
bool stream_is_empty(struct stream *stream);
/* The reader has closed his side while nothing was sent to him. */
bool stream_is_left(struct stream *stream);

/* Answers with what is written to the stream. */
bool reply_stream(struct request *rq, struct reply *reply, struct stream *stream, const char *media);

#endif
