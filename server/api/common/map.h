/* A small map: areas and pictures over lines of latitude and longitude, as SVG without scripts. */
#ifndef API_COMMON_MAP_H
#define API_COMMON_MAP_H

#include "base/text.h"
#include <jansson.h>

struct map_area {
    const json_t *geometry; /* GeoJSON, NULL: `bbox` is drawn */
    const json_t *bbox;     /* 4 or 6 numbers */
    const char *href, *title; /* href NULL: it leads nowhere */
    const char *picture;      /* address of a picture of the bbox whose rows are parallels; NULL: none */
};
/* Nothing is added when no area can be drawn. */
void map_add(struct text *page, const char *label, const struct map_area *areas, size_t count);

#endif
