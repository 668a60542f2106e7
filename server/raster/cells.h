/* What is computed at once, and how blocks are put together of it.
 *
 * Blocks begin at the corner of their grid, tiles of files elsewhere: a block that lies on four tiles has
 * each of them decoded four times for it and its neighbours. So cells are computed that end where the
 * files' tiles do, and a block is packed when all cells that lie on it were computed. */
#ifndef RASTER_CELLS_H
#define RASTER_CELLS_H

#include "raster/schedule.h"
#include <pthread.h>
#include <stdatomic.h>

/* Where squares of BASE_TILE begin, left of and above the grid or at its corner, and how many there are. */
struct tiling {
    int64_t x, y;
    size_t columns, rows;
    bool odd_column, odd_row; /* the first one is, counted from the corner of the files */
};
/* Those that end where the tiles of the files do: of the first one on the grid's lattice, for others of a
 * collection are cut alike. */
struct tiling tiling_of(const struct plan *plan, const struct grid *grid);

/* A plane of a block while it is put together. */
struct gathered {
    void *pixels;
    size_t missing; /* pixels */
};

/* The blocks of a schedule that is computed in cells. */
struct stage {
    const struct schedule *schedule;
    size_t before;     /* blocks of the schedules before it */
    size_t first, end; /* those of its blocks that are wanted */
    struct gathered *planes; /* [block - first][plane, in the order of emitting] */
    size_t *unfinished;      /* planes, by block - first */
    pthread_mutex_t lock;
};

/* A block or some legs of it, or a cell of a stage. */
struct unit {
    struct stage *stage; /* NULL: the block */
    size_t block;
    size_t first_leg, end_leg;
    atomic_size_t *unfinished; /* units of the block */
    struct window_rect cell;
    uint64_t order;
};

struct cells {
    size_t n_units;
    struct unit *units; /* in the order of work */
    atomic_size_t *unfinished; /* units, by block */
    bool in_parts; /* some blocks are several units */
    size_t n_stages;
    struct stage *stages;
};

/* How many columns of blocks are put together side by side within so many bytes, and what they take; 0:
 * blocks are computed as they are. */
size_t cells_width(const struct plan *plan, const struct schedule *schedule, size_t threads, size_t most_bytes,
                   size_t *ret_bytes);
struct cells *cells_new(const struct plan *plan, const struct schedules *all, size_t first, size_t end,
                        size_t threads, size_t most_bytes);
/* Units in the corners of their grids come first, then those at edges: a survey soon knows how far pixels reach. */
void cells_edges_first(struct cells *cells, const struct schedules *all);
void cells_free(struct cells *cells);
DEFINE_AUTO(cells, struct cells *, cells_free)

/* Adds a piece of plane `number` to a block; *ret_whole is the plane when nothing is missing any more, which
 * the caller frees, else NULL. *ret_finished: it was the block's last plane. From any thread. */
bool stage_put(struct stage *stage, size_t block, size_t number, const struct window_rect *piece,
               const void *pixels, size_t pixel_size, void **ret_whole, bool *ret_finished,
               struct err *err) MUST_USE;

#endif
