/* Documents that process graphs name by URL (load_url, load_stac), and users' code. */
#ifndef JOBS_URL_H
#define JOBS_URL_H

#include "config/config.h"
#include "graph/catalog.h"
#include "udf/udf.h"

struct db;
struct url_reader {
    const struct config *config;
    struct db *db;    /* for results of the user's own jobs; NULL: there are none */
    const char *user; /* who asks */
    /* Of users' code that plans need to run (run_udf); NULL: it is not run here, but in a task. */
    const struct udf_listener *udf_listener;
    /* Files that are fetched, or made of those of users, stay in this folder, which is made when it is needed; NULL:
     * none are made here, but in a task. */
    const char *folder;
};
/* Lets a catalogue fetch them, and the files that `user` has uploaded: from public addresses, and from those that jobs.url_hosts lists. `reader`
 * must live as long as the catalogue. */
void url_allow(struct catalog *catalog, const struct url_reader *reader);

/* What graphs may call the elevation model of the site. */
void url_name_elevation_model(struct catalog *catalog, const struct config *config);

/* One JSON document. Errors: Unreachable, InvalidParameter, BadRequest. */
bool url_read(const struct config *config, const char *url, json_t **ret_json, struct err *err) MUST_USE;

#endif
