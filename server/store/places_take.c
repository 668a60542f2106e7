/* What was put in is known by its name, not by its value, because the state of a place may have changed
 * since the client got the item: members that places fill are as they are kept again, entries of
 * `alternate`, storage:schemes and storage:refs that bear an endpoint's name likewise. An asset's href is
 * the kept one when it is one of those that are told now, or an address of this server's own files. */
#include "store/places_text.h"
#include "json/js.h"
#include "store/stac_text.h"
#include <string.h>

struct take_back {
    json_t *item, *properties;
    const json_t *kept, *sent, *endpoints;
    const char *own; /* what addresses of this server's own files begin with */
};

static const struct {
    const char *uri, *members[3];
} extensions[] = {
    { "https://stac-extensions.github.io/alternate-assets/", { "\"alternate\":", "\"alternate:" } },
    { "https://stac-extensions.github.io/storage/", { "\"storage:" } },
    { "https://stac-extensions.github.io/order/", { "\"order:" } },
    { "https://stac-extensions.github.io/timestamps/", { "\"expires\":", "\"published\":", "\"unpublished\":" } },
};

/* As it is kept, or away. */
static void restore(json_t *object, const json_t *kept, const char *member)
{
    json_t *value = json_object_get(kept, member);

    if (!member || !json_object_get(object, member) || json_is_null(json_object_get(object, member)))
        return; /* null takes it away: a merge patch */
    if (value)
        json_object_set(object, member, value);
    else
        json_object_del(object, member);
}

/* The entries that bear the name of one of the item's endpoints, or "origin". */
static void restore_named(const struct take_back *t, json_t *object, const json_t *kept, const char *member)
{
    json_t *entries = json_object_get(object, member);
    const json_t *kept_entries = json_object_get(kept, member), *place;
    size_t i;

    if (!json_is_object(entries))
        return;
    json_array_foreach((json_t *)t->endpoints, i, place)
        restore(entries, kept_entries, js_text(place, "endpoint"));
    restore(entries, kept_entries, "origin");
    if (json_object_size(entries) == 0 && !kept_entries)
        json_object_del(object, member);
}

/* A member that the places may have filled: not where the item's own is told. */
static void restore_filled(json_t *object, const json_t *kept, const json_t *sent, const char *member)
{
    const json_t *own = json_object_get(kept, member);

    if (!own || !json_equal(own, json_object_get(sent, member)))
        restore(object, kept, member);
}

static bool begins(const json_t *string, const char *prefix)
{
    return json_is_string(string) && text_begins(json_string_value(string), prefix);
}

static bool is_told(const json_t *sent_asset, const char *href)
{
    const char *main = js_text(sent_asset, "href"), *key;
    json_t *alternate;

    if (main && !strcmp(main, href))
        return true;
    json_object_foreach(json_object_get(sent_asset, "alternate"), key, alternate) {
        const char *other = js_text(alternate, "href");

        if (other && !strcmp(other, href))
            return true;
    }
    return false;
}

static void take_back_asset(const struct take_back *t, const char *key, json_t *asset)
{
    const json_t *kept = json_object_get(json_object_get(t->kept, "assets"), key);
    const json_t *sent = json_object_get(json_object_get(t->sent, "assets"), key);
    const char *href = js_text(asset, "href");

    if (!json_is_object(asset) || !kept)
        return;
    restore_named(t, asset, kept, "alternate");
    restore_filled(asset, kept, sent, "alternate:name");
    restore_filled(asset, kept, sent, "storage:refs");
    if (href && (text_begins(href, t->own) || is_told(sent, href)))
        restore(asset, kept, "href");
}

static bool kept_has(const json_t *kept, const char *uri)
{
    json_t *one;
    size_t i;

    json_array_foreach(json_object_get(kept, "stac_extensions"), i, one)
        if (begins(one, uri))
            return true;
    return false;
}

/* Those that were named for the places' sake alone. */
static void take_back_extensions(const struct take_back *t)
{
    json_t *list = json_object_get(t->item, "stac_extensions");
    AUTO(mem) char *text = json_dumps(t->item, JSON_COMPACT);

    for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
        bool used = kept_has(t->kept, extensions[i].uri);

        for (size_t m = 0; m < ARRAY_LEN(extensions[i].members) && extensions[i].members[m]; m++)
            used |= strstr(text, extensions[i].members[m]) != NULL;
        for (size_t n = json_array_size(list); !used && n-- > 0;)
            if (begins(json_array_get(list, n), extensions[i].uri))
                json_array_remove(list, n);
    }
}

void places_text_take_back(json_t *item, const json_t *kept, const json_t *sent, const char *places,
                           const char *own)
{
    static const char *const told[] = { "order:status", "order:date", "expires" };
    AUTO(json) json_t *known = json_loads(places, 0, NULL);
    struct take_back t = { .item = item, .properties = json_object_get(item, "properties"), .kept = kept,
                           .sent = sent, .endpoints = json_object_get(known, "places"), .own = own };
    const json_t *kept_properties = json_object_get(kept, "properties");
    const json_t *sent_properties = json_object_get(sent, "properties");
    const char *key;
    json_t *asset;

    if (json_array_size(t.endpoints) == 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        if (json_object_get(sent_properties, told[i]))
            restore_filled(t.properties, kept_properties, sent_properties, told[i]);
    restore_named(&t, t.properties, kept_properties, "storage:schemes");
    json_object_foreach(json_object_get(item, "assets"), key, asset)
        take_back_asset(&t, key, asset);
    take_back_extensions(&t);
}
