/* Processes on dates, which are texts until one computes with them. A date keeps the way it is
 * written: with or without a time, its zone, the digits of its fraction. */
#include "graph/planner.h"
#include "base/instant.h"
#include "graph/periods.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* As written: not moved to UTC. */
struct moment {
    int64_t days, ms; /* of the day */
    bool has_time;
    char separator; /* between date and time */
    int digits;     /* of the fraction */
    char finer[24]; /* those beyond milliseconds */
    const char *zone;
};

static bool read_moment(const char *text, struct moment *ret)
{
    int year, month, day, hour, minute, second, length = 0;
    int64_t instant;

    *ret = (struct moment){ .zone = "" };
    if (!instant_parse_date(text, &instant) ||
        sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &length) != 3)
        return false;
    ret->days = instant_days(year, month, day);
    if (!text[length])
        return true;
    ret->has_time = true;
    ret->separator = text[length];
    text += length + 1;
    if (sscanf(text, "%2d:%2d:%2d%n", &hour, &minute, &second, &length) != 3)
        return false;
    ret->ms = ((hour * 60 + minute) * 60 + second) * 1000LL;
    text += length;
    for (text += *text == '.'; isdigit((unsigned char)*text); text++, ret->digits++) {
        if (ret->digits < 3)
            ret->ms += (*text - '0') * (ret->digits == 0 ? 100 : ret->digits == 1 ? 10 : 1);
        else if (ret->digits - 3 < (int)sizeof ret->finer - 1)
            ret->finer[ret->digits - 3] = *text;
    }
    ret->zone = text;
    return true;
}

static char *write_moment(struct arena *arena, const struct moment *m)
{
    int64_t year, seconds = m->ms / 1000;
    int month, day, digits = m->digits;
    char fraction[32] = "", ms[8];

    instant_civil(m->days, &year, &month, &day);
    if (!m->has_time)
        return arena_printf(arena, "%04d-%02d-%02d", (int)year, month, day);
    if (digits < 3 && m->ms % (digits == 0 ? 1000 : digits == 1 ? 100 : 10))
        digits = 3;
    snprintf(ms, sizeof ms, "%03d", (int)(m->ms % 1000));
    if (digits)
        snprintf(fraction, sizeof fraction, ".%.*s%s", digits < 3 ? digits : 3, ms, m->finer);
    return arena_printf(arena, "%04d-%02d-%02d%c%02d:%02d:%02d%s%s", (int)year, month, day,
                        m->separator, (int)(seconds / 3600), (int)(seconds / 60 % 60),
                        (int)(seconds % 60), fraction, m->zone);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Months later; a day that the month has not becomes its last. */
static int64_t add_months(int64_t days, int64_t months)
{
    int64_t year, all;
    int month, day, last;

    instant_civil(days, &year, &month, &day);
    all = year * 12 + month - 1 + months;
    year = floor_div(all, 12);
    month = (int)(all - year * 12) + 1;
    last = (int)(instant_days(year + month / 12, month % 12 + 1, 1) - instant_days(year, month, 1));
    return instant_days(year, month, day < last ? day : last);
}

/* [-]P[nY][nM][nW or nD][T[nH][nM][nS]] */
bool duration_parse(const char *text, struct duration *ret)
{
    static const struct {
        char letter;
        bool time;
        double months, ms;
    } parts[] = {
        { 'Y', false, 12, 0 },        { 'M', false, 1, 0 },    { 'W', false, 0, 7.0 * DAY_MS },
        { 'D', false, 0, DAY_MS },    { 'H', true, 0, 3600000 }, { 'M', true, 0, 60000 },
        { 'S', true, 0, 1000 },
    };
    double months = 0, ms = 0;
    bool time = false;
    size_t next = 0;

    if (*text++ != 'P')
        return false;
    while (*text) {
        char *end;
        double n;

        if (*text == 'T' && !time) {
            time = true;
            text++;
        }
        if (*text < '0' || *text > '9')
            return false;
        n = strtod(text, &end);
        while (next < ARRAY_LEN(parts) && (parts[next].letter != *end || parts[next].time != time))
            next++;
        if (next == ARRAY_LEN(parts) || (n != floor(n) && parts[next].letter != 'S'))
            return false;
        months += n * parts[next].months;
        ms += n * parts[next].ms;
        next++;
        text = end + 1;
    }
    if (months > 12e4 || ms > 1e4 * 366 * DAY_MS || months + floor(ms) < 1)
        return false;
    *ret = (struct duration){ (int64_t)months, (int64_t)ms };
    return true;
}

int64_t duration_add(int64_t ms, const struct duration *d, int64_t times)
{
    int64_t days = floor_div(ms, DAY_MS);

    return add_months(days, d->months * times) * DAY_MS + (ms - days * DAY_MS) + d->ms * times;
}

static const struct unit {
    const char *name;
    int64_t ms, months;
} units[] = {
    { "millisecond", 1, 0 },       { "second", 1000, 0 },
    { "minute", 60000, 0 },        { "hour", 3600000, 0 },
    { "day", DAY_MS, 0 },          { "week", 7 * (int64_t)DAY_MS, 0 },
    { "month", 0, 1 },             { "year", 0, 12 },
};

static const struct unit *find_unit(const struct call *call)
{
    const struct unit *u = units;

    while (strcmp(u->name, call_text(call, "unit")))
        u++;
    return u;
}

static bool not_a_date(const struct call *call, const char *parameter, struct err *err)
{
    AUTO(text) struct text found = { 0 };

    value_describe(call_argument(call, parameter), &found);
    return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                     "expected a date like 2023-08-15 or 2023-08-15T10:00:00Z, found %s.",
                     found.data);
}

static bool run_date_shift(struct call *call, struct value *ret, struct err *err)
{
    const struct unit *unit = find_unit(call);
    double value = call_number(call, "value");
    struct moment m;
    int64_t year;
    int month, day;

    if (!read_moment(call_text(call, "date"), &m))
        return not_a_date(call, "date", err);
    if (call_argument(call, "value")->kind != KIND_NUMBER)
        return call_fail(call, err, ERR_FeatureUnsupported, "value",
                         "A date cannot be shifted by a pixel value.");
    if (fabs(value) > 1e15 / (double)(unit->ms + 1))
        return call_fail(call, err, ERR_ProcessParameterInvalid, "value",
                         "%.17g is beyond the years 1 to 9999.", value);
    if (unit->months) {
        m.days = add_months(m.days, (int64_t)value * unit->months);
    } else if (unit->ms >= DAY_MS) {
        m.days += (int64_t)value * (unit->ms / DAY_MS);
    } else {
        m.ms += (int64_t)value * unit->ms;
        m.days += floor_div(m.ms, DAY_MS);
        m.ms -= floor_div(m.ms, DAY_MS) * DAY_MS;
    }
    if (m.ms >= DAY_MS) /* a leap second of which only the date was moved */
        m.ms = DAY_MS - 1000 + m.ms % 1000;
    instant_civil(m.days, &year, &month, &day);
    if (year < 1 || year > 9999)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "value",
                         "the year %lld is beyond 1 to 9999.", (long long)year);
    *ret = value_text(write_moment(call->planner->arena, &m));
    return true;
}

/* Whole months from the first date on, and the part of the next one that is begun. */
static double months_between(int64_t from, int64_t to)
{
    int64_t days = floor_div(from, DAY_MS), ms = from - days * DAY_MS, year, other_year, months;
    int month, other_month, day, step = to >= from ? 1 : -1;
    int64_t here, next;

    instant_civil(days, &year, &month, &day);
    instant_civil(floor_div(to, DAY_MS), &other_year, &other_month, &day);
    months = (other_year - year) * 12 + other_month - month;
    here = add_months(days, months) * DAY_MS + ms;
    if (step > 0 ? here > to : here < to) /* one too far */
        months -= step;
    here = add_months(days, months) * DAY_MS + ms;
    next = add_months(days, months + step) * DAY_MS + ms;
    return (double)months + step * (double)(to - here) / (double)(next - here);
}

static double years_between(int64_t from, int64_t to)
{
    int64_t days = floor_div(from, DAY_MS), ms = from - days * DAY_MS;
    int64_t step = to >= from ? 12 : -12, years = (int64_t)(months_between(from, to) / 12);
    int64_t here = add_months(days, years * 12) * DAY_MS + ms;
    int64_t next = add_months(days, years * 12 + step) * DAY_MS + ms;

    return (double)years + (step > 0 ? 1 : -1) * (double)(to - here) / (double)(next - here);
}

static bool run_date_difference(struct call *call, struct value *ret, struct err *err)
{
    static const char *const names[] = { "date1", "date2" };
    const struct unit *unit = find_unit(call);
    int64_t at[2];

    for (size_t i = 0; i < 2; i++)
        if (!instant_parse_date(call_text(call, names[i]), &at[i]))
            return not_a_date(call, names[i], err);
    *ret = value_number(unit->months == 1    ? months_between(at[0], at[1])
                        : unit->months == 12 ? years_between(at[0], at[1])
                                             : (double)(at[1] - at[0]) / (double)unit->ms);
    return true;
}

/* A time of day; a leap second is the next one. */
bool time_of_day_parse(const char *text, int64_t *ret_ms)
{
    char date[64];
    int64_t instant;

    snprintf(date, sizeof date, "2000-01-01T%.30sZ", text);
    if (strlen(text) != 8 || !instant_parse(date, &instant))
        return false;
    *ret_ms = instant - instant_days(2000, 1, 1) * DAY_MS;
    return true;
}

static bool run_date_between(struct call *call, struct value *ret, struct err *err)
{
    static const char *const names[] = { "x", "min", "max" };
    int64_t at[3];
    bool times = false;

    for (size_t i = 0; i < 3; i++) {
        bool is_time = time_of_day_parse(call_text(call, names[i]), &at[i]);

        if (!is_time && !instant_parse_date(call_text(call, names[i]), &at[i]))
            return not_a_date(call, names[i], err);
        if (i > 0 && is_time != times)
            return call_fail(call, err, ERR_ProcessParameterInvalid, names[i],
                             "a time of day cannot be compared with a date.");
        times = is_time;
    }
    *ret = value_boolean(at[0] >= at[1] &&
                         (call_boolean(call, "exclude_max") ? at[0] < at[2] : at[0] <= at[2]));
    return true;
}

const struct operation date_operations[] = {
    { .id = "date_between", .run = run_date_between },
    { .id = "date_shift", .run = run_date_shift },
    { .id = "date_difference", .run = run_date_difference },
    { .id = NULL },
};
