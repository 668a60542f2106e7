/* Threads that take numbered pieces of work off one counter. */
#ifndef BASE_CREW_H
#define BASE_CREW_H

#include "base/err.h"
#include <stddef.h>

struct crew_work {
    size_t units;
    int threads; /* less than 1: one */
    void *context; /* shared; what in it is written needs a lock */
    /* What a thread keeps while it works (NULL: nothing), and its end. From that thread. */
    bool (*begin)(void *context, void **ret_own, struct err *err);
    void (*end)(void *context, void *own);
    bool (*unit)(void *context, void *own, size_t unit, struct err *err);
    /* Told after each unit, from any thread; NULL: nobody listens. */
    void (*progress)(void *listener, size_t done, size_t all);
    void *listener;
};

/* Runs all units, the lowest first; false with the first error, after which no further unit begins. */
bool crew_run(const struct crew_work *work, struct err *err) MUST_USE;

#endif
