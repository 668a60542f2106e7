/* The catalogue double and the evaluator. The evaluator follows program.h to the letter and nothing
 * else: it knows no openEO process. */
#include "tests/graph/double.h"
#include "json/js.h"
#include "base/instant.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Catalogue */
static const struct {
    const char *name, *common;
    double wavelength, resolution;
    enum pixel pixel;
} bands[] = {
    { "B02", "blue", 0.49, 10, PIXEL_U16 },  { "B03", "green", 0.56, 10, PIXEL_U16 },
    { "B04", "red", 0.665, 10, PIXEL_U16 },  { "B08", "nir", 0.842, 10, PIXEL_U16 },
    { "SCL", NULL, NAN, 20, PIXEL_U8 },
};

static const struct {
    const char *id, *date;
    double x0;
} dates[] = {
    { "S2B_0810", "2023-08-10T10:00:31Z", 500000 }, { "S2B_0813", "2023-08-13T10:00:31Z", 500000 },
    { "S2A_0815", "2023-08-15T10:00:31Z", 500000 }, { "S2A_0815_E", "2023-08-15T10:00:45Z", 500900 },
    { "S2A_0818", "2023-08-18T10:10:31Z", 500000 }, { "S2B_0820", "2023-08-20T10:00:31Z", 500000 },
};

static struct band_info info_of(size_t b)
{
    return (struct band_info){ .common_name = bands[b].common,
                               .center_wavelength = bands[b].wavelength,
                               .scale = bands[b].pixel == PIXEL_U8 ? 1 : 0.0001,
                               .categorical = bands[b].pixel == PIXEL_U8 };
}

static bool find_collection(void *context, const char *id, struct arena *arena,
                            const struct collection_info **ret, struct err *err)
{
    struct double_catalog *state = context;
    struct collection_info *info = arena_alloc(arena, sizeof *info);
    const char **names = arena_array(arena, ARRAY_LEN(bands), sizeof *names);
    struct band_info *infos = arena_array(arena, ARRAY_LEN(bands), sizeof *infos);

    state->n_collection++;
    if (strcmp(id, "S2") && strcmp(id, "S3") && strcmp(id, "EMPTY") && strcmp(id, "NOGRID"))
        return err_set(err, ERR_CollectionNotFound, "Collection '%.60s' does not exist.", id);
    info->id = arena_text(arena, id);
    info->overpass = true;
    for (size_t b = 0; strcmp(id, "S3") && b < ARRAY_LEN(bands); b++) {
        names[b] = bands[b].name;
        infos[b] = info_of(b);
        info->n_bands++;
    }
    info->band_names = names;
    info->bands = infos;
    *ret = info;
    return true;
}

static bool wanted(const struct scene_query *q, size_t b)
{
    for (size_t i = 0; i < q->n_bands; i++)
        if (!strcmp(q->bands[i], bands[b].name))
            return true;
    return q->n_bands == 0;
}

static void make_scene(const struct scene_query *q, size_t d, struct arena *arena,
                       struct scene *scene)
{
    struct scene_band *list = arena_array(arena, ARRAY_LEN(bands), sizeof *list);
    bool east = dates[d].x0 > 500000;

    scene->id = dates[d].id;
    scene->collection = "S2";
    (void)!instant_parse(dates[d].date, &scene->instant_ms);
    scene->platform = dates[d].id[2] == 'A' ? "sentinel-2a" : "sentinel-2b";
    scene->orbit = 122;
    memcpy(scene->bbox, (double[]){ east ? 15.0116 : 15, 46.03, east ? 15.0246 : 15.013, 46.06 },
           sizeof scene->bbox);
    scene->bands = list;
    for (size_t b = 0; b < ARRAY_LEN(bands); b++) {
        struct scene_band *band = &list[scene->n_bands];
        double r = bands[b].resolution;

        if (!wanted(q, b))
            continue;
        *band = (struct scene_band){ .name = bands[b].name, .info = info_of(b), .index = 1,
                                     .pixel = bands[b].pixel, .has_nodata = true };
        band->href = arena_printf(arena, "/data/%s/%s.tif", dates[d].id, bands[b].name);
        band->grid = (struct grid){ 32633, dates[d].x0, 5100000, r, r, (int64_t)(1000 / r),
                                    (int64_t)(1000 / r) };
        if (!strcmp(q->collection, "NOGRID"))
            band->grid = (struct grid){ 0 };
        scene->n_bands++;
    }
}

static bool find_scenes(void *context, const struct scene_query *q, struct arena *arena,
                        struct scene_list *ret, struct err *err)
{
    struct double_catalog *state = context;
    struct scene *scenes = arena_array(arena, ARRAY_LEN(dates), sizeof *scenes);
    size_t n = 0;

    (void)err;
    state->n_scenes++;
    state->last = *q;
    for (size_t d = 0; strcmp(q->collection, "EMPTY") && d < ARRAY_LEN(dates); d++) {
        struct scene s = { 0 };

        make_scene(q, d, arena, &s);
        if (s.instant_ms < q->start || s.instant_ms >= q->end)
            continue;
        if (q->has_bbox && (q->bbox[1] > s.bbox[3] || q->bbox[3] < s.bbox[1] ||
                            (q->bbox[0] <= q->bbox[2]
                                 ? q->bbox[0] > s.bbox[2] || q->bbox[2] < s.bbox[0]
                                 : q->bbox[0] > s.bbox[2] && q->bbox[2] < s.bbox[0])))
            continue;
        scenes[n++] = s;
    }
    *ret = (struct scene_list){ .count = n, .scenes = scenes };
    return true;
}

static bool find_process_ids(void *context, const char *space, json_t **ret, struct err *err)
{
    struct double_catalog *state = context;
    const json_t *known = json_object_get(state->processes, space);

    (void)err;
    *ret = json_is_object(known) ? json_copy((json_t *)known) : json_object();
    return true;
}

static bool find_process(void *context, const char *space, const char *id, json_t **ret, struct err *err)
{
    struct double_catalog *state = context;

    (void)err;
    *ret = json_incref(json_object_get(json_object_get(state->processes, space), id));
    return true;
}

static const char *const *udf_versions(void *context)
{
    static const char *const versions[] = { "3", NULL };

    (void)context;
    return versions;
}

/* Every file has the same code. */
static bool udf_code(void *context, const char *udf, char **ret_code, struct err *err)
{
    (void)context, (void)udf, (void)err;
    *ret_code = mem_text("def apply_datacube(cube, context):\n    return cube\n");
    return true;
}

/* What the test says, else the dimensions that were given. */
static bool udf_probe(void *context, const char *node, const char *pointer, const char *request, json_t **ret_axes,
                      struct err *err)
{
    const struct double_catalog *state = context;
    AUTO(json) json_t *asked = json_loads(request, 0, NULL);

    (void)node, (void)pointer, (void)err;
    *ret_axes = state->udf_axes ? json_incref((json_t *)state->udf_axes) : json_incref(json_object_get(asked, "axes"));
    return true;
}

/* Every other plane, and all but the edges. */
static bool survey(void *context, const struct plan *plan, struct survey *survey, struct err *err)
{
    const struct grid *grid = &plan->saves[0]->schema.grid;

    (void)context, (void)err;
    for (size_t i = 0; i < survey->n_planes; i += 2)
        survey->holds[i] = true;
    survey->left = survey->top = 0;
    survey->right = grid->width > 2 ? grid->width - 2 : 0;
    survey->bottom = grid->height > 2 ? grid->height - 2 : 0;
    return plan->n_saves == 1 || err_set(err, ERR_Internal, "%zu cubes to look at", plan->n_saves);
}

struct catalog double_catalog(struct double_catalog *state)
{
    return (struct catalog){ .context = state, .collection = find_collection, .scenes = find_scenes,
                             .process_ids = find_process_ids, .process = find_process, .survey = survey,
                             .udf = { .context = state, .versions = udf_versions, .code = udf_code,
                                      .probe = udf_probe } };
}

double double_pixel(const struct scene_band *band, int64_t column, int64_t row)
{
    int day = atoi(strstr(band->href, "_08") + 3);
    bool east = strstr(band->href, "_E/") != NULL;

    if (!strcmp(band->name, "SCL"))
        return (column + row + day) % 3 ? 4 : 9;
    return 1000 * (band->name[2] - '0') + 10 * day + (double)(column % 10) +
           (double)(row % 10) / 2 * 2 + (east ? 5000 : 0);
}

/* Evaluator */
static double kleene_and(double a, double b)
{
    return a == 0 || b == 0 ? 0 : a * b;
}

static double kleene_or(double a, double b)
{
    return a == 1 || b == 1 ? 1 : a + b;
}

static double compare(uint16_t op, double a, double b)
{
    if (isnan(a) || isnan(b))
        return NAN;
    switch (op) {
    case LANE_EQ: return a == b;
    case LANE_NEQ: return a != b;
    case LANE_GT: return a > b;
    case LANE_GTE: return a >= b;
    case LANE_LT: return a < b;
    default: return a <= b;
    }
}

static int order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double reduce(uint16_t op, const double *x, size_t n, bool keep)
{
    AUTO(mem) double *v = mem_array(n, sizeof *v);
    double sum = 0, product = 1, least = INFINITY, most = -INFINITY, squares = 0, mean;
    double any = 0, all = 1;
    size_t m = 0, ones = 0;

    for (size_t i = 0; i < n; i++) {
        if (keep || !isnan(x[i])) {
            any = kleene_or(any, x[i]);
            all = kleene_and(all, x[i]);
        }
        ones += x[i] == 1;
        if (!isnan(x[i]))
            v[m++] = x[i];
    }
    switch (op) {
    case LANE_COUNT: return (double)ones;
    case LANE_ANY: return any;
    case LANE_ALL: return all;
    case LANE_FIRST: return keep ? x[0] : m ? v[0] : NAN;
    case LANE_LAST: return keep ? x[n - 1] : m ? v[m - 1] : NAN;
    default: break;
    }
    if (m == 0 || (keep && m < n))
        return NAN;
    for (size_t i = 0; i < m; i++) {
        sum += v[i];
        product *= v[i];
        least = fmin(least, v[i]);
        most = fmax(most, v[i]);
    }
    mean = sum / (double)m;
    for (size_t i = 0; i < m; i++)
        squares += (v[i] - mean) * (v[i] - mean);
    qsort(v, m, sizeof *v, order);
    switch (op) {
    case LANE_SUM: return sum;
    case LANE_MEAN: return mean;
    case LANE_PRODUCT: return product;
    case LANE_MIN: return least;
    case LANE_MAX: return most;
    case LANE_MEDIAN: return m % 2 ? v[m / 2] : (v[m / 2 - 1] + v[m / 2]) / 2;
    case LANE_VARIANCE: return squares / (double)(m - 1);
    case LANE_SD: return sqrt(squares / (double)(m - 1));
    default: abort();
    }
}

static double modulo(double a, double b)
{
    double rest = b == 0 ? a / 0.0 : fmod(a, b);

    return rest != 0 && b != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static double round_to(double a, double b)
{
    return b >= 0 ? nearbyint(a * pow(10, b)) / pow(10, b) : nearbyint(a / pow(10, -b)) * pow(10, -b);
}

static double run(const struct instruction *i, const double *r, const struct program *p)
{
    double a = r[i->a], b = r[i->b], c = r[i->c];

    switch (i->op) {
    case LANE_CONSTANT: return p->constants[i->constant];
    case LANE_COPY: return a;
    case LANE_ABSOLUTE: return fabs(a);
    case LANE_SQRT: return sqrt(a);
    case LANE_EXP: return exp(a);
    case LANE_LN: return log(a);
    case LANE_LOG2: return log2(a);
    case LANE_LOG10: return log10(a);
    case LANE_CEIL: return ceil(a);
    case LANE_FLOOR: return floor(a);
    case LANE_INT: return trunc(a);
    case LANE_ROUND: return nearbyint(a);
    case LANE_NEGATE: return -a;
    case LANE_SGN: return isnan(a) ? a : (a > 0) - (a < 0);
    case LANE_SIN: return sin(a);
    case LANE_COS: return cos(a);
    case LANE_TAN: return tan(a);
    case LANE_ARCSIN: return asin(a);
    case LANE_ARCCOS: return acos(a);
    case LANE_ARCTAN: return atan(a);
    case LANE_SINH: return sinh(a);
    case LANE_COSH: return cosh(a);
    case LANE_TANH: return tanh(a);
    case LANE_ARSINH: return asinh(a);
    case LANE_ARCOSH: return acosh(a);
    case LANE_ARTANH: return atanh(a);
    case LANE_ARCTAN2: return atan2(a, b);
    case LANE_IS_INFINITE: return isinf(a) != 0;
    case LANE_NOT: return 1 - a;
    case LANE_IS_NODATA: return isnan(a);
    case LANE_IS_VALID: return isfinite(a);
    case LANE_ADD: return a + b;
    case LANE_SUBTRACT: return a - b;
    case LANE_MULTIPLY: return a * b;
    case LANE_DIVIDE: return a / b;
    case LANE_POWER: return pow(a, b);
    case LANE_LOG: return log(a) / log(b);
    case LANE_MOD: return modulo(a, b);
    case LANE_ROUND_TO: return round_to(a, b);
    case LANE_NORMALIZED_DIFFERENCE: return (a - b) / (a + b);
    case LANE_AND: return kleene_and(a, b);
    case LANE_OR: return kleene_or(a, b);
    case LANE_XOR: return fabs(a - b);
    case LANE_MASK: return b == 0 || isnan(b) ? a : NAN;
    case LANE_SELECT: return a == 1 ? b : c;
    case LANE_CLIP: return isnan(a) ? a : a < b ? b : a > c ? c : a;
    case LANE_MASK_WITH: return b == 0 || isnan(b) ? a : c;
    case LANE_EQ_WITHIN: return isnan(a) || isnan(b) ? NAN : fabs(a - b) <= c;
    case LANE_EQ:
    case LANE_NEQ:
    case LANE_GT:
    case LANE_GTE:
    case LANE_LT:
    case LANE_LTE: return compare(i->op, a, b);
    default:
        if (i->length)
            return reduce(i->op, r + i->a, i->length, i->b == 1);
        abort();
    }
}

/* Operators that make several values: v[n] are the elements. */
static double quantile(const double *sorted, size_t n, double probability)
{
    double at = (double)(n - 1) * probability, g = at - floor(at);
    const double *x = sorted + (size_t)floor(at);

    return n == 0 ? NAN : g == 0 ? x[0] : (1 - g) * x[0] + g * x[1];
}

static void order_of(const double *v, size_t n, bool nulls_first, double *out)
{
    for (size_t i = 0; i < n; i++) {
        size_t rank = 0;

        for (size_t k = 0; k < n; k++) {
            bool tie = (isnan(v[k]) && isnan(v[i])) || v[k] == v[i];

            if (tie ? k < i : isnan(v[k]) ? nulls_first : isnan(v[i]) ? !nulls_first : v[k] < v[i])
                rank++;
        }
        out[rank] = (double)i;
    }
}

static void interpolate(const double *v, size_t n, const double *x, double *out)
{
    for (size_t i = 0; i < n; i++) {
        size_t before = i, after = i;

        out[i] = v[i];
        while (before > 0 && isnan(v[before]))
            before--;
        while (after + 1 < n && isnan(v[after]))
            after++;
        if (isnan(v[i]) && !isnan(v[before]) && !isnan(v[after]))
            out[i] = v[before] + (v[after] - v[before]) * (x[i] - x[before]) / (x[after] - x[before]);
    }
}

static void running(uint16_t op, const double *v, size_t n, bool keep, double *out)
{
    double total = op == LANE_CUMSUM ? 0 : op == LANE_CUMPRODUCT ? 1
                 : op == LANE_CUMMIN ? INFINITY : -INFINITY;

    for (size_t i = 0; i < n; i++) {
        if (!isnan(v[i]))
            total = op == LANE_CUMSUM       ? total + v[i]
                    : op == LANE_CUMPRODUCT ? total * v[i]
                    : isnan(total)          ? total
                    : op == LANE_CUMMIN     ? fmin(total, v[i])
                                            : fmax(total, v[i]);
        else if (keep)
            total = NAN;
        out[i] = isnan(v[i]) ? NAN : total;
    }
}

static void run_several(const struct instruction *i, const struct program *p, double *r)
{
    const double *v = r + i->a, *numbers = p->constants + i->constant;
    AUTO(mem) double *order = mem_array(i->length, sizeof *order);
    AUTO(mem) double *sorted = mem_array(i->length, sizeof *sorted);
    size_t n = i->length, valid = 0, items = n - i->c;
    double *out = r + i->dst;

    if (i->op == LANE_GATHER) {
        for (size_t k = 0; k < i->c; k++)
            out[k] = v[items + k] >= 0 && v[items + k] < (double)items ? v[(size_t)v[items + k]]
                                                                       : NAN;
        return;
    }
    order_of(v, n, i->op != LANE_QUANTILE && i->b == 1, order);
    for (size_t k = 0; k < n; k++) {
        sorted[k] = v[(size_t)order[k]];
        valid += !isnan(sorted[k]);
    }
    switch (i->op) {
    case LANE_ORDER: memcpy(out, order, n * sizeof *out); break;
    case LANE_SORT: memcpy(out, sorted, n * sizeof *out); break;
    case LANE_QUANTILE:
        for (size_t k = 0; k < i->c; k++)
            out[k] = i->b == 1 && valid < n ? NAN : quantile(sorted, valid, numbers[k]);
        break;
    case LANE_INTERPOLATE: interpolate(v, n, numbers, out); break;
    case LANE_SMOOTH: /* held against NumPy by tests/process/test_series.py */
    case LANE_FIT: /* held against SciPy by tests/process/test_curves.py */
        for (size_t k = 0; k < i->c; k++)
            out[k] = NAN;
        break;
    default: running(i->op, v, n, i->b == 1, out);
    }
}

static void run_program(const struct program *p, const double *in, double *out)
{
    AUTO(mem) double *r = mem_array((size_t)p->n_registers + 1, sizeof *r);

    memcpy(r, in, p->n_inputs * sizeof *r);
    for (size_t i = 0; i < p->n_code; i++)
        if (p->code[i].c && p->code[i].length)
            run_several(&p->code[i], p, r);
        else
            r[p->code[i].dst] = run(&p->code[i], r, p);
    for (size_t i = 0; i < p->n_outputs; i++)
        out[i] = r[p->outputs[i]];
}

static void run_streaming(const struct program *p, const double *in, double *out)
{
    static const uint16_t lanes[] = {
        [FOLD_SUM] = LANE_SUM,     [FOLD_MEAN] = LANE_MEAN,   [FOLD_PRODUCT] = LANE_PRODUCT,
        [FOLD_MIN] = LANE_MIN,     [FOLD_MAX] = LANE_MAX,     [FOLD_COUNT] = LANE_COUNT,
        [FOLD_FIRST] = LANE_FIRST, [FOLD_LAST] = LANE_LAST,   [FOLD_ANY] = LANE_ANY,
        [FOLD_ALL] = LANE_ALL,     [FOLD_VARIANCE] = LANE_VARIANCE, [FOLD_SD] = LANE_SD,
    };
    AUTO(mem) double *series = mem_array(p->n_folds * p->n_slices, sizeof *series);
    AUTO(mem) double *folded = mem_array(p->n_folds, sizeof *folded);
    AUTO(mem) double *slice = mem_array(p->n_folds, sizeof *slice);

    for (size_t s = 0; s < p->n_slices; s++) {
        run_program(p->slice, in + s * p->slice->n_inputs, slice);
        for (size_t k = 0; k < p->n_folds; k++)
            series[k * p->n_slices + s] = slice[k];
    }
    for (size_t k = 0; k < p->n_folds; k++)
        folded[k] = reduce(lanes[p->folds[k].op], series + k * p->n_slices, p->n_slices,
                           p->folds[k].keep_nodata);
    run_program(p->finish, folded, out);
}

static double load_pixel(const struct plan_node *node, uint32_t plane, int64_t x, int64_t y,
                         pixel_fn *pixel)
{
    const struct load_plane *p = &node->load[plane];
    const struct grid *g = &node->schema.grid;
    double east = g->x0 + ((double)x + 0.5) * g->dx, north = g->y0 - ((double)y + 0.5) * g->dy;

    for (size_t i = 0; i < p->n_layers; i++) {
        const struct grid *f = &p->layers[i]->grid;
        int64_t column = (int64_t)floor((east - f->x0) / f->dx);
        int64_t row = (int64_t)floor((f->y0 - north) / f->dy);
        double value;

        if (column < 0 || row < 0 || column >= f->width || row >= f->height)
            continue;
        value = pixel(p->layers[i], column, row);
        if (!isnan(value))
            return value;
    }
    return NAN;
}

static double apply_pixel(const struct plan_node *node, const struct application *a, size_t which,
                          int64_t x, int64_t y, pixel_fn *pixel)
{
    size_t n_in = a->program ? a->program->n_inputs : 1;
    size_t n_out = a->program ? a->program->n_outputs : 1;
    AUTO(mem) double *in = mem_array(n_in, sizeof *in), *out = mem_array(n_out, sizeof *out);

    for (size_t i = 0; i < n_in; i++) {
        struct plane_ref ref = a->arguments[i];
        struct shift shift = { 0 };

        in[i] = NAN;
        if (ref.plane < 0)
            continue;
        if (node->shifts)
            shift = node->shifts[ref.input];
        in[i] = plan_pixel(node->inputs[ref.input], (uint32_t)ref.plane, x + shift.x, y + shift.y,
                           pixel);
    }
    if (!a->program)
        return in[0];
    if (a->program->n_folds)
        run_streaming(a->program, in, out);
    else
        run_program(a->program, in, out);
    return out[which];
}

double plan_pixel(const struct plan_node *node, uint32_t plane, int64_t x, int64_t y,
                  pixel_fn *pixel)
{
    if (x < 0 || y < 0 || x >= node->schema.grid.width || y >= node->schema.grid.height)
        return NAN;
    if (node->op == PLAN_LOAD)
        return load_pixel(node, plane, x, y, pixel);
    if (node->op == PLAN_SAVE)
        return plan_pixel(node->inputs[0], plane, x, y, pixel);
    if (node->op != PLAN_APPLY)
        return 1; /* pixels around, masks, statistics: raster/ alone makes them */
    for (size_t i = 0; i < node->n_applications; i++) {
        const struct application *a = &node->applications[i];

        for (size_t k = 0; k < (a->program ? a->program->n_outputs : 1u); k++)
            if (a->planes[k] == plane)
                return apply_pixel(node, a, k, x, y, pixel);
    }
    abort();
}

/* Faults */
static const char *program_fault(const struct program *p)
{
    if (p->n_folds)
        return p->slice->n_outputs != p->n_folds                       ? "outputs of a slice"
               : p->finish->n_inputs != p->n_folds                     ? "inputs of a finish"
               : p->n_inputs != p->n_slices * p->slice->n_inputs       ? "inputs of a stream"
               : p->finish->n_outputs != p->n_outputs                  ? "outputs of a finish"
               : p->slice->wide != p->wide || p->finish->wide != p->wide ? "width of a stream"
               : program_fault(p->slice)                               ? program_fault(p->slice)
                                                                       : program_fault(p->finish);
    for (size_t i = 0; i < p->n_outputs; i++)
        if (p->outputs[i] >= p->n_registers)
            return "output register";
    for (size_t i = 0; i < p->n_code; i++) {
        const struct instruction *k = &p->code[i];
        bool array = k->length > 0;

        if (k->dst + (array && k->c ? k->c : 1) > p->n_registers || k->a >= p->n_registers)
            return "register out of range";
        if (k->dst < p->n_inputs)
            return "an input is written";
        if (array && (k->a + k->length > p->n_registers ||
                      (k->dst + (k->c ? k->c : 1) > k->a && k->dst < k->a + k->length)))
            return "dst within its array";
        if (k->op == LANE_CONSTANT ? k->constant >= p->n_constants
                                   : !array && (k->dst == k->a))
            return "dst is an operand";
    }
    return NULL;
}

static const char *zones_fault(const struct plan_node *node)
{
    if (node->n_inputs != 1 || node->n_columns == 0 || !node->geometries ||
        node->schema.grid.width != (int64_t)node->geometries->count || node->schema.grid.height != 1)
        return "zones without columns or geometries";
    for (size_t i = 0; i < node->n_reductions; i++)
        if (node->reductions[i].column >= node->n_columns)
            return "a reduction of no column";
    return cube_planes(&node->inputs[0]->schema) * node->n_reductions ==
                   cube_planes(&node->schema) * node->n_columns
               ? NULL
               : "planes of zones";
}

static const char *node_fault(const struct plan *plan, const struct plan_node *node)
{
    size_t n = cube_planes(&node->schema), made = 0;
    AUTO(mem) bool *planes = mem_array(n, sizeof *planes);

    for (size_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i]->index >= node->index || plan->nodes[node->inputs[i]->index] != node->inputs[i])
            return "inputs come before";
    for (size_t i = 0; i < node->n_applications; i++) {
        const struct application *a = &node->applications[i];
        const char *fault = a->program ? program_fault(a->program) : NULL;

        if (fault)
            return fault;
        for (size_t k = 0; k < (a->program ? a->program->n_inputs : 1u); k++) {
            struct plane_ref ref = a->arguments[k];

            if (ref.plane >= 0 &&
                (ref.input >= node->n_inputs ||
                 (size_t)ref.plane >= cube_planes(&node->inputs[ref.input]->schema)))
                return "argument out of range";
        }
        for (size_t k = 0; k < (a->program ? a->program->n_outputs : 1u); k++, made++) {
            if (a->planes[k] >= n || planes[a->planes[k]])
                return "plane made twice";
            planes[a->planes[k]] = true;
        }
    }
    if (node->op == PLAN_APPLY && made != n)
        return "plane not made";
    if (node->op == PLAN_ZONES)
        return zones_fault(node);
    if (node->op == PLAN_UDF && (node->n_inputs != 1 || !node->udf || !node->udf->request ||
                                 !grid_equal(&node->inputs[0]->schema.grid, &node->schema.grid)))
        return "a function of users unlike its input";
    if (node->op == PLAN_SAVE && (node->n_inputs != 1 || cube_planes(&node->inputs[0]->schema) != n ||
                                  !grid_equal(&node->inputs[0]->schema.grid, &node->schema.grid)))
        return "a sink unlike its input";
    return NULL;
}

const char *plan_fault(const struct plan *plan)
{
    for (size_t i = 0; i < plan->n_nodes; i++) {
        const char *fault = node_fault(plan, plan->nodes[i]);

        if (plan->nodes[i]->index != i)
            return "index";
        if (fault)
            return fault;
    }
    return NULL;
}

static const char *const lane_names[] = {
#define LANE(name, kind) #name,
#include "graph/lanes.def"
#undef LANE
};

static void print_program(const struct program *p)
{
    printf("      program %p: %u inputs, %u registers, %u outputs%s\n", (const void *)p, p->n_inputs,
           p->n_registers, p->n_outputs, p->wide ? ", wide" : "");
    for (size_t i = 0; i < p->n_code; i++) {
        const struct instruction *k = &p->code[i];

        printf("        r%u = %s r%u r%u r%u n%u", k->dst, lane_names[k->op], k->a, k->b, k->c,
               k->length);
        if (k->op == LANE_CONSTANT)
            printf(" %g", p->constants[k->constant]);
        puts("");
    }
    if (p->n_folds) {
        printf("      %zu folds over %zu slices; slice, finish:\n", p->n_folds, p->n_slices);
        print_program(p->slice);
        print_program(p->finish);
    }
}

void plan_print(const struct plan *plan)
{
    const struct program *last = NULL;

    for (size_t i = 0; i < plan->n_nodes; i++) {
        const struct plan_node *n = plan->nodes[i];

        printf("%zu %s %s: %zu planes %s nodata %g, %lldx%lld at %.9g %.9g step %g epsg %d, inputs",
               i, n->op == PLAN_LOAD ? "LOAD" : n->op == PLAN_SAVE ? "SAVE" : "APPLY", n->id,
               cube_planes(&n->schema), pixel_name(n->schema.pixel), n->schema.nodata,
               (long long)n->schema.grid.width, (long long)n->schema.grid.height,
               n->schema.grid.x0, n->schema.grid.y0, n->schema.grid.dx, n->schema.grid.epsg);
        for (size_t k = 0; k < n->n_inputs; k++)
            printf(" %zu", n->inputs[k]->index);
        puts("");
        for (size_t k = 0; k < n->n_applications; k++) {
            const struct application *a = &n->applications[k];

            printf("    -> %u..: program %p(", a->planes[0], (const void *)a->program);
            for (size_t j = 0; j < (a->program ? a->program->n_inputs : 1u) && j < 12; j++)
                printf("%s%u.%d", j ? ", " : "", a->arguments[j].input, a->arguments[j].plane);
            puts(")");
            if (a->program && a->program != last)
                print_program(a->program);
            last = a->program;
        }
    }
}
