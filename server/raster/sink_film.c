/* Films: when which picture is shown, and who writes it. */
#include "base/mem.h"
#include "raster/show.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MOST_PICTURES = 2000, STILL_MS = 1000, QUALITY = 85 };

static const struct {
    const char *format;
    bool (*write)(struct show *show, struct err *err);
    double blends_per_second;
} writers[] = {
    { "GIF", write_gif, 10 },
    { "WebP", write_webp, 12.5 },
    { "MP4", write_video, 20 },
    { "WebM", write_video, 20 },
};

static void blend(const uint32_t *from, const uint32_t *to, unsigned part, unsigned whole, size_t n, uint32_t *mixed)
{
    unsigned weight = 256 * part / whole;

    for (size_t i = 0; i < n; i++) { /* two channels at a time */
        uint32_t ag = ((from[i] >> 8 & 0xff) * (256 - weight) + (to[i] >> 8 & 0xff) * weight) >> 8 & 0xff;
        uint32_t rb = ((from[i] & 0xff00ff) * (256 - weight) + (to[i] & 0xff00ff) * weight) >> 8 & 0xff00ff;

        mixed[i] = rb | ag << 8;
    }
}

bool show_next(struct show *show, struct picture *ret_picture, struct err *err)
{
    size_t step = show->at % (show->blends + 1), date = show->at / (show->blends + 1), n = (size_t)show->width * (size_t)show->height;

    if (step == 0) {
        if (date == 0 || show->blends == 0) {
            if (!film_next(show->film, show->now, err))
                return false;
        } else {
            uint32_t *old = show->now;

            show->now = show->next;
            show->next = old;
        }
        *ret_picture = (struct picture){ show->now, show->still_ms };
    } else {
        if (step == 1 && !film_next(show->film, show->next, err))
            return false;
        blend(show->now, show->next, (unsigned)step, (unsigned)show->blends + 1, n, show->mixed);
        *ret_picture = (struct picture){ show->mixed, show->fade_ms };
    }
    show->at = (show->at + 1) % show->count;
    return true;
}

static double number_option(const struct sink_file *file, const char *name, double fallback)
{
    const json_t *given = json_object_get(file->save->save.options, name);

    return given ? json_number_value(given) : fallback;
}

static bool set_times(const struct sink_file *file, double blends_per_second, struct show *show, struct err *err)
{
    double fade = number_option(file, "fade", 0);
    size_t dates = film_count(show->film);

    show->blends = fade > 0 && dates > 1 ? (size_t)fmax(1, nearbyint(fade * blends_per_second)) : 0;
    show->fade_ms = show->blends ? (unsigned)fmax(20, nearbyint(1000 * fade / (double)show->blends)) : 0;
    show->still_ms = (unsigned)nearbyint(number_option(file, "seconds", STILL_MS / 1000.0) * 1000);
    show->count = dates + (dates - 1) * show->blends;
    if (show->count <= MOST_PICTURES)
        return true;
    return err_set(err, ERR_FormatUnsuitable, "%s: blending makes %zu pictures of %zu dates; at most %d are possible.",
                   file->save->pointer, show->count, dates, MOST_PICTURES);
}

bool sink_film(const struct sink_file *file, int64_t *ret_size, struct err *err)
{
    AUTO(film) struct film *film = NULL;
    AUTO(mem) uint32_t *pixels = NULL;
    struct show show = { .path = file->path, .quality = (int)number_option(file, "quality", QUALITY),
                         .loop = !json_is_false(json_object_get(file->save->save.options, "loop")) };
    size_t n, writer = 0;
    struct stat made;

    while (strcasecmp(writers[writer].format, file->save->save.format))
        writer++;
    if (!film_open(file, &film, err))
        return false;
    show.film = film;
    show.width = film_width(film);
    show.height = film_height(film);
    n = (size_t)show.width * (size_t)show.height;
    show.now = pixels = mem_array(3 * n, sizeof *pixels);
    show.next = pixels + n;
    show.mixed = pixels + 2 * n;
    if (!set_times(file, writers[writer].blends_per_second, &show, err) || !writers[writer].write(&show, err))
        return false;
    if (stat(file->path, &made) != 0)
        return err_set(err, ERR_StorageFailure, "%s: was not written", file->path);
    *ret_size = made.st_size;
    return true;
}
