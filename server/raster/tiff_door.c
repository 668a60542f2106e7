/* A tile is read with one pread(2), inflated with libdeflate or libzstd, and the predictor is undone
 * with a running sum in a register. Offsets and sizes come from GDAL's metadata items
 * BLOCK_OFFSET_x_y and BLOCK_SIZE_x_y, which need no decoding. */
#include "raster/tiff_door.h"
#include "base/mem.h"
#include "raster/block.h"
#include <fcntl.h>
#include <libdeflate.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

struct tiff_tools {
    struct libdeflate_decompressor *deflate;
    ZSTD_DCtx *zstd;
    void *packed;
    size_t packed_size;
};

struct tiff_door {
    int file;
    bool zstd, predictor;
    enum pixel pixel;
    size_t width, height; /* of a tile */
};

struct tiff_tools *tiff_tools_new(void)
{
    struct tiff_tools *tools = MEM_NEW(struct tiff_tools);

    tools->deflate = libdeflate_alloc_decompressor();
    tools->zstd = ZSTD_createDCtx();
    return tools;
}

void tiff_tools_free(struct tiff_tools *tools)
{
    if (!tools)
        return;
    if (tools->deflate)
        libdeflate_free_decompressor(tools->deflate);
    ZSTD_freeDCtx(tools->zstd);
    free(tools->packed);
    free(tools);
}

static bool item_is(GDALMajorObjectH object, const char *name, const char *value)
{
    const char *item = GDALGetMetadataItem(object, name, "IMAGE_STRUCTURE");

    return item && !strcmp(item, value);
}

static bool pixel_fits(GDALDataType type, enum pixel *ret_pixel)
{
    *ret_pixel = type == GDT_Byte ? PIXEL_U8 : type == GDT_UInt16 ? PIXEL_U16 : PIXEL_I16;
    return type == GDT_Byte || type == GDT_UInt16 || type == GDT_Int16;
}

static bool little_endian(int file)
{
    char head[2];

    return pread(file, head, 2, 0) == 2 && head[0] == 'I' && head[1] == 'I';
}

struct tiff_door *tiff_door_open(const char *path, GDALDatasetH dataset, GDALRasterBandH band)
{
    struct tiff_door door = { .file = -1 }, *copy;
    int width, height;
    bool deflate = item_is(dataset, "COMPRESSION", "DEFLATE");

    GDALGetBlockSize(band, &width, &height);
    door.zstd = item_is(dataset, "COMPRESSION", "ZSTD");
    door.predictor = item_is(dataset, "PREDICTOR", "2");
    if (strncmp(path, "/vsi", 4) == 0 ||
        (!deflate && !door.zstd) || item_is(dataset, "PREDICTOR", "3") ||
        !item_is(dataset, "INTERLEAVE", "BAND") ||
        GDALGetMetadataItem(band, "NBITS", "IMAGE_STRUCTURE") || width % 16 || height % 16 ||
        !pixel_fits(GDALGetRasterDataType(band), &door.pixel))
        return NULL;
    door.width = (size_t)width;
    door.height = (size_t)height;
    door.file = open(path, O_RDONLY | O_CLOEXEC);
    if (door.file < 0 || !little_endian(door.file)) {
        if (door.file >= 0)
            close(door.file);
        return NULL;
    }
    copy = MEM_NEW(struct tiff_door);
    *copy = door;
    return copy;
}

void tiff_door_free(struct tiff_door *door)
{
    if (!door)
        return;
    close(door->file);
    free(door);
}

static unsigned long long block_item(GDALRasterBandH band, const char *what, int x, int y)
{
    char name[64];
    const char *item;

    snprintf(name, sizeof name, "BLOCK_%s_%d_%d", what, x, y);
    item = GDALGetMetadataItem(band, name, "TIFF");
    return item ? strtoull(item, NULL, 10) : 0;
}

static bool read_packed(const struct tiff_door *door, struct tiff_tools *tools, uint64_t offset,
                        size_t size)
{
    if (size > tools->packed_size) {
        free(tools->packed);
        tools->packed = malloc(size);
        tools->packed_size = tools->packed ? size : 0;
        if (!tools->packed)
            return false;
    }
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(door->file, (char *)tools->packed + done, size - done,
                            (off_t)(offset + done));

        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

enum tiff_answer tiff_door_tile(struct tiff_door *door, struct tiff_tools *tools,
                                GDALRasterBandH band, int x, int y, void *dst)
{
    uint64_t offset = block_item(band, "OFFSET", x, y), packed = block_item(band, "SIZE", x, y);
    size_t size = door->width * door->height * pixel_size(door->pixel), got = 0;

    if (offset == 0 || packed == 0)
        return TIFF_ABSENT;
    /* no tile that is worth reading is larger packed than this: the file is damaged or hostile */
    if (packed > 2 * size + 4096 || !read_packed(door, tools, offset, packed))
        return TIFF_ASK_GDAL;
    if (door->zstd)
        got = ZSTD_decompressDCtx(tools->zstd, dst, size, tools->packed, packed);
    else if (libdeflate_zlib_decompress(tools->deflate, tools->packed, packed, dst, size, &got) !=
             LIBDEFLATE_SUCCESS)
        return TIFF_ASK_GDAL;
    if (got != size)
        return TIFF_ASK_GDAL;
    if (door->predictor)
        pixel_tables[door->pixel]->undo_predict(dst, door->width, door->height);
    return TIFF_DECODED;
}
