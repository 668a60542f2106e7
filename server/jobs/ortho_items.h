/* What is told about tiles: the metadata of files, and STAC items. */
#ifndef JOBS_ORTHO_ITEMS_H
#define JOBS_ORTHO_ITEMS_H

#include "sar/ortho_layers.h"
#include <jansson.h>

/* S1Tiling's metadata of a file: {name: text}. `inputs` are those of the step that joins, `made` what the images before it
 * gave ({key: facts}). The caller owns it. */
json_t *ortho_metadata(const json_t *inputs, const json_t *made);
/* The same of the step of a layer. */
json_t *ortho_layer_metadata(const json_t *inputs, const struct ortho_layer_kind *kind);
/* The files of a tile of a pass: joined images, layers and the STAC item, [{"name", "type", "title", "output", "fields"} with "number",
 * "token" and "size" of a task's file, or with "content"]; *ret_name is that of the item. `inputs` are those of the step that
 * packages, `made` what the joins before it gave. The caller owns both. */
json_t *ortho_files(const json_t *inputs, const json_t *made, char **ret_name);
/* Percent of the pixels that have data. Where it is less than this, a tile is called partial. */
double ortho_coverage(const json_t *about, const json_t *made);
#define ORTHO_WHOLE 99.9

#endif
