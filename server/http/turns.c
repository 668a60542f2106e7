/* A client is here as long as something of his waits or runs. Those who have a request that may run
 * stand in a ring: the first gives one request and, when another may run, goes to the end. */
#include "http/turns.h"
#include <string.h>
#include <uthash.h>

struct client {
    char *key;
    struct exchange *first, **last; /* what waits, oldest first */
    size_t waiting, running;
    bool in_ring;
    int64_t ready_since;
    struct client *next; /* in the ring */
    UT_hash_handle hh;
};

struct turns {
    size_t most_running, most_waiting, waiting;
    struct client *clients;
    struct client *first, **last; /* the ring */
};

struct turns *turns_new(size_t most_running, size_t most_waiting)
{
    struct turns *turns = MEM_NEW(struct turns);

    turns->most_running = most_running;
    turns->most_waiting = most_waiting;
    turns->last = &turns->first;
    return turns;
}

void turns_free(struct turns *turns)
{
    free(turns);
}

static struct client *find(const struct turns *turns, const char *key)
{
    struct client *client;

    HASH_FIND_STR(turns->clients, key, client);
    return client;
}

static struct client *find_or_make(struct turns *turns, const char *key)
{
    struct client *client = find(turns, key);

    if (client)
        return client;
    client = MEM_NEW(struct client);
    client->key = mem_text(key);
    client->last = &client->first;
    HASH_ADD_KEYPTR(hh, turns->clients, client->key, strlen(client->key), client);
    return client;
}

static void enter_ring(struct turns *turns, struct client *client, int64_t now)
{
    if (client->in_ring || client->waiting == 0 || client->running >= turns->most_running)
        return;
    client->in_ring = true;
    client->ready_since = now;
    client->next = NULL;
    *turns->last = client;
    turns->last = &client->next;
}

bool turns_has_room(const struct turns *turns, const char *key)
{
    const struct client *client = find(turns, key);

    return !client || client->waiting < turns->most_waiting;
}

void turns_add(struct turns *turns, struct exchange *ex, int64_t now)
{
    struct client *client = find_or_make(turns, ex->client);

    ex->queued = now;
    ex->next = NULL;
    *client->last = ex;
    client->last = &ex->next;
    client->waiting++;
    turns->waiting++;
    enter_ring(turns, client, now);
}

struct exchange *turns_take(struct turns *turns, int64_t now)
{
    struct client *client = turns->first;
    struct exchange *ex;

    if (!client)
        return NULL;
    turns->first = client->next;
    if (!turns->first)
        turns->last = &turns->first;
    client->in_ring = false;
    ex = client->first;
    client->first = ex->next;
    if (!client->first)
        client->last = &client->first;
    client->waiting--;
    turns->waiting--;
    client->running++;
    ex->turn = client;
    enter_ring(turns, client, now);
    return ex;
}

const struct exchange *turns_first(const struct turns *turns)
{
    return turns->first ? turns->first->first : NULL;
}

struct client *turns_begin(struct turns *turns, const char *key)
{
    struct client *client = find(turns, key);

    if (turns->waiting || (client && client->running >= turns->most_running))
        return NULL;
    client = find_or_make(turns, key);
    client->running++;
    return client;
}

void turns_end(struct turns *turns, struct client *client, int64_t now)
{
    client->running--;
    enter_ring(turns, client, now);
    if (client->waiting || client->running)
        return;
    HASH_DEL(turns->clients, client);
    free(client->key);
    free(client);
}

size_t turns_waiting(const struct turns *turns)
{
    return turns->waiting;
}

int64_t turns_since(const struct turns *turns, const char *key)
{
    const struct client *client = key ? find(turns, key) : NULL;
    int64_t ready = turns->first ? turns->first->ready_since : 0;
    int64_t own = client && client->first ? client->first->queued : 0;

    return own && (!ready || own < ready) ? own : ready;
}
