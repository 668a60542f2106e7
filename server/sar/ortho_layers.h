/* Layers of the geometry on a tile: what angles a pass has there, and what it does not see. */
#ifndef SAR_ORTHO_LAYERS_H
#define SAR_ORTHO_LAYERS_H

#include "sar/dem.h"
#include "sar/ortho.h"
#include "sar/view.h"

enum ortho_layer { ORTHO_LIA, ORTHO_SIN_LIA, ORTHO_IA, ORTHO_MASK, ORTHO_LAYERS };
struct ortho_layer_kind {
    const char *name; /* as requests and items call it */
    const char *file; /* what its file's name begins with: "LIA" */
    const char *title, *role, *unit, *data_type; /* unit: or NULL; data_type: as S1Tiling tells */
    enum pixel pixel;
    double nodata, scale;
    bool classes; /* bits of enum shadow_bit (sar/shadow.h) */
};
extern const struct ortho_layer_kind ortho_layers[ORTHO_LAYERS];
bool ortho_layer_find(const char *name, enum ortho_layer *ret_layer);

/* To where `pixels` have no data, as ortho_frame_add() does it: degrees, a sine, or bits; NaN outside the image. The frame's
 * polarisation says which annotation is read. */
bool ortho_layer_add(const struct ortho_frame *frame, const struct ortho_options *options, enum ortho_layer layer,
                     float *pixels, struct ortho_facts *ret_facts, struct err *err) MUST_USE;
/* A cloud-optimised GeoTIFF in the layer's type; the file's filter and centibels do not matter. */
bool ortho_layer_save(const struct ortho_file *file, enum ortho_layer layer, const float *pixels, const char *path,
                      struct ortho_saved *ret_saved, struct err *err) MUST_USE;

/* Beta0 where it is more than 0 times the sine of the angle between sight and the normal of the terrain, projected into the
 * plane of sight and vertical: S1Tiling's NORMLIM. */
bool ortho_normlim(const struct view *view, const struct dem *dem, const struct grid *grid, int threads, float *pixels,
                   struct err *err) MUST_USE;

#endif
