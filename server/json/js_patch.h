/* JSON merge patch (RFC 7396). */
#ifndef JSON_JS_PATCH_H
#define JSON_JS_PATCH_H

#include "base/err.h"
#include <jansson.h>

/* Changes *target, whose reference may be replaced; nothing of it is shared with the patch. Errors:
 * BadRequest when the result would be deeper than documents may be. */
bool js_merge_patch(json_t **target, const json_t *patch, struct err *err) MUST_USE;

#endif
