/* Functions of server/sar/ for tests in Python:
 *   sar_tool tiles                      all tiles: name, EPSG code, left, top
 *   sar_tool find NAME ...              the same of these, or what is wrong with a name
 *   sar_tool cover LEAST FILE           tiles that the rings in a file ([[[lon, lat] ...] ...], the first is outer) cover, with percent
 *   sar_tool filter KIND RADIUS LOOKS DAMPING WIDTH HEIGHT LEFT TOP RET_WIDTH RET_HEIGHT      floats in, floats out
 *   sar_tool title TITLE ...            a product's title, and the name of a tile of it
 *   sar_tool calibrate PRODUCT POLARISATION QUANTITY yes|no LINE PIXEL WIDTH HEIGHT      a window as floats, noise removed or not */
#include "base/instant.h"
#include "raster/engine.h"
#include "sar/measurement.h"
#include "sar/mgrs.h"
#include "sar/names.h"
#include "sar/speckle.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static bool print_tile(void *context, const struct mgrs_tile *tile)
{
    (void)context;
    printf("%s %d %.0f %.0f\n", tile->id, tile->epsg, tile->left, tile->top);
    return true;
}

static int tiles(char **words)
{
    (void)words;
    mgrs_each(print_tile, NULL);
    return 0;
}

static int find(char **words)
{
    for (; *words; words++) {
        struct mgrs_tile tile;
        struct err err = { 0 };

        if (mgrs_find(*words, &tile, &err))
            print_tile(NULL, &tile);
        else
            printf("%s\n", err.message);
    }
    return 0;
}

static int cover(char **words)
{
    AUTO(arena) struct arena *arena = arena_new();
    json_t *json = json_load_file(words[1], 0, NULL), *points, *point;
    struct ring *rings = arena_array(arena, json_array_size(json), sizeof *rings);
    struct mgrs_cover *found;
    struct err err = { 0 };
    size_t i, k, count;

    json_array_foreach(json, i, points)
    {
        rings[i] = (struct ring){ .count = json_array_size(points), .outer = i == 0 };
        rings[i].x = arena_array(arena, rings[i].count, sizeof(double));
        rings[i].y = arena_array(arena, rings[i].count, sizeof(double));
        json_array_foreach(points, k, point)
        {
            rings[i].x[k] = json_number_value(json_array_get(point, 0));
            rings[i].y[k] = json_number_value(json_array_get(point, 1));
        }
    }
    if (mgrs_cover(rings, json_array_size(json), atof(words[0]), 2000, arena, &found, &count, &err))
        for (i = 0; i < count; i++)
            printf("%s %.6f\n", found[i].tile.id, found[i].percent);
    else
        printf("%s\n", err.message);
    json_decref(json);
    return 0;
}

static float *read_pixels(size_t n)
{
    float *pixels = mem_array(n, sizeof *pixels);

    if (fread(pixels, sizeof *pixels, n, stdin) != n)
        exit(2);
    return pixels;
}

static int filter(char **words)
{
    struct speckle_filter f = { .radius = atoi(words[1]), .looks = atof(words[2]), .damping = atof(words[3]) };
    struct speckle_part part = { .width = strtoul(words[4], NULL, 10), .height = strtoul(words[5], NULL, 10),
                                 .left = strtoul(words[6], NULL, 10), .top = strtoul(words[7], NULL, 10),
                                 .ret_width = strtoul(words[8], NULL, 10), .ret_height = strtoul(words[9], NULL, 10) };
    AUTO(mem) float *pixels = read_pixels(part.width * part.height);
    AUTO(mem) float *ret = mem_array(part.ret_width * part.ret_height, sizeof *ret);

    part.pixels = pixels;
    if (!speckle_find(words[0], &f.kind))
        return 2;
    speckle_run(&f, &part, ret);
    return fwrite(ret, sizeof *ret, part.ret_width * part.ret_height, stdout) == 0;
}

static void print_title(const struct product_title *t, const struct product_title *next)
{
    const struct ortho_name name = { .platform = t->platform, .tile = "31TCJ", .ascending = true, .relative_orbit = 8,
                                     .start_ms = t->start_ms, .joined = next && product_title_follows(t, next),
                                     .polarisation = t->polarisation[1] == 'V' ? "VV" : "HH", .suffix = "" };
    AUTO(mem) char *file = ortho_name(&name);
    char start[INSTANT_TEXT_SIZE], stop[INSTANT_TEXT_SIZE];
    const char *names[2];
    int count;

    product_title_polarisations(t, names, &count);
    printf("%s %s %c %s %s %s %d %s %s%s%s %s\n", t->platform, t->mode, t->resolution, t->polarisation,
           instant_format(t->start_ms, start), instant_format(t->stop_ms, stop), t->absolute_orbit, t->take, names[0],
           count > 1 ? "," : "", count > 1 ? names[1] : "", file);
}

static int title(char **words)
{
    for (; *words; words++) {
        struct product_title t, next;
        struct err err = { 0 }, none = { 0 };

        if (product_title_read(*words, &t, &err))
            print_title(&t, words[1] && product_title_read(words[1], &next, &none) ? &next : NULL);
        else
            printf("%s\n", err.message);
    }
    return 0;
}

static bool calibrated(char **words, const struct sar_window *window, float *power, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(sar_product) struct sar_product *product = NULL;
    AUTO(sar_measurement) struct sar_measurement *measurement = NULL;
    AUTO(sar_radiometry) struct sar_radiometry *radiometry = NULL;
    AUTO(mem) uint16_t *dn = mem_array(window->width * window->height, sizeof *dn);
    bool denoise = !strcmp(words[3], "yes");
    const struct sar_image *image;
    struct sar_annotation annotation;
    struct sar_calibration calibration;
    struct sar_noise noise;
    enum sar_quantity quantity;

    raster_init();
    if (!sar_quantity_find(words[2], &quantity) || !sar_product_open(words[0], &product, err))
        return false;
    image = sar_product_image(product, words[1]);
    if (!image || !sar_image_annotation(product, image, arena, &annotation, err) ||
        !sar_image_calibration(product, image, arena, &calibration, err) ||
        (denoise && !sar_image_noise(product, image, arena, &noise, err)) ||
        !sar_radiometry_new(&calibration, denoise ? &noise : NULL, quantity, annotation.samples, &radiometry, err) ||
        !sar_measurement_open(product, image, &annotation, NULL, &measurement, err) ||
        !sar_measurement_read(measurement, window, dn, err))
        return false;
    sar_radiometry_block(radiometry, window, dn, power);
    return true;
}

static int calibrate(char **words)
{
    const struct sar_window window = { atoll(words[4]), atoll(words[5]), (size_t)atoll(words[6]), (size_t)atoll(words[7]) };
    AUTO(mem) float *power = mem_array(window.width * window.height, sizeof *power);
    struct err err = { 0 };

    if (!calibrated(words, &window, power, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    fwrite(power, sizeof *power, window.width * window.height, stdout);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct { const char *name; int words; int (*run)(char **words); } rows[] = {
        { "tiles", 0, tiles }, { "find", 0, find }, { "cover", 2, cover }, { "filter", 10, filter },
        { "title", 0, title },   { "calibrate", 8, calibrate },
    };

    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(rows); i++)
        if (!strcmp(rows[i].name, argv[1]) && argc - 2 >= rows[i].words)
            return rows[i].run(argv + 2);
    return 2;
}
