/* What planning asks of a catalogue. graph/ does no I/O: store/ answers from PostGIS, a folder
 * answers for `sentier run`, and a job's tasks answer from what its first task was told. */
#ifndef GRAPH_CATALOG_H
#define GRAPH_CATALOG_H

#include "base/err.h"
#include "base/mem.h"
#include "graph/cube.h"
#include <jansson.h>

/* One band of one scene: where its pixels are and what they mean. */
struct scene_band {
    const char *name; /* "B04" */
    struct band_info info;
    const char *href; /* absolute path, /vsi.. or http(s) URL */
    int index;        /* 1-based band of the file */
    struct grid grid; /* of the file, from proj:*; width 0 when the catalogue does not know */
    enum pixel pixel;
    double nodata;
    bool has_nodata;
    bool has_overviews; /* its media type says so */
    bool is_radar;    /* as a side-looking radar saw it: it lies on no grid until sar_backscatter brings it onto one */
};

struct scene {
    const char *id, *collection;
    int64_t instant_ms;
    const char *platform; /* NULL when unknown */
    int64_t orbit;        /* absolute or relative orbit, -1 when unknown */
    double bbox[4];       /* west south east north, degrees */
    size_t n_bands;
    const struct scene_band *bands; /* the asked ones that this scene has */
};

struct scene_query {
    const char *collection;
    bool has_bbox;
    double bbox[4];       /* west south east north, degrees; west > east crosses 180 degrees */
    int64_t start, end;   /* left-closed; INSTANT_MIN, INSTANT_MAX when open */
    size_t n_bands;       /* 0: all */
    const char *const *bands; /* names or common names */
    const json_t *properties; /* conditions on the items' properties: CQL2 in JSON, NULL when none */
};

struct scene_list {
    size_t count;
    size_t without; /* items that meet the query, but have none of the bands */
    const struct scene *scenes; /* by instant, then id */
};

void scenes_sort(struct scene *scenes, size_t count); /* by instant, then id */

/* A collection as load_collection needs it before any scene is known. */
struct collection_info {
    const char *id;
    size_t n_bands;
    const char *const *band_names; /* in the collection's order */
    const struct band_info *bands;
    bool overpass; /* scenes of one pass are one label of t */
};

/* How graphs are written: by the definitions, or as the Copernicus Data Space takes them, where a few
 * things that the definitions refuse have a meaning. */
enum dialect { DIALECT_OPENEO, DIALECT_CDSE };
const char *dialect_name(enum dialect dialect);
bool dialect_find(const char *name, enum dialect *ret_dialect) MUST_USE; /* "openeo", "cdse" */

/* Results as one picture on a grid of somebody's choice: tiles of maps, parts of coverages. */
struct picture_wish {
    struct grid grid;
    bool numbers; /* the values themselves, as a GeoTIFF */
    const json_t *options; /* of the format PNG, for what is not saved as PNG anyway; NULL when none */
};

#define CATALOG_VERSION "sentier:version"

/* Who runs users' code (run_udf). */
struct udf_host {
    void *context;
    /* The names that a graph may ask for, the default first; NULL ends (at once: any). The function NULL, or what it
     * returns: run_udf is not offered. */
    const char *const *(*versions)(void *context);
    /* The code at a URL, or in a file of who asks; the caller frees. */
    bool (*code)(void *context, const char *udf, char **ret_code, struct err *err);
    /* Which dimensions the UDF's result has: [{"name", "count", "labels" or "instants"}]; the caller owns it. */
    bool (*probe)(void *context, const char *node, const char *pointer, const char *request, json_t **ret_axes,
                  struct err *err);
};

/* What the pixels of a cube say of its labels (trim_cube). */
struct survey {
    size_t n_planes;
    bool *holds; /* [n_planes]: a pixel of it is valid */
    int64_t left, top, right, bottom; /* the first and last columns and rows that hold any; none: left > right */
};

struct plan;
struct catalog {
    struct udf_host udf;
    /* Looks at all pixels of the one cube that a plan makes; `holds` is false throughout before. NULL: no pixel is
     * looked at here. */
    bool (*survey)(void *survey_context, const struct plan *plan, struct survey *survey, struct err *err);
    void *survey_context;
    void *context;
    /* Errors: CollectionNotFound. What is returned lives in the arena. */
    bool (*collection)(void *context, const char *id, struct arena *arena,
                       const struct collection_info **ret_info, struct err *err);
    bool (*scenes)(void *context, const struct scene_query *query, struct arena *arena,
                   struct scene_list *ret_scenes, struct err *err);
    /* Users' processes of a namespace: "user" (the asker's own), "@name" (what a user shares). Both
     * NULL: there are none. The caller owns what is returned. An id may end with a version ("evi@2");
     * which one it is stands in the process as CATALOG_VERSION. */
    bool (*process_ids)(void *context, const char *space, json_t **ret_ids, struct err *err); /* {"evi": true} */
    bool (*process)(void *context, const char *space, const char *id, json_t **ret_process,
                    struct err *err); /* NULL when there is none */
    /* The JSON at a URL (the caller owns it). NULL: nothing is fetched. */
    bool (*fetch)(void *fetch_context, const char *url, json_t **ret_json, struct err *err);
    void *fetch_context;
    /* What lies behind the URL of a STAC document, an API's collection, or results: {"items": [...], "collection":
     * ... or null}; items that cannot meet area and time may be left out. The caller owns it. NULL: as fetch. */
    bool (*stac)(void *fetch_context, const char *url, const struct scene_query *query, json_t **ret_found,
                 struct err *err);
    /* A file that the asker has uploaded, by a format of format_inputs: an image as a STAC item, which has
     * "sentier:undated" when no date is known, features as a FeatureCollection. The caller owns it. NULL: there are
     * no files. Errors: FileNotFound, FilePathInvalid, FormatUnsuitable. */
    bool (*uploaded)(void *fetch_context, const char *path, const char *format, json_t **ret_document,
                     struct err *err);
    /* Whether the asker may export to a workspace. NULL: there are none. Errors: WorkspaceNotFound. */
    bool (*workspace)(void *context, const char *id, struct err *err);
    /* What catalog_chance() gives for a key: below 2^63, and the same again in later tries. False, or NULL: anything. */
    bool (*chance)(void *context, const char *key, uint64_t *ret_number);
    /* What a survey of this key told before, borrowed; NULL: nothing. NULL: there is no before. */
    json_t *(*surveyed)(void *context, const char *key);
    /* Told before anything is asked that may take its time, or that is of who asks. NULL: nobody. */
    void (*before)(void *before_context);
    void *before_context;
    enum dialect dialect; /* of who asks */
    const char *elevation_model; /* what graphs may call the site's; NULL: the site has none */
    const struct picture_wish *picture; /* NULL: results are as the process says */
};

#endif
