/* Positioned reads and writes that go on after a short count. */
#include "raster/disk.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool disk_failed(const char *doing, const char *path, struct err *err)
{
    return err_set(err, ERR_StorageFailure, "Could not %s '%s': %s.", doing, path,
                   strerror(errno));
}

bool disk_write(int file, const char *path, const void *data, size_t size, uint64_t offset,
                struct err *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t put = pwrite(file, (const char *)data + done, size - done,
                             (off_t)(offset + done));

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return disk_failed("write", path, err);
        done += (size_t)put;
    }
    return true;
}

bool disk_read(int file, const char *path, void *data, size_t size, uint64_t offset,
               struct err *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(file, (char *)data + done, size - done, (off_t)(offset + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return disk_failed("read", path, err);
        if (got == 0)
            return err_set(err, ERR_StorageFailure, "The file '%s' ends at byte %llu, %zu bytes "
                           "too early.", path, (unsigned long long)(offset + done), size - done);
        done += (size_t)got;
    }
    return true;
}

bool disk_sync(int file, const char *path, struct err *err)
{
    AUTO(mem) char *folder = mem_text(path);
    char *slash = strrchr(folder, '/');
    int dir;
    bool ok;

    if (fsync(file) != 0)
        return disk_failed("sync", path, err);
    if (slash)
        *(slash == folder ? slash + 1 : slash) = '\0';
    dir = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return disk_failed("open the folder of", path, err);
    ok = fsync(dir) == 0;
    close(dir);
    return ok || disk_failed("sync the folder of", path, err);
}
