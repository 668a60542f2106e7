/* Documents of Sentinel-1 products: reading one answers a struct whose numbers can be computed with, or a message. An element in
 * the document says which reader gets it. */
#include "sar/eof.h"
#include "sar/product.h"
#include "sar/radiometry.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SAMPLES = 500 };

static bool judged(bool good, const struct err *err)
{
    if (!good && (!err->message[0] || err->code == ERR_None))
        abort();
    return good;
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void read_annotation(const char *bytes, size_t size, struct arena *arena)
{
    struct sar_annotation a;
    struct err err = { 0 };

    if (!judged(sar_annotation_read(bytes, size, "fuzz", arena, &a, &err), &err))
        return;
    for (size_t i = 0; i < a.n_states; i++)
        must(isfinite(a.states[i].t) && (i == 0 || a.states[i].t > a.states[i - 1].t));
    for (size_t i = 0; i < a.n_ground_ranges; i++)
        must(a.ground_ranges[i].n_srgr <= SAR_POLYNOMIAL && isfinite(a.ground_ranges[i].srgr[0]));
    must(a.lines > 1 && a.samples > 1 && a.azimuth_interval > 0);
}

/* Blocks of it are computed: no number in them may be anything but 0 or data. */
static void read_tables(const char *bytes, size_t size, struct arena *arena)
{
    static const double at[] = { 0, 100 }, a[] = { 400, 500 };
    struct sar_calibration_vector vector = { .line = 5, .n_pixels = 2, .n_values = { 2, 2, 2 }, .pixels = at, .values = { a, a, a } };
    struct sar_calibration calibration = { .n_vectors = 1, .vectors = &vector };
    bool is_noise = memmem(bytes, size, "noise", 5) != NULL;
    AUTO(sar_radiometry) struct sar_radiometry *r = NULL;
    struct sar_noise noise;
    struct err err = { 0 };
    uint16_t dn[SAMPLES];
    float power[SAMPLES];

    if (!judged(is_noise ? sar_noise_read(bytes, size, "fuzz", arena, &noise, &err)
                         : sar_calibration_read(bytes, size, "fuzz", arena, &calibration, &err), &err))
        return;
    must(calibration.n_vectors < 1000 && sar_radiometry_new(&calibration, is_noise ? &noise : NULL, SAR_GAMMA0, SAMPLES, &r, &err));
    for (size_t x = 0; x < SAMPLES; x++)
        dn[x] = (uint16_t)(x * 131);
    for (int64_t line = -10; line < 20000; line += 997) {
        sar_radiometry_block(r, &(struct sar_window){ line, 0, SAMPLES, 1 }, dn, power);
        for (size_t x = 0; x < SAMPLES; x++)
            must(dn[x] ? power[x] >= SAR_LEAST_POWER && isfinite(power[x]) : power[x] == 0);
    }
}

static void read_orbits(const char *bytes, size_t size, struct arena *arena)
{
    struct sar_annotation a = { .mission = "S1A" };
    struct sar_orbit_file file;
    struct err err = { 0 };

    if (!judged(sar_orbit_file_read(bytes, size, "fuzz", arena, &file, &err), &err))
        return;
    a.first_line_ns = file.states[0].time_ns + 20000000000;
    a.last_line_ns = a.first_line_ns + 25000000000;
    if (judged(sar_orbit_file_apply(&file, arena, &a, &err), &err))
        must(a.n_states >= 8 && a.states[0].t <= 0 && a.states[a.n_states - 1].t >= 25);
}

static void read_manifest(const char *bytes, size_t size)
{
    struct sar_product p = { 0 };
    struct err err = { 0 };

    if (judged(sar_manifest_read(bytes, size, "fuzz", &p, &err), &err))
        must(p.relative_orbit >= 1 && p.relative_orbit <= 175 && p.stop_ns > p.start_ns && p.ipf >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) struct arena *arena = arena_new();
    const char *bytes = (const char *)data;

    if (memmem(bytes, size, "<product", 8))
        read_annotation(bytes, size, arena);
    else if (memmem(bytes, size, "<calibration", 12) || memmem(bytes, size, "<noise", 6))
        read_tables(bytes, size, arena);
    else if (memmem(bytes, size, "<Earth", 6))
        read_orbits(bytes, size, arena);
    else
        read_manifest(bytes, size);
    return 0;
}
