/* Stores batches one after the other on a thread of its own, so that the next can be read meanwhile. */
#ifndef INGEST_STORER_H
#define INGEST_STORER_H

#include "store/item_batch.h"

struct storer;

/* What is stored: filled by one thread, then handed over. */
struct parcel {
    struct item_batch *batch;
    struct arena *arena;    /* of the names */
    const char **names;     /* by tag: what problems are told with */
    size_t n_names;
    const char *progress;   /* what store/progress.h shall remember with the batch; NULL: nothing */
    int64_t expected;       /* items that follow */
};

struct storer_options {
    void *context;
    /* On the storing thread, never two at once. */
    void (*problem)(void *context, const char *name, const struct err *problem);
};

/* `url` of the database, for a connection of its own. */
bool storer_open(const char *url, const struct storer_options *options, struct storer **ret_storer,
                 struct err *err) MUST_USE;
/* From the next parcel on their progress is kept under this name, which is borrowed. */
void storer_remember(struct storer *storer, const char *source);
/* Waits for what is under way; what was not handed over is lost. */
void storer_close(struct storer *storer);

/* A parcel to fill; waits until one is free. False when storing has failed. */
bool storer_take(struct storer *storer, struct parcel **ret_parcel, struct err *err) MUST_USE;
void storer_give(struct storer *storer, struct parcel *parcel);
/* Waits until all is stored. */
bool storer_wait(struct storer *storer, struct err *err) MUST_USE;
size_t storer_stored(struct storer *storer);
size_t storer_bad(struct storer *storer);

#endif
