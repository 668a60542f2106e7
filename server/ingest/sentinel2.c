/* A SAFE is read from three places: the product's metadata (MTD_MSIL1C.xml or MTD_MSIL2A.xml), the
 * granule's (MTD_TL.xml), and the list of the files that are there. Radiometry is decided by the
 * offsets that the metadata names or does not name, never by dates or baselines. */
#include "ingest/sentinel2.h"
#include "base/instant.h"
#include "base/text.h"
#include "ingest/parts.h"
#include "ingest/xml.h"
#include "json/js.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define EXTENSION(name, version) "https://stac-extensions.github.io/" name "/" version "/schema.json"
static const char *const extensions[] = {
    EXTENSION("eo", "v1.1.0"),         EXTENSION("grid", "v1.1.0"),
    EXTENSION("mgrs", "v1.0.0"),       EXTENSION("projection", "v1.1.0"),
    EXTENSION("raster", "v1.1.0"),     EXTENSION("sat", "v1.0.0"),
    EXTENSION("view", "v1.0.0"),       EXTENSION("processing", "v1.1.0"),
    EXTENSION("classification", "v1.1.0"), NULL,
};

struct product {
    const struct container *container;
    struct arena *arena;
    const char *root;        /* "X.SAFE/" or "" */
    const char *id, *level;  /* "L1C", "L2A" */
    xmlNode *main, *tile;    /* root elements */
    int epsg;
    double ulx, uly;
    double quantification, offset[SENTINEL2_BANDS];
};

static bool read_xml(const struct container *container, const char *name, xmlDocPtr *ret_doc,
                     struct err *err)
{
    AUTO(mem) char *bytes = NULL;
    size_t size;

    return container_read(container, name, XML_MAX_BYTES, &bytes, &size, err) &&
           xml_parse(bytes, size, name, ret_doc, err);
}

/* The granule's metadata that belongs to this product: below its root, of this tile. */
static const char *find_tile(const struct product *p)
{
    AUTO(mem) char *begin = mem_printf("%sGRANULE/", p->root);

    for (size_t i = 0; i < p->container->n_files; i++)
        if (text_begins(p->container->files[i], begin) &&
            text_ends(p->container->files[i], "/MTD_TL.xml"))
            return p->container->files[i];
    return NULL;
}

static bool refuse(const struct product *p, const char *what, struct err *err)
{
    return err_set(err, ERR_FileContentInvalid, "%s: the metadata of '%s' has no %s",
                   p->container->path, p->id, what);
}

static bool read_geocoding(struct product *p, struct err *err)
{
    const char *code = xml_text(p->tile, "HORIZONTAL_CS_CODE", p->arena);

    if (!code || sscanf(code, "EPSG:%d", &p->epsg) != 1)
        return refuse(p, "HORIZONTAL_CS_CODE", err);
    if (!xml_number(p->tile, "ULX", &p->ulx) || !xml_number(p->tile, "ULY", &p->uly))
        return refuse(p, "Geoposition", err);
    return true;
}

/* reflectance = (DN + offset) / quantification; without the tag the offset is 0. */
static bool read_radiometry(struct product *p, struct err *err)
{
    bool l2a = !strcmp(p->level, "L2A");
    const char *tag = l2a ? "BOA_ADD_OFFSET" : "RADIO_ADD_OFFSET";

    if (!xml_number(p->main, l2a ? "BOA_QUANTIFICATION_VALUE" : "QUANTIFICATION_VALUE",
                    &p->quantification) ||
        !(p->quantification > 0))
        return refuse(p, "quantification value", err);
    for (xmlNode *n = xml_find(p->main, tag, NULL); n; n = xml_find(p->main, tag, n)) {
        const char *id = xml_attribute(n, "band_id", p->arena), *text = xml_own_text(n, p->arena);
        double band, offset;

        if (!id || !text_to_number(id, &band) || !(band >= 0 && band < SENTINEL2_BANDS) ||
            !text_to_number(text, &offset))
            return refuse(p, "readable offset", err);
        p->offset[(int)band] = offset;
    }
    return true;
}

static bool read_footprint(struct product *p, json_t *item, struct err *err)
{
    return item_put_footprint(item, xml_text(p->main, "EXT_POS_LIST", p->arena)) ||
           refuse(p, "footprint on the globe (EXT_POS_LIST)", err);
}

/* ---- properties ---- */

/* PERCENTAGE elements of Image_Content_QI and others, under their s2: names. */
static void put_quality(const struct product *p, json_t *properties)
{
    static const struct { const char *tag, *key; } rows[] = {
        { "DEGRADED_MSI_DATA_PERCENTAGE", "s2:degraded_msi_data_percentage" },
        { "NODATA_PIXEL_PERCENTAGE", "s2:nodata_pixel_percentage" },
        { "SATURATED_DEFECTIVE_PIXEL_PERCENTAGE", "s2:saturated_defective_pixel_percentage" },
        { "DARK_FEATURES_PERCENTAGE", "s2:dark_features_percentage" },
        { "CLOUD_SHADOW_PERCENTAGE", "s2:cloud_shadow_percentage" },
        { "VEGETATION_PERCENTAGE", "s2:vegetation_percentage" },
        { "NOT_VEGETATED_PERCENTAGE", "s2:not_vegetated_percentage" },
        { "WATER_PERCENTAGE", "s2:water_percentage" },
        { "UNCLASSIFIED_PERCENTAGE", "s2:unclassified_percentage" },
        { "MEDIUM_PROBA_CLOUDS_PERCENTAGE", "s2:medium_proba_clouds_percentage" },
        { "HIGH_PROBA_CLOUDS_PERCENTAGE", "s2:high_proba_clouds_percentage" },
        { "THIN_CIRRUS_PERCENTAGE", "s2:thin_cirrus_percentage" },
        { "SNOW_ICE_PERCENTAGE", "s2:snow_ice_percentage" },
        { "U", "s2:reflectance_conversion_factor" },
        { "Cloud_Coverage_Assessment", "eo:cloud_cover" },
    };
    double number;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (xml_number(p->main, rows[i].tag, &number))
            item_put_number(properties, rows[i].key, number);
}

static void put_identity(const struct product *p, json_t *properties)
{
    static const struct { const char *tag, *key; bool tile; } rows[] = {
        { "PRODUCT_START_TIME", "datetime", false },
        { "PRODUCT_URI", "s2:product_uri", false },
        { "PRODUCT_TYPE", "s2:product_type", false },
        { "PROCESSING_BASELINE", "s2:processing_baseline", false },
        { "GENERATION_TIME", "s2:generation_time", false },
        { "DATATAKE_TYPE", "s2:datatake_type", false },
        { "TILE_ID", "s2:granule_id", true },
        { "DATASTRIP_ID", "s2:datastrip_id", true },
        { "ARCHIVING_CENTRE", "processing:facility", true },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        item_put_text(properties, rows[i].key,
                 xml_text(rows[i].tile ? p->tile : p->main, rows[i].tag, p->arena));
    item_put_text(properties, "s2:datatake_id",
             xml_attribute(xml_find(p->main, "Datatake", NULL), "datatakeIdentifier", p->arena));
}

static void put_platform(const struct product *p, json_t *properties)
{
    static const char *const designators[][2] = { { "sentinel-2a", "2015-028A" },
                                                  { "sentinel-2b", "2017-013A" },
                                                  { "sentinel-2c", "2024-157A" } };
    const char *craft = xml_text(p->main, "SPACECRAFT_NAME", p->arena);
    const char *pass = xml_text(p->main, "SENSING_ORBIT_DIRECTION", p->arena);
    const char *datatake = js_text(properties, "s2:datatake_id");
    double orbit;
    int absolute;
    char *platform = craft ? arena_text(p->arena, craft) : NULL;

    for (char *c = platform; c && *c; c++)
        *c |= *c >= 'A' && *c <= 'Z' ? 0x20 : 0;
    item_put_text(properties, "platform", platform);
    item_put_text(properties, "constellation", "sentinel-2");
    json_object_set_new(properties, "instruments", item_text_list("msi", NULL));
    for (size_t i = 0; platform && i < ARRAY_LEN(designators); i++)
        if (!strcmp(designators[i][0], platform))
            item_put_text(properties, "sat:platform_international_designator", designators[i][1]);
    if (pass)
        item_put_text(properties, "sat:orbit_state",
                 strcmp(pass, "ASCENDING") ? "descending" : "ascending");
    if (xml_number(p->main, "SENSING_ORBIT_NUMBER", &orbit))
        item_put_number(properties, "sat:relative_orbit", orbit);
    if (datatake && sscanf(datatake, "GS2%*1[A-D]_%*15[0-9T]_%6d", &absolute) == 1)
        item_put_number(properties, "sat:absolute_orbit", absolute);
}

static double mean_viewing(const struct product *p, const char *tag)
{
    double sum = 0, angle;
    int count = 0;

    for (xmlNode *n = xml_find(p->tile, "Mean_Viewing_Incidence_Angle", NULL); n;
         n = xml_find(p->tile, "Mean_Viewing_Incidence_Angle", n)) {
        if (xml_number(n, tag, &angle)) {
            sum += angle;
            count++;
        }
    }
    return count ? sum / count : NAN;
}

static void put_angles(const struct product *p, json_t *properties)
{
    xmlNode *sun = xml_find(p->tile, "Mean_Sun_Angle", NULL);
    double angle;

    if (xml_number(sun, "ZENITH_ANGLE", &angle))
        item_put_number(properties, "view:sun_elevation", 90 - angle);
    if (xml_number(sun, "AZIMUTH_ANGLE", &angle))
        item_put_number(properties, "view:sun_azimuth", angle);
    item_put_number(properties, "view:incidence_angle", mean_viewing(p, "ZENITH_ANGLE"));
}

/* "S2B_MSIL2A_20220413T150759_N0400_R025_T33XWJ_20220414T082126" */
static void put_tile(const struct product *p, json_t *properties)
{
    const char *granule = js_text(properties, "s2:granule_id");
    const char *t = granule ? strstr(granule, "_T") : NULL;
    int zone;
    char band, square[3];

    while (t && sscanf(t, "_T%2d%c%2[A-Z]_", &zone, &band, square) != 3)
        t = strstr(t + 1, "_T");
    if (!t)
        return;
    item_put_number(properties, "mgrs:utm_zone", zone);
    item_put_text(properties, "mgrs:latitude_band", (char[]){ band, 0 });
    item_put_text(properties, "mgrs:grid_square", square);
    item_put_text(properties, "grid:code", arena_printf(p->arena, "MGRS-%02d%c%s", zone, band, square));
}

/* ---- assets ---- */

static void put_grid(const struct product *p, json_t *asset, int gsd)
{
    int size = 109800 / gsd;

    json_object_set_new(asset, "gsd", json_integer(gsd));
    json_object_set_new(asset, "proj:shape", json_pack("[i,i]", size, size));
    json_object_set_new(asset, "proj:transform",
                        json_pack("[i,i,f,i,i,f]", gsd, 0, p->ulx, 0, -gsd, p->uly));
}

static json_t *raster_band(const char *type, double scale, double offset, int gsd)
{
    json_t *one = json_pack("{s:s,s:i,s:i}", "data_type", type, "nodata", 0, "spatial_resolution", gsd);

    if (scale != 1) {
        item_put_number(one, "scale", scale);
        item_put_number(one, "offset", offset);
    }
    return json_pack("[o]", one);
}

/* Files are named T33XWJ_20220413T150759_B04_10m.jp2 (L2A) or .._B04.jp2 (L1C). */
static bool read_name(const char *file, char name[4], int *ret_gsd)
{
    const char *base = strrchr(file, '/');
    char tile[8], time[20], tail[16] = "";

    *ret_gsd = 0;
    base = base ? base + 1 : file;
    if (sscanf(base, "%7[^_]_%19[^_]_%3[A-Z0-9]%15s", tile, time, name, tail) < 4)
        return false;
    return !strcmp(tail, ".jp2") || (sscanf(tail, "_%dm.jp2", ret_gsd) == 1 && *ret_gsd >= 10 &&
                                     109800 % *ret_gsd == 0);
}

static void add_band(const struct product *p, json_t *item, const char *file, size_t index, int gsd,
                     const char *key)
{
    const struct sentinel2_band *band = &sentinel2_bands[index];
    json_t *asset = item_add_asset(item, p->container, file, key,
                                   arena_printf(p->arena, "%s, %d m", band->name, gsd),
                                   "image/jp2", "data");

    json_array_append_new(json_object_get(asset, "roles"), json_string("reflectance"));
    json_object_set_new(asset, "eo:bands", sentinel2_eo_bands(band));
    json_object_set_new(asset, "raster:bands",
                        raster_band("uint16", 1 / p->quantification,
                                    p->offset[index] / p->quantification, gsd));
    put_grid(p, asset, gsd);
}

static void add_layer(const struct product *p, json_t *item, const char *file, const char *name,
                      int gsd, const char *key)
{
    static const struct { const char *name, *title, *role, *quantification; } layers[] = {
        { "SCL", "Scene classification", "data", NULL },
        { "AOT", "Aerosol optical thickness", "data", "AOT_QUANTIFICATION_VALUE" },
        { "WVP", "Water vapour", "data", "WVP_QUANTIFICATION_VALUE" },
        { "TCI", "True colour picture", "visual", NULL },
    };

    for (size_t i = 0; i < ARRAY_LEN(layers); i++) {
        double quantification = 1;
        json_t *asset;

        if (strcmp(layers[i].name, name))
            continue;
        asset = item_add_asset(item, p->container, file, key, layers[i].title, "image/jp2",
                               layers[i].role);
        put_grid(p, asset, gsd ? gsd : 10);
        if (!strcmp(name, "TCI"))
            return;
        if (layers[i].quantification)
            xml_number(p->main, layers[i].quantification, &quantification);
        json_object_set_new(asset, "raster:bands",
                            raster_band(strcmp(name, "SCL") ? "uint16" : "uint8", 1 / quantification, 0, gsd));
        if (!strcmp(name, "SCL"))
            json_object_set_new(asset, "classification:classes", sentinel2_scl_classes());
        return;
    }
}

/* The finest resolution of a band has the band's name as key, others have theirs beside it. */
static void add_image(const struct product *p, json_t *item, const char *file)
{
    json_t *assets = json_object_get(item, "assets"), *other;
    char name[4], key[16];
    int gsd;
    size_t band = 0;

    if (!read_name(file, name, &gsd))
        return;
    while (band < SENTINEL2_BANDS && strcmp(sentinel2_bands[band].name, name))
        band++;
    if (!gsd && band < SENTINEL2_BANDS)
        gsd = sentinel2_bands[band].gsd;
    snprintf(key, sizeof key, "%s", name);
    other = json_object_get(assets, key);
    if (other) {
        int there = (int)json_integer_value(json_object_get(other, "gsd"));

        snprintf(key, sizeof key, "%s_%dm", name, gsd > there ? gsd : there);
        if (gsd < there) { /* the one that was here steps aside */
            json_object_set(assets, key, other);
            snprintf(key, sizeof key, "%s", name);
        }
    }
    if (band < SENTINEL2_BANDS)
        add_band(p, item, file, band, gsd, key);
    else
        add_layer(p, item, file, name, gsd, key);
}

static void add_assets(const struct product *p, json_t *item, const char *metadata, const char *tile)
{
    for (size_t i = 0; i < p->container->n_files; i++) {
        const char *file = p->container->files[i];

        if (!text_begins(file, p->root))
            continue;
        if (strstr(file, "/IMG_DATA/") && text_ends(file, ".jp2"))
            add_image(p, item, file);
        else if (text_ends(file, "-ql.jpg"))
            item_add_asset(item, p->container, file, "thumbnail", "Quick-look", "image/jpeg",
                           "thumbnail");
        else if (!strcmp(file + strlen(p->root), "manifest.safe"))
            item_add_asset(item, p->container, file, "safe_manifest", "SAFE manifest",
                           "application/xml", "metadata");
    }
    item_add_asset(item, p->container, metadata, "product_metadata", "Product metadata",
                   "application/xml", "metadata");
    item_add_asset(item, p->container, tile, "granule_metadata", "Granule metadata",
                   "application/xml", "metadata");
}

static bool build(struct product *p, const char *metadata, const char *tile, json_t **ret_item,
                  struct err *err)
{
    AUTO(json) json_t *item = item_new(p->id, strcmp(p->level, "L2A") ? "sentinel-2-l1c"
                                                                       : "sentinel-2-l2a", extensions);
    json_t *properties = json_object_get(item, "properties");

    if (!read_geocoding(p, err) || !read_radiometry(p, err) || !read_footprint(p, item, err))
        return false;
    put_identity(p, properties);
    put_platform(p, properties);
    put_quality(p, properties);
    put_angles(p, properties);
    put_tile(p, properties);
    item_put_number(properties, "gsd", 10);
    item_put_number(properties, "proj:epsg", p->epsg);
    item_put_text(properties, "processing:level", p->level);
    item_stamp(item);
    add_assets(p, item, metadata, tile);
    if (!json_object_get(json_object_get(item, "assets"), "B04"))
        return err_set(err, ERR_FileContentInvalid, "%s: no image of '%s' lies beside its metadata",
                       p->container->path, p->id);
    *ret_item = item;
    item = NULL;
    return true;
}

bool sentinel2_item(const struct container *container, const char *metadata, json_t **ret_item,
                    struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(xmlDocPtr) xmlDocPtr product = NULL, tile = NULL;
    const char *base = strrchr(metadata, '/');
    struct product p = { .container = container, .arena = arena };
    const char *name;
    char *end;

    p.root = base ? arena_printf(arena, "%.*s", (int)(base + 1 - metadata), metadata) : "";
    p.level = text_ends(metadata, "MTD_MSIL1C.xml") ? "L1C" : "L2A";
    p.id = metadata;
    if (!read_xml(container, metadata, &product, err))
        return false;
    p.main = xmlDocGetRootElement(product);
    name = xml_text(p.main, "PRODUCT_URI", arena);
    if (!name || strlen(name) < 20 || !text_is_plain_name(name, 100))
        return refuse(&p, "PRODUCT_URI", err);
    p.id = arena_text(arena, name);
    if ((end = strstr(p.id, ".SAFE")))
        *end = '\0';
    name = find_tile(&p);
    if (!name)
        return refuse(&p, "granule (GRANULE/*/MTD_TL.xml)", err);
    if (!read_xml(container, name, &tile, err))
        return false;
    p.tile = xmlDocGetRootElement(tile);
    return build(&p, metadata, name, ret_item, err);
}
