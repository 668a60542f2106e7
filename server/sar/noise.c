/* Two tables of xml_records.h: the lists have other names in the two forms, and a document with both or neither is
 * refused. */
#include "sar/noise.h"
#include "ingest/xml_records.h"
#include "sar/lut.h"
#include <stdio.h>
#include <string.h>

enum { MOST_VECTORS = 5000, MOST_PARTS = 500 };

/* Numbers of what no sensor has: noise is at most DN^2 of the brightest pixel. */
#define VALUES(path_) XML_LIST(struct sar_noise_range, values, n_values, path_, SAR_LUT_MOST, .min = 0, .max = 65535.0 * 65535)
#define RANGE_FIELDS(path_)                                                                                            \
    {                                                                                                                  \
        XML_WHOLE(struct sar_noise_range, line, "line", -1e6, 1e6),                                                    \
        XML_LIST(struct sar_noise_range, pixels, n_pixels, "pixel", SAR_LUT_MOST, .min = -1e6, .max = 1e6),            \
        VALUES(path_), { .path = NULL },                                                                               \
    }
static const struct xml_field old_range_fields[] = RANGE_FIELDS("noiseLut");
static const struct xml_field range_fields[] = RANGE_FIELDS("noiseRangeLut");

static const struct xml_field azimuth_fields[] = {
    XML_WHOLE(struct sar_noise_azimuth, first_line, "firstAzimuthLine", -1e6, 1e6),
    XML_WHOLE(struct sar_noise_azimuth, last_line, "lastAzimuthLine", -1e6, 1e6),
    XML_WHOLE(struct sar_noise_azimuth, first_pixel, "firstRangeSample", -1e6, 1e6),
    XML_WHOLE(struct sar_noise_azimuth, last_pixel, "lastRangeSample", -1e6, 1e6),
    XML_LIST(struct sar_noise_azimuth, lines, n_lines, "line", SAR_LUT_MOST, .min = -1e6, .max = 1e6),
    XML_LIST(struct sar_noise_azimuth, values, n_values, "noiseAzimuthLut", SAR_LUT_MOST, .min = 0, .max = 100),
    { .path = NULL },
};

static const struct xml_field head_fields[] = {
    XML_WORD(struct sar_noise, polarisation, "adsHeader/polarisation"),
    XML_WORD(struct sar_noise, swath, "adsHeader/swath"),
    { .path = NULL },
};

/* Both forms at once: what the document does not have is empty. */
struct both {
    struct sar_noise noise;
    size_t n_old;
    struct sar_noise_range *old;
};

static const struct xml_record records[] = {
    XML_ROOT("noise", head_fields),
    XML_ARRAY(struct both, old, n_old, "noise/noiseVectorList/noiseVector", old_range_fields, 0, MOST_VECTORS),
    XML_ARRAY(struct both, noise.range, noise.n_range, "noise/noiseRangeVectorList/noiseRangeVector", range_fields, 0,
              MOST_VECTORS),
    XML_ARRAY(struct both, noise.azimuth, noise.n_azimuth, "noise/noiseAzimuthVectorList/noiseAzimuthVector",
              azimuth_fields, 0, MOST_PARTS),
    { .path = NULL },
};

static bool check_range(struct sar_noise *noise, const char *name, struct err *err)
{
    noise->is_zero = true;
    for (size_t i = 0; i < noise->n_range; i++) {
        const struct sar_noise_range *v = &noise->range[i];
        char place[300];

        snprintf(place, sizeof place, "%s: noise vector %zu", name, i + 1);
        if (!sar_lut_check(v->pixels, v->n_pixels, v->n_values, place, err))
            return false;
        if (i > 0 && v->line <= v[-1].line)
            return err_set(err, ERR_FileContentInvalid, "%s is of line %lld, expected one after %lld", place,
                           (long long)v->line, (long long)v[-1].line);
        for (size_t k = 0; k < v->n_values; k++)
            noise->is_zero &= v->values[k] == 0;
    }
    return true;
}

static bool check_azimuth(const struct sar_noise *noise, const char *name, struct err *err)
{
    for (size_t i = 0; i < noise->n_azimuth; i++) {
        const struct sar_noise_azimuth *v = &noise->azimuth[i];
        char place[300];

        snprintf(place, sizeof place, "%s: noiseAzimuthVector %zu", name, i + 1);
        if (!sar_lut_check(v->lines, v->n_lines, v->n_values, place, err))
            return false;
        if (v->last_line < v->first_line || v->last_pixel < v->first_pixel)
            return err_set(err, ERR_FileContentInvalid, "%s ends before it begins", place);
    }
    return true;
}

bool sar_noise_read(const char *bytes, size_t size, const char *name, struct arena *arena, struct sar_noise *ret_noise,
                    struct err *err)
{
    struct both both = { 0 };

    if (!xml_read_records(bytes, size, name, records, arena, &both, err))
        return false;
    if ((both.n_old > 0) == (both.noise.n_range > 0))
        return err_set(err, ERR_FileContentInvalid,
                       "%s: expected either noiseVector or noiseRangeVector elements, found %zu and %zu", name,
                       both.n_old, both.noise.n_range);
    if (both.n_old > 0) {
        both.noise.n_range = both.n_old;
        both.noise.range = both.old;
    }
    if (!check_range(&both.noise, name, err) || !check_azimuth(&both.noise, name, err))
        return false;
    *ret_noise = both.noise;
    return true;
}
