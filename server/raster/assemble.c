/* From parts to the files that a user gets: which files there are, their names and bands, the
 * statistics of each band (merged block by block, so that they depend on no split), and the writer of
 * each format. */
#include "base/instant.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/js.h"
#include "raster/disk.h"
#include "raster/sinks.h"
#include "raster/vectors.h"
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static const struct format {
    const char *name, *suffix, *media_type;
    bool (*write)(const struct sink_file *file, int64_t *ret_size, struct err *err);
    bool whole; /* one file for all labels of t */
    bool picture; /* bytes */
    vector_sink *write_vector;
} formats[] = {
    { "COG", "tif", "image/tiff; application=geotiff; profile=cloud-optimized", sink_cog, false, false, NULL },
    { "GTiff", "tif", "image/tiff; application=geotiff", sink_cog, false, false, NULL },
    { "PNG", "png", "image/png", sink_picture, false, true, NULL },
    { "JPEG", "jpg", "image/jpeg", sink_picture, false, true, NULL },
    { "GIF", "gif", "image/gif", sink_film, true, true, NULL },
    { "WebP", "webp", "image/webp", sink_film, true, true, NULL },
    { "MP4", "mp4", "video/mp4", sink_film, true, true, NULL },
    { "WebM", "webm", "video/webm", sink_film, true, true, NULL },
    { "netCDF", "nc", "application/x-netcdf", sink_netcdf, true, false, NULL },
    { "Zarr", "zarr.zip", "application/zip", sink_zarr, true, false, NULL },
    { "JSON", "json", "application/json", sink_json, true, false, vector_json },
    { "CSV", "csv", "text/csv", sink_csv, true, false, vector_csv },
    { "GeoJSON", "geojson", "application/geo+json", NULL, true, false, vector_geojson },
    { "Accuracy", "json", "application/json", NULL, true, false, vector_accuracy },
};

static const struct format *format_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (!strcasecmp(formats[i].name, name))
            return &formats[i];
    return NULL;
}

static const struct format *format_of(const struct plan_node *save)
{
    return format_named(save->save.format); /* schedules_make() has refused what there is not */
}

const char *raster_media_type(const char *name)
{
    const struct format *format = format_named(name);

    return format ? format->media_type : NULL;
}

bool sink_write(const char *path, const void *data, size_t size, struct err *err)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    bool ok;

    if (file < 0)
        return disk_failed("create", path, err);
    ok = disk_write(file, path, data, size, 0, err) && disk_sync(file, path, err);
    close(file);
    if (!ok)
        unlink(path);
    return ok;
}

bool sink_plane(const struct sink_file *file, size_t band, void **ret_pixels, struct err *err)
{
    const struct schedule *s = pieces_schedule(file->pieces, file->number);
    size_t size = pixel_size(file->style.kind.pixel), width = (size_t)s->grid.width;
    AUTO(mem) char *tile = malloc((size_t)BASE_TILE * BASE_TILE * size);
    AUTO(mem) char *pixels = malloc(width * (size_t)s->grid.height * size);

    if (!tile || !pixels)
        return err_set(err, ERR_MemoryExceeded, "No memory for a plane of %lld x %lld pixels.",
                       (long long)s->grid.width, (long long)s->grid.height);
    for (size_t t = 0; t < s->blocks; t++) {
        struct window_rect w = schedule_tile(s, t);

        if (!pieces_pixels(pieces_get(file->pieces, file->number, file->planes[band], t,
                                      PIECE_BASE),
                           file->encoder, &file->style, BASE_TILE, tile, err))
            return false;
        for (size_t y = 0; y < w.height; y++)
            memcpy(pixels + (((size_t)w.y + y) * width + (size_t)w.x) * size,
                   tile + y * BASE_TILE * size, w.width * size);
    }
    *ret_pixels = pixels;
    pixels = NULL;
    return true;
}

/* ---- statistics ---- */

/* Chan's merge of means and squared distances, in the order of the blocks. */
static void merge(struct tile_stats *all, const struct tile_stats *more)
{
    double a = (double)all->valid, b = (double)more->valid, off;

    if (more->valid == 0)
        return;
    if (all->valid == 0) {
        *all = *more;
        return;
    }
    off = more->sum / b - all->sum / a;
    all->squares += more->squares + off * off * a * b / (a + b);
    all->sum += more->sum;
    all->valid += more->valid;
    all->minimum = more->minimum < all->minimum ? more->minimum : all->minimum;
    all->maximum = more->maximum > all->maximum ? more->maximum : all->maximum;
}

static void add_stats(const struct pieces *pieces, size_t save, size_t plane,
                      struct georef_band *band)
{
    const struct schedule *s = pieces_schedule(pieces, save);
    struct tile_stats all = { 0 };
    double pixels = (double)s->grid.width * (double)s->grid.height;

    for (size_t tile = 0; tile < s->blocks; tile++)
        merge(&all, &pieces_get(pieces, save, plane, tile, PIECE_BASE)->entry->stats);
    band->has_stats = all.valid > 0;
    band->minimum = all.valid ? all.minimum : NAN;
    band->maximum = all.valid ? all.maximum : NAN;
    band->mean = all.valid ? all.sum / (double)all.valid : NAN;
    band->stddev = all.valid ? sqrt(all.squares / (double)all.valid) : NAN;
    band->valid_percent = 100 * (double)all.valid / pixels;
}

/* ---- files ---- */

struct assembly {
    const struct plan *plan;
    struct pieces *pieces;
    const struct vector_rows *rows;
    struct encoder *encoder;
    const char *folder;
    struct arena *arena;
    struct raster_file *files;
    size_t n_files, capacity;
};

static void add_label(struct text *out, const struct label *label)
{
    if (label->is_number)
        text_printf(out, "%.15g", label->number);
    else
        text_add(out, label->text);
}

/* "B04", or the labels of all dimensions but x, y and `split`, joined; the save node's name when the
 * cube has none of them. */
static const char *band_name(struct arena *arena, const struct plan_node *save, size_t split,
                             size_t plane)
{
    const struct cube_schema *schema = &save->schema;
    AUTO(text) struct text name = { 0 };

    for (size_t i = 0; i < schema->n_dimensions; i++) {
        const struct dimension *d = &schema->dimensions[i];

        if (dimension_is_horizontal(d) || i == split)
            continue;
        if (name.length)
            text_add(&name, " ");
        add_label(&name, &d->labels[cube_label_of(schema, i, plane)]);
    }
    return arena_text(arena, name.length ? name.data : save->save.name);
}

static void describe_band(const struct assembly *a, size_t save, size_t split, size_t plane,
                          struct georef_band *ret_band)
{
    const struct cube_schema *schema = &a->plan->saves[save]->schema;

    *ret_band = (struct georef_band){ .name = band_name(a->arena, a->plan->saves[save], split, plane),
                                      .scale = 1 };
    for (size_t i = 0; i < schema->n_dimensions; i++) {
        const struct dimension *d = &schema->dimensions[i];

        if (d->type == DIM_BANDS && d->bands) {
            const struct band_info *info = &d->bands[cube_label_of(schema, i, plane)];

            if (info->scale != 0 && isfinite(info->scale) && isfinite(info->offset)) {
                ret_band->scale = info->scale;
                ret_band->offset = info->offset;
            }
        }
    }
    add_stats(a->pieces, save, plane, ret_band);
}

static bool name_taken(const struct assembly *a, const char *name)
{
    for (size_t i = 0; i < a->n_files; i++)
        if (!strcmp(a->files[i].name, name))
            return true;
    return false;
}

/* Which planes a file holds: those of a date, of a band, or of all (the dimension is SIZE_MAX). */
struct choice {
    size_t dimension, label;
};

static const struct label *label_chosen(const struct cube_schema *schema, const struct choice *c)
{
    return c->dimension == SIZE_MAX ? NULL : &schema->dimensions[c->dimension].labels[c->label];
}

static bool is_chosen(const struct cube_schema *schema, const struct choice *c, size_t plane)
{
    return c->dimension == SIZE_MAX || cube_label_of(schema, c->dimension, plane) == c->label;
}

/* "ndvi1.tif", "ndvi1_2023-08-15T10-02-01Z.tif": safe as a file name and in a URL. */
static const char *file_name(const struct assembly *a, const struct plan_node *save,
                             const struct label *date, const struct label *band, const char *suffix)
{
    const struct label *labels[] = { date, band };
    AUTO(text) struct text stem = { 0 };
    const char *name;

    text_add(&stem, save->save.name);
    for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
        if (!labels[i])
            continue;
        text_add(&stem, "_");
        add_label(&stem, labels[i]);
    }
    for (char *c = stem.data; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *c) ||
            (c == stem.data && *c == '.'))
            *c = '-';
    if (stem.length > 180)
        stem.data[180] = '\0';
    name = arena_printf(a->arena, "%s.%s", stem.data, suffix);
    for (int i = 2; name_taken(a, name); i++)
        name = arena_printf(a->arena, "%s_%d.%s", stem.data, i, suffix);
    return name;
}

static const struct raster_band_stats *public_stats(struct arena *arena,
                                                    const struct georef_band *bands, size_t n)
{
    struct raster_band_stats *stats = arena_array(arena, n, sizeof *stats);

    for (size_t i = 0; i < n; i++)
        stats[i] = (struct raster_band_stats){ bands[i].name,   bands[i].minimum,
                                               bands[i].maximum, bands[i].mean,
                                               bands[i].stddev, bands[i].valid_percent };
    return stats;
}

static struct raster_file *file_new(struct assembly *a)
{
    a->files = mem_grow(a->files, &a->capacity, a->n_files + 1, sizeof *a->files);
    return &a->files[a->n_files];
}

static const char *title_of(struct arena *arena, const char *name, const struct label *date,
                            const struct label *band)
{
    return arena_printf(arena, "%s%s%s%s%s", name, date ? ", " : "", date && date->text ? date->text : "",
                        band ? ", " : "", band && band->text ? band->text : "");
}

/* The planes of a date and a band as one file. */
static bool write_one(struct assembly *a, size_t save, const struct choice *date,
                      const struct choice *band, struct err *err)
{
    const struct plan_node *node = a->plan->saves[save];
    const struct cube_schema *schema = &node->schema;
    const struct format *format = format_of(node);
    const struct label *text = label_chosen(schema, date), *part = label_chosen(schema, band);
    size_t planes = cube_planes(schema), n = 0;
    size_t *list = arena_array(a->arena, planes, sizeof *list);
    struct georef_band *bands = arena_array(a->arena, planes, sizeof *bands);
    struct raster_file out = { .save = node->id,
                               .media_type = format->media_type,
                               .instant_ms = text ? text->instant_ms : INSTANT_MIN,
                               .primary = node->save.primary,
                               .has_grid = schema->grid.epsg > 0,
                               .grid = schema->grid };
    struct sink_file file = { .pieces = a->pieces, .save = node, .number = save,
                              .encoder = a->encoder, .planes = list, .bands = bands };
    AUTO(mem) char *path = NULL;

    for (size_t plane = 0; plane < planes; plane++)
        if (is_chosen(schema, date, plane) && is_chosen(schema, band, plane)) {
            describe_band(a, save, date->dimension, plane, &bands[n]);
            list[n++] = plane;
        }
    if (!file_style_of(node, &file.style, err))
        return false;
    file.n_bands = n;
    out.name = file_name(a, node, text, part, format->suffix);
    out.title = title_of(a->arena, node->save.name, text, part);
    file.path = path = mem_printf("%s/%s", a->folder, out.name);
    if (!format->write(&file, &out.size_bytes, err))
        return false;
    out.pixel = file.style.kind.pixel;
    out.nodata = file.style.kind.nodata;
    out.has_nodata = file.style.kind.has_nodata;
    if (format->picture) { /* gaps are transparent or black there */
        out.pixel = PIXEL_U8;
        out.has_nodata = false;
    }
    out.n_bands = format->whole ? 0 : n;
    out.bands = public_stats(a->arena, bands, out.n_bands);
    *file_new(a) = out;
    a->n_files++;
    return true;
}

static bool write_vector(struct assembly *a, size_t save, struct err *err)
{
    const struct plan_node *node = a->plan->saves[save];
    const struct format *format = format_of(node);
    struct raster_file out = { .save = node->id,
                               .name = file_name(a, node, NULL, NULL, format->suffix),
                               .title = arena_text(a->arena, node->save.name),
                               .media_type = format->media_type,
                               .instant_ms = INSTANT_MIN,
                               .primary = node->save.primary };
    AUTO(mem) char *path = mem_printf("%s/%s", a->folder, out.name);

    if (!format->write_vector(node, a->rows->rows[save], path, &out.size_bytes, err))
        return false;
    *file_new(a) = out;
    a->n_files++;
    return true;
}

/* The dimension whose labels get files of their own. */
static size_t split_by(const struct cube_schema *schema, enum dimension_type type, bool wanted)
{
    for (size_t i = 0; wanted && i < schema->n_dimensions; i++)
        if (schema->dimensions[i].type == type)
            return i;
    return SIZE_MAX;
}

static size_t split_count(const struct cube_schema *schema, size_t dimension)
{
    return dimension == SIZE_MAX ? 1 : schema->dimensions[dimension].count;
}

static bool write_save(struct assembly *a, size_t save, struct err *err)
{
    const struct plan_node *node = a->plan->saves[save];
    const struct cube_schema *schema = &node->schema;
    const char *files = js_text(node->save.options, "files");
    bool one = format_of(node)->whole || (files && !strcasecmp(files, "one"));
    struct choice date = { split_by(schema, DIM_TEMPORAL, !one), 0 };
    struct choice band = { split_by(schema, DIM_BANDS, !one && files && !strcasecmp(files, "bands")), 0 };

    if (schema->geometries)
        return write_vector(a, save, err);
    for (date.label = 0; date.label < split_count(schema, date.dimension); date.label++)
        for (band.label = 0; band.label < split_count(schema, band.dimension); band.label++)
            if (!write_one(a, save, &date, &band, err))
                return false;
    return true;
}

static bool write_all(struct assembly *a, struct err *err)
{
    for (int primary = 1; primary >= 0; primary--)
        for (size_t i = 0; i < a->plan->n_saves; i++)
            if (a->plan->saves[i]->save.primary == (bool)primary && !write_save(a, i, err))
                return false;
    return true;
}

bool raster_assemble(const struct plan *plan, const struct raster_options *options,
                     size_t n_parts, const char *const *part_paths, const char *folder,
                     struct raster_result **ret_result, struct err *err)
{
    AUTO(schedules) struct schedules *schedules = NULL;
    AUTO(pieces) struct pieces *pieces = NULL;
    AUTO(encoder) struct encoder *encoder = NULL;
    AUTO(vector_rows) struct vector_rows *rows = NULL;
    AUTO(raster_result) struct raster_result *result = MEM_NEW(struct raster_result);
    struct assembly a = { .plan = plan, .folder = folder };
    struct raster_file *files;
    bool ok;

    result->arena = a.arena = arena_new();
    if (!schedules_make(plan, &schedules, err) ||
        !pieces_open(plan, schedules, n_parts, part_paths, &pieces, err) ||
        !encoder_new(&encoder, err) || !vector_rows_make(pieces, options, &rows, err))
        return false;
    a.pieces = pieces;
    a.rows = rows;
    a.encoder = encoder;
    ok = write_all(&a, err);
    if (ok) {
        files = arena_array(a.arena, a.n_files, sizeof *files);
        if (a.n_files)
            memcpy(files, a.files, a.n_files * sizeof *files);
        result->files = files;
        result->n_files = a.n_files;
        *ret_result = result;
        result = NULL;
    }
    free(a.files);
    return ok;
}
