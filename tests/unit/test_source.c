/* Reading against GDAL's own reading: both doors, windows, layers, other grids; and what may be read
 * at all. */
#include "base/mem.h"
#include "base/text.h"
#include "raster/engine.h"
#include "raster/load.h"
#include "raster/warp.h"
#include "tests/raster/files.h"
#include "tests/raster/plans.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define TILED "TILED=YES", "BLOCKXSIZE=128", "BLOCKYSIZE=128"

static const struct fixture {
    const char *name, *driver;
    GDALDataType type;
    int bands;
    bool fast; /* the fast door should open */
    const char *const *options;
} fixtures[] = {
    { "deflate2.tif", "GTiff", GDT_UInt16, 1, true,
      (const char *const[]){ TILED, "COMPRESS=DEFLATE", "PREDICTOR=2", NULL } },
    { "deflate1.tif", "GTiff", GDT_Int16, 1, true,
      (const char *const[]){ TILED, "COMPRESS=DEFLATE", NULL } },
    { "zstd2.tif", "GTiff", GDT_Byte, 1, true,
      (const char *const[]){ TILED, "COMPRESS=ZSTD", "PREDICTOR=2", NULL } },
    { "planar.tif", "GTiff", GDT_UInt16, 3, true,
      (const char *const[]){ TILED, "COMPRESS=DEFLATE", "INTERLEAVE=BAND", "PREDICTOR=2", NULL } },
    { "big.tif", "GTiff", GDT_UInt16, 1, true,
      (const char *const[]){ TILED, "COMPRESS=DEFLATE", "BIGTIFF=YES", NULL } },
    { "sparse.tif", "GTiff", GDT_UInt16, 1, true,
      (const char *const[]){ "TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16", "COMPRESS=DEFLATE",
                             "SPARSE_OK=TRUE", NULL } },
    { "cog.tif", "COG", GDT_UInt16, 1, true,
      (const char *const[]){ "COMPRESS=DEFLATE", "PREDICTOR=YES", "BLOCKSIZE=128", NULL } },
    { "pixels.tif", "GTiff", GDT_UInt16, 3, false,
      (const char *const[]){ TILED, "COMPRESS=DEFLATE", "INTERLEAVE=PIXEL", NULL } },
    { "endian.tif", "GTiff", GDT_UInt16, 1, false,
      (const char *const[]){ TILED, "COMPRESS=DEFLATE", "ENDIANNESS=BIG", NULL } },
    { "lzw.tif", "GTiff", GDT_UInt16, 1, false,
      (const char *const[]){ TILED, "COMPRESS=LZW", "PREDICTOR=2", NULL } },
    { "plain.tif", "GTiff", GDT_Float64, 1, false, (const char *const[]){ TILED, NULL } },
    { "float3.tif", "GTiff", GDT_Float32, 1, false,
      (const char *const[]){ TILED, "COMPRESS=DEFLATE", "PREDICTOR=3", NULL } },
    { "bits.tif", "GTiff", GDT_UInt16, 1, false,
      (const char *const[]){ TILED, "COMPRESS=DEFLATE", "NBITS=12", NULL } },
    { "strips.tif", "GTiff", GDT_UInt16, 1, false,
      (const char *const[]){ "BLOCKYSIZE=5", "COMPRESS=DEFLATE", NULL } },
    { "tall.tif", "GTiff", GDT_UInt16, 1, true,
      (const char *const[]){ "BLOCKYSIZE=64", "COMPRESS=DEFLATE", NULL } },
    { "jpeg2000.tif", "JP2OpenJPEG", GDT_UInt16, 1, false,
      (const char *const[]){ "QUALITY=100", "REVERSIBLE=YES", "BLOCKXSIZE=128", "BLOCKYSIZE=128",
                             NULL } },
};
enum { WIDTH = 304, HEIGHT = 250 };

static int make_fixtures(void **state)
{
    (void)state;
    srand(3);
    raster_init();
    make_folder();
    for (size_t i = 0; i < ARRAY_LEN(fixtures); i++)
        write_file(fixtures[i].name, fixtures[i].driver, WIDTH, HEIGHT, fixtures[i].bands,
                   fixtures[i].type, 500000, 5100000, 10, fixtures[i].options);
    return 0;
}

/* ---- both doors ---- */

static void check_window(struct source_pool *pool, const struct fixture *f, int band, int x, int y,
                         int width, int height)
{
    AUTO(mem) char *path = path_of(f->name);
    size_t size = (size_t)GDALGetDataTypeSizeBytes(f->type) * (size_t)width * (size_t)height;
    AUTO(mem) char *got = mem_alloc(size);
    AUTO(mem) char *want = mem_alloc(size);
    GDALDatasetH dataset = GDALOpen(path, GA_ReadOnly);
    struct source source;
    struct err err = { 0 };

    if (!source_open(pool, path, band, &source, &err) ||
        !source_read(pool, &source, x, y, (size_t)width, (size_t)height, got, &err))
        fail_msg("%s: %s", f->name, err.message);
    if (GDALRasterIO(GDALGetRasterBand(dataset, band), GF_Read, x, y, width, height, want, width,
                     height, f->type, 0, 0) != CE_None)
        fail_msg("GDAL cannot read %s", f->name);
    GDALClose(dataset);
    if (memcmp(got, want, size) != 0)
        fail_msg("%s band %d at %d, %d of %d x %d differs", f->name, band, x, y, width, height);
}

static void both_doors_read_what_gdal_reads(void **state)
{
    struct raster_options options = { 0 };

    (void)state;
    for (int gdal_only = 0; gdal_only < 2; gdal_only++)
        for (size_t i = 0; i < ARRAY_LEN(fixtures); i++) {
            AUTO(source_pool) struct source_pool *pool = source_pool_new(&options, 100000);

            if (gdal_only)
                source_pool_use_gdal_only(pool);
            for (int band = 1; band <= fixtures[i].bands; band++) {
                check_window(pool, &fixtures[i], band, 0, 0, WIDTH, HEIGHT);
                check_window(pool, &fixtures[i], band, 128, 0, 128, 256 > HEIGHT ? 128 : 256);
                for (int k = 0; k < 25; k++) {
                    int x = rand() % WIDTH, y = rand() % HEIGHT;

                    check_window(pool, &fixtures[i], band, x, y, 1 + rand() % (WIDTH - x),
                                 1 + rand() % (HEIGHT - y));
                }
            }
        }
}

static void the_fast_door_opens_where_it_should(void **state)
{
    struct raster_options options = { 0 };
    AUTO(source_pool) struct source_pool *pool = source_pool_new(&options, 100000);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fixtures); i++) {
        AUTO(mem) char *path = path_of(fixtures[i].name);
        struct source source;
        struct err err = { 0 };

        assert_true(source_open(pool, path, 1, &source, &err));
        if (source_is_fast(&source) != fixtures[i].fast)
            fail_msg("%s: fast door %d", fixtures[i].name, source_is_fast(&source));
    }
}

/* ---- what may be read ---- */

static void refused(const struct raster_options *options, const char *href, const char *reason)
{
    AUTO(source_pool) struct source_pool *pool = source_pool_new(options, 100000);
    struct source source;
    struct err err = { 0 };

    assert_false(source_open(pool, href, 1, &source, &err));
    assert_int_equal(err.code, ERR_SourceUnreadable);
    if (!strstr(err.message, reason) || !strstr(err.message, href))
        fail_msg("'%s' should name '%s' and say '%s'", err.message, href, reason);
}

static void only_allowed_places_are_read(void **state)
{
    AUTO(mem) char *inside = path_of("inside");
    AUTO(mem) char *file = path_of("deflate2.tif");
    AUTO(mem) char *link = path_of("inside/link.tif");
    AUTO(mem) char *up = path_of("inside/../deflate2.tif");
    AUTO(mem) char *twin = path_of("inside-not/x.tif");
    AUTO(mem) char *vrt = path_of("inside/evil.tif");
    AUTO(mem) char *list = mem_printf("/nowhere:%s/", inside);
    struct raster_options options = { .allowed_paths = list, .allowed_hosts = "example.org a:8080" };
    FILE *f;

    (void)state;
    mkdir(inside, 0755);
    if (symlink(file, link) != 0)
        fail();
    refused(&options, file, "outside the allowed folders");
    refused(&options, link, "outside the allowed folders");
    refused(&options, up, "outside the allowed folders");
    refused(&options, twin, "No such file");
    refused(&options, "/vsimem/x.tif", "virtual file systems");
    refused(&options, "/vsicurl/http://example.org/x.tif", "virtual file systems");
    refused(&options, "file:///vsizip/x.zip", "virtual file systems");
    refused(&options, "deflate2.tif", "absolute path");
    refused(&options, "s3://bucket/x.tif", "absolute path");
    refused(&options, "http://evil.org/x.tif", "allowed hosts");
    refused(&options, "http://example.org@evil.org/x.tif", "allowed hosts");
    refused(&options, "http://a/x.tif", "allowed hosts");
    refused(&options, "http://example.org.evil.org/x.tif", "allowed hosts");
    /* a description of other files is no image */
    f = fopen(vrt, "w");
    fprintf(f, "<VRTDataset rasterXSize=\"1\" rasterYSize=\"1\"><VRTRasterBand dataType=\"Byte\" "
               "band=\"1\"><SimpleSource><SourceFilename>%s</SourceFilename></SimpleSource>"
               "</VRTRasterBand></VRTDataset>", file);
    fclose(f);
    refused(&options, vrt, "not recognized");
}

static void damaged_files_are_named(void **state)
{
    struct raster_options options = { 0 };
    AUTO(source_pool) struct source_pool *pool = source_pool_new(&options, 1 << 20);
    AUTO(mem) char *path = path_of("cut.tif");
    AUTO(mem) char *pixels = mem_alloc(WIDTH * HEIGHT * 2);
    static const char *const names[] = { "deflate2.tif", "lzw.tif" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO(mem) char *from = path_of(names[i]);
        AUTO(mem) char *command = mem_printf("cp '%s' '%s' && truncate -s -20000 '%s'", from, path,
                                             path);
        struct source source;
        struct err err = { 0 };
        bool ok;

        unlink(path);
        if (system(command) != 0)
            fail();
        source_pool_free(pool);
        pool = source_pool_new(&options, 1 << 20);
        ok = source_open(pool, path, 1, &source, &err) &&
             source_read(pool, &source, 0, 0, WIDTH, HEIGHT, pixels, &err);
        assert_false(ok);
        assert_int_equal(err.code, ERR_SourceUnreadable);
        assert_non_null(strstr(err.message, path));
    }
}

/* ---- loads ---- */

static struct source_count last_read;

/* A plane of a load over some layers, into doubles with NaN for gaps. */
static void load_window(struct plan_node *node, const struct window_rect *w, double *pixels)
{
    struct raster_options options = { 0 };
    AUTO(loader) struct loader *loader = loader_new(&options, NULL, 1 << 20);
    AUTO(mem) double *raw = mem_array(w->width * w->height, sizeof *raw);
    struct pixel_kind kind = pixel_kind_of(&node->schema);
    struct lane_plane from = { raw, kind }, to = { pixels, { PIXEL_F64, NAN, true } };
    struct load_want want = load_want_of(node, 0);
    struct err err = { 0 };

    if (!load_plane(loader, &want, w, raw, &err))
        fail_msg("%s", err.message);
    lanes_convert(&from, &to, w->width * w->height);
    last_read = *source_pool_count(loader_pool(loader));
}

static double at(const double *pixels, int width, int height, int64_t x, int64_t y)
{
    return x < 0 || y < 0 || x >= width || y >= height ? NAN : pixels[y * width + x];
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static struct plan_node *load_of(struct plan_maker *m, struct grid grid, enum pixel pixel,
                                 double nodata, const char *name)
{
    AUTO(mem) char *path = path_of(name);
    const char *paths[] = { path };

    return maker_load(m, maker_schema(m, grid, 0, 0, NULL, pixel, nodata), 1, paths, PIXEL_U16, 0);
}

static void windows_reach_beyond_the_file(void **state)
{
    struct plan_maker m;
    struct grid grid = { 32633, 499900, 5100050, 10, 10, 400, 400 };
    AUTO(mem) double *all = whole_file("deflate2.tif", WIDTH, HEIGHT);
    static const struct window_rect windows[] = {
        { 0, 0, 400, 400 }, { 0, 0, 9, 4 }, { 100, 90, 50, 60 }, { 300, 240, 100, 160 } };
    static const enum pixel pixels[] = { PIXEL_U16, PIXEL_I16, PIXEL_F32, PIXEL_F64 };

    (void)state;
    maker_init(&m);
    for (size_t p = 0; p < ARRAY_LEN(pixels); p++)
        for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
            struct plan_node *node = load_of(&m, grid, pixels[p], p == 1 ? -1 : p ? NAN : 0,
                                             "deflate2.tif");
            const struct window_rect *w = &windows[i];
            AUTO(mem) double *got = mem_array(w->width * w->height, sizeof *got);

            load_window(node, w, got);
            for (size_t k = 0; k < w->width * w->height; k++) /* the file begins at (10, 5) */
                assert_true(same(got[k], at(all, WIDTH, HEIGHT,
                                            w->x + (int64_t)(k % w->width) - 10,
                                            w->y + (int64_t)(k / w->width) - 5)));
        }
    arena_free(m.arena);
}

static void coarse_pixels_are_replicated(void **state)
{
    AUTO(mem) double *all = whole_file("deflate2.tif", WIDTH, HEIGHT);
    static const int factors[] = { 2, 3, 6 };
    struct plan_maker m;

    (void)state;
    maker_init(&m);
    for (size_t i = 0; i < ARRAY_LEN(factors); i++) {
        int k = factors[i];
        /* the node's origin lies inside a coarse pixel */
        struct grid grid = { 32633, 500000 - 10.0 / k, 5100000 + 20.0 / k, 10.0 / k, 10.0 / k,
                             WIDTH * k + 5, HEIGHT * k + 5 };
        struct plan_node *node = load_of(&m, grid, PIXEL_U16, 0, "deflate2.tif");

        for (int repeat = 0; repeat < 20; repeat++) {
            struct window_rect w = { rand() % WIDTH, rand() % HEIGHT, 1 + (size_t)rand() % 300,
                                     1 + (size_t)rand() % 200 };
            AUTO(mem) double *got = mem_array(w.width * w.height, sizeof *got);

            load_window(node, &w, got);
            for (size_t n = 0; n < w.width * w.height; n++) {
                int64_t x = w.x + (int64_t)(n % w.width) - 1, y = w.y + (int64_t)(n / w.width) - 2;

                assert_true(same(got[n], at(all, WIDTH, HEIGHT, x < 0 ? -1 : x / k,
                                            y < 0 ? -1 : y / k)));
            }
        }
    }
    arena_free(m.arena);
}

static void the_first_valid_layer_wins(void **state)
{
    struct plan_maker m;
    struct grid grid = { 32633, 500000, 5100000, 10, 10, WIDTH, HEIGHT };
    AUTO(mem) double *first = whole_file("deflate2.tif", WIDTH, HEIGHT);
    AUTO(mem) double *second = whole_file("big.tif", WIDTH, HEIGHT);
    AUTO(mem) double *got = mem_array(WIDTH * HEIGHT, sizeof *got);
    struct window_rect w = { 0, 0, WIDTH, HEIGHT };
    const struct scene_band *layers[2];
    struct load_plane load = { .n_layers = 2, .layers = layers, .measured = true };
    struct plan_node *a, *b;

    (void)state;
    maker_init(&m);
    a = load_of(&m, grid, PIXEL_U16, 0, "deflate2.tif");
    b = load_of(&m, grid, PIXEL_U16, 0, "big.tif");
    layers[0] = a->load[0].layers[0];
    layers[1] = b->load[0].layers[0];
    a->load = &load;
    load_window(a, &w, got);
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        assert_true(same(got[i], isnan(first[i]) ? second[i] : first[i]));
    arena_free(m.arena);
}

/* The exact transformer at every pixel. `overview`: as GDAL counts them; -1: the image. */
static void check_warp(const struct grid *grid, const char *name, int overview)
{
    struct plan_maker m;
    int width = WIDTH >> (overview + 1), height = HEIGHT >> (overview + 1);
    double dx = 10.0 * WIDTH / width, dy = 10.0 * HEIGHT / height;
    AUTO(mem) double *all = overview < 0 ? whole_file(name, width, height)
                                         : whole_overview(name, overview, width, height);
    AUTO(mem) double *got = mem_array((size_t)(grid->width * grid->height), sizeof *got);
    struct window_rect w = { 0, 0, (size_t)grid->width, (size_t)grid->height };
    OGRSpatialReferenceH a = OSRNewSpatialReference(NULL), b = OSRNewSpatialReference(NULL);
    OGRCoordinateTransformationH transform;
    size_t wrong = 0, valid = 0;
    struct plan_node *node;

    maker_init(&m);
    node = load_of(&m, *grid, PIXEL_U16, 0, name);
    node->coarse = overview >= 0;
    load_window(node, &w, got);
    OSRImportFromEPSG(a, grid->epsg);
    OSRImportFromEPSG(b, 32633);
    OSRSetAxisMappingStrategy(a, OAMS_TRADITIONAL_GIS_ORDER);
    OSRSetAxisMappingStrategy(b, OAMS_TRADITIONAL_GIS_ORDER);
    transform = OCTNewCoordinateTransformation(a, b);
    for (int64_t i = 0; i < grid->width * grid->height; i++) {
        double x = grid->x0 + ((double)(i % grid->width) + 0.5) * grid->dx;
        double y = grid->y0 - ((double)(i / grid->width) + 0.5) * grid->dy;

        OCTTransform(transform, 1, &x, &y, NULL);
        wrong += !same(got[i], at(all, width, height, (int64_t)floor((x - 500000) / dx),
                                  (int64_t)floor((5100000 - y) / dy)));
        valid += !isnan(got[i]);
    }
    OCTDestroyCoordinateTransformation(transform);
    OSRDestroySpatialReference(a);
    OSRDestroySpatialReference(b);
    arena_free(m.arena);
    /* a pixel may differ where a position falls within a hundredth of an edge */
    if (wrong > (size_t)(grid->width * grid->height) / 200 || valid < 1000)
        fail_msg("EPSG:%d: %zu pixels wrong, %zu valid", grid->epsg, wrong, valid);
}

static void other_grids_are_warped_by_nearest(void **state)
{
    static const struct grid grids[] = {
        { 4326, 14.99, 46.06, 0.0001, 0.0001, 500, 420 },
        { 3035, 4708000, 2562000, 12, 12, 400, 400 },
        { 32632, 964000, 5117600, 10, 10, 400, 500 },
        { 32633, 500003, 5100004, 7, 7, 460, 400 },
        { 32633, 500000, 5100000, 25, 25, 120, 100 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(grids); i++)
        check_warp(&grids[i], "deflate2.tif", -1);
}

/* Pictures: the nearest pixels of the overview that is just fine enough. */
static void pictures_are_made_of_overviews(void **state)
{
    static const struct {
        struct grid grid;
        int overview;
    } rows[] = {
        { { 32633, 500000, 5100000, 20, 20, 152, 125 }, 0 },
        { { 32633, 500007, 5099999, 19, 19, 150, 120 }, -1 },
        { { 32633, 499990, 5100010, 41, 41, 75, 62 }, 1 },
        { { 3035, 4708000, 2562000, 23, 23, 150, 140 }, 0 },
        { { 3857, 1669700, 5788000, 70, 70, 64, 60 }, 1 }, /* 48 m on the ground */
        { { 4326, 14.999, 46.056, 0.0006, 0.0004, 75, 60 }, 1 },
    };
    static const uint64_t tiles[] = { 6, 2, 1 }; /* of 128 x 128 pixels: of the image and the overviews */

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        check_warp(&rows[i].grid, "cog.tif", rows[i].overview);
        assert_int_equal(last_read.tiles, tiles[rows[i].overview + 1]);
    }
    check_warp(&rows[2].grid, "deflate2.tif", -1); /* which has none */
}

/* An overview is read as GDAL reads it, by both doors, and is the coarsest that is fine enough. */
static void overviews_are_read(void **state)
{
    static const struct {
        double factor;
        int overview; /* as GDAL counts them; -1: the image */
    } rows[] = { { 1, -1 }, { 1.9, -1 }, { 2, 0 }, { 3.99, 0 }, { 4, 1 }, { 700, 1 } };
    AUTO(mem) char *path = path_of("cog.tif");
    struct raster_options options = { 0 };

    (void)state;
    for (int gdal_only = 0; gdal_only < 2; gdal_only++)
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            AUTO(source_pool) struct source_pool *pool = source_pool_new(&options, 100000);
            GDALDatasetH dataset = GDALOpen(path, GA_ReadOnly);
            GDALRasterBandH band = GDALGetRasterBand(dataset, 1);
            struct source source;
            struct err err = { 0 };
            uint16_t got[WIDTH * HEIGHT], want[WIDTH * HEIGHT];
            int width, height;

            assert_int_equal(GDALGetOverviewCount(band), 2);
            if (gdal_only)
                source_pool_use_gdal_only(pool);
            assert_true(source_open(pool, path, 1, &source, &err));
            assert_int_equal(source_coarsen(pool, &source, rows[i].factor), rows[i].overview >= 0);
            if (rows[i].overview >= 0)
                band = GDALGetOverview(band, rows[i].overview);
            width = GDALGetRasterBandXSize(band);
            height = GDALGetRasterBandYSize(band);
            assert_int_equal(source.width, width);
            assert_int_equal(source.height, height);
            assert_true(source.grid.dx == 10.0 * WIDTH / width && source.grid.dy == 10.0 * HEIGHT / height);
            assert_int_equal(source_is_fast(&source), !gdal_only);
            assert_true(source_read(pool, &source, 0, 0, (size_t)width, (size_t)height, got, &err));
            assert_int_equal(GDALRasterIO(band, GF_Read, 0, 0, width, height, want, width, height, GDT_UInt16,
                                          0, 0), CE_None);
            assert_memory_equal(got, want, (size_t)(width * height) * sizeof *got);
            GDALClose(dataset);
        }
}

/* Decoded tiles stay as long as the cache has room for them, and no longer. */
static void the_tile_cache_has_a_bound(void **state)
{
    enum { TILE = 128 * 128 * sizeof(uint16_t), TILES = 6 }; /* in a file of 304 x 250 */
    static const struct {
        size_t room;
        uint64_t decoded; /* of two rounds through all tiles, in a part of each */
        /* where one does not fit, the others stay for the second round */
    } rows[] = { { TILES * TILE, TILES }, { (TILES - 1) * TILE, TILES + 1 }, { TILE, 2 * TILES }, { 1, 2 * TILES } };
    AUTO(mem) char *path = path_of("deflate2.tif");
    struct raster_options options = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(source_pool) struct source_pool *pool = source_pool_new(&options, rows[i].room);
        struct source source;
        struct err err = { 0 };
        uint16_t pixel;

        for (int round = 0; round < 2; round++)
            for (int t = 0; t < TILES; t++) {
                assert_true(source_open(pool, path, 1, &source, &err));
                assert_true(source_read(pool, &source, t % 3 * 128 + 5, t / 3 * 128 + 7, 1, 1, &pixel, &err));
                assert_true(source_pool_held(pool) <= (rows[i].room > TILE ? rows[i].room : TILE));
            }
        assert_int_equal(source_pool_count(pool)->tiles, rows[i].decoded);
        assert_int_equal(source_pool_count(pool)->pixels, rows[i].decoded * 128 * 128);
    }
}

/* What an earlier piece of work left goes before what this one uses. */
static void tiles_of_earlier_work_go_first(void **state)
{
    enum { TILE = 128 * 128 * sizeof(uint16_t) };
    static const int order[] = { 0, 1, 2, -1, 3, 4, 3, 2, 4 }; /* -1: another piece begins */
    AUTO(mem) char *path = path_of("deflate2.tif");
    struct raster_options options = { 0 };
    AUTO(source_pool) struct source_pool *pool = source_pool_new(&options, 3 * TILE);
    struct source source;
    struct err err = { 0 };
    uint16_t pixel;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        if (order[i] < 0) {
            source_pool_begin(pool);
            continue;
        }
        assert_true(source_open(pool, path, 1, &source, &err));
        assert_true(source_read(pool, &source, order[i] % 3 * 128, order[i] / 3 * 128, 1, 1, &pixel, &err));
    }
    assert_int_equal(source_pool_count(pool)->tiles, 5); /* 0, 1, 2, 3 for 0, 4 for 1 */
    assert_int_equal(source_pool_count(pool)->lost, 0);
    source_pool_limit(pool, TILE);
    assert_true(source_read(pool, &source, 0, 0, 1, 1, &pixel, &err));
    assert_int_equal(source_pool_count(pool)->lost, 3);
    assert_int_equal(source_pool_held(pool), TILE);
}

static void wrong_catalogues_are_refused(void **state)
{
    struct plan_maker m;
    struct raster_options options = { 0 };
    AUTO(loader) struct loader *loader = loader_new(&options, NULL, 1 << 20);
    struct grid grid = { 32633, 500000, 5100000, 10, 10, WIDTH, HEIGHT };
    struct window_rect w = { 0, 0, 4, 4 };
    uint16_t pixels[16];
    struct err err = { 0 };
    struct load_want want;
    struct plan_node *node;
    struct scene_band *band;

    (void)state;
    maker_init(&m);
    node = load_of(&m, grid, PIXEL_U16, 0, "deflate2.tif");
    want = load_want_of(node, 0);
    band = (struct scene_band *)node->load[0].layers[0];
    band->grid = (struct grid){ 32633, 500000, 5100000, 1, 1, 10980, 10980 };
    assert_false(load_plane(loader, &want, &w, pixels, &err));
    assert_non_null(strstr(err.message, "304 x 250 pixels, the catalogue says 10980 x 10980"));
    err_clear(&err);
    band->grid.width = 0;
    band->index = 3;
    assert_false(load_plane(loader, &want, &w, pixels, &err));
    assert_non_null(strstr(err.message, "has 1 bands, expected band 3"));
    arena_free(m.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_doors_read_what_gdal_reads),
        cmocka_unit_test(the_fast_door_opens_where_it_should),
        cmocka_unit_test(only_allowed_places_are_read),
        cmocka_unit_test(damaged_files_are_named),
        cmocka_unit_test(windows_reach_beyond_the_file),
        cmocka_unit_test(coarse_pixels_are_replicated),
        cmocka_unit_test(the_first_valid_layer_wins),
        cmocka_unit_test(other_grids_are_warped_by_nearest),
        cmocka_unit_test(overviews_are_read),
        cmocka_unit_test(pictures_are_made_of_overviews),
        cmocka_unit_test(the_tile_cache_has_a_bound),
        cmocka_unit_test(tiles_of_earlier_work_go_first),
        cmocka_unit_test(wrong_catalogues_are_refused),
    };

    return cmocka_run_group_tests(tests, make_fixtures, remove_folder);
}
