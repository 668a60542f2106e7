/* What a job on another server gave: values stay values, links become files. Both generations of OGC API - Processes are
 * read: a document {output: value, qualified value or link}, the raw value of a single output, and pygeoapi's forms of both. */
#include "auth/secret.h"
#include "base/text.h"
#include "ingest/remote.h"
#include "jobs/remote_call.h"
#include "json/js.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MS = 3600000, MOST_FILES = 1000 };

struct taking {
    const struct config *config;
    const char *base, *folder; /* base: the address of the results */
    int64_t left; /* bytes */
    size_t count;
    json_t *outputs;
};

/* ---- files ---- */

/* The last part of the address, when a file may be called so; numbered, so that none meets another. */
static char *name_for(struct taking *t, const char *url, const char *media)
{
    static const struct { const char *media, *ending; } endings[] = {
        { "image/tiff", ".tif" }, { "application/json", ".json" }, { "application/geo+json", ".geojson" }, { "image/png", ".png" },
        { "text/plain", ".txt" }, { "text/csv", ".csv" },          { "application/zip", ".zip" },          { "image/jpeg", ".jpg" },
        { "application/x-netcdf", ".nc" },
    };
    size_t length = url ? strcspn(url, "?#") : 0, start = length;
    const char *ending = "";
    AUTO(mem) char *name = NULL;

    while (start > 0 && url[start - 1] != '/')
        start--;
    name = mem_textn(url ? url + start : "", length - start);
    t->count++;
    if (text_url_decode(name, false) && text_is_plain_name(name, 150) && strchr(name, '.') && strcmp(name, "result.json"))
        return t->count == 1 ? mem_text(name) : mem_printf("%zu-%s", t->count, name);
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (media && !strncmp(media, endings[i].media, strlen(endings[i].media)))
            ending = endings[i].ending;
    return mem_printf("output-%zu%s", t->count, ending);
}

static void note_file(struct taking *t, const char *output, const char *name, const char *media, size_t size)
{
    json_t *entry = json_object_get(t->outputs, output), *files = json_object_get(entry, "files");

    if (!files) {
        files = json_array();
        json_object_set_new(t->outputs, output, json_pack("{s:o}", "files", files));
    }
    t->left -= (int64_t)size;
    json_array_append_new(files, json_pack("{s:s, s:s, s:I}", "name", name, "media", media && *media ? media : "application/octet-stream",
                                           "size", (json_int_t)size));
}

static bool write_file(struct taking *t, const char *output, const void *bytes, size_t size, const char *media, struct err *err)
{
    AUTO(mem) char *name = name_for(t, NULL, media), *path = mem_printf("%s/%s", t->folder, name);
    FILE *file = fopen(path, "wxe");
    bool good = file && fwrite(bytes, 1, size, file) == size;

    if (file && fclose(file))
        good = false;
    if (good)
        note_file(t, output, name, media, size);
    return good || err_set(err, ERR_StorageFailure, "%s: %s", path, strerror(errno));
}

/* A link may lead anywhere that is public; the server's own files are fetched with what it is called with. */
static bool fetch_link(struct taking *t, const char *output, const char *href, const char *media, struct err *err)
{
    AUTO(mem) char *url = remote_resolve(t->base, href), *name = NULL, *path = NULL, *said = NULL;
    bool too_large = false;
    struct fetch what = { .url = url, .timeout_ms = FILE_MS, .ret_too_large = &too_large };
    AUTO(fetched) struct fetched answer = { 0 };

    if (!url || t->count >= MOST_FILES || t->left <= 0)
        return err_set(err, ERR_RemoteFailed, "the results of the other server are larger than workflows.results, more than %d files, "
                       "or no addresses", MOST_FILES);
    name = name_for(t, url, media);
    path = mem_printf("%s/%s", t->folder, name);
    what.file = path;
    what.max_size = (size_t)t->left;
    if (!remote_call(t->config, &what, &answer, err)) {
        unlink(path);
        if (too_large)
            err->code = ERR_RemoteFailed; /* it would be so again */
        return false;
    }
    if (answer.status != 200)
        return remote_refused(url, &answer, err);
    said = fetched_header(&answer, "content-type");
    note_file(t, output, name, media ? media : said, answer.size);
    return true;
}

/* ---- members ---- */

static bool take_base64(struct taking *t, const char *output, const char *text, const char *media, struct err *err)
{
    size_t size = 0;
    AUTO(mem) unsigned char *bytes = secret_decode(text, strlen(text), sodium_base64_VARIANT_ORIGINAL, &size);

    return (bytes ||
            err_set(err, ERR_RemoteFailed, "the output '%.60s' of the other server is not in base64", output)) &&
           write_file(t, output, bytes, size, media, err);
}

static bool take_member(struct taking *t, const char *output, const json_t *value, struct err *err)
{
    const json_t *held = json_object_get(value, "value");
    const char *encoding = js_text(value, "encoding"), *href = js_text(value, "href"), *media = js_text(value, "mediaType");
    const json_t *one;
    size_t i;

    if (!media)
        media = js_text(json_object_get(value, "format"), "mediaType");
    if (json_is_array(value) && json_array_size(value) && js_text(json_array_get(value, 0), "href")) {
        json_array_foreach((json_t *)value, i, one)
            if (!js_text(one, "href") || !fetch_link(t, output, js_text(one, "href"), js_text(one, "type"), err))
                return err->code ? false : err_set(err, ERR_RemoteFailed, "the output '%.60s' mixes links and values", output);
        return true;
    }
    if (href)
        return fetch_link(t, output, href, js_text(value, "type"), err);
    if (encoding && !strcmp(encoding, "base64") && json_is_string(held))
        return take_base64(t, output, json_string_value(held), media, err);
    json_object_set_new(t->outputs, output, json_pack("{s:O}", "value", held ? held : value));
    return true;
}

/* Members of a document by name, or pygeoapi's [{"id", "value"}] and {"id", "value"}. */
static const json_t *find_member(const json_t *document, const char *id, bool is_only)
{
    const json_t *list = json_object_get(document, "outputs"), *one, *found = json_object_get(document, id);
    size_t i;

    if (found && !(is_only && js_text(document, "id") && !strcmp(id, "id")))
        return found;
    json_array_foreach((json_t *)list, i, one)
        if (js_text(one, "id") && !strcmp(js_text(one, "id"), id))
            return json_object_get(one, "value") ? json_object_get(one, "value") : one;
    if (js_text(document, "id") && !strcmp(js_text(document, "id"), id) && json_object_get(document, "value"))
        return json_object_get(document, "value");
    return is_only ? document : NULL;
}

static bool take_document(struct taking *t, const json_t *document, const json_t *outputs, struct err *err)
{
    const char *id;
    json_t *wish;

    json_object_foreach((json_t *)outputs, id, wish) {
        const json_t *found = find_member(document, id, json_object_size(outputs) == 1);

        if (found && !take_member(t, id, found, err))
            return false;
    }
    return true;
}

/* An answer that is no JSON is the bytes of the only output. */
static bool take_answer(struct taking *t, const struct fetched *answer, const json_t *outputs, struct err *err)
{
    AUTO(mem) char *media = fetched_header(answer, "content-type");
    AUTO(json) json_t *document = NULL;
    struct err why = { 0 };
    const char *only;
    json_t *wish;

    if (answer->status == 204)
        return true;
    if (media && strstr(media, "json")) {
        if (!js_parse(answer->body, answer->size, JS_DEFAULT_DEPTH, &document, &why))
            return err_set(err, ERR_RemoteFailed, "the results of the other server are no JSON: %s", why.message);
        return take_document(t, document, outputs, err);
    }
    if (json_object_size(outputs) != 1)
        return err_set(err, ERR_RemoteFailed, "the other server answered %.100s where a document of %zu outputs was asked for",
                       media ? media : "something", json_object_size(outputs));
    json_object_foreach((json_t *)outputs, only, wish)
        if (!write_file(t, only, answer->body, answer->size, media, err))
            return false;
    return true;
}

static bool take_assets(struct taking *t, const json_t *document, const json_t *outputs, struct err *err)
{
    const char *key, *only = json_object_iter_key(json_object_iter((json_t *)outputs));
    json_t *asset;

    json_object_foreach(json_object_get(document, "assets"), key, asset)
        if (!js_text(asset, "href") || !fetch_link(t, only ? only : "result", js_text(asset, "href"), js_text(asset, "type"), err))
            return err->code ? false : err_set(err, ERR_RemoteFailed, "the asset '%.60s' of the other server has no address", key);
    return true;
}

bool remote_results(const struct config *config, const char *kind, const char *job, const struct fetched *at_once,
                    const json_t *outputs, const char *folder, json_t **ret_outputs, struct err *err)
{
    AUTO(mem) char *address = job ? mem_printf("%.*s/results", (int)strcspn(job, "?#"), job) : NULL;
    AUTO(json) json_t *made = json_object(), *document = NULL;
    AUTO(fetched) struct fetched answer = { 0 };
    struct taking t = { .config = config, .base = address ? address : "", .folder = folder, .left = config->workflows_results,
                        .outputs = made };
    bool good;

    if (at_once) {
        good = take_answer(&t, at_once, outputs, err);
    } else if (!strcmp(kind, "openeo")) {
        good = remote_json(config, NULL, address, NULL, &document, &answer, err) && take_assets(&t, document, outputs, err);
    } else {
        struct fetch what = { .url = address, .max_size = (size_t)t.left < (64u << 20) ? (size_t)t.left : 64u << 20,
                              .headers = { "Accept: application/json, */*;q=0.5" } };

        good = remote_call(config, &what, &answer, err) &&
               (answer.status == 200 || answer.status == 204 || remote_refused(address, &answer, err)) &&
               take_answer(&t, &answer, outputs, err);
    }
    if (good)
        *ret_outputs = json_incref(made);
    return good;
}
