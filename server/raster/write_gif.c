/* GIF by giflib: one table of colours; of each picture but the first only what changed. */
#include "base/mem.h"
#include "raster/colours.h"
#include "raster/disk.h"
#include "raster/show.h"
#include <fcntl.h>
#include <gif_lib.h>
#include <string.h>
#include <unistd.h>

enum { TABLE = 256, SAME = MOST_COLOURS /* the index of what stays */ };

struct gif {
    struct show *show;
    GifFileType *file;
    struct colours *colours;
    uint8_t *now, *before;
};

static bool failed(int code, struct err *err)
{
    const char *reason = GifErrorString(code);

    return err_set(err, ERR_StorageFailure, "A GIF could not be written: %s", reason ? reason : "no memory");
}

static bool count_all(struct gif *g, struct err *err)
{
    struct picture picture;

    for (size_t i = 0; i < g->show->count; i++) {
        if (!show_next(g->show, &picture, err))
            return false;
        colours_count(g->colours, picture.pixels, (size_t)g->show->width * (size_t)g->show->height);
    }
    return true;
}

static bool begin(struct gif *g, struct err *err)
{
    unsigned char again[] = { 1, 0, 0 };
    GifColorType table[TABLE] = { 0 };
    const uint32_t *list;
    size_t n = colours_settle(g->colours, &list);
    ColorMapObject *map;
    bool ok;

    for (size_t i = 0; i < n; i++)
        table[i] = (GifColorType){ (GifByteType)(list[i] >> 16), (GifByteType)(list[i] >> 8), (GifByteType)list[i] };
    map = GifMakeMapObject(TABLE, table);
    EGifSetGifVersion(g->file, true);
    ok = map && EGifPutScreenDesc(g->file, g->show->width, g->show->height, 8, 0, map) == GIF_OK;
    GifFreeMapObject(map);
    if (ok && g->show->loop && g->show->count > 1)
        ok = EGifPutExtensionLeader(g->file, APPLICATION_EXT_FUNC_CODE) == GIF_OK &&
             EGifPutExtensionBlock(g->file, 11, "NETSCAPE2.0") == GIF_OK &&
             EGifPutExtensionBlock(g->file, sizeof again, again) == GIF_OK && EGifPutExtensionTrailer(g->file) == GIF_OK;
    return ok || failed(g->file->Error, err);
}

/* The rows and columns that differ; at least one pixel, since each picture has its time. */
static GifImageDesc changed(const struct gif *g, bool first)
{
    int width = g->show->width, height = g->show->height, left = width, right = -1, top = height, bottom = -1;

    if (first)
        return (GifImageDesc){ .Width = width, .Height = height };
    for (int y = 0; y < height; y++) {
        const uint8_t *now = g->now + (size_t)y * (size_t)width, *before = g->before + (size_t)y * (size_t)width;

        if (!memcmp(now, before, (size_t)width))
            continue;
        top = y < top ? y : top;
        bottom = y;
        for (int x = 0; x < width; x++)
            if (now[x] != before[x]) {
                left = x < left ? x : left;
                right = x > right ? x : right;
            }
    }
    if (bottom < 0)
        return (GifImageDesc){ .Width = 1, .Height = 1 };
    return (GifImageDesc){ .Left = left, .Top = top, .Width = right - left + 1, .Height = bottom - top + 1 };
}

static bool put(struct gif *g, bool first, unsigned ms, struct err *err)
{
    GraphicsControlBlock control = { .DisposalMode = DISPOSE_DO_NOT, .DelayTime = (int)(ms < 20 ? 2 : (ms + 5) / 10),
                                     .TransparentColor = SAME };
    GifImageDesc part = changed(g, first);
    AUTO(mem) GifPixelType *row = mem_array((size_t)part.Width, sizeof *row);
    GifByteType block[4];
    bool ok;

    EGifGCBToExtension(&control, block);
    ok = EGifPutExtension(g->file, GRAPHICS_EXT_FUNC_CODE, sizeof block, block) == GIF_OK &&
         EGifPutImageDesc(g->file, part.Left, part.Top, part.Width, part.Height, false, NULL) == GIF_OK;
    for (int y = part.Top; ok && y < part.Top + part.Height; y++) {
        size_t at = (size_t)y * (size_t)g->show->width + (size_t)part.Left;

        for (int x = 0; x < part.Width; x++)
            row[x] = !first && g->now[at + (size_t)x] == g->before[at + (size_t)x] ? SAME : g->now[at + (size_t)x];
        ok = EGifPutLine(g->file, row, part.Width) == GIF_OK;
    }
    return ok || failed(g->file->Error, err);
}

static bool put_all(struct gif *g, struct err *err)
{
    struct picture picture;

    for (size_t i = 0; i < g->show->count; i++) {
        uint8_t *old = g->before;

        if (!show_next(g->show, &picture, err))
            return false;
        colours_map(g->colours, picture.pixels, g->show->width, g->show->height, g->now);
        if (!put(g, i == 0, picture.ms, err))
            return false;
        g->before = g->now;
        g->now = old;
    }
    return true;
}

bool write_gif(struct show *show, struct err *err)
{
    size_t n = (size_t)show->width * (size_t)show->height;
    AUTO(mem) uint8_t *indices = mem_array(2 * n, 1);
    int code = 0, file = open(show->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    struct gif g = { .show = show, .colours = colours_new(), .now = indices, .before = indices + n };
    bool ok = file >= 0;

    if (ok && !(g.file = EGifOpenFileHandle(dup(file), &code)))
        ok = failed(code, err);
    else if (!ok)
        disk_failed("create", show->path, err);
    ok = ok && count_all(&g, err) && begin(&g, err) && put_all(&g, err);
    if (g.file && EGifCloseFile(g.file, &code) != GIF_OK && ok)
        ok = failed(code, err);
    ok = ok && disk_sync(file, show->path, err);
    if (file >= 0)
        close(file);
    if (!ok)
        unlink(show->path);
    colours_free(g.colours);
    return ok;
}
