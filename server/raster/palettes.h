/* Named colours for numbers (the formats' option palette). */
#ifndef RASTER_PALETTES_H
#define RASTER_PALETTES_H

#include <stdint.h>

enum { PALETTE_COLOURS = 256 };
/* From the dark to the light end, 0xRRGGBB; grey when there is none of that name, or NULL. */
void palette_fill(const char *name, uint32_t colours[PALETTE_COLOURS]);

#endif
