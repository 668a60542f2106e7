/* A request target taken apart: path segments and query parameters, decoded and checked. */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include "base/err.h"
#include "base/mem.h"

struct url_parameter {
    const char *name, *value;
};

struct url {
    const char *path;      /* "/" + the decoded segments, "/" at the end kept */
    const char **segments; /* decoded, never empty, "." or ".." */
    size_t n_segments;
    struct url_parameter *query;
    size_t n_query;
};

/* `target` is what stands in the request line ("/a%20b//c?x=1"). All memory is the arena's. Errors:
 * BadRequest for a broken escape, NUL and other controls, "." and ".." segments (also hidden in
 * escapes), and text that is not UTF-8. */
bool url_parse(struct arena *arena, const char *target, struct url *ret_url,
               struct err *err) MUST_USE;
const char *url_query(const struct url *url, const char *name); /* the first, NULL when absent */

#endif
