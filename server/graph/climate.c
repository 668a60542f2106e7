/* climatological_normal: means over the years; anomaly: what is above or below them. */
#include "graph/times.h"
#include "base/instant.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool only_time(const struct call *call, const struct cube *cube, const char *parameter,
                      size_t *ret, struct err *err)
{
    size_t n = 0;

    for (size_t i = 0; i < cube->schema.n_dimensions; i++) {
        if (cube->schema.dimensions[i].type != DIM_TEMPORAL)
            continue;
        *ret = i;
        n++;
    }
    return n == 1 || call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                               "the cube has %zu temporal dimensions, expected one.", n);
}

struct normal {
    const char *period;
    size_t n;
    int first_month; /* the season that begins last year, first of its months; 0: none does */
    const char *labels[4];
};

static const struct normal normals[] = {
    { "day", 365, 0, { NULL } },
    { "month", 12, 0, { NULL } },
    { "season", 4, 12, { "djf", "mam", "jja", "son" } },
    { "tropical-season", 2, 11, { "ndjfma", "mjjaso" } },
    { "climatology-period", 1, 0, { "climatology-period" } },
};

struct date {
    int64_t year;
    int month, day;
};

static struct date date_of(int64_t instant)
{
    struct date d;

    instant_civil(instant / DAY_MS - (instant % DAY_MS < 0), &d.year, &d.month, &d.day);
    return d;
}

/* The day of a year without 29 February, which joins the 28th; from 0. */
static size_t day_of_year(struct date d)
{
    if (d.month == 2 && d.day == 29)
        d.day = 28;
    return (size_t)(instant_days(2001, d.month, d.day) - instant_days(2001, 1, 1));
}

/* Which normal a date belongs to; the year moves on where its season began the year before. */
static size_t normal_of(const struct normal *normal, struct date *d)
{
    if (normal->n == 365)
        return day_of_year(*d);
    if (normal->n == 12)
        return (size_t)d->month - 1;
    if (normal->n == 1)
        return 0;
    if (d->month >= normal->first_month)
        d->year++;
    return (size_t)(d->month - normal->first_month + 12) % 12 / (12 / normal->n);
}

/* The season that begins before the first year counts when all its months of that year are there. */
static bool begins_whole(const struct normal *normal, const struct dimension *d, int64_t first)
{
    for (int month = normal->first_month; month && month <= 12; month++) {
        bool there = false;

        for (size_t k = 0; k < d->count && !there; k++) {
            struct date date = date_of(d->labels[k].instant_ms);

            there = date.year == first - 1 && date.month == month;
        }
        if (!there)
            return false;
    }
    return true;
}

static void name_groups(struct planner *p, const struct normal *normal, int64_t first,
                        struct groups *groups)
{
    for (size_t k = 0; k < groups->n; k++) {
        struct label *label = &groups->list[k].label;
        size_t months = 12 / (normal->n == 365 ? 12 : normal->n);

        if (normal->n == 365) {
            label->text = arena_printf(p->arena, "%03zu", k + 1);
            label->instant_ms = (instant_days(first, 1, 1) + (int64_t)k) * DAY_MS;
            continue;
        }
        label->text = normal->labels[0] ? normal->labels[k] : arena_printf(p->arena, "%02zu", k + 1);
        label->instant_ms =
            normal->first_month && k == 0
                ? instant_days(first - 1, normal->first_month, 1) * DAY_MS
                : instant_days(first, (int)(k * months) + (normal->first_month ? normal->first_month
                                                                               : 13) - 12, 1) *
                      DAY_MS;
    }
}

static void find_members(struct planner *p, const struct normal *normal, const struct dimension *d,
                         int64_t first, int64_t last, struct groups *groups)
{
    bool whole = begins_whole(normal, d, first);

    for (size_t k = 0; k < d->count; k++) {
        struct date date = date_of(d->labels[k].instant_ms);
        size_t at = normal_of(normal, &date);

        if (date.year < first || date.year > last ||
            (normal->first_month && at == 0 && date.year == first && !whole))
            continue;
        group_add(p, &groups->list[at], k);
    }
}

static const struct expr *mean_of(struct planner *p, const struct value *line,
                                  const struct group *group)
{
    AUTO(mem) const struct expr **items = mem_array(group->n, sizeof *items);

    if (group->n == 0)
        return expr_constant(p->exprs, NAN);
    for (size_t k = 0; k < group->n; k++)
        items[k] = line->array.items[group->members[k]].lane;
    return expr_make(p->exprs, LANE_MEAN, group->n, items, false);
}

static bool run_climatological_normal(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct value *years = call_argument(call, "climatology_period");
    int64_t first = (int64_t)years->array.items[0].number;
    int64_t last = (int64_t)years->array.items[1].number;
    const struct normal *normal = normals;
    struct planner *p = call->planner;
    size_t i = 0, n_lines, stride;
    const struct dimension *d;
    const struct expr **planes;
    struct groups groups;
    struct label *labels;
    struct cube *cube;

    while (strcmp(normal->period, call_text(call, "period")))
        normal++;
    if (!only_time(call, data, "data", &i, err))
        return false;
    d = &data->schema.dimensions[i];
    if (!(first >= 1 && first <= last && last <= 9999))
        return call_fail(call, err, ERR_ProcessParameterInvalid, "climatology_period",
                         "expected two years, the first not after the second.");
    if (!data->deferred[i] && !times_check(call, d, err))
        return false;
    groups = (struct groups){ normal->n, arena_array(p->arena, normal->n, sizeof *groups.list) };
    name_groups(p, normal, first, &groups);
    if (!data->deferred[i])
        find_members(p, normal, d, first, last, &groups);
    labels = arena_array(p->arena, groups.n, sizeof *labels);
    for (size_t k = 0; k < groups.n; k++)
        labels[k] = groups.list[k].label;
    cube = times_replace(p, data, i, groups.n, labels);
    n_lines = cube_lines(data, i);
    stride = cube_stride(&data->schema, i);
    if (n_lines * groups.n > MAX_PLANES)
        return call_fail(call, err, ERR_ProcessGraphComplexity, NULL,
                         "The cube would have more than %d planes.", MAX_PLANES);
    planes = arena_array(p->arena, n_lines * groups.n, sizeof *planes);
    for (size_t line = 0; line < n_lines; line++) {
        struct value all = cube_line(p, data, i, line);

        for (size_t k = 0; k < groups.n; k++)
            planes[line / stride * stride * groups.n + k * stride + line % stride] =
                mean_of(p, &all, &groups.list[k]);
    }
    cube->planes = planes;
    ((bool *)cube->deferred)[i] = false;
    return cube_finish(call, cube, ret, err);
}

/* ---- anomaly ---- */

struct comparison {
    struct call *call;
    const struct cube *data, *normals;
    size_t data_time, normals_time;
    size_t *normal_of; /* by label of the data; SIZE_MAX: there is none */
    size_t *in_data;   /* by dimension of the normals */
};

static bool match_label(struct comparison *c, const struct period *period, size_t k,
                        struct err *err)
{
    const struct label *label = &c->data->schema.dimensions[c->data_time].labels[k];
    const struct dimension *normals_time = &c->normals->schema.dimensions[c->normals_time];
    char text[100];
    const char *key;

    c->normal_of[k] = 0;
    if (!period || c->data->deferred[c->data_time] || c->normals->deferred[c->normals_time])
        return true;
    label_text(label, text, sizeof text);
    key = period_key(period, text);
    if (!key)
        return call_fail(c->call, err, ERR_ProcessParameterInvalid, "data",
                         "the label '%s' is none of the period '%s'; aggregate_temporal_period "
                         "makes such labels.", text, call_text(c->call, "period"));
    c->normal_of[k] = SIZE_MAX;
    for (size_t m = 0; m < normals_time->count; m++) {
        char normal[100];

        label_text(&normals_time->labels[m], normal, sizeof normal);
        if (!strcmp(normal, key))
            c->normal_of[k] = m;
    }
    return true;
}

static bool same_labels(const struct dimension *a, const struct dimension *b)
{
    for (size_t i = 0; a->count == b->count && i < a->count; i++)
        if (!label_equal(&a->labels[i], &b->labels[i]))
            return false;
    return a->count == b->count;
}

static bool check_dimensions(struct comparison *c, struct err *err)
{
    for (size_t i = 0; i < c->normals->schema.n_dimensions; i++) {
        const struct dimension *d = &c->normals->schema.dimensions[i], *in;

        c->in_data[i] = i == c->normals_time ? c->data_time : cube_find(c->data, d->name);
        if (c->in_data[i] == SIZE_MAX)
            return call_fail(c->call, err, ERR_ProcessParameterInvalid, "normals",
                             "they have a dimension '%.60s', the data have not.", d->name);
        in = &c->data->schema.dimensions[c->in_data[i]];
        if (i == c->normals_time || dimension_is_horizontal(d) || c->normals->deferred[i] ||
            c->data->deferred[c->in_data[i]])
            continue;
        if (!same_labels(d, in))
            return call_fail(c->call, err, ERR_ProcessParameterInvalid, "normals",
                             "the labels of dimension '%.60s' differ between data and normals.",
                             d->name);
    }
    return true;
}

static const struct expr *normal_plane(const struct comparison *c,
                                       const struct expr *const *planes, const size_t *labels)
{
    size_t plane = 0;

    for (size_t i = 0; i < c->normals->schema.n_dimensions; i++) {
        const struct dimension *d = &c->normals->schema.dimensions[i];
        size_t label = labels[c->in_data[i]];

        if (dimension_is_horizontal(d))
            continue;
        if (i == c->normals_time)
            label = c->normal_of[label];
        if (label == SIZE_MAX || d->count == 0)
            return NULL;
        plane = plane * d->count + (label < d->count ? label : d->count - 1);
    }
    return planes[plane];
}

static bool run_anomaly(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    struct comparison c = { .call = call, .data = call->arguments[0].cube,
                            .normals = call->arguments[1].cube };
    const struct period *period = period_find(call_text(call, "period"));
    size_t n = cube_planes(&c.data->schema), n_labels;
    const struct expr **planes = arena_array(p->arena, n, sizeof *planes);
    const struct expr *const *normal_planes;
    struct cube *cube = cube_like(p, c.data);
    AUTO(mem) size_t *labels = mem_array(c.data->schema.n_dimensions, sizeof *labels);

    if (!only_time(call, c.data, "data", &c.data_time, err) ||
        !only_time(call, c.normals, "normals", &c.normals_time, err))
        return false;
    n_labels = c.normals->schema.dimensions[c.normals_time].count;
    if (!period && !c.normals->deferred[c.normals_time] && n_labels != 1)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "normals",
                         "they have %zu temporal labels, expected one.", n_labels);
    n_labels = c.data->schema.dimensions[c.data_time].count;
    c.normal_of = arena_array(p->arena, n_labels, sizeof *c.normal_of);
    c.in_data = arena_array(p->arena, c.normals->schema.n_dimensions, sizeof *c.in_data);
    for (size_t k = 0; k < n_labels; k++)
        if (!match_label(&c, period, k, err))
            return false;
    if (!check_dimensions(&c, err) ||
        !cube_planes_on(call, c.normals, &c.data->schema.grid, &normal_planes, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct expr *normal;

        cube_labels(&c.data->schema, i, labels);
        normal = normal_plane(&c, normal_planes, labels);
        planes[i] = normal ? expr_binary(p->exprs, LANE_SUBTRACT, c.data->planes[i], normal)
                           : expr_constant(p->exprs, NAN);
    }
    cube->planes = planes;
    return cube_finish(call, cube, ret, err);
}

const struct operation climate_operations[] = {
    { .id = "climatological_normal", .run = run_climatological_normal },
    { .id = "anomaly", .run = run_anomaly },
    { .id = NULL },
};
