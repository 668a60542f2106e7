/* Field modifiers of OGC API - Processes, Part 3, on features: "filter" (CQL2 as text or JSON), "properties" (names, or {name:
 * name or expression}), "aliases" ({name: name, or {"expression"}}), "sortBy" (names or expressions with + or -
 * before them: an array, or one text with commas between). An expression is CQL2 as text or JSON; it is computed for each
 * feature, and what is unknown is left out. */
#ifndef JOBS_FIELDS_H
#define JOBS_FIELDS_H

#include "json/js.h"

/* Changes a FeatureCollection, or an array of features, in place. Errors: InvalidParameter (a modifier is wrong, or there
 * are no features). */
bool fields_modify(json_t *value, const json_t *modifiers, const char *pointer, struct err *err) MUST_USE;

#endif
