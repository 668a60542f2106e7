/* Heights from files of every kind: a plane that is known everywhere is cut into them. */
#include "base/text.h"
#include "raster/engine.h"
#include "sar/dem.h"
#include "sar/dem_files.h"
#include "sar/geoid.h"
#include "tests/raster/files.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Rises to the east and to the north, and is a whole number of metres at each node of 1/1200 degree. */
static double plane(double longitude, double latitude)
{
    return nearbyint(1200 * (longitude - 10)) + nearbyint(1200 * (latitude - 46)) + 100;
}

static double smooth_plane(double longitude, double latitude)
{
    return 1200 * (longitude - 10) + 1200 * (latitude - 46) + 100;
}

/* A raster whose pixels' centres are nodes; epsg 0: none told. */
static char *write_raster(const char *name, int epsg, double west, double north, double step, int width, int height,
                          double (*value)(double, double))
{
    char *path = path_of(name);
    double transform[6] = { west - step / 2, step, 0, north + step / 2, 0, -step };
    GDALDatasetH file = GDALCreate(GDALGetDriverByName("GTiff"), path, width, height, 1, GDT_Float32, NULL);
    OGRSpatialReferenceH srs = OSRNewSpatialReference(NULL);
    AUTO(mem) float *pixels = mem_array((size_t)width * (size_t)height, sizeof *pixels);

    for (int i = 0; i < width * height; i++)
        pixels[i] = (float)value(west + step * (i % width), north - step * (int)(i / width));
    GDALSetGeoTransform(file, transform);
    if (epsg) {
        OSRImportFromEPSG(srs, epsg);
        GDALSetSpatialRef(file, srs);
    }
    OSRDestroySpatialReference(srs);
    if (GDALRasterIO(GDALGetRasterBand(file, 1), GF_Write, 0, 0, width, height, pixels, width, height, GDT_Float32, 0, 0) != CE_None)
        abort();
    GDALClose(file);
    return path;
}

/* SRTM's 1,201 x 1,201 big-endian numbers with their edges on whole degrees. */
static void write_hgt(const char *name, int west, int south, bool hole)
{
    AUTO(mem) char *path = path_of(name);
    FILE *file = fopen(path, "wb");

    for (int i = 0; i < 1201 * 1201; i++) {
        double longitude = west + i % 1201 / 1200., latitude = south + 1 - (int)(i / 1201) / 1200.;
        int h = (int)plane(longitude, latitude);

        if (hole && i % 1201 > 580 && i % 1201 < 620 && i / 1201 > 580 && i / 1201 < 620)
            h = -32768;
        fputc((h >> 8) & 255, file);
        fputc(h & 255, file);
    }
    fclose(file);
}

static struct grid grid_of(double longitude, double latitude, double spacing, int side)
{
    AUTO(crs) struct crs *crs = crs_open();
    struct grid grid = { 32632, 0, 0, spacing, spacing, side, side };

    assert_true(crs_transform(crs, "EPSG:4326", "EPSG:32632", 1, &longitude, &latitude));
    grid.x0 = longitude - spacing * side / 2;
    grid.y0 = latitude + spacing * side / 2;
    return grid;
}

static struct dem *read_dem(const char *path, const char *geoid, const struct grid *grid)
{
    struct dem_options options = { .path = path, .geoid = geoid, .threads = 2 };
    struct dem *dem = NULL;
    struct err err = { 0 };

    if (!dem_read(&options, grid, &dem, &err))
        fail_msg("%s", err.message);
    return dem;
}

/* At places all over the grid. */
static void check_plane(const struct dem *dem, const struct grid *grid, double within)
{
    AUTO(crs) struct crs *crs = crs_open();
    struct err err = { 0 };

    for (int i = 0; i < 400; i++) {
        double x = grid->x0 + grid->dx * (double)grid->width * (i % 20 + 0.5) / 20, column;
        double y = grid->y0 - grid->dy * (double)grid->height * ((int)(i / 20) + 0.5) / 20, row;

        assert_true(dem_places(dem, crs, grid->epsg, 1, &x, &y, &column, &row, &err));
        if (fabs(dem_height(dem, column, row) - smooth_plane(x, y)) > within)
            fail_msg("%g at %.5f %.5f, expected %g", dem_height(dem, column, row), x, y, smooth_plane(x, y));
    }
}

/* Four cells of SRTM meet in the middle of the grid. */
static void cells_are_joined(void **state)
{
    struct grid grid = grid_of(11, 47, 100, 300);
    AUTO(dem) struct dem *dem = NULL;
    AUTO(mem) char *path = path_of("cells"), *deeper = path_of("cells/deeper");

    (void)state;
    mkdir(path, 0777);
    mkdir(deeper, 0777);
    write_hgt("cells/N46E010.hgt", 10, 46, false);
    write_hgt("cells/N46E011.hgt", 11, 46, false);
    write_hgt("cells/deeper/N47E010.hgt", 10, 47, false);
    write_hgt("cells/deeper/N47E011.hgt", 11, 47, false);
    dem = read_dem(path, NULL, &grid);
    assert_int_equal(dem->n_voids, 0);
    assert_int_equal(dem->missing, 0);
    check_plane(dem, &grid, 0.01);
}

static void what_is_missing_is_the_sea(void **state)
{
    struct grid grid = grid_of(11.5, 47, 100, 300);
    AUTO(dem) struct dem *dem = NULL;
    AUTO(mem) char *path = path_of("cells");
    AUTO(mem) char *north = path_of("cells/deeper/N47E011.hgt"), *away = path_of("away.hgt");
    size_t voids = 0;

    (void)state;
    assert_int_equal(rename(north, away), 0);
    write_hgt("cells/N46E011.hgt", 11, 46, true);
    grid = grid_of(11.5, 46.9, 100, 400);
    dem = read_dem(path, DEM_GEOID, &grid);
    assert_int_equal(dem->missing, 1);
    for (size_t i = 0; i < dem->width * dem->height; i++) {
        voids += dem->voids[i];
        if (dem->voids[i]) /* the geoid lies 45 to 55 m above the ellipsoid there */
            assert_true(dem->heights[i] > 45 && dem->heights[i] < 55);
    }
    assert_int_equal(voids, dem->n_voids);
    assert_true(voids > dem->width * dem->height / 5 && voids < dem->width * dem->height);
    assert_int_equal(rename(away, north), 0);
}

/* Tiles of Copernicus become coarser to the poles: from one to the next no height is lost. */
static void coarser_neighbours_leave_no_gap(void **state)
{
    struct grid grid = grid_of(11, 46.5, 50, 300);
    AUTO(dem) struct dem *dem = NULL;
    AUTO(mem) char *path = path_of("mixed"), *a = NULL, *b = NULL;

    (void)state;
    mkdir(path, 0777);
    a = write_raster("mixed/Copernicus_DSM_COG_10_N46_00_E010_00_DEM.tif", 4326, 10, 47, 1. / 800, 800, 800, smooth_plane);
    b = write_raster("mixed/Copernicus_DSM_COG_10_N46_00_E011_00_DEM.tif", 4326, 11, 47, 1. / 1200, 1200, 1200, smooth_plane);
    dem = read_dem(path, NULL, &grid);
    assert_int_equal(dem->n_voids, 0);
    check_plane(dem, &grid, 1.6); /* past a tile's last node its height goes on level */
}

static double north_only(double x, double y)
{
    (void)x;
    return (y - 5150000) / 100;
}

/* One raster in metres, to which the geoid is added. */
static void rasters_may_be_in_metres(void **state)
{
    struct grid grid = grid_of(11, 46.8, 20, 200);
    AUTO(mem) char *path = write_raster("metres.tif", 32632, 630000, 5210000, 25, 1600, 1600, north_only);
    AUTO(dem) struct dem *dem = read_dem(path, DEM_GEOID, &grid), *bare = read_dem(path, NULL, &grid);
    AUTO(crs) struct crs *crs = crs_open();
    AUTO(geoid) struct geoid *geoid = NULL;
    struct err err = { 0 };
    double x = grid.x0 + 2000, y = grid.y0 - 2000, column, row;

    (void)state;
    assert_int_equal(dem->epsg, 32632);
    assert_true(geoid_read(DEM_GEOID, &geoid, &err));
    assert_true(dem_places(dem, crs, 32632, 1, &x, &y, &column, &row, &err));
    assert_true(fabs(dem_height(bare, column, row) - (grid.y0 - 2000 - 5150000) / 100) < 0.02);
    assert_true(fabs(dem_height(dem, column, row) - dem_height(bare, column, row) - geoid_height(geoid, x, y)) < 0.02);
}

/* EGM96 as NGA's own calculator has it. */
static void the_geoid_is_known(void **state)
{
    static const struct { double latitude, longitude, height; } rows[] = {
        { 38.6281550, 269.7791550, -31.628 }, { -14.6212170, 305.0211140, -2.969 }, { 46.8743190, 102.4487290, -43.575 },
        { -23.6174460, 133.8747120, 15.871 }, { 38.6254730, 359.9995000, 50.066 }, { -0.4667440, 0.0023000, 17.329 },
    };
    AUTO(geoid) struct geoid *geoid = NULL;
    struct err err = { 0 };

    (void)state;
    assert_true(geoid_read(DEM_GEOID, &geoid, &err));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) /* published for a spline through the same grid */
        assert_true(fabs(geoid_height(geoid, rows[i].longitude, rows[i].latitude) - rows[i].height) < 0.5);
    assert_true(geoid_height(geoid, 179.9999, 10) - geoid_height(geoid, -179.9999, 10) < 0.01);
    assert_true(geoid_height(NULL, 10, 10) == 0);
}

static double absurd(double x, double y)
{
    return x > 10.5 ? 123456 : smooth_plane(x, y);
}

static void damage_is_told(void **state)
{
    struct grid grid = grid_of(10.5, 46.5, 50, 200);
    AUTO(mem) char *cut = write_raster("cut.tif", 4326, 10, 47, 1. / 1200, 1200, 1200, smooth_plane);
    AUTO(mem) char *high = write_raster("high.tif", 4326, 10, 47, 1. / 1200, 1200, 1200, absurd);
    AUTO(mem) char *nowhere = write_raster("nowhere.tif", 0, 1e6, 1e6, 100, 100, 100, smooth_plane);
    AUTO(mem) char *empty = path_of("empty"), *none = path_of("none.tif");
    const struct { const char *path, *message; } rows[] = {
        { cut, "cut.tif" }, { high, "high.tif' is damaged: it has a height of 123456 m, expected -1000 to 9000" },
        { nowhere, "nowhere.tif' has a CRS without EPSG code" }, { empty, "empty' holds no raster" }, { none, "none.tif" },
    };

    (void)state;
    mkdir(empty, 0777);
    assert_int_equal(truncate(cut, 1200 * 4 * 500), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dem_options options = { .path = rows[i].path, .threads = 2 };
        struct dem *dem = NULL;
        struct err err = { 0 };

        assert_false(dem_read(&options, &grid, &dem, &err));
        if (!strstr(err.message, rows[i].message))
            fail_msg("%s", err.message);
    }
}

static void names_tell_cells(void **state)
{
    static const struct { const char *name; bool is_cell; int west, south; } rows[] = {
        { "N46E010.hgt", true, 10, 46 }, { "S01W072.SRTMGL1.hgt.zip", true, -72, -1 },
        { "Copernicus_DSM_COG_10_N00_00_E006_00_DEM.tif", true, 6, 0 },
        { "Copernicus_DSM_COG_10_S54_00_W180_00_DEM.tif", true, -180, -54 }, { "alps.tif", false, 0, 0 },
        { "N99E200.tif", false, 0, 0 }, { "", false, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int west = 0, south = 0;

        assert_true(dem_cell_of(rows[i].name, &west, &south) == rows[i].is_cell);
        assert_true(west == rows[i].west && south == rows[i].south);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_tell_cells),
        cmocka_unit_test(cells_are_joined),
        cmocka_unit_test(what_is_missing_is_the_sea),
        cmocka_unit_test(coarser_neighbours_leave_no_gap),
        cmocka_unit_test(rasters_may_be_in_metres),
        cmocka_unit_test(the_geoid_is_known),
        cmocka_unit_test(damage_is_told),
    };

    raster_init();
    make_folder();
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
