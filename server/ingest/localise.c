/* The address of an asset is /data/COLLECTION/ITEM/ASSET/FILE: the first three are looked up, the
 * last is there so that a download has a name. */
#include "ingest/localise.h"
#include "base/text.h"
#include "json/js.h"
#include "raster/access.h"
#include "store/stac_text.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The path as GDAL opens it; NULL when the href leads elsewhere. */
static const char *local_path(const char *href, const char *folder, struct arena *arena)
{
    char real[PATH_MAX];
    const char *joined;

    if (text_begins(href, "file://"))
        href += strlen("file://");
    if (text_begins(href, "/vsizip/"))
        return arena_text(arena, href);
    if (strstr(href, "://") || text_begins(href, "/vsi") || !*href || *href == *STAC_BASE)
        return NULL;
    if (*href == '/')
        return realpath(href, real) ? arena_text(arena, real) : NULL;
    if (!folder)
        return NULL;
    joined = arena_printf(arena, "%s/%s", folder, href);
    return realpath(joined, real) && access(real, R_OK) == 0 ? arena_text(arena, real) : NULL;
}

/* What becomes a location is served to everybody, and what a STAC file says may come from anywhere. */
static bool check_place(const char *path, const char *key, const char *folders, struct err *err)
{
    if (!folders || access_path_allowed(path, folders))
        return true;
    return err_set(err, ERR_BadRequest,
                   "/assets/%.100s/href: the file '%.300s' lies neither beside the STAC file nor in "
                   "the data folder or a folder of raster.data", key, path);
}

static const char *address(const json_t *item, const char *key, const char *path, struct arena *arena)
{
    const char *const parts[] = { js_text(item, "collection"),
                                  js_text(item, "id"), key,
                                  strrchr(path, '/') + 1 };
    AUTO(text) struct text url = { 0 };

    text_add(&url, STAC_BASE "/data");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        text_add(&url, "/");
        text_add_url(&url, parts[i] ? parts[i] : "-", "");
    }
    return arena_text(arena, url.data);
}

bool localise(json_t *item, const char *folder, const char *folders, struct arena *arena,
              struct item_input *ret_input, struct err *err)
{
    json_t *assets = json_object_get(item, "assets"), *asset;
    struct item_location *locations = arena_array(arena, json_object_size(assets) + 1,
                                                  sizeof *locations);
    size_t count = 0;
    const char *key;

    json_object_foreach(assets, key, asset) {
        const char *href = js_text(asset, "href");
        const char *type = js_text(asset, "type");
        const char *path = href ? local_path(href, folder, arena) : NULL;

        if (!path)
            continue;
        if (!check_place(path, key, folders, err))
            return false;
        locations[count++] = (struct item_location){ .asset = arena_text(arena, key), .href = path,
                                                     .media_type = type ? arena_text(arena, type) : NULL };
        json_object_set_new(asset, "href", json_string(address(item, key, path, arena)));
    }
    *ret_input = (struct item_input){ .item = item, .n_locations = count, .locations = locations };
    return true;
}
