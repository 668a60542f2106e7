/* A node is solved three times: at the lowest, the middle and the highest height that the DEM has under the window
 * (and some metres more). The solution of one is the first guess for the next one. PROJ is asked for nodes only. */
#include "sar/lattice.h"
#include "base/mem.h"
#include "sar/geodesy.h"
#include "sar/lattice_rows.h"
#include <string.h>

enum { LEVELS = 3, LEAST_STEP = 2 };
static const double height_margin = 50, least_range = 200; /* m */

struct lattice {
    const struct view *view;
    const struct dem *dem;
    bool with_sight;
    size_t step, columns, rows; /* pixels between nodes; nodes */
    size_t width, height;       /* pixels */
    double *nodes;              /* [rows][columns][NODE_VALUES] */
    double middle_height, half_heights;
    double line, column; /* origin */
    bool meets;
    double *row; /* nodes interpolated to a row of pixels */
};

static double *node_at(const struct lattice *l, size_t column, size_t row)
{
    return l->nodes + (row * l->columns + column) * NODE_VALUES;
}

/* ---- heights ---- */

/* The DEM's nodes around the lattice's. */
static void find_heights(struct lattice *l, const double *x, const double *y)
{
    double left = INFINITY, right = -INFINITY, top = INFINITY, bottom = -INFINITY;
    float low = INFINITY, high = -INFINITY;
    const struct dem *d = l->dem;

    for (size_t i = 0; i < l->columns * l->rows; i++) {
        left = fmin(left, x[i]);
        right = fmax(right, x[i]);
        top = fmin(top, y[i]);
        bottom = fmax(bottom, y[i]);
    }
    left = fmin(fmax(left - 1, 0), (double)d->width - 1);
    top = fmin(fmax(top - 1, 0), (double)d->height - 1);
    right = fmin(fmax(right + 2, left + 1), (double)d->width);
    bottom = fmin(fmax(bottom + 2, top + 1), (double)d->height);
    for (size_t r = (size_t)top; r < (size_t)bottom; r++)
        for (size_t c = (size_t)left; c < (size_t)right; c++) {
            float h = d->heights[r * d->width + c];

            low = h < low ? h : low;
            high = h > high ? h : high;
        }
    l->middle_height = ((double)low + high) / 2;
    l->half_heights = fmax(((double)high - low) / 2 + height_margin, least_range);
}

/* A place outside the DEM that is in memory has no height. */
static bool lies_in(const struct dem *d, double column, double row)
{
    return column >= 0 && row >= 0 && column < (double)(d->width - 1) && row < (double)(d->height - 1);
}

/* ---- nodes ---- */

struct place {
    double latitude, longitude, column, row; /* the latter in the DEM */
};

/* Values at u = -1, 0, 1 become the coefficients of a parabola. */
static void parabola(const double at[LEVELS], double *ret)
{
    ret[0] = at[1];
    ret[1] = (at[2] - at[0]) / 2;
    ret[2] = (at[2] + at[0]) / 2 - at[1];
}

static void solve_node(struct lattice *l, const struct place *place, double *guess, double *node)
{
    double t[LEVELS], range[LEVELS];

    node[NODE_COLUMN] = node[NODE_ROW] = node[NODE_T] = NAN;
    if (isnan(place->latitude) || !lies_in(l->dem, place->column, place->row))
        return;
    node[NODE_COLUMN] = place->column;
    node[NODE_ROW] = place->row;
    for (int k = 0; k < LEVELS; k++) {
        double point[3];
        struct doppler_fix fix;

        geodesy_place(place->latitude, place->longitude, l->middle_height + (k - 1) * l->half_heights, point);
        if (!doppler_solve(l->view->orbit, point, *guess, &fix))
            return;
        *guess = t[k] = fix.t;
        range[k] = fix.range;
    }
    parabola(t, node + NODE_T);
    parabola(range, node + NODE_RANGE);
}

/* Unit vectors of the grid on the ellipsoid, from the places of nodes beside. */
static void add_sight(struct lattice *l, const struct place *places, size_t column, size_t row, double dx)
{
    size_t at = row * l->columns + column, left = column + 1 < l->columns ? at : at - 1;
    const struct place *place = &places[at], *a = &places[left], *b = &places[left + 1];
    struct geodesy_axes axes = geodesy_axes(place->latitude, place->longitude);
    double *node = node_at(l, column, row), pa[3], pb[3], x[3], y[3], length, sights[2][3];

    for (int k = 0; k < 6; k++)
        node[NODE_SIGHT + k] = NAN;
    node[NODE_SCALE] = 1;
    if (isnan(node[NODE_T]) || isnan(a->latitude) || isnan(b->latitude))
        return;
    geodesy_place(a->latitude, a->longitude, 0, pa);
    geodesy_place(b->latitude, b->longitude, 0, pb);
    vector_minus(pb, pa, x);
    node[NODE_SCALE] = vector_length(x) / (dx * (double)l->step);
    for (int i = 0; i < 3; i++)
        pa[i] = x[i] - vector_dot(x, axes.up) * axes.up[i];
    length = vector_length(pa);
    for (int i = 0; i < 3; i++)
        x[i] = pa[i] / length;
    vector_cross(axes.up, x, y);
    for (int k = 0; k < 2; k++) {
        double u = 2 * k - 1, point[3], t = node[NODE_T] + u * (node[NODE_T + 1] + u * node[NODE_T + 2]);

        geodesy_place(place->latitude, place->longitude, l->middle_height + u * l->half_heights, point);
        if (!view_sight(l->view, point, t, sights[k]))
            return;
    }
    for (int k = 0; k < 3; k++) {
        const double *axis = k == 0 ? x : k == 1 ? y : axes.up;
        double low = vector_dot(sights[0], axis), high = vector_dot(sights[1], axis);

        node[NODE_SIGHT + 2 * k] = (low + high) / 2;
        node[NODE_SIGHT + 2 * k + 1] = (high - low) / 2;
    }
}

static void find_origin(struct lattice *l)
{
    const struct view *v = l->view;
    double first = -VIEW_MARGIN * v->azimuth_interval, last = (double)(v->lines + VIEW_MARGIN) * v->azimuth_interval;
    size_t n = 0;
    double line = 0, column = 0;

    for (size_t i = 0; i < l->columns * l->rows; i++) {
        const double *node = l->nodes + i * NODE_VALUES;
        double t = node[NODE_T], spread = fabs(node[NODE_T + 1]), found;

        if (isnan(t))
            continue;
        l->meets |= t + spread >= first - 0.5 && t - spread <= last + 0.5;
        found = ground_range_column(v->ground_range, t, node[NODE_RANGE]);
        if (isnan(found))
            continue;
        line += t / v->azimuth_interval;
        column += found;
        n++;
    }
    l->line = n ? nearbyint(line / (double)n) : 0;
    l->column = n ? nearbyint(column / (double)n) : 0;
}

static bool place_nodes(const struct lattice *l, int epsg, double *x, double *y, struct crs *crs, struct place *places,
                        struct err *err)
{
    size_t n = l->columns * l->rows;
    AUTO(mem) double *column = mem_array(n, sizeof *column), *row = mem_array(n, sizeof *row);

    if (!dem_places(l->dem, crs, epsg, n, x, y, column, row, err))
        return false;
    for (size_t i = 0; i < n; i++)
        places[i] = (struct place){ y[i], x[i], column[i], row[i] };
    return true;
}

static bool find_places(const struct lattice *l, const struct lattice_want *want, struct crs *crs,
                        struct place *places, struct err *err)
{
    size_t n = l->columns * l->rows;
    AUTO(mem) double *x = mem_array(n, sizeof *x), *y = mem_array(n, sizeof *y);
    const struct grid *g = want->grid;

    if (want->ground)
        return place_nodes(l, 4326, want->ground->longitudes, want->ground->latitudes, crs, places, err);
    for (size_t i = 0; i < n; i++) {
        x[i] = g->x0 + g->dx * ((double)want->window.x + (double)(i % l->columns * l->step) + 0.5);
        y[i] = g->y0 - g->dy * ((double)want->window.y + (double)(i / l->columns * l->step) + 0.5);
    }
    return place_nodes(l, g->epsg, x, y, crs, places, err);
}

static void make_nodes(struct lattice *l, const struct place *places, double dx)
{
    size_t n = l->columns * l->rows;
    AUTO(mem) double *column = mem_array(n, sizeof *column), *row = mem_array(n, sizeof *row);
    double guess = l->view->middle;

    for (size_t i = 0; i < n; i++) {
        column[i] = places[i].column;
        row[i] = places[i].row;
    }
    find_heights(l, column, row);
    for (size_t r = 0; r < l->rows; r++) {
        double start = guess;

        for (size_t c = 0; c < l->columns; c++) {
            solve_node(l, &places[r * l->columns + c], &guess, node_at(l, c, r));
            start = c == 0 ? guess : start;
        }
        guess = start;
    }
    for (size_t i = 0; l->with_sight && i < n; i++)
        add_sight(l, places, i % l->columns, i / l->columns, dx);
    find_origin(l);
}

static void choose_nodes(struct lattice *l, const struct lattice_want *want)
{
    double step;

    if (want->ground) {
        l->step = want->ground->step;
        l->columns = want->ground->columns;
        l->rows = want->ground->rows;
        return;
    }
    step = (want->spacing > 0 ? want->spacing : LATTICE_SPACING) / want->grid->dx;
    l->step = step > LEAST_STEP ? (size_t)nearbyint(step) : LEAST_STEP;
    l->columns = (l->width + l->step - 1) / l->step + 1;
    l->rows = (l->height + l->step - 1) / l->step + 1;
}

bool lattice_new(const struct lattice_want *want, struct crs *crs, struct lattice **ret_lattice, struct err *err)
{
    AUTO(lattice) struct lattice *l = MEM_NEW(struct lattice);
    AUTO(mem) struct place *places = NULL;

    l->view = want->view;
    l->dem = want->dem;
    l->with_sight = want->with_sight;
    l->width = want->window.width;
    l->height = want->window.height;
    choose_nodes(l, want);
    l->nodes = mem_array(l->columns * l->rows * NODE_VALUES, sizeof *l->nodes);
    l->row = mem_array(l->columns * NODE_VALUES, sizeof *l->row);
    places = mem_array(l->columns * l->rows, sizeof *places);
    if (!find_places(l, want, crs, places, err))
        return false;
    make_nodes(l, places, want->ground ? 1 : want->grid->dx);
    *ret_lattice = l;
    l = NULL;
    return true;
}

void lattice_free(struct lattice *l)
{
    if (!l)
        return;
    free(l->nodes);
    free(l->row);
    free(l);
}

bool lattice_meets_image(const struct lattice *l)
{
    return l->meets;
}

void lattice_origin(const struct lattice *l, double *ret_line, double *ret_column)
{
    *ret_line = l->line;
    *ret_column = l->column;
}

/* ---- pixels ---- */

void lattice_row(const struct lattice *l, size_t row, const struct lattice_row *to)
{
    const struct view *v = l->view;
    double f = (double)(row % l->step) / (double)l->step;
    const double *upper = node_at(l, 0, row / l->step), *lower = upper + l->columns * NODE_VALUES;
    struct row_cells cells = { .nodes = l->row, .step = l->step, .pixels = l->width,
                               .middle_height = l->middle_height, .per_metre = 1 / l->half_heights };
    struct row_image image = { .ground_range = v->ground_range,
                               .lines_per_second = 1 / v->azimuth_interval,
                               .line_origin = l->line,
                               .column_origin = l->column,
                               .first_t = -VIEW_MARGIN * v->azimuth_interval,
                               .last_t = (double)(v->lines + VIEW_MARGIN - 1) * v->azimuth_interval };

    for (size_t i = 0; i < l->columns * NODE_VALUES; i++)
        l->row[i] = upper[i] + (lower[i] - upper[i]) * f;
    row_heights(&cells, l->dem, to->heights);
    row_ranges(&cells, to->heights, to->t, to->range);
    if (to->lines)
        row_places(&image, to->t, to->range, l->width, to->lines, to->columns);
    if (to->sight_x)
        row_sights(&cells, to->heights, to->sight_x, to->sight_y, to->sight_up, to->scale);
}

static double at_height(const double *coefficients, double u)
{
    return coefficients[0] + u * (coefficients[1] + u * coefficients[2]);
}

void lattice_at(const struct lattice *l, double x, double y, double height, double *ret_t, double *ret_range)
{
    double cx = x / (double)l->step, cy = y / (double)l->step, u = (height - l->middle_height) / l->half_heights;
    size_t c = cx > 0 ? (size_t)cx : 0, r = cy > 0 ? (size_t)cy : 0;
    double t[4], range[4];

    c = c + 1 < l->columns ? c : l->columns - 2;
    r = r + 1 < l->rows ? r : l->rows - 2;
    cx -= (double)c;
    cy -= (double)r;
    for (size_t k = 0; k < 4; k++) {
        const double *node = node_at(l, c + k % 2, r + k / 2);

        t[k] = at_height(node + NODE_T, u);
        range[k] = at_height(node + NODE_RANGE, u);
    }
    *ret_t = (t[0] * (1 - cx) + t[1] * cx) * (1 - cy) + (t[2] * (1 - cx) + t[3] * cx) * cy;
    *ret_range = (range[0] * (1 - cx) + range[1] * cx) * (1 - cy) + (range[2] * (1 - cx) + range[3] * cx) * cy;
}
