/* All polynomials are moved to one centre in the middle of the swath and scaled to half its width. There their
 * high orders are small, and those that together move no column by a ten-thousandth are left out. */
#include "sar/ground_range.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

enum { TERMS = GROUND_RANGE_TERMS, MARGIN = 2 /* columns outside the image that are answered */, MOST_STEPS = 10 /* of Newton's method */ };
static const double too_small = 1e-4; /* columns */

static double horner(const double *c, int n, double x)
{
    double sum = 0;

    for (int i = n; i-- > 0;)
        sum = sum * x + c[i];
    return sum;
}

static double range_of_column(const struct sar_ground_range *record, double spacing, double column)
{
    return horner(record->grsr, record->n_grsr, column * spacing - record->gr0);
}

static bool check_record(const struct sar_ground_range *records, size_t i, double spacing, int64_t samples,
                         struct err *err)
{
    const struct sar_ground_range *r = &records[i];
    double near, far;

    if (r->n_srgr < 2 || r->n_srgr > TERMS || r->n_grsr < 2 || r->n_grsr > TERMS)
        return err_set(err, ERR_FileContentInvalid,
                       "Coordinate conversion %zu has %d and %d coefficients, expected 2 to %d.", i + 1, r->n_srgr,
                       r->n_grsr, TERMS);
    if (!isfinite(r->t) || (i > 0 && r->t <= records[i - 1].t))
        return err_set(err, ERR_FileContentInvalid,
                       "Coordinate conversion %zu is at %g s, expected a time after the one before it.", i + 1, r->t);
    near = range_of_column(r, spacing, -MARGIN);
    far = range_of_column(r, spacing, (double)samples + MARGIN - 1);
    if (!(near > 1e5 && far < 1e7 && near < far))
        return err_set(err, ERR_FileContentInvalid,
                       "Coordinate conversion %zu puts the image between slant ranges of %g and %g m.", i + 1, near,
                       far);
    return true;
}

/* The coefficients of the polynomial of the slant range as one of x, in columns. */
static void move(const struct sar_ground_range *record, double centre, double per_metre, double spacing,
                 double moved[static TERMS])
{
    long double c[TERMS] = { 0 }, shift = (long double)centre - record->sr0, scale = 1;

    for (int i = 0; i < record->n_srgr; i++)
        c[i] = record->srgr[i];
    for (int k = 0; k < TERMS; k++) /* Taylor's shift by repeated division */
        for (int i = TERMS - 1; i-- > k;)
            c[i] += shift * c[i + 1];
    for (int i = 0; i < TERMS; i++) {
        moved[i] = (double)(c[i] * scale / spacing);
        scale /= per_metre;
    }
}

static void make_piece(struct ground_range *g, const struct sar_ground_range records[2], double spacing,
                       int64_t samples, struct ground_range_piece *piece)
{
    double later[TERMS], seconds = records[1].t - records[0].t;

    piece->t0 = records[0].t;
    piece->per_second = seconds > 0 ? 1 / seconds : 0;
    move(&records[0], g->centre, g->per_metre, spacing, piece->base);
    move(&records[1], g->centre, g->per_metre, spacing, later);
    for (int i = 0; i < TERMS; i++)
        piece->change[i] = later[i] - piece->base[i];
    for (int i = 0; i < 2; i++) {
        piece->nearest_range[i] = range_of_column(&records[i], spacing, -MARGIN);
        piece->farthest_range[i] = range_of_column(&records[i], spacing, (double)samples + MARGIN - 1);
    }
}

static size_t needed_terms(const struct ground_range *g)
{
    size_t needed = 2;

    for (size_t i = 0; i < g->n_pieces; i++) {
        double rest = 0;
        size_t n = TERMS;

        while (n > needed) {
            rest += fabs(g->pieces[i].base[n - 1]) + fabs(g->pieces[i].change[n - 1]);
            if (rest > too_small)
                break;
            n--;
        }
        needed = n;
    }
    return needed;
}

bool ground_range_new(const struct sar_ground_range *records, size_t n, double range_spacing, int64_t samples,
                      enum ground_range_mode mode, struct ground_range **ret, struct err *err)
{
    double near = INFINITY, far = 0;
    struct ground_range *g;

    if (n < 1)
        return err_set(err, ERR_FileContentInvalid, "The annotation has no conversion of slant to ground range.");
    for (size_t i = 0; i < n; i++) {
        if (!check_record(records, i, range_spacing, samples, err))
            return false;
        near = fmin(near, range_of_column(&records[i], range_spacing, -MARGIN));
        far = fmax(far, range_of_column(&records[i], range_spacing, (double)samples + MARGIN - 1));
    }
    g = MEM_NEW(struct ground_range);
    g->mode = mode;
    g->centre = (near + far) / 2;
    g->per_metre = 2 / (far - near);
    g->n_pieces = n > 1 ? n - 1 : 1;
    g->pieces = mem_array(g->n_pieces, sizeof *g->pieces);
    for (size_t i = 0; i < g->n_pieces; i++) {
        struct sar_ground_range two[2] = { records[i], records[n > 1 ? i + 1 : i] };

        make_piece(g, two, range_spacing, samples, &g->pieces[i]);
    }
    g->n_terms = needed_terms(g);
    *ret = g;
    return true;
}

void ground_range_free(struct ground_range *g)
{
    if (!g)
        return;
    free(g->pieces);
    free(g);
}

size_t ground_range_piece_at(const struct ground_range *g, double t)
{
    size_t low = 0, high = g->n_pieces;

    while (high - low > 1) {
        size_t middle = (low + high) / 2;

        if (t >= g->pieces[middle].t0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static double weight(const struct ground_range *g, const struct ground_range_piece *piece, double t)
{
    double w = fmin(fmax((t - piece->t0) * piece->per_second, 0), 1);

    return g->mode == GROUND_RANGE_NEAREST ? (w > 0.5) : w;
}

double ground_range_column(const struct ground_range *g, double t, double range)
{
    const struct ground_range_piece *piece = &g->pieces[ground_range_piece_at(g, t)];
    double w = weight(g, piece, t), x = (range - g->centre) * g->per_metre;
    double near = piece->nearest_range[0] + w * (piece->nearest_range[1] - piece->nearest_range[0]);
    double far = piece->farthest_range[0] + w * (piece->farthest_range[1] - piece->farthest_range[0]);

    if (!(range >= near && range <= far))
        return NAN;
    return horner(piece->base, (int)g->n_terms, x) + w * horner(piece->change, (int)g->n_terms, x);
}

double ground_range_step(const struct ground_range *g, double t, double range)
{
    const struct ground_range_piece *piece = &g->pieces[ground_range_piece_at(g, t)];
    double w = weight(g, piece, t), x = (range - g->centre) * g->per_metre, slope = 0;

    for (size_t i = g->n_terms; i-- > 1;)
        slope = slope * x + (double)i * (piece->base[i] + w * piece->change[i]);
    return 1 / (slope * g->per_metre);
}

double ground_range_at(const struct ground_range *g, double t, double column)
{
    const struct ground_range_piece *piece = &g->pieces[ground_range_piece_at(g, t)];
    double w = weight(g, piece, t);
    double near = piece->nearest_range[0] + w * (piece->nearest_range[1] - piece->nearest_range[0]);
    double far = piece->farthest_range[0] + w * (piece->farthest_range[1] - piece->farthest_range[0]);
    double range = (near + far) / 2, off = INFINITY;

    for (int i = 0; i < MOST_STEPS && fabs(off) > 1e-3; i++) {
        off = column - ground_range_column(g, t, range);
        range = fmin(fmax(range + off * ground_range_step(g, t, range), near), far);
    }
    return range;
}
