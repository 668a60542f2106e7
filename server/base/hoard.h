/* Things that several threads use, each made once by who needs it first, and kept as long as there is room. */
#ifndef BASE_HOARD_H
#define BASE_HOARD_H

#include "base/auto.h"
#include "base/err.h"
#include <stddef.h>

struct hoard;
struct hoard_kind {
    size_t key_size; /* keys are compared as bytes: what lies between members is 0 */
    /* From the thread that needs it, without a lock. A thing may need things of other hoards, in a fixed order. */
    bool (*make)(void *context, const void *key, void **ret_thing, size_t *ret_bytes, struct err *err);
    void (*drop)(void *thing);
    void *context;
};

/* Beside what is in use at most most_bytes are kept, those that were used last. */
struct hoard *hoard_new(const struct hoard_kind *kind, size_t most_bytes);
void hoard_free(struct hoard *hoard);
DEFINE_AUTO(hoard, struct hoard *, hoard_free)

/* NULL with an error when it cannot be made; else the thing stays until as many hoard_give(). Who wants what another thread
 * is making waits for it. */
const void *hoard_take(struct hoard *hoard, const void *key, struct err *err) MUST_USE;
void hoard_give(struct hoard *hoard, const void *key);

#endif
