/* Users name the addresses, so they are judged before and while they are called: public ones, and hosts of
 * packages.hosts. STAC is followed from a catalogue to its items within bounds; each item gets a folder with its
 * assets, whose hrefs then name the files beside it, as the best practice for application packages has it. */
#include "jobs/stage_in.h"
#include "base/folder.h"
#include "base/text.h"
#include "cwl/cwl.h"
#include "jobs/scratch.h"
#include "json/js.h"
#include "net/fetch.h"
#include "store/cluster.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_MS = 600000, LARGEST_JSON = 16 << 20, MAX_ITEMS = 200, MAX_DOCUMENTS = 500 };

#define RESULTS "results:"

struct staging_in {
    const struct config *config;
    const char *folder;
    size_t count;
    int64_t left; /* bytes that may still be fetched */
};

/* `file` NULL: into memory. */
static bool get(const struct staging_in *s, const char *url, size_t most, const char *file, struct fetched *ret_answer,
                struct err *err)
{
    struct fetch what = { .url = url, .timeout_ms = TIMEOUT_MS, .max_size = most, .file = file };

    if (!fetch_for_user(&what, s->config->packages_hosts, ret_answer, err))
        return err_prefix(err, "%.300s", url);
    return ret_answer->status == 200 ||
           err_set(err, ret_answer->status >= 500 ? ERR_Unreachable : ERR_InvalidParameter,
                   "%.300s: the server answered %d", url, ret_answer->status);
}

/* All files together may be as large as what a command may write. */
static bool get_file(struct staging_in *s, const char *url, const char *path, struct err *err)
{
    AUTO(fetched) struct fetched answer = { 0 };

    if (s->left <= 0)
        return err_set(err, ERR_InvalidParameter, "%.300s: the inputs are larger than packages.disk together", url);
    if (!get(s, url, (size_t)s->left, path, &answer, err)) {
        unlink(path);
        return false;
    }
    s->left -= (int64_t)answer.size;
    return true;
}

static bool write_bytes(const char *path, const void *bytes, size_t size, struct err *err)
{
    FILE *file = fopen(path, "wxe");
    bool good = file && fwrite(bytes, 1, size, file) == size;

    if (file && fclose(file))
        good = false;
    return good || err_set(err, ERR_StorageFailure, "%s: %s", path, strerror(errno));
}

static void put_location(json_t *file, const char *path)
{
    AUTO(text) struct text location = { 0 };

    text_add(&location, "file://");
    text_add_url(&location, path, "/");
    json_object_set_new(file, "location", json_string(location.data));
    json_object_del(file, "path");
}

/* The last part of an address, as a file may be called. */
static char *file_name(const char *url, size_t number)
{
    size_t length = strcspn(url, "?#");
    const char *start = url + length;
    AUTO(mem) char *name = NULL;

    while (start > url && start[-1] != '/')
        start--;
    name = mem_textn(start, (size_t)(url + length - start));
    if (!text_url_decode(name, false) || !text_is_plain_name(name, 200))
        return mem_printf("file-%zu", number);
    return mem_text(name);
}

/* `reference` as it stands in the document at `base`. */
static char *resolve(const char *base, const char *reference)
{
    const char *authority = strstr(base, "://"), *root, *end;

    if (strstr(reference, "://") || !authority)
        return mem_text(reference);
    root = strchr(authority + 3, '/');
    if (*reference == '/')
        return mem_printf("%.*s%s", root ? (int)(root - base) : (int)strlen(base), base, reference);
    end = base + strcspn(base, "?#");
    while (end > base && end[-1] != '/')
        end--;
    while (text_begins(reference, "./") || text_begins(reference, "../")) {
        if (reference[1] == '.' && root && end - 1 > root)
            for (end--; end[-1] != '/'; end--)
                ;
        reference += reference[1] == '.' ? 3 : 2;
    }
    return mem_printf("%.*s%s", (int)(end - base), base, reference);
}

static bool stage_file(struct staging_in *s, json_t *file, const char *url, struct err *err)
{
    AUTO(mem) char *folder = mem_printf("%s/%zu", s->folder, ++s->count), *name = NULL, *path = NULL;

    name = js_text(file, "basename") && text_is_plain_name(js_text(file, "basename"), 200) ? mem_text(js_text(file, "basename"))
                                                                                        : file_name(url, s->count);
    path = mem_printf("%s/%s", folder, name);
    if (!folder_make(folder, err) || !get_file(s, url, path, err))
        return false;
    put_location(file, path);
    return true;
}

/* ---- STAC ---- */

static bool dump(const json_t *json, const char *folder, const char *name, struct err *err)
{
    AUTO(mem) char *path = mem_printf("%s/%s", folder, name), *text = json_dumps(json, JSON_INDENT(2));

    return write_bytes(path, text, strlen(text), err);
}

static bool stage_item(struct staging_in *s, json_t *item, const char *base, const char *folder, json_t *links,
                       struct err *err)
{
    const char *id = js_text(item, "id"), *key;
    AUTO(mem) char *name = id && text_is_plain_name(id, 200) ? mem_text(id) : mem_printf("item-%zu", json_array_size(links) + 1);
    AUTO(mem) char *inside = mem_printf("%s/%s", folder, name), *file = mem_printf("%s.json", name);
    AUTO(mem) char *href = mem_printf("./%s/%s.json", name, name);
    json_t *asset;

    if (json_array_size(links) >= MAX_ITEMS)
        return err_set(err, ERR_InvalidParameter, "%.300s: more than %d items", base, MAX_ITEMS);
    if (!folder_make(inside, err))
        return false;
    json_object_foreach(json_object_get(item, "assets"), key, asset)
    {
        AUTO(mem) char *url = resolve(base, js_text(asset, "href") ? js_text(asset, "href") : ""), *own = NULL, *path = NULL, *relative = NULL;

        if (!text_begins(url, "http"))
            continue;
        own = file_name(url, ++s->count);
        path = mem_printf("%s/%s", inside, own);
        if (access(path, F_OK) == 0) {
            free(own);
            own = mem_printf("%zu-file", s->count);
            free(path);
            path = mem_printf("%s/%s", inside, own);
        }
        relative = mem_printf("./%s", own);
        if (!get_file(s, url, path, err))
            return err_prefix(err, "%s/%s", name, key);
        json_object_set_new(asset, "href", json_string(relative));
    }
    json_object_set_new(item, "links", json_pack("[{s:s, s:s, s:s}]", "rel", "root", "href", "../catalog.json", "type", "application/json"));
    json_array_append_new(links, json_pack("{s:s, s:s, s:s}", "rel", "item", "href", href, "type", "application/geo+json"));
    return dump(item, inside, file, err);
}

static bool follow(struct staging_in *s, const char *url, const char *folder, json_t *links, int *documents, struct err *err)
{
    AUTO(fetched) struct fetched answer = { 0 };
    AUTO(json) json_t *document = NULL;
    const char *type, *rel;
    json_t *one;
    size_t i;

    if (++*documents > MAX_DOCUMENTS)
        return err_set(err, ERR_InvalidParameter, "%.300s: more than %d documents of STAC", url, MAX_DOCUMENTS);
    if (!get(s, url, LARGEST_JSON, NULL, &answer, err) ||
        !js_parse(answer.body, answer.size, JS_DEFAULT_DEPTH, &document, err))
        return false;
    type = js_text(document, "type");
    if (type && !strcmp(type, "Feature"))
        return stage_item(s, document, url, folder, links, err);
    json_array_foreach(json_object_get(document, "features"), i, one)
        if (!stage_item(s, one, url, folder, links, err))
            return false;
    if (json_object_get(document, "features"))
        return true;
    json_array_foreach(json_object_get(document, "links"), i, one)
    {
        AUTO(mem) char *next = resolve(url, js_text(one, "href") ? js_text(one, "href") : "");

        rel = js_text(one, "rel");
        if (rel && (!strcmp(rel, "item") || !strcmp(rel, "items") || !strcmp(rel, "child")) &&
            !follow(s, next, folder, links, documents, err))
            return false;
    }
    return true;
}

static bool stage_directory(struct staging_in *s, json_t *directory, const char *url, struct err *err)
{
    AUTO(mem) char *folder = mem_printf("%s/%zu/stac", s->folder, ++s->count);
    AUTO(json) json_t *links = json_array(), *catalog = NULL;
    int documents = 0;

    if (!folder_make(folder, err) || !follow(s, url, folder, links, &documents, err))
        return false;
    if (json_array_size(links) == 0)
        return err_set(err, ERR_InvalidParameter, "%.300s: no items of STAC are there", url);
    catalog = json_pack("{s:s, s:s, s:s, s:s, s:O}", "type", "Catalog", "stac_version", "1.0.0", "id", "inputs", "description",
                        "What a package was given", "links", links);
    put_location(directory, folder);
    json_object_del(directory, "listing");
    return dump(catalog, folder, "catalog.json", err);
}

/* "results:JOB/NAME": what another step gave. Requests cannot say so (api/ogc/package_inputs.c); the workflow does. */
static bool stage_result(struct staging_in *s, json_t *file, const char *location, struct err *err)
{
    AUTO(mem) char *folder = mem_printf("%s/%zu", s->folder, ++s->count), *results = store_results(s->config);
    AUTO(mem) char *from = mem_printf("%s/%s", results, location), *to = NULL;

    if (strstr(location, "..") || !folder_make(folder, err))
        return err->code ? false : err_set(err, ERR_InvalidParameter, "%.200s: is no result", location);
    to = mem_printf("%s/%s", folder, strrchr(location, '/') ? strrchr(location, '/') + 1 : location);
    if (link(from, to) && !cwl_copy(from, to, err))
        return false;
    put_location(file, to);
    return true;
}

static bool stage_one(void *context, json_t *file, struct err *err)
{
    AUTO(mem) char *url = mem_text(js_text(file, "location") ? js_text(file, "location") : js_text(file, "path"));

    if (url && text_begins(url, RESULTS))
        return stage_result(context, file, url + strlen(RESULTS), err);
    if (!url || !text_is_remote(url))
        return true;
    if (!strcmp(js_text(file, "class"), "Directory"))
        return stage_directory(context, file, url, err);
    return stage_file(context, file, url, err);
}

bool stage_in(const struct config *config, json_t *inputs, const char *folder, struct err *err)
{
    struct staging_in s = { .config = config, .folder = folder, .left = config->packages_disk };

    return cwl_files_each(inputs, stage_one, &s, err);
}
