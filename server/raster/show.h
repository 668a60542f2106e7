/* The pictures of a film in time: each for a while, blended into the next where that is wished. Its writers pull them. */
#ifndef RASTER_SHOW_H
#define RASTER_SHOW_H

#include "raster/film.h"

struct show {
    struct film *film;
    int width, height;
    size_t count;             /* of all pictures, blended ones included */
    unsigned still_ms, fade_ms; /* of a date; of a blended picture */
    size_t blends;            /* pictures between two dates */
    bool loop;
    int quality;              /* 1 to 100 */
    const char *path;
    size_t at;                /* the picture that comes next */
    uint32_t *now, *next, *mixed;
};

struct picture {
    const uint32_t *pixels; /* 0xRRGGBB; until the next one */
    unsigned ms;
};

/* From the first one on, as often as `count`; then it begins again. */
bool show_next(struct show *show, struct picture *ret_picture, struct err *err) MUST_USE;

/* They write and sync show->path. */
bool write_gif(struct show *show, struct err *err) MUST_USE;
bool write_webp(struct show *show, struct err *err) MUST_USE;
bool write_video(struct show *show, struct err *err) MUST_USE;

#endif
