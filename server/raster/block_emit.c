/* What becomes of finished planes: rows go to their table; pixels are put into the type of their file, gather
 * until the block is whole, are packed and written to the part. */
#include "raster/block_runner.h"
#include "base/mem.h"
#include "raster/pieces.h"
#include "raster/zones.h"
#include <math.h>
#include <string.h>

static size_t save_number(const struct plan *plan, const struct plan_node *save)
{
    size_t i = 0;

    while (pieces_output(plan, i) != save)
        i++;
    return i;
}

/* A finished plane of a tile of rows. */
static void emit_rows(const struct block_runner *runner, const struct band *band,
                      const struct step *step)
{
    struct lane_plane in = plane_of(band, &step->ins[0]);
    size_t save = save_number(runner->job->plan, step->node);
    double *to = runner->job->rows_made[save] +
                 step->plane * (size_t)step->node->schema.grid.width + (size_t)band->rows.x;
    struct lane_plane out = { to, { PIXEL_F64, NAN, true } };

    if (in.data)
        lanes_convert(&in, &out, band->n);
    else
        pixel_tables[PIXEL_F64]->fill(to, NAN, band->n);
}

static struct pixel_kind emitted_kind(const struct plan_node *output, struct file_style *style,
                                      const struct pixel_kind *made)
{
    return output->op == PLAN_ZONES ? *made : style->kind;
}

/* A plane of a whole block. */
static bool pack(struct block_runner *runner, const struct band *band, const struct step *step,
                 const struct file_style *style, size_t block, const struct window_rect *tile,
                 const struct lane_plane *plane, struct err *err)
{
    struct part_entry entry = { .block = (uint32_t)block,
                                .save = (uint32_t)save_number(runner->job->plan, step->node),
                                .plane = (uint32_t)step->plane };

    if (step->node->op == PLAN_ZONES)
        return zones_emit(runner->zones, step->node, tile, entry, plane, runner->job->part, err);
    return encoder_plane(runner->encoder, style, &band->schedule->grid, entry, plane->data, tile->width,
                         tile->height, runner->job->part, err);
}

/* A plane of a part of a cell: to the blocks that it lies on. */
static bool emit_to_stage(struct block_runner *runner, struct band *band, const struct step *step,
                          const struct file_style *style, size_t number, const struct lane_plane *plane,
                          struct err *err)
{
    const struct window_rect *w = &band->rows;
    struct stage *stage = band->stage;

    for (int64_t y = w->y / BASE_TILE; y * BASE_TILE < w->y + (int64_t)w->height; y++)
        for (int64_t x = w->x / BASE_TILE; x * BASE_TILE < w->x + (int64_t)w->width; x++) {
            size_t block = (size_t)y * band->schedule->tile_columns + (size_t)x;
            struct window_rect tile = schedule_tile(band->schedule, block);
            AUTO(mem) void *whole = NULL;
            bool finished;

            if (block < stage->first || block >= stage->end)
                continue;
            if (!stage_put(stage, block, number, w, plane->data, pixel_size(plane->kind.pixel), &whole,
                           &finished, err))
                return false;
            band->finished += finished;
            if (whole && !pack(runner, band, step, style, stage->before + block, &tile,
                               &(struct lane_plane){ whole, plane->kind }, err))
                return false;
        }
    return true;
}

/* A finished plane of the block: in the type of its file, and packed when it is whole. */
static bool emit_plane(struct block_runner *runner, struct band *band, const struct step *step,
                       struct err *err)
{
    struct lane_plane in = plane_of(band, &step->ins[0]), out = { runner->converted, in.kind };
    struct file_style style = { 0 };
    size_t number = band->emitted++, size;

    if (runner->job->survey) {
        struct window_rect w = on_node(band, step->node);

        survey_add(runner->job->survey, step->plane, &w, &in);
        return true;
    }
    if (step->node->op != PLAN_ZONES && !file_style_of(step->node, &style, err))
        return false;
    out.kind = emitted_kind(step->node, &style, &in.kind);
    size = pixel_size(out.kind.pixel);
    if (!in.data)
        pixel_tables[out.kind.pixel]->fill(out.data, pixel_kind_gap(&out.kind), band->n);
    else if (pixel_kind_equal(&in.kind, &out.kind))
        out.data = in.data;
    else
        lanes_convert(&in, &out, band->n);
    if (band->stage)
        return emit_to_stage(runner, band, step, &style, number, &out, err);
    if (runner->tiles) {
        size_t row = (size_t)(band->rows.y - band->tile.y);

        memcpy((char *)runner->tiles[number] + row * band->tile.width * size, out.data, band->n * size);
        if (row + band->rows.height < band->tile.height)
            return true;
        out.data = runner->tiles[number];
    }
    return pack(runner, band, step, &style, band->block, &band->tile, &out, err);
}

bool emit_step(struct block_runner *runner, struct band *band, const struct step *step, struct err *err)
{
    if (!step->node->schema.geometries || step->node->op != PLAN_SAVE)
        return emit_plane(runner, band, step, err);
    emit_rows(runner, band, step);
    return true;
}
