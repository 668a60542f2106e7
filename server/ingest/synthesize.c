/* The ground is fixed: smooth noise decides between water, forest, field and bare soil, and gives
 * each pixel one reflectance a band. Each date lays clouds and, shifted, their shadows over it. A
 * pixel that the scene classification calls clear holds the ground's value exactly, so the median
 * over clear dates is the ground wherever there was a clear date: the truth is counted from the masks
 * and the ground, not computed by the engine that it tests. Clouds are decided on the 20 m cells of
 * the classification, as in real products. */
#include "base/folder.h"
#include "ingest/synthesize.h"
#include "base/instant.h"
#include "base/mem.h"
#include "base/text.h"
#include "ingest/parts.h"
#include "ingest/sentinel2.h"
#include "raster/probe.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { BANDS = 4, CLASS_CLOUD = 9, CLASS_SHADOW = 3, SHADOW_CELLS = 12 };

static const size_t band_index[BANDS] = { 1, 2, 3, 7 }; /* in sentinel2_bands */
static const struct { int scl; double low, high; uint16_t base[BANDS], spread[BANDS]; } covers[] = {
    { 6, 0.00, 0.30, { 420, 380, 260, 150 }, { 80, 90, 60, 60 } },        /* water */
    { 4, 0.30, 0.62, { 230, 420, 280, 3300 }, { 60, 110, 90, 900 } },     /* forest */
    { 4, 0.62, 0.85, { 420, 780, 640, 3900 }, { 120, 200, 260, 1100 } },  /* field */
    { 5, 0.85, 1.01, { 980, 1350, 1720, 2450 }, { 220, 280, 340, 420 } }, /* bare soil */
};

struct world {
    const struct synthesis *how;
    size_t size, cells; /* pixels and 20 m cells on a side */
    struct grid grid, coarse;
    uint16_t *ground[BANDS];
    uint8_t *cover, *clear_dates, *scl; /* by cell */
    uint16_t *pixels;
};

/* ---- noise ---- */

static double hash(int64_t seed, int64_t x, int64_t y)
{
    uint64_t h = (uint64_t)seed * 0x9e3779b97f4a7c15u ^ (uint64_t)x * 0xbf58476d1ce4e5b9u ^
                 (uint64_t)y * 0x94d049bb133111ebu;

    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    return (double)((h ^ h >> 31) >> 11) / 9007199254740992.0;
}

/* Between lattice points, smoothly. */
static double lattice(int64_t seed, double x, double y)
{
    int64_t i = (int64_t)floor(x), j = (int64_t)floor(y);
    double u = x - (double)i, v = y - (double)j;

    u = u * u * (3 - 2 * u), v = v * v * (3 - 2 * v);
    return (hash(seed, i, j) * (1 - u) + hash(seed, i + 1, j) * u) * (1 - v) +
           (hash(seed, i, j + 1) * (1 - u) + hash(seed, i + 1, j + 1) * u) * v;
}

static double noise(int64_t seed, double x, double y)
{
    double sum = 0, weight = 0.5;

    for (int octave = 0; octave < 4; octave++, weight /= 2, x *= 2, y *= 2)
        sum += weight * lattice(seed + octave, x, y);
    double stretched = (sum / 0.9375 - 0.5) * 1.9 + 0.5;

    return stretched < 0 ? 0 : stretched > 1 ? 1 : stretched;
}

/* ---- ground ---- */

static size_t cover_of(double value)
{
    size_t k = 0;

    while (k + 1 < ARRAY_LEN(covers) && value >= covers[k].high)
        k++;
    return k;
}

static void make_ground(struct world *w)
{
    int64_t seed = w->how->seed;

    for (size_t row = 0; row < w->cells; row++)
        for (size_t column = 0; column < w->cells; column++)
            w->cover[row * w->cells + column] =
                (uint8_t)cover_of(noise(seed, (double)column / 90, (double)row / 90));
    for (size_t row = 0; row < w->size; row++) {
        for (size_t column = 0; column < w->size; column++) {
            size_t k = w->cover[row / 2 * w->cells + column / 2];

            for (size_t b = 0; b < BANDS; b++) {
                double part = hash(seed + 1000 + (int64_t)b, (int64_t)column, (int64_t)row);

                w->ground[b][row * w->size + column] =
                    (uint16_t)(covers[k].base[b] + part * covers[k].spread[b]);
            }
        }
    }
}

/* ---- one date ---- */

static bool is_cloud(const struct world *w, int64_t date, double column, double row)
{
    /* some dates are nearly clear, others nearly covered */
    double threshold = 0.35 + 0.5 * hash(w->how->seed + 77, date, 0);

    return noise(w->how->seed + 5000 + 17 * date, column / 60, row / 60) > threshold;
}

static void make_classes(struct world *w, int64_t date)
{
    for (size_t row = 0; row < w->cells; row++) {
        for (size_t column = 0; column < w->cells; column++) {
            size_t i = row * w->cells + column;
            double x = (double)column, y = (double)row;

            w->scl[i] = is_cloud(w, date, x, y) ? CLASS_CLOUD
                        : is_cloud(w, date, x + SHADOW_CELLS, y + SHADOW_CELLS)
                            ? CLASS_SHADOW
                            : (uint8_t)covers[w->cover[i]].scl;
            w->clear_dates[i] += w->scl[i] != CLASS_CLOUD && w->scl[i] != CLASS_SHADOW;
        }
    }
}

static void make_band(struct world *w, int64_t date, size_t b)
{
    for (size_t row = 0; row < w->size; row++) {
        for (size_t column = 0; column < w->size; column++) {
            size_t i = row * w->size + column;
            uint8_t class = w->scl[row / 2 * w->cells + column / 2];
            double grain = hash(w->how->seed + 31 * date, (int64_t)column, (int64_t)row);
            uint16_t ground = w->ground[b][i];

            w->pixels[i] = class == CLASS_CLOUD    ? (uint16_t)(4200 + 3000 * grain)
                           : class == CLASS_SHADOW ? (uint16_t)(ground * (0.3 + 0.1 * grain) + 1)
                                                  : ground;
        }
    }
}

static double cloud_percent(const struct world *w)
{
    size_t cloudy = 0;

    for (size_t i = 0; i < w->cells * w->cells; i++)
        cloudy += w->scl[i] == CLASS_CLOUD;
    return 100.0 * (double)cloudy / (double)(w->cells * w->cells);
}

/* ---- STAC ---- */

static void put_grid(json_t *asset, const struct grid *g)
{
    json_object_set_new(asset, "gsd", json_integer((json_int_t)g->dx));
    json_object_set_new(asset, "proj:shape", json_pack("[I,I]", (json_int_t)g->height,
                                                       (json_int_t)g->width));
    json_object_set_new(asset, "proj:transform", json_pack("[f,i,f,i,f,f]", g->dx, 0, g->x0, 0, -g->dy,
                                                           g->y0));
}

static json_t *add_asset(json_t *item, const char *key, const struct grid *grid, const char *type)
{
    AUTO(mem) char *href = mem_printf("./%s.tif", key);
    json_t *asset = json_pack("{s:s,s:s,s:s,s:[s],s:[{s:s,s:i,s:f}]}", "href", href, "title", key, "type",
                              "image/tiff; application=geotiff; profile=cloud-optimized", "roles", "data",
                              "raster:bands", "data_type", type, "nodata", 0, "spatial_resolution", grid->dx);

    put_grid(asset, grid);
    json_object_set_new(json_object_get(item, "assets"), key, asset);
    return asset;
}

static bool make_item(const struct world *w, const char *id, const char *datetime, json_t **ret_item,
                      struct err *err)
{
    static const char *const extensions[] = {
        "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
        "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
        "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
        "https://stac-extensions.github.io/classification/v1.1.0/schema.json", NULL
    };
    json_t *item, *p, *asset;
    struct ring ring = { .n = 4 };
    double corners[4][2], bbox[4];

    if (!raster_corners(&w->grid, corners, err))
        return false;
    memcpy(ring.at, corners, sizeof corners);
    item = item_new(id, SYNTHETIC_COLLECTION, extensions);
    json_object_set_new(item, "geometry", footprint_geometry(&ring, bbox));
    item_put_bbox(item, bbox);
    p = json_object_get(item, "properties");
    item_put_text(p, "datetime", datetime);
    item_put_text(p, "title", "Synthetic scene, not a measurement");
    item_put_text(p, "description", "Made up in the form of Sentinel-2 Level-2A; no satellite saw this.");
    json_object_set_new(p, "sentier:synthetic", json_true());
    item_put_text(p, "platform", "synthetic");
    item_put_text(p, "constellation", "synthetic");
    item_put_number(p, "gsd", 10);
    item_put_number(p, "proj:epsg", w->grid.epsg);
    item_put_number(p, "eo:cloud_cover", cloud_percent(w));
    item_stamp(item);
    for (size_t b = 0; b < BANDS; b++) {
        const struct sentinel2_band *band = &sentinel2_bands[band_index[b]];

        asset = add_asset(item, band->name, &w->grid, "uint16");
        json_object_set_new(asset, "eo:bands", sentinel2_eo_bands(band));
        item_put_number(json_array_get(json_object_get(asset, "raster:bands"), 0), "scale", 0.0001);
        item_put_number(json_array_get(json_object_get(asset, "raster:bands"), 0), "offset", 0);
    }
    asset = add_asset(item, "SCL", &w->coarse, "uint8");
    json_object_set_new(asset, "classification:classes", sentinel2_scl_classes());
    *ret_item = item;
    return true;
}

static bool write_json(const json_t *json, const char *path, struct err *err)
{
    return json_dump_file(json, path, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) == 0 ||
           err_set(err, ERR_StorageFailure, "%s: cannot be written: %m", path);
}

static bool write_images(struct world *w, int64_t date, const char *folder, struct err *err)
{
    for (size_t b = 0; b < BANDS; b++) {
        AUTO(mem) char *path = mem_printf("%s/%s.tif", folder, sentinel2_bands[band_index[b]].name);

        make_band(w, date, b);
        if (!raster_write(path, &w->grid, PIXEL_U16, 0, w->pixels, false, err))
            return false;
    }
    AUTO(mem) char *path = mem_printf("%s/SCL.tif", folder);

    return raster_write(path, &w->coarse, PIXEL_U8, 0, w->scl, true, err);
}

static bool make_date(struct world *w, int64_t date, const char *folder, struct err *err)
{
    char datetime[INSTANT_TEXT_SIZE];
    int64_t at = (instant_days(2024, 6, 1) + 5 * date) * 86400000 + 36000000;
    AUTO(json) json_t *item = NULL;

    instant_format(at, datetime);
    AUTO(mem) char *id = mem_printf("SYNTHETIC_33TWL_%.4s%.2s%.2s", datetime, datetime + 5, datetime + 8);
    AUTO(mem) char *place = mem_printf("%s/%s", folder, id);
    AUTO(mem) char *json = mem_printf("%s/%s.json", place, id);

    make_classes(w, date);
    return folder_make(place, err) && write_images(w, date, place, err) &&
           make_item(w, id, datetime, &item, err) && write_json(item, json, err);
}

/* ---- truth ---- */

static void add_expected(json_t *expected, const char *name, double value, double tolerance)
{
    json_object_set_new(expected, name, json_pack("[f,f]", value, tolerance));
}

static json_t *truth(const struct world *w)
{
    json_t *expected = json_object();
    double sum[BANDS] = { 0 }, ndvi = 0;
    size_t valid = 0;

    for (size_t i = 0; i < w->size * w->size; i++) {
        double red = w->ground[2][i], nir = w->ground[3][i];

        if (!w->clear_dates[i / w->size / 2 * w->cells + i % w->size / 2])
            continue;
        valid++;
        for (size_t b = 0; b < BANDS; b++)
            sum[b] += w->ground[b][i];
        ndvi += (nir - red) / (nir + red);
    }
    for (size_t b = 0; b < BANDS; b++)
        add_expected(expected, sentinel2_bands[band_index[b]].name, sum[b] / (double)valid, 0.01);
    add_expected(expected, "ndvi", ndvi / (double)valid, 0.0001);
    add_expected(expected, "valid_percent", 100.0 * (double)valid / (double)(w->size * w->size), 0.001);
    return json_pack("{s:s,s:s,s:I,s:o}", "collection", SYNTHETIC_COLLECTION, "title",
                     "Truth of synthetic scenes (no measurements): the median over valid dates", "scenes",
                     (json_int_t)w->how->dates, "expected", expected);
}

static void world_done(struct world *w)
{
    for (size_t b = 0; b < BANDS; b++)
        free(w->ground[b]);
    free(w->cover);
    free(w->clear_dates);
    free(w->scl);
    free(w->pixels);
}

bool synthesize(const char *folder, const struct synthesis *how, struct err *err)
{
    size_t size = (size_t)how->size, cells = size / 2;
    struct world w = { .how = how, .size = size, .cells = cells };
    AUTO(mem) char *path = mem_printf("%s/truth.json", folder);
    bool good = folder_make(folder, err);

    w.grid = (struct grid){ .epsg = 32633, .x0 = 499980, .y0 = 5100000, .dx = 10, .dy = 10,
                            .width = how->size, .height = how->size };
    w.coarse = (struct grid){ .epsg = 32633, .x0 = 499980, .y0 = 5100000, .dx = 20, .dy = 20,
                              .width = how->size / 2, .height = how->size / 2 };
    for (size_t b = 0; b < BANDS; b++)
        w.ground[b] = mem_array(size * size, sizeof *w.ground[b]);
    w.cover = mem_array(cells * cells, 1), w.clear_dates = mem_array(cells * cells, 1);
    w.scl = mem_array(cells * cells, 1), w.pixels = mem_array(size * size, sizeof *w.pixels);
    make_ground(&w);
    for (int64_t date = 0; good && date < how->dates; date++)
        good = make_date(&w, date, folder, err);
    if (good) {
        AUTO(json) json_t *json = truth(&w);

        good = write_json(json, path, err);
    }
    world_done(&w);
    return good;
}
