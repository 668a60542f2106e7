/* A product is opened, and what it says of an image is read whole; neighbours of the same pass and orbit files say more of
 * the geometry than it does itself. */
#include "sar/ortho_source.h"
#include "sar/eof.h"
#include "sar/pass.h"
#include "sar/relief.h"
#include <stdio.h>

enum { DEM_MARGIN = 1000 /* metres */ };

void ortho_source_done(struct ortho_source *i)
{
    sar_product_free(i->product);
    arena_free(i->arena);
}

static bool join_neighbour(struct ortho_source *i, const char *path, struct err *err)
{
    AUTO(sar_product) struct sar_product *product = NULL;
    const struct sar_image *image;
    struct sar_annotation neighbour;

    if (!path)
        return true;
    if (!sar_product_open(path, &product, err))
        return false;
    image = sar_product_image(product, i->frame->polarisation);
    if (!image)
        return true;
    if (!sar_image_annotation(product, image, i->arena, &neighbour, err))
        return false;
    sar_pass_continue(&i->annotation, &neighbour, i->arena);
    return true;
}

static bool choose_orbit(struct ortho_source *i, struct ortho_facts *facts, struct err *err)
{
    struct sar_orbit_file file;
    bool found;

    if (!i->options->orbits)
        return true;
    if (!sar_orbit_file_find(i->options->orbits, &i->annotation, i->arena, &file, &found, err))
        return false;
    if (!found)
        return true;
    snprintf(facts->orbit_file, sizeof facts->orbit_file, "%s", file.name);
    return sar_orbit_file_apply(&file, i->arena, &i->annotation, err);
}

bool ortho_source_open(const struct ortho_frame *frame, const struct ortho_options *options, struct ortho_source *i,
                      struct ortho_facts *facts, struct err *err)
{
    *i = (struct ortho_source){ .frame = frame, .options = options, .arena = arena_new() };
    if (!sar_product_open(frame->product, &i->product, err))
        return false;
    i->image = sar_product_image(i->product, frame->polarisation);
    if (!i->image)
        return err_set(err, ERR_FileContentInvalid, "%s has no image in %s", i->product->id, frame->polarisation);
    if (i->product->ipf > 0)
        snprintf(facts->processor, sizeof facts->processor, "%03d.%02d", (int)((unsigned)i->product->ipf / 100 % 1000), (int)((unsigned)i->product->ipf % 100));
    return sar_image_annotation(i->product, i->image, i->arena, &i->annotation, err) && join_neighbour(i, frame->before, err) &&
           join_neighbour(i, frame->after, err) && choose_orbit(i, facts, err);
}

bool ortho_source_see(const struct ortho_source *i, bool around, struct view **ret_view, struct dem **ret_dem,
                     struct ortho_facts *facts, struct err *err)
{
    const struct dem_options heights = { .path = i->options->dem, .geoid = i->options->geoid,
                                         .margin = DEM_MARGIN + (around ? (int)RELIEF_MOST : 0), .threads = i->options->threads };
    AUTO(view) struct view *view = NULL;

    if (!view_new(&i->annotation, NULL, 0, GROUND_RANGE_LINEAR, &view, err) ||
        !dem_read(&heights, &i->frame->grid, ret_dem, err))
        return false;
    facts->dem_gaps = (*ret_dem)->n_voids;
    facts->dem_missing = (*ret_dem)->missing;
    *ret_view = view;
    view = NULL;
    return true;
}
