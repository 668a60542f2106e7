/* Irrigated rice is dark when its field is flooded for transplanting, brightens within two months until heading
 * and darkens slowly until harvest (Bouvet, Le Toan and Lam-Dao 2009, doi:10.1109/TGRS.2008.2007963; Phan, Le Toan
 * and Bouvet 2021, doi:10.3390/rs13050921). The series is smoothed by a Gaussian at the dates of its
 * observations, drawn on an axis of six days, and searched forward in time for minima that such a growth follows. */
#include "processes/kernels_rice.h"
#include "base/instant.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEP = 6,          /* days of the axis */
    NEAR = 18 / STEP,  /* a minimum is the least within so many steps */
    GROWING = 72 / STEP, /* the peak is looked for within so many */
    FEW = 3,           /* observations of a season, with fewer its harvest is uncertain */
    UNCERTAIN = 12,
    HEADING = 60,      /* days from transplanting to the peak */
    MOST_SEASONS = 3,  /* that are told of */
};
static const double reach = 4; /* of the Gaussian, in sigma */
static const double least_slope = 0.03; /* dB a day while plants grow */

struct rice_room {
    const double *problem, *days;
    size_t n;           /* observations */
    size_t *first;      /* [n] the first that has a say in each */
    size_t *weights_at; /* [n + 1] where its weights are */
    double *weights;    /* of first[k], first[k] + 1, ... */
    double *smooth;     /* [n] */
    double *axis;       /* [most_axis] */
    size_t *there;      /* [n] those that are no no-data */
};

struct season {
    double begin; /* day */
    size_t peak;  /* on the axis */
};

static size_t count_weights(struct rice_room *room)
{
    double width = reach * room->problem[RICE_SMOOTHING];
    size_t total = 0, from = 0, to = 0;

    for (size_t k = 0; k < room->n; k++) {
        while (room->days[k] - room->days[from] > width)
            from++;
        while (to < room->n && room->days[to] - room->days[k] <= width)
            to++;
        room->first[k] = from;
        room->weights_at[k] = total;
        total += to - from;
    }
    room->weights_at[room->n] = total;
    return total;
}

struct rice_room *rice_room_new(const double *problem, size_t n)
{
    struct rice_room *room = mem_alloc(sizeof *room);
    double span = n ? problem[RICE_NUMBERS + n - 1] - problem[RICE_NUMBERS] : 0;

    *room = (struct rice_room){ .problem = problem, .days = problem + RICE_NUMBERS, .n = n,
                                .first = mem_array(n, sizeof(size_t)), .there = mem_array(n, sizeof(size_t)),
                                .weights_at = mem_array(n + 1, sizeof(size_t)), .smooth = mem_array(n, sizeof(double)),
                                .axis = mem_array((size_t)(span / STEP) + 2, sizeof(double)) };
    room->weights = mem_array(count_weights(room), sizeof(double));
    for (size_t k = 0; k < n; k++)
        for (size_t i = room->weights_at[k]; i < room->weights_at[k + 1]; i++) {
            size_t other = room->first[k] + i - room->weights_at[k];
            double off = (room->days[other] - room->days[k]) / problem[RICE_SMOOTHING];

            room->weights[i] = exp(-off * off / 2);
        }
    return room;
}

void rice_room_free(struct rice_room *room)
{
    if (!room)
        return;
    free(room->first);
    free(room->there);
    free(room->weights_at);
    free(room->weights);
    free(room->smooth);
    free(room->axis);
    free(room);
}

/* The smoothed values of the observations that are there. How many these are. */
static size_t smooth(struct rice_room *room, const double *db)
{
    size_t n = 0;

    for (size_t k = 0; k < room->n; k++) {
        const double *weight = room->weights + room->weights_at[k];
        double sum = 0, all = 0;

        if (isnan(db[k]))
            continue;
        for (size_t i = room->first[k]; i < room->first[k] + room->weights_at[k + 1] - room->weights_at[k]; i++, weight++)
            if (!isnan(db[i])) {
                sum += *weight * db[i];
                all += *weight;
            }
        room->smooth[n] = sum / all;
        room->there[n++] = k;
    }
    return n;
}

/* From the first of the n observations on, every six days, by straight lines. How many places there are. */
static size_t draw_axis(struct rice_room *room, size_t n)
{
    const double *days = room->days;
    double begin = days[room->there[0]], end = days[room->there[n - 1]];
    size_t length = (size_t)((end - begin) / STEP) + 1, k = 0;

    for (size_t i = 0; i < length; i++) {
        double at = begin + (double)(i * STEP), from, to;

        while (k + 2 < n && days[room->there[k + 1]] <= at)
            k++;
        from = days[room->there[k]];
        to = days[room->there[k + 1]];
        room->axis[i] = room->smooth[k] + (at - from) / (to - from) * (room->smooth[k + 1] - room->smooth[k]);
    }
    return length;
}

static bool is_least(const double *s, size_t n, size_t m)
{
    for (size_t i = m > NEAR ? m - NEAR : 0; i <= m + NEAR && i < n; i++)
        if (s[i] < s[m])
            return false;
    return true;
}

/* Where the parabola through a minimum and its neighbours is least, in steps. */
static double vertex(const double *s, size_t n, size_t m)
{
    double bend, off;

    if (m == 0 || m + 1 == n)
        return 0;
    bend = s[m - 1] - 2 * s[m] + s[m + 1];
    off = bend > 0 ? (s[m - 1] - s[m + 1]) / (2 * bend) : 0;
    return fmax(-1, fmin(1, off));
}

static bool season_at(const struct rice_room *room, size_t n, size_t m, size_t *ret_peak)
{
    const double *s = room->axis, *limit = room->problem;
    size_t peak = m;

    if (s[m] > limit[RICE_LOW] || !is_least(s, n, m))
        return false;
    for (size_t i = m + 1; i < n && i <= m + GROWING; i++)
        if (peak == m || s[i] > s[peak])
            peak = i;
    *ret_peak = peak;
    return peak != m && s[peak] - s[m] >= limit[RICE_GROWTH] && (double)((peak - m) * STEP) >= limit[RICE_RISE] &&
           s[peak] > limit[RICE_PEAK_LEAST] && s[peak] < limit[RICE_PEAK_MOST];
}

static bool is_rice(const struct rice_room *room, size_t n)
{
    const double *s = room->axis, *limit = room->problem;
    double least = s[0], most = s[0], sum = 0;

    for (size_t i = 0; i < n; i++) {
        least = fmin(least, s[i]);
        most = fmax(most, s[i]);
        sum += s[i];
    }
    return most - least >= limit[RICE_RANGE] && sum / (double)n > limit[RICE_MEAN_LEAST] &&
           sum / (double)n < limit[RICE_MEAN_MOST];
}

static enum rice_stage stage_of(double age, double cycle)
{
    static const double ends[] = { 10, 45, 65 };
    enum rice_stage stage = RICE_ESTABLISHMENT;

    while (stage <= RICE_REPRODUCTIVE && age > ends[stage - RICE_ESTABLISHMENT])
        stage++;
    return stage == RICE_RIPENING && age > cycle ? RICE_HARVESTED : stage;
}

/* dB a day about a date. */
static double slope_at(const struct rice_room *room, size_t n, double date)
{
    double at = fmax(0, (date - room->days[room->there[0]]) / STEP);
    size_t i = at < (double)(n - 1) ? (size_t)(at + 0.5) : n - 1, from = i ? i - 1 : 0, to = i + 1 < n ? i + 1 : i;

    return to > from ? (room->axis[to] - room->axis[from]) / (double)((to - from) * STEP) : 0;
}

static double day_of_year(double day)
{
    int64_t days = instant_days(2000, 1, 1) + (int64_t)floor(day), year;
    int month, of_month;

    instant_civil(days, &year, &month, &of_month);
    return (double)(days - instant_days(year, 1, 1) + 1);
}

static void tell_harvest(const struct rice_room *room, size_t n, size_t n_there, const struct season *season, double *outputs)
{
    double first = room->days[room->there[0]], cycle = room->problem[RICE_CYCLE];
    bool observed = season->peak + 1 < n;
    size_t after = 0;

    for (size_t i = n_there; i-- > 0 && room->days[room->there[i]] > season->begin;)
        after++;
    outputs[RICE_HARVEST_DAY] = observed ? first + (double)(season->peak * STEP) + cycle - HEADING : season->begin + cycle;
    outputs[RICE_HARVEST_DOY] = day_of_year(outputs[RICE_HARVEST_DAY]);
    outputs[RICE_HARVEST_SPREAD] = after < FEW ? UNCERTAIN : STEP;
}

static void tell_stage(const struct rice_room *room, size_t n, const struct season *season, double *outputs)
{
    double age = room->problem[RICE_DATE] - season->begin;
    enum rice_stage stage = stage_of(age, room->problem[RICE_CYCLE]);

    outputs[RICE_STAGE] = stage;
    outputs[RICE_STAGE_DOUBTFUL] = stage == RICE_VEGETATIVE && slope_at(room, n, room->problem[RICE_DATE]) <= least_slope;
}

void rice_seasons(struct rice_room *room, const double *db, double outputs[RICE_OUTPUTS])
{
    const double *limit = room->problem;
    size_t n_there = smooth(room, db), n, n_seasons = 0, peak;
    struct season current = { 0 }, found = { 0 };
    bool begun = false;

    for (size_t i = 0; i < RICE_OUTPUTS; i++)
        outputs[i] = NAN;
    if (n_there < 2 || (double)n_there < limit[RICE_OBSERVATIONS])
        return;
    n = draw_axis(room, n_there);
    outputs[RICE_CLASS] = 0;
    if (!is_rice(room, n))
        return;
    for (size_t m = 0, earliest = 0; m < n; m++) {
        if (m < earliest || !season_at(room, n, m, &peak))
            continue;
        earliest = m + (size_t)ceil(limit[RICE_APART] / STEP);
        found = (struct season){ room->days[room->there[0]] + ((double)m + vertex(room->axis, n, m)) * STEP, peak };
        if (n_seasons < MOST_SEASONS)
            outputs[RICE_SEASON_1 + n_seasons++] = found.begin;
        if (found.begin <= limit[RICE_DATE]) {
            current = found;
            begun = true;
        }
    }
    outputs[RICE_CLASS] = (double)n_seasons;
    if (n_seasons == 0)
        return;
    outputs[RICE_STAGE] = RICE_NOT_PLANTED;
    outputs[RICE_STAGE_DOUBTFUL] = 0;
    if (!begun)
        return;
    tell_stage(room, n, &current, outputs);
    tell_harvest(room, n, n_there, &current, outputs);
}
