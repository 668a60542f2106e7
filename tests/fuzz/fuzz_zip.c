/* A zip of hostile making with an image "a.tif": where it lies is within the zip, and what is unpacked of it, by our own door or by
 * GDAL's, are bytes or a message. */
#include "raster/source.h"
#include "raster/zip_place.h"
#include "tests/fuzz/one_file.h"
#include <cpl_error.h>
#include <sys/stat.h>

enum { WINDOW = 300, PIECE = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void start(void)
{
    raster_init();
    CPLSetErrorHandler(CPLQuietErrorHandler);
}

static void must_say(bool good, struct err *err)
{
    if (!good && !err->message[0])
        abort();
    err_clear(err);
}

/* Another time for each input: GDAL keeps the directories of zips, by their time and size. */
static void set_time(const char *path)
{
    static time_t inputs;
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = ++inputs } };

    if (utimensat(AT_FDCWD, path, times, 0))
        abort();
}

static void unpack(const char *path, const struct zip_place *place)
{
    AUTO(unpacking) struct unpacking *unpacking = NULL;
    AUTO(mem) char *piece = mem_alloc(PIECE);
    struct err err = { 0 };
    bool good = unpacking_new(path, place, &unpacking, &err);

    for (uint64_t at = 0; good && at < place->size; at += 3 * PIECE)
        good = unpacking_read(unpacking, at, piece, place->size - at < PIECE ? (size_t)(place->size - at) : PIECE, &err);
    must_say(good, &err);
}

static void read_image(const char *href)
{
    struct raster_options options = { .threads = 1, .archives = true };
    AUTO(source_pool) struct source_pool *pool = source_pool_new(&options, 1 << 20);
    struct source source;
    struct err err = { 0 };
    bool done;

    if (!source_open(pool, href, 1, &source, &err)) {
        must_say(false, &err);
        return;
    }
    size_t width = source.width < WINDOW ? (size_t)source.width : WINDOW, height = source.height < WINDOW ? (size_t)source.height : WINDOW;
    size_t pixel = pixel_size(source.kind.pixel);
    AUTO(mem) char *pixels = mem_array(2 * width * height, pixel);
    struct source_part parts[2] = { { 0, 0, width, 1, pixels },
                                    { source.width - (int64_t)width, source.height - (int64_t)height, width, height, pixels + width * height * pixel } };

    must_say(source_unpack(pool, &source, parts, 2, &done, &err), &err);
    must_say(source_read(pool, &source, parts[1].x, parts[1].y, width, height, pixels, &err), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = one_file(".zip", data, size);
    AUTO(mem) char *href = mem_printf("/vsizip/%s/a.tif", path);
    struct zip_place place;
    static bool started;

    if (!started)
        start();
    started = true;
    set_time(path);
    if (zip_place_find(path, "a.tif", &place)) {
        if (place.offset > size || place.packed > size - place.offset || (place.stored && place.packed != place.size))
            abort();
        if (!place.stored)
            unpack(path, &place);
    }
    read_image(href);
    return 0;
}
