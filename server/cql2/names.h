/* Names that look alike, for refusals. */
#ifndef CQL2_NAMES_H
#define CQL2_NAMES_H

#include "base/err.h"
#include <stddef.h>

/* The name of this index; NULL past the last. */
typedef const char *name_at_fn(void *context, ptrdiff_t index);
/* Errors: InvalidParameter, "place: expected ..., found 'clud'; there is 'cloud'". */
bool names_refuse(const char *name, const char *place, const char *expected, name_at_fn *at, void *context,
                  struct err *err);

#endif
