/* A container's list of files is looked through for the marks of products: a Sentinel-2 metadata
 * file, a manifest without one beside it, a JSON file that is a STAC item, a zip. */
#include "ingest/import.h"
#include "base/text.h"
#include "ingest/sentinel1.h"
#include "ingest/sentinel2.h"
#include "json/js.h"
#include <string.h>

enum { MAX_NESTING = 2 };

enum mark { NO_MARK, MARK_S2, MARK_S1, MARK_ZIP, MARK_JSON };

struct walk {
    const char *collection;
    const struct import_sink *sink;
    size_t found;
};

static const char *base_name(const char *file)
{
    const char *slash = strrchr(file, '/');

    return slash ? slash + 1 : file;
}

static bool has_beside(const struct container *c, const char *file, const char *name)
{
    AUTO(mem) char *other = mem_printf("%.*s%s", (int)(base_name(file) - file), file, name);

    return container_has(c, other);
}

static enum mark mark_of(const struct container *c, const char *file)
{
    const char *base = base_name(file);

    if (!strcmp(base, "MTD_MSIL1C.xml") || !strcmp(base, "MTD_MSIL2A.xml"))
        return MARK_S2;
    if (!strcmp(base, "manifest.safe") && !has_beside(c, file, "MTD_MSIL1C.xml") &&
        !has_beside(c, file, "MTD_MSIL2A.xml"))
        return MARK_S1;
    if (!c->zip && text_ends(base, ".zip"))
        return MARK_ZIP;
    return !c->zip && text_ends(base, ".json") && !strstr(file, ".SAFE/") ? MARK_JSON : NO_MARK;
}

static bool read_product(const struct container *c, const char *file, enum mark mark,
                         json_t **ret_item, struct err *err)
{
    switch (mark) {
    case MARK_S2: return sentinel2_item(c, file, ret_item, err);
    case MARK_S1: return sentinel1_item(c, file, ret_item, err);
    default: return cog_folder_item(c, file, ret_item, err);
    }
}

static bool take_product(struct walk *walk, const struct container *c, const char *file,
                         enum mark mark, struct err *err)
{
    AUTO(json) json_t *item = NULL;
    AUTO(mem) char *place = mem_printf("%s/%s", c->path, file);
    struct err problem = { 0 };

    if (!read_product(c, file, mark, &item, &problem)) {
        if (mark == MARK_JSON && problem.code == ERR_NotFound) /* JSON, but no item */
            return true;
        walk->found++;
        walk->sink->problem(walk->sink->context, &problem);
        return true;
    }
    walk->found++;
    if (walk->collection)
        json_object_set_new(item, "collection", json_string(walk->collection));
    return walk->sink->item(walk->sink->context, item, place, err);
}

static bool take_path(struct walk *walk, const char *path, int depth, struct err *err);

static bool take_container(struct walk *walk, const struct container *c, int depth, struct err *err)
{
    for (size_t i = 0; i < c->n_files; i++) {
        enum mark mark = mark_of(c, c->files[i]);

        if (walk->sink->progress && depth == 0)
            walk->sink->progress(walk->sink->context, i, c->n_files);
        if (mark == MARK_ZIP && depth < MAX_NESTING) {
            AUTO(mem) char *path = mem_printf("%s/%s", c->path, c->files[i]);
            struct err problem = { 0 };

            if (!take_path(walk, path, depth + 1, &problem))
                walk->sink->problem(walk->sink->context, &problem);
        } else if (mark != NO_MARK && mark != MARK_ZIP) {
            if (!take_product(walk, c, c->files[i], mark, err))
                return false;
        }
    }
    return true;
}

static bool take_path(struct walk *walk, const char *path, int depth, struct err *err)
{
    AUTO(container) struct container *c = NULL;

    return container_open(path, &c, err) && take_container(walk, c, depth, err);
}

bool import_path(const char *path, const char *collection, const struct import_sink *sink,
                 size_t *ret_found, struct err *err)
{
    struct walk walk = { .collection = collection, .sink = sink };
    bool good = take_path(&walk, path, 0, err);

    *ret_found = walk.found;
    return good;
}
