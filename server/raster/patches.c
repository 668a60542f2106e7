/* Windows side by side, each a small grid of its own. While one is made, the place of its patch is noted;
 * whoever reads the patch gets the pixels of the input that lie there. What small windows beside each
 * other need of the input is read at once, for a row of them or more. */
#include "raster/patches.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What was read for several windows: valid as long as `serial` is that of the place. */
struct area {
    uint64_t serial;
    void *pixels;
    size_t capacity;
};

enum { MOST_READ = 1 << 20 /* what is asked for at once: block_run.c */ };

struct patch_places {
    uint64_t serial;
    size_t n_areas;
    struct area *areas; /* by number of the schedule */
    struct place {
        int64_t x, y; /* in the input, of pixel (0, 0) of the patch */
        uint64_t serial;
        struct window_rect area; /* width 0: every window is read for itself */
    } *places; /* by node */
};

struct patch_places *patch_places_new(size_t n_nodes, size_t n_inputs)
{
    struct patch_places *p = MEM_NEW(struct patch_places);

    p->places = mem_array(n_nodes, sizeof *p->places);
    p->areas = mem_array(n_inputs, sizeof *p->areas);
    p->n_areas = n_inputs;
    return p;
}

void patch_places_free(struct patch_places *places)
{
    if (!places)
        return;
    for (size_t i = 0; i < places->n_areas; i++)
        free(places->areas[i].pixels);
    free(places->areas);
    free(places->places);
    free(places);
}

void patch_place(const struct patch_places *places, const struct plan_node *patch, int64_t *ret_x, int64_t *ret_y)
{
    *ret_x = places->places[patch->index].x;
    *ret_y = places->places[patch->index].y;
}

static size_t least(size_t a, int64_t b)
{
    return a < (size_t)b ? a : (size_t)b;
}

size_t patches_bytes(const struct plan_node *node, size_t width, size_t height)
{
    const struct patch_args *p = node->patches;

    if (!p)
        return 0; /* what a patch reads stays */
    return least(width, p->width) * least(height, p->height) * sizeof(double) *
           (p->together ? cube_planes(&node->schema) : 1);
}

size_t patch_area_bytes(const struct plan_node *node)
{
    double pixels = (double)node->schema.grid.width * (double)node->schema.grid.height, there;
    const struct grid *from;

    if (node->op != PLAN_PATCH)
        return 0;
    from = &node->inputs[0]->schema.grid;
    there = (double)from->width * (double)from->height; /* what lies beyond is not read */
    return (size_t)fmin(fmin(fmax(pixels, PATCH_AREA), MOST_READ), there) * sizeof(double);
}

/* ---- patches ---- */

static struct window_rect meet(struct window_rect a, struct window_rect b)
{
    int64_t left = a.x > b.x ? a.x : b.x, top = a.y > b.y ? a.y : b.y;
    int64_t right = a.x + (int64_t)a.width, bottom = a.y + (int64_t)a.height;

    right = right < b.x + (int64_t)b.width ? right : b.x + (int64_t)b.width;
    bottom = bottom < b.y + (int64_t)b.height ? bottom : b.y + (int64_t)b.height;
    if (right <= left || bottom <= top)
        return (struct window_rect){ left, top, 0, 0 };
    return (struct window_rect){ left, top, (size_t)(right - left), (size_t)(bottom - top) };
}

static struct window_rect grid_rect(const struct grid *grid)
{
    return (struct window_rect){ 0, 0, (size_t)grid->width, (size_t)grid->height };
}

static bool read_rect(const struct around *a, const struct window_rect *w, struct area *area, struct err *err)
{
    size_t bytes = w->width * w->height * pixel_size(a->input->results[0].kind.pixel);

    area->serial = 0;
    if (bytes > area->capacity) {
        free(area->pixels);
        area->capacity = 0;
        area->pixels = malloc(bytes);
        if (!area->pixels)
            return err_set(err, ERR_MemoryExceeded, "No memory for %zu bytes of pixels.", bytes);
        area->capacity = bytes;
    }
    return a->read(a->context, a->input, w, area->pixels, err);
}

/* The pixels `wanted` (of the input) out of those that were read. */
static void copy_rows(const struct around *a, const struct window_rect *wanted, const struct area *area,
                      const struct window_rect *read, const struct lane_plane *out, size_t pitch)
{
    const struct pixel_kind *kind = &a->input->results[0].kind;
    size_t from = pixel_size(kind->pixel), to = pixel_size(out->kind.pixel);

    for (size_t y = 0; y < wanted->height; y++) {
        size_t at = ((size_t)(wanted->y - read->y) + y) * read->width + (size_t)(wanted->x - read->x);

        lanes_convert(&(struct lane_plane){ (char *)area->pixels + at * from, *kind },
                      &(struct lane_plane){ (char *)out->data + y * pitch * to, out->kind }, wanted->width);
    }
}

bool patch_run(const struct around *a, const struct window_rect *w, const struct lane_plane *out,
               size_t pitch, struct err *err)
{
    const struct place *place = &a->places->places[a->node->index];
    struct window_rect all = grid_rect(&a->node->inputs[0]->schema.grid), inside, read;
    struct window_rect there = { w->x + place->x, w->y + place->y, w->width, w->height };
    struct area *area = &a->places->areas[a->input->number];
    struct lane_plane part = *out;
    size_t size = pixel_size(out->kind.pixel);

    inside = meet(there, all);
    if (inside.width < w->width || inside.height < w->height)
        for (size_t y = 0; y < w->height; y++)
            pixel_tables[out->kind.pixel]->fill((char *)out->data + y * pitch * size,
                                                pixel_kind_gap(&out->kind), w->width);
    if (inside.width == 0)
        return true;
    part.data = (char *)out->data +
                ((size_t)(inside.y - there.y) * pitch + (size_t)(inside.x - there.x)) * size;
    read = place->area.width ? meet(place->area, all) : inside;
    if (area->serial != place->serial || place->area.width == 0) {
        if (!read_rect(a, &read, area, err))
            return false;
        area->serial = place->serial;
    }
    copy_rows(a, &inside, area, &read, &part, pitch);
    return true;
}

/* ---- windows ---- */

struct patching {
    const struct around *around;
    const struct patch_args *args;
    struct window_rect wanted; /* of the node */
    const struct lane_plane *outs;
    size_t pitch;
    void **made; /* by plane: what was made of one window */
};

static void take_made(const struct patching *p, const struct schedule *s, const struct window_rect *inside)
{
    for (size_t i = 0; i < p->around->step->n_outs; i++) {
        const struct lane_plane *out = &p->outs[i];
        const struct pixel_kind *kind = &s->results[i].kind;
        char *to = (char *)out->data + ((size_t)(inside->y - p->wanted.y) * p->pitch +
                                        (size_t)(inside->x - p->wanted.x)) * pixel_size(out->kind.pixel);

        for (size_t y = 0; y < inside->height; y++)
            lanes_convert(
                &(struct lane_plane){ (char *)p->made[i] + y * inside->width * pixel_size(kind->pixel), *kind },
                &(struct lane_plane){ to + y * p->pitch * pixel_size(out->kind.pixel), out->kind },
                inside->width);
    }
}

static bool one_window(const struct patching *p, int64_t column, int64_t row, const struct window_rect *area,
                       struct err *err)
{
    const struct around *a = p->around;
    const struct patch_args *args = p->args;
    const struct grid *grid = &a->node->schema.grid;
    size_t last_x = (column + 1) * args->width > grid->width, last_y = (row + 1) * args->height > grid->height;
    const struct patch_size *size = &args->sizes[last_x][last_y];
    const struct schedule *input = a->step->inputs[2 * last_x + last_y];
    struct window_rect window = { column * args->width, row * args->height, (size_t)args->width,
                                  (size_t)args->height };
    struct window_rect inside = meet(meet(window, p->wanted), grid_rect(grid)), w = inside;

    if (size->patch)
        a->places->places[size->patch->index] =
            (struct place){ window.x - args->left, window.y - args->top, a->places->serial, *area };
    w.x += args->left - window.x;
    w.y += args->top - window.y;
    if (!a->read_all(a->context, input, &w, p->made, err))
        return false;
    take_made(p, input, &inside);
    return true;
}

/* Windows of which one reading serves all; those of one size of patch follow each other. */
static bool some_windows(const struct patching *p, int64_t column, int64_t row, int64_t columns, int64_t rows,
                         struct err *err)
{
    const struct patch_args *args = p->args;
    struct window_rect area = { column * args->width - args->left, row * args->height - args->top,
                                (size_t)(columns * args->width + 2 * args->left),
                                (size_t)(rows * args->height + 2 * args->top) };

    if (area.width * area.height > PATCH_AREA)
        area = (struct window_rect){ 0 };
    p->around->places->serial++;
    for (int64_t y = row; y < row + rows; y++)
        for (int64_t x = column; x < column + columns; x++) {
            if (area.width == 0)
                p->around->places->serial++;
            if (!one_window(p, x, y, &area, err))
                return false;
        }
    return true;
}

/* How many windows of `size` and their overlap fit into `most` pixels; at least one. */
static int64_t fitting(int64_t most, int64_t size, int64_t overlap)
{
    int64_t n = (most - 2 * overlap) / size;

    return n > 1 ? n : 1;
}

static bool all_windows(const struct patching *p, struct err *err)
{
    const struct patch_args *args = p->args;
    int64_t first_x = p->wanted.x / args->width, first_y = p->wanted.y / args->height;
    int64_t end_x = (p->wanted.x + (int64_t)p->wanted.width + args->width - 1) / args->width;
    int64_t end_y = (p->wanted.y + (int64_t)p->wanted.height + args->height - 1) / args->height;
    int64_t columns = fitting(PATCH_AREA / (args->height + 2 * args->top), args->width, args->left), rows;

    columns = columns < end_x - first_x ? columns : end_x - first_x;
    rows = fitting(PATCH_AREA / (columns * args->width + 2 * args->left), args->height, args->top);
    for (int64_t y = first_y; y < end_y; y += rows)
        for (int64_t x = first_x; x < end_x; x += columns)
            if (!some_windows(p, x, y, columns < end_x - x ? columns : end_x - x,
                              rows < end_y - y ? rows : end_y - y, err))
                return false;
    return true;
}

bool patches_run(const struct around *a, const struct window_rect *w, const struct lane_plane *outs,
                 size_t pitch, struct err *err)
{
    const struct patch_args *args = a->node->patches;
    size_t n = a->step->n_outs;
    size_t pixels = least(w->width, args->width) * least(w->height, args->height);
    AUTO(mem) void **made = mem_array(n, sizeof *made);
    AUTO(mem) char *together = malloc(n * pixels * sizeof(double) + 1);
    struct patching p = { a, args, *w, outs, pitch, made };

    if (!together)
        return err_set(err, ERR_MemoryExceeded, "No memory for windows of %zu pixels.", pixels);
    for (size_t i = 0; i < n; i++)
        made[i] = together + i * pixels * sizeof(double);
    return all_windows(&p, err);
}
