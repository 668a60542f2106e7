/* Puts together what the other files know. */
#include "sar/view.h"
#include "base/mem.h"
#include "sar/geodesy.h"

static bool check(const struct sar_annotation *a, struct err *err)
{
    if (!(a->azimuth_interval > 0 && a->range_spacing > 0) || a->lines < 2 || a->samples < 2)
        return err_set(err, ERR_FileContentInvalid,
                       "The image has %lld lines of %lld samples, %g s and %g m apart: no such image is known.",
                       (long long)a->lines, (long long)a->samples, a->azimuth_interval, a->range_spacing);
    return true;
}

/* Every line must have a place in the orbit: a file of another day has none. */
static bool check_reach(const struct view *view, struct err *err)
{
    double first, last, end = (double)view->lines * view->azimuth_interval;

    orbit_span(view->orbit, &first, &last);
    if (first <= 0 && last >= end)
        return true;
    return err_set(err, ERR_FileContentInvalid,
                   "The orbit is known from %.1f to %.1f s after the first line, the image goes from 0 to %.1f s.", first,
                   last, end);
}

bool view_new(const struct sar_annotation *a, const struct sar_state *states, size_t n_states,
              enum ground_range_mode mode, struct view **ret_view, struct err *err)
{
    AUTO(view) struct view *view = MEM_NEW(struct view);

    if (!check(a, err))
        return false;
    view->azimuth_interval = a->azimuth_interval;
    view->azimuth_spacing = a->azimuth_spacing;
    view->range_spacing = a->range_spacing;
    view->lines = a->lines;
    view->samples = a->samples;
    view->middle = (double)a->lines / 2 * a->azimuth_interval;
    if (!orbit_new(states ? states : a->states, states ? n_states : a->n_states, &view->orbit, err) ||
        !ground_range_new(a->ground_ranges, a->n_ground_ranges, a->range_spacing, a->samples, mode,
                          &view->ground_range, err) ||
        !check_reach(view, err))
        return false;
    *ret_view = view;
    view = NULL;
    return true;
}

void view_free(struct view *view)
{
    if (!view)
        return;
    orbit_free(view->orbit);
    ground_range_free(view->ground_range);
    free(view);
}

bool view_find(const struct view *view, double latitude, double longitude, double height,
               struct view_place *ret_place)
{
    struct doppler_fix fix;
    struct view_place place;
    double point[3];

    geodesy_place(latitude, longitude, height, point);
    if (!doppler_solve(view->orbit, point, view->middle, &fix))
        return false;
    place = (struct view_place){ .t = fix.t, .range = fix.range, .line = fix.t / view->azimuth_interval,
                                 .column = ground_range_column(view->ground_range, fix.t, fix.range) };
    *ret_place = place;
    return place.line >= -VIEW_MARGIN && place.line <= (double)(view->lines + VIEW_MARGIN - 1) && !isnan(place.column);
}

bool view_sight(const struct view *view, const double point[static 3], double t, double ret_sight[static 3])
{
    struct orbit_point s;
    double length;

    if (!orbit_at(view->orbit, t, &s))
        return false;
    vector_minus(s.position, point, ret_sight);
    length = vector_length(ret_sight);
    for (int i = 0; i < 3; i++)
        ret_sight[i] /= length;
    return true;
}
