/* What no program can go below: decoding the inputs alone, packing the result alone.
 *
 *     bench_floor scene SIZE DATE BAND FILE            writes a made-up band
 *     bench_floor sparse SIZE FILE                     a COG without a single tile
 *     bench_floor decode own|gdal X Y WIDTH HEIGHT FILE...  every tile under the window once
 *     bench_floor pack own|gdal FILE FOLDER            packs a file's pixels, which are read before
 *
 * Prints seconds. Two threads, as many as the machine has cores. Decoding and packing by GDAL is GDALReadBlock
 * and the COG driver with its threads; our own is the engine's. */
#include "base/mem.h"
#include "raster/cog.h"
#include "raster/engine.h"
#include "raster/pieces.h"
#include "raster/source.h"
#include "tests/bench/scenes.h"
#include "tests/raster/plans.h"
#include <gdal.h>
#include <ogr_srs_api.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static size_t threads;

static const struct raster_options *options(void)
{
    static struct raster_options o;

    o = (struct raster_options){ .threads = (int)threads, .memory_bytes = (size_t)700 << 20 };
    return &o;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- decoding ---- */

struct decoding {
    bool gdal;
    int64_t x, y, width, height;
    size_t columns, rows, n_files;
    char **files;
    atomic_size_t next;
};

static void *decode_tiles(void *decoding_)
{
    struct decoding *d = decoding_;
    AUTO(source_pool) struct source_pool *pool = source_pool_new(options(), 8 << 20);
    AUTO(mem) void *tile = mem_array((size_t)BASE_TILE * BASE_TILE, sizeof(double));

    if (d->gdal)
        source_pool_use_gdal_only(pool);
    for (size_t t; (t = atomic_fetch_add(&d->next, 1)) < d->columns * d->rows;)
        for (size_t i = 0; i < d->n_files; i++) {
            struct source source;
            struct err err = { 0 };
            int64_t x = (d->x / BASE_TILE + (int64_t)(t % d->columns)) * BASE_TILE;
            int64_t y = (d->y / BASE_TILE + (int64_t)(t / d->columns)) * BASE_TILE, width, height;

            if (!source_open(pool, d->files[i], 1, &source, &err))
                scene_die(&err);
            width = source.width - x < BASE_TILE ? source.width - x : BASE_TILE;
            height = source.height - y < BASE_TILE ? source.height - y : BASE_TILE;
            if (width > 0 && height > 0 &&
                !source_read(pool, &source, x, y, (size_t)width, (size_t)height, tile, &err))
                scene_die(&err);
        }
    return NULL;
}

static double decode(char **arguments, int n)
{
    struct decoding d = { .gdal = !strcmp(arguments[0], "gdal"), .x = atoll(arguments[1]),
                          .y = atoll(arguments[2]), .width = atoll(arguments[3]),
                          .height = atoll(arguments[4]), .n_files = (size_t)(n - 5),
                          .files = arguments + 5 };
    double start = now();

    d.columns = (size_t)((d.x + d.width - 1) / BASE_TILE - d.x / BASE_TILE + 1);
    d.rows = (size_t)((d.y + d.height - 1) / BASE_TILE - d.y / BASE_TILE + 1);
    scene_threads(threads, decode_tiles, &d);
    return now() - start;
}

/* ---- packing ---- */

/* All pixels of a file, by blocks of a schedule. */
static void **read_tiles(const struct schedule *s, const char *path)
{
    AUTO(source_pool) struct source_pool *pool = source_pool_new(options(), 8 << 20);
    void **tiles = mem_array(s->blocks, sizeof *tiles);
    struct source source;
    struct err err = { 0 };

    if (!source_open(pool, path, 1, &source, &err))
        scene_die(&err);
    for (size_t t = 0; t < s->blocks; t++) {
        struct window_rect w = schedule_tile(s, t);

        tiles[t] = mem_array(w.width * w.height, pixel_size(source.kind.pixel));
        if (!source_read(pool, &source, w.x, w.y, w.width, w.height, tiles[t], &err))
            scene_die(&err);
    }
    return tiles;
}

/* A plan that saves the first band of a file as the engine would. */
static const struct plan *plan_of(struct plan_maker *m, const char *path)
{
    AUTO(source_pool) struct source_pool *pool = source_pool_new(options(), 8 << 20);
    const char *const paths[] = { path };
    struct source source;
    struct pixel_kind kind;
    struct plan_node *load;
    struct err err = { 0 };

    if (!source_open(pool, path, 1, &source, &err))
        scene_die(&err);
    kind = source.kind;
    maker_init(m);
    load = maker_load(m, maker_schema(m, source.grid, 0, 0, NULL, kind.pixel, pixel_kind_gap(&kind)), 1, paths, kind.pixel,
                      pixel_kind_gap(&kind));
    maker_save(m, load, "packed", "COG");
    return maker_plan(m);
}

static double pack_own(const char *path, const char *folder)
{
    struct plan_maker m;
    const struct plan *plan = plan_of(&m, path);
    struct schedules *schedules;
    struct err err = { 0 };
    void **tiles;
    double start;

    if (!schedules_make(plan, &schedules, &err))
        scene_die(&err);
    tiles = read_tiles(&schedules->schedules[0], path);
    start = now();
    scene_pack(plan, schedules, (const void *const *)tiles, schedules->blocks, folder, options());
    return now() - start;
}

static double pack_gdal(const char *path, const char *folder)
{
    AUTO(mem) char *to = mem_printf("%s/packed-gdal.tif", folder);
    AUTO(mem) char *count = mem_printf("NUM_THREADS=%zu", threads);
    const char *creation[] = { "COMPRESS=DEFLATE", "LEVEL=1" /* as the engine packs floats */, "BLOCKSIZE=1024", "OVERVIEW_RESAMPLING=AVERAGE", count,
                               NULL };
    GDALDatasetH file = GDALOpen(path, GA_ReadOnly);
    GDALDatasetH memory = GDALCreateCopy(GDALGetDriverByName("MEM"), "", file, FALSE, NULL, NULL, NULL);
    double start = now();

    GDALClose(GDALCreateCopy(GDALGetDriverByName("COG"), to, memory, FALSE, (char **)creation, NULL, NULL));
    return now() - start;
}

/* ---- scenes ---- */

static double write_sparse(int64_t size, const char *path)
{
    const char *creation[] = { "TILED=YES", "BLOCKXSIZE=1024", "BLOCKYSIZE=1024", "SPARSE_OK=TRUE", "COMPRESS=DEFLATE",
                               NULL };
    double place[6] = { 500000, 10, 0, 5100000, 0, -10 };
    OGRSpatialReferenceH crs = OSRNewSpatialReference(NULL);
    GDALDatasetH file = GDALCreate(GDALGetDriverByName("GTiff"), path, (int)size, (int)size, 1, GDT_UInt16,
                                   (char **)creation);

    OSRImportFromEPSG(crs, 32633);
    GDALSetGeoTransform(file, place);
    GDALSetSpatialRef(file, crs);
    GDALSetRasterNoDataValue(GDALGetRasterBand(file, 1), 0);
    GDALClose(file);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    double seconds = -1;

    threads = (size_t)sysconf(_SC_NPROCESSORS_ONLN);
    raster_init();
    if (!strcmp(what, "scene") && argc == 6) {
        int band = 0;

        while (band < SCENE_BANDS - 1 && strcmp(scene_bands[band], argv[4]))
            band++;
        scene_write(argv[5], atoll(argv[2]), atoi(argv[3]), band, threads);
        seconds = 0;
    } else if (!strcmp(what, "sparse") && argc == 4) {
        seconds = write_sparse(atoll(argv[2]), argv[3]);
    } else if (!strcmp(what, "decode") && argc > 7) {
        seconds = decode(argv + 2, argc - 2);
    } else if (!strcmp(what, "pack") && argc == 5) {
        seconds = (!strcmp(argv[2], "gdal") ? pack_gdal : pack_own)(argv[3], argv[4]);
    }
    if (seconds < 0) {
        fprintf(stderr, "bench_floor: see the head of its source for what it takes\n");
        return 2;
    }
    printf("%.3f\n", seconds);
    return 0;
}
