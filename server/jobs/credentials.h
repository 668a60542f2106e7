/* What the operator has for addresses of other servers: a file with lines "ADDRESS HEADER: VALUE". */
#ifndef JOBS_CREDENTIALS_H
#define JOBS_CREDENTIALS_H

#include "base/err.h"
#include <stddef.h>

/* `url` is the address of so many characters or below it, and has no way out of it. */
bool address_is_below(const char *url, const char *listed, size_t length);
/* The header of the line whose address is the longest that `url` is below; NULL: none. The caller frees. `file` "": there are
 * none. Errors: Internal. */
bool credentials_find(const char *file, const char *url, char **ret_header, struct err *err) MUST_USE;

#endif
