/* Results lie in one flat folder, so names that meet get a number. */
#include "jobs/stage_out.h"
#include "base/text.h"
#include "cwl/cwl.h"
#include "json/js.h"
#include <errno.h>
#include <fts.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILES = 10000 };

struct staging_out {
    const char *fresh, *output;
    struct arena *arena;
    struct job_asset *assets;
    size_t count;
};

static const char *media_of(const char *name)
{
    static const struct { const char *ending, *media; } rows[] = {
        { ".tif", "image/tiff; application=geotiff" }, { ".tiff", "image/tiff; application=geotiff" },
        { ".json", "application/json" },               { ".geojson", "application/geo+json" },
        { ".png", "image/png" },                       { ".jpg", "image/jpeg" },
        { ".jpeg", "image/jpeg" },                     { ".csv", "text/csv" },
        { ".txt", "text/plain" },                      { ".log", "text/plain" },
        { ".html", "text/html" },                      { ".xml", "application/xml" },
        { ".nc", "application/x-netcdf" },             { ".zip", "application/zip" },
        { ".gif", "image/gif" },                       { ".pdf", "application/pdf" },
        { ".gpkg", "application/geopackage+sqlite3" }, { ".jp2", "image/jp2" },
        { ".yaml", "application/yaml" },               { ".yml", "application/yaml" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (text_ends(name, rows[i].ending))
            return rows[i].media;
    return "application/octet-stream";
}

static const char *free_name(struct staging_out *s, const char *wanted)
{
    const char *name = text_is_plain_name(wanted, 200) && strcmp(wanted, "result.json") ? wanted : "file";
    const char *candidate = name;

    for (int i = 2;; i++) {
        AUTO(mem) char *path = mem_printf("%s/%s", s->fresh, candidate);

        if (access(path, F_OK))
            return arena_text(s->arena, candidate);
        candidate = arena_printf(s->arena, "%d-%s", i, name);
    }
}

/* `fields_taken` may be NULL. */
static bool add_file(struct staging_out *s, const char *path, const char *wanted, const char *media, json_t *fields_taken,
                     struct err *err)
{
    const char *name = free_name(s, wanted);
    AUTO(mem) char *to = mem_printf("%s/%s", s->fresh, name);
    struct stat st;

    if (s->count == MAX_FILES || !cwl_copy(path, to, err) || stat(to, &st)) {
        json_decref(fields_taken);
        return err->code ? false : err_set(err, ERR_CommandFailed, "The outputs are more than %d files.", MAX_FILES);
    }
    s->assets[s->count++] = (struct job_asset){
        .name = name, .media_type = arena_text(s->arena, media ? media : media_of(name)), .output = s->output,
        .title = arena_text(s->arena, wanted), .size_bytes = st.st_size,
        .fields = fields_taken ? fields_taken : json_pack("{s:[s]}", "roles", "data"),
    };
    return true;
}

/* ---- STAC ---- */

/* Below `root`, whatever ../ and links say; the caller frees. */
static char *beside(const char *root, const char *document, const char *href)
{
    const char *slash = strrchr(document, '/');
    AUTO(mem) char *path = mem_printf("%.*s/%s", (int)(slash - document), document, href);
    char *real = realpath(path, NULL), *real_root = realpath(root, NULL);
    size_t length = real_root ? strlen(real_root) : 0;
    bool inside = real && real_root && !strncmp(real, real_root, length) && real[length] == '/';

    free(real_root);
    if (inside)
        return real;
    free(real);
    return NULL;
}

static bool add_item(struct staging_out *s, const char *root, const char *path, struct err *err)
{
    AUTO(json) json_t *item = NULL;
    const json_t *properties;
    const char *key;
    json_t *asset;

    if (!js_read_file(path, &item, err))
        return false;
    properties = json_object_get(item, "properties");
    json_object_foreach(json_object_get(item, "assets"), key, asset)
    {
        AUTO(mem) char *file = beside(root, path, js_text(asset, "href") ? js_text(asset, "href") : "");
        static const char *const times[] = { "datetime", "start_datetime", "end_datetime" };
        json_t *fields = json_copy(asset);

        if (!file) {
            json_decref(fields);
            return err_set(err, ERR_CommandFailed, "The item %.100s: the asset '%.100s' is no file of the output",
                           js_text(item, "id") ? js_text(item, "id") : "?", key);
        }
        if (json_array_size(json_object_get(item, "bbox")) == 4)
            json_object_set(fields, "bbox", json_object_get(item, "bbox"));
        for (size_t i = 0; i < ARRAY_LEN(times); i++)
            if (json_is_string(json_object_get(properties, times[i])))
                json_object_set(fields, times[i], json_object_get(properties, times[i]));
        json_object_del(fields, "href");
        json_object_del(fields, "type");
        json_object_del(fields, "title");
        if (!json_object_get(fields, "roles"))
            json_object_set_new(fields, "roles", json_pack("[s]", "data"));
        if (!add_file(s, file, strrchr(file, '/') + 1, js_text(asset, "type"), fields, err))
            return false;
    }
    return true;
}

static bool add_catalog(struct staging_out *s, const char *root, const char *path, int depth, struct err *err)
{
    AUTO(json) json_t *catalog = NULL;
    json_t *link;
    size_t i;

    if (depth > 10)
        return err_set(err, ERR_CommandFailed, "catalog.json: nested too deeply");
    if (!js_read_file(path, &catalog, err))
        return false;
    json_array_foreach(json_object_get(catalog, "links"), i, link)
    {
        const char *rel = js_text(link, "rel");
        AUTO(mem) char *next = NULL;

        if (!rel || (strcmp(rel, "item") && strcmp(rel, "child")))
            continue;
        next = beside(root, path, js_text(link, "href") ? js_text(link, "href") : "");
        if (!next)
            return err_set(err, ERR_CommandFailed, "catalog.json: the link '%.200s' leads to no file of the output",
                           js_text(link, "href") ? js_text(link, "href") : "");
        if (!(!strcmp(rel, "item") ? add_item(s, root, next, err) : add_catalog(s, root, next, depth + 1, err)))
            return false;
    }
    return true;
}

static bool add_folder(struct staging_out *s, const char *path, struct err *err)
{
    AUTO(mem) char *catalog = mem_printf("%s/catalog.json", path);
    char *paths[] = { (char *)(uintptr_t)path, NULL };
    bool good = true;
    FTSENT *entry;
    FTS *walk;

    if (access(catalog, R_OK) == 0)
        return add_catalog(s, path, catalog, 0, err);
    walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    while (walk && good && (entry = fts_read(walk)))
        if (entry->fts_info == FTS_F)
            good = add_file(s, entry->fts_path, entry->fts_name, NULL, NULL, err);
    if (walk)
        fts_close(walk);
    return good;
}

/* ---- outputs ---- */

static bool add_object(void *context, json_t *file, struct err *err)
{
    struct staging_out *s = context;
    AUTO(mem) char *path = cwl_path(file);
    const char *contents = js_text(file, "contents");

    if (!strcmp(js_text(file, "class"), "Directory"))
        return !path || add_folder(s, path, err);
    if (!path && contents) {
        AUTO(mem) char *own = mem_printf("%s/.literal", s->fresh);
        FILE *out = fopen(own, "we");
        bool good = out && fputs(contents, out) >= 0;

        good = out && fclose(out) == 0 && good &&
               add_file(s, own, js_text(file, "basename") ? js_text(file, "basename") : "file", NULL, NULL, err);
        unlink(own);
        return good || err_set(err, ERR_StorageFailure, "%s: %s", own, strerror(errno));
    }
    return path ? add_file(s, path, js_text(file, "basename") ? js_text(file, "basename") : "file", NULL, NULL, err)
                : err_set(err, ERR_CommandFailed, "The output '%.100s' is no file of the job.", s->output);
}

static bool has_file(const json_t *value)
{
    json_t *one;
    const char *key;
    size_t i;

    if (cwl_is_file(value))
        return true;
    json_array_foreach(value, i, one)
        if (has_file(one))
            return true;
    json_object_foreach((json_t *)value, key, one)
        if (has_file(one))
            return true;
    return false;
}

bool stage_out(const json_t *outputs, const char *fresh, struct arena *arena, struct job_asset **ret_assets,
               size_t *ret_count, struct err *err)
{
    struct staging_out s = { .fresh = fresh, .arena = arena };
    AUTO(json) json_t *values = json_object();
    const char *id;
    json_t *value;
    struct stat st;

    s.assets = arena_array(arena, MAX_FILES + 1, sizeof *s.assets);
    *ret_assets = s.assets;
    json_object_foreach((json_t *)outputs, id, value)
    {
        bool good = true;

        s.output = arena_text(arena, id);
        if (has_file(value))
            good = cwl_files_each(value, add_object, &s, err);
        else
            json_object_set(values, id, value);
        *ret_count = s.count;
        if (!good)
            return false;
    }
    if (json_object_size(values) > 0 || s.count == 0) {
        AUTO(mem) char *path = mem_printf("%s/result.json", fresh);

        if (json_dump_file(values, path, JSON_INDENT(2)) || stat(path, &st))
            return err_set(err, ERR_StorageFailure, "%s: could not be written", path);
        s.assets[s.count++] = (struct job_asset){ .name = "result.json", .media_type = "application/json", .title = "Result",
                                                  .size_bytes = st.st_size, .fields = json_pack("{s:[s]}", "roles", "data") };
    }
    *ret_count = s.count;
    return true;
}
