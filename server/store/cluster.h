/* Where the database is: database.url, or a private PostgreSQL cluster in the data folder that a
 * program of ours runs as its child, never listening on TCP. */
#ifndef STORE_CLUSTER_H
#define STORE_CLUSTER_H

#include "config/config.h"
#include "store/db.h"
#include <sys/types.h>

struct store;

/* For every command that needs the database: connects to a shared one; else finds the private
 * cluster running (under `sentier up`, say) or starts it until store_close(). A private cluster is
 * migrated, a shared one must have this program's schema. Call it before there are threads. */
bool store_open(const struct config *config, struct store **ret_store, struct err *err) MUST_USE;
/* The same without a look at the schema: `sentier migrate`. */
bool store_open_bare(const struct config *config, struct store **ret_store,
                     struct err *err) MUST_USE;
/* For `sentier up`: this process runs the cluster, or is refused because another one does. With
 * database.url there is no cluster to run. */
bool store_own(const struct config *config, struct store **ret_store, struct err *err) MUST_USE;

/* What db_open() takes. */
const char *store_url(const struct store *store);
/* The process of the cluster's postmaster when it is our child, else 0. */
pid_t store_process(const struct store *store);
/* After store_process() has ended unasked (and was waited for): starts it again. */
bool store_restart(struct store *store, struct err *err) MUST_USE;
/* Stops the cluster when it is ours (other commands that use it are waited for). */
void store_close(struct store *store);
DEFINE_AUTO(store, struct store *, store_close)

/* What lies in a data folder: "DIR/results" unless the configuration names another place. The
 * caller frees. */
char *store_results(const struct config *config);
char *store_files(const struct config *config);
char *store_scratch(const struct config *config);
char *store_tiles(const struct config *config);  /* of web services */
char *store_staged(const struct config *config); /* copies from tape */
char *store_downloads(const struct config *config); /* products of other servers */
char *store_cache(const struct config *config);  /* members of archives, unpacked */

#endif
