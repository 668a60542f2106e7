/* The box of valid pixels only ever grows: so of each window just what lies outside of it is looked at closely, which
 * soon is next to nothing. A plane that is known to hold something is not even computed inside of the box. */
#include "raster/survey.h"
#include "raster/load.h"

static size_t count_valid(const struct lane_plane *plane, size_t from, size_t n)
{
    const char *pixels = plane->data;
    struct tile_stats stats;

    pixel_tables[plane->kind.pixel]->measure(pixels + from * pixel_size(plane->kind.pixel), n, plane->kind.nodata,
                                             plane->kind.has_nodata, &stats);
    return (size_t)stats.valid;
}

/* Of pixels `from` to `end` of a row the first valid one, or the last (`step` -1); `end` when there is none. */
static size_t find_valid(const struct lane_plane *plane, size_t row, size_t from, size_t end, int step)
{
    if (from < end && !count_valid(plane, row + from, end - from))
        return end;
    for (size_t i = 0; i < end - from; i++) {
        size_t at = step > 0 ? from + i : end - 1 - i;

        if (count_valid(plane, row + at, 1))
            return at;
    }
    return end;
}

/* Columns of a row that widen the box. */
static void widen(struct survey *box, const struct window_rect *w, const struct lane_plane *plane, size_t row)
{
    int64_t left = box->left - w->x, right = box->right + 1 - w->x; /* what is known lies between */
    size_t width = w->width, at;

    at = left > 0 ? (size_t)left < width ? (size_t)left : width : 0;
    if (at > 0 && (left = (int64_t)find_valid(plane, row, 0, at, 1)) < (int64_t)at)
        box->left = w->x + left;
    at = right > 0 ? (size_t)right < width ? (size_t)right : width : 0;
    if (at < width && (right = (int64_t)find_valid(plane, row, at, width, -1)) < (int64_t)width)
        box->right = w->x + right;
}

static void look(struct survey *box, const struct window_rect *w, const struct lane_plane *plane)
{
    for (size_t y = 0; y < w->height; y++) {
        int64_t at = w->y + (int64_t)y;
        bool beyond = at < box->top || at > box->bottom;

        if (beyond && count_valid(plane, y * w->width, w->width)) {
            box->top = at < box->top ? at : box->top;
            box->bottom = at > box->bottom ? at : box->bottom;
        }
        widen(box, w, plane, y * w->width);
    }
}

bool survey_wants(struct survey_taker *taker, size_t plane, const struct window_rect *w)
{
    const struct survey *box = taker->survey;
    bool known;

    pthread_mutex_lock(&taker->lock);
    known = box->holds[plane] && w->x >= box->left && w->y >= box->top && w->x + (int64_t)w->width - 1 <= box->right &&
            w->y + (int64_t)w->height - 1 <= box->bottom;
    pthread_mutex_unlock(&taker->lock);
    return !known;
}

void survey_add(struct survey_taker *taker, size_t plane, const struct window_rect *window,
                const struct lane_plane *pixels)
{
    struct survey *all = taker->survey, box;

    if (!pixels->data || !count_valid(pixels, 0, window->width * window->height))
        return;
    pthread_mutex_lock(&taker->lock);
    all->holds[plane] = true;
    box = *all;
    pthread_mutex_unlock(&taker->lock);
    look(&box, window, pixels);
    pthread_mutex_lock(&taker->lock);
    all->left = box.left < all->left ? box.left : all->left;
    all->top = box.top < all->top ? box.top : all->top;
    all->right = box.right > all->right ? box.right : all->right;
    all->bottom = box.bottom > all->bottom ? box.bottom : all->bottom;
    pthread_mutex_unlock(&taker->lock);
}
