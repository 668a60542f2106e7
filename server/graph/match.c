/* Three-valued logic over a small tree. Numbers compare with numbers, strings with strings (RFC 3339
 * times in UTC sort as text); all else is unknown. */
#include "graph/match.h"
#include "base/auto.h"
#include <string.h>
#include <strings.h>

enum truth { NO, YES, UNKNOWN };

static bool is_casei(const json_t *argument)
{
    const char *op = json_string_value(json_object_get(argument, "op"));

    return op && !strcmp(op, "casei");
}

static const json_t *value_of(const json_t *argument, const json_t *properties)
{
    const json_t *name;

    if (is_casei(argument))
        argument = json_array_get(json_object_get(argument, "args"), 0);
    name = json_object_get(argument, "property");
    return name ? json_object_get(properties, json_string_value(name)) : argument;
}

/* -1, 0, 1; 2 when the two cannot be compared. */
static int compare(const json_t *a, const json_t *b, bool ignore_case)
{
    if (json_is_number(a) && json_is_number(b)) {
        double x = json_number_value(a), y = json_number_value(b);

        return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
    }
    if (json_is_string(a) && json_is_string(b)) {
        int order = (ignore_case ? strcasecmp : strcmp)(json_string_value(a), json_string_value(b));

        return (order > 0) - (order < 0);
    }
    if (json_is_boolean(a) && json_is_boolean(b))
        return json_is_true(a) == json_is_true(b) ? 0 : json_is_true(a) ? 1 : -1;
    return 2;
}

static enum truth judge(const json_t *condition, const json_t *properties);

static enum truth judge_list(const json_t *list, const json_t *properties, enum truth decisive)
{
    enum truth all = decisive == NO ? YES : NO;
    size_t i;
    json_t *one;

    json_array_foreach((json_t *)list, i, one) {
        enum truth t = judge(one, properties);

        if (t == decisive)
            return decisive;
        if (t == UNKNOWN)
            all = UNKNOWN;
    }
    return all;
}

static enum truth judge_order(const char *op, int order)
{
    static const struct { const char *op; bool less, equal, greater; } ops[] = {
        { "=", false, true, false }, { "<>", true, false, true },   { "<", true, false, false },
        { "<=", true, true, false }, { ">", false, false, true },   { ">=", false, true, true },
    };

    if (order == 2)
        return UNKNOWN;
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        if (!strcmp(ops[i].op, op))
            return order < 0 ? ops[i].less : order > 0 ? ops[i].greater : ops[i].equal;
    return UNKNOWN;
}

static enum truth judge_between(const json_t *value, const json_t *low, const json_t *high)
{
    enum truth above = judge_order(">=", compare(value, low, false));
    enum truth below = judge_order("<=", compare(value, high, false));

    if (above == NO || below == NO)
        return NO;
    return above == UNKNOWN || below == UNKNOWN ? UNKNOWN : YES;
}

static enum truth judge(const json_t *condition, const json_t *properties)
{
    const char *op = json_string_value(json_object_get(condition, "op"));
    const json_t *args = json_object_get(condition, "args");
    const json_t *a = value_of(json_array_get(args, 0), properties);

    if (json_is_boolean(condition))
        return json_is_true(condition) ? YES : NO;
    if (!op)
        return UNKNOWN;
    if (!strcmp(op, "and") || !strcmp(op, "or"))
        return judge_list(args, properties, *op == 'a' ? NO : YES);
    if (!strcmp(op, "not")) {
        enum truth t = judge(json_array_get(args, 0), properties);

        return t == UNKNOWN ? UNKNOWN : t == YES ? NO : YES;
    }
    if (!strcmp(op, "isNull"))
        return !a || json_is_null(a) ? YES : NO;
    if (!strcmp(op, "between"))
        return judge_between(a, value_of(json_array_get(args, 1), properties),
                             value_of(json_array_get(args, 2), properties));
    return judge_order(op, compare(a, value_of(json_array_get(args, 1), properties),
                                   is_casei(json_array_get(args, 0)) || is_casei(json_array_get(args, 1))));
}

bool match_properties(const json_t *condition, const json_t *properties)
{
    return !condition || json_is_null(condition) || judge(condition, properties) == YES;
}
