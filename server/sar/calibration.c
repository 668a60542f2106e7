/* One table of xml_records.h, and a look at what one number alone does not tell. */
#include "sar/calibration.h"
#include "ingest/xml_records.h"
#include "sar/lut.h"
#include <stdio.h>
#include <string.h>

enum { MOST_VECTORS = 5000 };

#define VALUES(quantity, path_)                                                                                        \
    XML_LIST(struct sar_calibration_vector, values[quantity], n_values[quantity], path_, SAR_LUT_MOST, .min = 1e-3,    \
             .max = 1e7)
static const struct xml_field vector_fields[] = {
    XML_WHOLE(struct sar_calibration_vector, line, "line", -1e6, 1e6),
    XML_LIST(struct sar_calibration_vector, pixels, n_pixels, "pixel", SAR_LUT_MOST, .min = -1e6, .max = 1e6),
    VALUES(SAR_SIGMA0, "sigmaNought"),
    VALUES(SAR_BETA0, "betaNought"),
    VALUES(SAR_GAMMA0, "gamma"),
    { .path = NULL },
};

static const struct xml_field head_fields[] = {
    XML_WORD(struct sar_calibration, polarisation, "adsHeader/polarisation"),
    XML_WORD(struct sar_calibration, swath, "adsHeader/swath"),
    { .path = NULL },
};

static const struct xml_record records[] = {
    XML_ROOT("calibration", head_fields),
    XML_ARRAY(struct sar_calibration, vectors, n_vectors, "calibration/calibrationVectorList/calibrationVector",
              vector_fields, 1, MOST_VECTORS),
    { .path = NULL },
};

bool sar_calibration_read(const char *bytes, size_t size, const char *name, struct arena *arena,
                          struct sar_calibration *ret_calibration, struct err *err)
{
    struct sar_calibration c = { 0 };

    if (!xml_read_records(bytes, size, name, records, arena, &c, err))
        return false;
    for (size_t i = 0; i < c.n_vectors; i++) {
        const struct sar_calibration_vector *v = &c.vectors[i];
        char place[300];

        snprintf(place, sizeof place, "%s: calibrationVector %zu", name, i + 1);
        for (int q = 0; q < SAR_TABLES; q++)
            if (!sar_lut_check(v->pixels, v->n_pixels, v->n_values[q], place, err))
                return false;
        if (i > 0 && v->line <= v[-1].line)
            return err_set(err, ERR_FileContentInvalid, "%s is of line %lld, expected one after %lld", place,
                           (long long)v->line, (long long)v[-1].line);
    }
    *ret_calibration = c;
    return true;
}

static const char *const quantity_names[SAR_QUANTITIES] = { "sigma0", "beta0", "gamma0", "intensity" };

const char *sar_quantity_name(enum sar_quantity quantity)
{
    return quantity_names[quantity];
}

bool sar_quantity_find(const char *name, enum sar_quantity *ret_quantity)
{
    static const char *const ellipsoid[SAR_QUANTITIES] = { "sigma0-ellipsoid", "beta0", "gamma0-ellipsoid", "intensity" };

    for (int q = 0; q < SAR_QUANTITIES; q++)
        if (!strcmp(name, quantity_names[q]) || !strcmp(name, ellipsoid[q])) {
            *ret_quantity = (enum sar_quantity)q;
            return true;
        }
    return false;
}
