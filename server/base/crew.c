/* The caller is one of the threads, and alone when no other can be started. */
#include "base/crew.h"
#include "base/mem.h"
#include <pthread.h>
#include <stdatomic.h>

struct crew {
    const struct crew_work *work;
    atomic_size_t next, done;
    atomic_bool failed;
    pthread_mutex_t lock; /* of the error */
    struct err *err;
};

static void fail(struct crew *crew, const struct err *err)
{
    pthread_mutex_lock(&crew->lock);
    if (crew->err->code == ERR_None)
        *crew->err = *err;
    pthread_mutex_unlock(&crew->lock);
    atomic_store(&crew->failed, true);
}

static bool take_units(struct crew *crew, void *own, struct err *err)
{
    const struct crew_work *work = crew->work;
    size_t unit;

    while (!atomic_load(&crew->failed) && (unit = atomic_fetch_add(&crew->next, 1)) < work->units) {
        if (!work->unit(work->context, own, unit, err))
            return false;
        if (work->progress)
            work->progress(work->listener, atomic_fetch_add(&crew->done, 1) + 1, work->units);
    }
    return true;
}

static void *run(void *crew_)
{
    struct crew *crew = crew_;
    const struct crew_work *work = crew->work;
    struct err err = { 0 };
    void *own = NULL;

    if (work->begin && !work->begin(work->context, &own, &err)) {
        fail(crew, &err);
        return NULL;
    }
    if (!take_units(crew, own, &err))
        fail(crew, &err);
    if (work->end)
        work->end(work->context, own);
    return NULL;
}

bool crew_run(const struct crew_work *work, struct err *err)
{
    struct crew crew = { .work = work, .err = err, .lock = PTHREAD_MUTEX_INITIALIZER };
    size_t threads = work->threads > 1 ? (size_t)work->threads : 1, started = 0;
    AUTO(mem) pthread_t *others = NULL;

    threads = threads < work->units ? threads : work->units;
    others = mem_array(threads + 1, sizeof *others);
    while (started + 1 < threads && pthread_create(&others[started], NULL, run, &crew) == 0)
        started++;
    run(&crew);
    for (size_t i = 0; i < started; i++)
        pthread_join(others[i], NULL);
    pthread_mutex_destroy(&crew.lock);
    return !atomic_load(&crew.failed);
}
