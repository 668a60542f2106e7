/* An image of a product with all that is needed to bring it onto a grid. Read-only once it is open: threads share it. */
#ifndef SAR_ORTHO_IMAGE_H
#define SAR_ORTHO_IMAGE_H

#include "sar/geocode.h"
#include "sar/ortho.h"

struct ortho_image;

/* What is unpacked of a zip is the part under the frame's grid, whatever heights the ground has there. `frame` and `options` must live
 * as long as the image. Errors: as ortho_frame_add(). */
bool ortho_image_open(const struct ortho_frame *frame, const struct ortho_options *options, struct ortho_image **ret_image,
                      struct ortho_facts *ret_facts, struct err *err) MUST_USE;
void ortho_image_free(struct ortho_image *image);
DEFINE_AUTO(ortho_image, struct ortho_image *, ortho_image_free)

const struct view *ortho_image_view(const struct ortho_image *image);
/* Its calibrated power; lives as long as the image. */
struct geocode_input ortho_image_input(const struct ortho_image *image);

#endif
