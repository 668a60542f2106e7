/* Small files that process graphs name by URL (load_url). */
#ifndef JOBS_URL_H
#define JOBS_URL_H

#include "config/config.h"
#include "graph/catalog.h"

/* Lets a catalogue fetch them: from public addresses, and from those that jobs.url_hosts lists. `config`
 * must live as long as the catalogue. */
void url_allow(struct catalog *catalog, const struct config *config);

#endif
