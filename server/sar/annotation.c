/* Tables of xml_records.h say what is read. What one number alone cannot tell is checked after: that times ascend, that
 * the last line is where lines and interval put it, that vectors lie on an orbit. */
#include "sar/annotation.h"
#include "ingest/xml_records.h"
#include <math.h>
#include <string.h>

enum { MOST_STATES = 5000, MOST_GROUND_RANGES = 5000, MOST_GRID_POINTS = 100000 };

/* Bounds are wide ones of what a Sentinel-1 product may have in any mode: a number beyond is damage. */
static const struct xml_field state_fields[] = {
    XML_TIME(struct sar_state, time_ns, "time"),
    XML_NUMBER(struct sar_state, position[0], "position/x", -8e6, 8e6),
    XML_NUMBER(struct sar_state, position[1], "position/y", -8e6, 8e6),
    XML_NUMBER(struct sar_state, position[2], "position/z", -8e6, 8e6),
    XML_NUMBER(struct sar_state, velocity[0], "velocity/x", -9e3, 9e3),
    XML_NUMBER(struct sar_state, velocity[1], "velocity/y", -9e3, 9e3),
    XML_NUMBER(struct sar_state, velocity[2], "velocity/z", -9e3, 9e3),
    { .path = NULL },
};

static const struct xml_field ground_range_fields[] = {
    XML_TIME(struct sar_ground_range, time_ns, "azimuthTime"),
    XML_NUMBER(struct sar_ground_range, sr0, "sr0", 5e5, 2e6),
    XML_NUMBER(struct sar_ground_range, gr0, "gr0", -1e6, 1e6),
    XML_NUMBERS(struct sar_ground_range, srgr, n_srgr, "srgrCoefficients", .min = -1e8, .max = 1e8),
    XML_NUMBERS(struct sar_ground_range, grsr, n_grsr, "grsrCoefficients", .min = -1e8, .max = 1e8),
    { .path = NULL },
};

static const struct xml_field grid_fields[] = {
    XML_TIME(struct sar_grid_point, time_ns, "azimuthTime"),
    XML_NUMBER(struct sar_grid_point, slant_range_time, "slantRangeTime", 1e-3, 1e-1),
    XML_NUMBER(struct sar_grid_point, line, "line", -1e6, 1e6),
    XML_NUMBER(struct sar_grid_point, pixel, "pixel", -1e6, 1e6),
    XML_NUMBER(struct sar_grid_point, latitude, "latitude", -90, 90),
    XML_NUMBER(struct sar_grid_point, longitude, "longitude", -180, 180),
    XML_NUMBER(struct sar_grid_point, height, "height", -1000, 10000),
    XML_NUMBER(struct sar_grid_point, incidence, "incidenceAngle", 0, 90),
    XML_NUMBER(struct sar_grid_point, elevation, "elevationAngle", 0, 90),
    { .path = NULL },
};

#define IMAGE "imageAnnotation/imageInformation/"
static const struct xml_field image_fields[] = {
    XML_WORD(struct sar_annotation, mission, "adsHeader/missionId"),
    XML_WORD(struct sar_annotation, product_type, "adsHeader/productType"),
    XML_WORD(struct sar_annotation, polarisation, "adsHeader/polarisation"),
    XML_WORD(struct sar_annotation, mode, "adsHeader/mode"),
    XML_WORD(struct sar_annotation, swath, "adsHeader/swath"),
    XML_WHOLE(struct sar_annotation, absolute_orbit, "adsHeader/absoluteOrbitNumber", 1, 1e6),
    XML_WORD(struct sar_annotation, pass, "generalAnnotation/productInformation/pass"),
    XML_TIME(struct sar_annotation, first_line_ns, IMAGE "productFirstLineUtcTime"),
    XML_TIME(struct sar_annotation, last_line_ns, IMAGE "productLastLineUtcTime"),
    XML_NUMBER(struct sar_annotation, azimuth_interval, IMAGE "azimuthTimeInterval", 1e-5, 0.1),
    XML_NUMBER(struct sar_annotation, azimuth_frequency, IMAGE "azimuthFrequency", 1, 1e5),
    XML_WHOLE(struct sar_annotation, lines, IMAGE "numberOfLines", 2, 1000000),
    XML_WHOLE(struct sar_annotation, samples, IMAGE "numberOfSamples", 2, 200000),
    XML_NUMBER(struct sar_annotation, range_spacing, IMAGE "rangePixelSpacing", 0.5, 500),
    XML_NUMBER(struct sar_annotation, azimuth_spacing, IMAGE "azimuthPixelSpacing", 0.5, 500),
    XML_NUMBER(struct sar_annotation, slant_range_time, IMAGE "slantRangeTime", 1e-3, 1e-1),
    { .path = NULL },
};

static const struct xml_record records[] = {
    XML_ROOT("product", image_fields),
    XML_ARRAY(struct sar_annotation, states, n_states, "product/generalAnnotation/orbitList/orbit", state_fields, 4,
              MOST_STATES),
    XML_ARRAY(struct sar_annotation, ground_ranges, n_ground_ranges,
              "product/coordinateConversion/coordinateConversionList/coordinateConversion", ground_range_fields, 0,
              MOST_GROUND_RANGES),
    XML_ARRAY(struct sar_annotation, grid, n_grid,
              "product/geolocationGrid/geolocationGridPointList/geolocationGridPoint", grid_fields, 0,
              MOST_GRID_POINTS),
    { .path = NULL },
};

double sar_annotation_seconds(const struct sar_annotation *annotation, int64_t time_ns)
{
    return (double)(time_ns - annotation->first_line_ns) * 1e-9;
}

static double norm(const double v[3])
{
    return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (!strcmp(word, *words))
            return true;
    return false;
}

static bool check_words(const struct sar_annotation *a, const char *name, struct err *err)
{
    static const char *const polarisations[] = { "VV", "VH", "HH", "HV", NULL };
    static const char *const passes[] = { "Ascending", "Descending", NULL };

    if (a->mission[0] != 'S' || a->mission[1] != '1')
        return err_set(err, ERR_FileContentInvalid, "%s: the mission is '%s', expected a Sentinel-1", name, a->mission);
    if (!is_one_of(a->polarisation, polarisations))
        return err_set(err, ERR_FileContentInvalid, "%s: the polarisation is '%s', expected VV, VH, HH or HV", name,
                       a->polarisation);
    return is_one_of(a->pass, passes) ||
           err_set(err, ERR_FileContentInvalid, "%s: the pass is '%s', expected Ascending or Descending", name, a->pass);
}

/* Times of lines are written in microseconds: the last one may be off by a line, no more. Only an image in ground range has
 * lines that follow each other in time; what a processor has not joined consists of bursts. */
static bool check_image(const struct sar_annotation *a, const char *name, struct err *err)
{
    double last = sar_annotation_seconds(a, a->last_line_ns) / a->azimuth_interval;

    if (last < 1)
        return err_set(err, ERR_FileContentInvalid, "%s: the last line is not later than the first", name);
    if (strcmp(a->product_type, "GRD"))
        return true;
    if (fabs(last - (double)(a->lines - 1)) > 1)
        return err_set(err, ERR_FileContentInvalid,
                       "%s: by its times the last line is line %.2f, but there are %lld lines", name, last,
                       (long long)a->lines);
    return a->n_ground_ranges > 0 ||
           err_set(err, ERR_FileContentInvalid, "%s: has no conversion of slant to ground range", name);
}

static bool check_states(const struct sar_annotation *a, const char *name, struct err *err)
{
    for (size_t i = 0; i < a->n_states; i++) {
        const struct sar_state *s = &a->states[i];

        if (i > 0 && s->t <= s[-1].t)
            return err_set(err, ERR_FileContentInvalid, "%s: orbit %zu is not later than the one before", name, i + 1);
        if (fabs(s->t) > 86400)
            return err_set(err, ERR_FileContentInvalid, "%s: orbit %zu lies %.0f s from the first line", name, i + 1,
                           s->t);
        if (norm(s->position) < 6.9e6 || norm(s->position) > 7.3e6)
            return err_set(err, ERR_FileContentInvalid,
                           "%s: orbit %zu is %.0f m from the centre of the earth, expected 6900000 to 7300000", name,
                           i + 1, norm(s->position));
        if (norm(s->velocity) < 7e3 || norm(s->velocity) > 8.2e3)
            return err_set(err, ERR_FileContentInvalid, "%s: orbit %zu has a speed of %.0f m/s, expected 7000 to 8200",
                           name, i + 1, norm(s->velocity));
    }
    return true;
}

static bool check_ground_ranges(const struct sar_annotation *a, const char *name, struct err *err)
{
    for (size_t i = 0; i < a->n_ground_ranges; i++) {
        const struct sar_ground_range *g = &a->ground_ranges[i];

        if (i > 0 && g->t <= g[-1].t)
            return err_set(err, ERR_FileContentInvalid, "%s: coordinateConversion %zu is not later than the one before",
                           name, i + 1);
        if (g->n_srgr < 2 || g->n_grsr < 2)
            return err_set(err, ERR_FileContentInvalid,
                           "%s: coordinateConversion %zu has %d and %d coefficients, expected 2 to %d of each", name,
                           i + 1, g->n_srgr, g->n_grsr, SAR_POLYNOMIAL);
    }
    return true;
}

bool sar_annotation_read(const char *bytes, size_t size, const char *name, struct arena *arena,
                         struct sar_annotation *ret_annotation, struct err *err)
{
    struct sar_annotation a = { 0 };

    if (!xml_read_records(bytes, size, name, records, arena, &a, err))
        return false;
    for (size_t i = 0; i < a.n_states; i++)
        a.states[i].t = sar_annotation_seconds(&a, a.states[i].time_ns);
    for (size_t i = 0; i < a.n_ground_ranges; i++)
        a.ground_ranges[i].t = sar_annotation_seconds(&a, a.ground_ranges[i].time_ns);
    for (size_t i = 0; i < a.n_grid; i++)
        a.grid[i].t = sar_annotation_seconds(&a, a.grid[i].time_ns);
    a.ascending = a.pass[0] == 'A';
    if (!check_words(&a, name, err) || !check_image(&a, name, err) || !check_states(&a, name, err) ||
        !check_ground_ranges(&a, name, err))
        return false;
    *ret_annotation = a;
    return true;
}
