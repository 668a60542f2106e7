/* Door: libarchive. A plain ustar (pax where a size or a name needs it), written once and then
 * served as any other file, with ranges. */
#include "api/common/bundle.h"
#include "base/id.h"
#include "base/mem.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool failed(const char *reason, struct err *err)
{
    return err_set(err, ERR_StorageFailure, "The files could not be put together: %s", reason);
}

static bool copy_bytes(struct archive *tar, int fd, struct err *err)
{
    char buffer[65536];
    ssize_t n;

    while ((n = read(fd, buffer, sizeof buffer)) > 0)
        if (archive_write_data(tar, buffer, (size_t)n) < n)
            return failed(archive_error_string(tar), err);
    return n == 0 || failed(strerror(errno), err);
}

static bool add_file(struct archive *tar, const struct job_asset *asset, struct err *err)
{
    int fd = open(asset->path, O_RDONLY | O_CLOEXEC);
    struct archive_entry *entry;
    struct stat stat;
    bool good;

    if (fd < 0 || fstat(fd, &stat)) {
        if (fd >= 0)
            close(fd);
        return failed(strerror(errno), err);
    }
    entry = archive_entry_new();
    archive_entry_set_pathname(entry, asset->name);
    archive_entry_set_size(entry, stat.st_size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, stat.st_mtime, 0);
    good = archive_write_header(tar, entry) == ARCHIVE_OK
               ? copy_bytes(tar, fd, err)
               : failed(archive_error_string(tar), err);
    archive_entry_free(entry);
    close(fd);
    return good;
}

static bool write_tar(const struct job_asset *assets, size_t count, const char *path,
                      struct err *err)
{
    struct archive *tar = archive_write_new();
    bool good = archive_write_set_format_pax_restricted(tar) == ARCHIVE_OK &&
                archive_write_open_filename(tar, path) == ARCHIVE_OK;

    if (!good)
        failed(archive_error_string(tar), err);
    for (size_t i = 0; good && i < count; i++)
        good = add_file(tar, &assets[i], err);
    if (good && archive_write_close(tar) != ARCHIVE_OK)
        good = failed(archive_error_string(tar), err);
    archive_write_free(tar);
    return good;
}

bool bundle_tar(const struct job_asset *assets, size_t count, const char *path, struct err *err)
{
    AUTO(mem) char *part = NULL;
    char unique[ID_UUID_SIZE];

    if (access(path, R_OK) == 0)
        return true;
    id_uuid(unique);
    part = mem_printf("%s.%s", path, unique);
    if (!write_tar(assets, count, part, err) || rename(part, path)) {
        unlink(part);
        return failed(strerror(errno), err);
    }
    return true;
}
