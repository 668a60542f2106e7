/* Processes along time: reducing groups of dates, and taking the dates of another cube. A group is a
 * list of labels; what they are is known while the graph is planned, so that raster/ sees nothing but
 * reducers over some of the planes. */
#include "graph/times.h"
#include "graph/udf.h"
#include "base/instant.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The only temporal dimension, or the one that is named. */
static bool find_time(const struct call *call, const struct cube *cube, const char *name,
                      size_t *ret, struct err *err)
{
    size_t n = 0;

    for (size_t i = 0; i < cube->schema.n_dimensions; i++) {
        const struct dimension *d = &cube->schema.dimensions[i];

        if (d->type != DIM_TEMPORAL || (name && strcmp(name, d->name)))
            continue;
        *ret = i;
        n++;
    }
    if (n > 1)
        return call_raise(call, err, ERR_TooManyDimensions, "dimension");
    return n == 1 || call_fail(call, err, ERR_DimensionNotAvailable, name ? "dimension" : "data",
                               name ? "'%.100s' is no temporal dimension of the cube."
                                    : "The cube has no temporal dimension.", name);
}

bool times_check(const struct call *call, const struct dimension *d, struct err *err)
{
    for (size_t k = 0; k < d->count; k++)
        if (d->labels[k].is_number)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                             "label %zu of dimension '%.60s' is the number %.17g, expected a date.",
                             k, d->name, d->labels[k].number);
    return true;
}

struct cube *times_replace(struct planner *p, const struct cube *data, size_t i, size_t n,
                           const struct label *labels)
{
    struct cube *cube = cube_like(p, data);
    struct dimension *d = cube_edit(cube, i);

    d->count = n;
    d->labels = labels;
    return cube;
}

/* What reducers leave empty is no-data of the type of the others. */
static void fill_missing(struct planner *p, const struct expr **planes, size_t n)
{
    struct cell cell = { PIXEL_F32, true, NAN };

    for (size_t k = n; k-- > 0;)
        if (planes[k])
            cell = cell_with_nodata(planes[k]->cell);
    for (size_t k = 0; k < n; k++)
        if (!planes[k])
            planes[k] = expr_leaf(p->exprs, NULL, 0, cell, false);
}

/* The members of a group, along one line. */
static struct value member_values(struct planner *p, const struct value *line,
                                  const struct group *group, bool deferred)
{
    struct value *items = arena_array(p->arena, group->n, sizeof *items);
    struct label *labels = arena_array(p->arena, group->n, sizeof *labels);

    for (size_t k = 0; k < group->n; k++) {
        items[k] = line->array.items[group->members[k]];
        labels[k] = line->array.labels[group->members[k]];
    }
    return (struct value){ .kind = KIND_ARRAY, .deferred = deferred,
                           .array = { .items = items, .labels = labels, .length = group->n } };
}

/* `udfs`: by group, which is a cube for users' code. */
static bool reduce_each(struct call *call, const struct cube *data, size_t i, const struct groups *groups,
                        struct udf_scope *udfs, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    size_t n_lines = cube_lines(data, i), stride = cube_stride(&data->schema, i), n = groups->n;
    struct label *labels = arena_array(p->arena, n, sizeof *labels);
    const struct expr **planes;
    struct cube *cube;

    if (n_lines * n > MAX_PLANES)
        return call_fail(call, err, ERR_ProcessGraphComplexity, NULL,
                         "The cube would have %zu planes; at most %d are possible.", n_lines * n,
                         MAX_PLANES);
    planes = arena_array(p->arena, n_lines * n, sizeof *planes);
    for (size_t k = 0; k < n; k++)
        labels[k] = groups->list[k].label;
    cube = times_replace(p, data, i, n, labels);
    for (size_t line = 0; line < n_lines; line++) {
        struct value all = cube_line(p, data, i, line);

        for (size_t k = 0; k < n; k++) {
            struct binding bindings[] = {
                { "data", member_values(p, &all, &groups->list[k], data->deferred[i]) },
                { "context", *call_argument(call, "context") },
            };
            const struct expr **plane =
                &planes[line / stride * stride * n + k * stride + line % stride];
            struct value v;

            udf_scope_enter(&udfs[k], line);
            if (!callback_call(p, call_argument(call, "reducer")->callback, bindings,
                               ARRAY_LEN(bindings), &v, err))
                return false;
            if (v.kind == KIND_UNKNOWN) {
                *ret = v;
                return true;
            }
            if (v.kind != KIND_NULL && !call_cell(call, "reducer", &v, plane, err))
                return false;
        }
    }
    fill_missing(p, planes, n_lines * n);
    cube->planes = planes;
    return cube_finish(call, cube, ret, err);
}

static bool reduce_groups(struct call *call, const struct cube *data, size_t i, const struct groups *groups,
                          struct value *ret, struct err *err)
{
    AUTO(mem) struct udf_scope *udfs = mem_array(groups->n, sizeof *udfs);
    bool good;

    for (size_t k = 0; k < groups->n; k++)
        udfs[k] = (struct udf_scope){ .call = call, .along = i, .n_lines = cube_lines(data, i),
                                      .data = cube_pick(call->planner, data, i, groups->list[k].n,
                                                        groups->list[k].members) };
    good = reduce_each(call, data, i, groups, udfs, ret, err);
    for (size_t k = 0; k < groups->n; k++)
        good = udf_scope_close(&udfs[k], good, err) && good;
    return good;
}

void group_add(struct planner *p, struct group *group, size_t member)
{
    size_t *grown;

    if ((group->n & (group->n - 1)) == 0) { /* room doubles: 0, 1, 2, 4 ... */
        grown = arena_array(p->arena, group->n ? 2 * group->n : 1, sizeof *grown);
        if (group->n)
            memcpy(grown, group->members, group->n * sizeof *grown);
        group->members = grown;
    }
    group->members[group->n++] = member;
}

/* ---- aggregate_temporal ---- */

struct interval {
    bool of_day; /* times of the day, which may pass midnight */
    int64_t start, end;
};

static bool read_times(const struct call *call, const struct value *v, struct interval *ret,
                       bool *ret_is_time, struct err *err)
{
    static const int64_t open[] = { 0, DAY_MS };
    int64_t *const to[] = { &ret->start, &ret->end };
    size_t n = 0, n_null = 0;

    *ret_is_time = false;
    for (size_t i = 0; i < v->array.length && i < 2; i++) {
        const struct value *item = &v->array.items[i];

        *to[i] = open[i];
        n_null += item->kind == KIND_NULL;
        n += item->kind == KIND_STRING && time_of_day_parse(item->text, to[i]);
    }
    if (n == 0)
        return true;
    if (v->array.length != 2 || n + n_null != 2)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "intervals",
                         "a time of day and a date make no interval.");
    if (ret->start == ret->end)
        return call_fail(call, err, ERR_TemporalExtentEmpty, "intervals", "It is '%.40s' twice.",
                         v->array.items[0].text);
    *ret_is_time = ret->of_day = true;
    return true;
}

static bool contains(const struct interval *interval, int64_t instant)
{
    int64_t time = instant % DAY_MS;

    if (!interval->of_day)
        return instant >= interval->start && instant < interval->end;
    time += time < 0 ? DAY_MS : 0;
    if (interval->start < interval->end)
        return time >= interval->start && time < interval->end;
    return time >= interval->start || time < interval->end;
}

/* The label that is given, else the start as it is written. */
static bool interval_label(const struct call *call, const struct value *interval, size_t k,
                           int64_t start, struct label *ret, struct err *err)
{
    const struct value *labels = call_argument(call, "labels");
    const struct value *v = labels->array.length ? &labels->array.items[k]
                                                 : &interval->array.items[0];

    if (v->kind == KIND_NULL)
        return call_fail(call, err, ERR_DistinctDimensionLabelsRequired, "labels",
                         "Interval %zu has no start that could be its label.", k);
    *ret = (struct label){ .is_number = v->kind == KIND_NUMBER,
                           .instant_ms = start == INSTANT_MIN ? 0 : start };
    if (ret->is_number)
        ret->number = v->number;
    else
        ret->text = v->text;
    if (!ret->is_number && !instant_parse_date(ret->text, &ret->instant_ms))
        return true; /* any name will do */
    return true;
}

static bool distinct(const struct call *call, const struct groups *groups, struct err *err)
{
    char text[100];

    for (size_t k = 0; k < groups->n; k++)
        for (size_t m = 0; m < k; m++) {
            label_text(&groups->list[k].label, text, sizeof text);
            if (label_equal(&groups->list[k].label, &groups->list[m].label))
                return call_fail(call, err, ERR_DistinctDimensionLabelsRequired, "labels",
                                 "There are two '%s'.", text);
        }
    return true;
}

static bool run_aggregate_temporal(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct value *intervals = call_argument(call, "intervals");
    const struct value *labels = call_argument(call, "labels");
    size_t n = intervals->array.length, i;
    struct planner *p = call->planner;
    struct groups groups = { n, arena_array(p->arena, n, sizeof *groups.list) };
    const struct dimension *d;
    struct cube *cube;

    if (!find_time(call, data, call_text(call, "dimension"), &i, err))
        return false;
    d = &data->schema.dimensions[i];
    if (labels->array.length && labels->array.length != n)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "labels",
                         "there are %zu labels and %zu intervals.", labels->array.length, n);
    if (!data->deferred[i] && !times_check(call, d, err))
        return false;
    for (size_t k = 0; k < n; k++) {
        const struct value *v = &intervals->array.items[k];
        struct interval interval = { 0 };
        bool is_time;

        if (!read_times(call, v, &interval, &is_time, err) ||
            (!is_time &&
             !call_interval(call, "intervals", v, &interval.start, &interval.end, err)) ||
            !interval_label(call, v, k, interval.start, &groups.list[k].label, err))
            return false;
        for (size_t m = 0; m < d->count; m++)
            if (data->deferred[i] || contains(&interval, d->labels[m].instant_ms))
                group_add(p, &groups.list[k], m);
    }
    if (!distinct(call, &groups, err) || !reduce_groups(call, data, i, &groups, ret, err))
        return false;
    if (ret->kind == KIND_CUBE) { /* the labels are known now */
        cube = (struct cube *)ret->cube;
        ((bool *)cube->deferred)[i] = false;
    }
    return true;
}

/* ---- aggregate_temporal_period ---- */

static struct label period_label_of(struct planner *p, const struct period *period, int64_t start)
{
    char label[PERIOD_LABEL_SIZE];

    period_label(period, start, label);
    return (struct label){ .text = arena_text(p->arena, label), .instant_ms = start };
}

/* All periods from the first label's to the last one's. */
static bool period_groups(const struct call *call, const struct dimension *d,
                          const struct period *period, struct groups *ret, struct err *err)
{
    struct planner *p = call->planner;
    int64_t first = INSTANT_MAX, last = INSTANT_MIN, start;
    size_t n = 0;

    for (size_t k = 0; k < d->count; k++) {
        first = d->labels[k].instant_ms < first ? d->labels[k].instant_ms : first;
        last = d->labels[k].instant_ms > last ? d->labels[k].instant_ms : last;
    }
    *ret = (struct groups){ 0 };
    if (d->count == 0)
        return true;
    for (start = period_start(period, first); start <= last && n <= MAX_PLANES;
         start = period_next(period, start))
        n++;
    if (n > MAX_PLANES)
        return call_fail(call, err, ERR_ProcessGraphComplexity, "period",
                         "There are more than %d periods between the first and the last date.",
                         MAX_PLANES);
    ret->list = arena_array(p->arena, n, sizeof *ret->list);
    for (start = period_start(period, first); ret->n < n; start = period_next(period, start))
        ret->list[ret->n++].label = period_label_of(p, period, start);
    for (size_t k = 0; k < d->count; k++) {
        size_t low = 0, high = n;

        while (high - low > 1) {
            size_t middle = (low + high) / 2;

            if (ret->list[middle].label.instant_ms <= d->labels[k].instant_ms)
                low = middle;
            else
                high = middle;
        }
        group_add(p, &ret->list[low], k);
    }
    return true;
}

static bool run_aggregate_temporal_period(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct period *period = period_find(call_text(call, "period"));
    struct groups groups;
    size_t i;

    return find_time(call, data, call_text(call, "dimension"), &i, err) &&
           (data->deferred[i] || times_check(call, &data->schema.dimensions[i], err)) &&
           period_groups(call, &data->schema.dimensions[i], period, &groups, err) &&
           reduce_groups(call, data, i, &groups, ret, err);
}

/* ---- resample_cube_temporal ---- */

struct candidate {
    int64_t distance, instant;
    size_t label;
};

/* The nearest first; of two the earlier. */
static int by_distance(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return (x->instant > y->instant) - (x->instant < y->instant);
}

static size_t find_candidates(const struct dimension *d, int64_t at, double within_ms,
                              struct candidate *list)
{
    size_t n = 0;

    for (size_t k = 0; k < d->count; k++) {
        int64_t instant = d->labels[k].instant_ms;
        int64_t distance = instant > at ? instant - at : at - instant;

        if ((double)distance < within_ms)
            list[n++] = (struct candidate){ distance, instant, k };
    }
    qsort(list, n, sizeof *list, by_distance);
    return n;
}

/* Candidate planes of one cell: the nearest, or the nearest that is valid. */
static const struct expr *nearest(struct planner *p, const struct expr *const *line, size_t stride,
                                  const struct candidate *list, size_t n, bool valid)
{
    AUTO(mem) const struct expr **tried = mem_array(n, sizeof *tried);
    size_t n_tried = valid ? n : n > 0;

    for (size_t k = 0; k < n_tried; k++) {
        const struct expr *e = line[list[k].label * stride];

        tried[k] = !valid ? e
                          : expr_ternary(p->exprs, LANE_SELECT,
                                         expr_unary(p->exprs, LANE_IS_VALID, e), e,
                                         expr_constant(p->exprs, NAN));
    }
    if (n_tried == 0)
        return NULL;
    return n_tried == 1 ? tried[0] : expr_make(p->exprs, LANE_FIRST, n_tried, tried, false);
}

static const struct cube *resample_along(const struct call *call, const struct cube *data, size_t i,
                                         const struct cube *target, size_t k)
{
    struct planner *p = call->planner;
    const struct dimension *d = &data->schema.dimensions[i], *to = &target->schema.dimensions[k];
    const struct value *within = call_argument(call, "valid_within");
    double within_ms = within->kind == KIND_NUMBER ? within->number * DAY_MS : INFINITY;
    size_t n_lines = cube_lines(data, i), stride = cube_stride(&data->schema, i);
    struct cube *cube = times_replace(p, data, i, to->count, to->labels);
    const struct expr **planes = arena_array(p->arena, n_lines * to->count, sizeof *planes);
    AUTO(mem) struct candidate *list = mem_array(d->count, sizeof *list);

    for (size_t m = 0; m < to->count; m++) {
        size_t n = data->deferred[i] || target->deferred[k]
                       ? d->count > 0
                       : find_candidates(d, to->labels[m].instant_ms, within_ms, list);

        for (size_t line = 0; line < n_lines; line++) {
            size_t block = line / stride * stride;

            planes[block * to->count + m * stride + line % stride] =
                nearest(p, data->planes + block * d->count + line % stride, stride, list, n,
                        within->kind == KIND_NUMBER);
        }
    }
    fill_missing(p, planes, n_lines * to->count);
    cube->planes = planes;
    ((bool *)cube->deferred)[i] = target->deferred[k];
    return cube;
}

static bool run_resample_cube_temporal(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube, *target = call->arguments[1].cube;
    const char *name = call_text(call, "dimension");
    size_t n = 0;

    if (name && (cube_find(data, name) == SIZE_MAX || cube_find(target, name) == SIZE_MAX))
        return call_fail(call, err, ERR_DimensionNotAvailable, "dimension",
                         "Dimension '%.100s' is not in both cubes.", name);
    for (size_t i = 0; i < data->schema.n_dimensions; i++) {
        const struct dimension *d = &data->schema.dimensions[i], *to;
        size_t k = cube_find(target, d->name);

        if ((name && strcmp(name, d->name)) || k == SIZE_MAX)
            continue;
        to = &target->schema.dimensions[k];
        if (d->type != DIM_TEMPORAL || to->type != DIM_TEMPORAL) {
            if (name)
                return call_fail(call, err, ERR_DimensionMismatch, "dimension",
                                 "Dimension '%.100s' is not temporal in both cubes.", name);
            continue;
        }
        if ((!data->deferred[i] && !times_check(call, d, err)) ||
            (!target->deferred[k] && !times_check(call, to, err)))
            return false;
        if (cube_lines(data, i) * to->count > MAX_PLANES)
            return call_fail(call, err, ERR_ProcessGraphComplexity, NULL,
                             "The cube would have more than %d planes.", MAX_PLANES);
        data = resample_along(call, data, i, target, k);
        n++;
    }
    if (n == 0)
        return call_fail(call, err, ERR_DimensionMismatch, "target",
                         "No temporal dimension is in both cubes.");
    return cube_finish(call, cube_like(call->planner, data), ret, err);
}

const struct operation time_operations[] = {
    { .id = "aggregate_temporal", .run = run_aggregate_temporal },
    { .id = "aggregate_temporal_period", .run = run_aggregate_temporal_period },
    { .id = "resample_cube_temporal", .run = run_resample_cube_temporal },
    { .id = NULL },
};
