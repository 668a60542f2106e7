/* Images in zips. What is stored is read as a part of the zip; what is packed is unpacked from its begin, so all that is wanted of it
 * is taken on one way through it. */
#include "base/mem.h"
#include "base/text.h"
#include "raster/source_file.h"
#include <stdio.h>
#include <string.h>

/* "/vsizip/{ZIP}/MEMBER", as access_check() writes it; NULL: something else, or no TIFF. */
static char *zip_of(const char *name, const char **ret_member)
{
    const char *path = name + strlen("/vsizip/{"), *end = text_begins(name, "/vsizip/{") ? strstr(path, "}/") : NULL;

    if (!end || !(text_ends(name, ".tiff") || text_ends(name, ".tif")))
        return NULL;
    *ret_member = end + strlen("}/");
    return mem_textn(path, (size_t)(end - path));
}

/* A member that is not packed is a part of a file like any other. */
void source_file_find(struct source_file *file)
{
    const char *member;
    char *zip = zip_of(file->name, &member);

    if (!zip || !zip_place_find(zip, member, &file->place)) {
        free(zip);
        return;
    }
    file->zip = zip;
    if (!file->place.stored)
        return;
    free(file->name);
    file->name = mem_printf("/vsisubfile/%llu_%llu,%s", (unsigned long long)file->place.offset, (unsigned long long)file->place.size, zip);
}

bool source_file_is_plain(GDALDatasetH dataset)
{
    int width, height;

    if (strcmp(GDALGetDriverShortName(GDALGetDatasetDriver(dataset)), "GTiff") ||
        GDALGetRasterCount(dataset) != 1 || GDALGetMetadataItem(dataset, "COMPRESSION", "IMAGE_STRUCTURE"))
        return false;
    GDALGetBlockSize(GDALGetRasterBand(dataset, 1), &width, &height);
    return width == GDALGetRasterXSize(dataset) && height < 16;
}

bool source_is_packed(const struct source *source)
{
    const struct source_file *file = source->file;

    return file->zip ? !file->place.stored : text_begins(file->name, "/vsizip/");
}

/* Where a line begins in the file; 0: nobody knows, or it does not lie in the file as a whole. */
static uint64_t offset_of(GDALRasterBandH band, const struct source *source, int64_t line)
{
    int height = source->level->tile_height;
    uint64_t row = (uint64_t)source->width * pixel_size(source->kind.pixel), skipped = (uint64_t)(line % height) * row;
    uint64_t size = source->file->place.size, offset;
    char name[48];
    const char *text;

    snprintf(name, sizeof name, "BLOCK_OFFSET_0_%lld", (long long)(line / height));
    text = GDALGetMetadataItem(band, name, "TIFF");
    offset = text ? strtoull(text, NULL, 10) : 0;
    return offset > 0 && offset < size && skipped + row <= size - offset ? offset + skipped : 0;
}

static bool has_line(const struct source_part *part, int64_t y)
{
    return y >= part->y && y < part->y + (int64_t)part->height;
}

/* What all parts need of line y, which is put to where they want it. `row` has room for a line. */
static bool unpack_line(struct unpacking *unpacking, uint64_t offset, int64_t y, size_t size, const struct source_part *parts,
                        size_t n, char *row, struct err *err)
{
    int64_t first = INT64_MAX, end = 0;

    for (size_t i = 0; i < n; i++)
        if (has_line(&parts[i], y)) {
            first = parts[i].x < first ? parts[i].x : first;
            end = parts[i].x + (int64_t)parts[i].width > end ? parts[i].x + (int64_t)parts[i].width : end;
        }
    if (first >= end)
        return true;
    if (!unpacking_read(unpacking, offset + (uint64_t)first * size, row, (size_t)(end - first) * size, err))
        return false;
    for (size_t i = 0; i < n; i++)
        if (has_line(&parts[i], y))
            memcpy((char *)parts[i].pixels + (size_t)(y - parts[i].y) * parts[i].width * size, row + (size_t)(parts[i].x - first) * size,
                   parts[i].width * size);
    return true;
}

/* From *ret_first on; NULL where a line begins before the one above it has ended. */
static uint64_t *offsets_of(const struct source *source, const struct source_part *parts, size_t n, int64_t *ret_first,
                            int64_t *ret_end)
{
    GDALRasterBandH band = source_file_band(source->file, source->level, source->band);
    uint64_t row = (uint64_t)source->width * pixel_size(source->kind.pixel), *offsets;

    *ret_first = source->height;
    *ret_end = 0;
    for (size_t i = 0; i < n; i++) {
        *ret_first = parts[i].y < *ret_first ? parts[i].y : *ret_first;
        *ret_end = parts[i].y + (int64_t)parts[i].height > *ret_end ? parts[i].y + (int64_t)parts[i].height : *ret_end;
    }
    if (*ret_first >= *ret_end)
        return NULL;
    offsets = mem_array((size_t)(*ret_end - *ret_first), sizeof *offsets);
    for (int64_t y = *ret_first, i = 0; y < *ret_end; y++, i++) {
        offsets[i] = offset_of(band, source, y);
        if (offsets[i] == 0 || (i && offsets[i] < offsets[i - 1] + row)) {
            free(offsets);
            return NULL;
        }
    }
    return offsets;
}

bool source_unpack(struct source_pool *pool, const struct source *source, const struct source_part *parts, size_t n_parts,
                   bool *ret_done, struct err *err)
{
    const struct source_file *file = source->file;
    AUTO(unpacking) struct unpacking *unpacking = NULL;
    size_t size = pixel_size(source->kind.pixel);
    AUTO(mem) char *row = mem_array((size_t)source->width, size);
    AUTO(mem) uint64_t *offsets = NULL;
    int64_t first, end;
    char order[2];

    *ret_done = false;
    if (!file->zip || file->place.stored || !source_file_is_plain(file->dataset))
        return true;
    offsets = offsets_of(source, parts, n_parts, &first, &end);
    if (!offsets)
        return true;
    if (!unpacking_new(file->zip, &file->place, &unpacking, err) || !unpacking_read(unpacking, 0, order, sizeof order, err))
        return err_prefix(err, "%s", file->href);
    if (memcmp(order, "II", 2) && size > 1)
        return true; /* the numbers' bytes are the other way round */
    for (int64_t y = first; y < end; y++)
        if (!unpack_line(unpacking, offsets[y - first], y, size, parts, n_parts, row, err))
            return err_prefix(err, "%s", file->href);
    for (size_t i = 0; i < n_parts; i++)
        source_pool_add_pixels(pool, (uint64_t)parts[i].width * parts[i].height);
    *ret_done = true;
    return true;
}
