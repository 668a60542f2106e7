/* The description of a collection that grows with its items: extent, summaries and dimensions are
 * unions. What is known of the Sentinel collections (titles, licence, bands) is a table. */
#include "base/text.h"
#include "ingest/import.h"
#include "ingest/parts.h"
#include "json/js.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct known {
    const char *id, *title, *description, *keywords[6];
} known[] = {
    { "sentinel-2-l2a", "Sentinel-2 Level-2A",
      "Surface reflectance of the MultiSpectral Instrument of Sentinel-2, with a scene classification, "
      "in tiles of 110 km.",
      { "sentinel", "copernicus", "esa", "msi", "reflectance", NULL } },
    { "sentinel-2-l1c", "Sentinel-2 Level-1C",
      "Top-of-atmosphere reflectance of the MultiSpectral Instrument of Sentinel-2, in tiles of 110 km.",
      { "sentinel", "copernicus", "esa", "msi", "reflectance", NULL } },
    { "sentinel-1-grd", "Sentinel-1 Ground Range Detected",
      "Multi-looked amplitude of the C-band radar of Sentinel-1, projected to ground range.",
      { "sentinel", "copernicus", "esa", "sar", "radar", NULL } },
};

#define LEGAL_NOTICE "https://sentinel.esa.int/documents/247904/690755/Sentinel_Data_Legal_Notice"

static json_t *new_collection(const char *id, const json_t *item)
{
    const struct known *facts = NULL;
    json_t *c, *keywords = json_array();
    bool sentinel = text_begins(id, "sentinel-");

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (!strcmp(known[i].id, id))
            facts = &known[i];
    for (size_t i = 0; facts && facts->keywords[i]; i++)
        json_array_append_new(keywords, json_string(facts->keywords[i]));
    c = json_pack("{s:s,s:s,s:[s,s],s:s,s:s,s:s,s:o,s:s}", "type", "Collection", "stac_version", "1.0.0",
                  "stac_extensions",
                  "https://stac-extensions.github.io/datacube/v2.2.0/schema.json",
                  "https://stac-extensions.github.io/item-assets/v1.0.0/schema.json", "id", id, "title",
                  facts ? facts->title : id, "description",
                  facts ? facts->description : "Items that were imported together.", "keywords", keywords,
                  "license", "proprietary");
    if (!facts && json_is_true(json_object_get(json_object_get(item, "properties"), "sentier:synthetic"))) {
        item_put_text(c, "title", "Synthetic scenes");
        item_put_text(c, "description", "Made-up scenes in the form of Sentinel-2 Level-2A, with known truth: "
                                   "not measurements of any satellite.");
        item_put_text(c, "license", "CC0-1.0");
    }
    json_object_set_new(c, "links", json_array());
    if (sentinel) {
        json_object_set_new(c, "providers",
                            json_pack("[{s:s,s:[s,s],s:s}]", "name", "ESA", "roles", "producer", "licensor",
                                      "url", "https://www.copernicus.eu/"));
        json_array_append_new(json_object_get(c, "links"),
                              json_pack("{s:s,s:s,s:s}", "rel", "license", "href", LEGAL_NOTICE, "title",
                                        "Legal notice on the use of Copernicus Sentinel data"));
    }
    json_object_set_new(c, "sentier:made", json_true());
    json_object_set_new(c, "sentier:overpass", json_boolean(sentinel || json_object_get(
        json_object_get(item, "properties"), "constellation")));
    json_object_set_new(c, "summaries", json_object());
    json_object_set_new(c, "item_assets", json_object());
    return c;
}

/* ---- extent ---- */

static void item_box(const json_t *item, double box[4])
{
    const json_t *bbox = json_object_get(item, "bbox");
    size_t n = json_array_size(bbox);

    box[0] = -180, box[1] = -90, box[2] = 180, box[3] = 90;
    if (n != 4 && n != 6)
        return;
    for (size_t i = 0; i < 4; i++)
        box[i] = json_number_value(json_array_get(bbox, i < 2 ? i : n / 2 + i - 2));
    if (box[0] > box[2])
        box[0] = -180, box[2] = 180;
}

static json_t *first_box(const json_t *c)
{
    const json_t *spatial = json_object_get(json_object_get(c, "extent"), "spatial");

    return json_array_get(json_object_get(spatial, "bbox"), 0);
}

static json_t *first_interval(const json_t *c)
{
    const json_t *temporal = json_object_get(json_object_get(c, "extent"), "temporal");

    return json_array_get(json_object_get(temporal, "interval"), 0);
}

/* True when the extent became larger. */
static bool widen_extent(json_t *c, const double more[4], const char *start, const char *end)
{
    const json_t *old_box = first_box(c), *old_time = first_interval(c);
    const char *first = json_string_value(json_array_get(old_time, 0));
    const char *last = json_string_value(json_array_get(old_time, 1));
    bool grows = json_array_size(old_box) != 4;
    double box[4];

    for (size_t i = 0; i < 4; i++) {
        double was = json_number_value(json_array_get(old_box, i));

        box[i] = json_array_size(old_box) != 4 ? more[i] : i < 2 ? fmin(more[i], was) : fmax(more[i], was);
        grows |= box[i] != was;
    }
    if (start && (!first || strcmp(start, first) < 0)) /* RFC 3339 in UTC sorts as text */
        first = start, grows = true;
    if (end && (!last || strcmp(end, last) > 0))
        last = end, grows = true;
    if (grows)
        json_object_set_new(c, "extent",
                            json_pack("{s:{s:[[f,f,f,f]]},s:{s:[[s?,s?]]}}", "spatial", "bbox", box[0], box[1],
                                      box[2], box[3], "temporal", "interval", first, last));
    return grows;
}

static bool widen_extent_by_item(json_t *c, const json_t *item)
{
    const json_t *p = json_object_get(item, "properties");
    const char *at = js_text(p, "datetime");
    const char *start = js_text(p, "start_datetime");
    const char *end = js_text(p, "end_datetime");
    double box[4];

    item_box(item, box);
    return widen_extent(c, box, start ? start : at, end ? end : at);
}

/* ---- summaries ---- */

/* What was seen last is at the end, so that is where to begin. */
static bool contains(const json_t *list, const json_t *value)
{
    for (size_t i = json_array_size(list); i-- > 0;)
        if (json_equal(json_array_get(list, i), value))
            return true;
    return false;
}

static bool add_to_list(json_t *object, const char *key, json_t *value)
{
    json_t *list = json_object_get(object, key);

    if (!value || json_is_null(value))
        return false;
    if (!list) {
        list = json_array();
        json_object_set_new(object, key, list);
    }
    if (json_array_size(list) >= 1000 || contains(list, value))
        return false;
    json_array_append(list, value);
    return true;
}

static bool add_to_range(json_t *object, const char *key, double least, double most)
{
    const json_t *range = json_object_get(object, key);
    double was_least = json_number_value(json_object_get(range, "minimum"));
    double was_most = json_number_value(json_object_get(range, "maximum"));

    if (range && least >= was_least && most <= was_most)
        return false;
    if (range) {
        least = fmin(least, was_least);
        most = fmax(most, was_most);
    }
    json_object_set_new(object, key, json_pack("{s:f,s:f}", "minimum", least, "maximum", most));
    return true;
}

static bool widen_summaries(json_t *summaries, const json_t *properties)
{
    static const char *const lists[] = { "platform", "constellation", "sar:instrument_mode",
                                         "sar:product_type", "sat:orbit_state", "s2:processing_baseline",
                                         "processing:level", "proj:epsg", "gsd" };
    static const char *const unions[] = { "instruments", "sar:polarizations" };
    size_t k;
    json_t *value;
    bool grows = false;

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        grows |= add_to_list(summaries, lists[i], json_object_get(properties, lists[i]));
    for (size_t i = 0; i < ARRAY_LEN(unions); i++)
        json_array_foreach(json_object_get(properties, unions[i]), k, value)
            grows |= add_to_list(summaries, unions[i], value);
    value = json_object_get(properties, "eo:cloud_cover");
    if (json_is_number(value))
        grows |= add_to_range(summaries, "eo:cloud_cover", json_number_value(value), json_number_value(value));
    return grows;
}

/* ---- bands ---- */

static bool is_data(const json_t *asset)
{
    AUTO(json) json_t *data = json_string("data");

    return contains(json_object_get(asset, "roles"), data) || json_object_get(asset, "raster:bands");
}

/* item_assets tell what is the same for all items: no place, no grid. */
static json_t *asset_form(const json_t *asset)
{
    static const char *const own[] = { "href", "proj:shape", "proj:transform", "proj:epsg", "proj:bbox",
                                       "file:size", "file:checksum", "alternate" };
    json_t *form = json_deep_copy(asset);

    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        json_object_del(form, own[i]);
    return form;
}

static const char *asset_band(const char *key, const json_t *asset)
{
    const json_t *bands = json_object_get(asset, "eo:bands");
    const char *name;

    if (!json_array_size(bands))
        bands = json_object_get(asset, "bands");
    name = js_text(json_array_get(bands, 0), "name");
    return name ? name : key;
}

/* B08, B8A, B09: bands in the order of their numbers, then of their letters; other names after. */
static int band_order(const char *a, const char *b)
{
    int na = 0, nb = 0, a_rest = 0, b_rest = 0;
    bool a_is = sscanf(a, "B%2d%n", &na, &a_rest) == 1, b_is = sscanf(b, "B%2d%n", &nb, &b_rest) == 1;

    if (a_is != b_is)
        return a_is ? -1 : 1;
    return na != nb ? na - nb : strcmp(a + a_rest, b + b_rest);
}

static void add_name(json_t *names, const char *name)
{
    size_t at = 0;

    while (at < json_array_size(names) &&
           band_order(json_string_value(json_array_get(names, at)), name) < 0)
        at++;
    if (at == json_array_size(names) || strcmp(json_string_value(json_array_get(names, at)), name))
        json_array_insert_new(names, at, json_string(name));
}

/* The summary eo:bands runs like the labels of the cube, which clients compare: a band that has no
 * description (a classification) is there by its name. Collections without eo:bands get none. */
static void describe_bands(json_t *summaries, const json_t *names, json_t *described)
{
    AUTO(json) json_t *list = json_array();
    size_t i;
    json_t *name, *band;

    json_array_foreach(json_object_get(summaries, "eo:bands"), i, band)
        if (json_is_string(json_object_get(band, "name")))
            json_object_set(described, js_text(band, "name"), band);
    if (json_object_size(described) == 0)
        return;
    json_array_foreach((json_t *)names, i, name) {
        band = json_object_get(described, json_string_value(name));
        json_array_append_new(list, band ? json_incref(band) : json_pack("{s:O}", "name", name));
    }
    json_object_set(summaries, "eo:bands", list);
}

static json_t *known_names(const json_t *c)
{
    const json_t *dimension = json_object_get(json_object_get(c, "cube:dimensions"), "bands");

    return json_object_get(dimension, "values");
}

static bool has_name(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *one = json_string_value(json_array_get(names, i));

        if (one && !strcmp(one, name))
            return true;
    }
    return false;
}

/* Nearly all items have the assets and the bands of those before them. */
static bool has_new_bands(const json_t *c, const json_t *item)
{
    const json_t *forms = json_object_get(c, "item_assets"), *names = known_names(c);
    json_t *asset;
    const char *key;

    json_object_foreach(json_object_get(item, "assets"), key, asset)
        if (!json_object_get(forms, key) || (is_data(asset) && !has_name(names, asset_band(key, asset))))
            return true;
    return false;
}

static void widen_bands(json_t *c, json_t *names, const json_t *item)
{
    json_t *forms = json_object_get(c, "item_assets"), *asset;
    AUTO(json) json_t *described = json_object();
    const char *key;

    json_object_foreach(json_object_get(item, "assets"), key, asset) {
        json_t *band = json_array_get(json_object_get(asset, "eo:bands"), 0);

        if (!json_object_get(forms, key))
            json_object_set_new(forms, key, asset_form(asset));
        if (!is_data(asset))
            continue;
        add_name(names, asset_band(key, asset));
        if (band)
            json_object_set(described, asset_band(key, asset), band);
    }
    describe_bands(json_object_get(c, "summaries"), names, described);
}

static json_t *copy_names(const json_t *c)
{
    const json_t *old = known_names(c);
    json_t *names = json_array(), *name;
    size_t i;

    json_array_foreach((json_t *)old, i, name)
        if (json_is_string(name))
            json_array_append(names, name);
    return names;
}

static void set_dimensions(json_t *c, json_t *names_taken)
{
    const json_t *box = first_box(c);
    json_t *dimensions = json_pack(
        "{s:{s:s,s:s,s:[O,O],s:i},s:{s:s,s:s,s:[O,O],s:i},s:{s:s,s:O},s:{s:s,s:o}}",
        "x", "type", "spatial", "axis", "x", "extent", json_array_get(box, 0), json_array_get(box, 2),
        "reference_system", 4326, "y", "type", "spatial", "axis", "y", "extent", json_array_get(box, 1),
        json_array_get(box, 3), "reference_system", 4326, "t", "type", "temporal", "extent",
        first_interval(c), "bands", "type", "bands", "values", names_taken);

    json_object_set_new(c, "cube:dimensions", dimensions);
}

json_t *collection_new(const json_t *item)
{
    const char *id = js_text(item, "collection");

    return new_collection(id ? id : "items", item);
}

bool collection_widen(json_t *c, const json_t *item)
{
    bool grows = widen_extent_by_item(c, item), bands = has_new_bands(c, item);
    bool says_more = widen_summaries(json_object_get(c, "summaries"), json_object_get(item, "properties"));
    json_t *names;

    if (grows || bands) {
        names = copy_names(c);
        if (bands)
            widen_bands(c, names, item);
        set_dimensions(c, names);
    }
    return grows || bands || says_more;
}

/* ---- the union of two ---- */

static void unite_summaries(json_t *into, const json_t *from)
{
    const char *key;
    json_t *value, *one;
    size_t i;

    json_object_foreach((json_t *)from, key, value) {
        if (!strcmp(key, "eo:bands"))
            continue;
        json_array_foreach(value, i, one)
            add_to_list(into, key, one);
        if (json_is_object(value))
            add_to_range(into, key, json_number_value(json_object_get(value, "minimum")),
                         json_number_value(json_object_get(value, "maximum")));
    }
}

void collection_unite(json_t *into, const json_t *from)
{
    const json_t *box = first_box(from), *interval = first_interval(from);
    json_t *names = copy_names(into), *described = json_object(), *one;
    double more[4];
    size_t i;

    for (i = 0; i < 4; i++)
        more[i] = json_number_value(json_array_get(box, i));
    if (json_array_size(box) == 4)
        widen_extent(into, more, json_string_value(json_array_get(interval, 0)),
                     json_string_value(json_array_get(interval, 1)));
    unite_summaries(json_object_get(into, "summaries"), json_object_get(from, "summaries"));
    json_object_update_missing(json_object_get(into, "item_assets"), json_object_get(from, "item_assets"));
    json_array_foreach(known_names(from), i, one)
        if (json_is_string(one))
            add_name(names, json_string_value(one));
    json_array_foreach(json_object_get(json_object_get(from, "summaries"), "eo:bands"), i, one)
        if (json_is_string(json_object_get(one, "name")) && json_object_size(one) > 1)
            json_object_set(described, js_text(one, "name"), one);
    describe_bands(json_object_get(into, "summaries"), names, described);
    json_decref(described);
    set_dimensions(into, names);
}
