/* Instants: milliseconds since 1970-01-01T00:00:00Z, int64. RFC 3339 in and out. */
#ifndef BASE_INSTANT_H
#define BASE_INSTANT_H

#include "base/auto.h"
#include <stdbool.h>
#include <stdint.h>

enum { INSTANT_TEXT_SIZE = 32 };
#define INSTANT_MIN INT64_MIN /* an open start */
#define INSTANT_MAX INT64_MAX /* an open end */

/* A full RFC 3339 date-time; t and z may be lower case; a leap second becomes the next second. */
bool instant_parse(const char *text, int64_t *ret_ms) MUST_USE;
/* As instant_parse, or a date alone (midnight UTC): openEO's temporal strings. */
bool instant_parse_date(const char *text, int64_t *ret_ms) MUST_USE;
/* As instant_parse_date, in microseconds; finer fractions are rounded as PostgreSQL does. */
bool instant_parse_us(const char *text, int64_t *ret_us) MUST_USE;
/* As instant_parse, in nanoseconds, also without a zone, which then is UTC: times as products of satellites write them. Finer
 * fractions are cut. Years 1970 to 2199. */
bool instant_parse_utc_ns(const char *text, int64_t *ret_ns) MUST_USE;
/* "2023-08-15T10:01:02Z", with ".123" only when there are milliseconds. Returns buffer. */
char *instant_format(int64_t ms, char buffer[static INSTANT_TEXT_SIZE]);
char *instant_format_us(int64_t us, char buffer[static INSTANT_TEXT_SIZE]); /* fraction only as long as needed */
int64_t instant_now(void);     /* wall clock */
int64_t instant_monotonic(void); /* ms of CLOCK_BOOTTIME: for leases and time-outs */
/* Days since 1970-01-01 of a proleptic Gregorian date, and back. */
int64_t instant_days(int64_t year, int month, int day);
void instant_civil(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day);

#endif
