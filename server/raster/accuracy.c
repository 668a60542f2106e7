/* Accuracies and areas of a stratified sample, the strata being the mapped classes, as Olofsson et al. recommend
 * (Remote Sensing of Environment 148, 2014, 42-57; doi:10.1016/j.rse.2014.02.015). With i for mapped and k for true
 * classes, n_ik samples and W_i the share of the map: p_ik = W_i n_ik / n_i; the share of true class k is the sum of
 * p_ik over i, and its standard error the root of the sum of W_i^2 q (1 - q) / (n_i - 1), q = n_ik / n_i. */
#include "raster/accuracy.h"
#include "base/mem.h"
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_CLASSES = 100 };
static const double z95 = 1.959963984540054;

struct tally {
    size_t n_classes, n, left_out;
    double classes[MOST_CLASSES]; /* ascending */
    size_t *counts;               /* [found][reference] */
    double weights[MOST_CLASSES]; /* W */
    double whole;                 /* area; NaN: not told */
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static size_t class_at(const struct tally *t, double class)
{
    const double *at = bsearch(&class, t->classes, t->n_classes, sizeof class, compare);

    return at ? (size_t)(at - t->classes) : SIZE_MAX;
}

static bool add_class(struct tally *t, double class, size_t sample, struct err *err)
{
    if (class_at(t, class) != SIZE_MAX)
        return true;
    if (class != floor(class) || fabs(class) > 1e9)
        return err_set(err, ERR_ProcessParameterInvalid, "Sample %zu: expected a whole number as class, found %g.", sample, class);
    if (t->n_classes == MOST_CLASSES)
        return err_set(err, ERR_ProcessParameterInvalid, "The samples have more than %d classes.", MOST_CLASSES);
    t->classes[t->n_classes++] = class;
    qsort(t->classes, t->n_classes, sizeof *t->classes, compare);
    return true;
}

static bool count(struct tally *t, const double *reference, const double *found, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(reference[i]) || isnan(found[i])) {
            t->left_out++;
            continue;
        }
        t->n++;
        if (!add_class(t, reference[i], i, err) || !add_class(t, found[i], i, err))
            return false;
    }
    if (t->n == 0)
        return err_set(err, ERR_ProcessParameterInvalid, "None of %zu samples has both a class and a place on the map.", n);
    t->counts = mem_array(t->n_classes * t->n_classes, sizeof *t->counts);
    for (size_t i = 0; i < n; i++)
        if (!isnan(reference[i]) && !isnan(found[i]))
            t->counts[class_at(t, found[i]) * t->n_classes + class_at(t, reference[i])]++;
    return true;
}

static size_t found_of(const struct tally *t, size_t i)
{
    size_t n = 0;

    for (size_t k = 0; k < t->n_classes; k++)
        n += t->counts[i * t->n_classes + k];
    return n;
}

static bool weigh(struct tally *t, const json_t *areas, struct err *err)
{
    double whole = 0;

    t->whole = NAN;
    for (size_t i = 0; i < t->n_classes; i++) {
        const json_t *area;
        char name[32];

        snprintf(name, sizeof name, "%.0f", t->classes[i]);
        area = json_object_get(areas, name);
        if (areas && !area && found_of(t, i))
            return err_set(err, ERR_ProcessParameterInvalid, "Class %s was mapped, and its area is not told.", name);
        whole += t->weights[i] = areas ? json_number_value(area) : (double)found_of(t, i);
    }
    if (!(whole > 0))
        return err_set(err, ERR_ProcessParameterInvalid, "The areas of all classes are 0.");
    for (size_t i = 0; i < t->n_classes; i++)
        t->weights[i] /= whole;
    if (areas)
        t->whole = whole;
    return true;
}

/* p_ik */
static double share(const struct tally *t, size_t i, size_t k)
{
    size_t n = found_of(t, i);

    return n ? t->weights[i] * (double)t->counts[i * t->n_classes + k] / (double)n : 0;
}

/* Of the sum over i of p_ik, or of p_ii (k NULL). NaN where a class has a single sample. */
static double standard_error(const struct tally *t, const size_t *k)
{
    double sum = 0;

    for (size_t i = 0; i < t->n_classes; i++) {
        double n = (double)found_of(t, i), q;

        if (n == 0)
            continue;
        q = (double)t->counts[i * t->n_classes + (k ? *k : i)] / n;
        if (n == 1)
            return NAN;
        sum += t->weights[i] * t->weights[i] * q * (1 - q) / (n - 1);
    }
    return sqrt(sum);
}

static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *class_report(const struct tally *t, size_t k)
{
    double of_reference = 0, user = NAN, producer, error = standard_error(t, &k);
    json_t *report;

    for (size_t i = 0; i < t->n_classes; i++)
        of_reference += share(t, i, k);
    if (found_of(t, k))
        user = (double)t->counts[k * t->n_classes + k] / (double)found_of(t, k);
    producer = share(t, k, k) / of_reference;
    report = json_pack("{s:I, s:o, s:o, s:o, s:o, s:o}", "class", (json_int_t)t->classes[k], "users_accuracy", number(user),
                       "producers_accuracy", number(producer), "f1", number(2 * user * producer / (user + producer)),
                       "share", number(of_reference), "share_error_95", number(z95 * error));
    if (!isnan(t->whole)) {
        json_object_set_new(report, "area", number(of_reference * t->whole));
        json_object_set_new(report, "area_error_95", number(z95 * error * t->whole));
    }
    return report;
}

/* Cohen's: agreement beyond that of chance. */
static double kappa(const struct tally *t, double agreement)
{
    double chance = 0;

    for (size_t k = 0; k < t->n_classes; k++) {
        double of_reference = 0;

        for (size_t i = 0; i < t->n_classes; i++)
            of_reference += share(t, i, k);
        chance += t->weights[k] * of_reference;
    }
    return (agreement - chance) / (1 - chance);
}

static json_t *whole_report(const struct tally *t)
{
    json_t *classes = json_array(), *matrix = json_array(), *by_class = json_array();
    double agreement = 0;

    for (size_t i = 0; i < t->n_classes; i++) {
        json_t *row = json_array();

        for (size_t k = 0; k < t->n_classes; k++)
            json_array_append_new(row, json_integer((json_int_t)t->counts[i * t->n_classes + k]));
        json_array_append_new(classes, json_integer((json_int_t)t->classes[i]));
        json_array_append_new(matrix, row);
        json_array_append_new(by_class, class_report(t, i));
        agreement += share(t, i, i);
    }
    return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "samples", (json_int_t)t->n, "left_out",
                     (json_int_t)t->left_out, "classes", classes, "matrix", matrix, "overall_accuracy", number(agreement),
                     "overall_accuracy_error_95", number(z95 * standard_error(t, NULL)), "kappa",
                     number(kappa(t, agreement)), "by_class", by_class);
}

bool accuracy_report(const double *reference, const double *found, size_t n, const json_t *areas, json_t **ret_report,
                     struct err *err)
{
    struct tally t = { 0 };
    bool good = count(&t, reference, found, n, err) && weigh(&t, areas, err);

    if (good)
        *ret_report = whole_report(&t);
    free(t.counts);
    return good;
}
