/* Jobs of ortho-s1-grd: products of Sentinel-1 become tiles on the ground, as a graph of tasks. */
#ifndef JOBS_ORTHO_H
#define JOBS_ORTHO_H

#include "jobs/perform.h"
#include "sar/mgrs.h"
#include "store/copies.h"
#include "store/place.h"

/* The arguments of a request. */
struct ortho_inputs {
    const char *collection, *item, *direction, *calibration, *resampling, *filter, *data_type, *compression, *packaging, *border;
    const json_t *items, *bbox, *datetime, *tiles, *polarisations, *layers;
    int64_t orbit, filter_radius; /* orbit 0: any */
    double least_coverage;
    bool remove_noise, remove_border, neighbours, clip, restoration;
};
/* Errors: InvalidParameter with the place of what is wrong. */
bool ortho_inputs_read(const json_t *arguments, struct ortho_inputs *ret_inputs, struct err *err) MUST_USE;

/* A product, as the catalogue has it. */
struct ortho_scene {
    const char *collection, *item;
    const char *url;      /* of the item, when it is not of the catalogue; "": unknown */
    const char *path;     /* where a worker reads it; NULL: on tape, or on another server */
    char platform[4];     /* "S1A" */
    const char *mode;     /* "IW" */
    bool ascending;
    bool unasked;         /* a neighbour that nobody asked for, which is not used */
    int relative_orbit;
    int64_t absolute_orbit, start_ms, end_ms;
    double looks;
    size_t n_polarisations;
    const char *polarisations[4]; /* "VV" */
    struct ring *rings;   /* its footprint */
    size_t n_rings;
};
struct ortho_scenes {
    size_t count;
    struct ortho_scene *list; /* in the order of passes and of time; in the arena */
    size_t n_offline, n_away;
    struct product *offline;
    struct fetch_wish *away; /* on other servers, and not fetched yet */
};
/* ortho_place.c: where the product of a scene lies. Errors: InvalidParameter, SourceUnreadable. */
struct ortho_places {
    struct performer *performer;
    const struct ortho_inputs *inputs;
    struct arena *arena;
    size_t n_offline, n_away, room_offline, room_away;
    struct product *offline;
    struct fetch_wish *away;
};
void ortho_places_done(struct ortho_places *places);
bool ortho_place(struct ortho_places *places, const json_t *item, struct ortho_scene *scene, struct err *err) MUST_USE;
/* What a request means, and the neighbours of it in the catalogue. Errors: InvalidParameter, ItemNotFound,
 * CollectionNotFound, SourceUnreadable. */
bool ortho_scenes_find(struct performer *p, const struct ortho_inputs *inputs, struct arena *arena,
                       struct ortho_scenes *ret_scenes, struct err *err) MUST_USE;

/* What is to be done. */
struct ortho_plan {
    json_t *steps;   /* as step_add_all() takes them (owned) */
    json_t *scenes;  /* what is used, for the job's row (owned) */
    json_t *warnings; /* texts for the log (owned) */
    size_t n_tiles;
    double pixels, bytes, seconds; /* bytes: of the results, about */
    int64_t blocks;
};
void ortho_plan_done(struct ortho_plan *plan);
bool ortho_plan_make(const struct ortho_inputs *inputs, const struct ortho_scenes *scenes, struct arena *arena,
                     struct ortho_plan *ret_plan, struct err *err) MUST_USE;

/* What a step says of its grid. */
struct grid ortho_grid(const json_t *json);

/* perform_ortho.c: the first task, and the last. */
bool perform_is_ortho(const struct performer *p);
bool perform_ortho(struct performer *p, struct task *task, struct err *err) MUST_USE;
/* ortho_steps.c */
bool perform_ortho_step(struct performer *p, struct task *task, const char *key, const json_t *step, struct err *err) MUST_USE;

#endif
