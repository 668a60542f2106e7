/* Reading STAC for planning. An asset that holds pixels gives one candidate a band; candidates with
 * the same band name are alternatives (several resolutions, another encoding) and the finest wins,
 * the first of equals. A member is looked for at the band, then at the asset, then in the item's
 * properties: so one lookup serves STAC 1.0, where bands lie in eo:bands and raster:bands, and 1.1,
 * where they lie in bands. */
#include "graph/stac.h"
#include "base/instant.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "json/js.h"

/* The places where a fact about a band may stand, nearest first. */
struct places {
    const json_t *band, *raster, *asset, *properties;
};

struct candidate {
    const char *key; /* of the asset */
    struct scene_band band;
    double gsd;
};

static const json_t *member(const struct places *at, const char *name)
{
    const json_t *found = json_object_get(at->band, name);

    if (!found)
        found = json_object_get(at->raster, name);
    if (!found)
        found = json_object_get(at->asset, name);
    return found ? found : json_object_get(at->properties, name);
}

bool stac_pixel(const char *data_type, enum pixel *ret_pixel)
{
    static const struct { const char *name; enum pixel pixel; } types[] = {
        { "uint8", PIXEL_U8 },   { "int8", PIXEL_I8 },     { "uint16", PIXEL_U16 },
        { "int16", PIXEL_I16 },  { "uint32", PIXEL_U32 },  { "int32", PIXEL_I32 },
        { "float16", PIXEL_F32 }, { "float32", PIXEL_F32 }, { "float64", PIXEL_F64 },
    };

    for (size_t i = 0; data_type && i < ARRAY_LEN(types); i++) {
        if (!strcmp(types[i].name, data_type)) {
            *ret_pixel = types[i].pixel;
            return true;
        }
    }
    return false;
}

/* A number, or one of the names that JSON cannot write. */
static bool number_of(const json_t *value, double *ret_number)
{
    const char *text = json_string_value(value);

    if (json_is_number(value))
        *ret_number = json_number_value(value);
    else if (text && !strcasecmp(text, "nan"))
        *ret_number = NAN;
    else if (text && (!strcasecmp(text, "inf") || !strcasecmp(text, "-inf")))
        *ret_number = *text == '-' ? -INFINITY : INFINITY;
    else
        return false;
    return true;
}

static bool numbers_of(const json_t *array, size_t least, double *ret_numbers)
{
    if (json_array_size(array) < least)
        return false;
    for (size_t i = 0; i < least; i++) {
        const json_t *value = json_array_get(array, i);

        if (!json_is_number(value))
            return false;
        ret_numbers[i] = json_number_value(value);
    }
    return true;
}

static int epsg_of(const struct places *at)
{
    const char *code = json_string_value(member(at, "proj:code"));
    const json_t *number = member(at, "proj:epsg");
    int epsg = 0;

    if (json_is_integer(number))
        return (int)json_integer_value(number);
    return code && sscanf(code, "EPSG:%d", &epsg) == 1 ? epsg : 0;
}

/* width stays 0 when the item does not say, or says a grid that is not north-up or not on Earth. */
static struct grid grid_of(const struct places *at)
{
    struct grid grid = { .epsg = epsg_of(at) };
    double t[6], shape[2], box[4];

    if (!grid.epsg || !numbers_of(member(at, "proj:shape"), 2, shape) || shape[0] < 1 ||
        shape[1] < 1 || shape[0] > INT32_MAX || shape[1] > INT32_MAX)
        return grid;
    if (numbers_of(member(at, "proj:transform"), 6, t)) {
        if (t[1] != 0 || t[3] != 0 || !(t[0] > 0) || !(t[4] < 0))
            return grid;
        grid.x0 = t[2], grid.y0 = t[5], grid.dx = t[0], grid.dy = -t[4];
    } else if (numbers_of(member(at, "proj:bbox"), 4, box) && box[2] > box[0] && box[3] > box[1]) {
        grid.x0 = box[0], grid.y0 = box[3];
        grid.dx = (box[2] - box[0]) / shape[1], grid.dy = (box[3] - box[1]) / shape[0];
    } else {
        return grid;
    }
    grid.width = (int64_t)shape[1], grid.height = (int64_t)shape[0];
    return grid_is_sound(&grid) ? grid : (struct grid){ .epsg = grid.epsg };
}

static bool has_role(const json_t *asset, const char *role)
{
    const json_t *roles = json_object_get(asset, "roles");
    size_t i;
    json_t *value;

    json_array_foreach((json_t *)roles, i, value)
        if (json_is_string(value) && !strcmp(json_string_value(value), role))
            return true;
    return false;
}

static const json_t *bands_of(const json_t *asset)
{
    const json_t *bands = json_object_get(asset, "bands");

    return json_array_size(bands) ? bands : json_object_get(asset, "eo:bands");
}

static bool is_image(const char *type)
{
    return text_begins(type, "image/tiff") || text_begins(type, "image/jp2") ||
           text_begins(type, "image/vnd.stac.geotiff") || strstr(type, "netcdf");
}

/* Pictures for people (roles visual, thumbnail, overview) are no bands. */
static bool holds_pixels(const json_t *asset)
{
    const char *type = js_text(asset, "type");

    if (!js_text(asset, "href") || has_role(asset, "thumbnail") || has_role(asset, "overview") ||
        has_role(asset, "visual") || has_role(asset, "metadata"))
        return false;
    if (type && !is_image(type))
        return false;
    return has_role(asset, "data") || json_array_size(bands_of(asset)) ||
           json_array_size(json_object_get(asset, "raster:bands")) ||
           (type && !json_object_get(asset, "roles"));
}

/* Two names that mean a class map wherever they occur. */
static bool is_categorical(const struct places *at, const char *name)
{
    return json_object_get(at->band, "classification:classes") ||
           json_object_get(at->raster, "classification:classes") ||
           json_object_get(at->asset, "classification:classes") || !strcasecmp(name, "scl") ||
           has_role(at->asset, "snow-ice") || has_role(at->asset, "cloud-mask");
}

/* Some archives have the offset of baseline 04.00 applied to the pixels and still name it. */
static bool offset_is_applied(const json_t *properties)
{
    return json_is_true(json_object_get(properties, "earthsearch:boa_offset_applied"));
}

static struct band_info info_of(const struct places *at, const char *name, struct arena *arena)
{
    struct band_info info = { .center_wavelength = NAN, .scale = 1 };
    const json_t *common = json_object_get(at->band, "common_name");
    const json_t *value;

    if (!common)
        common = json_object_get(at->band, "eo:common_name");
    if (json_is_string(common))
        info.common_name = arena_text(arena, json_string_value(common));
    value = json_object_get(at->band, "center_wavelength");
    if (!value)
        value = json_object_get(at->band, "eo:center_wavelength");
    number_of(value, &info.center_wavelength);
    if (!number_of(member(at, "scale"), &info.scale))
        number_of(member(at, "raster:scale"), &info.scale);
    if (!number_of(member(at, "offset"), &info.offset))
        number_of(member(at, "raster:offset"), &info.offset);
    if (offset_is_applied(at->properties))
        info.offset = 0;
    info.categorical = is_categorical(at, name);
    return info;
}

static double gsd_of(const struct places *at, const struct grid *grid)
{
    double gsd = INFINITY;

    if (grid->width > 0)
        return grid->dx;
    number_of(json_object_get(at->asset, "gsd"), &gsd);
    return gsd;
}

/* Products of Sentinel-1 as they come. What was made of them lies on a grid. */
static bool is_radar(const struct places *at, const struct grid *grid)
{
    const char *type = js_text(at->properties, "sar:product_type");

    return type && !strcmp(type, "GRD") && grid->width == 0;
}

/* Resolutions of JPEG 2000 are some, too. */
static bool has_overviews(const char *type)
{
    return type && (strstr(type, "cloud-optimized") || text_begins(type, "image/jp2"));
}

static void read_band(const struct places *at, const char *key, const char *name, size_t index,
                      struct arena *arena, struct candidate *c)
{
    struct scene_band *band = &c->band;
    const char *type = json_string_value(member(at, "data_type"));
    const json_t *where = json_object_get(at->band, "sentier:file_band");

    c->key = key;
    band->name = arena_text(arena, name);
    band->href = js_text(at->asset, "href");
    band->index = json_is_integer(where) ? (int)json_integer_value(where) : (int)index + 1;
    band->info = info_of(at, name, arena);
    band->grid = grid_of(at);
    band->pixel = PIXEL_F32;
    stac_pixel(type ? type : json_string_value(member(at, "raster:data_type")), &band->pixel);
    band->has_nodata = number_of(member(at, "nodata"), &band->nodata) &&
                       pixel_holds(band->pixel, band->nodata);
    band->has_overviews = has_overviews(js_text(at->asset, "type"));
    band->is_radar = is_radar(at, &band->grid);
    c->gsd = gsd_of(at, &band->grid);
}

static void add_candidate(struct candidate **all, size_t *capacity, size_t *count,
                          const struct candidate *c)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp((*all)[i].band.name, c->band.name))
            continue;
        if (c->gsd < (*all)[i].gsd)
            (*all)[i] = *c;
        return;
    }
    *all = mem_grow(*all, capacity, *count + 1, sizeof **all);
    (*all)[(*count)++] = *c;
}

/* A band without a name, in either list, has its asset's; of several without names each has a number too. */
static char *band_name(const json_t *band, const json_t *raster, const char *key, size_t index, size_t count)
{
    const char *name = js_text(band, "name");

    if (!name || !*name)
        name = js_text(raster, "name");
    if (name && *name)
        return mem_text(name);
    return count > 1 ? mem_printf("%s_%zu", key, index + 1) : mem_text(key);
}

static struct candidate *read_assets(const json_t *assets, const json_t *properties,
                                     struct arena *arena, size_t *ret_count)
{
    struct candidate *all = NULL;
    size_t capacity = 0;
    const char *key;
    json_t *asset;

    *ret_count = 0;
    json_object_foreach((json_t *)assets, key, asset) {
        const json_t *bands = bands_of(asset), *rasters = json_object_get(asset, "raster:bands");
        size_t count = json_array_size(bands);

        if (!holds_pixels(asset))
            continue;
        if (json_array_size(rasters) > count)
            count = json_array_size(rasters);
        for (size_t i = 0; i < (count ? count : 1); i++) {
            struct places at = { .band = json_array_get(bands, i),
                                 .raster = json_array_get(rasters, i),
                                 .asset = asset,
                                 .properties = properties };
            AUTO(mem) char *name = band_name(at.band, at.raster, key, i, count);
            struct candidate c;

            memset(&c, 0, sizeof c);
            read_band(&at, key, name, i, arena, &c);
            add_candidate(&all, &capacity, ret_count, &c);
        }
    }
    return all;
}

/* The band's own name first, then its asset's key, then the common name. */
static const struct candidate *find_band(const struct candidate *all, size_t count,
                                         const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(all[i].band.name, name))
            return &all[i];
    for (size_t i = 0; i < count; i++)
        if (!strcmp(all[i].key, name))
            return &all[i];
    for (size_t i = 0; i < count; i++)
        if (all[i].band.info.common_name && !strcmp(all[i].band.info.common_name, name))
            return &all[i];
    return NULL;
}

static bool has_band(const struct scene_band *bands, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(bands[i].name, name))
            return true;
    return false;
}

static void choose_bands(const struct candidate *all, size_t count, size_t n_bands,
                         const char *const *names, struct arena *arena, struct scene *scene)
{
    size_t room = n_bands ? n_bands : count;
    struct scene_band *chosen = arena_array(arena, room ? room : 1, sizeof *chosen);

    for (size_t i = 0; i < room; i++) {
        const struct candidate *c = n_bands ? find_band(all, count, names[i]) : &all[i];

        const char *name = !c ? NULL : n_bands ? arena_text(arena, names[i]) : c->band.name;

        if (!c || has_band(chosen, scene->n_bands, name))
            continue;
        chosen[scene->n_bands] = c->band;
        chosen[scene->n_bands].name = name; /* as it was asked for: by its name, its asset's or a common one */
        chosen[scene->n_bands++].href = arena_text(arena, c->band.href);
    }
    scene->bands = chosen;
}

/* "GS2A_20230815T095031_042547_N05.09" holds Sentinel-2's absolute orbit. */
static int64_t orbit_of(const json_t *properties)
{
    static const char *const names[] = { "sat:absolute_orbit", "sat:relative_orbit" };
    const char *datatake = js_text(properties, "s2:datatake_id");
    int orbit;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const json_t *value = json_object_get(properties, names[i]);

        if (json_is_integer(value))
            return json_integer_value(value);
    }
    return datatake && sscanf(datatake, "GS2%*1[A-D]_%*15[0-9T]_%6d", &orbit) == 1 ? orbit : -1;
}

static bool instant_of(const json_t *properties, int64_t *ret_ms, struct err *err)
{
    const char *text = js_text(properties, "datetime");
    const char *place = "/properties/datetime";

    if (!text) {
        text = js_text(properties, "start_datetime");
        place = "/properties/start_datetime";
    }
    if (!text)
        return err_set(err, ERR_BadRequest, "%s: is required when datetime is null", place);
    if (!instant_parse(text, ret_ms))
        return err_set(err, ERR_BadRequest,
                       "%s: expected an RFC 3339 date and time, found '%.60s'", place, text);
    return true;
}

static void bbox_of(const json_t *item, double bbox[4])
{
    const json_t *array = json_object_get(item, "bbox");
    double six[6];

    if (json_array_size(array) == 6 && numbers_of(array, 6, six)) {
        bbox[0] = six[0], bbox[1] = six[1], bbox[2] = six[3], bbox[3] = six[4];
    } else if (!numbers_of(array, 4, bbox)) {
        bbox[0] = -180, bbox[1] = -90, bbox[2] = 180, bbox[3] = 90;
    }
}

bool scene_from_stac(const json_t *item, size_t n_bands, const char *const *bands,
                     struct arena *arena, struct scene *ret_scene, struct err *err)
{
    const json_t *properties = json_object_get(item, "properties");
    const json_t *assets = json_object_get(item, "assets");
    const char *id = js_text(item, "id"), *collection = js_text(item, "collection");
    const char *platform = js_text(properties, "platform");
    AUTO(mem) struct candidate *all = NULL;
    struct scene scene = { 0 };
    size_t count;

    if (!id)
        return js_refuse(json_object_get(item, "id"), "/id", "a string", err);
    if (!json_is_object(properties))
        return js_refuse(properties, "/properties", "an object", err);
    if (!json_is_object(assets))
        return js_refuse(assets, "/assets", "an object", err);
    if (!instant_of(properties, &scene.instant_ms, err))
        return false;
    scene.id = arena_text(arena, id);
    scene.collection = collection ? arena_text(arena, collection) : "";
    scene.platform = platform ? arena_text(arena, platform) : NULL;
    scene.orbit = orbit_of(properties);
    bbox_of(item, scene.bbox);
    all = read_assets(assets, properties, arena, &count);
    choose_bands(all, count, n_bands, bands, arena, &scene);
    *ret_scene = scene;
    return true;
}

/* ---- collections ---- */

/* The entry of summaries' eo:bands or bands with this name; NULL when there is none. */
static const json_t *summary_band(const json_t *collection, const char *name)
{
    static const char *const lists[] = { "bands", "eo:bands" };
    const json_t *summaries = json_object_get(collection, "summaries");

    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        const json_t *list = json_object_get(k ? summaries : collection, lists[k]);
        size_t i;
        json_t *band;

        if (!list)
            list = json_object_get(summaries, lists[k]);
        json_array_foreach((json_t *)list, i, band) {
            const char *found = js_text(band, "name");

            if (found && !strcmp(found, name))
                return band;
        }
    }
    return NULL;
}

/* item_assets have no href; give what they say the shape of an item's assets. */
static json_t *assets_of(const json_t *collection)
{
    json_t *assets = json_object();
    const char *key;
    json_t *value;

    json_object_foreach(json_object_get(collection, "item_assets"), key, value) {
        json_t *copy = json_copy(value);

        if (!json_is_object(copy)) {
            json_decref(copy);
            continue;
        }
        json_object_set_new(copy, "href", json_string("none"));
        json_object_set_new(assets, key, copy);
    }
    return assets;
}

static const json_t *cube_bands(const json_t *collection)
{
    const char *key;
    json_t *dimension;

    json_object_foreach(json_object_get(collection, "cube:dimensions"), key, dimension) {
        const char *type = js_text(dimension, "type");

        if (type && !strcmp(type, "bands"))
            return json_object_get(dimension, "values");
    }
    return NULL;
}

static bool has_constellation(const json_t *collection)
{
    const json_t *names = json_object_get(json_object_get(collection, "summaries"), "constellation");
    size_t i;
    json_t *name;

    json_array_foreach((json_t *)names, i, name)
        if (json_is_string(name) && text_begins(json_string_value(name), "sentinel-"))
            return true;
    return false;
}

static void fill_info(struct band_info *info, const json_t *band, struct arena *arena)
{
    struct places at = { .band = band };
    struct band_info more = info_of(&at, "", arena);

    if (!info->common_name)
        info->common_name = more.common_name;
    if (isnan(info->center_wavelength))
        info->center_wavelength = more.center_wavelength;
    info->categorical |= more.categorical;
}

bool collection_info_from_stac(const json_t *collection, struct arena *arena,
                               struct collection_info *ret_info, struct err *err)
{
    const char *id = js_text(collection, "id");
    const json_t *names = cube_bands(collection);
    const json_t *says = json_object_get(collection, "sentier:overpass");
    AUTO(json) json_t *assets = assets_of(collection);
    AUTO(mem) struct candidate *all = NULL;
    size_t count, n;

    if (!id)
        return js_refuse(json_object_get(collection, "id"), "/id", "a string", err);
    all = read_assets(assets, NULL, arena, &count);
    n = json_is_array(names) ? json_array_size(names) : count;
    const char **own = arena_array(arena, n ? n : 1, sizeof *own);
    struct band_info *infos = arena_array(arena, n ? n : 1, sizeof *infos);

    for (size_t i = 0; i < n; i++) {
        const char *name = json_is_array(names) ? json_string_value(json_array_get(names, i))
                                                : all[i].band.name;
        const struct candidate *c = name ? find_band(all, count, name) : NULL;

        own[i] = arena_text(arena, name ? name : "");
        infos[i] = c ? c->band.info
                     : (struct band_info){ .center_wavelength = NAN, .scale = 1,
                                           .categorical = !strcasecmp(own[i], "scl") };
        fill_info(&infos[i], summary_band(collection, own[i]), arena);
    }
    *ret_info = (struct collection_info){
        .id = arena_text(arena, id), .n_bands = n, .band_names = own, .bands = infos,
        .overpass = says ? json_is_true(says) : has_constellation(collection),
    };
    return true;
}
