/* An item as a feature of resto. Members that are copied from properties are rows of a table; the rest are
 * derived from several of them. */
#include "api/common/build.h"
#include "api/resto/resto.h"
#include "base/instant.h"
#include "base/text.h"
#include "ingest/zip_folder.h"
#include "json/js.h"
#include "store/stac_text.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The first that is there. */
static const json_t *any_of(const json_t *properties, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n && names[i]; i++) {
        const json_t *value = json_object_get(properties, names[i]);

        if (value && !json_is_null(value))
            return value;
    }
    return NULL;
}

/* ---- members that are copied ---- */

enum { SOURCES = 3 };

static const struct {
    const char *name, *sources[SOURCES];
} copied[] = {
    { "sensorMode", { "sar:instrument_mode", "eopf:instrument_mode", "s2:datatake_type" } },
    { "relativeOrbitNumber", { "sat:relative_orbit" } },
    { "orbitDirection", { "sat:orbit_state" } },
    { "cloudCover", { "eo:cloud_cover" } },
    { "snowCover", { "eo:snow_cover" } },
    { "resolution", { "gsd" } },
    { "updated", { "updated", "published", "created" } },
    { "published", { "published", "created", "updated" } },
};

static void put_copied(json_t *out, const json_t *properties)
{
    for (size_t i = 0; i < ARRAY_LEN(copied); i++) {
        const json_t *value = any_of(properties, copied[i].sources, SOURCES);

        json_object_set_new(out, copied[i].name, value ? json_deep_copy(value) : json_null());
    }
}

/* ---- members that are derived ---- */

/* "S2A" of sentinel-2a; NULL when the platform is none of theirs. */
static const char *mission(const char *platform, char buffer[static 4])
{
    size_t length = platform ? strlen(platform) : 0;

    if (length < 3 || strncasecmp(platform, "sentinel-", 9) || length != strlen("sentinel-2a"))
        return NULL;
    snprintf(buffer, 4, "S%c%c", platform[length - 2], toupper((unsigned char)platform[length - 1]));
    return buffer;
}

static const struct { char mission; const char *has, *type, *level; } types[] = {
    { '2', "1C", "S2MSI1C", "LEVEL1C" }, { '2', "2A", "S2MSI2A", "LEVEL2A" },
    { '1', "GRD", "GRD", "LEVEL1" },     { '1', "SLC", "SLC", "LEVEL1" },
    { '1', "OCN", "OCN", "LEVEL2" },
};

static void put_type(json_t *out, const json_t *p, const char *unit)
{
    static const char *const names[SOURCES] = { "product:type", "s2:product_type", "sar:product_type" };
    const char *type = json_string_value(any_of(p, names, SOURCES)), *level = js_text(p, "processing:level");

    for (size_t i = 0; type && unit && i < ARRAY_LEN(types); i++) {
        if (types[i].mission == unit[1] && strstr(type, types[i].has)) {
            type = types[i].type;
            level = types[i].level;
            break;
        }
    }
    json_object_set_new(out, "productType", js_text_or_null(type));
    json_object_set_new(out, "processingLevel", js_text_or_null(level));
}

/* The product's name: the id, unless the catalogue has ids of its own. */
static void put_names(json_t *out, const json_t *p, const char *id)
{
    static const char *const names[SOURCES] = { "s2:product_uri", "s1:product_identifier",
                                                "sentinel:product_id" };
    const char *given = json_string_value(any_of(p, names, SOURCES));
    AUTO(mem) char *name = mem_text(given ? given : id);

    if (text_ends(name, ".SAFE"))
        name[strlen(name) - strlen(".SAFE")] = '\0';
    json_object_set_new(out, "productIdentifier", json_string(name));
    json_object_set_new(out, "title", json_string(name));
}

static void put_platform(json_t *out, const json_t *p, const char *unit)
{
    const char *platform = js_text(p, "platform");
    const char *instrument = json_string_value(json_array_get(json_object_get(p, "instruments"), 0));
    AUTO(mem) char *upper = mem_text(instrument);

    for (char *c = upper; c && *c; c++)
        *c = (char)toupper((unsigned char)*c);
    if (unit && unit[1] == '1') {
        free(upper);
        upper = mem_text("SAR-C SAR");
    }
    json_object_set_new(out, "platform", js_text_or_null(unit ? unit : platform));
    json_object_set_new(out, "instrument", js_text_or_null(upper));
    if (unit)
        json_object_set_new(out, "parentIdentifier",
                            json_sprintf("urn:ogc:def:EOP:ESA::SENTINEL-%c:", unit[1]));
    else
        json_object_set_new(out, "parentIdentifier", json_null());
}

/* The absolute orbit stands in the name of the datatake, too: GS2A_20200815T005251_026883_N02.09 */
static void put_orbit(json_t *out, const json_t *p)
{
    static const char *const takes[SOURCES] = { "s2:datatake_id", "eopf:datatake_id" };
    const char *take = json_string_value(any_of(p, takes, SOURCES));
    const json_t *orbit = json_object_get(p, "sat:absolute_orbit");
    long long number;

    if (json_is_number(orbit))
        json_object_set_new(out, "orbitNumber", json_deep_copy(orbit));
    else if (take && sscanf(take, "GS2%*c_%*15c_%6lld", &number) == 1)
        json_object_set_new(out, "orbitNumber", json_integer((json_int_t)number));
    else
        json_object_set_new(out, "orbitNumber", json_null());
    if (take && text_begins(take, "GS2"))
        json_object_set_new(out, "s2TakeId", json_string(take));
}

static void put_tile(json_t *out, const json_t *p)
{
    const char *code = js_text(p, "grid:code"), *tile = js_text(p, "s2:mgrs_tile");

    if (code && text_begins(code, "MGRS-"))
        tile = code + strlen("MGRS-");
    put_text(out, "mgrs", tile);
}

static void put_polarisation(json_t *out, const json_t *p)
{
    AUTO(text) struct text all = { 0 };
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(p, "sar:polarizations"), i, one)
        text_printf(&all, "%s%s", i ? " " : "", json_string_value(one) ? json_string_value(one) : "");
    put_text(out, "polarisation", all.data);
}

/* With milliseconds, as PEPS wrote them. */
static void put_time(json_t *out, const char *name, const json_t *p, const char *first, const char *second)
{
    const char *const names[SOURCES] = { first, second };
    const char *given = json_string_value(any_of(p, names, SOURCES));
    char text[INSTANT_TEXT_SIZE];
    int64_t ms;

    if (!given || !instant_parse(given, &ms)) {
        json_object_set_new(out, name, json_null());
        return;
    }
    instant_format(ms - ((ms % 1000) + 1000) % 1000, text);
    text[strlen(text) - 1] = '\0';
    json_object_set_new(out, name, json_sprintf("%s.%03dZ", text, (int)(((ms % 1000) + 1000) % 1000)));
}

static bool has_role(const json_t *asset, const char *role)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(asset, "roles"), i, one)
        if (json_is_string(one) && !strcmp(json_string_value(one), role))
            return true;
    return false;
}

static void put_picture(json_t *out, const char *name, const json_t *item, const char *role,
                        const char *base_url)
{
    const char *key, *href;
    json_t *asset;

    json_object_set_new(out, name, json_null());
    json_object_foreach(json_object_get(item, "assets"), key, asset) {
        href = js_text(asset, "href");
        if (!href || !has_role(asset, role))
            continue;
        json_object_set_new(out, name, *href == *STAC_BASE ? json_sprintf("%s%s", base_url, href + 1)
                                                           : json_string(href));
        return;
    }
}

/* ---- the product ---- */

struct resto_product resto_product(const json_t *places)
{
    const json_t *first = json_array_get(places, 0);
    struct resto_product product = { .storage = RESTO_UNKNOWN, .size_bytes = -1 };
    struct place place = place_read(first);
    AUTO(mem) char *path = first ? place_product(&place) : NULL;
    struct stat st;

    if (!path)
        return product;
    product.size_bytes = place.size_bytes;
    product.storage = place.state == PLACE_ONLINE ? RESTO_DISK
                      : place.state == PLACE_OFFLINE ? RESTO_TAPE
                                                     : RESTO_STAGING;
    /* what is here is what will be sent: scripts compare its size */
    if (product.storage == RESTO_DISK && *path == '/')
        product.size_bytes = stat(path, &st) ? -1 : S_ISDIR(st.st_mode) ? zip_folder_bytes(path) : st.st_size;
    return product;
}

static void put_product(json_t *out, struct request *rq, const char *name, const char *id,
                        const json_t *places)
{
    static const char *const modes[] = { [RESTO_DISK] = "disk", [RESTO_STAGING] = "staging",
                                         [RESTO_TAPE] = "tape", [RESTO_UNKNOWN] = "unknown" };
    struct resto_product product = resto_product(places);
    json_t *size = product.size_bytes < 0 ? json_null() : json_integer((json_int_t)product.size_bytes);
    json_t *download = json_pack("{s:s, s:s, s:O, s:n}", "url",
                                 href_of(rq, RESTO_ROOT "/collections/%s/%s/download", name, id), "mimeType",
                                 "application/zip", "size", size, "checksum");

    json_object_set_new(out, "resourceSize", size);
    json_object_set_new(out, "resourceChecksum", json_null());
    json_object_set_new(out, "services", json_pack("{s:o}", "download", download));
    json_object_set_new(out, "storage", json_pack("{s:s}", "mode", modes[product.storage]));
}

static json_t *properties_of(struct request *rq, const char *name, const struct item_row *row,
                             const json_t *item, const json_t *places, const char *id)
{
    const json_t *p = json_object_get(item, "properties");
    const char *timeliness = js_text(p, "product:timeliness_category");
    char buffer[4];
    const char *unit = mission(js_text(p, "platform"), buffer);
    json_t *out = json_pack("{s:s, s:n, s:s, s:i, s:n}", "collection", name, "description",
                            "organisationName", "ESA", "visible", 1, "newVersion");

    put_names(out, p, row->id);
    put_platform(out, p, unit);
    put_type(out, p, unit);
    put_time(out, "startDate", p, "start_datetime", "datetime");
    put_time(out, "completionDate", p, "end_datetime", "datetime");
    put_copied(out, p);
    put_orbit(out, p);
    put_tile(out, p);
    put_polarisation(out, p);
    put_picture(out, "quicklook", item, "overview", rq->base_url);
    put_picture(out, "thumbnail", item, "thumbnail", rq->base_url);
    json_object_set_new(out, "isNrt", json_integer(timeliness && text_begins(timeliness, "NRT-")));
    json_object_set_new(out, "realtime", json_string(timeliness ? timeliness : "Nominal"));
    json_object_set_new(out, "keywords", json_object());
    put_product(out, rq, name, id, places);
    json_object_set_new(out, "links",
                        json_pack("[{s:s, s:s, s:s, s:s}, {s:s, s:s, s:s, s:s}]", "rel", "alternate", "type",
                                  "application/json", "title", "This feature", "href",
                                  href_of(rq, RESTO_ROOT "/collections/%s/%s.json", name, id), "rel", "via",
                                  "type", "application/geo+json", "title", "The STAC item", "href",
                                  href_of(rq, "/stac/collections/%s/items/%s", row->collection, row->id)));
    return out;
}

json_t *resto_feature(struct request *rq, const char *name, const struct item_row *row,
                      const json_t *places, struct err *err)
{
    AUTO(json) json_t *item = NULL;
    const json_t *geometry;
    char id[ID_UUID_SIZE];

    if (!stac_text_parse(row->text, &item, err))
        return NULL;
    resto_id(row->collection, row->id, resto_row_ms(row), id);
    geometry = json_object_get(item, "geometry");
    return json_pack("{s:s, s:s, s:O?, s:o}", "type", "Feature", "id", id, "geometry", geometry, "properties",
                     properties_of(rq, name, row, item, places, id));
}
