/* What blocks hold, without keeping them (graph/catalog.h, struct survey). */
#ifndef RASTER_SURVEY_H
#define RASTER_SURVEY_H

#include "graph/catalog.h"
#include "raster/lanes.h"
#include <pthread.h>

struct window_rect;
struct survey_taker {
    struct survey *survey;
    pthread_mutex_t lock;
};

/* Could this window of a plane tell more than is known? From any thread. */
bool survey_wants(struct survey_taker *taker, size_t plane, const struct window_rect *window);
/* A window of a plane; from any thread. */
void survey_add(struct survey_taker *taker, size_t plane, const struct window_rect *window,
                const struct lane_plane *pixels);

#endif
