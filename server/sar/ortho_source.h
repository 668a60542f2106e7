/* One image of a product, as far as its geometry goes: of frames, and of layers. */
#ifndef SAR_ORTHO_SOURCE_H
#define SAR_ORTHO_SOURCE_H

#include "base/mem.h"
#include "sar/dem.h"
#include "sar/ortho.h"
#include "sar/product.h"
#include "sar/view.h"

struct ortho_source {
    const struct ortho_frame *frame;
    const struct ortho_options *options;
    struct arena *arena;
    struct sar_product *product;
    const struct sar_image *image;
    struct sar_annotation annotation; /* continued by its neighbours', with the orbit that was chosen */
};
bool ortho_source_open(const struct ortho_frame *frame, const struct ortho_options *options, struct ortho_source *ret_source,
                      struct ortho_facts *facts, struct err *err) MUST_USE;
void ortho_source_done(struct ortho_source *source);

/* `around`: whether terrain matters that hides the grid's ground or folds onto it. */
bool ortho_source_see(const struct ortho_source *source, bool around, struct view **ret_view, struct dem **ret_dem,
                     struct ortho_facts *facts, struct err *err) MUST_USE;

#endif
