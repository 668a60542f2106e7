/* Tables are short (some hundred values), rows long: a row is filled from interval to interval. */
#include "sar/lut.h"
#include "base/mem.h"
#include <math.h>

bool sar_lut_check(const double *at, size_t n, size_t n_values, const char *place, struct err *err)
{
    if (n == 0 || n != n_values)
        return err_set(err, ERR_FileContentInvalid, "%s has %zu positions and %zu values, expected as many of both, and some",
                       place, n, n_values);
    for (size_t i = 1; i < n; i++)
        if (at[i] <= at[i - 1])
            return err_set(err, ERR_FileContentInvalid, "%s: position %.10g comes after %.10g, expected them to ascend",
                           place, at[i], at[i - 1]);
    return true;
}

double sar_lut_at(const double *at, const double *values, size_t n, double position)
{
    size_t low = 0, high = n - 1;

    if (position <= at[0])
        return values[0];
    if (position >= at[high])
        return values[high];
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (at[middle] <= position)
            low = middle;
        else
            high = middle;
    }
    return values[low] + (values[high] - values[low]) * (position - at[low]) / (at[high] - at[low]);
}

void sar_lut_expand(const double *at, const double *values, size_t n, int64_t width, float *row)
{
    int64_t x = 0;

    for (; x < width && (double)x <= at[0]; x++)
        row[x] = (float)values[0];
    for (size_t i = 1; i < n; i++) {
        double slope = (values[i] - values[i - 1]) / (at[i] - at[i - 1]);

        for (; x < width && (double)x <= at[i]; x++)
            row[x] = (float)(values[i - 1] + slope * ((double)x - at[i - 1]));
    }
    for (; x < width; x++)
        row[x] = (float)values[n - 1];
}
