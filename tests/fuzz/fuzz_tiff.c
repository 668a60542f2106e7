/* An image file of hostile making: reading all of it through the pool, fast door or not, answers
 * pixels or a message, and never asks for more memory than a window needs. */
#include "raster/source.h"
#include "tests/fuzz/one_file.h"
#include <cpl_error.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void start(void)
{
    raster_init();
    CPLSetErrorHandler(CPLQuietErrorHandler);
}

static void read_corner(struct source_pool *pool, const struct source *source, bool far)
{
    size_t width = source->width < 300 ? (size_t)source->width : 300;
    size_t height = source->height < 300 ? (size_t)source->height : 300;
    AUTO(mem) void *pixels = mem_array(width * height, pixel_size(source->kind.pixel));
    struct err err = { 0 };

    if (!source_read(pool, source, far ? source->width - (int64_t)width : 0,
                     far ? source->height - (int64_t)height : 0, width, height, pixels, &err) &&
        !err.message[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct raster_options options = { .threads = 1 };
    AUTO(source_pool) struct source_pool *pool = NULL;
    struct source source;
    struct err err = { 0 };
    static bool started;

    if (!started)
        start();
    started = true;
    pool = source_pool_new(&options, 1 << 20);
    if (!source_open(pool, one_file(".tif", data, size), 1, &source, &err)) {
        if (!err.message[0])
            abort();
        return 0;
    }
    if (source.width <= 0 || source.height <= 0)
        abort();
    read_corner(pool, &source, false);
    read_corner(pool, &source, true);
    return 0;
}
