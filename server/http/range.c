/* One part at a time: "first-", "first-last" or "-suffix". A part outside the file is left out; when
 * all are outside, the answer is 416. */
#include "http/range.h"
#include <string.h>
#include <strings.h>

/* Digits only; a number that does not fit is as good as the largest one. */
static bool digits(const char **at, int64_t *ret_number)
{
    const char *start = *at;
    int64_t number = 0;

    for (; **at >= '0' && **at <= '9'; (*at)++)
        number = number > (INT64_MAX - 9) / 10 ? INT64_MAX / 16 * 15 : number * 10 + (**at - '0');
    *ret_number = number;
    return *at != start;
}

/* False when the part is malformed. *ret_inside: it meets the file. */
static bool part(const char **at, int64_t size, struct range *ret_range, bool *ret_inside)
{
    int64_t first, last;

    if (**at == '-') {
        (*at)++;
        if (!digits(at, &last))
            return false;
        *ret_range = (struct range){ last < size ? size - last : 0, size - 1 };
        *ret_inside = last > 0 && size > 0;
        return true;
    }
    if (!digits(at, &first) || **at != '-')
        return false;
    (*at)++;
    if (!digits(at, &last))
        last = INT64_MAX;
    if (last < first)
        return false;
    *ret_range = (struct range){ first, last < size ? last : size - 1 };
    *ret_inside = first < size;
    return true;
}

static void skip_blanks(const char **at)
{
    *at += strspn(*at, " \t");
}

enum range_result range_parse(const char *header, int64_t size_bytes,
                              struct range ret_ranges[static RANGE_MAX], size_t *ret_count)
{
    const char *at = header;
    int64_t total = 0;
    bool any = false;

    *ret_count = 0;
    if (!at || strncasecmp(at, "bytes=", 6))
        return RANGE_WHOLE;
    for (at += 6;; at++) {
        struct range range;
        bool inside;

        skip_blanks(&at);
        if (!part(&at, size_bytes, &range, &inside))
            return RANGE_WHOLE;
        skip_blanks(&at);
        any = true;
        if (inside) {
            total += range.last - range.first + 1;
            if (*ret_count == RANGE_MAX || total > size_bytes)
                return RANGE_WHOLE;
            ret_ranges[(*ret_count)++] = range;
        }
        if (*at != ',')
            break;
    }
    if (*at || !any)
        return RANGE_WHOLE;
    return *ret_count ? RANGE_PARTS : RANGE_OUTSIDE;
}
