/* Pieces are squares that lie fixed on their grid, so that what is kept does not depend on who asked first. A
 * schedule only asks for pieces of others below it, so threads that wait for each other's pieces never wait in
 * a circle. The piece that was not used for longest makes room. */
#include "raster/kept.h"
#include "base/mem.h"
#include <pthread.h>
#include <string.h>
#include <utlist.h>

enum { SIDE = 64 };

struct piece {
    enum { PIECE_ABSENT, PIECE_MAKING, PIECE_THERE } state;
    char *pixels; /* of all results, one after the other */
    size_t bytes;
    struct piece *prev, *next; /* those that are there, the latest used last */
};

/* The pieces of a schedule. */
struct planes {
    size_t columns;
    struct piece *pieces;
};

struct kept {
    pthread_mutex_t lock;
    pthread_cond_t made;
    size_t n, bytes, most_bytes;
    struct planes *planes; /* by number of the schedule */
    struct piece *there;
};

static size_t pieces_along(int64_t pixels)
{
    return (size_t)((pixels + SIDE - 1) / SIDE);
}

bool kept_is_wanted(const struct schedules *schedules)
{
    for (size_t i = 0; i < schedules->n_inputs; i++)
        if (schedules->inputs[i]->is_kept)
            return true;
    return false;
}

struct kept *kept_new(const struct schedules *schedules, size_t most_bytes)
{
    struct kept *kept = MEM_NEW(struct kept);

    pthread_mutex_init(&kept->lock, NULL);
    pthread_cond_init(&kept->made, NULL);
    kept->n = schedules->n_inputs;
    kept->most_bytes = most_bytes;
    kept->planes = mem_array(kept->n, sizeof *kept->planes);
    for (size_t i = 0; i < kept->n; i++) {
        const struct schedule *s = schedules->inputs[i];
        struct planes *p = &kept->planes[s->number];

        if (!s->is_kept)
            continue;
        p->columns = pieces_along(s->grid.width);
        p->pieces = mem_array(p->columns * pieces_along(s->grid.height), sizeof *p->pieces);
    }
    return kept;
}

void kept_free(struct kept *kept)
{
    struct piece *piece, *next;

    if (!kept)
        return;
    DL_FOREACH_SAFE(kept->there, piece, next)
        free(piece->pixels);
    for (size_t i = 0; i < kept->n; i++)
        free(kept->planes[i].pieces);
    free(kept->planes);
    pthread_cond_destroy(&kept->made);
    pthread_mutex_destroy(&kept->lock);
    free(kept);
}

bool kept_has(const struct kept *kept, const struct schedule *schedule)
{
    return kept && kept->planes[schedule->number].pieces;
}

static struct window_rect piece_rect(const struct schedule *s, size_t column, size_t row)
{
    int64_t x = (int64_t)column * SIDE, y = (int64_t)row * SIDE;
    int64_t right = s->grid.width - x, below = s->grid.height - y;

    return (struct window_rect){ x, y, (size_t)(right < SIDE ? right : SIDE), (size_t)(below < SIDE ? below : SIDE) };
}

static size_t piece_bytes(const struct schedule *s, const struct window_rect *rect)
{
    size_t bytes = 0;

    for (size_t i = 0; i < s->n_results; i++)
        bytes += rect->width * rect->height * pixel_size(s->results[i].kind.pixel);
    return bytes;
}

static char *make_pixels(const struct schedule *s, const struct window_rect *rect, kept_make *make, void *context,
                         struct err *err)
{
    size_t bytes = piece_bytes(s, rect), at = 0;
    AUTO(mem) char *pixels = malloc(bytes);
    AUTO(mem) void **dsts = mem_array(s->n_results, sizeof *dsts);
    char *made = pixels;

    if (!pixels) {
        err_set(err, ERR_MemoryExceeded, "No memory for %zu bytes of pixels.", bytes);
        return NULL;
    }
    for (size_t i = 0; i < s->n_results; i++) {
        dsts[i] = pixels + at;
        at += rect->width * rect->height * pixel_size(s->results[i].kind.pixel);
    }
    if (!make(context, s, rect, dsts, err))
        return NULL;
    pixels = NULL;
    return made;
}

/* Under the lock; `spare` stays. */
static void make_room(struct kept *kept, const struct piece *spare)
{
    while (kept->bytes > kept->most_bytes && kept->there != spare) {
        struct piece *oldest = kept->there;

        DL_DELETE(kept->there, oldest);
        kept->bytes -= oldest->bytes;
        free(oldest->pixels);
        *oldest = (struct piece){ .state = PIECE_ABSENT };
    }
}

/* With the lock held, and again when it returns: the piece is there, unless this failed. */
static bool piece_get(struct kept *kept, const struct schedule *s, struct piece *piece,
                      const struct window_rect *rect, kept_make *make, void *context, struct err *err)
{
    char *pixels;

    while (piece->state == PIECE_MAKING)
        pthread_cond_wait(&kept->made, &kept->lock);
    if (piece->state == PIECE_THERE) {
        DL_DELETE(kept->there, piece);
        DL_APPEND(kept->there, piece);
        return true;
    }
    piece->state = PIECE_MAKING;
    pthread_mutex_unlock(&kept->lock);
    pixels = make_pixels(s, rect, make, context, err);
    pthread_mutex_lock(&kept->lock);
    piece->state = pixels ? PIECE_THERE : PIECE_ABSENT;
    if (pixels) {
        piece->pixels = pixels;
        piece->bytes = piece_bytes(s, rect);
        kept->bytes += piece->bytes;
        DL_APPEND(kept->there, piece);
        make_room(kept, piece);
    }
    pthread_cond_broadcast(&kept->made);
    return pixels != NULL;
}

/* What of the piece lies in the window. */
static void copy_piece(const struct schedule *s, const struct piece *piece, const struct window_rect *rect,
                       const struct window_rect *w, void *const *dsts)
{
    int64_t left = rect->x > w->x ? rect->x : w->x, top = rect->y > w->y ? rect->y : w->y;
    int64_t right = rect->x + (int64_t)rect->width, bottom = rect->y + (int64_t)rect->height;
    const char *from = piece->pixels;

    right = right < w->x + (int64_t)w->width ? right : w->x + (int64_t)w->width;
    bottom = bottom < w->y + (int64_t)w->height ? bottom : w->y + (int64_t)w->height;
    for (size_t i = 0; i < s->n_results; i++) {
        size_t size = pixel_size(s->results[i].kind.pixel);

        for (int64_t y = top; y < bottom; y++)
            memcpy((char *)dsts[i] + ((size_t)(y - w->y) * w->width + (size_t)(left - w->x)) * size,
                   from + ((size_t)(y - rect->y) * rect->width + (size_t)(left - rect->x)) * size,
                   (size_t)(right - left) * size);
        from += rect->width * rect->height * size;
    }
}

bool kept_read(struct kept *kept, const struct schedule *s, const struct window_rect *w, void *const *dsts,
               kept_make *make, void *context, struct err *err)
{
    const struct planes *p = &kept->planes[s->number];
    bool ok = true;

    pthread_mutex_lock(&kept->lock);
    for (int64_t row = w->y / SIDE; ok && row * SIDE < w->y + (int64_t)w->height; row++)
        for (int64_t column = w->x / SIDE; ok && column * SIDE < w->x + (int64_t)w->width; column++) {
            struct window_rect rect = piece_rect(s, (size_t)column, (size_t)row);
            struct piece *piece = &p->pieces[(size_t)row * p->columns + (size_t)column];

            ok = piece_get(kept, s, piece, &rect, make, context, err);
            if (ok)
                copy_piece(s, piece, &rect, w, dsts);
        }
    pthread_mutex_unlock(&kept->lock);
    return ok;
}
