/* Whatever a catalogue holds as an item or a collection, reading it for planning answers a scene
 * whose grids can be computed with, or a message. */
#include "graph/stac.h"
#include "json/js.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct scene_band *band)
{
    const struct grid *g = &band->grid;

    if (!band->name || !band->href || g->width < 0 || g->height < 0)
        abort();
    if (g->width > 0 && !(g->dx > 0 && g->dy > 0 && isfinite(g->x0 + g->dx * (double)g->width) &&
                          isfinite(g->y0 - g->dy * (double)g->height)))
        abort();
}

static void read_item(const json_t *json, size_t n_bands, const char *const *bands)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct err err = { 0 };
    struct scene scene;

    if (!scene_from_stac(json, n_bands, bands, arena, &scene, &err)) {
        if (!err.message[0])
            abort();
        return;
    }
    for (size_t i = 0; i < scene.n_bands; i++)
        look_at(&scene.bands[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const asked[] = { "B04", "nir", "SCL" };
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(json) json_t *json = NULL;
    struct collection_info info;
    struct err err = { 0 };

    if (!js_parse((const char *)data, size, 32, &json, &err))
        return 0;
    read_item(json, 0, NULL);
    read_item(json, ARRAY_LEN(asked), asked);
    if (!collection_info_from_stac(json, arena, &info, &err) && !err.message[0])
        abort();
    return 0;
}
