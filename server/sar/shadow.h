/* What the radar does not see, and what it sees in one place with something else. */
#ifndef SAR_SHADOW_H
#define SAR_SHADOW_H

#include "sar/relief.h"

/* Bits of masks. */
enum shadow_bit { SHADOW_LAYOVER = 1, SHADOW_SHADOW = 2, SHADOW_NO_HEIGHT = 4 /* the DEM had none: the sea's was taken */ };

/* Layover and shadow of all pixels of the relief's window (made with_scan). Near its ends in range they are of what
 * lies in it only. The caller frees. */
bool shadow_mask(const struct relief *relief, uint8_t **ret_mask, struct err *err) MUST_USE;

#endif
