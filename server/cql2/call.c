/* The functions of cql2/functions.def: one row each, called with arguments that are known. */
#include "cql2/match.h"
#include "base/instant.h"
#include <math.h>
#include <string.h>

typedef struct value call_fn(struct match *match, const struct value *args);

static struct value call_lower(struct match *match, const struct value *args)
{
    return value_of_text(match, text_lower(args[0].text));
}

static struct value call_upper(struct match *match, const struct value *args)
{
    return value_of_text(match, text_upper(args[0].text));
}

static struct value call_trim(struct match *match, const struct value *args)
{
    const char *start = args[0].text + strspn(args[0].text, " ");
    size_t length = strlen(start);

    while (length && start[length - 1] == ' ')
        length--;
    return value_of_text(match, mem_textn(start, length));
}

static struct value call_concat(struct match *match, const struct value *args)
{
    return value_of_text(match, mem_printf("%s%s", args[0].text, args[1].text));
}

static struct value call_length(struct match *match, const struct value *args)
{
    size_t count = 0;

    (void)match;
    for (const char *p = args[0].text; *p; p++)
        count += ((unsigned char)*p & 0xc0) != 0x80;
    return value_of_number((double)count);
}

#define NUMERIC(name, expression)                                                                  \
    static struct value call_##name(struct match *match, const struct value *args)                \
    {                                                                                              \
        double x = args[0].number;                                                                 \
                                                                                                   \
        (void)match;                                                                               \
        return value_of_number(expression);                                                        \
    }
NUMERIC(abs, fabs(x))
NUMERIC(ceil, ceil(x))
NUMERIC(floor, floor(x))
NUMERIC(round, rint(x))
NUMERIC(sqrt, sqrt(x))

struct civil {
    int64_t year;
    int month, day, hour, doy;
};

static struct civil civil_of(int64_t us)
{
    static const int64_t hour_us = 3600000000, day_us = 24 * hour_us;
    int64_t into_day = us % day_us + (us % day_us < 0 ? day_us : 0), days = (us - into_day) / day_us;
    struct civil civil;

    instant_civil(days, &civil.year, &civil.month, &civil.day);
    civil.hour = (int)(into_day / hour_us);
    civil.doy = (int)(days - instant_days(civil.year, 1, 1)) + 1;
    return civil;
}

#define PART_OF_TIME(name)                                                                         \
    static struct value call_##name(struct match *match, const struct value *args)                \
    {                                                                                              \
        (void)match;                                                                               \
        return value_of_number((double)civil_of(args[0].first.us).name);                           \
    }
PART_OF_TIME(year)
PART_OF_TIME(month)
PART_OF_TIME(day)
PART_OF_TIME(hour)
PART_OF_TIME(doy)

static struct value call_centroid(struct match *match, const struct value *args)
{
    return geometry_centroid(match, args[0]);
}

static struct value call_size(struct match *match, const struct value *args)
{
    (void)match;
    return value_of_number((double)json_array_size(args[0].json));
}

struct value call_function(struct match *match, const struct cql2_node *node)
{
    static call_fn *const calls[CQL2_FUNCTIONS] = {
#define FUNCTION(id, ...) [CQL2_FN_##id] = call_##id,
#include "cql2/functions.def"
#undef FUNCTION
    };
    struct value args[CQL2_MAX_ARGS];

    for (size_t i = 0; i < node->n_args; i++) {
        args[i] = evaluate(match, node->args[i]);
        if (!args[i].known)
            return (struct value){ .known = false };
    }
    return calls[node->function - cql2_functions](match, args);
}
