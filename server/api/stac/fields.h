/* The parameter `fields`: which members of an item or collection are sent. */
#ifndef API_STAC_FIELDS_H
#define API_STAC_FIELDS_H

#include "base/err.h"
#include "base/mem.h"
#include <jansson.h>

enum { FIELDS_MAX = 200, FIELDS_MAX_DEPTH = 8 };

struct fields;

/* "id,+properties,-properties.foo"; empty: the defaults. `defaults` ends with NULL. */
bool fields_from_text(const char *text, const char *const *defaults, struct arena *arena,
                      const struct fields **ret_fields, struct err *err) MUST_USE;
/* {"include": [...], "exclude": [...]} or null. */
bool fields_from_json(const json_t *value, const char *const *defaults, struct arena *arena,
                      const struct fields **ret_fields, struct err *err) MUST_USE;
/* Takes out of `object` what is not asked for. */
void fields_apply(const struct fields *fields, json_t *object);

extern const char *const fields_of_items[], *const fields_of_collections[]; /* the defaults */

#endif
