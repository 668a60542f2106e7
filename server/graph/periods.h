/* Calendar periods in UTC, by the names that openEO gives them. */
#ifndef GRAPH_PERIODS_H
#define GRAPH_PERIODS_H

#include "base/auto.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PERIOD_LABEL_SIZE = 32, DAY_MS = 86400000 };

struct period;
const struct period *period_find(const char *name); /* NULL: no such period */
/* The period that an instant lies in begins at: */
int64_t period_start(const struct period *period, int64_t ms);
/* The one after the period that begins at `start`. */
int64_t period_next(const struct period *period, int64_t start);
/* "2020-05", "2019-djf": of the period that begins at `start`. */
void period_label(const struct period *period, int64_t start, char label[static PERIOD_LABEL_SIZE]);
/* The part of such a label that is the same every year: "05", "djf"; the whole label of years. NULL
 * when it is no label of this period. */
const char *period_key(const struct period *period, const char *label);

#endif
