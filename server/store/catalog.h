/* The catalogue in PostGIS as planning asks it (graph/catalog.h). */
#ifndef STORE_CATALOG_H
#define STORE_CATALOG_H

#include "graph/catalog.h"
#include "store/stagings.h"

/* Answers from the database with the rights of `viewer` (a user's id; NULL: nobody), which must live
 * as long as the catalogue. The href of an asset is that of its best place (store/places.h). With an
 * arena, products that scenes name and that are not online are listed in `offline`, each once. */
struct catalog_viewer {
    struct db *db;
    const char *user;
    const char *site;     /* catalog.site; NULL: none */
    struct arena *arena;  /* NULL: nobody asks what is offline */
    struct product *offline;
    size_t n_offline, capacity;
    const char *job;      /* whose numbers by chance are the same in all tries of run `run`; NULL: nobody's */
    int run;
    const char *draft_id; /* a process that is just being stored: it counts as the viewer's */
    const json_t *draft;
};
struct catalog catalog_store(struct catalog_viewer *viewer);

#endif
