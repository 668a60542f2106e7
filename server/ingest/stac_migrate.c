/* All rules are applied to whatever is older than 1.0, whichever version it names: catalogues of that
 * time named versions loosely, and no rule can do harm to an object that is past it. */
#include "ingest/stac_migrate.h"
#include "base/text.h"
#include "json/js.h"
#include <stdio.h>
#include <string.h>

#define SERVED "1.0.0"

enum how { AS_IS, LIST, FIRST };

static const struct rename {
    const char *from, *to;
    enum how how;
} renames[] = {
#define RENAME(old, new, how) { old, new, how },
#include "ingest/stac_migrate.def"
};

static const struct split {
    const char *from, *to[2];
} splits[] = {
#define SPLIT(old, range, azimuth) { old, { range, azimuth } },
#include "ingest/stac_migrate.def"
};

static const struct pair {
    const char *old, *now;
} media[] = {
#define MEDIA(old, new) { old, new },
#include "ingest/stac_migrate.def"
}, extensions[] = {
#define EXTENSION(name, schema) { name, schema },
#include "ingest/stac_migrate.def"
}, implied[] = {
#define IMPLIES(prefix, schema) { prefix, schema },
#include "ingest/stac_migrate.def"
};

/* ---- fields ---- */

static json_t *renamed(json_t *value, enum how how)
{
    if (how == LIST && !json_is_array(value))
        return json_pack("[O]", value);
    if (how == FIRST && json_array_size(value) == 1)
        return json_incref(json_array_get(value, 0));
    return json_incref(value);
}

/* `in_summaries`: values are lists of what items have, or ranges. */
static void rename_fields(json_t *fields, bool in_summaries)
{
    for (size_t i = 0; i < ARRAY_LEN(renames); i++) {
        const struct rename *r = &renames[i];
        json_t *value = json_object_get(fields, r->from);

        if (!value)
            continue;
        if (!json_object_get(fields, r->to))
            json_object_set_new(fields, r->to, renamed(value, in_summaries ? AS_IS : r->how));
        json_object_del(fields, r->from);
    }
    for (size_t i = 0; i < ARRAY_LEN(splits) && !in_summaries; i++) {
        AUTO(json) json_t *value = json_incref(json_object_get(fields, splits[i].from));

        if (json_array_size(value) < 2)
            continue;
        for (size_t k = 0; k < 2; k++)
            if (!json_object_get(fields, splits[i].to[k]))
                json_object_set(fields, splits[i].to[k], json_array_get(value, k));
        json_object_del(fields, splits[i].from);
    }
}

/* Bands were listed once, and assets named them by their place in the list. */
static void spread_bands(json_t *properties, json_t *assets)
{
    const json_t *all = json_object_get(properties, "eo:bands");
    bool spread = false;
    const char *key;
    json_t *asset, *one;
    size_t i;

    if (!json_is_array(all))
        return;
    json_object_foreach(assets, key, asset) {
        const json_t *places = json_object_get(asset, "eo:bands");
        json_t *bands;

        if (!json_array_size(places) || !json_is_integer(json_array_get(places, 0)))
            continue;
        bands = json_array();
        json_array_foreach((json_t *)places, i, one) {
            json_t *band = json_is_integer(one) && json_integer_value(one) >= 0
                               ? json_array_get(all, (size_t)json_integer_value(one))
                               : NULL;

            if (json_is_object(band))
                json_array_append_new(bands, json_deep_copy(band));
        }
        json_object_set_new(asset, "eo:bands", bands);
        spread = true;
    }
    if (spread)
        json_object_del(properties, "eo:bands");
}

static void lift_assets(json_t *assets)
{
    const char *key;
    json_t *asset;

    json_object_foreach(assets, key, asset) {
        const char *type = js_text(asset, "type");

        if (!json_is_object(asset))
            continue;
        rename_fields(asset, false);
        for (size_t i = 0; type && i < ARRAY_LEN(media); i++)
            if (!strcasecmp(type, media[i].old)) {
                json_object_set_new(asset, "type", json_string(media[i].now));
                break;
            }
    }
}

/* ---- extensions ---- */

static void add_once(json_t *list, const char *text)
{
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one)
        if (json_is_string(one) && !strcmp(json_string_value(one), text))
            return;
    json_array_append_new(list, json_string(text));
}

/* A short name that is unknown names no schema, so nobody can hold it against anything: it goes. */
static void add_extension(json_t *list, const char *name)
{
    if (strstr(name, "://")) {
        add_once(list, name);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(extensions); i++)
        if (!strcmp(name, extensions[i].old) && extensions[i].now)
            add_once(list, extensions[i].now);
}

/* Any version of a schema will do. */
static bool has_extension(const json_t *list, const char *schema)
{
    size_t length = (size_t)(strstr(schema, "/v1.") - schema) + 1, i;
    json_t *one;

    json_array_foreach((json_t *)list, i, one)
        if (json_is_string(one) && !strncmp(json_string_value(one), schema, length))
            return true;
    return false;
}

static bool uses(const json_t *fields, const char *prefix)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)fields, key, value)
        if (text_begins(key, prefix))
            return true;
    return false;
}

static void lift_extensions(json_t *object, const json_t *fields)
{
    json_t *list = json_array(), *one;
    size_t i;

    json_array_foreach(json_object_get(object, "stac_extensions"), i, one)
        if (json_is_string(one))
            add_extension(list, json_string_value(one));
    for (i = 0; i < ARRAY_LEN(implied); i++)
        if (uses(fields, implied[i].old) && !has_extension(list, implied[i].now))
            add_once(list, implied[i].now);
    json_object_set_new(object, "stac_extensions", list);
}

/* ---- items ---- */

static void lift_item(json_t *item)
{
    json_t *properties = json_object_get(item, "properties"), *assets = json_object_get(item, "assets");
    json_t *collection = json_object_get(properties, "collection");

    if (json_is_string(collection) && !json_object_get(item, "collection"))
        json_object_set(item, "collection", collection);
    if (json_is_object(properties)) {
        json_object_del(properties, "collection");
        rename_fields(properties, false);
        spread_bands(properties, assets);
    }
    lift_assets(assets);
    lift_extensions(item, properties);
    if (!json_object_get(item, "links"))
        json_object_set_new(item, "links", json_array());
}

/* ---- collections ---- */

/* [w,s,e,n] or [[w,s,e,n]] becomes {name: [[w,s,e,n]]}, also when it is in an object already. */
static void nest(json_t *extent, const char *part, const char *name)
{
    json_t *value = json_object_get(extent, part), *list;

    if (json_is_array(value)) {
        json_object_set_new(extent, part, json_pack("{s:O}", name, value));
        value = json_object_get(extent, part);
    }
    list = json_object_get(value, name);
    if (json_array_size(list) && !json_is_array(json_array_get(list, 0)))
        json_object_set_new(value, name, json_pack("[O]", list));
}

static void lift_ranges(json_t *summaries)
{
    const char *key;
    json_t *value;

    json_object_foreach(summaries, key, value) {
        const struct pair ends[] = { { "min", "minimum" }, { "max", "maximum" } };

        for (size_t i = 0; json_is_object(value) && i < ARRAY_LEN(ends); i++)
            if (json_object_get(value, ends[i].old) && !json_object_get(value, ends[i].now)) {
                json_object_set(value, ends[i].now, json_object_get(value, ends[i].old));
                json_object_del(value, ends[i].old);
            }
    }
}

/* What all items had in common stood in `properties`; summaries hold lists. */
static void fold_properties(json_t *collection, json_t *summaries)
{
    json_t *properties = json_object_get(collection, "properties"), *value;
    const char *key;

    json_object_foreach(properties, key, value)
        if (!json_object_get(summaries, key) && !json_is_null(value))
            json_object_set_new(summaries, key,
                                json_is_array(value) || json_is_object(value) ? json_incref(value)
                                                                              : json_pack("[O]", value));
    json_object_del(collection, "properties");
}

/* Catalogues of every version write a summary of one value without its list, or one of nothing. True
 * when something had to be mended. */
static bool mend_summaries(json_t *summaries)
{
    const char *key;
    json_t *value;
    void *next;
    bool mended = false;

    json_object_foreach_safe(summaries, next, key, value) {
        bool is_list = json_is_array(value) || json_is_object(value);

        if (json_is_null(value) || (is_list && json_array_size(value) + json_object_size(value) == 0))
            json_object_del(summaries, key);
        else if (!is_list)
            json_object_set_new(summaries, key, json_pack("[O]", value));
        else
            continue;
        mended = true;
    }
    return mended;
}

static void lift_collection(json_t *collection)
{
    json_t *extent = json_object_get(collection, "extent");
    json_t *summaries = json_object_get(collection, "summaries");

    json_object_set_new(collection, "type", json_string("Collection"));
    nest(extent, "spatial", "bbox");
    nest(extent, "temporal", "interval");
    if (!json_is_object(summaries)) {
        summaries = json_object();
        json_object_set_new(collection, "summaries", summaries);
    }
    fold_properties(collection, summaries);
    rename_fields(summaries, true);
    lift_ranges(summaries);
    lift_assets(json_object_get(collection, "assets"));
    lift_assets(json_object_get(collection, "item_assets"));
    lift_extensions(collection, summaries);
    if (json_object_size(summaries) == 0)
        json_object_del(collection, "summaries");
    if (!json_object_get(collection, "links"))
        json_object_set_new(collection, "links", json_array());
}

/* ---- versions ---- */

static bool is_older(const char *version)
{
    static const char *const known[] = { "0.8.", "0.9.", "1.0.0-beta.", "1.0.0-rc." };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (text_begins(version, known[i]))
            return true;
    return false;
}

static bool is_served(const char *version)
{
    return (text_begins(version, "1.0.") || text_begins(version, "1.1.")) && !strchr(version, '-');
}

bool stac_migrate(json_t *object, bool *ret_changed, struct err *err)
{
    const char *version = js_text(object, "stac_version");
    bool older = version && is_older(version);

    if (!json_is_object(object))
        return js_refuse(object, "", "a STAC object", err);
    if (!older && (!version || !is_served(version)))
        return err_set(err, ERR_BadRequest,
                       "/stac_version: expected one of 0.8 to 1.1, found %s%.40s%s", version ? "'" : "",
                       version ? version : js_type_name(json_object_get(object, "stac_version")),
                       version ? "'" : "");
    if (older) {
        if (json_is_object(json_object_get(object, "extent")))
            lift_collection(object);
        else
            lift_item(object);
        json_object_set_new(object, "stac_version", json_string(SERVED));
    }
    older |= mend_summaries(json_object_get(object, "summaries"));
    if (ret_changed)
        *ret_changed = older;
    return true;
}
