/* The catalogue in PostGIS as planning asks it (graph/catalog.h). */
#ifndef STORE_CATALOG_H
#define STORE_CATALOG_H

#include "graph/catalog.h"
#include "store/db.h"

/* Answers from the database with the rights of `viewer` (a user's id; NULL: nobody), which must live
 * as long as the catalogue. Assets that lie here have the path of their file as href. */
struct catalog_viewer {
    struct db *db;
    const char *user;
};
struct catalog catalog_store(struct catalog_viewer *viewer);

#endif
