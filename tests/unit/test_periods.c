/* Calendar periods against dates that calendars and ISO 8601 give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/instant.h"
#include "graph/periods.h"
#include <string.h>

static const struct {
    const char *period, *instant, *label, *start, *next;
} rows[] = {
    { "hour", "2020-02-29T23:59:59Z", "2020-02-29-23", "2020-02-29T23:00:00Z", "2020-03-01" },
    { "day", "2020-12-31T12:00:00Z", "2020-366", "2020-12-31", "2021-01-01" },
    { "day", "1969-12-31T12:00:00Z", "1969-365", "1969-12-31", "1970-01-01" },
    { "week", "2021-01-03T23:00:00Z", "2020-53", "2020-12-28", "2021-01-04" },
    { "week", "2024-12-30", "2025-01", "2024-12-30", "2025-01-06" },
    { "week", "1968-12-31", "1969-01", "1968-12-30", "1969-01-06" },
    { "dekad", "2020-02-29", "2020-06", "2020-02-21", "2020-03-01" },
    { "dekad", "2020-01-31", "2020-03", "2020-01-21", "2020-02-01" },
    { "dekad", "2020-12-10T23:59:59Z", "2020-34", "2020-12-01", "2020-12-11" },
    { "dekad", "2020-12-11", "2020-35", "2020-12-11", "2020-12-21" },
    { "month", "2023-12-31", "2023-12", "2023-12-01", "2024-01-01" },
    { "season", "2024-02-29", "2023-djf", "2023-12-01", "2024-03-01" },
    { "season", "2023-12-01", "2023-djf", "2023-12-01", "2024-03-01" },
    { "season", "2023-05-31", "2023-mam", "2023-03-01", "2023-06-01" },
    { "season", "2023-08-01", "2023-jja", "2023-06-01", "2023-09-01" },
    { "season", "2023-11-30", "2023-son", "2023-09-01", "2023-12-01" },
    { "tropical-season", "2023-04-30", "2022-ndjfma", "2022-11-01", "2023-05-01" },
    { "tropical-season", "2023-10-31", "2023-mjjaso", "2023-05-01", "2023-11-01" },
    { "year", "2023-07-01", "2023", "2023-01-01", "2024-01-01" },
    { "decade", "2029-12-31", "2020", "2020-01-01", "2030-01-01" },
    { "decade-ad", "2020-12-31", "2011", "2011-01-01", "2021-01-01" },
    { "decade-ad", "2021-01-01", "2021", "2021-01-01", "2031-01-01" },
};

static int64_t instant(const char *text)
{
    int64_t ms;

    assert_true(instant_parse_date(text, &ms));
    return ms;
}

static void periods_are_the_calendars(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct period *period = period_find(rows[i].period);
        char label[PERIOD_LABEL_SIZE];
        int64_t start = period_start(period, instant(rows[i].instant));
        const char *key;

        period_label(period, start, label);
        if (strcmp(label, rows[i].label) || start != instant(rows[i].start) ||
            period_next(period, start) != instant(rows[i].next))
            fail_msg("%s of %s: %s", rows[i].period, rows[i].instant, label);
        key = period_key(period, label);
        assert_non_null(key);
        assert_string_equal(key, strlen(label) == 4 ? label : label + (strlen(label) == 13 ? 11 : 5));
        assert_null(period_key(period, "2020-05-01T00:00:00Z"));
    }
    assert_null(period_find("century"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(periods_are_the_calendars),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
