/* sentier ortho: Sentinel-1 products brought onto a tile of the Sentinel-2 grid, without a server or a database. */
#include "base/folder.h"
#include "base/text.h"
#include "commands/command.h"
#include "commands/progress.h"
#include "raster/engine.h"
#include "sar/dem.h"
#include "sar/mgrs.h"
#include "sar/names.h"
#include "sar/ortho_layers.h"
#include "sar/product.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_PRODUCTS = 16 };

struct making {
    struct config *config;
    const char *tile, *polarisation, *output, *layer_names;
    size_t n_layers;
    enum ortho_layer layers[ORTHO_LAYERS];
    struct product_title title; /* of the first product */
    struct ortho_name name;
    struct ortho_options options;
    struct mgrs_tile square;
    struct grid grid;
    size_t n_products;
    char **products;
};

static void show_progress(void *context, size_t done, size_t all)
{
    (void)context;
    progress_draw("Geocoding", done, all);
}

/* "local-incidence-angle,mask" */
static bool read_layers(struct making *m, struct err *err)
{
    AUTO(mem) char *names = mem_text(m->layer_names);
    char *rest = NULL;

    for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        if (m->n_layers == ORTHO_LAYERS || !ortho_layer_find(name, &m->layers[m->n_layers]))
            return err_set(err, ERR_UsageInvalid, "--layers: expected some of %s, %s, %s and %s, found '%s'", ortho_layers[0].name,
                           ortho_layers[1].name, ortho_layers[2].name, ortho_layers[3].name, m->layer_names);
        m->n_layers++;
    }
    return true;
}

/* The options, each with what it is without being given. */
static bool read_options(int *argc, char **argv, struct making *m, struct err *err)
{
    const char *threads = NULL, *spacing = NULL;
    const struct {
        const char *name, *fallback, **value;
    } options[] = {
        { "--tile", NULL, &m->tile },
        { "--dem", NULL, &m->options.dem },
        { "--geoid", DEM_GEOID, &m->options.geoid },
        { "--orbits", NULL, &m->options.orbits },
        { "--polarisation", "VV", &m->polarisation },
        { "--calibration", "gamma0", &m->options.calibration },
        { "--resampling", "near", &m->options.resampling },
        { "--layers", "", &m->layer_names },
        { "--output", ".", &m->output },
        { "--threads", NULL, &threads },
        { "--spacing", "10", &spacing },
    };
    double number;

    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (!command_take(argc, argv, options[i].name, options[i].value, err))
            return false;
        if (!*options[i].value)
            *options[i].value = options[i].fallback;
    }
    m->options.remove_noise = !command_take_flag(argc, argv, "--keep-noise");
    m->options.remove_border = !command_take_flag(argc, argv, "--keep-border");
    if (!strcmp(m->options.geoid, "none"))
        m->options.geoid = NULL;
    m->options.threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (threads && (!text_to_number(threads, &number) || number < 1 || number > 1024))
        return err_set(err, ERR_UsageInvalid, "--threads: expected a number from 1 to 1024, found '%s'", threads);
    if (threads)
        m->options.threads = (int)number;
    if (!text_to_number(spacing, &m->grid.dx) || !(m->grid.dx >= 1 && m->grid.dx <= MGRS_SIDE / 10))
        return err_set(err, ERR_UsageInvalid, "--spacing: expected metres from 1 to %d, found '%s'", MGRS_SIDE / 10, spacing);
    if (!m->tile || !m->options.dem)
        return err_set(err, ERR_UsageInvalid, "ortho: needs --tile and --dem");
    return read_layers(m, err);
}

static bool read_all(int *argc, char **argv, struct making *m, struct err *err)
{
    struct common_options common = { 0 };

    if (!read_options(argc, argv, m, err) || !command_options(argc, argv, &common, err))
        return false;
    m->config = common.config;
    if (*argc < 2 || *argc - 1 > MOST_PRODUCTS)
        return err_set(err, ERR_UsageInvalid, "ortho: expected 1 to %d products, found %d", MOST_PRODUCTS, *argc - 1);
    m->n_products = (size_t)(*argc - 1);
    m->products = argv + 1;
    if (!mgrs_find(m->tile, &m->square, err))
        return false;
    m->grid.epsg = m->square.epsg;
    m->grid.x0 = m->square.left;
    m->grid.y0 = m->square.top;
    m->grid.dy = m->grid.dx;
    m->grid.width = m->grid.height = (int64_t)(MGRS_SIDE / m->grid.dx);
    m->options.progress = show_progress;
    return true;
}

/* What the tile's files are called: the first product says it. */
static bool find_name(struct making *m, struct err *err)
{
    AUTO(sar_product) struct sar_product *product = NULL;

    if (!sar_product_open(m->products[0], &product, err) || !product_title_read(product->id, &m->title, err))
        return false;
    m->name = (struct ortho_name){ .platform = m->title.platform, .tile = m->square.id, .polarisation = m->polarisation,
                                   .ascending = product->ascending, .relative_orbit = (int)product->relative_orbit,
                                   .start_ms = m->title.start_ms, .joined = m->n_products > 1,
                                   .suffix = ortho_suffix(m->options.calibration, false) };
    return true;
}

/* What was not as it was wanted. */
static void tell(const struct making *m, const char *product, const struct ortho_facts *facts)
{
    if (*facts->noise_obstacle)
        fprintf(stderr, "sentier: %s: noise was not removed: %s\n", product, facts->noise_obstacle);
    if (m->options.orbits && !*facts->orbit_file)
        fprintf(stderr, "sentier: %s: has no orbit file for %s, whose own vectors were taken\n", m->options.orbits, product);
    if (facts->dem_missing)
        fprintf(stderr, "sentier: %s: has no file for %zu cell%s of one degree that %s lies in\n", m->options.dem,
                facts->dem_missing, facts->dem_missing == 1 ? "" : "s", m->square.id);
    if (facts->dem_gaps)
        fprintf(stderr, "sentier: %s: has no height at %zu places, where that of the sea was taken\n", m->options.dem,
                facts->dem_gaps);
    if (facts->valid == 0)
        fprintf(stderr, "sentier: %s: no pixel of %s lies in it\n", product, m->square.id);
}

/* Backscatter, or a layer. */
static bool add_frame(const struct making *m, const struct ortho_frame *frame, const enum ortho_layer *layer, float *pixels,
                      struct ortho_facts *facts, struct err *err)
{
    return layer ? ortho_layer_add(frame, &m->options, *layer, pixels, facts, err)
                 : ortho_frame_add(frame, &m->options, pixels, facts, err);
}

static bool make_pixels(const struct making *m, const enum ortho_layer *layer, float *pixels, struct err *err)
{
    for (size_t i = 0; i < m->n_products; i++) {
        struct ortho_frame frame = { .product = m->products[i], .polarisation = m->polarisation, .grid = m->grid,
                                     .before = i > 0 ? m->products[i - 1] : NULL,
                                     .after = i + 1 < m->n_products ? m->products[i + 1] : NULL };
        struct ortho_facts facts;
        bool good = add_frame(m, &frame, layer, pixels, &facts, err);

        progress_clear();
        if (!good)
            return false;
        if (!layer)
            tell(m, m->products[i], &facts);
    }
    return true;
}

static bool make_file(struct making *m, const enum ortho_layer *layer, struct err *err)
{
    AUTO(mem) char *name = layer ? ortho_layer_name(&m->name, ortho_layers[*layer].file) : ortho_name(&m->name);
    AUTO(mem) char *path = mem_printf("%s/%s", m->output, name);
    AUTO(mem) float *pixels = ortho_pixels_new(&m->grid, err);
    const struct ortho_file file = { .grid = m->grid, .filter = { .kind = SPECKLE_NONE }, .band = m->polarisation,
                                     .threads = m->options.threads };
    struct ortho_saved saved;

    if (!pixels || !make_pixels(m, layer, pixels, err))
        return false;
    if (!(layer ? ortho_layer_save(&file, *layer, pixels, path, &saved, err) : ortho_save(&file, &pixels, path, &saved, err)))
        return false;
    printf("%s: %.1f %% of the tile, mean %.4f, %lld bytes\n", path,
           100 * (double)saved.valid / ((double)m->grid.width * (double)m->grid.height), saved.mean,
           (long long)saved.size_bytes);
    return true;
}

static bool make_files(struct making *m, struct err *err)
{
    if (!find_name(m, err))
        return false;
    if (!folder_make(m->output, err) || !make_file(m, NULL, err))
        return false;
    for (size_t i = 0; i < m->n_layers; i++)
        if (!make_file(m, &m->layers[i], err))
            return false;
    return true;
}

static int run(int argc, char **argv)
{
    struct making m = { 0 };
    struct err err = { 0 };
    bool good;

    raster_init();
    good = read_all(&argc, argv, &m, &err) && make_files(&m, &err);
    config_free(m.config);
    return good ? 0 : command_fail(&err);
}

const struct command command_ortho = {
    .name = "ortho",
    .synopsis = "PRODUCT... --tile 32TPT --dem PATH [--orbits DIR] [--polarisation VH] [--output DIR]",
    .summary = "bring Sentinel-1 GRD products onto a tile of the Sentinel-2 grid",
    .help = "Calibrates, removes noise and borders, and geocodes the products (SAFE folders or zips, frames of one\n"
            "pass in the order of time) with a digital elevation model; writes one cloud-optimised GeoTIFF of linear\n"
            "power to DIR (the current folder without --output), named as S1Tiling names it, and prints its name.\n"
            "\n"
            "  --tile NAME          of the Sentinel-2 grid: 32TPT\n"
            "  --dem PATH           SRTM or Copernicus tiles in a folder, or any raster that GDAL reads\n"
            "  --geoid PATH         what the DEM's heights count from (EGM96 of proj-data); none: the ellipsoid\n"
            "  --orbits DIR         orbit files (*.EOF), of which the best one is taken (the product's own vectors)\n"
            "  --polarisation NAME  VV, VH, HH or HV (VV)\n"
            "  --calibration NAME   gamma0, sigma0 or beta0, on the ellipsoid; gamma0-terrain, sigma0-terrain: for flattened\n"
            "                       terrain; sigma0-normlim: beta0 times the sine of the local incidence angle;\n"
            "                       intensity: squares of the product's numbers (gamma0)\n"
            "  --layers LIST        more files: local-incidence-angle, sin-local-incidence-angle, incidence-angle, mask\n"
            "  --resampling NAME    near, bilinear or cubic (near)\n"
            "  --spacing METRES     of pixels (10)\n"
            "  --keep-noise         thermal noise stays\n"
            "  --keep-border        so does what lies at the edges of the image\n"
            "  --threads N          (as many as there are processors)\n"
            "  --output DIR         where the file goes; made when it is missing\n",
    .run = run,
};
