/* STAC items and collections as planning sees them: JSON in, structs of graph/catalog.h out. Reads
 * STAC 1.0 (eo:bands, raster:bands, proj:epsg) and 1.1 (bands, proj:code); no I/O. */
#ifndef GRAPH_STAC_H
#define GRAPH_STAC_H

#include "graph/catalog.h"

/* The scene that an item describes, with the bands that are asked (n_bands 0: all of them), in the
 * order asked. Asked names are band names, asset keys or common names; scene_band.name is the band's
 * own name. A band in several assets is taken from the finest. What is returned lives in the arena
 * (nothing borrows from the item). Errors: BadRequest naming the place in the item. */
bool scene_from_stac(const json_t *item, size_t n_bands, const char *const *bands,
                     struct arena *arena, struct scene *ret_scene, struct err *err) MUST_USE;

/* What load_collection needs to know: bands from cube:dimensions, summaries or item_assets. */
bool collection_info_from_stac(const json_t *collection, struct arena *arena,
                               struct collection_info *ret_info, struct err *err) MUST_USE;

/* "uint16" -> PIXEL_U16; false for types that cubes do not hold (int64, complex). */
bool stac_pixel(const char *data_type, enum pixel *ret_pixel);

#endif
