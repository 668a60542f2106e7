/* Periods are of two kinds: of a fixed length, counted from some instant, and of whole months, counted
 * from some month. Dekads are neither: the third of a month takes what is left. The year in a label
 * is that of the period's first day, but weeks have a year of their own (ISO 8601). */
#include "graph/periods.h"
#include "base/instant.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct period {
    const char *name;
    int64_t length_ms, from_ms; /* fixed */
    int months, from_month;     /* counted from January of the year 0 */
    bool dekad;
    const char *shape; /* of a label: 0 is a digit, a a letter */
    size_t key;        /* where the part begins that is the same every year */
};

static const struct period periods[] = {
    { "hour", 3600000, 0, 0, 0, false, "0000-00-00-00", 11 },
    { "day", DAY_MS, 0, 0, 0, false, "0000-000", 5 },
    { "week", 7 * (int64_t)DAY_MS, -3 * (int64_t)DAY_MS, 0, 0, false, "0000-00", 5 },
    { "dekad", 0, 0, 0, 0, true, "0000-00", 5 },
    { "month", 0, 0, 1, 0, false, "0000-00", 5 },
    { "season", 0, 0, 3, 11, false, "0000-aaa", 5 },
    { "tropical-season", 0, 0, 6, 10, false, "0000-aaaaaa", 5 },
    { "year", 0, 0, 12, 0, false, "0000", 0 },
    { "decade", 0, 0, 120, 0, false, "0000", 0 },
    { "decade-ad", 0, 0, 120, 12, false, "0000", 0 },
};

const struct period *period_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(periods); i++)
        if (!strcmp(periods[i].name, name))
            return &periods[i];
    return NULL;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t month_start(int64_t months)
{
    int64_t year = floor_div(months, 12);

    return instant_days(year, (int)(months - year * 12) + 1, 1) * DAY_MS;
}

int64_t period_start(const struct period *p, int64_t ms)
{
    int64_t year, months;
    int month, day;

    if (p->length_ms)
        return floor_div(ms - p->from_ms, p->length_ms) * p->length_ms + p->from_ms;
    instant_civil(floor_div(ms, DAY_MS), &year, &month, &day);
    if (p->dekad)
        return instant_days(year, month, day > 20 ? 21 : day > 10 ? 11 : 1) * DAY_MS;
    months = year * 12 + month - 1 - p->from_month;
    return month_start(floor_div(months, p->months) * p->months + p->from_month);
}

int64_t period_next(const struct period *p, int64_t start)
{
    int64_t year;
    int month, day;

    if (p->length_ms)
        return start + p->length_ms;
    instant_civil(floor_div(start, DAY_MS), &year, &month, &day);
    if (p->dekad && day < 21)
        return start + 10 * (int64_t)DAY_MS;
    return month_start(year * 12 + month - 1 + (p->dekad ? 1 : p->months));
}

/* Names of months: initials of the months of a season. */
static const char *season_name(const struct period *p, int month)
{
    static const char *const seasons[] = { "djf", "mam", "jja", "son" };

    if (p->months == 6)
        return month == 11 ? "ndjfma" : "mjjaso";
    return seasons[month / 3 % 4];
}

void period_label(const struct period *p, int64_t start, char label[static PERIOD_LABEL_SIZE])
{
    int64_t days = floor_div(start, DAY_MS), year;
    int month, day;

    if (!strcmp(p->name, "week")) /* of the year that its Thursday lies in */
        instant_civil(days + 3, &year, &month, &day);
    else
        instant_civil(days, &year, &month, &day);
    if (!strcmp(p->name, "hour"))
        snprintf(label, PERIOD_LABEL_SIZE, "%04d-%02d-%02d-%02d", (int)year, month, day,
                 (int)((start - days * DAY_MS) / 3600000));
    else if (!strcmp(p->name, "day"))
        snprintf(label, PERIOD_LABEL_SIZE, "%04d-%03d", (int)year,
                 (int)(days - instant_days(year, 1, 1)) + 1);
    else if (!strcmp(p->name, "week"))
        snprintf(label, PERIOD_LABEL_SIZE, "%04d-%02d", (int)year,
                 (int)((days + 3 - instant_days(year, 1, 1)) / 7) + 1);
    else if (p->dekad)
        snprintf(label, PERIOD_LABEL_SIZE, "%04d-%02d", (int)year,
                 (month - 1) * 3 + day / 10 + 1);
    else if (p->months == 1)
        snprintf(label, PERIOD_LABEL_SIZE, "%04d-%02d", (int)year, month);
    else if (p->months < 12)
        snprintf(label, PERIOD_LABEL_SIZE, "%04d-%s", (int)year, season_name(p, month));
    else
        snprintf(label, PERIOD_LABEL_SIZE, "%04d", (int)year);
}

const char *period_key(const struct period *p, const char *label)
{
    for (size_t i = 0; p->shape[i]; i++) {
        unsigned char c = (unsigned char)label[i];

        if (p->shape[i] == '0' ? !isdigit(c) : p->shape[i] == 'a' ? !islower(c) : c != '-')
            return NULL;
    }
    return label[strlen(p->shape)] ? NULL : label + p->key;
}
