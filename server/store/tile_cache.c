/* SERVICE.REVISION.Z.X.Y.png. A file's access time says when it was last asked for, its modification time when
 * it was made. Each server adds up what it wrote and looks at the folder when that may be too much, so several
 * servers that share the folder stay near the limit, too. */
#include "store/tile_cache.h"
#include "base/instant.h"
#include "base/text.h"
#include "store/cluster.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t held = -1; /* bytes; -1: not counted yet */

char *tile_cache_path(const struct config *config, const struct service *service, const struct tile *tile)
{
    AUTO(mem) char *folder = store_tiles(config);

    return mem_printf("%s/%s.%d.%d.%" PRId64 ".%" PRId64 ".png", folder, service->id, service->revision, tile->z,
                      tile->x, tile->y);
}

bool tile_cache_has(const struct config *config, const char *path)
{
    const struct timespec times[] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_OMIT } };
    struct stat st;

    return stat(path, &st) == 0 && instant_now() / 1000 - st.st_mtim.tv_sec <= config->services_cache_keep &&
           utimensat(AT_FDCWD, path, times, 0) == 0;
}

struct kept {
    char *path;
    int64_t bytes;
    struct timespec asked;
};

static int by_age(const void *a_, const void *b_)
{
    const struct kept *a = a_, *b = b_;

    return a->asked.tv_sec != b->asked.tv_sec ? (a->asked.tv_sec > b->asked.tv_sec) - (a->asked.tv_sec < b->asked.tv_sec)
                                              : (a->asked.tv_nsec > b->asked.tv_nsec) - (a->asked.tv_nsec < b->asked.tv_nsec);
}

/* What a file holds on disk counts. */
static size_t list_tiles(const char *folder, const char *prefix, struct kept **ret_tiles, int64_t *ret_bytes)
{
    DIR *dir = opendir(folder);
    struct kept *tiles = NULL;
    size_t count = 0, capacity = 0;
    struct dirent *entry;
    struct stat st;

    *ret_bytes = 0;
    while (dir && (entry = readdir(dir))) {
        AUTO(mem) char *path = mem_printf("%s/%s", folder, entry->d_name);

        if (!text_ends(entry->d_name, ".png") || !text_begins(entry->d_name, prefix) || stat(path, &st))
            continue;
        tiles = mem_grow(tiles, &capacity, count + 1, sizeof *tiles);
        tiles[count++] = (struct kept){ mem_text(path), st.st_blocks * 512, st.st_atim };
        *ret_bytes += st.st_blocks * 512;
    }
    if (dir)
        closedir(dir);
    *ret_tiles = tiles;
    return count;
}

/* Down to nine tenths, so that this is not done for every tile. */
static int64_t shrink(const char *folder, int64_t most)
{
    AUTO(mem) struct kept *tiles = NULL;
    int64_t bytes;
    size_t count = list_tiles(folder, "", &tiles, &bytes);
    bool much = bytes > most;

    if (count)
        qsort(tiles, count, sizeof *tiles, by_age);
    for (size_t i = 0; i < count; i++) {
        if (much && bytes > most / 10 * 9 && unlink(tiles[i].path) == 0)
            bytes -= tiles[i].bytes;
        free(tiles[i].path);
    }
    return bytes;
}

static bool copy(const char *from, const char *to, int64_t *ret_bytes)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    ssize_t n = in >= 0 && out >= 0 ? 1 : -1;
    struct stat st = { 0 };
    char buffer[65536];

    while (n > 0 && (n = read(in, buffer, sizeof buffer)) > 0)
        if (write(out, buffer, (size_t)n) != n)
            n = -1;
    if (out >= 0 && fstat(out, &st))
        n = -1;
    *ret_bytes = st.st_blocks * 512;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return n == 0;
}

bool tile_cache_put(const struct config *config, const char *from, const char *path, struct err *err)
{
    AUTO(mem) char *folder = store_tiles(config);
    AUTO(mem) char *part = NULL;
    char unique[ID_UUID_SIZE];
    int64_t bytes;

    id_uuid(unique);
    part = mem_printf("%s/%s.part", folder, unique);
    if ((mkdir(folder, 0700) && errno != EEXIST) || !copy(from, part, &bytes) || rename(part, path)) {
        err_set(err, ERR_StorageFailure, "%s: could not be written: %s", path, strerror(errno));
        unlink(part);
        return false;
    }
    pthread_mutex_lock(&lock);
    held = held < 0 ? -1 : held + bytes;
    if (held < 0 || held > config->services_cache)
        held = shrink(folder, config->services_cache);
    pthread_mutex_unlock(&lock);
    return true;
}

void tile_cache_forget(const struct config *config, const char *service_id)
{
    AUTO(mem) char *folder = store_tiles(config);
    AUTO(mem) struct kept *tiles = NULL;
    int64_t bytes;
    size_t count = list_tiles(folder, service_id, &tiles, &bytes);

    for (size_t i = 0; i < count; i++) {
        unlink(tiles[i].path);
        free(tiles[i].path);
    }
}
