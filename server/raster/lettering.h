/* What is drawn upon pictures: texts, a scale bar, an arrow to the north, a bar of colours. The door to Pango and Cairo. */
#ifndef RASTER_LETTERING_H
#define RASTER_LETTERING_H

#include "base/err.h"
#include "graph/cube.h"
#include <jansson.h>

struct lettering_wish {
    int width, height;           /* of the pictures */
    const struct grid *grid;     /* the place that they show */
    const json_t *options;       /* title, caption, credit, legend, show (graph/formats.c) */
    const uint32_t *colours;     /* of the bar, from the left: 256 of them; NULL: none */
    double least, greatest;      /* what its ends stand for */
    const struct label *first, *last; /* dates; NULL: none */
};
struct lettering;
/* Borrows the options. */
bool lettering_new(const struct lettering_wish *wish, struct lettering **ret_lettering, struct err *err) MUST_USE;
void lettering_free(struct lettering *lettering);
/* Upon a picture of 0xRRGGBB pixels. `part` of a series, 0 to 1, lies behind it; below 0: it is none. */
bool lettering_draw(struct lettering *lettering, const struct label *date, double part, uint32_t *pixels,
                    struct err *err) MUST_USE;

#endif
