/* Every size is known before the first byte is written: header, the area where GDAL looks for the
 * promises of the layout, all directories from the raster to the smallest overview, then the tiles,
 * smallest overview first. Each tile has its size before it and its last 4 bytes again behind it, so
 * that one read gets a tile without its index. Bands are separate planes. */
#include "raster/cog.h"
#include "base/mem.h"
#include "base/text.h"
#include "raster/disk.h"
#include "raster/schedule.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_TAGS = 32, LEADER = 4, TRAILER = 4, CHUNK = 4 << 20 };
enum tiff_type { TIFF_SHORT = 3, TIFF_LONG = 4, TIFF_LONG8 = 16 };

static const char promises[] = "LAYOUT=IFDS_BEFORE_DATA\n"
                               "BLOCK_ORDER=ROW_MAJOR\n"
                               "BLOCK_LEADER=SIZE_AS_UINT4\n"
                               "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\n"
                               "KNOWN_INCOMPATIBLE_EDITION=NO\n "; /* the blank leaves room for YES */

/* One directory in the making. */
struct directory {
    struct tiff_tag tags[MOST_TAGS];
    size_t n_tags;
    uint64_t at, data_at, end; /* offsets: itself, its long values, what follows */
    void *offsets, *counts;    /* values of TileOffsets and TileByteCounts */
};

struct layout {
    const struct cog *cog;
    struct arena *arena;
    bool big;
    size_t n_georef;
    struct tiff_tag *georef;
    struct directory *directories; /* one a level */
    uint64_t size;
};

void cog_levels(struct arena *arena, struct cog *cog)
{
    int64_t width = cog->grid.width, height = cog->grid.height;

    cog->n_levels = 1 + style_overviews(&cog->style, &cog->grid);
    cog->levels = arena_array(arena, cog->n_levels, sizeof *cog->levels);
    for (size_t i = 0; i < cog->n_levels; i++) {
        struct cog_level *level = &cog->levels[i];

        level->width = width;
        level->height = height;
        level->side = i == 0 ? BASE_TILE : HALF_TILE;
        level->columns = ((size_t)width + level->side - 1) / level->side;
        level->rows = ((size_t)height + level->side - 1) / level->side;
        level->tiles = arena_array(arena, cog->n_bands * level->columns * level->rows,
                                   sizeof *level->tiles);
        width = (width + 1) / 2;
        height = (height + 1) / 2;
    }
}

static size_t tile_count(const struct cog *cog, const struct cog_level *level)
{
    return cog->n_bands * level->columns * level->rows;
}

/* ---- directories ---- */

static void put_numbers(struct layout *l, struct directory *d, uint16_t id, enum tiff_type type,
                        size_t n, const uint64_t *numbers)
{
    size_t each = type == TIFF_SHORT ? 2 : type == TIFF_LONG ? 4 : 8;
    char *data = arena_alloc(l->arena, n * each);

    for (size_t i = 0; i < n; i++)
        memcpy(data + i * each, &numbers[i], each); /* little endian, as everything here */
    d->tags[d->n_tags++] = (struct tiff_tag){ id, (uint16_t)type, n, data, n * each };
}

static void put_number(struct layout *l, struct directory *d, uint16_t id, enum tiff_type type,
                       uint64_t number)
{
    put_numbers(l, d, id, type, 1, &number);
}

static void put_each(struct layout *l, struct directory *d, uint16_t id, size_t n, uint64_t number)
{
    AUTO(mem) uint64_t *numbers = mem_array(n, sizeof *numbers);

    for (size_t i = 0; i < n; i++)
        numbers[i] = number;
    put_numbers(l, d, id, TIFF_SHORT, n, numbers);
}

static unsigned sample_format(enum pixel pixel)
{
    switch (pixel) {
    case PIXEL_I8: case PIXEL_I16: case PIXEL_I32: return 2;
    case PIXEL_F32: case PIXEL_F64: return 3;
    default: return 1;
    }
}

static int by_id(const void *a, const void *b)
{
    return (int)((const struct tiff_tag *)a)->id - (int)((const struct tiff_tag *)b)->id;
}

static void fill_directory(struct layout *l, struct directory *d, size_t number)
{
    const struct cog *cog = l->cog;
    const struct cog_level *level = &cog->levels[number];
    size_t n = cog->n_bands, tiles = tile_count(cog, level);
    enum pixel pixel = cog->style.kind.pixel;
    bool colour = n == 3 && pixel == PIXEL_U8;
    enum tiff_type wide = l->big ? TIFF_LONG8 : TIFF_LONG;
    AUTO(mem) uint64_t *zeros = mem_array(tiles, sizeof *zeros);

    if (number > 0)
        put_number(l, d, 254, TIFF_LONG, 1); /* a reduced image */
    put_number(l, d, 256, TIFF_LONG, (uint64_t)level->width);
    put_number(l, d, 257, TIFF_LONG, (uint64_t)level->height);
    put_each(l, d, 258, n, 8 * pixel_size(pixel));
    put_number(l, d, 259, TIFF_SHORT, cog->style.codec);
    put_number(l, d, 262, TIFF_SHORT, colour ? 2 : 1);
    put_number(l, d, 277, TIFF_SHORT, n);
    put_number(l, d, 284, TIFF_SHORT, n > 1 ? 2 : 1);
    if (cog->style.predictor)
        put_number(l, d, 317, TIFF_SHORT, 2);
    put_number(l, d, 322, TIFF_SHORT, level->side);
    put_number(l, d, 323, TIFF_SHORT, level->side);
    put_numbers(l, d, 324, wide, tiles, zeros);
    d->offsets = (void *)d->tags[d->n_tags - 1].data;
    put_numbers(l, d, 325, TIFF_LONG, tiles, zeros);
    d->counts = (void *)d->tags[d->n_tags - 1].data;
    if (n > 1 && !colour)
        put_each(l, d, 338, n - 1, 0); /* further samples of no special meaning */
    put_each(l, d, 339, n, sample_format(pixel));
    for (size_t i = 0; i < l->n_georef; i++) /* overviews need the no-data value alone */
        if (number == 0 || l->georef[i].id == 42113)
            d->tags[d->n_tags++] = l->georef[i];
    qsort(d->tags, d->n_tags, sizeof *d->tags, by_id);
}

static uint64_t even(uint64_t offset)
{
    return offset + (offset & 1);
}

/* Where a directory and its long values lie when it begins at `at`. */
static void place_directory(const struct layout *l, struct directory *d, uint64_t at)
{
    size_t inline_bytes = l->big ? 8 : 4;

    d->at = at;
    d->data_at = even(at + (l->big ? 8 + 20 * d->n_tags + 8 : 2 + 12 * d->n_tags + 4));
    d->end = d->data_at;
    for (size_t i = 0; i < d->n_tags; i++)
        if (d->tags[i].size_bytes > inline_bytes)
            d->end = even(d->end + d->tags[i].size_bytes);
}

static void place_tiles(struct layout *l, uint64_t at)
{
    for (size_t i = l->cog->n_levels; i-- > 0;) {
        const struct cog_level *level = &l->cog->levels[i];
        struct directory *d = &l->directories[i];

        for (size_t t = 0; t < tile_count(l->cog, level); t++) {
            uint64_t offset = at + LEADER;

            memcpy((char *)d->offsets + t * (l->big ? 8 : 4), &offset, l->big ? 8 : 4);
            memcpy((char *)d->counts + t * 4, &level->tiles[t].size, 4);
            at = offset + level->tiles[t].size + TRAILER;
        }
    }
    l->size = at;
}

static size_t promises_size(void)
{
    return strlen("GDAL_STRUCTURAL_METADATA_SIZE=000000 bytes\n") + strlen(promises);
}

static void make_layout(struct layout *l)
{
    uint64_t at = even((l->big ? 16 : 8) + promises_size());

    l->directories = arena_array(l->arena, l->cog->n_levels, sizeof *l->directories);
    for (size_t i = 0; i < l->cog->n_levels; i++) {
        fill_directory(l, &l->directories[i], i);
        place_directory(l, &l->directories[i], at);
        at = l->directories[i].end;
    }
    place_tiles(l, at);
}

/* ---- bytes ---- */

static void add_number(struct text *out, uint64_t number, size_t bytes)
{
    text_addn(out, &number, bytes);
}

static void pad_to(struct text *out, uint64_t offset)
{
    while (out->length < offset)
        text_addn(out, "", 1);
}

static void add_directory(const struct layout *l, size_t number, struct text *out)
{
    const struct directory *d = &l->directories[number];
    size_t wide = l->big ? 8 : 4;
    uint64_t value_at = d->data_at;

    pad_to(out, d->at);
    add_number(out, d->n_tags, l->big ? 8 : 2);
    for (size_t i = 0; i < d->n_tags; i++) {
        const struct tiff_tag *tag = &d->tags[i];
        uint64_t value = value_at;

        add_number(out, tag->id, 2);
        add_number(out, tag->type, 2);
        add_number(out, tag->count, wide);
        if (tag->size_bytes <= wide) {
            value = 0;
            memcpy(&value, tag->data, tag->size_bytes);
        } else {
            value_at = even(value_at + tag->size_bytes);
        }
        add_number(out, value, wide);
    }
    add_number(out, number + 1 < l->cog->n_levels ? l->directories[number + 1].at : 0, wide);
    for (size_t i = 0; i < d->n_tags; i++)
        if (d->tags[i].size_bytes > wide) {
            pad_to(out, even(out->length));
            text_addn(out, d->tags[i].data, d->tags[i].size_bytes);
        }
    pad_to(out, d->end);
}

static void add_head(const struct layout *l, struct text *out)
{
    text_add(out, "II");
    add_number(out, l->big ? 43 : 42, 2);
    if (l->big) {
        add_number(out, 8, 2);
        add_number(out, 0, 2);
    }
    add_number(out, l->directories[0].at, l->big ? 8 : 4);
    text_printf(out, "GDAL_STRUCTURAL_METADATA_SIZE=%06zu bytes\n%s", strlen(promises), promises);
    for (size_t i = 0; i < l->cog->n_levels; i++)
        add_directory(l, i, out);
}

struct sink {
    int file;
    const char *path;
    struct text chunk;
    uint64_t offset; /* of the chunk */
};

static bool flush(struct sink *sink, struct err *err)
{
    if (!disk_write(sink->file, sink->path, sink->chunk.data, sink->chunk.length, sink->offset,
                    err))
        return false;
    sink->offset += sink->chunk.length;
    text_clear(&sink->chunk);
    return true;
}

static bool add_tile(struct sink *sink, const struct cog_tile *tile, struct err *err)
{
    struct text *out = &sink->chunk;
    size_t at = out->length + LEADER;

    add_number(out, tile->size, LEADER);
    if (tile->data) {
        text_addn(out, tile->data, tile->size);
    } else {
        out->data = mem_grow(out->data, &out->capacity, at + tile->size + TRAILER + 1, 1);
        if (!part_read(tile->part, tile->entry, out->data + at, err))
            return false;
        out->length += tile->size;
    }
    for (size_t i = 0; i < TRAILER; i++) { /* of a tile shorter than 4 bytes: what there is */
        size_t back = TRAILER - i;
        char last = tile->size >= back ? out->data[at + tile->size - back] : 0;

        text_addn(out, &last, 1);
    }
    return out->length < CHUNK || flush(sink, err);
}

static bool write_file(const struct layout *l, const char *path, struct err *err)
{
    struct sink sink = { .path = path };
    bool ok = true;

    sink.file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (sink.file < 0)
        return disk_failed("create", path, err);
    add_head(l, &sink.chunk);
    for (size_t i = l->cog->n_levels; ok && i-- > 0;) {
        const struct cog_level *level = &l->cog->levels[i];

        for (size_t t = 0; ok && t < tile_count(l->cog, level); t++)
            ok = add_tile(&sink, &level->tiles[t], err);
    }
    ok = ok && flush(&sink, err) && disk_sync(sink.file, path, err);
    text_drop(&sink.chunk);
    close(sink.file);
    if (!ok)
        unlink(path);
    return ok;
}

bool cog_write(const struct cog *cog, const char *path, int64_t *ret_size, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct layout layout = { .cog = cog, .arena = arena };
    uint64_t most = cog->big_above ? cog->big_above : UINT32_MAX;

    if (!georef_tags(arena, &cog->grid, &cog->style.kind, cog->n_bands, cog->bands, cog->metadata,
                     &layout.n_georef, &layout.georef, err))
        return false;
    make_layout(&layout);
    if (layout.size > most) {
        layout.big = true;
        make_layout(&layout);
    }
    if (!write_file(&layout, path, err))
        return false;
    *ret_size = (int64_t)layout.size;
    return true;
}
