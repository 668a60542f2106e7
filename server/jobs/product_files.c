/* A product is a zip, or the folder of a manifest.safe: files that lie beside or below it are those that belong to it, and keep
 * their names. What others call it by (roles, keys of assets) differs from one catalogue to the next and is not asked. */
#include "jobs/product_files.h"
#include "base/text.h"
#include "ingest/remote.h"
#include "json/js.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MOST_FILES = 200, MOST_NAME = 200 };

#define MANIFEST "manifest.safe"

static bool is_web(const char *href)
{
    return text_begins(href, "https://") || text_begins(href, "http://");
}

/* ---- addresses ---- */

/* The address of an asset, or that of another place of it that is on the web. NULL: there is none. */
static char *address_of(const json_t *asset, const char *document)
{
    const char *href = js_text_in(asset, "href"), *key;
    char *url = document && *href ? remote_resolve(document, href) : mem_text(href);
    json_t *other;

    json_object_foreach(json_object_get(asset, "alternate"), key, other) {
        if (url && is_web(url))
            return url;
        free(url);
        url = mem_text(js_text_in(other, "href"));
    }
    if (url && is_web(url))
        return url;
    free(url);
    return NULL;
}

/* Without query and fragment: what names are read from. */
static size_t path_length(const char *url)
{
    return strcspn(url, "?#");
}

static bool path_ends(const char *url, const char *end)
{
    size_t length = path_length(url), tail = strlen(end);

    return length > tail && !strncasecmp(url + length - tail, end, tail);
}

/* ---- one file ---- */

/* Codes of multihash (without the length that follows). */
static const struct {
    const char *code, *algorithm;
    size_t bytes;
} hashes[] = {
    { "11", "sha1", 20 },      { "12", "sha256", 32 },    { "13", "sha512", 64 },   { "20", "sha384", 48 },
    { "16", "sha3-256", 32 },  { "14", "sha3-512", 64 },  { "d501", "md5", 16 },
};

/* "file:checksum": digits of a multihash. NULL: none, or of a kind that is not known. */
static json_t *read_checksum(const json_t *asset)
{
    AUTO(mem) char *text = mem_text(js_text_in(asset, "file:checksum"));
    char start[8];

    for (char *c = text; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
        snprintf(start, sizeof start, "%s%02zx", hashes[i].code, hashes[i].bytes);
        if (text_begins(text, start) && strlen(text) == strlen(start) + hashes[i].bytes * 2 &&
            strspn(text, "0123456789abcdef") == strlen(text))
            return json_pack("{s:s, s:s}", "algorithm", hashes[i].algorithm, "digits", text + strlen(start));
    }
    return NULL;
}

static json_t *new_file(const char *url, const char *name, const json_t *asset)
{
    json_t *file = json_pack("{s:s, s:s}", "url", url, "name", name), *size = json_object_get(asset, "file:size");
    json_t *checksum = read_checksum(asset);

    if (json_is_integer(size) && json_integer_value(size) > 0)
        json_object_set(file, "size", size);
    if (checksum)
        json_object_set_new(file, "checksum", checksum);
    return file;
}

/* "X.zip" after the item, where its id can be the name of a file. */
static char *zip_name(const char *id)
{
    size_t length = strlen(id);

    if (!text_is_plain_name(id, MOST_NAME))
        return mem_text("product.zip");
    if (text_ends(id, ".zip"))
        length -= strlen(".zip");
    return mem_printf("%.*s.zip", (int)length, id);
}

/* ---- a folder ---- */

/* All parts of "a/b/c.xml" are plain. */
static bool is_plain_path(const char *path)
{
    char part[MOST_NAME + 1];

    for (size_t length; *path; path += length + (path[length] == '/')) {
        length = strcspn(path, "/");
        if (length == 0 || length > MOST_NAME)
            return false;
        snprintf(part, sizeof part, "%.*s", (int)length, path);
        if (!text_is_plain_name(part, MOST_NAME))
            return false;
    }
    return true;
}

/* Those that nothing here reads are not fetched. */
static bool is_read(const char *path)
{
    return !strcmp(path, MANIFEST) || text_begins(path, "annotation/") || text_begins(path, "measurement/");
}

struct folder {
    const char *base; /* the address, with the slash at its end; the query is not part of it */
    size_t length;
    char *name;       /* of the folder */
    json_t *files;
    bool measured;
};

static void add_part(struct folder *f, const char *url, const json_t *asset)
{
    AUTO(mem) char *path = NULL, *name = NULL;

    if (strncmp(url, f->base, f->length))
        return;
    path = mem_textn(url + f->length, path_length(url) - f->length);
    if (!text_url_decode(path, false) || !is_plain_path(path) || !is_read(path) || json_array_size(f->files) >= MOST_FILES)
        return;
    name = mem_printf("%s/%s", f->name, path);
    json_array_append_new(f->files, new_file(url, name, asset));
    f->measured = f->measured || text_begins(path, "measurement/");
}

/* The last part of the address of a folder, or the item's id. */
static char *folder_name(const char *base, size_t length, const char *id)
{
    size_t start = length - 1;
    char *name;

    while (start > 0 && base[start - 1] != '/')
        start--;
    name = mem_textn(base + start, length - 1 - start);
    if (text_url_decode(name, false) && text_is_plain_name(name, MOST_NAME))
        return name;
    free(name);
    return mem_printf("%s.SAFE", text_is_plain_name(id, MOST_NAME) ? id : "product");
}

static json_t *folder_of(const json_t *assets, const char *document, const char *id)
{
    const char *key;
    json_t *asset;

    json_object_foreach((json_t *)assets, key, asset) {
        AUTO(mem) char *manifest = address_of(asset, document);
        struct folder f = { .base = manifest };
        const char *inner;
        json_t *part;

        if (!manifest || !path_ends(manifest, "/" MANIFEST))
            continue;
        f.length = path_length(manifest) - strlen(MANIFEST);
        f.name = folder_name(manifest, f.length, id);
        f.files = json_array();
        json_object_foreach((json_t *)assets, inner, part) {
            AUTO(mem) char *url = address_of(part, document);

            if (url)
                add_part(&f, url, part);
        }
        free(f.name);
        if (f.measured)
            return f.files;
        json_decref(f.files);
    }
    return NULL;
}

/* ---- a product ---- */

static bool is_zip(const json_t *asset, const char *url)
{
    const char *type = js_text_in(asset, "type");

    return path_ends(url, ".zip") || text_begins(type, "application/zip") || text_begins(type, "application/x-zip");
}

static json_t *zip_of(const json_t *assets, const char *document, const char *id)
{
    const char *key;
    json_t *asset;

    json_object_foreach((json_t *)assets, key, asset) {
        AUTO(mem) char *url = address_of(asset, document), *name = NULL;

        if (!url || !is_zip(asset, url))
            continue;
        name = zip_name(id);
        return json_pack("[o]", new_file(url, name, asset));
    }
    return NULL;
}

bool product_files(const json_t *item, const char *document, json_t **ret_files, struct err *err)
{
    const json_t *assets = json_object_get(item, "assets");
    const char *id = js_text_in(item, "id");
    json_t *files = zip_of(assets, document, id);

    if (!files)
        files = folder_of(assets, document, id);
    *ret_files = files;
    return files || err_set(err, ERR_SourceUnreadable,
                            "The product '%.200s' lies nowhere that this site can read or fetch: no asset is a zip, or a manifest.safe "
                            "with measurements beside it, at an address with http or https", id);
}

bool product_files_at(const struct place *place, const char *item, json_t **ret_files, struct err *err)
{
    AUTO(json) json_t *told = json_pack("{s:s, s:{}}", "id", item, "assets"), *files = NULL;
    json_t *assets = json_object_get(told, "assets"), *href;
    AUTO(mem) char *whole = place->href ? place_worker_href(place, place->href) : NULL;
    const char *key;

    json_object_foreach(place->assets, key, href) {
        AUTO(mem) char *path = place_asset(place, key), *url = path ? place_worker_href(place, path) : NULL;

        if (url)
            json_object_set_new(assets, key, json_pack("{s:s}", "href", url));
    }
    files = folder_of(assets, NULL, item);
    if (!files && whole && is_web(whole)) {
        AUTO(mem) char *name = zip_name(item);

        *ret_files = json_pack("[{s:s, s:s}]", "url", whole, "name", name);
        if (place->size_bytes > 0)
            json_object_set_new(json_array_get(*ret_files, 0), "size", json_integer(place->size_bytes));
        return true;
    }
    return product_files(told, NULL, ret_files, err);
}

char *product_files_root(const json_t *files)
{
    const char *name = js_text_in(json_array_get(files, 0), "name");

    return mem_textn(name, strcspn(name, "/"));
}

/* ---- tape ---- */

static bool is_cold(const char *tier)
{
    static const char *const cold[] = { "archive", "deep_archive", "glacier", "tape", "cold_archive" };

    for (size_t i = 0; i < ARRAY_LEN(cold); i++)
        if (!strcasecmp(tier, cold[i]))
            return true;
    return false;
}

bool product_is_on_tape(const json_t *item)
{
    static const char *const orders[] = { "orderable", "ordered", "pending", "shipping" };
    const json_t *properties = json_object_get(item, "properties");
    const char *status = js_text_in(properties, "order:status"), *key;
    json_t *asset;

    for (size_t i = 0; i < ARRAY_LEN(orders); i++)
        if (!strcmp(status, orders[i]))
            return true;
    if (!*status && is_cold(js_text_in(properties, "storage:tier")))
        return true;
    json_object_foreach(json_object_get(item, "assets"), key, asset)
        if (!*status && is_cold(js_text_in(asset, "storage:tier")))
            return true;
    return false;
}
