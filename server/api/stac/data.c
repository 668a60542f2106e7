/* The files behind assets that lie here, at their best place, with byte ranges, so that GDAL reads COGs of this server as it reads
 * those of any other. A member of a zip is unpacked once, into the cache of the data folder: ranges of
 * a compressed member cannot be read in place. What lies on tape is ordered by asking for it. */
#include "api/common/common.h"
#include "api/stac/stac.h"
#include "ingest/container.h"
#include "json/js.h"
#include "store/cluster.h"
#include "store/stagings.h"
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
    AUTO(mem) char *folder = store_cache(rq->config);
    AUTO(mem) char *zip = NULL;
    const char *member;
    struct stat st;

    if (!split_zip(href, &zip, &member, &st))
        return err_set(err, ERR_FileNotFound, "The archive of this file is not there.");
    mkdir(folder, 0700);
    *ret_path = arena_printf(rq->arena, "%s/%016" PRIx64 "%016" PRIx64, folder, digest(1, href, &st),
                             digest(2, href, &st));
    /* its access time says when it was last wanted, also where the file system does not keep that */
    return utimensat(AT_FDCWD, *ret_path, (struct timespec[]){ { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_OMIT } },
                     0) == 0 ||
           unpack(zip, member, *ret_path, err);
}

struct found {
    size_t place;
    const char *path, *media;
};

/* The best place that has the file; one that is online before one that is not. */
static bool find(struct request *rq, const struct place_list *list, const char *asset, const char *name,
                 struct found *ret_found)
{
    const char *endpoint = request_query(rq, "endpoint");

    for (size_t i = 0; i < list->count; i++) {
        const struct place *place = &list->places[i];
        const json_t *types = json_object_get(json_array_get(list->json, i), "types");
        AUTO(mem) char *path = place_asset(place, asset);

        if (!path || strcmp(place_file_name(path), name) || (endpoint && strcmp(endpoint, place->endpoint)) ||
            (place->state == PLACE_ONLINE && *path != '/'))
            continue;
        *ret_found = (struct found){ i, arena_text(rq->arena, path),
                                     arena_text(rq->arena, js_text(types, asset)) };
        return true;
    }
    return false;
}

bool data_order(struct request *rq, struct reply *reply, const struct place_list *list, size_t i,
                const char *item, struct err *err)
{
    struct product product = { list->collection, list->endpoints[i], item };
    bool ordered;

    if (!rq->user)
        return err_set(err, ERR_AuthenticationRequired,
                       "The product '%.200s' lies on tape: log in to order it.", item);
    if (!staging_order(rq->db, rq->user->id, &product, orders_most(rq), &ordered, err))
        return false;
    reply_header(rq, reply, "Retry-After", "60");
    return reply_json(reply, 202,
                      json_pack("{s:s, s:s, s:s}", "item", item, "order:status",
                                list->places[i].state == PLACE_STAGING ? "shipping" : "ordered",
                                "description", "The product lies on tape and is being fetched. Ask again later."),
                      NULL);
}

bool stac_data_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *asset = request_variable(rq, "asset"), *item = request_variable(rq, "item");
    const char *name = request_variable(rq, "file");
    AUTO(place_list) struct place_list list = { 0 };
    struct found found;

    if (!places_of_item(rq->db, stac_viewer(rq), rq->config->catalog_site,
                        request_variable(rq, "collection"), item, &list, err))
        return false;
    if (!find(rq, &list, asset, name, &found))
        return err_set(err, ERR_FileNotFound, "There is no file '%.100s' of the asset '%.100s' here.", name,
                       asset);
    if (list.places[found.place].state != PLACE_ONLINE)
        return data_order(rq, reply, &list, found.place, item, err);
    if (text_begins(found.path, "/vsizip/") && !cached_member(rq, found.path, &found.path, err))
        return false;
    return reply_file(rq, reply, found.path, found.media ? found.media : "application/octet-stream", NULL,
                      err);
}
