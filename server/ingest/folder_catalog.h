/* A catalogue in memory, made from folders of products: what `sentier run` plans with. */
#ifndef INGEST_FOLDER_CATALOG_H
#define INGEST_FOLDER_CATALOG_H

#include "graph/catalog.h"
#include "ingest/import.h"

struct folder_catalog;

struct folder_catalog *folder_catalog_new(void);
void folder_catalog_free(struct folder_catalog *folders);
DEFINE_AUTO(folder_catalog, struct folder_catalog *, folder_catalog_free)

/* Imports a folder, a zip, or a file of STAC items. Products that cannot be read are told to
 * `problem`. Errors: FileNotFound when nothing is there that can be. */
bool folder_catalog_add(struct folder_catalog *folders, const char *path,
                        void (*problem)(void *context, const struct err *problem), void *context,
                        struct err *err) MUST_USE;
/* Answers as long as `folders` lives. */
struct catalog folder_catalog(struct folder_catalog *folders);

#endif
