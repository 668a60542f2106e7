/* From hrefs as they are on disk to hrefs as they are served. */
#ifndef INGEST_LOCALISE_H
#define INGEST_LOCALISE_H

#include "store/items.h"
#include <jansson.h>

/* Local hrefs of the item's assets (absolute paths, /vsizip/..., file://; relative ones that exist in
 * `folder`, which may be NULL) become addresses of this server, and the files they meant are
 * returned as locations, in the arena. Remote hrefs stay. A file that lies, links followed, in none
 * of the colon-separated `folders` (NULL: any will do) is refused. Errors: BadRequest. */
bool localise(json_t *item, const char *folder, const char *folders, struct arena *arena,
              struct item_input *ret_input, struct err *err) MUST_USE;

#endif
