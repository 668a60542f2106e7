/* A few parcels go round: the reader takes an empty one, fills it and gives it back; the thread stores
 * full ones in the order in which they were given, so that of two items with one id the later stays,
 * and progress is never ahead of what is stored. After an error nothing more is stored. */
#include "ingest/storer.h"
#include "store/progress.h"
#include <pthread.h>
#include <string.h>

enum { PARCELS = 3 };

struct storer {
    struct storer_options options;
    const char *source;
    struct db *db;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct parcel parcels[PARCELS];
    size_t taken, given, stored_parcels; /* how many ever; the n-th is parcels[n % PARCELS] */
    bool closing;
    size_t stored, bad;
    struct err err;
};

static void tell(void *context, size_t tag, const struct err *problem)
{
    struct storer *s = context;
    const struct parcel *parcel = &s->parcels[s->stored_parcels % PARCELS];

    pthread_mutex_lock(&s->lock);
    s->bad++;
    pthread_mutex_unlock(&s->lock);
    if (s->options.problem)
        s->options.problem(s->options.context, tag < parcel->n_names ? parcel->names[tag] : "?", problem);
}

static bool remember(struct db *db, void *context, struct err *err)
{
    struct storer *s = context;
    const struct parcel *parcel = &s->parcels[s->stored_parcels % PARCELS];

    return !s->source || !parcel->progress ||
           progress_set(db, s->source, parcel->progress, err);
}

static bool store(struct storer *s, struct parcel *parcel, size_t *ret_stored, struct err *err)
{
    struct item_write how = { .skip_bad = true, .skip_same = true, .expected = parcel->expected, .problem = tell,
                              .within = remember, .context = s };

    *ret_stored = 0;
    return item_batch_count(parcel->batch) == 0
               ? remember(s->db, s, err)
               : item_batch_store(s->db, parcel->batch, &how, ret_stored, err);
}

static void empty(struct parcel *parcel)
{
    item_batch_clear(parcel->batch);
    arena_free(parcel->arena);
    parcel->arena = arena_new();
    parcel->n_names = 0;
    parcel->progress = NULL;
    parcel->names = arena_array(parcel->arena, ITEM_BATCH, sizeof *parcel->names);
}

static void *run(void *storer)
{
    struct storer *s = storer;

    pthread_mutex_lock(&s->lock);
    for (;;) {
        struct parcel *parcel = &s->parcels[s->stored_parcels % PARCELS];
        struct err err = { 0 };
        size_t stored = 0;

        while (s->stored_parcels == s->given && !s->closing)
            pthread_cond_wait(&s->changed, &s->lock);
        if (s->stored_parcels == s->given)
            break;
        if (!s->err.code) {
            pthread_mutex_unlock(&s->lock);
            store(s, parcel, &stored, &err);
            pthread_mutex_lock(&s->lock);
        }
        if (err.code)
            s->err = err;
        s->stored += stored;
        empty(parcel);
        s->stored_parcels++;
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

bool storer_open(const char *url, const struct storer_options *options, struct storer **ret_storer,
                 struct err *err)
{
    struct storer *s = MEM_NEW(struct storer);

    s->options = *options;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    for (size_t i = 0; i < PARCELS; i++) {
        s->parcels[i].batch = item_batch_new();
        empty(&s->parcels[i]);
    }
    if (!db_open(url, &s->db, err)) {
        storer_close(s);
        return false;
    }
    if (pthread_create(&s->thread, NULL, run, s)) {
        storer_close(s);
        return err_set(err, ERR_Internal, "A thread could not be started: %m");
    }
    s->has_thread = true;
    *ret_storer = s;
    return true;
}

void storer_close(struct storer *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->closing = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    if (s->has_thread)
        pthread_join(s->thread, NULL);
    for (size_t i = 0; i < PARCELS; i++) {
        item_batch_free(s->parcels[i].batch);
        arena_free(s->parcels[i].arena);
    }
    db_close(s->db);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void storer_remember(struct storer *s, const char *source)
{
    pthread_mutex_lock(&s->lock);
    s->source = source;
    pthread_mutex_unlock(&s->lock);
}

bool storer_take(struct storer *s, struct parcel **ret_parcel, struct err *err)
{
    bool good;

    pthread_mutex_lock(&s->lock);
    while (s->taken - s->stored_parcels == PARCELS)
        pthread_cond_wait(&s->changed, &s->lock);
    good = !s->err.code || err_set(err, s->err.code, "%s", s->err.message);
    if (good)
        *ret_parcel = &s->parcels[s->taken++ % PARCELS];
    pthread_mutex_unlock(&s->lock);
    return good;
}

void storer_give(struct storer *s, struct parcel *parcel)
{
    (void)parcel; /* they are given in the order in which they were taken */
    pthread_mutex_lock(&s->lock);
    s->given++;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

bool storer_wait(struct storer *s, struct err *err)
{
    bool good;

    pthread_mutex_lock(&s->lock);
    while (s->stored_parcels < s->given)
        pthread_cond_wait(&s->changed, &s->lock);
    good = !s->err.code || err_set(err, s->err.code, "%s", s->err.message);
    pthread_mutex_unlock(&s->lock);
    return good;
}

size_t storer_stored(struct storer *s)
{
    size_t stored;

    pthread_mutex_lock(&s->lock);
    stored = s->stored;
    pthread_mutex_unlock(&s->lock);
    return stored;
}

size_t storer_bad(struct storer *s)
{
    size_t bad;

    pthread_mutex_lock(&s->lock);
    bad = s->bad;
    pthread_mutex_unlock(&s->lock);
    return bad;
}
