/* GET /stac/changes/stream: server-sent events. One thread of the server reads the changes once for all
 * readers (feed/tape.h) and writes to each what concerns him. A reader who came back with the last event
 * that he saw is behind the others, and catches up page by page whenever all that was written to him is
 * sent. An idle reader costs a heartbeat, which also tells him how far the changes have been looked
 * through for him. Who is logged in comes back every few minutes: that is when keys that were revoked
 * and tokens that ran out are noticed. A client has so many streams at once; those that he has left (a
 * page that was loaded again) are found when somebody comes, so that they do not count for long. */
#include "api/stac/changes.h"
#include "api/stac/stac.h"
#include "api/stac/wish.h"
#include "base/instant.h"
#include "base/log.h"
#include "feed/tape.h"
#include "feed/telling.h"
#include "http/stream.h"
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uthash.h>

enum { WAITING_BYTES = 4 << 20, BEAT_MS = 15000, RETRY_MS = 1000, ROUND_MS = 20, UNSETTLED_MS = 200 };

struct client {
    char *key;
    int64_t streams;
    UT_hash_handle hh;
};

struct reader {
    struct stream *stream;
    struct client *client;
    struct arena *arena;
    struct interest interest;
    struct listener to;
    int64_t seq, written_at, ends_at;
    struct reader *next;
};

struct live {
    const struct config *config;
    char *url;
    struct db *db;
    struct tape *tape;
    struct reader *readers;
    pthread_t thread;
    int wake;
    pthread_mutex_t lock; /* of what follows */
    struct reader *arrived;
    struct client *clients; /* who have a stream */
    int64_t count;
    bool look; /* for those who have left */
    bool stopping;
};

static struct live *live; /* of this process; NULL: it has no streams */

static void count_out(struct live *l, struct client *client)
{
    l->count--;
    if (--client->streams)
        return;
    HASH_DEL(l->clients, client);
    free(client->key);
    free(client);
}

static void reader_free(struct reader *reader)
{
    if (reader->client) {
        pthread_mutex_lock(&live->lock);
        count_out(live, reader->client);
        pthread_mutex_unlock(&live->lock);
    }
    stream_drop(reader->stream);
    arena_free(reader->arena);
    free(reader);
}

/* ---- the thread ---- */

static bool write_page(struct db *db, struct reader *reader, struct changes *page, struct err *err)
{
    AUTO(text) struct text events = { 0 };

    for (size_t i = 0; i < page->count; i++) {
        struct change *change = &page->all[i];

        if (!interest_meets(&reader->interest, change))
            continue;
        text_printf(&events, "id: %" PRId64 "\nevent: %s\ndata: ", change->seq, change->kind);
        if (!telling_add(&events, db, change, &reader->to, err))
            return false;
        text_add(&events, "\n\n");
    }
    reader->seq = page->last;
    if (events.length == 0)
        return true;
    reader->written_at = instant_monotonic();
    return stream_write(reader->stream, events.data, events.length);
}

/* An event without data is none, but its id is kept. */
static bool beat(struct reader *reader, int64_t now)
{
    AUTO(text) struct text beat = { 0 };

    if (now - reader->written_at < BEAT_MS)
        return true;
    reader->written_at = now;
    text_printf(&beat, ": still here\nid: %" PRId64 "\n\n", reader->seq);
    return stream_write(reader->stream, beat.data, beat.length);
}

/* Changes that were removed before he read them cannot be told: the end of the stream makes him ask
 * again, and the answer to that says so. */
static bool serve(struct live *l, struct reader *reader, int64_t now, bool *ret_again, struct err *err)
{
    struct changes *page;

    if (now >= reader->ends_at)
        return false;
    if (!stream_is_empty(reader->stream)) {
        *ret_again = true;
        return beat(reader, now);
    }
    if (!tape_read(l->tape, l->db, reader->seq, &page, err))
        return false;
    *ret_again |= page->more || page->unsettled;
    return write_page(l->db, reader, page, err) && beat(reader, now);
}

/* Milliseconds until it must look again. `look`: somebody may have left. */
static int round_of(struct live *l, bool look)
{
    int64_t now = instant_monotonic(), next = now + BEAT_MS / 3;
    struct err err = { 0 };
    bool again = false;

    tape_turn(l->tape);
    for (struct reader **at = &l->readers; *at;) {
        struct reader *reader = *at;

        if (!(look && stream_is_left(reader->stream)) && serve(l, reader, now, &again, &err)) {
            next = reader->ends_at < next ? reader->ends_at : next;
            at = &reader->next;
            continue;
        }
        if (err.code && !db_is_alive(l->db)) {
            log_write(LOG_WARNING, NULL, "streams: %s", err.message);
            break;
        }
        err_clear(&err);
        *at = reader->next;
        reader_free(reader);
    }
    next = again && now + UNSETTLED_MS < next ? now + UNSETTLED_MS : next;
    return !l->readers ? -1 : (int)(next - now);
}

/* Puts those who have come to the others; false: the server stops. */
static bool welcome(struct live *l, bool *ret_look)
{
    struct reader *arrived, *next;
    bool stopping;

    pthread_mutex_lock(&l->lock);
    arrived = l->arrived;
    l->arrived = NULL;
    stopping = l->stopping;
    *ret_look = l->look;
    l->look = false;
    pthread_mutex_unlock(&l->lock);
    for (; arrived; arrived = next) {
        next = arrived->next;
        arrived->next = l->readers;
        l->readers = arrived;
    }
    return !stopping;
}

static bool connect_database(struct live *l)
{
    struct err err = { 0 };

    if (l->db && db_is_alive(l->db))
        return true;
    db_close(l->db);
    l->db = NULL;
    return db_open(l->url, &l->db, &err) && db_listen(l->db, CATALOG_CHANNEL, &err);
}

static void *work(void *arg)
{
    struct live *l = arg;
    bool look;

    while (welcome(l, &look)) {
        int wait = !l->readers ? -1 : connect_database(l) ? round_of(l, look) : RETRY_MS;
        struct pollfd fds[2] = { { .fd = l->wake, .events = POLLIN }, { .fd = -1 } };
        const char *channel, *payload;
        uint64_t count;

        if (l->readers && l->db)
            fds[1] = (struct pollfd){ .fd = db_socket(l->db), .events = POLLIN };
        while (l->readers && l->db && db_notice(l->db, &channel, &payload))
            wait = 0; /* came while it looked */
        poll(fds, 2, wait);
        if (fds[0].revents && read(l->wake, &count, sizeof count) < 0)
            continue;
        if (fds[1].revents) /* what comes in a moment is one round */
            usleep(ROUND_MS * 1000);
    }
    return NULL;
}

void live_start(const struct config *config, const char *database_url)
{
    live = MEM_NEW(struct live);
    live->config = config;
    live->url = mem_text(database_url);
    live->tape = tape_new();
    live->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&live->lock, NULL);
    if (pthread_create(&live->thread, NULL, work, live) != 0)
        abort();
}

static void nudge(struct live *l)
{
    uint64_t one = 1;

    if (write(l->wake, &one, sizeof one) < 0)
        return; /* the counter is full: the thread is awake anyway */
}

void live_stop(void)
{
    struct reader *reader;
    bool unused;

    if (!live)
        return;
    pthread_mutex_lock(&live->lock);
    live->stopping = true;
    pthread_mutex_unlock(&live->lock);
    nudge(live);
    pthread_join(live->thread, NULL);
    welcome(live, &unused);
    while ((reader = live->readers)) {
        live->readers = reader->next;
        reader_free(reader);
    }
    tape_free(live->tape);
    db_close(live->db);
    close(live->wake);
    pthread_mutex_destroy(&live->lock);
    free(live->url);
    free(live);
    live = NULL;
}

/* ---- the handler ---- */

/* Where he goes on: after the last event that he saw, after `since`, else from now on. */
static bool find_place(struct request *rq, int64_t *ret_seq, struct err *err)
{
    const char *last = request_header(rq, "Last-Event-ID");
    struct changes page;
    double number;

    if (last && *last) {
        if (!text_to_number(last, &number) || number < 0 || number > 9e15 || number != (double)(int64_t)number)
            return err_set(err, ERR_InvalidParameter, "Last-Event-ID: expected the id of an event, found '%.40s'",
                           last);
        *ret_seq = (int64_t)number;
    } else if (!request_query_integer(rq, "since", 0, INT64_C(9000000000000000), CHANGES_FIRST, ret_seq, err)) {
        return false;
    }
    if (*ret_seq == CHANGES_FIRST)
        return changes_last(rq->db, ret_seq, err);
    if (!changes_read(rq->db, *ret_seq, 1, &page, err)) /* refused now rather than in the stream */
        return false;
    changes_done(&page);
    return true;
}

static struct reader *reader_of(struct request *rq, const struct wish *wish, struct err *err)
{
    struct reader *reader = MEM_NEW(struct reader);
    const char **ids;

    reader->arena = arena_new();
    reader->to.base_url = arena_text(reader->arena, rq->base_url);
    reader->ends_at = instant_monotonic() + 1000 * (rq->user ? rq->config->http_stream_time_user : rq->config->http_stream_time);
    reader->interest.viewer = reader->to.viewer = rq->user ? arena_text(reader->arena, rq->user->id) : NULL;
    reader->interest.n_collections = wish->interest.n_collections;
    ids = arena_array(reader->arena, wish->interest.n_collections + 1, sizeof *ids);
    for (size_t i = 0; i < wish->interest.n_collections; i++)
        ids[i] = arena_text(reader->arena, wish->interest.collections[i]);
    reader->interest.collections = ids;
    if (!wish->condition ||
        interest_condition(wish->condition, reader->arena, &reader->interest.condition, err))
        return reader;
    reader_free(reader);
    return NULL;
}

static bool count_in(struct live *l, const char *key, struct client **ret_client, struct err *err)
{
    int64_t most = l->config->http_client_streams;
    struct client *client;

    HASH_FIND_STR(l->clients, key, client);
    if (client && client->streams >= most)
        return err_set(err, ERR_TooManyRequests,
                       "%" PRId64 " of your streams are open, as many as a client may have "
                       "(http.client_streams); close one, or ask for several collections in one",
                       client->streams);
    if (!client) {
        client = MEM_NEW(struct client);
        client->key = mem_text(key);
        HASH_ADD_KEYPTR(hh, l->clients, client->key, strlen(client->key), client);
    }
    client->streams++;
    l->count++;
    *ret_client = client;
    return true;
}

/* Streams may take half of the connections: the rest is for those who ask and go. */
static bool enter(struct live *l, const char *key, struct reader *reader, struct err *err)
{
    bool good;

    pthread_mutex_lock(&l->lock);
    l->look = true;
    good = !l->stopping && l->count < l->config->http_max_connections / 2;
    if (!good)
        err_set(err, ERR_InfrastructureBusy, "There are as many streams as there may be");
    else if ((good = count_in(l, key, &reader->client, err))) {
        reader->next = l->arrived;
        l->arrived = reader;
    }
    pthread_mutex_unlock(&l->lock);
    nudge(l);
    return good;
}

/* Who loses the connection before the first event goes on from here. */
static void greet(struct reader *reader)
{
    AUTO(text) struct text greeting = { 0 };

    text_printf(&greeting, "retry: 3000\n: changes of the catalogue\nid: %" PRId64 "\n\n", reader->seq);
    if (!stream_write(reader->stream, greeting.data, greeting.length))
        abort(); /* nobody else has it yet */
}

bool stac_changes_stream_get(struct request *rq, struct reply *reply, struct err *err)
{
    static const char *const others[] = { "since", "items", NULL };
    AUTO(wish) struct wish wish = { 0 };
    struct reader *reader;
    bool with_items;
    int64_t seq;

    if (!changes_flag(rq, "items", &with_items, err) || !wish_of_query(rq, others, &wish, err) ||
        !find_place(rq, &seq, err))
        return false;
    if (!live)
        return err_set(err, ERR_FeatureUnsupported, "This server has no streams; poll /stac/changes");
    if (rq->method == HEAD) {
        reply_header(rq, reply, "Content-Type", "text/event-stream");
        return reply_empty(reply, 200);
    }
    reader = reader_of(rq, &wish, err);
    if (!reader)
        return false;
    reader->to.with_items = with_items;
    reader->seq = seq;
    reader->stream = stream_new(WAITING_BYTES);
    reader->written_at = instant_monotonic();
    greet(reader);
    reply_stream(rq, reply, reader->stream, "text/event-stream");
    if (enter(live, request_caller(rq), reader, err))
        return true;
    stream_drop(reader->stream); /* the answer's */
    reply->stream = NULL;
    reader_free(reader);
    return false;
}
