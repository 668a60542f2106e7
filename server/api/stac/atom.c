/* GET /stac/collections/{collectionId}/feed.atom: the items that came or changed last, for feed readers:
 * Atom (RFC 4287) with GeoRSS Simple. Where an item lies is the ring of its polygon, else its box. */
#include "api/common/build.h"
#include "api/stac/atom.h"
#include "api/stac/extent.h"
#include "api/stac/stac.h"
#include "base/instant.h"
#include "json/geojson.h"
#include "json/js.h"
#include "store/latest.h"
#include "store/places_text.h"
#include "store/stac_text.h"
#include <string.h>

enum { ENTRIES = 50, RING_MAX = 200 };
#define ATOM_MEDIA "application/atom+xml"

/* XML has no control characters but blanks. */
static void add_xml(struct text *out, const char *raw)
{
    AUTO(mem) char *clean = mem_text(raw);

    for (char *c = clean; *c; c++)
        if ((unsigned char)*c < 0x20)
            *c = ' ';
    text_add_html(out, clean);
}

static void add_element(struct text *out, const char *name, const char *value)
{
    text_printf(out, "<%s>", name);
    add_xml(out, value);
    text_printf(out, "</%s>", name);
}

static void add_time(struct text *out, const char *name, int64_t ms)
{
    char text[INSTANT_TEXT_SIZE];

    add_element(out, name, instant_format(ms, text));
}

static void add_link(struct text *out, const char *rel, const char *type, const char *href, const char *title)
{
    const struct { const char *name, *value; } attributes[] = {
        { "rel", rel }, { "type", type }, { "href", href }, { "title", title },
    };

    text_add(out, "<link");
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        if (!attributes[i].value)
            continue;
        text_printf(out, " %s=\"", attributes[i].name);
        add_xml(out, attributes[i].value);
        text_add(out, "\"");
    }
    text_add(out, "/>");
}

/* "lat lon lat lon ..." */
static void add_ring(struct text *out, const json_t *ring)
{
    const json_t *position;
    size_t i;

    text_add(out, "<georss:polygon>");
    json_array_foreach((json_t *)ring, i, position)
        text_printf(out, "%s%.6f %.6f", i ? " " : "", json_number_value(json_array_get(position, 1)),
                    json_number_value(json_array_get(position, 0)));
    text_add(out, "</georss:polygon>");
}

static void add_place(struct text *out, const char *geometry)
{
    AUTO(json) json_t *json = geometry ? json_loads(geometry, 0, NULL) : NULL;
    const char *type = js_text(json, "type");
    const json_t *rings = json_object_get(json, "coordinates");
    double box[4];

    if (!type)
        return;
    if (!strcmp(type, "Point"))
        text_printf(out, "<georss:point>%.6f %.6f</georss:point>", json_number_value(json_array_get(rings, 1)),
                    json_number_value(json_array_get(rings, 0)));
    else if (!strcmp(type, "Polygon") && json_array_size(json_array_get(rings, 0)) <= RING_MAX)
        add_ring(out, json_array_get(rings, 0));
    else {
        geojson_bounds(json, box);
        text_printf(out, "<georss:box>%.6f %.6f %.6f %.6f</georss:box>", box[1], box[0], box[3], box[2]);
    }
}

/* Files are offered where the reader may have them. */
static void add_enclosures(struct text *out, const json_t *item)
{
    const char *key;
    json_t *asset;

    json_object_foreach(json_object_get(item, "assets"), key, asset) {
        const char *href = js_text(asset, "href");

        if (href && strstr(href, "://"))
            add_link(out, "enclosure", js_text(asset, "type"), href, key);
    }
}

static bool add_entry(struct text *out, const struct request *rq, const char *collection,
                      const struct latest_item *latest, struct err *err)
{
    AUTO(json) json_t *item = NULL;
    AUTO(text) struct text href = { 0 }, sent = { 0 };
    const char *title;

    places_text_send(&sent, latest->text, latest->places, collection, latest->id, rq->base_url, "{}");
    if (!js_parse(sent.data, sent.length, JS_DEFAULT_DEPTH, &item, err))
        return false;
    title = js_text(json_object_get(item, "properties"), "title");
    text_printf(&href, "%s" STAC_ROOT "/collections/%s/items/", rq->base_url, collection);
    text_add_url(&href, latest->id, "");
    text_add(out, "<entry>");
    add_element(out, "id", href.data);
    add_element(out, "title", title ? title : latest->id);
    add_time(out, "updated", latest->updated);
    add_link(out, "alternate", STAC_GEOJSON, href.data, NULL);
    add_enclosures(out, item);
    add_place(out, latest->geometry);
    add_element(out, "summary", title ? title : latest->id);
    text_add(out, "</entry>");
    return true;
}

bool stac_atom_get(struct request *rq, struct reply *reply, struct err *err)
{
    static const char *const names[] = { "bbox", "datetime", NULL };
    const char *id = request_variable(rq, "collectionId"), *kept, *geometry = NULL, *start = NULL, *end = NULL;
    const char *bbox = request_query(rq, "bbox"), *datetime = request_query(rq, "datetime");
    AUTO(json) json_t *collection = NULL;
    AUTO(text) struct text out = { 0 };
    struct latest_item *items;
    size_t count, size;

    if (!stac_only(rq, names, err) || !collection_text(rq->db, rq->arena, stac_viewer(rq), id, &kept, err) ||
        (bbox && !extent_bbox(bbox, "bbox", rq->arena, &geometry, err)) ||
        (datetime && !extent_datetime(datetime, "datetime", rq->arena, &start, &end, err)) ||
        !stac_text_parse(kept, &collection, err) ||
        !latest_items(rq->db, rq->arena, stac_viewer(rq), id, geometry, start, end, ENTRIES, &items, &count, err))
        return false;
    const char *title = js_text(collection, "title");
    const char *page = href_of(rq, STAC_ROOT "/collections/%s", id), *self = href_with(rq, "", NULL);

    text_add(&out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" "
                   "xmlns:georss=\"http://www.georss.org/georss\">");
    add_element(&out, "id", self);
    add_element(&out, "title", title ? title : id);
    add_time(&out, "updated", count ? items[0].updated : 0);
    text_add(&out, "<author><name>Sentier</name></author>");
    add_link(&out, "self", ATOM_MEDIA, self, NULL);
    add_link(&out, "alternate", "application/json", page, NULL);
    for (size_t i = 0; i < count; i++)
        if (!add_entry(&out, rq, id, &items[i], err))
            return false;
    text_add(&out, "</feed>\n");
    size = out.length;
    return reply_bytes(reply, 200, text_take(&out), size, ATOM_MEDIA);
}
