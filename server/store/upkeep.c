/* Every step is a short transaction that gives up rather than wait for readers, and what one round leaves
 * the next one finds; a step that fails does not keep the others from being made. Servers take turns by
 * an advisory lock, which goes with the connection, opened anew for each round. */
#include "store/upkeep.h"
#include "base/auto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/queryables.h"
#include "store/shelves.h"
#include <pthread.h>
#include <time.h>

enum { SHELVES_AT_ONCE = 1, SAMPLES_AT_ONCE = 20 };

struct upkeep {
    char *url;
    int64_t seconds;
    atomic_bool stop;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* stop */
};

static bool settle(struct db *db, const atomic_bool *stop, struct err *err)
{
    return shelves_settle(db, SHELVES_AT_ONCE, stop, err);
}

static bool refresh(struct db *db, const atomic_bool *stop, struct err *err)
{
    return queryables_refresh(db, SAMPLES_AT_ONCE, stop, err);
}

/* The quick ones first. */
static bool (*const steps[])(struct db *db, const atomic_bool *stop, struct err *err) = {
    shelves_make_ahead, shelves_tidy, refresh, settle,
};

bool upkeep_round(struct db *db, const atomic_bool *stop, struct err *err)
{
    AUTO(rows) PGresult *turn = NULL;
    bool good = true;

    if (!db_query(db, &turn, "SELECT pg_try_advisory_lock(730103, 0)", DB_NO_ARGS, err))
        return false;
    if (!row_bool(turn, 0, 0))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(steps) && !(stop && *stop) && db_is_alive(db); i++) {
        struct err problem = { 0 };

        if (!steps[i](db, stop, &problem)) {
            *err = good ? problem : *err;
            good = false;
        }
    }

    struct err ignored = { 0 };

    return db_run(db, "SELECT pg_advisory_unlock(730103, 0)", DB_NO_ARGS, good ? err : &ignored) && good;
}

static void make_round(struct upkeep *upkeep)
{
    AUTO(db) struct db *db = NULL;
    struct err err = { 0 };

    if (!db_open(upkeep->url, &db, &err) || !upkeep_round(db, &upkeep->stop, &err))
        log_write(LOG_WARNING, NULL, "The catalogue's upkeep is tried again later: %s", err.message);
}

static void *keep(void *arg)
{
    struct upkeep *upkeep = arg;

    while (!upkeep->stop) {
        struct timespec until;

        make_round(upkeep);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += upkeep->seconds;
        pthread_mutex_lock(&upkeep->lock);
        while (!upkeep->stop && pthread_cond_timedwait(&upkeep->changed, &upkeep->lock, &until) == 0)
            ;
        pthread_mutex_unlock(&upkeep->lock);
    }
    return NULL;
}

struct upkeep *upkeep_start(const char *database_url, int64_t seconds)
{
    struct upkeep *upkeep = MEM_NEW(struct upkeep);

    upkeep->url = mem_text(database_url);
    upkeep->seconds = seconds > 0 ? seconds : 1;
    pthread_mutex_init(&upkeep->lock, NULL);
    pthread_cond_init(&upkeep->changed, NULL);
    if (pthread_create(&upkeep->thread, NULL, keep, upkeep) != 0)
        abort();
    return upkeep;
}

void upkeep_stop(struct upkeep *upkeep)
{
    if (!upkeep)
        return;
    pthread_mutex_lock(&upkeep->lock);
    upkeep->stop = true;
    pthread_cond_signal(&upkeep->changed);
    pthread_mutex_unlock(&upkeep->lock);
    pthread_join(upkeep->thread, NULL);
    pthread_cond_destroy(&upkeep->changed);
    pthread_mutex_destroy(&upkeep->lock);
    free(upkeep->url);
    free(upkeep);
}
