/* ISA-L inflates two to three times as fast as zlib. Pieces are large enough that the 32 kB which each one keeps for the next cost
 * nothing, and small enough to stay in a cache of the processor. */
#include "raster/zip_place.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <minizip/unzip.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IN_BYTES = 256 << 10, OUT_BYTES = 512 << 10, STORED = 0, DEFLATED = 8, ENCRYPTED = 1 };

/* ---- where ---- */

static bool find_in(unzFile zip, const char *member, struct zip_place *place)
{
    unz_file_info64 info;

    if (unzLocateFile(zip, member, 1) != UNZ_OK || unzGetCurrentFileInfo64(zip, &info, NULL, 0, NULL, 0, NULL, 0) != UNZ_OK ||
        (info.flag & ENCRYPTED) || (info.compression_method != STORED && info.compression_method != DEFLATED) ||
        unzOpenCurrentFile2(zip, NULL, NULL, 1) != UNZ_OK)
        return false;
    *place = (struct zip_place){ unzGetCurrentFileZStreamPos64(zip), info.compressed_size, info.uncompressed_size,
                                 info.compression_method == STORED };
    unzCloseCurrentFile(zip);
    return !place->stored || place->packed == place->size;
}

bool zip_place_find(const char *path, const char *member, struct zip_place *ret_place)
{
    unzFile zip = unzOpen64(path);
    struct stat st;
    bool found = zip && find_in(zip, member, ret_place);

    if (zip)
        unzClose(zip);
    return found && stat(path, &st) == 0 && ret_place->offset > 0 && ret_place->offset <= (uint64_t)st.st_size &&
           ret_place->packed <= (uint64_t)st.st_size - ret_place->offset;
}

/* ---- what is packed ---- */

struct unpacking {
    struct zip_place place;
    char *path;
    int file;
    uint64_t taken; /* bytes of the packed member that were read */
    uint64_t begin; /* of the piece in `out`, in the member */
    size_t length;  /* of it */
    struct inflate_state state;
    unsigned char *in, *out;
};

bool unpacking_new(const char *zip, const struct zip_place *place, struct unpacking **ret_unpacking, struct err *err)
{
    AUTO(unpacking) struct unpacking *u = MEM_NEW(struct unpacking);

    u->file = open(zip, O_RDONLY | O_CLOEXEC);
    if (u->file < 0)
        return err_set(err, ERR_SourceUnreadable, "%s: %s", zip, strerror(errno));
    u->path = mem_text(zip);
    u->place = *place;
    u->in = mem_alloc(IN_BYTES);
    u->out = mem_alloc(OUT_BYTES);
    isal_inflate_init(&u->state);
    u->state.crc_flag = ISAL_DEFLATE;
    *ret_unpacking = u;
    u = NULL;
    return true;
}

void unpacking_free(struct unpacking *u)
{
    if (!u)
        return;
    if (u->file >= 0)
        close(u->file);
    free(u->path);
    free(u->in);
    free(u->out);
    free(u);
}

static bool take_in(struct unpacking *u, struct err *err)
{
    uint64_t left = u->place.packed - u->taken;
    ssize_t got = pread(u->file, u->in, left < IN_BYTES ? (size_t)left : IN_BYTES, (off_t)(u->place.offset + u->taken));

    if (got <= 0)
        return err_set(err, ERR_FileContentInvalid, "%s: a packed file ends early", u->path);
    u->taken += (uint64_t)got;
    u->state.next_in = u->in;
    u->state.avail_in = (uint32_t)got;
    return true;
}

/* The next piece. When all has been taken in, there may still be pieces that found no room before. */
static bool inflate_piece(struct unpacking *u, struct err *err)
{
    u->begin += u->length;
    u->length = 0;
    while (u->length == 0) {
        bool was_all;

        if (u->state.avail_in == 0 && u->taken < u->place.packed && !take_in(u, err))
            return false;
        was_all = u->state.avail_in == 0;
        u->state.next_out = u->out;
        u->state.avail_out = OUT_BYTES;
        if (isal_inflate(&u->state) < 0)
            return err_set(err, ERR_FileContentInvalid, "%s: a packed file is damaged behind byte %llu", u->path,
                           (unsigned long long)u->begin);
        u->length = OUT_BYTES - u->state.avail_out;
        if (u->length == 0 && (was_all || u->state.block_state == ISAL_BLOCK_FINISH))
            return err_set(err, ERR_FileContentInvalid, "%s: a packed file ends early", u->path);
    }
    return true;
}

bool unpacking_read(struct unpacking *u, uint64_t offset, void *bytes, size_t size, struct err *err)
{
    char *to = bytes;

    if (offset < u->begin || offset > u->place.size || size > u->place.size - offset)
        return err_set(err, ERR_FileContentInvalid, "%s: a packed file of %llu bytes is wanted from byte %llu to %llu", u->path,
                       (unsigned long long)u->place.size, (unsigned long long)offset, (unsigned long long)(offset + size));
    while (size > 0) {
        size_t at, n;

        if (offset >= u->begin + u->length) {
            if (!inflate_piece(u, err))
                return false;
            continue;
        }
        at = (size_t)(offset - u->begin);
        n = u->length - at < size ? u->length - at : size;
        memcpy(to, u->out + at, n);
        to += n;
        offset += n;
        size -= n;
    }
    return true;
}
