/* cloud_detection. What is offered is what Sen2Cor found in a product's reflectances: its classification comes with
 * every Sentinel-2 L2A product as the band SCL, and is read, not made again. */
#include "graph/planner.h"
#include "base/text.h"
#include <math.h>
#include <string.h>

/* Classes of the scene classification: 2 to 11 say what a pixel is; 0 is no data, 1 a defect. 2 are shadows of mountains
 * and 7 is what could not be told: both have no cloud in them as far as anybody knows. */
enum { SCL_FIRST = 2, SCL_CLOUD_SHADOW = 3, SCL_CLOUD_MEDIUM = 8, SCL_THIN_CIRRUS = 10, SCL_LAST = 11 };

static const struct disturbance {
    const char *label;
    double first, last; /* classes */
} disturbances[] = {
    { "cloud", SCL_CLOUD_MEDIUM, SCL_THIN_CIRRUS },
    { "shadow", SCL_CLOUD_SHADOW, SCL_CLOUD_SHADOW },
};
enum { N_DISTURBANCES = ARRAY_LEN(disturbances) };

static bool find_classes(const struct call *call, const struct dimension *d, size_t *ret, struct err *err)
{
    static const char *const names[] = { "SCL", "scl" }; /* as products have it; as Earth Search has it */
    AUTO(mem) size_t *found = mem_array(d->count, sizeof *found);
    AUTO(text) struct text has = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (bands_match(d, names[i], found) != 1)
            continue;
        *ret = found[0];
        return true;
    }
    for (size_t i = 0; i < d->count && has.length < 300; i++)
        if (!d->labels[i].is_number)
            text_printf(&has, "%s%.60s", i ? ", " : "", d->labels[i].text);
    return call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                     "The cube has the bands %s, expected the band SCL of Sentinel-2 L2A among them: the detection is the one that "
                     "Sen2Cor made.", has.data ? has.data : "(none)");
}

static const struct expr *within(struct expr_table *t, const struct expr *x, double first, double last)
{
    return expr_binary(t, LANE_AND, expr_binary(t, LANE_GTE, x, expr_constant(t, first)),
                       expr_binary(t, LANE_LTE, x, expr_constant(t, last)));
}

/* 1 or 0; no-data where the pixel has no class, as between classes that somebody averaged. */
static const struct expr *detected(struct expr_table *t, const struct expr *class, const struct disturbance *d)
{
    const struct expr *known = expr_binary(t, LANE_AND, within(t, class, SCL_FIRST, SCL_LAST),
                                           expr_binary(t, LANE_EQ, class, expr_unary(t, LANE_FLOOR, class)));
    const struct expr *found = expr_ternary(t, LANE_SELECT, within(t, class, d->first, d->last), expr_constant(t, 1),
                                            expr_constant(t, 0));

    return expr_ternary(t, LANE_SELECT, known, found, expr_constant(t, NAN));
}

static void name_disturbances(struct planner *p, struct cube *cube, size_t i)
{
    struct dimension *d = cube_edit(cube, i);
    struct label *labels = arena_array(p->arena, N_DISTURBANCES, sizeof *labels);
    struct band_info *bands = arena_array(p->arena, N_DISTURBANCES, sizeof *bands);

    for (size_t k = 0; k < N_DISTURBANCES; k++) {
        labels[k].text = disturbances[k].label;
        bands[k] = (struct band_info){ .center_wavelength = NAN, .scale = 1 };
    }
    d->labels = labels;
    d->bands = bands;
    d->count = N_DISTURBANCES;
    ((bool *)cube->deferred)[i] = false;
}

static bool check_method(const struct call *call, struct err *err)
{
    const char *method = call_text(call, "method");

    return !method || !strcmp(method, "Sen2Cor") ||
           call_fail(call, err, ERR_FeatureUnsupported, "method", "The method '%s' is not offered; 'Sen2Cor' is.", method);
}

static bool run_cloud_detection(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    const struct cube *data = call->arguments[0].cube;
    struct cube *cube = cube_like(p, data);
    const struct dimension *d;
    size_t i = 0, classes = 0, stride, n_lines;
    const struct expr **planes;

    if (!check_method(call, err) || !call_bands(call, data, &i, err))
        return false;
    d = &data->schema.dimensions[i];
    if (!data->deferred[i] && !find_classes(call, d, &classes, err))
        return false;
    stride = cube_stride(&data->schema, i);
    n_lines = cube_lines(data, i);
    planes = arena_array(p->arena, n_lines * N_DISTURBANCES + 1, sizeof *planes);
    for (size_t line = 0; line < n_lines; line++) {
        size_t block = line / stride * stride, within_block = line % stride;
        const struct expr *class = data->planes[block * d->count + within_block + classes * stride];

        for (size_t k = 0; k < N_DISTURBANCES; k++)
            planes[block * N_DISTURBANCES + within_block + k * stride] = detected(p->exprs, class, &disturbances[k]);
    }
    name_disturbances(p, cube, i);
    cube->planes = planes;
    return cube_finish(call, cube, ret, err);
}

const struct operation cloud_operations[] = {
    { .id = "cloud_detection", .run = run_cloud_detection },
    { .id = NULL },
};
