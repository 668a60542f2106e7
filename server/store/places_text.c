/* The text is valid JSON of our own writing, so skimming it needs no checks: a string ends at the first
 * quote that is not escaped, a container where its brackets close. Only three members of an item are
 * looked into: stac_extensions, properties and assets.
 *
 * Main href of an asset: the best place that is online; else the item's own href when that leads
 * elsewhere; else the best place that is not online. */
#include "store/places_text.h"
#include "json/js.h"
#include "json/js_text.h"
#include "store/place.h"
#include "store/stac_text.h"
#include <string.h>

#define EXTENSION(name_version) "https://stac-extensions.github.io/" name_version "/schema.json"

enum { MAX_PLACES = 16 };

/* What is put into one item. */
struct splice {
    const char *collection, *id;
    json_t *json;
    const char *status, *date, *expires;
    struct place places[MAX_PLACES];
    size_t n_places;
    bool schemes; /* storage:schemes are told */
    struct text *out;
};

/* ---- skimming ---- */

static const char *skip_value(const char *p)
{
    size_t depth = 0;

    if (*p != '{' && *p != '[')
        return *p == '"' ? js_skip_string(p) : p + strcspn(p, ",]} \t\r\n");
    do {
        if (*p == '"') {
            p = js_skip_string(p);
            continue;
        }
        depth += *p == '{' || *p == '[';
        depth -= *p == '}' || *p == ']';
        p++;
        if (depth)
            p += strcspn(p, "\"{}[]");
    } while (depth && *p);
    return p;
}

struct member {
    const char *key, *value; /* the key without its quotes */
    size_t key_length, value_length;
};

/* The next member of an object; `*at` stands behind its bracket or behind the member before. */
static bool next_member(const char **at, struct member *m)
{
    const char *p = js_skip_blank(*at), *end;

    if (*p == ',')
        p = js_skip_blank(p + 1);
    if (*p != '"')
        return false;
    end = js_skip_string(p);
    m->key = p + 1;
    m->key_length = (size_t)(end - p) - 2;
    p = js_skip_blank(end);
    m->value = js_skip_blank(p + (*p == ':'));
    end = skip_value(m->value);
    m->value_length = (size_t)(end - m->value);
    *at = end;
    return true;
}

static bool is_key(const struct member *m, const char *key)
{
    return m->key_length == strlen(key) && !memcmp(m->key, key, m->key_length);
}

static char *decode_string(const char *text, size_t length) /* with its quotes; the caller frees */
{
    json_t *json = json_loadb(text, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    char *copy = mem_text(json_string_value(json));

    json_decref(json);
    return copy;
}

/* ---- writing ---- */

static void comma(struct text *out)
{
    if (out->length && !strchr("[{", out->data[out->length - 1]))
        text_addn(out, ",", 1);
}

static void put_raw(struct text *out, const struct member *m)
{
    comma(out);
    text_addn(out, m->key - 1, m->key_length + 2);
    text_addn(out, ":", 1);
    text_addn(out, m->value, m->value_length);
}

static void put_key(struct text *out, const char *key)
{
    comma(out);
    js_text_add_string(out, key);
    text_addn(out, ":", 1);
}

static void put_string(struct text *out, const char *key, const char *value)
{
    if (!value)
        return;
    put_key(out, key);
    js_text_add_string(out, value);
}

/* The members of a container of the item, without its brackets, after what is there. */
static void put_inside(struct text *out, const struct member *m)
{
    const char *begin = m->value ? js_skip_blank(m->value + 1) : NULL;

    if (!begin || *begin == '}' || *begin == ']')
        return;
    comma(out);
    text_addn(out, begin, (size_t)(m->value + m->value_length - 1 - begin));
}

/* ---- stac_extensions and properties ---- */

static void put_extension(const struct splice *s, const struct member *have, const char *uri)
{
    if (have->value && memmem(have->value, have->value_length, uri, strlen(uri)))
        return;
    comma(s->out);
    js_text_add_string(s->out, uri);
}

static void put_extensions(const struct splice *s, const struct member *have)
{
    put_key(s->out, "stac_extensions");
    text_add(s->out, "[");
    put_inside(s->out, have);
    put_extension(s, have, EXTENSION("alternate-assets/v1.2.0"));
    if (s->schemes)
        put_extension(s, have, EXTENSION("storage/v2.0.0"));
    if (s->status)
        put_extension(s, have, EXTENSION("order/v1.1.0"));
    if (s->expires)
        put_extension(s, have, EXTENSION("timestamps/v1.1.0"));
    text_add(s->out, "]");
}

static void put_schemes(const struct splice *s, const struct member *have)
{
    put_key(s->out, "storage:schemes");
    text_add(s->out, "{");
    for (size_t i = 0; i < s->n_places; i++) {
        if (!s->places[i].scheme)
            continue;
        put_key(s->out, s->places[i].endpoint);
        js_text_add(s->out, s->places[i].scheme);
    }
    put_inside(s->out, have);
    text_add(s->out, "}");
}

static void put_properties(const struct splice *s, const struct member *properties)
{
    const char *at = properties->value + 1;
    struct member m, schemes = { 0 };

    put_key(s->out, "properties");
    text_add(s->out, "{");
    while (next_member(&at, &m)) {
        if (s->schemes && is_key(&m, "storage:schemes")) {
            schemes = m;
            continue;
        }
        if ((s->status && (is_key(&m, "order:status") || is_key(&m, "order:date"))) ||
            (s->expires && is_key(&m, "expires")))
            continue;
        put_raw(s->out, &m);
    }
    put_string(s->out, "order:status", s->status);
    put_string(s->out, "order:date", s->status ? s->date : NULL);
    put_string(s->out, "expires", s->expires);
    if (s->schemes)
        put_schemes(s, &schemes);
    text_add(s->out, "}");
}

/* ---- assets ---- */

struct choice {
    const struct place *place;
    char *href;
};

/* What this server sends itself is told by its address, which stac_text_send() completes. */
static char *served_here(const struct splice *s, const struct place *place, const char *asset,
                         const char *path)
{
    const char *const parts[] = { s->collection, s->id, asset, place_file_name(path) };
    struct text url = { 0 };

    text_add(&url, STAC_BASE "/data");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        text_add(&url, "/");
        text_add_url(&url, parts[i], "");
    }
    if (!place->plain) {
        text_add(&url, "?endpoint=");
        text_add_url(&url, place->endpoint, "");
    }
    return text_take(&url);
}

static size_t find_choices(const struct splice *s, const char *asset, struct choice *choices)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_places; i++) {
        const struct place *place = &s->places[i];
        AUTO(mem) char *path = place_asset(place, asset);
        char *href;
        bool known = false;

        if (!path)
            continue;
        href = place_public_url(place, path);
        if (!href)
            href = served_here(s, place, asset, path);
        for (size_t k = 0; k < n; k++)
            known |= !strcmp(choices[k].href, href);
        if (known)
            free(href);
        else
            choices[n++] = (struct choice){ place, href };
    }
    return n;
}

static const char *name_of(const struct place *place)
{
    return place->title ? place->title : place->endpoint;
}

static void put_refs(const struct splice *s, const struct place *place)
{
    if (!s->schemes || !place->scheme)
        return;
    put_key(s->out, "storage:refs");
    text_add(s->out, "[");
    js_text_add_string(s->out, place->endpoint);
    text_add(s->out, "]");
}

static void put_alternate(const struct splice *s, const struct choice *choice)
{
    put_key(s->out, choice->place->endpoint);
    text_add(s->out, "{");
    put_string(s->out, "href", choice->href);
    put_string(s->out, "alternate:name", name_of(choice->place));
    if (choice->place->state != PLACE_ONLINE)
        put_string(s->out, "order:status", choice->place->state == PLACE_OFFLINE ? "orderable"
                                           : choice->place->state == PLACE_ORDERED ? "ordered"
                                                                                   : "shipping");
    put_refs(s, choice->place);
    text_add(s->out, "}");
}

struct own { /* members of the asset that its places may take over */
    struct member href, alternate, name, refs;
    char *decoded; /* href */
};

/* The item's own address, when one of the places took its part. */
static void put_origin(const struct splice *s, const struct own *own)
{
    put_key(s->out, "origin");
    text_add(s->out, "{\"href\":");
    text_addn(s->out, own->href.value, own->href.value_length);
    if (own->name.value)
        put_raw(s->out, &own->name);
    else
        put_string(s->out, "alternate:name", "origin");
    if (own->refs.value)
        put_raw(s->out, &own->refs);
    text_add(s->out, "}");
}

static void put_places(const struct splice *s, const struct own *own, const struct choice *choices,
                       size_t n)
{
    bool elsewhere = own->decoded && *own->decoded != *STAC_BASE, listed = false;
    size_t main = choices[0].place->state != PLACE_ONLINE && elsewhere ? n : 0;

    for (size_t i = 0; i < n; i++)
        listed |= own->decoded && !strcmp(choices[i].href, own->decoded);
    if (main < n) {
        put_string(s->out, "href", choices[main].href);
        put_string(s->out, "alternate:name", name_of(choices[main].place));
        put_refs(s, choices[main].place);
    } else {
        put_raw(s->out, &own->href);
        if (own->name.value)
            put_raw(s->out, &own->name);
        if (own->refs.value)
            put_raw(s->out, &own->refs);
    }
    if (n - (main < n) == 0 && !own->alternate.value && !(main < n && elsewhere && !listed))
        return;
    put_key(s->out, "alternate");
    text_add(s->out, "{");
    for (size_t i = 0; i < n; i++)
        if (i != main)
            put_alternate(s, &choices[i]);
    if (main < n && elsewhere && !listed)
        put_origin(s, own);
    put_inside(s->out, &own->alternate);
    text_add(s->out, "}");
}

static bool take_own(struct own *own, const struct member *m)
{
    struct member *const takes[] = { &own->href, &own->alternate, &own->name, &own->refs };
    static const char *const keys[] = { "href", "alternate", "alternate:name", "storage:refs" };

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (is_key(m, keys[i])) {
            *takes[i] = *m;
            return true;
        }
    }
    return false;
}

static void put_asset(const struct splice *s, const struct member *asset)
{
    AUTO(mem) char *key = decode_string(asset->key - 1, asset->key_length + 2);
    struct choice choices[MAX_PLACES];
    size_t n = key && *asset->value == '{' ? find_choices(s, key, choices) : 0;
    const char *at = asset->value + 1;
    struct own own = { 0 };
    struct member m;

    if (n == 0) {
        put_raw(s->out, asset);
        return;
    }
    put_key(s->out, key);
    text_add(s->out, "{");
    while (next_member(&at, &m))
        if (!take_own(&own, &m))
            put_raw(s->out, &m);
    own.decoded = own.href.value ? decode_string(own.href.value, own.href.value_length) : NULL;
    put_places(s, &own, choices, n);
    text_add(s->out, "}");
    free(own.decoded);
    for (size_t i = 0; i < n; i++)
        free(choices[i].href);
}

static void put_assets(const struct splice *s, const struct member *assets)
{
    const char *at = assets->value + 1;
    struct member m;

    put_key(s->out, "assets");
    text_add(s->out, "{");
    while (next_member(&at, &m))
        put_asset(s, &m);
    text_add(s->out, "}");
}

/* ---- an item ---- */

static bool read_places(struct splice *s, const char *kept, const char *places)
{
    const json_t *list;

    s->json = json_loads(places, 0, NULL);
    list = json_object_get(s->json, "places");
    s->status = js_text(s->json, "status");
    s->date = js_text(s->json, "date");
    s->expires = js_text(s->json, "expires");
    for (size_t i = 0; i < json_array_size(list) && s->n_places < MAX_PLACES; i++) {
        s->places[s->n_places] = place_read(json_array_get(list, i));
        s->schemes |= s->places[s->n_places++].scheme != NULL;
    }
    /* version 1 of the storage extension has other fields, which version 2 does not allow */
    s->schemes &= !strstr(kept, "stac-extensions.github.io/storage/v1");
    return s->n_places > 0;
}

void places_text_add(struct text *out, const char *kept, const char *places, const char *collection,
                     const char *id)
{
    struct splice s = { .collection = collection, .id = id, .out = out };
    const char *at = strchr(kept, '{');
    struct member m, none = { 0 };
    bool extensions = false;

    if (!read_places(&s, kept, places) || !at++) {
        text_add(out, kept);
        json_decref(s.json);
        return;
    }
    text_add(out, "{");
    while (next_member(&at, &m)) {
        if (is_key(&m, "stac_extensions") && *m.value == '[') {
            put_extensions(&s, &m);
            extensions = true;
        } else if (is_key(&m, "properties") && *m.value == '{') {
            put_properties(&s, &m);
        } else if (is_key(&m, "assets") && *m.value == '{') {
            put_assets(&s, &m);
        } else {
            put_raw(out, &m);
        }
    }
    if (!extensions)
        put_extensions(&s, &none);
    text_add(out, "}");
    json_decref(s.json);
}

void places_text_send(struct text *out, const char *kept, const char *places, const char *collection,
                      const char *id, const char *base_url, const char *links)
{
    AUTO(text) struct text spliced = { 0 };

    if (places)
        places_text_add(&spliced, kept, places, collection, id);
    stac_text_send(out, places ? spliced.data : kept, base_url, links);
}
