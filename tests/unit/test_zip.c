/* Members of zips where they lie (raster/zip_place.h): zips that libarchive writes in each of its ways, and damaged and hostile ones; and
 * images that are unpacked past GDAL, against what GDAL reads. */
#include "raster/engine.h"
#include "raster/source.h"
#include "raster/zip_place.h"
#include "tests/sar/safe.h"
#include <cpl_error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

enum { PIECE = 512 << 10, MOST_BYTES = 3 * PIECE + 77 };

static const struct way {
    const char *name, *compression, *zip64;
} ways[] = {
    { "stored.zip", "store", NULL },
    { "packed.zip", "deflate", NULL },
    { "stored64.zip", "store", "1" },
    { "packed64.zip", "deflate", "1" },
};

static unsigned char content[MOST_BYTES]; /* runs, and what cannot be packed */

static int begin(void **state)
{
    srand(5);
    raster_init();
    CPLSetErrorHandler(CPLQuietErrorHandler);
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (unsigned char)(i / 1000 % 3 ? (size_t)rand() : i / 5000);
    return safe_begin(state);
}

/* "images/a.bin" of so many bytes, behind its folder and another file. The caller frees. */
static char *make_zip(const struct way *way, const void *bytes, size_t size)
{
    char *path = safe_path(way->name);
    struct archive *zip = archive_write_new();
    struct archive_entry *entry = archive_entry_new();

    archive_write_set_format_zip(zip);
    if (archive_write_set_format_option(zip, "zip", "compression", way->compression) != ARCHIVE_OK ||
        archive_write_set_format_option(zip, "zip", "zip64", way->zip64) != ARCHIVE_OK ||
        archive_write_set_format_option(zip, "zip", "compression-level", strcmp(way->compression, "store") ? "1" : NULL) == ARCHIVE_FATAL ||
        archive_write_open_filename(zip, path) != ARCHIVE_OK)
        abort();
    archive_entry_set_pathname(entry, "images/");
    archive_entry_set_filetype(entry, AE_IFDIR);
    archive_entry_set_perm(entry, 0755);
    if (archive_write_header(zip, entry) != ARCHIVE_OK)
        abort();
    archive_entry_free(entry);
    safe_add_to_zip(zip, "read.me", "nothing", 7);
    safe_add_to_zip(zip, "images/a.bin", bytes, size);
    if (archive_write_close(zip) != ARCHIVE_OK)
        abort();
    archive_write_free(zip);
    return path;
}

static unsigned char *bytes_of(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    unsigned char *bytes;

    if (!file || fstat(fileno(file), &st))
        abort();
    bytes = mem_alloc((size_t)st.st_size);
    if (fread(bytes, 1, (size_t)st.st_size, file) != (size_t)st.st_size || fclose(file))
        abort();
    *ret_size = (size_t)st.st_size;
    return bytes;
}

/* Reads on and on, in pieces of all sizes, some of it passed over. */
static void check_unpacking(const char *path, const struct zip_place *place, size_t size)
{
    AUTO(unpacking) struct unpacking *unpacking = NULL;
    AUTO(mem) unsigned char *got = mem_alloc(size + 1);
    struct err err = { 0 };

    if (!unpacking_new(path, place, &unpacking, &err))
        fail_msg("%s", err.message);
    for (size_t at = 0; at < size;) {
        size_t n = (size_t)rand() % (at % 3 ? 900000 : 900) + 1;

        n = n < size - at ? n : size - at;
        if (!unpacking_read(unpacking, at, got, n, &err))
            fail_msg("%s: %s", path, err.message);
        assert_memory_equal(got, content + at, n);
        at += n + (size_t)rand() % 3 * 1000;
    }
    assert_false(unpacking_read(unpacking, size, got, 1, &err));
    assert_non_null(strstr(err.message, "is wanted from byte"));
    err_clear(&err);
    if (size > PIECE)
        assert_false(unpacking_read(unpacking, 0, got, 1, &err));
}

static void members_are_found_in_each_way_of_packing(void **state)
{
    static const size_t sizes[] = { 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, MOST_BYTES };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++)
        for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
            AUTO(mem) char *path = make_zip(&ways[i], content, sizes[k]);
            struct zip_place place;
            size_t size;
            AUTO(mem) unsigned char *bytes = bytes_of(path, &size);

            if (!zip_place_find(path, "images/a.bin", &place))
                fail_msg("%s: nothing is found", path);
            assert_int_equal(place.size, sizes[k]);
            assert_int_equal(place.stored, !strcmp(ways[i].compression, "store"));
            if (place.stored)
                assert_memory_equal(bytes + place.offset, content, sizes[k]);
            else
                check_unpacking(path, &place, sizes[k]);
            assert_false(zip_place_find(path, "images", &place));
            assert_false(zip_place_find(path, "Images/a.bin", &place));
            assert_false(zip_place_find(path, "a.bin", &place));
            assert_true(!zip_place_find(path, "images/", &place) || place.size == 0);
        }
}

/* What comes before a zip is none of it, as long as it may be. */
static void offsets_may_be_larger_than_32_bits(void **state)
{
    const int64_t hole = 5LL << 30;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        AUTO(mem) char *path = make_zip(&ways[i], content, PIECE), *moved = safe_path("moved.zip");
        struct zip_place place, far;
        size_t size;
        AUTO(mem) unsigned char *bytes = bytes_of(path, &size);

        safe_write("moved.zip", "", 0);
        if (truncate(moved, hole))
            abort();
        FILE *file = fopen(moved, "ab");
        if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
            abort();
        assert_true(zip_place_find(path, "images/a.bin", &place) && zip_place_find(moved, "images/a.bin", &far));
        assert_int_equal(far.offset, (int64_t)place.offset + hole);
        assert_int_equal(far.packed, place.packed);
        if (i)
            check_unpacking(moved, &far, PIECE);
        unlink(moved);
    }
}

/* ---- damaged and hostile ones ---- */

/* The last entry of the central directory ("images/a.bin"): its fields, by where they are in it. */
enum { FLAGS = 8, METHOD = 10, PACKED = 20, SIZE = 24, LOCAL = 42 };

static unsigned char *entry_of(unsigned char *bytes, size_t size)
{
    for (size_t i = size - 46; i > 0; i--)
        if (!memcmp(bytes + i, "PK\1\2", 4))
            return bytes + i;
    abort();
}

static const struct lie {
    const char *name;
    size_t way, field;
    uint32_t value;
    bool is_found;
    const char *reason; /* of what is refused when all of it is read; NULL: it is read */
} lies[] = {
    { "encrypted", 1, FLAGS, 1 | 8, false, NULL },
    { "packed by Deflate64", 1, METHOD, 9, false, NULL },
    { "packed by Zstandard", 1, METHOD, 93, false, NULL },
    { "stored, it says", 1, METHOD, 0, false, NULL },
    { "its packed bytes would end behind the zip", 1, PACKED, 0x7fffffff, false, NULL },
    { "and with zip64, where there is none of it", 1, PACKED, 0xffffffff, false, NULL },
    { "packed bytes that are too few", 1, PACKED, 5000, true, "ends early" },
    { "no packed bytes", 1, PACKED, 0, true, "ends early" },
    { "more bytes than there are", 1, SIZE, 0x7fffffff, true, "ends early" },
    { "fewer bytes than there are", 1, SIZE, 100, true, NULL },
    { "a stored one of more bytes than there are", 0, SIZE, PIECE + 1, false, NULL },
    { "it begins behind the zip", 0, LOCAL, 0x7fffffff, false, NULL },
    { "it begins where nothing begins", 0, LOCAL, 17, false, NULL },
    { "it begins where another does", 1, LOCAL, 0, false, NULL },
};

static void read_all(const char *path, const struct lie *lie, const struct zip_place *place)
{
    AUTO(unpacking) struct unpacking *unpacking = NULL;
    AUTO(mem) unsigned char *got = mem_alloc(PIECE + 1);
    size_t size = place->size < PIECE + 1 ? (size_t)place->size : PIECE + 1;
    struct err err = { 0 };
    bool good = unpacking_new(path, place, &unpacking, &err) && unpacking_read(unpacking, 0, got, size, &err);

    if (good != !lie->reason || (lie->reason && !strstr(err.message, lie->reason)))
        fail_msg("%s: %s", lie->name, good ? "is read" : err.message);
}

static void what_directories_claim_is_held_against_the_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        const struct lie *lie = &lies[i];
        AUTO(mem) char *path = make_zip(&ways[lie->way], content, PIECE);
        struct zip_place place;
        size_t size;
        AUTO(mem) unsigned char *bytes = bytes_of(path, &size);

        memcpy(entry_of(bytes, size) + lie->field, &lie->value, lie->field <= METHOD ? 2 : 4);
        safe_write(ways[lie->way].name, bytes, size);
        if (zip_place_find(path, "images/a.bin", &place) != lie->is_found)
            fail_msg("%s: is %s", lie->name, lie->is_found ? "not found" : "found");
        if (lie->is_found)
            read_all(path, lie, &place);
    }
}

static void truncated_and_damaged_zips_say_so(void **state)
{
    AUTO(mem) char *path = make_zip(&ways[1], content, PIECE);
    struct zip_place place;
    size_t size;
    AUTO(mem) unsigned char *bytes = bytes_of(path, &size);
    const struct lie damaged = { .name = "damaged", .reason = "is damaged" };

    (void)state;
    assert_true(zip_place_find(path, "images/a.bin", &place));
    memset(bytes + place.offset + 1000, 0xff, 4000);
    safe_write(ways[1].name, bytes, size);
    read_all(path, &damaged, &place);
    if (truncate(path, (off_t)place.offset + 500)) /* after it was found */
        abort();
    read_all(path, &(struct lie){ .name = "truncated", .reason = "ends early" }, &place);
    for (size_t part = 0; part < 16; part++) {
        safe_write(ways[1].name, bytes, size * part / 16);
        assert_false(zip_place_find(path, "images/a.bin", &place));
    }
    assert_false(zip_place_find("/nowhere.zip", "images/a.bin", &place));
}

/* ---- images ---- */

static uint16_t steps(int64_t line, int64_t pixel)
{
    return (uint16_t)(line * 50 + pixel / 60);
}

static const struct image {
    const char *name, *const *options;
    bool is_unpacked; /* past GDAL */
} images[] = {
    { "line.tif", (const char *const[]){ "BLOCKYSIZE=1", NULL }, true },
    { "few.tif", (const char *const[]){ "BLOCKYSIZE=7", NULL }, true },
    { "big.tif", (const char *const[]){ "BLOCKYSIZE=1", "BIGTIFF=YES", NULL }, true },
    { "many.tif", (const char *const[]){ "BLOCKYSIZE=64", NULL }, false },
    { "tiles.tif", (const char *const[]){ "TILED=YES", NULL }, false },
    { "endian.tif", (const char *const[]){ "BLOCKYSIZE=1", "ENDIANNESS=BIG", NULL }, false },
    { "lzw.tif", (const char *const[]){ "BLOCKYSIZE=1", "COMPRESS=LZW", NULL }, false },
};

static const struct window {
    int64_t x, y;
    size_t width, height;
} windows[] = { { 0, 10, SAMPLES, 1 }, { 100, 30, 700, 200 }, { 650, 229, 1, 5 }, { 0, LINES - 1, SAMPLES, 1 } };

static void check_windows(const char *href, const char *name, bool is_unpacked)
{
    struct raster_options options = { .threads = 1, .archives = true };
    AUTO(source_pool) struct source_pool *pool = source_pool_new(&options, 1 << 20);
    struct source_part parts[ARRAY_LEN(windows)];
    AUTO(mem) uint16_t *room = mem_array(ARRAY_LEN(windows) * 200 * 700, sizeof *room);
    struct source source;
    struct err err = { 0 };
    bool done = false;

    for (size_t i = 0; i < ARRAY_LEN(windows); i++)
        parts[i] = (struct source_part){ windows[i].x, windows[i].y, windows[i].width, windows[i].height, room + i * 200 * 700 };
    if (!source_open(pool, href, 1, &source, &err) || !source_unpack(pool, &source, parts, ARRAY_LEN(parts), &done, &err))
        fail_msg("%s: %s", name, err.message);
    if (done != is_unpacked)
        fail_msg("%s: %s past GDAL", name, done ? "is read" : "is not read");
    for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
        const struct window *w = &windows[i];

        if (!done && !source_read(pool, &source, w->x, w->y, w->width, w->height, parts[i].pixels, &err))
            fail_msg("%s: %s", name, err.message);
        for (size_t k = 0; k < w->width * w->height; k++)
            if (((uint16_t *)parts[i].pixels)[k] != steps(w->y + (int64_t)(k / w->width), w->x + (int64_t)(k % w->width)))
                fail_msg("%s: window %zu differs at pixel %zu", name, i, k);
    }
}

static void images_are_unpacked_once_or_left_to_gdal(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(images); i++)
        for (size_t k = 0; k < 2; k++) {
            AUTO(mem) char *inside = mem_printf("%zu/%s", i, images[i].name), *root = mem_printf("%zu", i), *zip = NULL, *href = NULL;

            safe_write_tiff(inside, steps, images[i].options);
            zip = safe_zip(root, k ? "images1.zip" : "images0.zip", k ? "deflate" : "store", NULL, NULL);
            href = mem_printf("/vsizip/%s/%s", zip, inside);
            check_windows(href, images[i].name, images[i].is_unpacked && k);
            unlink(zip);
        }
}

/* Lines that lie in another order, or nowhere: `value` is put for the offset of line 20, of a BigTIFF that is not packed. */
static void lines_that_lie_elsewhere_are_never_read_backwards(void **state)
{
    static const uint64_t values[] = { 8, UINT64_MAX - 100, (uint64_t)INT64_MAX };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        static const char *const options[] = { "BLOCKYSIZE=1", "BIGTIFF=YES", NULL };
        struct raster_options reading = { .threads = 1, .archives = true };
        AUTO(source_pool) struct source_pool *pool = source_pool_new(&reading, 1 << 20);
        AUTO(mem) char *tiff = safe_path("hostile/a.tif"), *zip = NULL, *href = NULL;
        AUTO(mem) uint16_t *row = mem_array(2 * SAMPLES, sizeof *row);
        struct source_part parts[] = { { 0, 10, SAMPLES, 1, row }, { 0, 30, SAMPLES, 1, row + SAMPLES } };
        size_t size, at = 0;
        AUTO(mem) unsigned char *bytes = (safe_write_tiff("hostile/a.tif", steps, options), bytes_of(tiff, &size));
        uint64_t line[2];
        struct source source;
        struct err err = { 0 };
        bool done = false;

        /* the table of offsets: numbers that grow by a line's bytes */
        do
            memcpy(line, bytes + ++at, sizeof line);
        while (line[0] == 0 || line[0] > size || line[1] != line[0] + 2 * SAMPLES);
        memcpy(bytes + at + sizeof *line * 20, &values[i], sizeof values[i]);
        safe_write("hostile/a.tif", bytes, size);
        zip = safe_zip("hostile", "hostile.zip", "deflate", NULL, NULL);
        href = mem_printf("/vsizip/%s/hostile/a.tif", zip);
        if (!source_open(pool, href, 1, &source, &err) || !source_unpack(pool, &source, parts, ARRAY_LEN(parts), &done, &err))
            fail_msg("%zu: %s", i, err.message);
        assert_false(done);
        unlink(zip);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_in_each_way_of_packing),
        cmocka_unit_test(offsets_may_be_larger_than_32_bits),
        cmocka_unit_test(what_directories_claim_is_held_against_the_file),
        cmocka_unit_test(truncated_and_damaged_zips_say_so),
        cmocka_unit_test(images_are_unpacked_once_or_left_to_gdal),
        cmocka_unit_test(lines_that_lie_elsewhere_are_never_read_backwards),
    };

    return cmocka_run_group_tests(tests, begin, safe_end);
}
