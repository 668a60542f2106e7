/* A square is trusted when, in its middle and in the middle of two of its sides, what is linear lies within
 * a thousandth of a pixel of the truth. Positions in other squares are asked for one by one. */
#include "raster/mesh.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

enum { SQUARE = 32, CHECKS = 3 };
static const double largest_error = 0.001; /* pixels */
static const double checks[CHECKS][2] = { { 0.5, 0.5 }, { 0.5, 0 }, { 0, 0.5 } };

struct mesh {
    exact_places *exact;
    const void *context;
    double left, top; /* of the first square */
    size_t columns, rows; /* squares */
    double *x, *y;        /* of their corners, [rows + 1][columns + 1] */
    bool *good;           /* [rows][columns] */
};

static int64_t square_at(int64_t position)
{
    return position / SQUARE - (position % SQUARE < 0);
}

static void find_corners(struct mesh *m)
{
    size_t width = m->columns + 1, n = width * (m->rows + 1);

    m->x = mem_array(n, sizeof *m->x);
    m->y = mem_array(n, sizeof *m->y);
    for (size_t i = 0; i < n; i++) {
        m->x[i] = m->left + (double)(i % width * SQUARE);
        m->y[i] = m->top + (double)(i / width * SQUARE);
    }
    m->exact(m->context, m->x, m->y, n);
}

static inline double between(const double *v, size_t at, size_t width, double gx, double gy)
{
    return (v[at] * (1 - gx) + v[at + 1] * gx) * (1 - gy) +
           (v[at + width] * (1 - gx) + v[at + width + 1] * gx) * gy;
}

static void check_squares(struct mesh *m)
{
    size_t n = m->columns * m->rows, width = m->columns + 1;
    AUTO(mem) double *x = mem_array(n * CHECKS, sizeof *x), *y = mem_array(n * CHECKS, sizeof *y);

    m->good = mem_array(n, sizeof *m->good);
    for (size_t i = 0; i < n * CHECKS; i++) {
        x[i] = m->left + ((double)(i / CHECKS % m->columns) + checks[i % CHECKS][0]) * SQUARE;
        y[i] = m->top + ((double)(i / CHECKS / m->columns) + checks[i % CHECKS][1]) * SQUARE;
    }
    m->exact(m->context, x, y, n * CHECKS);
    for (size_t i = 0; i < n; i++) {
        size_t at = i / m->columns * width + i % m->columns;

        m->good[i] = true;
        for (size_t k = 0; k < CHECKS; k++) {
            double dx = x[i * CHECKS + k] - between(m->x, at, width, checks[k][0], checks[k][1]);
            double dy = y[i * CHECKS + k] - between(m->y, at, width, checks[k][0], checks[k][1]);

            m->good[i] &= fabs(dx) <= largest_error && fabs(dy) <= largest_error; /* NaN is none */
        }
    }
}

struct mesh *mesh_new(exact_places *exact, const void *context, const struct window_rect *w)
{
    struct mesh *m = MEM_NEW(struct mesh);
    int64_t column = square_at(w->x), row = square_at(w->y);

    m->exact = exact;
    m->context = context;
    m->left = (double)(column * SQUARE);
    m->top = (double)(row * SQUARE);
    m->columns = (size_t)(square_at(w->x + (int64_t)w->width) - column) + 1;
    m->rows = (size_t)(square_at(w->y + (int64_t)w->height) - row) + 1;
    find_corners(m);
    check_squares(m);
    return m;
}

void mesh_free(struct mesh *m)
{
    if (!m)
        return;
    free(m->x);
    free(m->y);
    free(m->good);
    free(m);
}

void mesh_places(const struct mesh *m, double *x, double *y, size_t n)
{
    size_t width = m->columns + 1;

    for (size_t i = 0; i < n; i++) {
        double px = (x[i] - m->left) / SQUARE, py = (y[i] - m->top) / SQUARE;
        bool within = px >= 0 && py >= 0 && px < (double)m->columns && py < (double)m->rows;
        size_t column = within ? (size_t)px : 0, row = within ? (size_t)py : 0, at = row * width + column;

        if (within && m->good[row * m->columns + column]) {
            double gx = px - (double)column, gy = py - (double)row;

            x[i] = between(m->x, at, width, gx, gy);
            y[i] = between(m->y, at, width, gx, gy);
        } else {
            m->exact(m->context, &x[i], &y[i], 1);
        }
    }
}

/* n positions that lie in one square. */
static void square_row(const struct mesh *m, size_t at, double gx, double gy, double *x, double *y, size_t n)
{
    size_t width = m->columns + 1;

    for (size_t i = 0; i < n; i++) {
        x[i] = between(m->x, at, width, gx + (double)i / SQUARE, gy);
        y[i] = between(m->y, at, width, gx + (double)i / SQUARE, gy);
    }
}

void mesh_row(const struct mesh *m, double left, double top, double *ret_x, double *ret_y, size_t n)
{
    double py = (top - m->top) / SQUARE;
    size_t row = (size_t)py;

    for (size_t i = 0, length; i < n; i += length) {
        double px = (left + (double)i - m->left) / SQUARE;
        size_t column = (size_t)px, rest = (size_t)ceil((double)(column + 1) * SQUARE - (left + (double)i - m->left));

        length = rest < n - i ? rest : n - i;
        if (m->good[row * m->columns + column]) {
            square_row(m, row * (m->columns + 1) + column, px - (double)column, py - (double)row, ret_x + i, ret_y + i,
                       length);
            continue;
        }
        for (size_t k = i; k < i + length; k++) {
            ret_x[k] = left + (double)k;
            ret_y[k] = top;
        }
        m->exact(m->context, ret_x + i, ret_y + i, length);
    }
}
