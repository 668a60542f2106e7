/* Levenberg and Marquardt. The model is a small program over registers of one double for each value; its
 * derivatives are central differences. A step is the solution of the damped normal equations, scaled so that
 * their diagonal is 1; a model that is linear in its parameters is there after the first one. */
#include "processes/kernels_fit.h"
#include "base/mem.h"
#include "raster/block.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 7, STEPS = 50 };

struct model {
    size_t n_x, n_parameters, n_registers, n_code, n_constants;
    const double *start, *x, *code, *constants;
};

struct fitting {
    struct model model;
    size_t n; /* values that are there */
    double *y, *registers, *scratch;
    double *residuals, *trial;      /* [n] */
    double *jacobian;               /* [parameter][n] */
    double *parameters, *moved;     /* [n_parameters] */
    double *matrix, *factor, *step, *gradient, *scale;
};

static struct model read_model(const double *problem)
{
    struct model m = { (size_t)problem[0], (size_t)problem[1], (size_t)problem[2], (size_t)problem[3],
                       (size_t)problem[4], problem + 5, NULL, NULL, NULL };

    m.x = m.start + m.n_parameters;
    m.code = m.x + m.n_x;
    m.constants = m.code + FIELDS * m.n_code;
    return m;
}

static double *register_at(const struct fitting *f, double number)
{
    return f->registers + (size_t)number * f->n;
}

/* op, dst, a, b, c, length, constant: as struct instruction */
static void run_line(const struct fitting *f, const double *line)
{
    enum lane_op op = (enum lane_op)line[0];
    double *dst = register_at(f, line[1]), *a = register_at(f, line[2]);

    if (op == LANE_CONSTANT) {
        lanes_double.fill(dst, f->model.constants[(size_t)line[6]], f->n);
    } else if (lanes_double.arrays[op]) {
        struct array_call call = { .a = a, .stride = f->n, .length = (size_t)line[5], .keep = line[3] == 1,
                                   .outputs = (size_t)line[4],
                                   .constants = f->model.constants + (size_t)line[6], .scratch = f->scratch };

        lanes_double.arrays[op](dst, &call, f->n);
    } else {
        lanes_double.lanes[op](dst, a, register_at(f, line[3]), register_at(f, line[4]), f->n);
    }
}

/* What the model makes of parameters; the register with the result is the last input of the header. */
static const double *evaluate(struct fitting *f, const double *parameters, double output)
{
    for (size_t k = 0; k < f->model.n_parameters; k++)
        lanes_double.fill(register_at(f, (double)(k + 1)), parameters[k], f->n);
    for (size_t i = 0; i < f->model.n_code; i++)
        run_line(f, f->model.code + FIELDS * i);
    return register_at(f, output);
}

static double output_of(const struct fitting *f)
{
    return f->model.constants[f->model.n_constants]; /* it follows them */
}

/* Returns the sum of squares. */
static double measure(struct fitting *f, const double *parameters, double *residuals)
{
    const double *made = evaluate(f, parameters, output_of(f));
    double sum = 0;

    for (size_t i = 0; i < f->n; i++) {
        residuals[i] = f->y[i] - made[i];
        sum += residuals[i] * residuals[i];
    }
    return sum;
}

static void differentiate(struct fitting *f)
{
    size_t p = f->model.n_parameters;

    memcpy(f->moved, f->parameters, p * sizeof *f->moved);
    for (size_t k = 0; k < p; k++) {
        double *slope = f->jacobian + k * f->n, at = f->parameters[k];
        double off = cbrt(DBL_EPSILON) * (at != 0 ? fabs(at) : 1), width;
        const double *made;

        f->moved[k] = at + off;
        made = evaluate(f, f->moved, output_of(f));
        memcpy(slope, made, f->n * sizeof *slope);
        width = f->moved[k];
        f->moved[k] = at - off;
        width -= f->moved[k];
        made = evaluate(f, f->moved, output_of(f));
        for (size_t i = 0; i < f->n; i++)
            slope[i] = (slope[i] - made[i]) / width;
        f->moved[k] = at;
    }
}

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* The normal equations with a diagonal of 1. False when a parameter changes nothing. */
static bool set_up(struct fitting *f)
{
    size_t p = f->model.n_parameters, n = f->n;

    for (size_t k = 0; k < p; k++) {
        f->scale[k] = sqrt(dot(f->jacobian + k * n, f->jacobian + k * n, n));
        if (!(f->scale[k] > 0) || !isfinite(f->scale[k]))
            return false;
    }
    for (size_t k = 0; k < p; k++) {
        f->gradient[k] = dot(f->jacobian + k * n, f->residuals, n) / f->scale[k];
        for (size_t j = 0; j <= k; j++)
            f->matrix[k * p + j] = dot(f->jacobian + k * n, f->jacobian + j * n, n) / f->scale[k] / f->scale[j];
    }
    return true;
}

/* Cholesky; false when the damped matrix is singular to working precision. */
static bool solve(struct fitting *f, double damping)
{
    size_t p = f->model.n_parameters;
    double *l = f->factor;

    for (size_t k = 0; k < p; k++) {
        for (size_t j = 0; j <= k; j++) {
            double sum = f->matrix[k * p + j] + (k == j ? damping : 0) - dot(l + k * p, l + j * p, j);

            if (k == j && !(sum > 1e-14))
                return false;
            l[k * p + j] = k == j ? sqrt(sum) : sum / l[j * p + j];
        }
    }
    for (size_t k = 0; k < p; k++)
        f->step[k] = (f->gradient[k] - dot(l + k * p, f->step, k)) / l[k * p + k];
    for (size_t k = p; k-- > 0;) {
        for (size_t j = k + 1; j < p; j++)
            f->step[k] -= l[j * p + k] * f->step[j];
        f->step[k] /= l[k * p + k];
    }
    for (size_t k = 0; k < p; k++)
        f->step[k] /= f->scale[k];
    return true;
}

/* True when the step is too short to matter. */
static bool take_step(struct fitting *f)
{
    bool short_step = true;

    for (size_t k = 0; k < f->model.n_parameters; k++) {
        short_step &= fabs(f->step[k]) <= 1e-12 * fabs(f->parameters[k]);
        f->parameters[k] += f->step[k];
    }
    return short_step;
}

/* A step that makes the sum of squares smaller, with as little damping as does. False: there is none. */
static bool find_step(struct fitting *f, double *damping, double *sum)
{
    for (; *damping < 1e12; *damping = *damping > 0 ? *damping * 10 : 1e-4) {
        double now;

        if (!solve(f, *damping))
            continue;
        for (size_t k = 0; k < f->model.n_parameters; k++)
            f->moved[k] = f->parameters[k] + f->step[k];
        now = measure(f, f->moved, f->trial);
        if (now <= *sum) {
            *sum = now;
            *damping = *damping > 1e-9 ? *damping / 10 : 0;
            return true;
        }
    }
    return false;
}

static bool minimise(struct fitting *f)
{
    double damping = 0, sum = measure(f, f->parameters, f->residuals);

    for (size_t i = 0; i < STEPS && isfinite(sum); i++) {
        double before = sum;
        bool found, done;

        differentiate(f);
        if (!set_up(f))
            return false;
        found = find_step(f, &damping, &sum);
        done = !found || take_step(f);
        if (found)
            memcpy(f->residuals, f->trial, f->n * sizeof *f->residuals);
        if (done || sum == 0 || (i > 0 && before - sum <= 1e-15 * before))
            break;
    }
    return isfinite(sum) && solve(f, 0); /* else something is not settled */
}

static double *part(double **next, size_t n)
{
    double *start = *next;

    *next += n;
    return start;
}

static bool fit(struct fitting *f, const double *y, size_t n, double *memory)
{
    const struct model *m = &f->model;
    size_t p = m->n_parameters;
    double *next = memory, *x;

    f->registers = part(&next, m->n_registers * n);
    f->scratch = part(&next, (2 * m->n_registers + 4) * n);
    f->y = part(&next, n);
    f->residuals = part(&next, n);
    f->trial = part(&next, n);
    f->jacobian = part(&next, p * n);
    f->parameters = part(&next, p);
    f->moved = part(&next, p);
    f->step = part(&next, p);
    f->gradient = part(&next, p);
    f->scale = part(&next, p);
    f->matrix = part(&next, p * p);
    f->factor = part(&next, p * p);
    x = f->registers;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(y[i]))
            continue;
        x[f->n] = m->x[i];
        f->y[f->n++] = y[i];
    }
    memcpy(f->parameters, m->start, p * sizeof *f->parameters);
    return f->n >= p && minimise(f);
}

void fit_curve(const double *y, size_t n, bool keep, const double *problem, double *ret_parameters)
{
    struct fitting f = { .model = read_model(problem) };
    size_t p = f.model.n_parameters;
    AUTO(mem) double *memory =
        mem_array((3 * f.model.n_registers + 7 + p) * n + 5 * p + 2 * p * p + 1, sizeof *memory);
    bool gaps = false;

    for (size_t i = 0; i < n; i++)
        gaps |= isnan(y[i]);
    if ((keep && gaps) || !fit(&f, y, n, memory))
        for (size_t k = 0; k < p; k++)
            ret_parameters[k] = NAN;
    else
        memcpy(ret_parameters, f.parameters, p * sizeof *ret_parameters);
}
