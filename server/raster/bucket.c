/* In folders a file is written beside its place and renamed, so that nobody reads half of it; in stores an object
 * appears when it is whole. */
#include "raster/bucket.h"
#include "base/mem.h"
#include "base/text.h"
#include <cpl_error.h>
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 20, LARGEST_TEXT = 64 << 20 };

static void close_file(VSILFILE *file)
{
    VSIFCloseL(file);
}
DEFINE_AUTO(vsi_file, VSILFILE *, close_file)

static bool failed(const char *what, const char *path, struct err *err)
{
    const char *reason = CPLGetLastErrorMsg();

    return err_set(err, ERR_StorageFailure, "'%.300s' could not be %s%s%.300s", path, what, *reason ? ": " : "", reason);
}

void bucket_allow(const char *root, const struct bucket_access *access)
{
    const char *host = strstr(access->endpoint, "://");
    const char *const options[][2] = {
        { "AWS_ACCESS_KEY_ID", access->key },
        { "AWS_SECRET_ACCESS_KEY", access->secret },
        { "AWS_REGION", access->region },
        { "AWS_S3_ENDPOINT", host ? host + 3 : access->endpoint },
        { "AWS_HTTPS", text_begins(access->endpoint, "http://") ? "NO" : "YES" },
        { "AWS_VIRTUAL_HOSTING", *access->endpoint ? "FALSE" : "TRUE" },
    };

    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (*options[i][1])
            VSISetPathSpecificOption(root, options[i][0], options[i][1]);
}

static bool is_folder(const char *path)
{
    return !text_begins(path, "/vsi");
}

bool bucket_make(const char *folder, struct err *err)
{
    CPLErrorReset();
    return !is_folder(folder) || VSIMkdirRecursive(folder, 0755) == 0 || failed("made", folder, err);
}

static bool copy(VSILFILE *from, const char *text, size_t length, VSILFILE *to)
{
    AUTO(mem) char *piece = malloc(PIECE);
    size_t n;

    if (!from)
        return VSIFWriteL(text, 1, length, to) == length;
    while (piece && (n = VSIFReadL(piece, 1, PIECE, from)) > 0)
        if (VSIFWriteL(piece, 1, n, to) != n)
            return false;
    return piece && VSIFEofL(from);
}

/* From a file, or the text where that is NULL. */
static bool put(VSILFILE *from, const char *text, size_t length, const char *to, struct err *err)
{
    AUTO(mem) char *folder = mem_printf("%.*s", (int)(strrchr(to, '/') - to), to);
    AUTO(mem) char *fresh = is_folder(to) ? mem_printf("%s.part", to) : mem_text(to);
    VSILFILE *file;
    bool good;

    if (!bucket_make(folder, err))
        return false;
    CPLErrorReset();
    file = VSIFOpenL(fresh, "wb");
    good = file && copy(from, text, length, file);
    if (file && VSIFCloseL(file))
        good = false;
    if (good && is_folder(to))
        good = VSIRename(fresh, to) == 0;
    return good || failed("written", to, err);
}

bool bucket_put_file(const char *from, const char *to, struct err *err)
{
    AUTO(vsi_file) VSILFILE *file = NULL;

    CPLErrorReset();
    file = VSIFOpenL(from, "rb");
    return file ? put(file, NULL, 0, to, err) : failed("read", from, err);
}

bool bucket_put_text(const char *to, const char *text, size_t length, struct err *err)
{
    return put(NULL, text, length, to, err);
}

bool bucket_get_text(const char *path, char **ret_text, size_t *ret_length, struct err *err)
{
    AUTO(vsi_file) VSILFILE *file = NULL;
    AUTO(mem) char *text = NULL;
    VSIStatBufL info;

    *ret_text = NULL;
    CPLErrorReset();
    VSICurlPartialClearCache(path); /* others write there, too */
    if (VSIStatExL(path, &info, VSI_STAT_EXISTS_FLAG | VSI_STAT_SIZE_FLAG))
        return true;
    if (info.st_size > LARGEST_TEXT)
        return err_set(err, ERR_StorageFailure, "'%.300s' has more than %d MB", path, LARGEST_TEXT >> 20);
    file = VSIFOpenL(path, "rb");
    text = malloc((size_t)info.st_size + 1);
    if (!file || !text || VSIFReadL(text, 1, (size_t)info.st_size, file) != (size_t)info.st_size)
        return failed("read", path, err);
    *ret_length = (size_t)info.st_size;
    *ret_text = text;
    text = NULL;
    return true;
}

bool bucket_remove(const char *folder, struct err *err)
{
    VSIStatBufL info;

    CPLErrorReset();
    if (VSIStatExL(folder, &info, VSI_STAT_EXISTS_FLAG))
        return true;
    return VSIRmdirRecursive(folder) == 0 || failed("removed", folder, err);
}
