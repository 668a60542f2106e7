/* Windows of apply_neighborhood: inside of neighborhoods.c and neighborhood_cuts.c. */
#ifndef GRAPH_NEIGHBORHOODS_H
#define GRAPH_NEIGHBORHOODS_H

#include "graph/planner.h"
#include "graph/times.h"

/* The labels of one window along a dimension. */
struct chunk {
    size_t n, before, core; /* all of them; of these only `core` from `before` on are results */
    size_t first;           /* label of the cube that the first result has */
    const size_t *members;  /* labels of the cube; SIZE_MAX: beyond its ends */
    const struct label *labels;
};

/* How a dimension is cut; everything when nothing is said. */
struct cut {
    bool is_set, has_overlap, by_time, overlap_by_time;
    double size, overlap; /* labels or pixels */
    struct duration time, overlap_time;
    size_t n_chunks, capacity;
    struct chunk *chunks;
};

struct hood {
    struct call *call;
    const struct cube *data;
    struct cut *cuts;             /* by dimension */
    struct patch_args windows;
    struct patched {
        struct source *source;
        struct grid grid;
        const struct expr **leaves; /* by plane of the data */
    } patches[2][2];
    const struct plan_node **input; /* that all patches are cut out of */
    const struct expr **planes;     /* results, by plane of the data */
    bool unknown;
    struct err *err;
};

/* Reads `size` and `overlap` into h->cuts; h->unknown when that must wait for the plan. */
bool hood_read_cuts(struct hood *h);
/* Makes the windows (chunks) along a dimension that is not horizontal. */
bool hood_cut_dimension(struct hood *h, size_t i);
/* How long a window is along a dimension. Those that are not cut count as long where only the catalogue
 * knows how many labels there are, so that checking and planning see the same. */
double hood_window_length(const struct hood *h, size_t i);

#endif
