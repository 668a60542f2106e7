/* Spreads are taken around the strip's own
 * mean and joined as Chan has it. Quantiles are found by quickselect. */
#include "raster/zone_states.h"
#include "raster/block.h"
#include <math.h>
#include <stdlib.h>

static double plain_sum(const double *x, size_t n, double *ret_seen)
{
    size_t seen;
    double sum = sum_of_valid(x, n, &seen);

    *ret_seen = (double)seen;
    return sum;
}

/* All weights are summed as those of what is valid are, so that both are equal when all is. */
static double weighted_sum(const double *x, const double *weights, size_t n, double *ret_seen, double *ret_total)
{
    double sum = 0, seen = 0, total = 0;

    for (size_t i = 0; i < n; i++) {
        bool valid = x[i] == x[i];

        sum += valid ? weights[i] * x[i] : 0;
        seen += valid ? weights[i] : 0;
        total += weights[i];
    }
    *ret_seen = seen;
    *ret_total = total;
    return sum;
}

static double squares(const double *x, const double *weights, size_t n, double mean)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += x[i] == x[i] ? (weights ? weights[i] : 1) * (x[i] - mean) * (x[i] - mean) : 0;
    return sum;
}

static double product(const double *x, size_t n)
{
    double all = 1;

    for (size_t i = 0; i < n; i++)
        all *= x[i] == x[i] ? x[i] : 1;
    return all;
}

static double how_many(const double *x, const double *weights, size_t n, double wanted)
{
    double count = 0;

    for (size_t i = 0; i < n; i++)
        count += x[i] == wanted ? (weights ? weights[i] : 1) : 0;
    return count;
}

static double limit(const double *x, size_t n, bool least)
{
    double found = NAN;

    for (size_t i = 0; i < n; i++)
        if (!(found == found) || (least ? x[i] < found : x[i] > found))
            found = x[i];
    return found;
}

/* The first, or with step -1 the last, valid one; with keep whatever stands there. */
static double end_of(const double *x, size_t n, bool last, bool keep)
{
    for (size_t i = 0; i < n; i++) {
        double at = x[last ? n - 1 - i : i];

        if (keep || at == at)
            return at;
    }
    return NAN;
}

struct zone_state zone_state_of(const struct zone_reduction *r, const double *x, const double *weights, size_t n)
{
    struct zone_state s = { .total = (double)n };
    double sum = weights ? weighted_sum(x, weights, n, &s.seen, &s.total) : plain_sum(x, n, &s.seen);

    switch (r->op) {
    case ZONE_SUM:
    case ZONE_MEAN: s.a = sum; break;
    case ZONE_PRODUCT: s.a = product(x, n); break;
    case ZONE_MIN:
    case ZONE_MAX: s.a = limit(x, n, r->op == ZONE_MIN); break;
    case ZONE_FIRST:
    case ZONE_LAST: s.a = end_of(x, n, r->op == ZONE_LAST, r->keep_nodata); break;
    case ZONE_COUNT:
    case ZONE_ANY:
    case ZONE_ALL:
        s.a = how_many(x, weights, n, 1);
        s.b = how_many(x, weights, n, 0);
        break;
    case ZONE_VARIANCE:
    case ZONE_SD:
        s.a = sum;
        s.b = s.seen > 0 ? squares(x, weights, n, sum / s.seen) : 0;
        break;
    case ZONE_QUANTILE: break;
    }
    return s;
}

static void join_spread(struct zone_state *all, const struct zone_state *more)
{
    double off = more->a / more->seen - all->a / all->seen;

    all->b += more->b + off * off * all->seen * more->seen / (all->seen + more->seen);
    all->a += more->a;
}

static void join_values(const struct zone_reduction *r, struct zone_state *all,
                        const struct zone_state *more)
{
    switch (r->op) {
    case ZONE_PRODUCT: all->a *= more->a; break;
    case ZONE_MIN: all->a = more->a < all->a ? more->a : all->a; break;
    case ZONE_MAX: all->a = more->a > all->a ? more->a : all->a; break;
    case ZONE_FIRST: break;
    case ZONE_LAST: all->a = more->a; break;
    case ZONE_VARIANCE:
    case ZONE_SD: join_spread(all, more); break;
    default:
        all->a += more->a;
        all->b += more->b;
    }
}

void zone_state_join(const struct zone_reduction *r, struct zone_state *all,
                     const struct zone_state *more)
{
    bool ends = (r->op == ZONE_FIRST || r->op == ZONE_LAST) && r->keep_nodata;
    double total = all->total + more->total, seen = all->seen + more->seen;

    if (ends ? all->total == 0 : all->seen == 0)
        *all = *more;
    else if (ends ? more->total > 0 : more->seen > 0)
        join_values(r, all, more);
    all->total = total;
    all->seen = seen;
}

/* Weights that are less than one pixel together have none. */
static double spread(const struct zone_state *s)
{
    return s->seen > 1 ? s->b / (s->seen - 1) : NAN;
}

double zone_state_finish(const struct zone_reduction *r, const struct zone_state *s)
{
    bool gone = r->keep_nodata && s->seen < s->total;
    double none = s->seen == 0 || gone ? NAN : 0;

    switch (r->op) {
    case ZONE_MEAN: return s->a / s->seen + none;
    case ZONE_VARIANCE: return spread(s) + none;
    case ZONE_SD: return sqrt(spread(s)) + none;
    case ZONE_COUNT: return s->a;
    case ZONE_ANY: return s->a > 0 ? 1 : gone ? NAN : 0;
    case ZONE_ALL: return s->b > 0 ? 0 : gone ? NAN : 1;
    case ZONE_FIRST:
    case ZONE_LAST: return s->seen > 0 ? s->a : NAN;
    default: return s->a + none;
    }
}

/* Puts the number that sorting would bring to place k there, none larger before it. */
static void select_place(double *x, size_t n, size_t k)
{
    size_t left = 0, right = n - 1;

    while (left < right) {
        double pivot = x[left + (right - left) / 2];
        size_t i = left, j = right;

        for (;;) {
            while (x[i] < pivot)
                i++;
            while (x[j] > pivot)
                j--;
            if (i >= j)
                break;
            double swapped = x[i];

            x[i++] = x[j];
            x[j--] = swapped;
        }
        if (k <= j)
            right = j;
        else
            left = j + 1;
    }
}

double zone_quantile(double *x, size_t n, double probability)
{
    double at = (double)(n - 1) * probability, g = at - floor(at), next;
    size_t k = (size_t)floor(at);

    if (n == 0)
        return NAN;
    select_place(x, n, k);
    if (g == 0)
        return x[k];
    next = x[k + 1];
    for (size_t i = k + 2; i < n; i++)
        next = x[i] < next ? x[i] : next;
    return g == 0.5 ? (x[k] + next) / 2 : (1 - g) * x[k] + g * next;
}

static int by_number(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (x[0] > y[0]) - (x[0] < y[0]);
}

double zone_weighted_quantile(double (*pairs)[2], size_t n, double probability)
{
    double all = 0, before = 0, wanted, last = 0;

    if (n == 0)
        return NAN;
    qsort(pairs, n, sizeof *pairs, by_number);
    for (size_t i = 0; i < n; i++)
        all += pairs[i][1];
    wanted = probability * (double)(n - 1) * all;
    for (size_t i = 0; i < n; i++) {
        double place = (double)i * pairs[i][1] + (double)(n - 1) * before;

        if (place >= wanted)
            return i == 0 || place == last
                       ? pairs[i][0]
                       : pairs[i - 1][0] + (pairs[i][0] - pairs[i - 1][0]) * (wanted - last) / (place - last);
        before += pairs[i][1];
        last = place;
    }
    return pairs[n - 1][0];
}
