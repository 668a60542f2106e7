#include "feed/telling.h"
#include "base/instant.h"
#include "json/js_text.h"
#include "store/places_text.h"
#include "store/stac_text.h"
#include <inttypes.h>
#include <string.h>

#define GEOJSON "application/geo+json"

static void add_link(struct text *out, const char *rel, const char *type, const char *href)
{
    text_printf(out, "%s{\"rel\":\"%s\",\"type\":\"%s\",\"href\":\"%s\"}", text_ends(out->data, "}") ? "," : "",
                rel, type, href);
}

static bool add_item(struct text *out, struct db *db, const struct change *change, const struct listener *to,
                     const char *collection, const char *item, struct err *err)
{
    AUTO(mem) char *root = mem_printf("%s/stac", to->base_url), *places = NULL;
    AUTO(text) struct text links = { 0 };

    if (!change_places(db, change, to->viewer, &places, err))
        return false;
    text_add(&links, " ");
    add_link(&links, "self", GEOJSON, item);
    add_link(&links, "parent", "application/json", collection);
    add_link(&links, "collection", "application/json", collection);
    add_link(&links, "root", "application/json", root);
    text_add(out, ",\"item\":");
    places_text_send(out, change->text, places, change->collection, change->item, to->base_url, links.data);
    return true;
}

bool telling_add(struct text *out, struct db *db, const struct change *change, const struct listener *to,
                 struct err *err)
{
    AUTO(text) struct text collection = { 0 }, item = { 0 };
    char at[INSTANT_TEXT_SIZE];
    bool deleted = !strcmp(change->kind, "delete");

    text_printf(&collection, "%s/stac/collections/", to->base_url);
    text_add_url(&collection, change->collection, "");
    text_printf(out, "{\"seq\":%" PRId64 ",\"kind\":\"%s\",\"collection\":", change->seq, change->kind);
    js_text_add_string(out, change->collection);
    if (change->item) {
        text_printf(&item, "%s/items/", collection.data);
        text_add_url(&item, change->item, "");
        text_add(out, ",\"id\":");
        js_text_add_string(out, change->item);
    }
    text_printf(out, ",\"at\":\"%s\",\"links\":[", instant_format(change->at, at));
    if (change->item || !deleted)
        add_link(out, "collection", "application/json", collection.data);
    if (change->item && !deleted)
        add_link(out, "item", GEOJSON, item.data);
    text_add(out, "]");
    if (to->with_items && change->item && change->text && !deleted &&
        !add_item(out, db, change, to, collection.data, item.data, err))
        return false;
    text_add(out, "}");
    return true;
}
