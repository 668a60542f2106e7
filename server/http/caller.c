/* Checking credentials costs a query, and Basic an argon2id; neither can be done on an epoll thread.
 * So the fingerprints of credentials that were right are remembered with their user. Credentials that
 * nobody has seen count for the address they come from: who tries many gains no turns by it. */
#include "http/caller.h"
#include "auth/auth.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <uthash.h>

enum { MAX_KNOWN = 10000 };

struct known {
    unsigned char fingerprint[SECRET_HASH_SIZE];
    char user[ID_UUID_SIZE];
    UT_hash_handle hh;
};

struct callers {
    pthread_mutex_t lock;
    struct known *known; /* oldest first */
};

struct callers *callers_new(void)
{
    struct callers *callers = MEM_NEW(struct callers);

    pthread_mutex_init(&callers->lock, NULL);
    return callers;
}

static void forget(struct callers *callers, struct known *known)
{
    HASH_DEL(callers->known, known);
    free(known);
}

void callers_free(struct callers *callers)
{
    if (!callers)
        return;
    while (callers->known)
        forget(callers, callers->known);
    pthread_mutex_destroy(&callers->lock);
    free(callers);
}

static bool fingerprint(const struct exchange *ex, unsigned char ret_hash[static SECRET_HASH_SIZE])
{
    struct credentials credentials = { .authorization = request_header(&ex->rq, "Authorization"),
                                       .api_key = request_header(&ex->rq, "X-API-Key") };

    if (!credentials.authorization && !credentials.api_key)
        return false;
    auth_fingerprint(&credentials, ret_hash);
    return true;
}

/* Who has an IPv6 address has the 2^64 beside it too. */
static const char *network_of(struct arena *arena, const char *address)
{
    struct in6_addr six;
    char text[INET6_ADDRSTRLEN] = "";

    if (inet_pton(AF_INET6, address, &six) != 1 || IN6_IS_ADDR_V4MAPPED(&six))
        return address;
    memset(six.s6_addr + 8, 0, 8);
    inet_ntop(AF_INET6, &six, text, sizeof text);
    return arena_text(arena, text);
}

const char *request_caller(const struct request *rq)
{
    bool told = request_header(rq, "Authorization") || request_header(rq, "X-API-Key");

    return rq->user && told ? rq->user->id : network_of(rq->arena, rq->client);
}

void caller_find(struct callers *callers, struct exchange *ex)
{
    unsigned char hash[SECRET_HASH_SIZE];
    struct known *known = NULL;

    ex->client = network_of(ex->rq.arena, ex->rq.client);
    if (!fingerprint(ex, hash))
        return;
    pthread_mutex_lock(&callers->lock);
    HASH_FIND(hh, callers->known, hash, sizeof hash, known);
    if (known)
        ex->client = arena_text(ex->rq.arena, known->user);
    pthread_mutex_unlock(&callers->lock);
}

void caller_learn(struct callers *callers, const struct exchange *ex)
{
    unsigned char hash[SECRET_HASH_SIZE];
    struct known *known;

    if (!strcmp(ex->client, ex->rq.user->id) || !fingerprint(ex, hash))
        return;
    pthread_mutex_lock(&callers->lock);
    HASH_FIND(hh, callers->known, hash, sizeof hash, known);
    if (!known) {
        if (HASH_COUNT(callers->known) >= MAX_KNOWN)
            forget(callers, callers->known);
        known = MEM_NEW(struct known);
        memcpy(known->fingerprint, hash, sizeof hash);
        HASH_ADD(hh, callers->known, fingerprint, sizeof hash, known);
    }
    memcpy(known->user, ex->rq.user->id, sizeof known->user);
    pthread_mutex_unlock(&callers->lock);
}
