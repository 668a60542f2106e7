/* Values that an execute request names instead of holding them: {"href"} is fetched, {"collection"} is read through its
 * items. Addresses are those of users: public ones, and hosts of jobs.url_hosts; size, time and number have an end. */
#include "api/ogc/ogc.h"
#include "base/text.h"
#include "ingest/remote.h"
#include "jobs/fields.h"
#include "json/js.h"
#include "net/fetch.h"
#include <string.h>

enum { MOST_FETCHES = 20, FETCH_MS = 30000, MOST_REDIRECTS = 5, MOST_FEATURES = 10000 };

/* An address within this service ("/stac/...") or a whole one; NULL when it is neither. The caller frees. */
static char *whole_address(const struct ogc_source *source, const char *href)
{
    AUTO(text) struct text url = { 0 };

    if (*href == '/' && href[1] != '/')
        text_printf(&url, "%s", source->base_url);
    text_add(&url, href);
    return text_take(&url);
}

char *ogc_source_address(const struct ogc_source *source, const char *address)
{
    AUTO(mem) char *folder = source && *address == '.' ? mem_printf("%s" OGC_ROOT "/processes/", source->base_url) : NULL;
    char *whole = folder ? remote_resolve(folder, address) : NULL;

    return whole ? whole : mem_text(address);
}

/* With a body it is a POST: what WPS allows. */
static bool get(struct ogc_source *source, const char *href, const char *accept, const char *body, const char *pointer,
                struct fetched *ret_answer, struct err *err)
{
    AUTO(mem) char *url = whole_address(source, href);
    AUTO(text) struct text header = { 0 };
    struct fetch what = { .url = url, .timeout_ms = FETCH_MS, .max_size = (size_t)source->config->http_max_body,
                          .redirects = body ? 0 : MOST_REDIRECTS, .body = body, .body_size = body ? strlen(body) : 0 };
    struct err why = { 0 };

    if (source->fetched++ >= MOST_FETCHES)
        return err_set(err, ERR_InvalidParameter, "%s: a request may name at most %d addresses", pointer, MOST_FETCHES);
    if (!fetch_may_call(url, source->config->jobs_url_hosts, &what.public_only, &why))
        return err_set(err, ERR_InvalidParameter, "%s/href: %s", pointer, why.message);
    if (accept) {
        text_printf(&header, "Accept: %s", accept);
        what.headers[0] = header.data;
    }
    if (body)
        what.headers[accept != NULL] = "Content-Type: text/xml";
    if (!fetch(&what, ret_answer, &why))
        return err_set(err, ERR_InvalidParameter, "%s/href: %s", pointer, why.message);
    return ret_answer->status == 200 ||
           err_set(err, ERR_InvalidParameter, "%s/href: '%.300s' answered %d instead of 200", pointer, href, ret_answer->status);
}

/* Is a value of this schema a text? Of alternatives, the first that is one. */
static const json_t *text_schema(const json_t *schema)
{
    const char *type = js_text(schema, "type");
    const json_t *branches = json_object_get(schema, "oneOf"), *found;
    size_t i;
    json_t *branch;

    if (type && !strcmp(type, "string"))
        return schema;
    json_array_foreach((json_t *)branches, i, branch)
        if ((found = text_schema(branch)))
            return found;
    return NULL;
}

static bool says_json(const struct fetched *answer)
{
    AUTO(mem) char *media = fetched_header(answer, "content-type");

    return media && strstr(media, "json");
}

/* Bytes where base64 is asked for, JSON where it is announced or nothing but JSON can be meant, else text. */
static bool take(const struct fetched *answer, const json_t *schema, const char *pointer, json_t **ret_value,
                 struct err *err)
{
    const json_t *text = text_schema(schema);
    const char *encoding = js_text(text, "contentEncoding");
    AUTO(text) struct text base64 = { 0 };
    struct err why = { 0 };

    if (text && encoding && strcmp(encoding, "utf-8")) {
        text_add_base64(&base64, answer->body, answer->size);
        *ret_value = json_string(base64.data ? base64.data : "");
        return true;
    }
    if (!text || (says_json(answer) && text != schema))
        return js_parse(answer->body, answer->size, JS_DEFAULT_DEPTH, ret_value, &why) ||
               err_set(err, ERR_InvalidParameter, "%s/href: what is there is no JSON: %s", pointer, why.message);
    *ret_value = json_stringn(answer->body, answer->size);
    return *ret_value || err_set(err, ERR_InvalidParameter, "%s/href: what is there is no text in UTF-8", pointer);
}

bool ogc_source_reference(struct ogc_source *source, const json_t *reference, const json_t *schema, const char *pointer,
                          json_t **ret_value, struct err *err)
{
    AUTO(fetched) struct fetched answer = { 0 };

    if (!source)
        return err_set(err, ERR_InvalidParameter, "%s: inputs by reference cannot be fetched here; send the value", pointer);
    return get(source, js_text(reference, "href"), js_text(reference, "type"), js_text(reference, "body"), pointer, &answer,
               err) &&
           take(&answer, schema, pointer, ret_value, err);
}

/* ---- collections ---- */

static void add_numbers(struct text *url, const json_t *list)
{
    size_t i;
    json_t *one;

    json_array_foreach((json_t *)list, i, one)
        text_printf(url, "%s%.17g", i ? "," : "", json_number_value(one));
}

static void add_parameter(struct text *url, const char *name, const json_t *value)
{
    AUTO(mem) char *text = json_is_object(value) ? json_dumps(value, JSON_COMPACT) : NULL;

    if (json_is_array(value)) {
        text_printf(url, "&%s=", name);
        add_numbers(url, value);
    } else if (json_is_number(value)) {
        text_printf(url, "&%s=%.17g", name, json_number_value(value));
    } else if (text || json_is_string(value)) {
        text_printf(url, "&%s=", name);
        text_add_url(url, text ? text : json_string_value(value), ",:/");
    }
    if (text)
        text_add(url, "&filter-lang=cql2-json");
}

/* What of a collection value becomes a parameter of its items: of this service all of it; others are asked for what every
 * server of features knows, and the rest is done here, as are properties and sortBy. */
static const struct { const char *name; bool everywhere; } modifiers[] = {
    { "filter", false }, { "bbox", true }, { "datetime", true }, { "limit", true }, { "ids", false }, { "q", false },
};
static const char *const done_here[] = { "properties", "sortBy", "aliases" };

static bool check_members(const json_t *value, const char *pointer, struct err *err)
{
    const char *name;
    json_t *member;

    json_object_foreach((json_t *)value, name, member) {
        bool known = !strcmp(name, "collection") || !strcmp(name, "format") || !strcmp(name, "mediaType");

        for (size_t i = 0; i < ARRAY_LEN(modifiers); i++)
            known |= !strcmp(name, modifiers[i].name);
        for (size_t i = 0; i < ARRAY_LEN(done_here); i++)
            known |= !strcmp(name, done_here[i]);
        if (!known)
            return err_set(err, ERR_InvalidParameter,
                           "%s/%.60s: expected filter, bbox, datetime, limit, ids, q, properties, sortBy or aliases", pointer, name);
    }
    return true;
}

/* Pages are read until there are as many as are wanted, or no more. */
static bool add_pages(struct ogc_source *source, const char *first, size_t most, const char *pointer, json_t *features, struct err *err)
{
    AUTO(mem) char *at = mem_text(first);

    while (at) {
        AUTO(fetched) struct fetched answer = { 0 };
        AUTO(json) json_t *page = NULL;
        AUTO(mem) char *whole = whole_address(source, at);
        struct err why = { 0 };
        const json_t *link;
        char *next;

        if (!get(source, at, "application/geo+json, application/json;q=0.9", NULL, pointer, &answer, err))
            return false;
        if (!js_parse(answer.body, answer.size, JS_DEFAULT_DEPTH, &page, &why))
            return err_set(err, ERR_InvalidParameter, "%s/collection: its items are no JSON: %s", pointer, why.message);
        if (!json_is_array(json_object_get(page, "features")))
            return err_set(err, ERR_InvalidParameter, "%s/collection: its items are no features", pointer);
        json_array_extend(features, json_object_get(page, "features"));
        if (json_array_size(features) > MOST_FEATURES)
            return err_set(err, ERR_InvalidParameter, "%s/collection: has more than %d features; ask for fewer", pointer, MOST_FEATURES);
        link = json_array_size(features) < most ? remote_link(page, "next", &(size_t){ 0 }) : NULL;
        next = link ? remote_resolve(whole, js_text(link, "href")) : NULL;
        free(at);
        at = next;
    }
    return true;
}

/* ids and q are parameters of some servers alone. */
static bool check_elsewhere(const json_t *value, const char *pointer, struct err *err)
{
    static const char *const names[] = { "ids", "q" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (json_object_get(value, names[i]))
            return err_set(err, ERR_InvalidParameter, "%s/%s: is for collections of this service; use filter", pointer, names[i]);
    return true;
}

bool ogc_source_items(struct ogc_source *source, const json_t *value, const char *pointer, json_t **ret_features,
                      struct err *err)
{
    AUTO(mem) char *collection = ogc_source_address(source, js_text(value, "collection"));
    bool here = !strchr(collection, '/') || *collection == '/' || (source && text_begins(collection, source->base_url));
    double wish = json_number_value(json_object_get(value, "limit"));
    size_t most = wish >= 1 && wish < MOST_FEATURES ? (size_t)wish : MOST_FEATURES;
    AUTO(json) json_t *features = json_array(), *made = json_pack("{s:s, s:O}", "type", "FeatureCollection", "features", features);
    AUTO(json) json_t *rest = json_copy((json_t *)value);
    AUTO(text) struct text url = { 0 };
    bool filters = !here && json_object_get(value, "filter");

    if (!source)
        return err_set(err, ERR_InvalidParameter, "%s: collections cannot be read here; send the value", pointer);
    if (!check_members(value, pointer, err) || (!here && !check_elsewhere(value, pointer, err)))
        return false;
    if (strchr(collection, '/')) {
        text_add(&url, collection);
    } else {
        text_add(&url, "/stac/collections/");
        text_add_url(&url, collection, "");
    }
    text_printf(&url, "/items?%s", json_object_get(value, "limit") && !filters ? "" : here ? "limit=10000" : "limit=1000");
    for (size_t i = 0; i < ARRAY_LEN(modifiers); i++)
        if ((here || modifiers[i].everywhere) && !(filters && !strcmp(modifiers[i].name, "limit")))
            add_parameter(&url, modifiers[i].name, json_object_get(value, modifiers[i].name));
    if (!add_pages(source, url.data, filters ? MOST_FEATURES + 1 : most, pointer, features, err))
        return false;
    if (here)
        json_object_del(rest, "filter"); /* done by the search */
    if (!fields_modify(made, rest, pointer, err))
        return false;
    while (json_array_size(features) > most)
        json_array_remove(features, json_array_size(features) - 1);
    *ret_features = json_incref(made);
    return true;
}
