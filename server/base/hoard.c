/* A table by key, and a list in the order of use. What is being made is in the table already, so that it is made once; when
 * that fails it is taken out, and whoever waited tries himself. */
#include "base/hoard.h"
#include "base/mem.h"
#include <pthread.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

struct hoarded {
    bool is_there;
    size_t users, bytes;
    void *thing;
    struct hoarded *prev, *next; /* of those that are there, the latest used last */
    UT_hash_handle hh;
    char key[]; /* of kind.key_size bytes */
};

struct hoard {
    struct hoard_kind kind;
    size_t bytes, most_bytes;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct hoarded *by_key, *there;
};

struct hoard *hoard_new(const struct hoard_kind *kind, size_t most_bytes)
{
    struct hoard *hoard = MEM_NEW(struct hoard);

    hoard->kind = *kind;
    hoard->most_bytes = most_bytes;
    pthread_mutex_init(&hoard->lock, NULL);
    pthread_cond_init(&hoard->changed, NULL);
    return hoard;
}

static void take_out(struct hoard *hoard, struct hoarded *one)
{
    if (one->is_there) {
        DL_DELETE(hoard->there, one);
        hoard->bytes -= one->bytes;
        hoard->kind.drop(one->thing);
    }
    HASH_DEL(hoard->by_key, one);
    free(one);
}

void hoard_free(struct hoard *hoard)
{
    struct hoarded *one, *next;

    if (!hoard)
        return;
    HASH_ITER(hh, hoard->by_key, one, next)
        take_out(hoard, one);
    pthread_cond_destroy(&hoard->changed);
    pthread_mutex_destroy(&hoard->lock);
    free(hoard);
}

static void make_room(struct hoard *hoard)
{
    struct hoarded *one, *next;

    DL_FOREACH_SAFE(hoard->there, one, next) {
        if (hoard->bytes <= hoard->most_bytes)
            return;
        if (one->users == 0)
            take_out(hoard, one);
    }
}

static struct hoarded *find(struct hoard *hoard, const void *key)
{
    struct hoarded *one;

    HASH_FIND(hh, hoard->by_key, key, hoard->kind.key_size, one);
    return one;
}

/* With the lock held, and again when it returns. */
static struct hoarded *make(struct hoard *hoard, const void *key, struct err *err)
{
    struct hoarded *one = mem_array(1, sizeof *one + hoard->kind.key_size);
    bool good;

    memcpy(one->key, key, hoard->kind.key_size);
    HASH_ADD_KEYPTR(hh, hoard->by_key, one->key, hoard->kind.key_size, one);
    pthread_mutex_unlock(&hoard->lock);
    good = hoard->kind.make(hoard->kind.context, one->key, &one->thing, &one->bytes, err);
    pthread_mutex_lock(&hoard->lock);
    pthread_cond_broadcast(&hoard->changed);
    if (!good) {
        take_out(hoard, one);
        return NULL;
    }
    one->is_there = true;
    hoard->bytes += one->bytes;
    DL_APPEND(hoard->there, one);
    return one;
}

const void *hoard_take(struct hoard *hoard, const void *key, struct err *err)
{
    struct hoarded *one;

    pthread_mutex_lock(&hoard->lock);
    while ((one = find(hoard, key)) && !one->is_there)
        pthread_cond_wait(&hoard->changed, &hoard->lock);
    if (!one)
        one = make(hoard, key, err);
    if (one) {
        one->users++;
        DL_DELETE(hoard->there, one);
        DL_APPEND(hoard->there, one);
        make_room(hoard);
    }
    pthread_mutex_unlock(&hoard->lock);
    return one ? one->thing : NULL;
}

void hoard_give(struct hoard *hoard, const void *key)
{
    pthread_mutex_lock(&hoard->lock);
    find(hoard, key)->users--;
    make_room(hoard);
    pthread_mutex_unlock(&hoard->lock);
}
