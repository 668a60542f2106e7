/* Minimises sum w (y - z)^2 + lambda sum (D z)^2. Row i of D is the second derivative at place i by its
 * neighbours, times the root of the length that it stands for; places one apart give (1, -2, 1). So the
 * system (W + lambda D'D) z = W y has five diagonals, and is solved in n steps as L diag(d) L'. */
#include "base/whittaker.h"
#include <math.h>
#include <string.h>

struct bands {
    double *centre, *next, *second; /* of W + lambda D'D, then d and the two columns of L below it */
};

static void add_bend(struct bands *m, size_t i, const double *x, double lambda)
{
    double before = fabs(x[i] - x[i - 1]), after = fabs(x[i + 1] - x[i]), both = before + after;
    double root = sqrt(both / 2) * 2 / both;
    double a = root / before, c = root / after, b = -a - c;

    m->centre[i - 1] += lambda * a * a;
    m->centre[i] += lambda * b * b;
    m->centre[i + 1] += lambda * c * c;
    m->next[i - 1] += lambda * a * b;
    m->next[i] += lambda * b * c;
    m->second[i - 1] += lambda * a * c;
}

static void solve(struct bands *m, double *z, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i >= 1)
            m->centre[i] -= m->next[i - 1] * m->next[i - 1] * m->centre[i - 1];
        if (i >= 2)
            m->centre[i] -= m->second[i - 2] * m->second[i - 2] * m->centre[i - 2];
        if (i >= 1)
            m->next[i] -= m->second[i - 1] * m->next[i - 1] * m->centre[i - 1];
        m->next[i] /= m->centre[i];
        m->second[i] /= m->centre[i];
        z[i] -= (i >= 1 ? m->next[i - 1] * z[i - 1] : 0) + (i >= 2 ? m->second[i - 2] * z[i - 2] : 0);
    }
    for (size_t i = n; i-- > 0;)
        z[i] = z[i] / m->centre[i] - (i + 1 < n ? m->next[i] * z[i + 1] : 0) -
               (i + 2 < n ? m->second[i] * z[i + 2] : 0);
}

void whittaker_smooth(const double *x, double *values, size_t n, double lambda, unsigned rounds,
                      double *room)
{
    double *weight = room, *y = room + n, *z = room + 2 * n;
    struct bands m = { room + 3 * n, room + 4 * n, room + 5 * n };
    size_t valid = 0;

    while (n && isnan(values[n - 1]))
        n--;
    for (; n && isnan(values[0]); n--)
        x++, values++;
    for (size_t i = 0; i < n; i++) {
        weight[i] = !isnan(values[i]);
        y[i] = isnan(values[i]) ? 0 : values[i];
        valid += !isnan(values[i]);
    }
    if (valid < 3)
        return;
    for (unsigned round = 0; round <= rounds; round++) {
        memset(m.next, 0, n * sizeof *m.next);
        memset(m.second, 0, n * sizeof *m.second);
        for (size_t i = 0; i < n; i++) {
            weight[i] *= round && y[i] < z[i] ? 0.5 : 1;
            m.centre[i] = weight[i];
        }
        for (size_t i = 0; i < n; i++)
            z[i] = weight[i] * y[i];
        for (size_t i = 1; i + 1 < n; i++)
            add_bend(&m, i, x, lambda);
        solve(&m, z, n);
    }
    memcpy(values, z, n * sizeof *values);
}
