/* Headers, bytes, directory, as the APPNOTE has them; the 64-bit records where a number needs them.
 * There is no time in it (1980, the least that zips know), so that equal members make equal bytes. */
#include "raster/zip_file.h"
#include "base/mem.h"
#include "raster/disk.h"
#include <fcntl.h>
#include <libdeflate.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 4 << 20, NO_TIME = 0, NEW_YEAR_1980 = 1 << 5 | 1, VERSION_64 = 45, UTF8_NAMES = 1 << 11 };
enum { MEMBER = 0x04034b50, ENTRY = 0x02014b50, END = 0x06054b50, END_64 = 0x06064b50,
       LOCATOR_64 = 0x07064b50 };

static void put(struct text *out, uint64_t number, size_t bytes)
{
    text_addn(out, &number, bytes); /* little endian, as everything here */
}

static bool flush(struct zip_file *zip, struct err *err)
{
    if (!disk_write(zip->file, zip->path, zip->chunk.data, zip->chunk.length, zip->at, err))
        return false;
    zip->at += zip->chunk.length;
    text_clear(&zip->chunk);
    return true;
}

bool zip_create(struct zip_file *zip, const char *path, struct err *err)
{
    *zip = (struct zip_file){ .path = path };
    zip->file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    return zip->file >= 0 || disk_failed("create", path, err);
}

/* What a member's header and its entry in the directory share. */
static void put_facts(struct text *out, const struct zip_member *m, size_t extra)
{
    put(out, VERSION_64, 2);
    put(out, UTF8_NAMES, 2);
    put(out, 0, 2); /* stored */
    put(out, NO_TIME, 2);
    put(out, NEW_YEAR_1980, 2);
    put(out, m->checksum, 4);
    put(out, m->size, 4);
    put(out, m->size, 4);
    put(out, strlen(m->name), 2);
    put(out, extra, 2);
}

bool zip_add(struct zip_file *zip, const char *name, const void *data, size_t size,
             struct err *err)
{
    struct zip_member *m;

    zip->members = mem_grow(zip->members, &zip->capacity, zip->n_members + 1, sizeof *zip->members);
    m = &zip->members[zip->n_members++];
    *m = (struct zip_member){ .name = mem_text(name), .offset = zip->at + zip->chunk.length,
                              .size = (uint32_t)size,
                              .checksum = libdeflate_crc32(0, data, size) };
    put(&zip->chunk, MEMBER, 4);
    put_facts(&zip->chunk, m, 0);
    text_add(&zip->chunk, name);
    text_addn(&zip->chunk, data, size);
    return zip->chunk.length < CHUNK || flush(zip, err);
}

static void put_entry(struct text *out, const struct zip_member *m)
{
    bool far = m->offset >= UINT32_MAX;

    put(out, ENTRY, 4);
    put(out, 3 << 8 | VERSION_64, 2); /* made on Unix */
    put_facts(out, m, far ? 12 : 0);
    put(out, 0, 2); /* comment */
    put(out, 0, 2); /* disk */
    put(out, 0, 2);
    put(out, 0100644u << 16, 4);
    put(out, far ? UINT32_MAX : m->offset, 4);
    text_add(out, m->name);
    if (far) {
        put(out, 1, 2);
        put(out, 8, 2);
        put(out, m->offset, 8);
    }
}

static void put_end_64(struct text *out, uint64_t n, uint64_t size, uint64_t at)
{
    put(out, END_64, 4);
    put(out, 44, 8);
    put(out, VERSION_64, 2);
    put(out, VERSION_64, 2);
    put(out, 0, 4);
    put(out, 0, 4);
    put(out, n, 8);
    put(out, n, 8);
    put(out, size, 8);
    put(out, at, 8);
    put(out, LOCATOR_64, 4);
    put(out, 0, 4);
    put(out, at + size, 8);
    put(out, 1, 4);
}

bool zip_finish(struct zip_file *zip, int64_t *ret_size, struct err *err)
{
    uint64_t at = zip->at + zip->chunk.length, size, n = zip->n_members;

    for (size_t i = 0; i < zip->n_members; i++) {
        put_entry(&zip->chunk, &zip->members[i]);
        if (zip->chunk.length >= CHUNK && !flush(zip, err))
            return false;
    }
    size = zip->at + zip->chunk.length - at;
    if (n >= UINT16_MAX || at >= UINT32_MAX || size >= UINT32_MAX)
        put_end_64(&zip->chunk, n, size, at);
    put(&zip->chunk, END, 4);
    put(&zip->chunk, 0, 4);
    put(&zip->chunk, n < UINT16_MAX ? n : UINT16_MAX, 2);
    put(&zip->chunk, n < UINT16_MAX ? n : UINT16_MAX, 2);
    put(&zip->chunk, size < UINT32_MAX ? size : UINT32_MAX, 4);
    put(&zip->chunk, at < UINT32_MAX ? at : UINT32_MAX, 4);
    put(&zip->chunk, 0, 2);
    if (!flush(zip, err) || !disk_sync(zip->file, zip->path, err))
        return false;
    *ret_size = (int64_t)zip->at;
    close(zip->file);
    zip->file = -1;
    return true;
}

void zip_done(struct zip_file *zip)
{
    for (size_t i = 0; i < zip->n_members; i++)
        free(zip->members[i].name);
    free(zip->members);
    text_drop(&zip->chunk);
    if (zip->file >= 0) {
        close(zip->file);
        unlink(zip->path);
    }
}
