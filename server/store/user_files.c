/* A user's folder is named by the user's id. Its quota is held under a lock on the folder, so that two
 * uploads at once do not both take the last bytes; the sizes are added up each time, since files are
 * few and may be put there by other means. */
#include "store/user_files.h"
#include "base/text.h"
#include "store/cluster.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_PATH = 1000, MAX_SEGMENT = 250, MAX_FOLDERS = 20, MAX_FILES = 100000 };

static bool failed(const char *what, struct err *err)
{
    return err_set(err, ERR_StorageFailure, "%s: %s", what, strerror(errno));
}

static const char *fault_of_segment(const char *segment, size_t length)
{
    if (length == 0)
        return "a segment is empty";
    if (length > MAX_SEGMENT)
        return "a segment has more than 250 bytes";
    if (segment[0] == '.' && (length == 1 || (length == 2 && segment[1] == '.')))
        return "'.' and '..' are no segments";
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)segment[i] < ' ' || segment[i] == 127 || strchr("\\:'\"", segment[i]))
            return "controls, quotes, colons and backslashes are not allowed";
    return NULL;
}

static const char *fault_of(const char *path)
{
    const char *fault = NULL, *end;
    size_t folders = 0;

    if (strlen(path) > MAX_PATH)
        return "it has more than 1000 bytes";
    if (!text_is_utf8(path))
        return "it is not UTF-8";
    do {
        end = strchrnul(path, '/');
        fault = fault_of_segment(path, (size_t)(end - path));
        path = end + 1;
    } while (!fault && *end && ++folders <= MAX_FOLDERS);
    return fault ? fault : folders > MAX_FOLDERS ? "it has more than 20 folders" : NULL;
}

static char *folder_of(const struct config *config, const char *user_id)
{
    AUTO(mem) char *folder = store_files(config);

    return mem_printf("%s/%s", folder, user_id);
}

bool user_file_path(const struct config *config, const char *user_id, const char *path,
                    char **ret_path, struct err *err)
{
    AUTO(mem) char *folder = folder_of(config, user_id);
    const char *fault = fault_of(path);

    if (fault)
        return err_set(err, ERR_FilePathInvalid, "The path '%.200s' is not valid: %s.", path, fault);
    *ret_path = mem_printf("%s/%s", folder, path);
    return true;
}

bool user_file_find(const struct config *config, const char *user_id, const char *path,
                    char **ret_path, struct err *err)
{
    AUTO(mem) char *full = NULL;
    struct stat info;
    bool there;

    if (!user_file_path(config, user_id, path, &full, err))
        return false;
    there = lstat(full, &info) == 0;
    if (there && S_ISREG(info.st_mode)) {
        *ret_path = full;
        full = NULL;
        return true;
    }
    if (there && S_ISDIR(info.st_mode))
        return err_set(err, ERR_FileOperationUnsupported, "'%.200s' is a folder, not a file.", path);
    return err_set(err, ERR_FileNotFound, "You have no file '%.200s'.", path);
}

/* ---- lists ---- */

struct listing {
    struct arena *arena;
    struct user_file *files;
    size_t count, capacity;
    int64_t bytes;
};

static bool add_folder(struct listing *l, int parent, const char *name, const char *path, size_t depth,
                       struct err *err);

static bool add_entry(struct listing *l, int folder, const char *name, const char *path, size_t depth,
                      struct err *err)
{
    const char *full = *path ? arena_printf(l->arena, "%s/%s", path, name) : arena_text(l->arena, name);
    struct stat info;

    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT || failed(full, err);
    if (S_ISDIR(info.st_mode))
        return depth > MAX_FOLDERS || add_folder(l, folder, name, full, depth + 1, err);
    if (!S_ISREG(info.st_mode))
        return true;
    if (l->count == MAX_FILES)
        return err_set(err, ERR_StorageFailure, "There are more than %d files in a folder of a user",
                       MAX_FILES);
    l->files = mem_grow(l->files, &l->capacity, l->count + 1, sizeof *l->files);
    l->files[l->count++] = (struct user_file){ full, info.st_size,
                                               info.st_mtim.tv_sec * INT64_C(1000) +
                                                   info.st_mtim.tv_nsec / 1000000 };
    l->bytes += info.st_size;
    return true;
}

static bool add_folder(struct listing *l, int parent, const char *name, const char *path, size_t depth,
                       struct err *err)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    bool good = true;

    if (!folder) {
        if (fd >= 0)
            close(fd);
        return errno == ENOENT || failed(name, err);
    }
    while (good && (entry = readdir(folder)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            good = add_entry(l, fd, entry->d_name, path, depth, err);
    closedir(folder);
    return good;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct user_file *)a)->path, ((const struct user_file *)b)->path);
}

bool user_files(const struct config *config, const char *user_id, struct arena *arena,
                struct user_file **ret_files, size_t *ret_count, int64_t *ret_bytes, struct err *err)
{
    AUTO(mem) char *folder = folder_of(config, user_id);
    struct listing l = { .arena = arena };
    bool good = add_folder(&l, AT_FDCWD, folder, "", 0, err);

    if (good) {
        *ret_files = arena_array(arena, l.count + 1, sizeof **ret_files);
        if (l.count)
            memcpy(*ret_files, l.files, l.count * sizeof *l.files);
        qsort(*ret_files, l.count, sizeof **ret_files, by_path);
        *ret_count = l.count;
        *ret_bytes = l.bytes;
    }
    free(l.files);
    return good;
}

/* ---- changes ---- */

/* All folders above a file, from the user's on. */
static bool make_folders(char *full, size_t from, const char *path, struct err *err)
{
    for (char *slash = strchr(full + from, '/'); slash; slash = strchr(slash + 1, '/')) {
        struct stat info;
        bool good;

        *slash = '\0';
        good = mkdir(full, 0700) == 0 || (errno == EEXIST && lstat(full, &info) == 0 && S_ISDIR(info.st_mode));
        *slash = '/';
        if (!good && errno == EEXIST)
            return err_set(err, ERR_FilePathInvalid,
                           "The path '%.200s' is not valid: what should be a folder is a file.", path);
        if (!good)
            return failed("A folder of a user", err);
    }
    return true;
}

static bool check_quota(const struct config *config, const char *user_id, const char *path,
                        int64_t size_bytes, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct user_file *files;
    int64_t bytes;
    size_t count;

    if (!user_files(config, user_id, arena, &files, &count, &bytes, err))
        return false;
    for (size_t i = 0; i < count; i++) /* what is replaced is given back */
        if (!strcmp(files[i].path, path))
            bytes -= files[i].size_bytes;
    return bytes + size_bytes <= config->files_quota ||
           err_set(err, ERR_StorageQuotaExceeded,
                   "Your files have %" PRId64 " bytes, and with this one of %" PRId64
                   " they would have more than %" PRId64 ".", bytes, size_bytes, config->files_quota);
}

static bool put(const struct config *config, const char *user_id, const char *path, const char *from,
                char *full, size_t folder_length, struct user_file *ret_file, struct err *err)
{
    struct stat info;

    if (stat(from, &info))
        return failed("An uploaded file", err);
    if (!check_quota(config, user_id, path, info.st_size, err) ||
        !make_folders(full, folder_length + 1, path, err))
        return false;
    if (rename(from, full))
        return errno == EISDIR || errno == ENOTEMPTY
                   ? err_set(err, ERR_FileOperationUnsupported, "'%.200s' is a folder, not a file.", path)
                   : failed("A file of a user", err);
    *ret_file = (struct user_file){ path, info.st_size,
                                    info.st_mtim.tv_sec * INT64_C(1000) + info.st_mtim.tv_nsec / 1000000 };
    return true;
}

/* The descriptor whose closing ends the lock, -1 when there is no such folder. */
static int lock_folder(const char *folder, struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && flock(fd, LOCK_EX) == 0)
        return fd;
    failed("The folder of a user", err);
    if (fd >= 0)
        close(fd);
    return -1;
}

bool user_file_put(const struct config *config, const char *user_id, const char *path,
                   const char *from, struct user_file *ret_file, struct err *err)
{
    AUTO(mem) char *folder = folder_of(config, user_id), *full = NULL;
    bool good;
    int fd;

    if (!user_file_path(config, user_id, path, &full, err))
        return false;
    if (mkdir(folder, 0700) && errno != EEXIST)
        return failed("The folder of a user", err);
    fd = lock_folder(folder, err);
    if (fd < 0)
        return false;
    good = put(config, user_id, path, from, full, strlen(folder), ret_file, err);
    close(fd);
    return good;
}

bool user_file_remove(const struct config *config, const char *user_id, const char *path,
                      struct err *err)
{
    AUTO(mem) char *folder = folder_of(config, user_id), *full = NULL;

    bool good;
    int fd;

    if (!user_file_find(config, user_id, path, &full, err) || (fd = lock_folder(folder, err)) < 0)
        return false;
    good = unlink(full) == 0 || errno == ENOENT || failed("A file of a user", err);
    for (char *slash = strrchr(full, '/'); good && slash > full + strlen(folder); slash = strrchr(full, '/')) {
        *slash = '\0';
        if (rmdir(full))
            break; /* not empty */
    }
    close(fd);
    return good;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

bool user_files_remove_all(const struct config *config, const char *user_id, struct err *err)
{
    AUTO(mem) char *folder = folder_of(config, user_id);

    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT || failed(folder, err);
}
