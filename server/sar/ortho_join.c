/* The frames are read a band of rows at a time into one image; where an earlier one has a pixel, it stays. Consecutive
 * frames touch, and pixels between the last line of one and the first of the next are within the reach of both, so that
 * no gap is left. Speckle is filtered in the joined image, so that it does not end at the frames' border. */
#include "sar/ortho.h"
#include "base/crew.h"
#include "base/mem.h"
#include "raster/disk.h"
#include "raster/image.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 256, ZSTD_LEVEL = 1, DEFLATE_LEVEL = 1 };

void ortho_centibels(const float *power, void *ret, size_t n)
{
    int16_t *to = ret;

    for (size_t i = 0; i < n; i++) {
        double value = isnan(power[i]) ? ORTHO_NO_CENTIBELS : nearbyint(1000 * log10(power[i]));

        to[i] = (int16_t)fmin(fmax(value, INT16_MIN), INT16_MAX);
    }
}

/* 0 is no data in the file and NaN in memory, where what has data is not to be mixed with it. */
static void put_first(float *to, const float *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(to[i]) && from[i] > 0)
            to[i] = from[i];
}

static bool add_frame(const struct ortho_join *join, const char *path, float *image, struct err *err)
{
    size_t width = (size_t)join->grid.width, height = (size_t)join->grid.height;
    AUTO(mem) float *rows = malloc(ROWS * width * sizeof *rows);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool good = file >= 0 || disk_failed("open", path, err);

    if (good && !rows)
        good = err_set(err, ERR_MemoryExceeded, "No memory for %d rows of %zu pixels.", ROWS, width);
    for (size_t y = 0; good && y < height; y += ROWS) {
        size_t n = (height - y < ROWS ? height - y : ROWS) * width;

        good = disk_read(file, path, rows, n * sizeof *rows, y * width * sizeof *rows, err);
        if (good)
            put_first(image + y * width, rows, n);
    }
    if (file >= 0)
        close(file);
    return good;
}

static bool read_frames(const struct ortho_join *join, float *image, struct err *err)
{
    size_t n = (size_t)(join->grid.width * join->grid.height);

    for (size_t i = 0; i < n; i++)
        image[i] = NAN;
    for (size_t i = 0; i < join->n_frames; i++)
        if (!add_frame(join, join->paths[i], image, err))
            return false;
    return true;
}

/* ---- speckle ---- */

struct filtering {
    const struct ortho_join *join;
    const float *from;
    float *to;
};

static bool filter_rows(void *context, void *own, size_t unit, struct err *err)
{
    const struct filtering *f = context;
    size_t width = (size_t)f->join->grid.width, height = (size_t)f->join->grid.height;
    size_t radius = (size_t)f->join->filter.radius, y = unit * ROWS, rows = height - y < ROWS ? height - y : ROWS;
    size_t top = y < radius ? y : radius, end = y + rows + radius < height ? y + rows + radius : height;
    const struct speckle_part part = { .pixels = f->from + (y - top) * width, .width = width, .height = end - (y - top),
                                       .top = top, .ret_width = width, .ret_height = rows };

    (void)own, (void)err;
    speckle_run(&f->join->filter, &part, f->to + y * width);
    return true;
}

static bool filter(const struct ortho_join *join, float **image, struct err *err)
{
    size_t n = (size_t)(join->grid.width * join->grid.height);
    struct filtering f = { join, *image, NULL };
    const struct crew_work work = { .units = ((size_t)join->grid.height + ROWS - 1) / ROWS, .threads = join->threads,
                                    .context = &f, .unit = filter_rows };

    if (join->filter.kind == SPECKLE_NONE)
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

bool ortho_join(const struct ortho_join *join, const char *path, struct ortho_joined *ret_joined, struct err *err)
{
    size_t n = (size_t)(join->grid.width * join->grid.height);
    AUTO(mem) float *image = malloc(n * sizeof *image);
    struct image_save save = { .grid = join->grid, .band = join->band, .scale = 1, .metadata = join->metadata,
                               .kind = { PIXEL_F32, 0, true }, .codec = join->deflate ? CODEC_DEFLATE : CODEC_ZSTD,
                               .level = join->deflate ? DEFLATE_LEVEL : ZSTD_LEVEL, .threads = join->threads };
    struct tile_stats stats;
    int64_t size;

    if (!image)
        return err_set(err, ERR_MemoryExceeded, "No memory for an image of %zu pixels.", n);
    if (join->centibels) {
        save.kind = (struct pixel_kind){ PIXEL_I16, ORTHO_NO_CENTIBELS, true };
        save.convert = ortho_centibels;
        save.scale = 0.01;
    }
    if (!read_frames(join, image, err) || !filter(join, &image, err))
        return false;
    save.pixels = image;
    if (!image_save(&save, path, &stats, &size, err))
        return false;
    *ret_joined = (struct ortho_joined){ .valid = stats.valid, .size_bytes = size };
    if (stats.valid > 0) {
        ret_joined->minimum = stats.minimum;
        ret_joined->maximum = stats.maximum;
        ret_joined->mean = stats.sum / (double)stats.valid;
        ret_joined->stddev = sqrt(stats.squares / (double)stats.valid);
    }
    return true;
}
