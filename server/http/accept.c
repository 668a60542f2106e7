/* Content negotiation: every offer takes the quality of the most specific range of the Accept header
 * that meets it; the best offer wins, the earlier one when two are equal. ?f=json comes first. */
#include "base/text.h"
#include "http/request.h"
#include <string.h>
#include <strings.h>

struct range {
    const char *type;
    size_t length;
    double quality;
};

/* The next element of the header; false at the end. */
static bool next_range(const char **at, struct range *ret_range)
{
    const char *quality;
    size_t whole;

    *at += strspn(*at, ", \t");
    if (!**at)
        return false;
    whole = strcspn(*at, ",");
    ret_range->type = *at;
    ret_range->length = strcspn(*at, ";, \t");
    quality = memmem(*at, whole, "q=", 2);
    ret_range->quality = quality ? strtod(quality + 2, NULL) : 1;
    *at += whole;
    return true;
}

/* 3: the type itself, 2: "type/" and a star, 1: anything, 0: not met. */
static int specificity(const struct range *range, const char *offer)
{
    size_t offer_length = strcspn(offer, "; ");
    const char *slash = memchr(range->type, '/', range->length);
    size_t major = slash ? (size_t)(slash - range->type) + 1 : 0;

    if (range->length == offer_length && !strncasecmp(range->type, offer, offer_length))
        return 3;
    if (range->length == 3 && !strncmp(range->type, "*/*", 3))
        return 1;
    return major && range->length == major + 1 && slash[1] == '*' &&
                   !strncasecmp(range->type, offer, major)
               ? 2
               : 0;
}

static double quality_of(const char *accept, const char *offer)
{
    struct range range;
    double quality = 0;
    int best = 0;

    while (next_range(&accept, &range)) {
        int how = specificity(&range, offer);

        if (how > best) {
            best = how;
            quality = range.quality;
        }
    }
    return quality;
}

/* ?f=html, ?f=json, ?f=application/geo+json */
static int by_parameter(const char *f, const char *const *offers)
{
    for (int i = 0; offers[i]; i++)
        if (!strcasecmp(f, offers[i]) || (strlen(f) >= 3 && !strchr(f, '/') && strstr(offers[i], f)))
            return i;
    return -1;
}

int request_accepts(const struct request *rq, const char *const *offers)
{
    const char *f = request_query(rq, "f"), *accept = request_header(rq, "Accept");
    double best = 0;
    int chosen = -1;

    if (!f)
        f = request_query(rq, "response[f]"); /* of OGC's execution by GET */
    if (f)
        return by_parameter(f, offers);
    if (!accept || !*accept)
        return 0;
    for (int i = 0; offers[i]; i++) {
        double quality = quality_of(accept, offers[i]);

        if (quality > best) {
            best = quality;
            chosen = i;
        }
    }
    return chosen;
}
