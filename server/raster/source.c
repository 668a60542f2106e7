/* Reading. A window is put together from the file's own tiles, each decoded at most once while it
 * stays in the pool's small cache; a tile that is the window goes straight to its place. Tiles come
 * through the fast door where it opens, else from GDALReadBlock, which passes GDAL's block cache.
 * Formats that decode better by windows (JPEG 2000) and files cut in narrow strips or one giant
 * block are read with GDALRasterIO. */
#include "raster/source.h"
#include "base/mem.h"
#include "base/text.h"
#include "raster/source_file.h"
#include "raster/tiff_door.h"
#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_string.h>
#include <math.h>
#include <ogr_srs_api.h>
#include <string.h>
#include <sys/resource.h>

enum { LEAST_FILES = 16, MOST_FILES = 256, MOST_TILES = 256, LARGEST_TILE = 64 << 20,
       LARGEST_BLOCK = 512 << 20 /* that GDAL has to decode at once */ };

struct tile {
    uint64_t serial; /* of the level; 0: empty */
    int band, x, y;
    void *data;
    size_t size_bytes;
    uint64_t used;
};

struct source_pool {
    const struct raster_options *options;
    struct source_file *files[MOST_FILES];
    size_t most_files;
    struct tile tiles[MOST_TILES];
    size_t tile_bytes, tile_limit;
    struct tiff_tools *tools;
    bool gdal_only;
    uint64_t clock, began; /* when the work began that is being done: a block */
    struct source_count count;
};

/* A file has two descriptors, GDAL's and that of the fast door; half of all there may be are for other things. */
static size_t files_of_thread(const struct raster_options *options)
{
    struct rlimit limit;
    size_t threads = options->threads > 1 ? (size_t)options->threads : 1, most;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return LEAST_FILES;
    most = (size_t)limit.rlim_cur / 4 / threads;
    return most < LEAST_FILES ? LEAST_FILES : most > MOST_FILES ? MOST_FILES : most;
}

struct source_pool *source_pool_new(const struct raster_options *options, size_t tile_bytes)
{
    struct source_pool *pool = MEM_NEW(struct source_pool);

    pool->options = options;
    pool->most_files = files_of_thread(options);
    pool->tile_limit = tile_bytes;
    pool->tools = tiff_tools_new();
    return pool;
}

static void file_free(struct source_file *file)
{
    if (!file)
        return;
    for (size_t i = 0; i < ARRAY_LEN(file->levels); i++)
        tiff_door_free(file->levels[i].door);
    if (file->dataset)
        GDALClose(file->dataset);
    free(file->href);
    free(file->name);
    free(file->zip);
    free(file);
}

DEFINE_AUTO(source_file, struct source_file *, file_free)

void source_pool_free(struct source_pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < MOST_FILES; i++)
        file_free(pool->files[i]);
    for (size_t i = 0; i < MOST_TILES; i++)
        free(pool->tiles[i].data);
    tiff_tools_free(pool->tools);
    free(pool);
}

void source_pool_use_gdal_only(struct source_pool *pool)
{
    pool->gdal_only = true;
}

bool source_is_fast(const struct source *source)
{
    return source->level->door != NULL;
}

void source_pool_begin(struct source_pool *pool)
{
    pool->began = pool->clock;
}

void source_pool_limit(struct source_pool *pool, size_t tile_bytes)
{
    pool->tile_limit = tile_bytes;
}

const struct source_count *source_pool_count(const struct source_pool *pool)
{
    return &pool->count;
}

void source_pool_add_pixels(struct source_pool *pool, uint64_t pixels)
{
    pool->count.pixels += pixels;
}

size_t source_pool_held(const struct source_pool *pool)
{
    return pool->tile_bytes;
}

static bool unreadable(const char *href, struct err *err)
{
    const char *reason = CPLGetLastErrorMsg();

    return err_set(err, ERR_SourceUnreadable, "The asset '%s' could not be read: %s", href,
                   *reason ? reason : "the format is not known.");
}

static int epsg_of(GDALDatasetH dataset)
{
    OGRSpatialReferenceH srs = GDALGetSpatialRef(dataset);
    const char *code = srs ? OSRGetAuthorityCode(srs, NULL) : NULL;
    const char *authority = srs ? OSRGetAuthorityName(srs, NULL) : NULL;

    return code && authority && !strcmp(authority, "EPSG") ? atoi(code) : 0;
}

static struct grid grid_of(GDALDatasetH dataset)
{
    double t[6];
    struct grid grid = { 0 };

    if (GDALGetGeoTransform(dataset, t) != CE_None || t[2] != 0 || t[4] != 0 || t[1] <= 0 ||
        t[5] >= 0)
        return grid; /* epsg 0: the catalogue must know */
    grid = (struct grid){ .epsg = epsg_of(dataset), .x0 = t[0], .y0 = t[3], .dx = t[1],
                          .dy = -t[5], .width = GDALGetRasterXSize(dataset),
                          .height = GDALGetRasterYSize(dataset) };
    return grid_is_sound(&grid) ? grid : (struct grid){ 0 };
}

/* Decoded bytes of a block: pixels of all bands lie in it when they are interleaved. */
static double block_bytes(GDALDatasetH dataset, int width, int height)
{
    const char *interleave = GDALGetMetadataItem(dataset, "INTERLEAVE", "IMAGE_STRUCTURE");
    int bands = interleave && !strcmp(interleave, "PIXEL") ? GDALGetRasterCount(dataset) : 1;
    GDALDataType type = GDALGetRasterDataType(GDALGetRasterBand(dataset, 1));

    return (double)width * height * bands * GDALGetDataTypeSizeBytes(type);
}

GDALRasterBandH source_file_band(const struct source_file *file, const struct source_level *level, int band)
{
    GDALRasterBandH full = GDALGetRasterBand(file->dataset, band);

    return level->overview < 0 ? full : GDALGetOverview(full, level->overview);
}

DEFINE_AUTO(texts, char **, CSLDestroy)

/* An overview in a file of its own is none for the fast door, which would look for its tiles in the image's. */
static bool lies_in_file(const struct source_file *file, const struct source_level *level)
{
    AUTO(texts) char **files = NULL;

    if (level->overview < 0 || !strncmp(file->name, "/vsi", 4))
        return true;
    files = GDALGetFileList(file->dataset);
    return CSLCount(files) == 1;
}

/* False when its blocks are too large to be decoded. */
static bool level_open(struct source_pool *pool, struct source_file *file, struct source_level *level)
{
    GDALRasterBandH band = source_file_band(file, level, 1);
    GDALDatasetH dataset = level->overview < 0 ? file->dataset : GDALGetBandDataset(band);

    level->is_known = true;
    level->width = GDALGetRasterBandXSize(band);
    level->height = GDALGetRasterBandYSize(band);
    GDALGetBlockSize(band, &level->tile_width, &level->tile_height);
    if (block_bytes(file->dataset, level->tile_width, level->tile_height) > LARGEST_BLOCK)
        return false;
    level->serial = ++pool->clock;
    level->by_tiles = !strcmp(GDALGetDriverShortName(GDALGetDatasetDriver(file->dataset)), "GTiff") &&
                      level->tile_height >= 16 && level->tile_width >= 16 &&
                      (double)level->tile_width * level->tile_height * 8 <= LARGEST_TILE;
    if (level->by_tiles && !pool->gdal_only && dataset && lies_in_file(file, level))
        level->door = tiff_door_open(file->name, dataset, band);
    return true;
}

/* Of a plain file windows are read as they are, past GDAL's block cache, which is too small for wide lines of several threads
 * (a measurement of Sentinel-1 has 52 kB a line), and cost a third where they are as wide as the file. */
static GDALDatasetH open_dataset(const struct source_pool *pool, const char *name)
{
    const unsigned flags = GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR;
    const char *const *drivers = pool->options->trusted ? NULL : access_drivers;
    GDALDatasetH dataset = GDALOpenEx(name, flags, drivers, NULL, NULL);

    if (!dataset || (text_begins(name, "/vsi") && !text_begins(name, "/vsisubfile/")) || !source_file_is_plain(dataset))
        return dataset;
    GDALClose(dataset);
    CPLSetThreadLocalConfigOption("GTIFF_DIRECT_IO", "YES");
    dataset = GDALOpenEx(name, flags, drivers, NULL, NULL);
    CPLSetThreadLocalConfigOption("GTIFF_DIRECT_IO", NULL);
    return dataset;
}

static struct source_file *file_open(struct source_pool *pool, const char *href, struct err *err)
{
    AUTO(source_file) struct source_file *file = MEM_NEW(struct source_file);
    struct source_file *opened;

    if (!access_check(pool->options, href, &file->name, err))
        return NULL;
    file->href = mem_text(href);
    source_file_find(file);
    CPLErrorReset();
    file->dataset = open_dataset(pool, file->name);
    if (!file->dataset) {
        unreadable(href, err);
        return NULL;
    }
    if (GDALGetRasterCount(file->dataset) == 0) {
        err_set(err, ERR_SourceUnreadable, "The asset '%s' has no raster band.", href);
        return NULL;
    }
    file->grid = grid_of(file->dataset);
    for (int i = 0; i < (int)ARRAY_LEN(file->levels); i++)
        file->levels[i].overview = i - 1;
    if (!level_open(pool, file, &file->levels[0])) {
        err_set(err, ERR_SourceUnreadable,
                "The asset '%s' is cut in blocks of %d x %d pixels, larger than %d MB decoded.", href,
                file->levels[0].tile_width, file->levels[0].tile_height, LARGEST_BLOCK >> 20);
        return NULL;
    }
    opened = file;
    file = NULL;
    return opened;
}

/* The open file of this href; the least used one makes room. */
static struct source_file *file_get(struct source_pool *pool, const char *href, struct err *err)
{
    size_t oldest = 0;

    for (size_t i = 0; i < pool->most_files; i++) {
        struct source_file *file = pool->files[i];

        if (file && !strcmp(file->href, href)) {
            file->used = ++pool->clock;
            return file;
        }
        if (pool->files[oldest] && (!file || file->used < pool->files[oldest]->used))
            oldest = i;
    }
    file_free(pool->files[oldest]);
    pool->files[oldest] = file_open(pool, href, err);
    if (pool->files[oldest])
        pool->files[oldest]->used = ++pool->clock;
    return pool->files[oldest];
}

static bool kind_of_band(GDALRasterBandH band, const char *href, struct pixel_kind *ret_kind,
                         struct err *err)
{
    static const struct {
        GDALDataType type;
        enum pixel pixel;
    } types[] = { { GDT_Byte, PIXEL_U8 },   { GDT_UInt16, PIXEL_U16 },  { GDT_Int16, PIXEL_I16 },
                  { GDT_UInt32, PIXEL_U32 }, { GDT_Int32, PIXEL_I32 },  { GDT_Float32, PIXEL_F32 },
                  { GDT_Float64, PIXEL_F64 } };
    GDALDataType type = GDALGetRasterDataType(band);
    const char *sign = GDALGetMetadataItem(band, "PIXELTYPE", "IMAGE_STRUCTURE");
    int has_nodata = 0;

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].type == type) {
            ret_kind->pixel = types[i].pixel;
            if (type == GDT_Byte && sign && !strcmp(sign, "SIGNEDBYTE"))
                ret_kind->pixel = PIXEL_I8;
            ret_kind->nodata = GDALGetRasterNoDataValue(band, &has_nodata);
            ret_kind->has_nodata = has_nodata && pixel_holds(ret_kind->pixel, ret_kind->nodata);
            return true;
        }
    return err_set(err, ERR_SourceUnreadable,
                   "The asset '%s' has pixels of type %s, expected integers of 8 to 32 bits or floats.",
                   href, GDALGetDataTypeName(type));
}

bool source_open(struct source_pool *pool, const char *href, int band, struct source *ret_source,
                 struct err *err)
{
    struct source_file *file = file_get(pool, href, err);
    struct source source = { .file = file, .band = band };

    if (!file)
        return false;
    source.level = &file->levels[0];
    if (band < 1 || band > GDALGetRasterCount(file->dataset))
        return err_set(err, ERR_SourceUnreadable, "The asset '%s' has %d bands, expected band %d.",
                       href, GDALGetRasterCount(file->dataset), band);
    source.grid = file->grid;
    source.width = GDALGetRasterXSize(file->dataset);
    source.height = GDALGetRasterYSize(file->dataset);
    if (!kind_of_band(GDALGetRasterBand(file->dataset, band), href, &source.kind, err))
        return false;
    *ret_source = source;
    return true;
}

/* Sides of an overview that are those of the image by one number, but for rounding. */
static bool scales(const struct source *full, int64_t width, int64_t height, double *ret_factor)
{
    *ret_factor = (double)full->width / (double)width;
    return fabs((double)full->height / *ret_factor - (double)height) <= 1 && *ret_factor > 1;
}

/* The coarsest whose pixels are at most `factor` pixels of the image wide. */
static int choose_overview(const struct source *full, double factor)
{
    GDALRasterBandH band = GDALGetRasterBand(full->file->dataset, full->band);
    int n = GDALGetOverviewCount(band), best = -1;
    double most = 1, own;

    for (int i = 0; i < n && i < MOST_OVERVIEWS; i++) {
        GDALRasterBandH overview = GDALGetOverview(band, i);

        if (!overview || GDALGetRasterBandXSize(overview) < 1 || GDALGetRasterBandYSize(overview) < 1 ||
            GDALGetRasterDataType(overview) != GDALGetRasterDataType(band) ||
            !scales(full, GDALGetRasterBandXSize(overview), GDALGetRasterBandYSize(overview), &own) ||
            own > factor || own <= most)
            continue;
        most = own;
        best = i;
    }
    return best;
}

bool source_coarsen(struct source_pool *pool, struct source *source, double factor)
{
    int best = choose_overview(source, factor);
    struct source_level *level;

    if (best < 0)
        return false;
    level = &source->file->levels[1 + best];
    if (!level->is_known && !level_open(pool, source->file, level))
        level->serial = 0;
    if (level->serial == 0)
        return false;
    source->level = level;
    source->grid.dx *= (double)source->width / (double)level->width;
    source->grid.dy *= (double)source->height / (double)level->height;
    source->width = source->grid.width = level->width;
    source->height = source->grid.height = level->height;
    return true;
}

static bool decode(struct source_pool *pool, const struct source *source, int x, int y, void *dst,
                   struct err *err)
{
    struct source_file *file = source->file;
    const struct source_level *level = source->level;
    GDALRasterBandH band = source_file_band(file, level, source->band);
    size_t pixels = (size_t)level->tile_width * (size_t)level->tile_height;
    enum tiff_answer answer = TIFF_ASK_GDAL;

    pool->count.tiles++;
    pool->count.pixels += pixels;
    if (level->door)
        answer = tiff_door_tile(level->door, pool->tools, band, x, y, dst);
    if (answer == TIFF_ABSENT)
        pixel_tables[source->kind.pixel]->fill(dst, pixel_kind_gap(&source->kind), pixels);
    if (answer != TIFF_ASK_GDAL)
        return true;
    CPLErrorReset();
    if (GDALReadBlock(band, x, y, dst) != CE_None)
        return unreadable(file->href, err);
    return true;
}

/* Which of two tiles goes first: the one that was not used for longest; but of those that this work used the
 * latest one, because bands of a block come by the same tiles again and again, in the same order. */
static bool goes_before(const struct source_pool *pool, const struct tile *a, const struct tile *b)
{
    return a->used > pool->began && b->used > pool->began ? a->used > b->used : a->used < b->used;
}

/* Makes room for one more tile of `size` bytes: an empty place, after dropping others. */
static struct tile *tile_place(struct source_pool *pool, size_t size, struct err *err)
{
    for (;;) {
        struct tile *oldest = NULL, *empty = NULL;

        for (size_t i = 0; i < MOST_TILES; i++) {
            struct tile *tile = &pool->tiles[i];

            if (!tile->data)
                empty = empty ? empty : tile;
            else if (!oldest || goes_before(pool, tile, oldest))
                oldest = tile;
        }
        if (empty && (!oldest || pool->tile_bytes + size <= pool->tile_limit)) {
            empty->data = malloc(size);
            if (!empty->data) {
                err_set(err, ERR_MemoryExceeded, "No memory for a tile of %zu bytes.", size);
                return NULL;
            }
            empty->size_bytes = size;
            pool->tile_bytes += size;
            return empty;
        }
        pool->count.lost += oldest->used > pool->began;
        if (oldest->size_bytes == size && pool->tile_bytes <= pool->tile_limit) /* its memory fits as it is */
            return oldest;
        pool->tile_bytes -= oldest->size_bytes;
        free(oldest->data);
        *oldest = (struct tile){ 0 };
    }
}

static const void *tile_get(struct source_pool *pool, const struct source *source, int x, int y,
                            struct err *err)
{
    const struct source_level *level = source->level;
    size_t size = (size_t)level->tile_width * (size_t)level->tile_height *
                  pixel_size(source->kind.pixel);
    struct tile *tile;

    for (size_t i = 0; i < MOST_TILES; i++) {
        tile = &pool->tiles[i];
        if (tile->serial == level->serial && tile->band == source->band && tile->x == x &&
            tile->y == y) {
            tile->used = ++pool->clock;
            return tile->data;
        }
    }
    tile = tile_place(pool, size, err);
    if (!tile)
        return NULL;
    tile->serial = 0; /* until it is decoded whole */
    if (!decode(pool, source, x, y, tile->data, err))
        return NULL;
    tile->serial = level->serial;
    tile->band = source->band;
    tile->x = x;
    tile->y = y;
    tile->used = ++pool->clock;
    return tile->data;
}

struct window {
    int64_t x, y, width, height;
};

/* The part of the window that tile (tx, ty) has. */
static bool read_tile(struct source_pool *pool, const struct source *source,
                      const struct window *window, int tx, int ty, char *dst, struct err *err)
{
    int64_t tw = source->level->tile_width, th = source->level->tile_height, left = tx * tw,
            top = ty * th;
    int64_t x0 = left > window->x ? left : window->x, y0 = top > window->y ? top : window->y;
    int64_t x1 = left + tw < window->x + window->width ? left + tw : window->x + window->width;
    int64_t y1 = top + th < window->y + window->height ? top + th : window->y + window->height;
    size_t size = pixel_size(source->kind.pixel);
    const char *tile;

    if (window->width == tw && x0 == left && x1 == left + tw && y0 == top && y1 == top + th)
        return decode(pool, source, tx, ty, dst + (size_t)((y0 - window->y) * tw) * size, err);
    tile = tile_get(pool, source, tx, ty, err);
    if (!tile)
        return false;
    for (int64_t y = y0; y < y1; y++)
        memcpy(dst + (size_t)((y - window->y) * window->width + x0 - window->x) * size,
               tile + (size_t)((y - top) * tw + x0 - left) * size, (size_t)(x1 - x0) * size);
    return true;
}

static bool read_window(struct source_pool *pool, const struct source *source, const struct window *w,
                        void *dst, struct err *err)
{
    GDALRasterBandH band = source_file_band(source->file, source->level, source->band);

    pool->count.pixels += (uint64_t)(w->width * w->height);
    CPLErrorReset();
    if (GDALRasterIO(band, GF_Read, (int)w->x, (int)w->y, (int)w->width, (int)w->height, dst,
                     (int)w->width, (int)w->height, GDALGetRasterDataType(band), 0,
                     0) != CE_None)
        return unreadable(source->file->href, err);
    return true;
}

bool source_read(struct source_pool *pool, const struct source *source, int64_t x, int64_t y,
                 size_t width, size_t height, void *dst, struct err *err)
{
    struct window window = { x, y, (int64_t)width, (int64_t)height };
    int64_t tw = source->level->tile_width, th = source->level->tile_height;

    if (!source->level->by_tiles)
        return read_window(pool, source, &window, dst, err);
    for (int64_t ty = y / th; ty * th < y + window.height; ty++)
        for (int64_t tx = x / tw; tx * tw < x + window.width; tx++)
            if (!read_tile(pool, source, &window, (int)tx, (int)ty, dst, err))
                return false;
    return true;
}
