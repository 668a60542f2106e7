/* The bands of MSI (centre and width of Sentinel-2A), the classes of the scene classification, and
 * the renaming of foreign items to these names. */
#include "base/text.h"
#include "ingest/parts.h"
#include "ingest/sentinel2.h"
#include <string.h>

const struct sentinel2_band sentinel2_bands[] = {
    { "B01", "coastal", "coastal", 0.443, 0.021, 60 },  { "B02", "blue", "blue", 0.493, 0.066, 10 },
    { "B03", "green", "green", 0.56, 0.036, 10 },       { "B04", "red", "red", 0.665, 0.031, 10 },
    { "B05", "rededge", "rededge1", 0.704, 0.015, 20 }, { "B06", "rededge", "rededge2", 0.741, 0.015, 20 },
    { "B07", "rededge", "rededge3", 0.783, 0.02, 20 },  { "B08", "nir", "nir", 0.833, 0.106, 10 },
    { "B8A", "nir08", "nir08", 0.865, 0.021, 20 },      { "B09", "nir09", "nir09", 0.945, 0.02, 60 },
    { "B10", "cirrus", "cirrus", 1.374, 0.031, 60 },    { "B11", "swir16", "swir16", 1.614, 0.091, 20 },
    { "B12", "swir22", "swir22", 2.202, 0.175, 20 },
};

json_t *sentinel2_eo_bands(const struct sentinel2_band *band)
{
    json_t *one = json_pack("{s:s,s:f,s:f}", "name", band->name, "center_wavelength",
                            band->wavelength, "full_width_half_max", band->width);

    item_put_text(one, "common_name", band->common);
    return json_pack("[o]", one);
}

json_t *sentinel2_scl_classes(void)
{
    static const char *const names[] = { "no_data", "saturated_or_defective", "dark_area_pixels",
                                         "cloud_shadows", "vegetation", "not_vegetated", "water",
                                         "unclassified", "cloud_medium_probability",
                                         "cloud_high_probability", "thin_cirrus", "snow" };
    json_t *classes = json_array();

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        json_array_append_new(classes, json_pack("{s:i,s:s}", "value", (int)i, "name", names[i]));
    return classes;
}

static const char *own_name(const char *key, const struct sentinel2_band **ret_band)
{
    static const char *const others[][2] = { { "scl", "SCL" }, { "aot", "AOT" }, { "wvp", "WVP" } };

    *ret_band = NULL;
    for (size_t i = 0; i < SENTINEL2_BANDS; i++) {
        if (!strcmp(sentinel2_bands[i].other, key) || !strcmp(sentinel2_bands[i].name, key)) {
            *ret_band = &sentinel2_bands[i];
            return sentinel2_bands[i].name;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (!strcmp(others[i][0], key) || !strcmp(others[i][1], key))
            return others[i][1];
    return key;
}

/* Only reflectances carry the offset. */
static void set_offset(json_t *asset, bool applied)
{
    json_t *raster = json_array_get(json_object_get(asset, "raster:bands"), 0);

    if (raster && applied)
        json_object_set_new(raster, "offset", json_integer(0));
}

void sentinel2_normalise(json_t *item)
{
    const json_t *properties = json_object_get(item, "properties");
    bool applied = json_is_true(json_object_get(properties, "earthsearch:boa_offset_applied"));
    json_t *old = json_object_get(item, "assets"), *assets = json_object(), *asset;
    const char *key;

    json_object_foreach(old, key, asset) {
        const struct sentinel2_band *band;
        const char *name = own_name(key, &band);

        if (text_ends(key, "-jp2") || json_object_get(assets, name))
            continue;
        if (band) {
            json_object_set_new(asset, "eo:bands", sentinel2_eo_bands(band));
            set_offset(asset, applied);
        }
        if (!strcmp(name, "SCL"))
            json_object_set_new(asset, "classification:classes", sentinel2_scl_classes());
        json_object_set(assets, name, asset);
    }
    json_object_set_new(item, "assets", assets);
}
