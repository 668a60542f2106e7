/* How the windows of apply_neighborhood cut a cube: sizes and overlaps as they are given, in pixels, metres,
 * labels or durations, and the labels of each window along a dimension. */
#include "graph/neighborhoods.h"
#include "base/instant.h"
#include "graph/times.h"
#include <math.h>
#include <string.h>

/* ---- arguments ---- */

static bool refuse(const struct hood *h, const char *parameter, const char *format, const char *name,
                   const char *more)
{
    return call_fail(h->call, h->err, ERR_ProcessParameterInvalid, parameter, format, name, more);
}

/* Pixels of a physical measure. */
static bool in_pixels(struct hood *h, const char *parameter, const struct dimension *d,
                      const char *unit, double *value)
{
    struct planner *p = h->call->planner;
    const struct grid *grid = &h->data->schema.grid;
    double step = d->axis == 'x' ? grid->dx : grid->dy, pixels;
    char crs[32];

    if (h->data->grid_deferred || p->mode != MODE_PLAN) {
        h->unknown = true; /* until there are pixels */
        return true;
    }
    snprintf(crs, sizeof crs, "EPSG:%d", grid->epsg);
    if (!p->crs)
        p->crs = crs_open();
    if (unit && !crs_in_metres(p->crs, crs))
        return refuse(h, parameter, "dimension '%.60s' is not in metres but in the unit of %s.", d->name, crs);
    pixels = *value / step;
    *value = nearbyint(pixels);
    return fabs(pixels - *value) <= 1e-6 * fmax(1, pixels) ||
           call_fail(h->call, h->err, ERR_ProcessParameterInvalid, parameter,
                     "dimension '%.60s' has pixels of %g; %g of them are no whole number.", d->name, step,
                     pixels);
}

static bool read_number(struct hood *h, const char *parameter, const struct dimension *d,
                        const struct value *entry, double *ret)
{
    const struct value *unit = value_member(entry, "unit");
    const char *name = unit && unit->kind == KIND_STRING ? unit->text : NULL;

    *ret = value_member(entry, "value")->number;
    if (dimension_is_horizontal(d) && (!name || strcmp(name, "px")))
        return in_pixels(h, parameter, d, name, ret);
    if (name && strcmp(name, "px"))
        return refuse(h, parameter, "dimension '%.60s' has no unit '%.10s'.", d->name, name);
    return *ret == floor(*ret) ||
           refuse(h, parameter, "dimension '%.60s' needs a whole number%s.", d->name, "");
}

static bool read_entry(struct hood *h, const char *parameter, const struct value *entry, bool is_overlap)
{
    const struct value *name = value_member(entry, "dimension"), *value = value_member(entry, "value");
    struct duration time = { 0 };
    double number = 0;
    const struct dimension *d;
    struct cut *c;
    size_t i;

    if (!name || name->kind != KIND_STRING || !value)
        return refuse(h, parameter, "each entry needs a 'dimension' and a 'value'%s%s.", "", "");
    i = cube_find(h->data, name->text);
    if (i == SIZE_MAX)
        return call_fail(h->call, h->err, ERR_DimensionNotAvailable, parameter,
                         "There is no dimension '%.100s'.", name->text);
    d = &h->data->schema.dimensions[i];
    c = &h->cuts[i];
    if (is_overlap ? c->has_overlap : c->is_set)
        return refuse(h, parameter, "dimension '%.60s' is named twice%s.", d->name, "");
    *(is_overlap ? &c->has_overlap : &c->is_set) = true;
    if (value->kind == KIND_STRING) {
        if (d->type != DIM_TEMPORAL)
            return refuse(h, parameter, "dimension '%.60s' has no dates that %s could be counted from.", d->name,
                          value->text);
        if (!duration_parse(value->text, &time))
            return refuse(h, parameter, "dimension '%.60s': '%.40s' is no duration of more than nothing.",
                          d->name, value->text);
    } else if (value->kind == KIND_NUMBER && !read_number(h, parameter, d, entry, &number)) {
        return false;
    } else if (value->kind == KIND_NUMBER && ((number < 1 && !is_overlap) || number > 1e9)) {
        return refuse(h, parameter, "dimension '%.60s': windows have at least one pixel or label%s.", d->name, "");
    }
    *(is_overlap ? &c->overlap_by_time : &c->by_time) = value->kind == KIND_STRING;
    *(is_overlap ? &c->overlap : &c->size) = number;
    *(is_overlap ? &c->overlap_time : &c->time) = time;
    return true;
}

bool hood_read_cuts(struct hood *h)
{
    static const char *const names[] = { "size", "overlap" };

    for (size_t k = 0; k < 2; k++) {
        const struct value *list = call_argument(h->call, names[k]);

        for (size_t i = 0; list->kind == KIND_ARRAY && i < list->array.length; i++)
            if (!read_entry(h, names[k], &list->array.items[i], k))
                return false;
    }
    return true;
}

/* ---- labels ---- */

/* What would stand before the first label or after the last one. */
static bool label_beyond(const struct hood *h, const struct dimension *d, int64_t at, struct label *ret)
{
    int64_t end = at < 0 ? 0 : (int64_t)d->count - 1, other = at < 0 ? 1 : end - 1;
    const struct label *a = &d->labels[end], *b = &d->labels[d->count > 1 ? other : end];
    int64_t steps = at < 0 ? -at : at - end, day = at < 0 ? -DAY_MS : DAY_MS;
    char text[INSTANT_TEXT_SIZE];

    *ret = *a;
    if (a->is_number) {
        ret->number = a->number + (d->count > 1 ? a->number - b->number : at < 0 ? -1 : 1) * (double)steps;
        return true;
    }
    if (d->type != DIM_TEMPORAL)
        return call_fail(h->call, h->err, ERR_FeatureUnsupported, "overlap",
                         "There are no names for what lies beyond the labels of dimension '%.60s'.", d->name);
    ret->instant_ms = a->instant_ms + (d->count > 1 ? a->instant_ms - b->instant_ms : day) * steps;
    ret->text = arena_text(h->call->planner->arena, instant_format(ret->instant_ms, text));
    return true;
}

static bool add_chunk(struct hood *h, struct cut *c, const struct dimension *d, int64_t from, int64_t first,
                      int64_t end, int64_t to)
{
    struct arena *arena = h->call->planner->arena;
    size_t n = (size_t)(to - from);
    size_t *members = arena_array(arena, n, sizeof *members);
    struct label *labels = arena_array(arena, n, sizeof *labels);

    for (size_t k = 0; k < n; k++) {
        int64_t at = from + (int64_t)k;
        bool beyond = at < 0 || at >= (int64_t)d->count;

        members[k] = beyond ? SIZE_MAX : (size_t)at;
        if (beyond && !label_beyond(h, d, at, &labels[k]))
            return false;
        if (!beyond)
            labels[k] = d->labels[at];
    }
    c->chunks = mem_grow(c->chunks, &c->capacity, c->n_chunks + 1, sizeof *c->chunks);
    c->chunks[c->n_chunks++] = (struct chunk){ n, (size_t)(first - from), (size_t)(end - first),
                                               (size_t)first, members, labels };
    return true;
}

/* The window of the calendar that an instant lies in; windows are counted from `origin`. */
static int64_t window_number(const struct duration *size, int64_t origin, int64_t ms)
{
    int64_t low = 0, high = (ms - origin) / (size->months * 28 * DAY_MS + size->ms) + 1;

    while (low + 1 < high) {
        int64_t middle = low + (high - low) / 2;

        if (duration_add(origin, size, middle) <= ms)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static bool cut_by_time(struct hood *h, struct cut *c, const struct dimension *d)
{
    int64_t count = (int64_t)d->count, end;

    for (int64_t k = 1; k < count; k++)
        if (d->labels[k].instant_ms < d->labels[k - 1].instant_ms)
            return refuse(h, "data", "the labels of dimension '%.60s' are not in the order of time%s.", d->name,
                          "");
    for (int64_t first = 0, origin = count ? d->labels[0].instant_ms : 0; first < count; first = end) {
        int64_t n = window_number(&c->time, origin, d->labels[first].instant_ms);
        int64_t start = duration_add(origin, &c->time, n), stop = duration_add(origin, &c->time, n + 1);
        int64_t from = first, to;

        end = first;
        while (end < count && d->labels[end].instant_ms < stop)
            end++;
        to = end;
        if (c->overlap_by_time) {
            start = duration_add(start, &c->overlap_time, -1);
            stop = duration_add(stop, &c->overlap_time, 1);
            while (from > 0 && d->labels[from - 1].instant_ms >= start)
                from--;
            while (to < count && d->labels[to].instant_ms < stop)
                to++;
        } else {
            from -= (int64_t)c->overlap;
            to += (int64_t)c->overlap;
        }
        if (!add_chunk(h, c, d, from, first, end, to))
            return false;
    }
    return true;
}

bool hood_cut_dimension(struct hood *h, size_t i)
{
    const struct dimension *d = &h->data->schema.dimensions[i];
    struct cut *c = &h->cuts[i];
    int64_t count = (int64_t)d->count, size = c->is_set && c->size >= 1 ? (int64_t)c->size : count;
    int64_t overlap = (int64_t)c->overlap;

    if (h->data->deferred[i])
        return add_chunk(h, c, d, 0, 0, count, count);
    if ((c->by_time || c->overlap_by_time) && !times_check(h->call, d, h->err))
        return false;
    if (c->by_time)
        return cut_by_time(h, c, d);
    if (overlap > MAX_PLANES)
        return refuse(h, "overlap", "dimension '%.60s': there are fewer planes than that%s.", d->name, "");
    for (int64_t first = 0, end; first < count; first = end) {
        end = size < count - first ? first + size : count;
        if (c->overlap_by_time) { /* labels within so much time before and after */
            int64_t start = duration_add(d->labels[first].instant_ms, &c->overlap_time, -1), from = first;
            int64_t stop = duration_add(d->labels[end - 1].instant_ms, &c->overlap_time, 1), to = end;

            while (from > 0 && d->labels[from - 1].instant_ms >= start)
                from--;
            while (to < count && d->labels[to].instant_ms <= stop)
                to++;
            if (!add_chunk(h, c, d, from, first, end, to))
                return false;
        } else if (!add_chunk(h, c, d, first - overlap, first, end, end + overlap)) {
            return false;
        }
    }
    return true;
}

double hood_window_length(const struct hood *h, size_t i)
{
    const struct dimension *d = &h->data->schema.dimensions[i];
    const struct cut *c = &h->cuts[i];

    bool is_cut = c->is_set && c->size >= 1;

    if (c->by_time || c->overlap_by_time ||
        (!is_cut && (dimension_is_horizontal(d) || d->type == DIM_TEMPORAL || h->data->deferred[i])))
        return 2;
    return (is_cut ? c->size : (double)d->count) + 2 * c->overlap;
}
