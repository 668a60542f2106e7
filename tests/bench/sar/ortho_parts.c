/* What `sentier ortho` consists of, for the benchmark:
 *   ortho_parts floor PRODUCT POLARISATION DEM EPSG LEFT TOP THREADS OUT
 *       reads the part of the image that the grid lies on, and writes the COG of a frame that was made before: no geometry
 *       between them. Prints seconds of reading and of writing.
 *   ortho_parts places PRODUCT POLARISATION DEM EPSG LEFT TOP SIDE OUT
 *       lines and columns of SIDE x SIDE pixels of 10 m as floats: first all lines. */
#include "base/crew.h"
#include "base/instant.h"
#include "raster/engine.h"
#include "sar/lattice.h"
#include "sar/measurement.h"
#include "sar/mgrs.h"
#include "sar/ortho.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TILE = MGRS_SIDE / 10, STRIP = 512 };

struct ground {
    struct arena *arena;
    struct sar_product *product;
    const struct sar_image *image;
    struct sar_annotation annotation;
    struct view *view;
    struct grid grid;
    struct sar_window window; /* of the image, under the grid */
};

static void fail(const struct err *err)
{
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static void scene_open(struct ground *s, char **words, const char *epsg, const char *left, const char *top, int side)
{
    struct err err = { 0 };

    s->arena = arena_new();
    if (!sar_product_open(words[0], &s->product, &err))
        fail(&err);
    s->image = sar_product_image(s->product, words[1]);
    if (!s->image || !sar_image_annotation(s->product, s->image, s->arena, &s->annotation, &err) ||
        !view_new(&s->annotation, NULL, 0, GROUND_RANGE_LINEAR, &s->view, &err))
        fail(&err);
    s->grid = (struct grid){ atoi(epsg), atof(left), atof(top), 10, 10, side, side };
}

/* ---- the floor ---- */

static bool begin(void *context, void **ret_own, struct err *err)
{
    struct ground *s = context;
    struct sar_measurement *measurement;

    if (!sar_measurement_open(s->product, s->image, &s->annotation, NULL, &measurement, err))
        return false;
    *ret_own = measurement;
    return true;
}

static void end(void *context, void *own)
{
    (void)context;
    sar_measurement_free(own);
}

static bool read_strip(void *context, void *own, size_t unit, struct err *err)
{
    struct ground *s = context;
    struct sar_window strip = s->window;
    AUTO(mem) uint16_t *dn = malloc(STRIP * strip.width * sizeof *dn);

    strip.line += (int64_t)unit * STRIP;
    strip.height = s->window.height - unit * STRIP < STRIP ? s->window.height - unit * STRIP : STRIP;
    return sar_measurement_read(own, &strip, dn, err);
}

/* The columns and lines of the grid's outline at the height of the sea. */
static void find_window(struct ground *s)
{
    double left = INFINITY, right = 0, top = INFINITY, bottom = 0;
    AUTO(crs) struct crs *crs = crs_open();
    AUTO(mem) char *name = mem_printf("EPSG:%d", s->grid.epsg);

    for (int i = 0; i < 121; i++) {
        double x = s->grid.x0 + TILE * (double)(i % 11), y = s->grid.y0 - TILE * (double)(int)(i / 11);
        struct view_place place;

        if (!crs_transform(crs, name, "EPSG:4326", 1, &x, &y) || !view_find(s->view, y, x, 0, &place))
            continue;
        left = fmin(left, place.column);
        right = fmax(right, place.column);
        top = fmin(top, place.line);
        bottom = fmax(bottom, place.line);
    }
    left = fmax(left, 0);
    top = fmax(top, 0);
    s->window = (struct sar_window){ (int64_t)top, (int64_t)left, (size_t)(fmin(right, (double)s->annotation.samples) - left),
                                     (size_t)(fmin(bottom, (double)s->annotation.lines) - top) };
}

static void make_frame(const struct ground *s, char **words, float *pixels)
{
    const struct ortho_options options = { .calibration = "gamma0", .resampling = "near", .remove_noise = true, .dem = words[2],
                                           .geoid = DEM_GEOID, .threads = 2 };
    struct ortho_frame frame = { .product = words[0], .polarisation = words[1], .grid = s->grid };
    struct ortho_facts facts;
    struct err err = { 0 };

    if (!ortho_frame_add(&frame, &options, pixels, &facts, &err))
        fail(&err);
}

static int floor_of(char **words)
{
    struct ground s = { 0 };
    struct crew_work work = { .threads = atoi(words[6]), .context = &s, .begin = begin, .end = end, .unit = read_strip };
    struct ortho_file file = { .filter = { .kind = SPECKLE_NONE }, .band = "VV", .threads = work.threads };
    struct ortho_saved saved;
    AUTO(mem) float *pixels = NULL;
    struct err err = { 0 };
    int64_t at, read;

    scene_open(&s, words, words[3], words[4], words[5], TILE);
    find_window(&s);
    pixels = ortho_pixels_new(&s.grid, &err);
    if (!pixels)
        fail(&err);
    make_frame(&s, words, pixels);
    work.units = (s.window.height + STRIP - 1) / STRIP;
    file.grid = s.grid;
    at = instant_monotonic();
    if (!crew_run(&work, &err))
        fail(&err);
    read = instant_monotonic();
    if (!ortho_save(&file, &pixels, words[7], &saved, &err))
        fail(&err);
    printf("{\"read\": %.3f, \"write\": %.3f, \"columns\": %zu, \"lines\": %zu}\n", (double)(read - at) / 1e3,
           (double)(instant_monotonic() - read) / 1e3, s.window.width, s.window.height);
    return 0;
}

/* ---- places ---- */

static int places_of(char **words)
{
    struct ground s = { 0 };
    size_t side = (size_t)atoi(words[6]);
    struct dem_options options = { .path = words[2], .geoid = DEM_GEOID, .threads = 2 };
    AUTO(dem) struct dem *dem = NULL;
    AUTO(crs) struct crs *crs = crs_open();
    AUTO(lattice) struct lattice *lattice = NULL;
    AUTO(mem) float *heights = mem_array(side, sizeof *heights), *lines = mem_array(side * side, sizeof *lines);
    AUTO(mem) float *columns = mem_array(side * side, sizeof *columns);
    AUTO(mem) double *t = mem_array(side, sizeof *t), *range = mem_array(side, sizeof *range);
    struct lattice_want want = { .grid = &s.grid, .window = { 0, 0, side, side } };
    double line, column;
    struct err err = { 0 };
    FILE *file;

    scene_open(&s, words, words[3], words[4], words[5], (int)side);
    if (!dem_read(&options, &s.grid, &dem, &err))
        fail(&err);
    want.view = s.view;
    want.dem = dem;
    if (!lattice_new(&want, crs, &lattice, &err))
        fail(&err);
    lattice_origin(lattice, &line, &column);
    for (size_t y = 0; y < side; y++) {
        struct lattice_row row = { .heights = heights, .t = t, .range = range, .lines = lines + y * side,
                                   .columns = columns + y * side };

        lattice_row(lattice, y, &row);
    }
    for (size_t i = 0; i < side * side; i++) {
        lines[i] += (float)line;
        columns[i] += (float)column;
    }
    file = fopen(words[7], "wb");
    if (!file || fwrite(lines, sizeof *lines, side * side, file) != side * side ||
        fwrite(columns, sizeof *columns, side * side, file) != side * side || fclose(file) != 0) {
        perror(words[7]);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    raster_init();
    if (argc == 10 && !strcmp(argv[1], "floor"))
        return floor_of(argv + 2);
    if (argc == 10 && !strcmp(argv[1], "places"))
        return places_of(argv + 2);
    fprintf(stderr, "see the top of ortho_parts.c\n");
    return 2;
}
