/* Collection output (Part 3, and Part 1 of 2.0): the output of a process as a collection of OGC API, of which areas are
 * asked for as a coverage, a map or features. */
#ifndef API_OGC_COLLECTIONS_H
#define API_OGC_COLLECTIONS_H

#include "api/ogc/execution.h"
#include "graph/graph.h"
#include "store/virtual_collections.h"

/* collection_make.c: answers a request for `?response=collection`: 303 to the collection of its output, or, when the request
 * names several outputs, 200 with the links of theirs. Errors: InvalidParameter (several outputs and no choice). `dataset`: for
 * `?response=landingPage`: 303 to the dataset of all outputs. */
bool ogc_collection_make(struct request *rq, struct reply *reply, const json_t *body, bool dataset, struct err *err) MUST_USE;
/* collections.c: what is told of a collection without planning it. The caller owns it. */
json_t *ogc_collection_summary(struct request *rq, const struct virtual_collection *row);

/* collection_open.c */
struct ogc_collection {
    struct virtual_collection row;
    json_t *graph, *arguments;       /* owned: what computes it; NULL: features */
    const struct job_asset *features; /* the GeoJSON that its job made; NULL: none */
};
void ogc_collection_drop(struct ogc_collection *c); /* AUTO(ogc_collection) */
/* The collection of the path; when its job has not ended, *ret_waits says that the reply waits for it, and the handler runs
 * again. Errors: CollectionNotFound, InfrastructureBusy, that of a job that failed. */
bool ogc_collection_open(struct request *rq, struct reply *reply, struct ogc_collection *ret, bool *ret_waits, struct err *err) MUST_USE;

/* What a coverage is made of, found out by planning it. */
struct ogc_coverage {
    struct grid grid; /* its own */
    double bbox[4];   /* west, south, east, north in degrees */
    enum pixel pixel;
    size_t n_bands;
    const char *const *bands; /* names in the arena */
};
bool ogc_collection_survey(struct request *rq, const struct ogc_collection *c, struct ogc_coverage *ret, struct err *err) MUST_USE;

/* coverage_params.c: which part of a coverage, and how large. */
struct coverage_wish {
    int epsg;         /* of the answer, 4326 is in the order of longitude and latitude */
    int box_epsg;     /* of the box */
    bool has_box[2];  /* along x and y */
    double box[4];    /* least x, least y, most x, most y */
    int64_t width, height; /* 0: not given */
    double scale;     /* scale-factor; 0: not given */
    double range[2];  /* of a map: what is shown as black and as white */
    bool has_range;
};
enum { COVERAGE_LARGEST_SIDE = 8192 };
/* One parameter of a request. *ret_known false: it is none of a coverage. Errors: InvalidQueryValue. */
bool coverage_param(struct coverage_wish *wish, const char *name, const char *value, bool *ret_known, struct err *err) MUST_USE;
/* "http://www.opengis.net/def/crs/EPSG/0/32633", "[EPSG:32633]", "EPSG:32633", "CRS84": its EPSG code; 0: none of these. */
int coverage_crs(const char *name);

/* dataset.c: a landing page of its own for a few collections, and their list */
handler_fn ogc_dataset_get, ogc_dataset_collections_get;
handler_fn ogc_collections_get, ogc_collection_get, ogc_collection_delete, ogc_coverage_get, ogc_map_get, ogc_items_get, ogc_item_get;

#endif
