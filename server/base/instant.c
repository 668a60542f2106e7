/* Calendar arithmetic after the era method: years start in March, so that the leap day is last and
 * month lengths follow (153 m + 2) / 5. */
#include "base/instant.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t instant_days(int64_t year, int month, int day)
{
    int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    return era * 146097 + doe - 719468;
}

void instant_civil(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

    *ret_day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *ret_month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *ret_year = yoe + era * 400 + (*ret_month <= 2);
}

/* Exactly `count` digits at *text, which moves on. */
static bool digits(const char **text, int count, int *ret_number)
{
    int number = 0;

    for (int i = 0; i < count; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        number = number * 10 + (**text - '0');
    }
    *ret_number = number;
    return true;
}

static bool literal(const char **text, const char *allowed)
{
    if (!**text || !strchr(allowed, **text))
        return false;
    (*text)++;
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

static bool date(const char **text, int64_t *ret_days)
{
    int year, month, day;

    if (!digits(text, 4, &year) || !literal(text, "-") || !digits(text, 2, &month) ||
        !literal(text, "-") || !digits(text, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *ret_days = instant_days(year, month, day);
    return true;
}

/* Of a second. What is finer is cut; but to the nearest microsecond when that is asked for. */
static bool fraction(const char **text, int *ret_ms, int *ret_us)
{
    const char *start = *text;
    int scale = 100000, us = 0;

    if (**text != '.')
        return true;
    (*text)++;
    if (**text < '0' || **text > '9')
        return false;
    for (; **text >= '0' && **text <= '9'; (*text)++, scale /= 10)
        us += (**text - '0') * scale;
    *ret_ms = us / 1000;
    *ret_us = (int)rint(strtod(start, NULL) * 1e6);
    return true;
}

static bool zone(const char **text, int *ret_minutes)
{
    int sign, hours, minutes;

    if (literal(text, "zZ"))
        return true;
    sign = **text == '-' ? -1 : 1;
    if (!literal(text, "+-") || !digits(text, 2, &hours) || !literal(text, ":") ||
        !digits(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return true;
}

/* In UTC the year must be one of 0001 to 9999: the database knows no year 0, RFC 3339 no other. */
static bool has_written_year(int64_t ms)
{
    return ms >= instant_days(1, 1, 1) * 86400000 && ms < instant_days(10000, 1, 1) * 86400000;
}

/* The instant without its fraction, and the fraction. */
static bool date_time(const char *text, int64_t *ret_ms, int *ret_fraction_ms, int *ret_fraction_us)
{
    int hour, minute, second, offset = 0;
    int64_t days;

    *ret_fraction_ms = *ret_fraction_us = 0;
    if (!date(&text, &days) || !literal(&text, "Tt ") || !digits(&text, 2, &hour) ||
        !literal(&text, ":") || !digits(&text, 2, &minute) || !literal(&text, ":") ||
        !digits(&text, 2, &second) || !fraction(&text, ret_fraction_ms, ret_fraction_us) ||
        !zone(&text, &offset) || *text)
        return false;
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    *ret_ms = ((days * 24 + hour) * 60 + minute - offset) * 60000 + second * 1000LL;
    return has_written_year(*ret_ms);
}

static bool date_alone(const char *text, int64_t *ret_ms)
{
    int64_t days;

    if (!date(&text, &days) || *text)
        return false;
    *ret_ms = days * 86400000;
    return has_written_year(*ret_ms);
}

bool instant_parse(const char *text, int64_t *ret_ms)
{
    int64_t whole_ms;
    int ms, us;

    if (!date_time(text, &whole_ms, &ms, &us))
        return false;
    *ret_ms = whole_ms + ms;
    return true;
}

bool instant_parse_date(const char *text, int64_t *ret_ms)
{
    return date_alone(text, ret_ms) || instant_parse(text, ret_ms);
}

bool instant_parse_us(const char *text, int64_t *ret_us)
{
    int64_t whole_ms;
    int ms, us = 0;

    if (!date_alone(text, &whole_ms) && !date_time(text, &whole_ms, &ms, &us))
        return false;
    *ret_us = whole_ms * 1000 + us;
    return has_written_year(*ret_us / 1000);
}

/* Its fraction is read here: the one above ends at microseconds. */
bool instant_parse_utc_ns(const char *text, int64_t *ret_ns)
{
    size_t dot = strcspn(text, "."), digits = text[dot] ? strspn(text + dot + 1, "0123456789") : 0;
    const char *zone = text[dot] ? text + dot + 1 + digits : "";
    char whole[INSTANT_TEXT_SIZE];
    int64_t ms, ns = 0;

    if ((text[dot] && digits == 0) || dot + strlen(zone) + 2 > sizeof whole)
        return false;
    memcpy(whole, text, dot);
    strcpy(whole + dot, zone);
    if (dot == strlen("2023-08-15T10:01:02") && !*zone)
        strcat(whole, "Z");
    if (!instant_parse(whole, &ms) || ms < 0 || ms >= instant_days(2200, 1, 1) * 86400000)
        return false;
    for (size_t i = 0, scale = 100000000; i < digits && scale; i++, scale /= 10)
        ns += (text[dot + 1 + i] - '0') * (int64_t)scale;
    *ret_ns = ms * 1000000 + ns;
    return true;
}

char *instant_format(int64_t ms, char buffer[static INSTANT_TEXT_SIZE])
{
    int64_t days = ms / 86400000 - (ms % 86400000 < 0), rest = ms - days * 86400000, year;
    int month, day, length;

    instant_civil(days, &year, &month, &day);
    length = snprintf(buffer, INSTANT_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year, month,
                      day, (int)(rest / 3600000), (int)(rest / 60000 % 60),
                      (int)(rest / 1000 % 60));
    if (rest % 1000)
        snprintf(buffer + length, INSTANT_TEXT_SIZE - (size_t)length, ".%03dZ", (int)(rest % 1000));
    else
        snprintf(buffer + length, INSTANT_TEXT_SIZE - (size_t)length, "Z");
    return buffer;
}

char *instant_format_us(int64_t us, char buffer[static INSTANT_TEXT_SIZE])
{
    int fraction_us = (int)(us % 1000000 + (us % 1000000 < 0 ? 1000000 : 0));
    size_t length;

    instant_format((us - fraction_us) / 1000, buffer);
    if (fraction_us == 0)
        return buffer;
    length = strlen(buffer) - 1; /* without the Z */
    length += (size_t)snprintf(buffer + length, INSTANT_TEXT_SIZE - length, ".%06d", fraction_us);
    while (buffer[length - 1] == '0')
        length--;
    strcpy(buffer + length, "Z");
    return buffer;
}

static int64_t clock_ms(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int64_t instant_now(void)
{
    return clock_ms(CLOCK_REALTIME);
}

int64_t instant_monotonic(void)
{
    return clock_ms(CLOCK_BOOTTIME);
}
