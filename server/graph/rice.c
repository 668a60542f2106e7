/* rice_seasons: the operator gets its thresholds, the date that is asked about and the dates of the series as
 * numbers (rice.h). */
#include "graph/rice.h"
#include "graph/planner.h"
#include "base/instant.h"
#include <math.h>

static const int64_t day_ms = 86400000, first_day_ms = 946684800000; /* 2000-01-01 */

static const char *const number_names[RICE_DATE] = {
    [RICE_SMOOTHING] = "smoothing",
    [RICE_LOW] = "flooded",
    [RICE_GROWTH] = "growth",
    [RICE_RISE] = "rise",
    [RICE_PEAK_LEAST] = "peak_least",
    [RICE_PEAK_MOST] = "peak_most",
    [RICE_MEAN_LEAST] = "mean_least",
    [RICE_MEAN_MOST] = "mean_most",
    [RICE_RANGE] = "range",
    [RICE_APART] = "apart",
    [RICE_CYCLE] = "cycle",
    [RICE_OBSERVATIONS] = "observations",
};

static const char *const output_names[] = {
    [RICE_CLASS] = "rice_class",
    [RICE_SEASON_1] = "t0_season1",
    [RICE_SEASON_2] = "t0_season2",
    [RICE_SEASON_3] = "t0_season3",
    [RICE_STAGE] = "stage",
    [RICE_STAGE_DOUBTFUL] = "stage_doubtful",
    [RICE_HARVEST_DAY] = "harvest_day",
    [RICE_HARVEST_DOY] = "harvest_doy",
    [RICE_HARVEST_SPREAD] = "harvest_spread",
};

static double day_of(int64_t ms)
{
    return (double)(ms - first_day_ms) / (double)day_ms;
}

static bool read_days(const struct call *call, const struct value *data, double *days, struct err *err)
{
    for (size_t i = 0; i < data->array.length; i++) {
        const struct label *label = data->array.labels ? &data->array.labels[i] : NULL;
        int64_t ms;

        if (!label || label->is_number || !instant_parse_date(label->text ? label->text : "", &ms))
            return call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                             "the labels of the array must be dates, that of element %zu is not.", i);
        days[i] = day_of(ms);
        if (i && days[i] < days[i - 1])
            return call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                             "the dates must ascend; '%.60s' comes after a later one.", label->text);
    }
    return true;
}

/* The end of the series unless a date is given. */
static bool read_date(const struct call *call, const double *days, size_t n, double *ret, struct err *err)
{
    const char *text = call_text(call, "date");
    int64_t ms;

    *ret = days[n - 1];
    if (!text)
        return true;
    if (!instant_parse_date(text, &ms))
        return call_fail(call, err, ERR_ProcessParameterInvalid, "date", "'%.60s' is no date.", text);
    *ret = day_of(ms);
    return true;
}

static struct value named_outputs(struct planner *p, const struct expr *const *made)
{
    struct value found = array_of_lanes(p, made, RICE_OUTPUTS, NULL);
    struct label *labels = arena_array(p->arena, RICE_OUTPUTS, sizeof *labels);

    for (size_t i = 0; i < RICE_OUTPUTS; i++)
        labels[i] = (struct label){ .text = output_names[i] };
    found.array.labels = labels;
    return found;
}

static bool run_rice_seasons(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    const struct value *data = call_argument(call, "data");
    size_t n = data->array.length;
    double *numbers = arena_array(p->arena, RICE_NUMBERS + n, sizeof *numbers);
    const struct expr *made[RICE_OUTPUTS];
    AUTO(mem) const struct expr **lanes = NULL;

    if (n == 0)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "data", "the array has no elements.");
    for (size_t i = 0; i < ARRAY_LEN(number_names); i++)
        numbers[i] = call_number(call, number_names[i]);
    if (!read_days(call, data, numbers + RICE_NUMBERS, err) ||
        !read_date(call, numbers + RICE_NUMBERS, n, &numbers[RICE_DATE], err) ||
        !array_check_scalars(call, "data", data, err))
        return false;
    if (!array_has_lanes(data) || data->array.presence)
        return call_fail(call, err, ERR_FeatureUnsupported, "data",
                         "Seasons are found in the whole series of a cube's pixels.");
    lanes = array_lanes(p, data);
    expr_several(p->exprs, LANE_RICE, n, lanes, false, RICE_NUMBERS + n, numbers, RICE_OUTPUTS, made);
    *ret = named_outputs(p, made);
    return true;
}

const struct operation rice_operations[] = {
    { .id = "rice_seasons", .run = run_rice_seasons },
    { .id = NULL },
};
