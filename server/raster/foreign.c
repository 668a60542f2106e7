/* A cube is given in parts: squares of the node's grid whose places do not depend on how work is split, so
 * that results do not either; or, where the code is to see all of it, whole. A part has all planes. What was made
 * of the last part is kept, because bands of rows may cut it in several windows. */
#include "raster/foreign.h"
#include "base/mem.h"
#include "raster/engine.h"
#include "raster/patches.h"
#include "udf/udf.h"
#include <math.h>
#include <string.h>

enum { PROCESS_BYTES = 128 << 20 /* GDAL's cache, handles, stacks */ };

struct foreign_key {
    int64_t x, y;             /* of the part in the node's grid */
    int64_t place_x, place_y; /* of the patch */
};

struct foreign {
    const struct raster_options *options;
    size_t n_nodes;
    struct last_made {
        struct foreign_key key;
        void *pixels; /* NULL: nothing */
    } *last; /* by node */
};

/* ---- memory ---- */

size_t foreign_interpreter_bytes(const struct plan *plan, const struct raster_options *options)
{
    for (size_t i = 0; options->config && i < plan->n_nodes; i++)
        if (plan->nodes[i]->op == PLAN_UDF)
            return (size_t)options->config->udf_memory;
    return 0;
}

bool foreign_fit(const struct plan *plan, struct raster_options *options, struct err *err)
{
    size_t interpreter = foreign_interpreter_bytes(plan, options);
    size_t threads = options->threads > 1 ? (size_t)options->threads : 1, buffers = options->memory_bytes / threads;
    size_t fitting = (options->task_bytes > PROCESS_BYTES ? options->task_bytes - PROCESS_BYTES : 0) / (buffers + interpreter + 1);

    if (!interpreter || !options->task_bytes || fitting >= threads)
        return true;
    if (!fitting)
        return err_set(err, ERR_MemoryExceeded,
                       "The interpreter of a UDF may take %zu MB (udf.memory), buffers %zu MB (raster.block_budget) and the "
                       "process itself %d MB; a task may take %zu MB (worker.memory).", interpreter >> 20, buffers >> 20,
                       PROCESS_BYTES >> 20, options->task_bytes >> 20);
    options->threads = (int)fitting;
    options->memory_bytes = buffers * fitting;
    return true;
}

struct foreign *foreign_new(const struct raster_options *options, size_t n_nodes)
{
    struct foreign *f = MEM_NEW(struct foreign);

    f->options = options;
    f->n_nodes = n_nodes;
    f->last = mem_array(n_nodes, sizeof *f->last);
    return f;
}

void foreign_free(struct foreign *f)
{
    for (size_t i = 0; f && i < f->n_nodes; i++)
        free(f->last[i].pixels);
    if (f)
        free(f->last);
    free(f);
}

static size_t lane_size(const struct plan_node *node)
{
    return node->udf->wide ? sizeof(double) : sizeof(float);
}

size_t foreign_pixels(const struct plan_node *node)
{
    const struct grid *g = &node->schema.grid;
    int64_t side = node->udf->side;
    int64_t width = side && side < g->width ? side : g->width, height = side && side < g->height ? side : g->height;

    return (size_t)width * (size_t)height;
}

size_t foreign_bytes(const struct plan_node *node)
{
    size_t in = cube_planes(&node->inputs[0]->schema), out = cube_planes(&node->schema);

    return foreign_pixels(node) * ((in + out) * lane_size(node) + in * pixel_size(node->inputs[0]->schema.pixel));
}

size_t foreign_kept_bytes(const struct plan_node *node)
{
    return node->op == PLAN_UDF ? foreign_pixels(node) * cube_planes(&node->schema) * lane_size(node) : 0;
}

/* ---- one part ---- */

struct part {
    const struct around *around;
    struct window_rect rect; /* of the node's grid */
    struct foreign_key key;
    size_t n_in, n_out;
};

static struct udf_place place_of(const struct part *p)
{
    const struct plan_node *node = p->around->node, *patch = node->udf->patch;
    const struct grid *g = patch ? &patch->inputs[0]->schema.grid : &node->schema.grid;
    double x = (double)(p->key.place_x + p->rect.x), y = (double)(p->key.place_y + p->rect.y);

    return (struct udf_place){ g->x0 + x * g->dx, g->dx, g->y0 - y * g->dy, g->dy, p->rect.width, p->rect.height };
}

static void forward_line(void *foreign, const char *node, const struct udf_line *line)
{
    const struct raster_options *o = ((struct foreign *)foreign)->options;

    if (o->tell)
        o->tell(o->tell_context, line->level, line->code, node, line->message, line->data);
}

/* All planes of the input, as lanes behind each other. */
static bool read_part(const struct part *p, char *pixels, struct err *err)
{
    const struct around *a = p->around;
    size_t n = p->rect.width * p->rect.height, size = lane_size(a->node);
    struct pixel_kind kind = pixel_kind_of(&a->node->inputs[0]->schema);
    struct pixel_kind lanes = { a->node->udf->wide ? PIXEL_F64 : PIXEL_F32, NAN, true };
    AUTO(mem) void **planes = mem_array(p->n_in, sizeof *planes);
    AUTO(mem) char *native = malloc(p->n_in * n * pixel_size(kind.pixel) + 1);

    if (!native)
        return err_set(err, ERR_MemoryExceeded, "No memory for %zu pixels of %zu planes.", n, p->n_in);
    for (size_t i = 0; i < p->n_in; i++)
        planes[i] = native + i * n * pixel_size(kind.pixel);
    if (!a->read_all(a->context, a->input, &p->rect, planes, err))
        return false;
    for (size_t i = 0; i < p->n_in; i++)
        lanes_convert(&(struct lane_plane){ planes[i], kind }, &(struct lane_plane){ pixels + i * n * size, lanes }, n);
    return true;
}

static bool make_part(const struct part *p, struct err *err)
{
    const struct around *a = p->around;
    const struct plan_node *node = a->node;
    const struct udf_function function = { node->id, node->pointer, node->udf->request };
    const struct udf_listener listener = { forward_line, a->foreign };
    size_t n = p->rect.width * p->rect.height, in = p->n_in * n * lane_size(node), out = p->n_out * n * lane_size(node);
    struct udf_place place = place_of(p);
    struct last_made *last = &a->foreign->last[node->index];
    AUTO(mem) char *pixels = malloc(in + 1);
    AUTO(mem) char *made = malloc(out + 1);

    if (!pixels || !made)
        return err_set(err, ERR_MemoryExceeded, "No memory for %zu bytes of pixels.", in + out);
    if (!a->foreign->options->config)
        return err_set(err, ERR_FeatureUnsupported, "%s: UDFs are not offered here.", node->pointer);
    if (!read_part(p, pixels, err) ||
        !udf_run(udf_session_of_thread(a->foreign->options->config, &listener), &function, &place, pixels, in, made,
                 out, err))
        return false;
    free(last->pixels);
    last->pixels = made;
    last->key = p->key;
    made = NULL;
    return true;
}

static bool same_key(const struct foreign_key *a, const struct foreign_key *b)
{
    return a->x == b->x && a->y == b->y && a->place_x == b->place_x && a->place_y == b->place_y;
}

/* What lies in the window, out of what was made. */
static void take_part(const struct part *p, const struct window_rect *w, const struct lane_plane *outs, size_t pitch)
{
    const struct around *a = p->around;
    size_t n = p->rect.width * p->rect.height, size = lane_size(a->node);
    int64_t left = w->x > p->rect.x ? w->x : p->rect.x, top = w->y > p->rect.y ? w->y : p->rect.y;
    int64_t right = w->x + (int64_t)w->width, bottom = w->y + (int64_t)w->height;

    right = right < p->rect.x + (int64_t)p->rect.width ? right : p->rect.x + (int64_t)p->rect.width;
    bottom = bottom < p->rect.y + (int64_t)p->rect.height ? bottom : p->rect.y + (int64_t)p->rect.height;
    for (size_t i = 0; i < a->step->n_outs; i++)
        for (int64_t y = top; y < bottom; y++) {
            size_t from = a->step->planes[i] * n + (size_t)(y - p->rect.y) * p->rect.width + (size_t)(left - p->rect.x);
            size_t to = (size_t)(y - w->y) * pitch + (size_t)(left - w->x);

            lanes_convert(&(struct lane_plane){ (char *)a->foreign->last[a->node->index].pixels + from * size,
                                                { a->node->udf->wide ? PIXEL_F64 : PIXEL_F32, NAN, true } },
                          &(struct lane_plane){ (char *)outs[i].data + to * pixel_size(outs[i].kind.pixel),
                                                outs[i].kind },
                          (size_t)(right - left));
        }
}

bool foreign_run(const struct around *a, const struct window_rect *w, const struct lane_plane *outs, size_t pitch,
                 struct err *err)
{
    const struct grid *g = &a->node->schema.grid;
    int64_t width = a->node->udf->side ? a->node->udf->side : g->width;
    int64_t height = a->node->udf->side ? a->node->udf->side : g->height;
    struct part p = { .around = a, .n_in = cube_planes(&a->node->inputs[0]->schema),
                      .n_out = cube_planes(&a->node->schema) };
    const struct last_made *last = &a->foreign->last[a->node->index];

    if (a->node->udf->patch)
        patch_place(a->places, a->node->udf->patch, &p.key.place_x, &p.key.place_y);
    for (p.rect.y = w->y / height * height; p.rect.y < w->y + (int64_t)w->height; p.rect.y += height)
        for (p.rect.x = w->x / width * width; p.rect.x < w->x + (int64_t)w->width; p.rect.x += width) {
            p.rect.width = (size_t)(g->width - p.rect.x < width ? g->width - p.rect.x : width);
            p.rect.height = (size_t)(g->height - p.rect.y < height ? g->height - p.rect.y : height);
            p.key.x = p.rect.x;
            p.key.y = p.rect.y;
            if (!(last->pixels && same_key(&last->key, &p.key)) && !make_part(&p, err))
                return false;
            take_part(&p, w, outs, pitch);
        }
    return true;
}
