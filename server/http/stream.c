/* MHD asks for bytes when it can send some. When there are none, the connection is suspended within
 * that question, and the next write resumes it. A suspended connection cannot go away, so what is
 * resumed is still there; that a reader has left is found when something is sent to him, or when
 * somebody asks the socket.
 *
 * A write never waits: who reads more slowly than the limit allows loses the rest and the connection,
 * and comes back with the place where he stopped. */
#include "http/stream.h"
#include "http/streams.h"
#include <poll.h>
#include <pthread.h>
#include <string.h>

enum { BLOCK = 4096 };

struct stream {
    pthread_mutex_t lock;
    int references;
    size_t limit, sent; /* bytes of `bytes` that MHD has taken */
    struct text bytes;
    bool ending; /* nothing is written any more: ends when all is sent */
    bool closed; /* nobody reads any more */
    struct MHD_Connection *suspended;
    struct MHD_Connection *connection;
    struct streams *all;
    struct stream *next, **back; /* in `all` */
};

struct streams {
    pthread_mutex_t lock;
    bool stopping;
    struct stream *first;
};

struct stream *stream_new(size_t limit)
{
    struct stream *stream = MEM_NEW(struct stream);

    pthread_mutex_init(&stream->lock, NULL);
    stream->references = 2;
    stream->limit = limit;
    return stream;
}

/* Unlocks; the last reference frees. */
static void release(struct stream *stream)
{
    bool last = --stream->references == 0;

    pthread_mutex_unlock(&stream->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&stream->lock);
    text_drop(&stream->bytes);
    free(stream);
}

/* Wakes the connection, then unlocks: while somebody is still in here, the answer cannot end, and so MHD
 * is not stopped under him. MHD has no lock of its own when it asks for bytes or ends an answer. */
static void wake_and_unlock(struct stream *stream)
{
    if (stream->suspended)
        MHD_resume_connection(stream->suspended);
    stream->suspended = NULL;
    pthread_mutex_unlock(&stream->lock);
}

static void end(struct stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    stream->ending = true;
    wake_and_unlock(stream);
}

void stream_drop(struct stream *stream)
{
    if (!stream)
        return;
    end(stream);
    pthread_mutex_lock(&stream->lock);
    release(stream);
}

bool stream_write(struct stream *stream, const char *bytes, size_t size)
{
    bool good;

    pthread_mutex_lock(&stream->lock);
    good = !stream->closed && !stream->ending;
    if (good && stream->bytes.length - stream->sent + size > stream->limit) {
        stream->ending = true; /* what waits is still whole events */
        good = false;
    }
    if (stream->sent > stream->limit) { /* a reader who follows, but never gets to the end */
        stream->bytes.length -= stream->sent;
        memmove(stream->bytes.data, stream->bytes.data + stream->sent, stream->bytes.length);
        stream->sent = 0;
    }
    if (good)
        text_addn(&stream->bytes, bytes, size);
    wake_and_unlock(stream);
    return good;
}

bool stream_is_empty(struct stream *stream)
{
    bool empty;

    pthread_mutex_lock(&stream->lock);
    empty = stream->bytes.length == stream->sent;
    pthread_mutex_unlock(&stream->lock);
    return empty;
}

/* MHD does not look at a suspended connection's socket, and cannot close it before it is resumed. */
bool stream_is_left(struct stream *stream)
{
    bool left = false;

    pthread_mutex_lock(&stream->lock);
    if (stream->suspended) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(stream->suspended, MHD_CONNECTION_INFO_CONNECTION_FD);
        struct pollfd fd = { .fd = info ? info->connect_fd : -1, .events = POLLRDHUP };

        left = poll(&fd, 1, 0) > 0 && (fd.revents & (POLLRDHUP | POLLHUP | POLLERR));
    }
    pthread_mutex_unlock(&stream->lock);
    return left;
}

bool reply_stream(struct request *rq, struct reply *reply, struct stream *stream, const char *media)
{
    reply->status = 200;
    reply->stream = stream;
    reply_header(rq, reply, "Content-Type", "%s", media);
    reply_header(rq, reply, "Cache-Control", "no-store");
    reply_header(rq, reply, "X-Accel-Buffering", "no"); /* nginx passes each event on at once */
    return true;
}

/* ---- MHD's side ---- */

static ssize_t on_read(void *cls, uint64_t position, char *buffer, size_t most)
{
    struct stream *stream = cls;
    ssize_t taken = 0;
    size_t left;

    (void)position;
    pthread_mutex_lock(&stream->lock);
    left = stream->bytes.length - stream->sent;
    if (left > 0) {
        taken = (ssize_t)(left < most ? left : most);
        memcpy(buffer, stream->bytes.data + stream->sent, (size_t)taken);
        stream->sent += (size_t)taken;
        if (stream->sent == stream->bytes.length) {
            text_drop(&stream->bytes); /* who sleeps holds no memory */
            stream->sent = 0;
        }
    } else if (stream->ending) {
        taken = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        MHD_suspend_connection(stream->connection);
        stream->suspended = stream->connection;
    }
    pthread_mutex_unlock(&stream->lock);
    return taken;
}

static void on_end(void *cls)
{
    struct stream *stream = cls;
    struct streams *all = stream->all;

    pthread_mutex_lock(&all->lock);
    *stream->back = stream->next;
    if (stream->next)
        stream->next->back = stream->back;
    pthread_mutex_unlock(&all->lock);
    pthread_mutex_lock(&stream->lock);
    stream->closed = true;
    release(stream);
}

static void enter(struct streams *all, struct stream *stream)
{
    pthread_mutex_lock(&all->lock);
    stream->all = all;
    if (all->stopping)
        end(stream);
    stream->next = all->first;
    stream->back = &all->first;
    if (stream->next)
        stream->next->back = &stream->next;
    all->first = stream;
    pthread_mutex_unlock(&all->lock);
}

void respond_stream(struct exchange *ex)
{
    struct stream *stream = ex->reply.stream;

    stream->connection = ex->connection;
    enter(ex->server->streams, stream);
    ex->status = ex->reply.status;
    ex->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, stream, on_end);
}

struct streams *streams_new(void)
{
    struct streams *all = MEM_NEW(struct streams);

    pthread_mutex_init(&all->lock, NULL);
    return all;
}

void streams_stop(struct streams *all)
{
    pthread_mutex_lock(&all->lock);
    all->stopping = true;
    for (struct stream *stream = all->first; stream; stream = stream->next)
        end(stream);
    pthread_mutex_unlock(&all->lock);
}

void streams_free(struct streams *all)
{
    if (!all)
        return;
    pthread_mutex_destroy(&all->lock);
    free(all);
}
