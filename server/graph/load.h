/* A load of a collection, while it is made: inside of load*.c. */
#ifndef GRAPH_LOAD_H
#define GRAPH_LOAD_H

#include "graph/planner.h"

struct band_layers {
    struct cell cell;
    bool wide;
};

struct load {
    struct load *next;
    const char *key; /* what was asked for, canonical */
    const char *collection;
    struct source source;
    struct grid grid;
    size_t n_labels, n_bands;
    const char *const *bands;
    const struct band_info *infos;
    const struct label *labels;
    const struct scene *const **members; /* [label][n_members] */
    const size_t *n_members;
    const struct band_layers *cells;     /* [n_bands] */
    const struct radar_args *radar;      /* of images of a radar; NULL: of none */
    size_t n_images;                     /* with radar: bands that are images; what is made beside them comes after */
    const enum radar_layer *layers;      /* with radar: [n_bands] */
};

/* One for each instant, or for each pass of a platform; with the scenes of each. */
void load_make_labels(struct planner *p, struct load *load, const struct scene_list *scenes,
                      bool overpass);
/* A cube of the items of {"items"}, whose asset "data" has all bands, in their order; `name` is told in messages. Undated
 * ones have no t. */
bool load_items(struct call *call, const char *name, json_t *found, bool undated, struct value *ret,
                struct err *err) MUST_USE;
/* NULL: the scene has no such band. */
const struct scene_band *load_find_band(const struct scene *scene, const char *name);
/* x, y, t and bands of a load with labels and infos. */
const struct dimension *load_dimensions(struct planner *p, const struct load *load,
                                        const struct grid *grid);
/* radar.c: gives images of a radar grids that the load's is chosen by, where there are any. */
bool radar_place(struct call *call, size_t n_extents, const struct extent *extents, struct scene_list *scenes,
                 bool *ret_is_radar, struct err *err) MUST_USE;
/* Marks a load of such images. */
void radar_note(struct planner *p, struct load *load);
/* Fills load->source, cells and grid. */
void load_make_source(struct planner *p, struct load *load, const struct grid *grid,
                      const char *id, const char *pointer);

#endif
