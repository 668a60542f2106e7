/* The files behind local assets, with byte ranges, so that GDAL reads COGs of this server as it reads
 * those of any other. A member of a zip is unpacked once, into the cache of the data folder: ranges of
 * a compressed member cannot be read in place. */
#include "api/stac/stac.h"
#include "ingest/container.h"
#include "store/cluster.h"
#include "store/items.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* FNV-1a; names in the cache need to differ, not to be secret. */
static uint64_t digest(uint64_t seed, const char *text, const struct stat *st)
{
    uint64_t h = 0xcbf29ce484222325u ^ seed;

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    h = (h ^ (uint64_t)st->st_mtim.tv_sec) * 0x100000001b3u;
    h = (h ^ (uint64_t)st->st_mtim.tv_nsec) * 0x100000001b3u;
    return (h ^ (uint64_t)st->st_size) * 0x100000001b3u;
}

/* "/vsizip//data/x.zip/X.SAFE/a.jp2": the archive is what exists as a file. */
static bool split_zip(const char *href, char **ret_zip, const char **ret_member, struct stat *ret_st)
{
    char *zip = mem_text(href + strlen("/vsizip/"));

    for (char *slash = strchr(zip + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (stat(zip, ret_st) == 0 && S_ISREG(ret_st->st_mode)) {
            *ret_zip = zip;
            *ret_member = href + strlen("/vsizip/") + (slash - zip) + 1;
            return true;
        }
        *slash = '/';
    }
    free(zip);
    return false;
}

static bool unpack(const char *zip, const char *member, const char *path, struct err *err)
{
    AUTO(mem) char *part = mem_printf("%s.XXXXXX", path);
    int fd = mkstemp(part);
    bool good;

    if (fd < 0)
        return err_set(err, ERR_StorageFailure, "%s: %m", part);
    good = container_extract(zip, member, fd, err);
    good = fchmod(fd, 0644) == 0 && good;
    close(fd);
    if (good && rename(part, path) != 0)
        good = err_set(err, ERR_StorageFailure, "%s: %m", path);
    if (!good)
        unlink(part);
    return good;
}

static bool cached_member(struct request *rq, const char *href, const char **ret_path, struct err *err)
{
    AUTO(mem) char *scratch = store_scratch(rq->config);
    AUTO(mem) char *folder = *rq->config->data ? mem_printf("%s/cache", rq->config->data)
                                               : mem_printf("%s/cache", scratch);
    AUTO(mem) char *zip = NULL;
    const char *member;
    struct stat st;

    if (!split_zip(href, &zip, &member, &st))
        return err_set(err, ERR_FileNotFound, "The archive of this file is not there.");
    mkdir(folder, 0700);
    *ret_path = arena_printf(rq->arena, "%s/%016" PRIx64 "%016" PRIx64, folder, digest(1, href, &st),
                             digest(2, href, &st));
    return access(*ret_path, R_OK) == 0 || unpack(zip, member, *ret_path, err);
}

bool stac_data_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *name = request_variable(rq, "file");
    struct item_location location;
    const char *slash, *path;

    if (!item_asset_location(rq->db, rq->arena, stac_viewer(rq), request_variable(rq, "collection"),
                             request_variable(rq, "item"), request_variable(rq, "asset"), &location, err))
        return false;
    path = location.href;
    slash = strrchr(path, '/');
    if (!slash || strcmp(slash + 1, name))
        return err_set(err, ERR_FileNotFound, "There is no file '%.100s' here.", name);
    if (text_begins(path, "/vsizip/") && !cached_member(rq, path, &path, err))
        return false;
    return reply_file(rq, reply, path,
                      location.media_type ? location.media_type : "application/octet-stream", NULL, err);
}
