/* The Range header: "bytes=0-99,200-,-50" over a file of known size. */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include "base/auto.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RANGE_MAX = 16 };

struct range {
    int64_t first, last; /* both included */
};

enum range_result {
    RANGE_WHOLE, /* absent, malformed, another unit or unreasonable: the whole file is sent (RFC 9110) */
    RANGE_PARTS,
    RANGE_OUTSIDE, /* 416 */
};

/* Ranges that ask for more bytes in all than the file has, or for more than RANGE_MAX parts, get the
 * whole file. Parts stay in the order asked for. */
enum range_result range_parse(const char *header, int64_t size_bytes,
                              struct range ret_ranges[static RANGE_MAX], size_t *ret_count);

#endif
