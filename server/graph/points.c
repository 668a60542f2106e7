/* Points of geometries: regularly spaced, or by chance. Samples are drawn geometry by geometry; then they are put
 * in the places of the geometries, or each becomes a row of its own. Chance is a generator (splitmix64) whose
 * numbers depend on the seed and the geometry alone. */
#include "graph/planner.h"
#include "graph/topology.h"
#include <math.h>
#include <string.h>

enum { MOST_POINTS = 1000000, MOST_CELLS = 100000000, MOST_TRIES = 20000 };

struct samples {
    double *x, *y;
    size_t n, x_capacity, y_capacity;
};

static void add_point(struct samples *s, double x, double y)
{
    s->x = mem_grow(s->x, &s->x_capacity, s->n + 1, sizeof *s->x);
    s->y = mem_grow(s->y, &s->y_capacity, s->n + 1, sizeof *s->y);
    s->x[s->n] = x;
    s->y[s->n++] = y;
}

/* The ring after the polygon that begins with ring r. */
static size_t polygon_end(const struct geometry *g, size_t r)
{
    for (r++; r < g->n_rings && !g->rings[r].outer; r++)
        ;
    return r;
}

/* ---- results ---- */

static struct geometry points_of(struct arena *arena, const struct geometry *from, const double *x, const double *y,
                                 size_t n, bool grouped)
{
    struct geometry to = { .kind = GEOMETRY_POINTS, .multi = grouped, .id = grouped ? from->id : NULL,
                           .properties = from->properties };

    if (n == 0)
        return to;
    to.n_rings = 1;
    to.rings = arena_alloc(arena, sizeof *to.rings);
    to.rings[0] = (struct ring){ .count = n, .x = arena_array(arena, n, sizeof(double)),
                                 .y = arena_array(arena, n, sizeof(double)) };
    memcpy(to.rings[0].x, x, n * sizeof *x);
    memcpy(to.rings[0].y, y, n * sizeof *y);
    return to;
}

/* `first`: of each geometry, and the end. */
static bool give_grouped(struct call *call, const struct samples *s, const size_t *first, struct value *ret,
                         struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct geometries *from = data->schema.geometries;
    struct arena *arena = call->planner->arena;
    struct geometries *to = arena_alloc(arena, sizeof *to);

    *to = *from;
    to->list = arena_array(arena, from->count, sizeof *to->list);
    for (size_t i = 0; i < from->count; i++)
        to->list[i] = points_of(arena, &from->list[i], s->x + first[i], s->y + first[i], first[i + 1] - first[i], true);
    return vector_with_geometries(call, data, to, ret, err);
}

/* Empty geometries stay as they are, one row each. */
static bool give_each(struct call *call, const struct samples *s, const size_t *first, struct value *ret,
                      struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct geometries *from = data->schema.geometries;
    struct arena *arena = call->planner->arena;
    struct geometries *to = arena_alloc(arena, sizeof *to);
    AUTO(mem) size_t *rows = mem_array(s->n + from->count + 1, sizeof *rows);
    struct value repeated;

    *to = *from;
    to->count = 0;
    to->list = arena_array(arena, s->n + from->count, sizeof *to->list);
    for (size_t i = 0; i < from->count; i++)
        for (size_t k = first[i]; k < first[i + 1] || (k == first[i] && first[i + 1] == first[i]); k++) {
            rows[to->count] = i;
            to->list[to->count++] = points_of(arena, &from->list[i], s->x + k, s->y + k, first[i + 1] > first[i], false);
        }
    if (to->count > MAX_GEOMETRIES)
        return call_fail(call, err, ERR_ProcessGraphComplexity, NULL, "The cube would have %zu points, at most %d are possible.",
                         to->count, MAX_GEOMETRIES);
    if (!vector_rows(call, data, rows, to->count, &repeated, err))
        return false;
    to->number = repeated.cube->schema.geometries->number;
    return vector_with_geometries(call, repeated.cube, to, ret, err);
}

/* Draws the samples of a geometry that is not empty. */
typedef bool draw_fn(struct call *call, void *how, const struct geometry *g, size_t i, struct samples *s,
                     struct err *err);

static bool sample(struct call *call, draw_fn *draw, void *how, struct value *ret, struct err *err)
{
    const struct geometries *all = call->arguments[0].cube->schema.geometries;
    AUTO(mem) size_t *first = mem_array(all->count + 1, sizeof *first);
    struct samples s = { 0 };
    bool good = true;

    for (size_t i = 0; good && i < all->count; i++) {
        first[i] = s.n;
        good = all->list[i].n_rings == 0 || draw(call, how, &all->list[i], i, &s, err);
        if (good && s.n > MOST_POINTS)
            good = call_fail(call, err, ERR_ProcessGraphComplexity, NULL, "At most %d points are possible.", MOST_POINTS);
        first[i + 1] = s.n;
    }
    if (good)
        good = (call_boolean(call, "group") ? give_grouped : give_each)(call, &s, first, ret, err);
    free(s.x);
    free(s.y);
    return good;
}

/* ---- regular ones ---- */

struct spacing {
    double distance, cells; /* cells: looked at so far */
};

/* Centres of the cells of a grid that begins at the upper left. */
static bool draw_cells(struct call *call, struct spacing *how, const struct ring *rings, size_t n, struct samples *s,
                       struct err *err)
{
    const struct geometry part = { .kind = GEOMETRY_POLYGONS, .n_rings = n, .rings = (struct ring *)rings };
    struct topology_area *area;
    double box[4], columns, rows;

    geometry_bounds(&part, box);
    columns = ceil((box[2] - box[0]) / how->distance);
    rows = ceil((box[3] - box[1]) / how->distance);
    how->cells += columns * rows;
    if (!(how->cells <= MOST_CELLS))
        return call_fail(call, err, ERR_ProcessGraphComplexity, "distance",
                         "More than %d cells would lie over the geometries.", MOST_CELLS);
    area = topology_area_new(rings, n);
    for (double r = 0; area && r < rows; r++)
        for (double c = 0; c < columns && s->n <= MOST_POINTS; c++) {
            double x = box[0] + (c + 0.5) * how->distance, y = box[3] - (r + 0.5) * how->distance;

            if (topology_area_contains(area, x, y))
                add_point(s, x, y);
        }
    topology_area_free(area);
    return true;
}

/* Where a segment from (x, y) leaves the circle around (cx, cy): the part of its length, or above 1. */
static double leaves(double cx, double cy, double radius, double x, double y, double dx, double dy)
{
    double a = dx * dx + dy * dy, b = (x - cx) * dx + (y - cy) * dy;
    double c = (x - cx) * (x - cx) + (y - cy) * (y - cy) - radius * radius, root = b * b - a * c;

    return a > 0 && root >= 0 ? (sqrt(root) - b) / a : 2;
}

/* The next point is where the line first gets that far from the point before. */
static void draw_walk(const struct ring *line, double distance, struct samples *s)
{
    double px = line->x[0], py = line->y[0];

    add_point(s, px, py);
    for (size_t i = 0; i + 1 < line->count; i++) {
        double dx = line->x[i + 1] - line->x[i], dy = line->y[i + 1] - line->y[i];

        while (s->n <= MOST_POINTS) {
            double t = leaves(px, py, distance, line->x[i], line->y[i], dx, dy);

            if (!(t <= 1 + 1e-12) || t < 0)
                break;
            px = line->x[i] + fmin(t, 1) * dx;
            py = line->y[i] + fmin(t, 1) * dy;
            add_point(s, px, py);
        }
    }
}

static bool draw_regular(struct call *call, void *spacing, const struct geometry *g, size_t i, struct samples *s,
                         struct err *err)
{
    struct spacing *how = spacing;
    size_t before = s->n;

    (void)i;
    for (size_t r = 0, end; r < g->n_rings; r = end) {
        const struct ring *ring = &g->rings[r];

        end = r + 1;
        if (g->kind == GEOMETRY_POINTS)
            for (size_t k = 0; k < ring->count; k++)
                add_point(s, ring->x[k], ring->y[k]);
        if (g->kind == GEOMETRY_LINES)
            draw_walk(ring, how->distance, s);
        if (g->kind == GEOMETRY_POLYGONS) {
            end = polygon_end(g, r);
            if (!draw_cells(call, how, ring, end - r, s, err))
                return false;
        }
    }
    if (s->n == before)
        add_point(s, g->rings[0].x[0], g->rings[0].y[0]);
    return true;
}

static bool run_regular(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    struct spacing how = { .distance = call_number(call, "distance") };
    struct planner *p = call->planner;

    if (!vector_check(call, data, "data", err))
        return false;
    if (!isfinite(how.distance) || how.distance <= 0)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "distance", "expected a number above 0.");
    if (!p->crs)
        p->crs = crs_open();
    if (!crs_in_metres(p->crs, data->schema.geometries->crs))
        return call_fail(call, err, ERR_UnitMismatch, "distance", "The geometries are in %.80s.",
                         data->schema.geometries->crs);
    return sample(call, draw_regular, &how, ret, err);
}

/* ---- by chance ---- */

struct chances {
    uint64_t seed, state;
    size_t most;   /* of a geometry; SIZE_MAX: any number */
    size_t share, extra; /* of each geometry that is not empty; and one more for the first of them */
    size_t seen;   /* geometries that are not empty */
};

static uint64_t chance_bits(struct chances *c)
{
    uint64_t z = c->state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* From 0 to below 1. */
static double chance(struct chances *c)
{
    return (double)(chance_bits(c) >> 11) * 0x1p-53;
}

/* Each point at most once. */
static void draw_of_points(struct chances *c, const struct ring *ring, size_t n, struct samples *s)
{
    AUTO(mem) size_t *order = mem_array(ring->count, sizeof *order);

    for (size_t i = 0; i < ring->count; i++)
        order[i] = i;
    for (size_t i = 0; i < n && i < ring->count; i++) {
        size_t other = i + (size_t)(chance(c) * (double)(ring->count - i)), taken = order[other];

        order[other] = order[i];
        add_point(s, ring->x[taken], ring->y[taken]);
    }
}

static double segment_length(const struct ring *line, size_t i)
{
    return hypot(line->x[i + 1] - line->x[i], line->y[i + 1] - line->y[i]);
}

static void draw_of_lines(struct chances *c, const struct geometry *g, size_t n, struct samples *s)
{
    double all = 0;

    for (size_t r = 0; r < g->n_rings; r++)
        for (size_t i = 0; i + 1 < g->rings[r].count; i++)
            all += segment_length(&g->rings[r], i);
    for (size_t k = 0; k < n; k++) {
        double at = chance(c) * all, x = g->rings[0].x[0], y = g->rings[0].y[0];

        for (size_t r = 0; r < g->n_rings && at >= 0; r++)
            for (size_t i = 0; i + 1 < g->rings[r].count && at >= 0; i++) {
                const struct ring *line = &g->rings[r];
                double length = segment_length(line, i), t = length > 0 ? fmin(at / length, 1) : 0;

                x = line->x[i] + t * (line->x[i + 1] - line->x[i]);
                y = line->y[i] + t * (line->y[i + 1] - line->y[i]);
                at = at <= length ? -1 : at - length; /* -1: found */
            }
        add_point(s, x, y);
    }
}

/* Where so little of its box is inside that chance finds nothing, some point of the inside. */
static void draw_inside(struct chances *c, const struct topology_area *area, const double box[4], struct samples *s)
{
    double x = box[0], y = box[3];

    for (size_t i = 0; i < MOST_TRIES; i++) {
        x = box[0] + chance(c) * (box[2] - box[0]);
        y = box[1] + chance(c) * (box[3] - box[1]);
        if (topology_area_contains(area, x, y)) {
            add_point(s, x, y);
            return;
        }
    }
    if (topology_area_some_point(area, &x, &y))
        add_point(s, x, y);
}

/* Every place of all polygons of a geometry is as likely. */
static void draw_of_polygons(struct chances *c, const struct geometry *g, size_t n, struct samples *s)
{
    struct part {
        struct topology_area *area;
        double box[4], until; /* sizes added up */
    } *parts = mem_array(g->n_rings, sizeof *parts);
    size_t n_parts = 0;
    double all = 0;

    for (size_t r = 0, end; r < g->n_rings; r = end) {
        struct geometry one = *g;

        end = polygon_end(g, r);
        one.rings = &g->rings[r];
        one.n_rings = end - r;
        parts[n_parts].area = topology_area_new(one.rings, one.n_rings);
        geometry_bounds(&one, parts[n_parts].box);
        all += parts[n_parts].area ? topology_area_size(parts[n_parts].area) : 0;
        parts[n_parts++].until = all;
    }
    for (size_t k = 0; k < n && all > 0; k++) {
        double at = chance(c) * all;
        size_t i = 0;

        while (i + 1 < n_parts && (at >= parts[i].until || !parts[i].area))
            i++;
        if (parts[i].area)
            draw_inside(c, parts[i].area, parts[i].box, s);
    }
    for (size_t i = 0; i < n_parts; i++)
        topology_area_free(parts[i].area);
    free(parts);
}

static bool draw_random(struct call *call, void *chances, const struct geometry *g, size_t i, struct samples *s,
                        struct err *err)
{
    struct chances *c = chances;
    size_t before = s->n, n = c->share + (c->seen++ < c->extra);

    (void)call, (void)err;
    n = n < c->most ? n : c->most;
    n = n < MOST_POINTS + 1 ? n : MOST_POINTS + 1;
    c->state = c->seed ^ (uint64_t)i * 0xd1342543de82ef95;
    if (g->kind == GEOMETRY_POINTS)
        draw_of_points(c, &g->rings[0], n, s);
    else if (g->kind == GEOMETRY_LINES)
        draw_of_lines(c, g, n, s);
    else
        draw_of_polygons(c, g, n, s);
    if (s->n == before) /* a polygon without an inside */
        add_point(s, g->rings[0].x[0], g->rings[0].y[0]);
    return true;
}

static bool run_random(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct value *each = call_argument(call, "geometry_count"), *total = call_argument(call, "total_count");
    const struct value *seed = call_argument(call, "seed");
    struct chances how = { .most = SIZE_MAX, .share = 1 };
    size_t n = 0;

    if (!vector_check(call, data, "data", err))
        return false;
    for (size_t i = 0; i < data->schema.geometries->count; i++)
        n += data->schema.geometries->list[i].n_rings > 0;
    if (total->kind == KIND_NUMBER && total->number < (double)data->schema.geometries->count)
        return call_fail(call, err, ERR_CountMismatch, "total_count", "There are %zu geometries, the total is %.0f.",
                         data->schema.geometries->count, total->number);
    if (each->kind == KIND_NUMBER)
        how.most = how.share = (size_t)fmin(each->number, MOST_POINTS + 1);
    if (total->kind == KIND_NUMBER && n > 0) {
        size_t all = (size_t)fmin(total->number, 1e15);

        how.share = all / n;
        how.extra = all % n;
    }
    how.seed = seed->kind == KIND_NUMBER ? (uint64_t)(int64_t)seed->number : catalog_chance(call->planner, call->node);
    return sample(call, draw_random, &how, ret, err);
}

const struct operation point_operations[] = {
    { .id = "vector_to_random_points", .run = run_random },
    { .id = "vector_to_regular_points", .run = run_regular },
    { .id = NULL },
};
