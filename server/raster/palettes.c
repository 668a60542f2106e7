/* Each palette is a few colours at even distances, with straight lines between them. */
#include "raster/palettes.h"
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include "base/auto.h"

enum { MOST_STOPS = 9 };

static const struct {
    const char *name;
    uint32_t stops[MOST_STOPS];
    size_t count;
} palettes[] = {
    { "grey", { 0x000000, 0xffffff }, 2 },
    { "vegetation", { 0x7a4a1e, 0xb98a4a, 0xe3cf8e, 0xf4f0a8, 0xb9d76a, 0x74b043, 0x3d8a2e, 0x1b6423, 0x0b4418 }, 9 },
    { "moisture", { 0x6b3f14, 0xb07f3c, 0xe0c795, 0xf6f3ea, 0xa9d3e3, 0x4f9fc9, 0x1c5f9e, 0x0c2f66 }, 8 },
    { "heat", { 0x0a0510, 0x4a0d4e, 0x9c1c4b, 0xdd4a2c, 0xf79a27, 0xfbe26a, 0xfffce8 }, 7 },
    { "terrain", { 0x2b6b46, 0x6fa35a, 0xb9c67a, 0xe6d9a0, 0xc9a878, 0xa27d62, 0xb9aaa4, 0xffffff }, 8 },
};

static uint32_t between(uint32_t a, uint32_t b, double part)
{
    uint32_t colour = 0;

    for (int shift = 0; shift <= 16; shift += 8) {
        double from = (double)(a >> shift & 255), to = (double)(b >> shift & 255);

        colour |= (uint32_t)(from + part * (to - from) + 0.5) << shift;
    }
    return colour;
}

void palette_fill(const char *name, uint32_t colours[PALETTE_COLOURS])
{
    size_t chosen = 0;

    for (size_t i = 0; name && i < ARRAY_LEN(palettes); i++)
        if (!strcasecmp(palettes[i].name, name))
            chosen = i;
    for (size_t i = 0; i < PALETTE_COLOURS; i++) {
        double at = (double)i / (PALETTE_COLOURS - 1) * (double)(palettes[chosen].count - 1);
        size_t stop = at >= (double)(palettes[chosen].count - 1) ? palettes[chosen].count - 2 : (size_t)at;

        colours[i] = between(palettes[chosen].stops[stop], palettes[chosen].stops[stop + 1], at - (double)stop);
    }
}
