/* Building answers: members that are left out when there is nothing to say, and links. */
#ifndef API_COMMON_BUILD_H
#define API_COMMON_BUILD_H

#include "http/request.h"
#include "json/js.h"

#define OGC_REL "http://www.opengis.net/def/rel/ogc/1.0/" /* relations of links: OGC_REL "queryables" */

void put_text(json_t *object, const char *name, const char *text);   /* not when NULL or "" */
void put_instant(json_t *object, const char *name, int64_t ms);      /* not when 0 */
/* A deep copy, so that the answer owns all it holds; not when NULL or JSON null. */
void put_copy(json_t *object, const char *name, const json_t *value);

/* An absolute address of this server, in the request's arena. */
const char *href_of(struct request *rq, const char *format, ...) PRINTF_LIKE(2, 3);
/* The address of this request with the query parameter `name` set to `value` (NULL: taken out):
 * links to the next page keep the filters. */
const char *href_with(struct request *rq, const char *name, const char *value);
/* Appends {"href", "rel", "type", "title"}; type and title may be NULL. */
void link_add(json_t *links, const char *rel, const char *href, const char *type,
              const char *title);

#endif
