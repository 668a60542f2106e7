/* Images in memory, as frames between processes and as the files that users get. Where an earlier frame has a pixel, it stays.
 * Consecutive frames touch, and pixels between the last line of one and the first of the next are within the reach of both, so
 * that no gap is left. Speckle is filtered in the joined image, so that it does not end at the frames' border.
 *
 * A frame's file is plain floats: speckle hardly packs. But pages of the disk in which a row has no data are left out, and so
 * the frames of a tile, each of which has a part of it, take little more than one image does. */
#include "sar/ortho.h"
#include "base/crew.h"
#include "base/mem.h"
#include "raster/disk.h"
#include "raster/image.h"
#include <fcntl.h>
#include <math.h>
#include <unistd.h>

enum { ROWS = 256, PAGE = 4096 / sizeof(float), ZSTD_LEVEL = 1, DEFLATE_LEVEL = 1 };

void ortho_centibels(const float *power, void *ret, size_t n)
{
    int16_t *to = ret;

    for (size_t i = 0; i < n; i++) {
        double value = isnan(power[i]) ? ORTHO_NO_CENTIBELS : nearbyint(1000 * log10(power[i]));

        to[i] = (int16_t)fmin(fmax(value, INT16_MIN), INT16_MAX);
    }
}

float *ortho_pixels_new(const struct grid *grid, struct err *err)
{
    size_t n = (size_t)(grid->width * grid->height);
    float *pixels = malloc(n * sizeof *pixels);

    if (!pixels)
        err_set(err, ERR_MemoryExceeded, "No memory for an image of %zu pixels.", n);
    for (size_t i = 0; pixels && i < n; i++)
        pixels[i] = NAN;
    return pixels;
}

/* ---- frames in files, where 0 is no data ---- */

/* The pixels of a row from the first to the last that has data, as far as whole pages go. */
static void find_span(const float *row, size_t width, size_t at, size_t *ret_first, size_t *ret_end)
{
    size_t first = 0, end = width;

    while (first < width && isnan(row[first]))
        first++;
    while (end > first && isnan(row[end - 1]))
        end--;
    *ret_first = (at + first) / PAGE * PAGE;
    *ret_first = *ret_first > at ? *ret_first - at : 0;
    *ret_end = end;
}

/* Rows that lie in the file one after the other go to it at once. */
struct stretch {
    size_t begin, end; /* places in the image */
};

static bool flush(int file, const char *path, const float *pixels, struct stretch *s, float *rows, struct err *err)
{
    size_t n = s->end - s->begin;

    for (size_t i = 0; i < n; i++)
        rows[i] = isnan(pixels[s->begin + i]) ? 0 : pixels[s->begin + i];
    return n == 0 || disk_write(file, path, rows, n * sizeof *rows, s->begin * sizeof *rows, err);
}

static bool write_rows(int file, const char *path, const float *pixels, size_t width, size_t height, struct err *err)
{
    AUTO(mem) float *rows = mem_array(ROWS * width, sizeof *rows);
    struct stretch s = { 0 };

    for (size_t y = 0; y < height; y++) {
        size_t at = y * width, first, end;

        find_span(pixels + at, width, at, &first, &end);
        if (first >= end)
            continue;
        if (at + first > s.end + PAGE || at + end - s.begin > ROWS * width) {
            if (!flush(file, path, pixels, &s, rows, err))
                return false;
            s.begin = at + first;
        }
        s.end = at + end;
    }
    return flush(file, path, pixels, &s, rows, err) &&
           (ftruncate(file, (off_t)(width * height * sizeof *pixels)) == 0 || disk_failed("write", path, err));
}

bool ortho_frame_write(const float *pixels, const struct grid *grid, const char *path, struct err *err)
{
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    bool good = file >= 0 || disk_failed("create", path, err);

    good = good && write_rows(file, path, pixels, (size_t)grid->width, (size_t)grid->height, err);
    if (file >= 0)
        close(file);
    return good;
}

static void put_first(float *to, const float *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(to[i]) && from[i] > 0)
            to[i] = from[i];
}

bool ortho_frame_read(const char *path, const struct grid *grid, float *pixels, struct err *err)
{
    size_t width = (size_t)grid->width, height = (size_t)grid->height;
    AUTO(mem) float *rows = mem_array(ROWS * width, sizeof *rows);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool good = file >= 0 || disk_failed("open", path, err);

    for (size_t y = 0; good && y < height; y += ROWS) {
        size_t n = (height - y < ROWS ? height - y : ROWS) * width;

        good = disk_read(file, path, rows, n * sizeof *rows, y * width * sizeof *rows, err);
        if (good)
            put_first(pixels + y * width, rows, n);
    }
    if (file >= 0)
        close(file);
    return good;
}

/* ---- speckle ---- */

struct filtering {
    const struct ortho_file *file;
    const float *from;
    float *to;
};

static bool filter_rows(void *context, void *own, size_t unit, struct err *err)
{
    const struct filtering *f = context;
    size_t width = (size_t)f->file->grid.width, height = (size_t)f->file->grid.height;
    size_t radius = (size_t)f->file->filter.radius, y = unit * ROWS, rows = height - y < ROWS ? height - y : ROWS;
    size_t top = y < radius ? y : radius, end = y + rows + radius < height ? y + rows + radius : height;
    const struct speckle_part part = { .pixels = f->from + (y - top) * width, .width = width, .height = end - (y - top),
                                       .top = top, .ret_width = width, .ret_height = rows };

    (void)own, (void)err;
    speckle_run(&f->file->filter, &part, f->to + y * width);
    return true;
}

static bool filter(const struct ortho_file *file, float **image, struct err *err)
{
    size_t n = (size_t)(file->grid.width * file->grid.height);
    struct filtering f = { file, *image, NULL };
    const struct crew_work work = { .units = ((size_t)file->grid.height + ROWS - 1) / ROWS, .threads = file->threads,
                                    .context = &f, .unit = filter_rows };

    if (file->filter.kind == SPECKLE_NONE)
        return true;
    f.to = malloc(n * sizeof *f.to);
    if (!f.to)
        return err_set(err, ERR_MemoryExceeded, "No memory to filter %zu pixels.", n);
    if (!crew_run(&work, err)) {
        free(f.to);
        return false;
    }
    free(*image);
    *image = f.to;
    return true;
}

bool ortho_write(const struct ortho_file *file, struct image_save *save, const char *path, struct ortho_saved *ret_saved,
                 struct err *err)
{
    struct tile_stats stats;
    int64_t size;

    save->grid = file->grid;
    save->metadata = file->metadata;
    save->codec = file->deflate ? CODEC_DEFLATE : CODEC_ZSTD;
    save->level = file->deflate ? DEFLATE_LEVEL : ZSTD_LEVEL;
    save->threads = file->threads;
    if (!image_save(save, path, &stats, &size, err))
        return false;
    *ret_saved = (struct ortho_saved){ .valid = stats.valid, .size_bytes = size };
    if (stats.valid > 0) {
        ret_saved->minimum = stats.minimum;
        ret_saved->maximum = stats.maximum;
        ret_saved->mean = stats.sum / (double)stats.valid;
        ret_saved->stddev = sqrt(stats.squares / (double)stats.valid);
    }
    return true;
}

bool ortho_save(const struct ortho_file *file, float **pixels, const char *path, struct ortho_saved *ret_saved, struct err *err)
{
    struct image_save save = { .band = file->band, .scale = 1, .kind = { PIXEL_F32, 0, true } };

    if (file->centibels) {
        save.kind = (struct pixel_kind){ PIXEL_I16, ORTHO_NO_CENTIBELS, true };
        save.convert = ortho_centibels;
        save.scale = 0.01;
    }
    if (!filter(file, pixels, err))
        return false;
    save.pixels = *pixels;
    return ortho_write(file, &save, path, ret_saved, err);
}
