/* Images with a STAC item beside them, as archives of COGs are copied to disk: the item tells what
 * the images mean, the files tell their grids. A file without georeference (a resampled copy) covers
 * what the item says its asset covers, with the file's own number of pixels. Assets whose files are
 * not there are left out. */
#include "ingest/import.h"
#include "base/text.h"
#include "ingest/parts.h"
#include "ingest/sentinel2.h"
#include "json/js.h"
#include "raster/probe.h"
#include <math.h>
#include <string.h>

/* The name in the container of an asset's file; NULL when it is not there. */
static const char *local_file(const struct container *c, const char *json_file, const char *href,
                              struct arena *arena)
{
    const char *slash = strrchr(json_file, '/');
    const char *name;

    if (!href || strstr(href, "://") || *href == '/')
        return NULL;
    if (text_begins(href, "./"))
        href += 2;
    name = arena_printf(arena, "%.*s%s", slash ? (int)(slash + 1 - json_file) : 0, json_file, href);
    return container_has(c, name) ? name : NULL;
}

static bool number_at(const json_t *array, size_t i, double *ret_number)
{
    const json_t *value = json_array_get(array, i);

    *ret_number = json_number_value(value);
    return json_is_number(value);
}

/* The grid of the asset as the item has it, with as many pixels as the file really has. */
static bool stretched(const json_t *asset, const json_t *properties, struct raster_facts *facts)
{
    const json_t *t = json_object_get(asset, "proj:transform");
    const json_t *shape = json_object_get(asset, "proj:shape");
    const json_t *epsg = json_object_get(asset, "proj:epsg");
    double a, b, c, d, e, f, rows, columns;

    if (!epsg)
        epsg = json_object_get(properties, "proj:epsg");
    if (!json_is_integer(epsg) || !number_at(t, 0, &a) || !number_at(t, 1, &b) ||
        !number_at(t, 2, &c) || !number_at(t, 3, &d) || !number_at(t, 4, &e) ||
        !number_at(t, 5, &f) || !number_at(shape, 0, &rows) || !number_at(shape, 1, &columns) ||
        b != 0 || d != 0 || !(a > 0) || !(e < 0))
        return false;
    facts->grid = (struct grid){ .epsg = (int)json_integer_value(epsg), .x0 = c, .y0 = f,
                                 .dx = a * columns / (double)facts->width,
                                 .dy = -e * rows / (double)facts->height,
                                 .width = facts->width, .height = facts->height };
    return true;
}

static json_t *raster_band_of(json_t *asset)
{
    json_t *bands = json_object_get(asset, "raster:bands");

    if (!json_array_size(bands))
        json_object_set_new(asset, "raster:bands", json_pack("[{}]"));
    return json_array_get(json_object_get(asset, "raster:bands"), 0);
}

static void describe(json_t *asset, const struct raster_facts *facts)
{
    const struct grid *g = &facts->grid;
    json_t *band = raster_band_of(asset);

    json_object_set_new(asset, "proj:epsg", json_integer(g->epsg));
    json_object_set_new(asset, "proj:shape", json_pack("[I,I]", (json_int_t)g->height,
                                                       (json_int_t)g->width));
    json_object_set_new(asset, "proj:transform",
                        json_pack("[f,i,f,i,f,f]", g->dx, 0, g->x0, 0, -g->dy, g->y0));
    if (facts->media && !text_begins(js_text(asset, "type"), "image/vnd") &&
        strncmp(js_text(asset, "type"), facts->media, 10) != 0)
        item_put_text(asset, "type", facts->media); /* the bytes are right, not the item */
    if (fabs(g->dx) > 0.01) /* metres, not degrees */
        item_put_number(asset, "gsd", g->dx);
    item_put_number(band, "spatial_resolution", g->dx);
    if (facts->has_pixel)
        json_object_set_new(band, "data_type", json_string(pixel_name(facts->pixel)));
    json_object_del(band, "bits_per_sample");
    if (facts->has_nodata)
        item_put_number(band, "nodata", facts->nodata);
}

static bool is_raster(const json_t *asset)
{
    const char *type = js_text(asset, "type");

    return type && (text_begins(type, "image/tiff") || text_begins(type, "image/jp2") ||
                    text_begins(type, "image/vnd.stac.geotiff"));
}

static bool keep_asset(const struct container *c, const char *json_file, json_t *item, json_t *asset,
                       json_t *kept, const char *key, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    const char *file = local_file(c, json_file, js_text(asset, "href"), arena);
    const char *href = file ? container_href(c, file, arena) : NULL;
    struct raster_facts facts;

    if (!href)
        return true;
    json_object_set_new(asset, "href", json_string(href));
    if (is_raster(asset)) {
        if (!raster_probe(href, &facts, err))
            return false;
        if (facts.has_grid || stretched(asset, json_object_get(item, "properties"), &facts))
            describe(asset, &facts);
    }
    json_object_set(kept, key, asset);
    return true;
}

static bool is_sentinel2(const json_t *item)
{
    const char *text = js_text(json_object_get(item, "properties"), "constellation");

    return text && !strcmp(text, "sentinel-2");
}

/* Members that this reading may add need their extensions named. */
static void name_extensions(json_t *item)
{
    static const char *const added[] = {
        "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
        "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
        "https://stac-extensions.github.io/classification/v1.1.0/schema.json",
    };
    json_t *list = json_object_get(item, "stac_extensions");

    if (!json_is_array(list)) {
        list = json_array();
        json_object_set_new(item, "stac_extensions", list);
    }
    for (size_t i = 0; i < ARRAY_LEN(added); i++) {
        bool there = false;
        size_t k, stem = (size_t)(strstr(added[i], "/v1") - added[i]);
        json_t *name;

        json_array_foreach(list, k, name)
            there |= json_is_string(name) && !strncmp(json_string_value(name), added[i], stem);
        if (!there)
            json_array_append_new(list, json_string(added[i]));
    }
}

static bool is_item(const json_t *json)
{
    const char *type = js_text(json, "type");

    return type && !strcmp(type, "Feature") && json_object_get(json, "stac_version") &&
           json_is_object(json_object_get(json, "assets")) &&
           json_is_object(json_object_get(json, "properties"));
}

bool cog_folder_item(const struct container *c, const char *json_file, json_t **ret_item,
                     struct err *err)
{
    AUTO(mem) char *bytes = NULL;
    AUTO(json) json_t *item = NULL;
    AUTO(json) json_t *kept = json_object();
    struct err unread = { 0 };
    const char *key;
    json_t *asset;
    size_t size;

    if (!container_read(c, json_file, 16 << 20, &bytes, &size, &unread) ||
        !js_parse(bytes, size, JS_DEFAULT_DEPTH, &item, &unread) || !is_item(item))
        return err_set(err, ERR_NotFound, "%s/%s: is no STAC item", c->path, json_file);
    json_object_foreach(json_object_get(item, "assets"), key, asset)
        if (!keep_asset(c, json_file, item, asset, kept, key, err))
            return err_prefix(err, "%s/%s", c->path, json_file);
    if (json_object_size(kept) == 0)
        return err_set(err, ERR_FileNotFound, "%s/%s: none of the item's files lies beside it", c->path,
                       json_file);
    json_object_set(item, "assets", kept);
    if (is_sentinel2(item))
        sentinel2_normalise(item);
    name_extensions(item);
    *ret_item = item;
    item = NULL;
    return true;
}
