/* A GRD is described by its manifest (orbit, footprint, mode) and by one annotation for each image
 * (size, spacing, looks). Which images there are is decided by the measurement files that lie there:
 * manifests also name files that were never delivered. */
#include "ingest/sentinel1.h"
#include "base/text.h"
#include "ingest/parts.h"
#include "ingest/xml.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define EXTENSION(name, version) "https://stac-extensions.github.io/" name "/" version "/schema.json"
static const char *const extensions[] = {
    EXTENSION("sar", "v1.0.0"),        EXTENSION("sat", "v1.0.0"),    EXTENSION("projection", "v1.1.0"),
    EXTENSION("processing", "v1.1.0"), EXTENSION("raster", "v1.1.0"), NULL,
};

struct product {
    const struct container *container;
    struct arena *arena;
    const char *root, *id;
    xmlNode *manifest;
};

static bool read_xml(const struct container *container, const char *name, xmlDocPtr *ret_doc,
                     struct err *err)
{
    AUTO(mem) char *bytes = NULL;
    size_t size;

    return container_read(container, name, XML_MAX_BYTES, &bytes, &size, err) &&
           xml_parse(bytes, size, name, ret_doc, err);
}

static bool refuse(const struct product *p, const char *what, struct err *err)
{
    return err_set(err, ERR_FileContentInvalid, "%s: the manifest of '%s' has no %s",
                   p->container->path, p->id, what);
}

/* "lat,lon lat,lon ..." */
static bool read_footprint(const struct product *p, json_t *item, struct err *err)
{
    const char *text = xml_text(xml_find(p->manifest, "footPrint", NULL), "coordinates", p->arena);

    return item_put_footprint(item, text) || refuse(p, "footprint on the globe", err);
}

/* SAFE writes times of UTC without a zone. */
static const char *utc(const struct product *p, xmlNode *within, const char *name)
{
    const char *text = xml_text(within, name, p->arena);

    return !text || text_ends(text, "Z") ? text : arena_printf(p->arena, "%sZ", text);
}

static const char *lower(const struct product *p, const char *text)
{
    char *copy = text ? arena_text(p->arena, text) : NULL;

    for (char *c = copy; c && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

static void put_platform(const struct product *p, json_t *properties)
{
    static const char *const designators[][2] = { { "sentinel-1a", "2014-016A" },
                                                  { "sentinel-1b", "2016-025A" },
                                                  { "sentinel-1c", "2024-235A" } };
    xmlNode *platform = xml_find(p->manifest, "platform", NULL);
    const char *number = xml_text(platform, "number", p->arena);
    const char *name = number ? lower(p, arena_printf(p->arena, "sentinel-1%s", number)) : NULL;

    item_put_text(properties, "platform", name);
    item_put_text(properties, "constellation", "sentinel-1");
    json_object_set_new(properties, "instruments", item_text_list("c-sar", NULL));
    for (size_t i = 0; name && i < ARRAY_LEN(designators); i++)
        if (!strcmp(designators[i][0], name))
            item_put_text(properties, "sat:platform_international_designator", designators[i][1]);
}

static void put_orbit(const struct product *p, json_t *properties)
{
    xmlNode *orbit = xml_find(p->manifest, "orbitReference", NULL);
    double number;

    item_put_text(properties, "sat:orbit_state", lower(p, xml_text(orbit, "pass", p->arena)));
    if (xml_number(orbit, "orbitNumber", &number))
        item_put_number(properties, "sat:absolute_orbit", number);
    if (xml_number(orbit, "relativeOrbitNumber", &number))
        item_put_number(properties, "sat:relative_orbit", number);
    item_put_text(properties, "sat:anx_datetime", utc(p, orbit, "ascendingNodeTime"));
}

static void put_times(const struct product *p, json_t *properties)
{
    xmlNode *period = xml_find(p->manifest, "acquisitionPeriod", NULL);

    item_put_text(properties, "datetime", utc(p, period, "startTime"));
    item_put_text(properties, "start_datetime", utc(p, period, "startTime"));
    item_put_text(properties, "end_datetime", utc(p, period, "stopTime"));
}

static void put_processing(const struct product *p, json_t *properties)
{
    xmlNode *processing = xml_find(p->manifest, "processing", NULL);
    xmlNode *software = xml_find(processing, "software", NULL);
    const char *name = xml_attribute(software, "name", p->arena);
    const char *version = xml_attribute(software, "version", p->arena);

    if (name && *name && version)
        json_object_set_new(properties, "processing:software", json_pack("{s:s}", name, version));
    item_put_text(properties, "processing:facility",
             xml_attribute(xml_find(processing, "facility", NULL), "site", p->arena));
    item_put_text(properties, "processing:level", "L1");
}

/* Resolutions are a matter of mode and class; the product does not name them. */
static void put_resolution(const struct product *p, json_t *properties, const char *mode)
{
    static const struct { const char *mode; char class; double range, azimuth, enl; } rows[] = {
        { "IW", 'H', 20, 22, 4.4 },   { "IW", 'M', 88, 87, 81.8 }, { "EW", 'H', 50, 50, 2.8 },
        { "EW", 'M', 93, 87, 10.7 },  { "SM", 'F', 9, 9, 3.7 },    { "SM", 'H', 23, 23, 29.7 },
        { "SM", 'M', 84, 84, 398.4 },
    };
    char class = strlen(p->id) > 10 ? p->id[10] : 0; /* S1A_IW_GRDH_... */

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].mode, mode[0] == 'S' ? "SM" : mode) || rows[i].class != class)
            continue;
        item_put_number(properties, "sar:resolution_range", rows[i].range);
        item_put_number(properties, "sar:resolution_azimuth", rows[i].azimuth);
        item_put_number(properties, "sar:looks_equivalent_number", rows[i].enl);
    }
}

static void put_sar(const struct product *p, json_t *properties)
{
    const char *mode = xml_text(xml_find(p->manifest, "instrumentMode", NULL), "mode", p->arena);

    item_put_text(properties, "sar:frequency_band", "C");
    item_put_number(properties, "sar:center_frequency", 5.405);
    item_put_text(properties, "sar:observation_direction", "right");
    item_put_text(properties, "sar:product_type", "GRD");
    item_put_text(properties, "sar:instrument_mode", mode);
    put_resolution(p, properties, mode ? mode : "");
    item_put_text(properties, "s1:timeliness", xml_text(p->manifest, "productTimelinessCategory", p->arena));
    item_put_text(properties, "s1:product_class", xml_text(p->manifest, "productClass", p->arena));
}

/* Facts of the image that every annotation of the product repeats. */
static void put_image(xmlNode *annotation, json_t *properties)
{
    static const struct { const char *within, *tag, *key; } rows[] = {
        { "imageInformation", "rangePixelSpacing", "sar:pixel_spacing_range" },
        { "imageInformation", "azimuthPixelSpacing", "sar:pixel_spacing_azimuth" },
        { "rangeProcessing", "numberOfLooks", "sar:looks_range" },
        { "azimuthProcessing", "numberOfLooks", "sar:looks_azimuth" },
    };
    double number;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (xml_number(xml_find(annotation, rows[i].within, NULL), rows[i].tag, &number))
            item_put_number(properties, rows[i].key, number);
}

/* "s1a-iw-grd-vv-20210119t031653-...": the polarisation is the fourth part. */
static bool polarisation_of(const char *file, char ret_pol[3])
{
    const char *base = strrchr(file, '/');

    return sscanf(base ? base + 1 : file, "%*[^-]-%*[^-]-%*[^-]-%2[a-z]-", ret_pol) == 1 &&
           (ret_pol[0] == 'v' || ret_pol[0] == 'h') && (ret_pol[1] == 'v' || ret_pol[1] == 'h');
}

static bool add_measurement(const struct product *p, json_t *item, const char *file,
                            const char *pol, struct err *err)
{
    json_t *properties = json_object_get(item, "properties"), *asset;
    const char *base = strrchr(file, '/') + 1;
    const char *annotation = arena_printf(p->arena, "%sannotation/%.*s.xml", p->root,
                                          (int)strcspn(base, "."), base);
    const char *upper = arena_printf(p->arena, "%c%c", toupper(pol[0]), toupper(pol[1]));
    AUTO(xmlDocPtr) xmlDocPtr doc = NULL;
    double lines = 0, samples = 0;

    asset = item_add_asset(item, p->container, file, pol,
                           arena_printf(p->arena, "%s amplitude, ground range", upper),
                           "image/tiff; application=geotiff", "data");
    json_object_set_new(asset, "sar:polarizations", item_text_list(upper, NULL));
    json_array_append_new(json_object_get(properties, "sar:polarizations"), json_string(upper));
    json_object_set_new(asset, "raster:bands",
                        json_pack("[{s:s,s:i}]", "data_type", "uint16", "nodata", 0));
    json_object_set_new(asset, "bands", json_pack("[{s:s}]", "name", upper));
    if (!container_has(p->container, annotation))
        return true;
    if (!read_xml(p->container, annotation, &doc, err))
        return false;
    put_image(xmlDocGetRootElement(doc), properties);
    if (xml_number(xmlDocGetRootElement(doc), "numberOfLines", &lines) &&
        xml_number(xmlDocGetRootElement(doc), "numberOfSamples", &samples))
        json_object_set_new(asset, "proj:shape",
                            json_pack("[I,I]", (json_int_t)lines, (json_int_t)samples));
    return true;
}

/* Everything else that lies in the SAFE and that a processor needs. */
static void add_metadata(const struct product *p, json_t *item, const char *file, const char *pol)
{
    static const struct { const char *in, *begin, *key, *title; } rows[] = {
        { "annotation/calibration/", "calibration-", "schema-calibration-", "Calibration" },
        { "annotation/calibration/", "noise-", "schema-noise-", "Noise" },
        { "annotation/", "s1", "schema-product-", "Annotation" },
    };
    const char *inside = file + strlen(p->root);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *name = inside + strlen(rows[i].in);

        if (!text_begins(inside, rows[i].in) || strchr(name, '/') || !text_begins(name, rows[i].begin))
            continue;
        item_add_asset(item, p->container, file, arena_printf(p->arena, "%s%s", rows[i].key, pol),
                       rows[i].title, "application/xml", "metadata");
        return;
    }
}

static bool add_assets(const struct product *p, json_t *item, const char *manifest, struct err *err)
{
    for (size_t i = 0; i < p->container->n_files; i++) {
        const char *file = p->container->files[i], *base = strrchr(file, '/');
        char pol[3] = "";

        if (!text_begins(file, p->root))
            continue;
        base = base ? base + 1 : file;
        if (!strcmp(base, "quick-look.png"))
            item_add_asset(item, p->container, file, "thumbnail", "Quick-look", "image/png",
                           "thumbnail");
        if (!polarisation_of(text_begins(base, "calibration-") ? base + 12
                             : text_begins(base, "noise-")     ? base + 6
                                                               : base, pol))
            continue;
        if (text_begins(file + strlen(p->root), "measurement/") &&
            (text_ends(file, ".tiff") || text_ends(file, ".tif"))) {
            if (!add_measurement(p, item, file, pol, err))
                return false;
        } else if (text_ends(file, ".xml")) {
            add_metadata(p, item, file, pol);
        }
    }
    item_add_asset(item, p->container, manifest, "safe-manifest", "SAFE manifest", "application/xml",
                   "metadata");
    return true;
}

static bool build(struct product *p, const char *manifest, json_t **ret_item, struct err *err)
{
    AUTO(json) json_t *item = item_new(p->id, "sentinel-1-grd", extensions);
    json_t *properties = json_object_get(item, "properties");

    if (!read_footprint(p, item, err))
        return false;
    put_times(p, properties);
    if (!json_object_get(properties, "datetime"))
        return refuse(p, "acquisitionPeriod", err);
    put_platform(p, properties);
    put_orbit(p, properties);
    put_sar(p, properties);
    put_processing(p, properties);
    json_object_set_new(properties, "sar:polarizations", json_array());
    json_object_set_new(properties, "proj:epsg", json_null()); /* in the geometry of the radar */
    item_stamp(item);
    if (!add_assets(p, item, manifest, err))
        return false;
    if (json_array_size(json_object_get(properties, "sar:polarizations")) == 0)
        return err_set(err, ERR_FileContentInvalid, "%s: no measurement of '%s' lies beside its manifest",
                       p->container->path, p->id);
    *ret_item = item;
    item = NULL;
    return true;
}

bool sentinel1_item(const struct container *container, const char *manifest, json_t **ret_item,
                    struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(xmlDocPtr) xmlDocPtr doc = NULL;
    struct product p = { .container = container, .arena = arena };
    const char *slash = strrchr(manifest, '/'), *begin, *type;

    p.root = slash ? arena_printf(arena, "%.*s", (int)(slash + 1 - manifest), manifest) : "";
    begin = slash ? manifest : container->path;
    if (!slash)
        slash = begin + strlen(begin);
    while (slash > begin && slash[-1] != '/')
        slash--;
    /* the folder that holds the manifest is called after the product */
    p.id = arena_printf(arena, "%.*s", (int)strcspn(slash, "/"), slash);
    if (strstr(p.id, ".SAFE"))
        p.id = arena_printf(arena, "%.*s", (int)(strstr(p.id, ".SAFE") - p.id), p.id);
    if (!text_is_plain_name(p.id, 200))
        return err_set(err, ERR_FileContentInvalid, "%s: '%.100s' is no name of a product",
                       container->path, p.id);
    if (!read_xml(container, manifest, &doc, err))
        return false;
    p.manifest = xmlDocGetRootElement(doc);
    type = xml_text(p.manifest, "productType", arena);
    if (!type || strcmp(type, "GRD"))
        return err_set(err, ERR_FileContentInvalid, "%s: '%s' is of type %s, and only GRD is read",
                       container->path, p.id, type ? type : "unknown");
    return build(&p, manifest, ret_item, err);
}
