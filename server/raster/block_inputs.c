/* Inputs of steps that look around. A schedule makes a window of them, in bands that keep its buffers small,
 * while the step runs that asks for it. What all windows ask for again is kept: the only pixel of a grid, and
 * pieces of coarse grids (kept.h). */
#include "raster/block_runner.h"
#include "base/mem.h"
#include <string.h>

/* The buffers of a schedule for that many pixels, in the room of the depth that it runs at (from 1). */
static bool take_room(struct block_runner *runner, const struct schedule *s, size_t pixels, void **slots,
                      struct err *err)
{
    size_t size = room_bytes(s, pixels), at = 0;
    struct room *room;

    while (runner->depth > runner->n_rooms) {
        runner->rooms = mem_grow(runner->rooms, &runner->room_capacity, runner->n_rooms + 1, sizeof *runner->rooms);
        runner->rooms[runner->n_rooms++] = (struct room){ 0 };
    }
    room = &runner->rooms[runner->depth - 1];
    if (room->size < size) {
        free(room->memory);
        *room = (struct room){ 0 };
        if (!pixels_new(size, &room->memory, err))
            return false;
        room->size = size;
    }
    for (size_t k = 0; k < s->n_slots; k++) {
        slots[k] = (char *)room->memory + at;
        at += slot_bytes(s, k, pixels);
    }
    return true;
}

static void take_input(const struct band *band, const struct operand *result, void *dst, size_t at)
{
    struct lane_plane made = plane_of(band, result);
    size_t size = pixel_size(made.kind.pixel);

    if (made.data)
        memcpy((char *)dst + at * size, made.data, band->n * size);
    else
        pixel_tables[made.kind.pixel]->fill((char *)dst + at * size, pixel_kind_gap(&made.kind), band->n);
}

/* A window of the planes that a schedule makes, in bands that keep its buffers small. */
static bool make_inputs(struct block_runner *runner, const struct schedule *s, const struct window_rect *w,
                        void *const *dsts, struct err *err)
{
    size_t most = INPUT_PIXELS / w->width ? INPUT_PIXELS / w->width : 1;
    AUTO(mem) void **slots = mem_array(s->n_slots, sizeof *slots);
    struct band band = { .schedule = s, .rows = *w, .slots = slots };

    most = most < w->height ? most : w->height;
    if (!take_room(runner, s, most * w->width, slots, err))
        return false;
    for (size_t row = 0; row < w->height; row += band.rows.height) {
        band.rows.y = w->y + (int64_t)row;
        band.rows.height = w->height - row < most ? w->height - row : most;
        band.n = band.rows.width * band.rows.height;
        for (size_t i = 0; i < s->n_steps; i++)
            if (!run_step(runner, &band, &s->steps[i], err))
                return false;
        for (size_t i = 0; i < s->n_results; i++)
            take_input(&band, &s->results[i], dsts[i], row * w->width);
    }
    return true;
}

/* The same from within another step. */
static bool make_deeper(void *runner_, const struct schedule *s, const struct window_rect *w, void *const *dsts,
                        struct err *err)
{
    struct block_runner *runner = runner_;
    bool good;

    runner->depth++;
    good = make_inputs(runner, s, w, dsts, err);
    runner->depth--;
    return good;
}

bool read_inputs(void *runner_, const struct schedule *s, const struct window_rect *w, void *const *dsts,
                 struct err *err)
{
    struct block_runner *runner = runner_;
    struct single *single = &runner->singles[s->number];
    bool only = s->grid.width == 1 && s->grid.height == 1 && s->n_results == 1 && !s->is_of_window;

    if (single->is_made) {
        memcpy(dsts[0], &single->made, pixel_size(s->results[0].kind.pixel));
        return true;
    }
    if (kept_has(runner->job->kept, s))
        return kept_read(runner->job->kept, s, w, dsts, make_deeper, runner, err);
    if (!make_deeper(runner, s, w, dsts, err))
        return false;
    if (only) {
        memcpy(&single->made, dsts[0], pixel_size(s->results[0].kind.pixel));
        single->is_made = true;
    }
    return true;
}

bool read_input(void *runner, const struct schedule *s, const struct window_rect *w, void *dst,
                       struct err *err)
{
    return read_inputs(runner, s, w, &dst, err);
}
