/* One thread's work while it runs: what block_run.c, block_inputs.c and block_emit.c share. */
#ifndef RASTER_BLOCK_RUNNER_H
#define RASTER_BLOCK_RUNNER_H

#include "raster/block_run.h"

enum {
    PIXEL_ALIGN = 64,
    INPUT_PIXELS = 1 << 20, /* of an input, at once */
};

/* An input of one pixel: what all blocks ask for again. */
struct single {
    bool is_made;
    double made; /* room for any pixel */
};

/* Buffers of the schedules that make inputs. Those that run at the same time run inside each other, so that
 * one room for each depth is enough, in which dates and bands take turns. */
struct room {
    void *memory;
    size_t size;
};

struct block_runner {
    const struct block_job *job;
    struct block_size size;
    struct loader *loader;
    struct encoder *encoder;
    struct zone_work *zones;
    struct lane_machine machine;
    const struct schedule *schedule; /* that the buffers are for */
    void **slots;
    struct single *singles;          /* by number of the schedule of an input */
    struct room *rooms;              /* by depth */
    size_t depth, n_rooms, room_capacity;
    struct patch_places *places;
    struct foreign *foreign;
    void *converted;                 /* an output in the type of its file */
    void **tiles;                    /* outputs that gather; NULL when blocks are computed whole */
};

/* A band of rows of one tile, in flight. */
struct band {
    const struct schedule *schedule;
    struct window_rect tile, rows; /* on the group's grid */
    size_t n;
    size_t first_step, end_step;  /* those that are run */
    size_t first_plane;           /* that they emit */
    size_t block, emitted;
    struct stage *stage; /* the tile is a cell of this; NULL: it is the block */
    size_t finished;     /* blocks */
    void **slots;
};

static inline struct lane_plane plane_of(const struct band *band, const struct operand *operand)
{
    return (struct lane_plane){ operand->slot == NO_SLOT ? NULL : band->slots[operand->slot],
                                operand->kind };
}

static inline struct window_rect on_node(const struct band *band, const struct plan_node *node)
{
    struct window_rect w = band->rows;

    w.x += band->schedule->shift_x[node->index];
    w.y += band->schedule->shift_y[node->index];
    return w;
}

/* Pixels that are computed at once. */
static inline size_t band_pixels(const struct schedule *s, size_t rows)
{
    return (rows < s->tile_height ? rows : s->tile_height) * s->tile_width;
}

/* Of a slot of a schedule, and of all of them. */
static inline size_t slot_bytes(const struct schedule *s, size_t slot, size_t pixels)
{
    return (s->slot_size[slot] * pixels + PIXEL_ALIGN) / PIXEL_ALIGN * PIXEL_ALIGN;
}

static inline size_t room_bytes(const struct schedule *s, size_t pixels)
{
    size_t bytes = 0;

    for (size_t k = 0; k < s->n_slots; k++)
        bytes += slot_bytes(s, k, pixels);
    return bytes;
}

/* Of a pixel of an output while its block is made, and of the largest of a schedule. */
size_t gathered_size(const struct plan_node *output);
size_t emitted_size(const struct schedule *s);

/* Memory for pixels, aligned. */
bool pixels_new(size_t size, void **ret_pixels, struct err *err) MUST_USE;

/* block_run.c */
bool run_step(struct block_runner *runner, struct band *band, const struct step *step, struct err *err) MUST_USE;

/* block_inputs.c: windows of what a schedule makes, for a step that looks around */
bool read_input(void *runner, const struct schedule *s, const struct window_rect *w, void *dst,
                struct err *err) MUST_USE;
bool read_inputs(void *runner, const struct schedule *s, const struct window_rect *w, void *const *dsts,
                 struct err *err) MUST_USE;

/* block_emit.c: a plane that is finished, or what the block has of it */
bool emit_step(struct block_runner *runner, struct band *band, const struct step *step, struct err *err) MUST_USE;

#endif
