/* A STAC API, collection by collection. Of each the state holds
 *
 *   "next"     the request for the next page of the pass under way: {"url", "body"}; none: no pass
 *   "seen"     the newest time that the pass has met, "by" what: "updated" or "datetime"
 *   "newest"   that of the last pass which came to its end: the next begins there, less an overlap
 *
 * By `updated` where the server can filter (CQL2 JSON), which also finds what was changed; else by
 * `datetime`, which finds new acquisitions. Pages that come twice are stored once; a next link that was
 * followed already ends the pass with an error rather than going round for ever. */
#include "ingest/harvest_parts.h"
#include "base/instant.h"
#include "base/text.h"
#include "json/js.h"
#include <string.h>

enum { PAGE = 250, EMPTY_PAGES = 3, DAY_MS = 86400000, OVERLAP_UPDATED_MS = 600000 };

struct pass {
    struct harvest *h;
    const char *collection, *search; /* address */
    bool by_updated;
    json_t *state;  /* of the collection */
    json_t *asked;  /* requests of this pass: no one twice */
    int empty;      /* pages without an item, one after the other */
};

static bool conforms(const json_t *landing, const char *part)
{
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(landing, "conformsTo"), i, one)
        if (json_is_string(one) && strstr(json_string_value(one), part))
            return true;
    return false;
}

/* ---- the requests ---- */

static void add_since(const struct pass *p, json_t *body)
{
    const char *newest = js_text(p->state, "newest");
    const char *by = js_text(p->state, "by");
    char from[INSTANT_TEXT_SIZE];
    int64_t ms;

    if (!newest || !by || strcmp(by, p->by_updated ? "updated" : "datetime") || !instant_parse(newest, &ms))
        return;
    instant_format(ms - (p->by_updated ? OVERLAP_UPDATED_MS : 7LL * DAY_MS), from);
    if (p->by_updated) {
        json_object_set_new(body, "filter-lang", json_string("cql2-json"));
        json_object_set_new(body, "filter", json_pack("{s:s,s:[{s:s},{s:s}]}", "op", ">=", "args", "property",
                                                      "updated", "timestamp", from));
    } else if (!p->h->options.datetime) {
        AUTO(mem) char *since = mem_printf("%s/..", from);

        json_object_set_new(body, "datetime", json_string(since));
    }
}

/* {"url": ..., "body": ...} */
static json_t *first_request(const struct pass *p)
{
    const struct harvest_options *o = &p->h->options;
    size_t page = o->limit && o->limit < PAGE ? o->limit : PAGE;
    json_t *body = json_pack("{s:[s],s:i}", "collections", p->collection, "limit", (int)page);

    if (o->datetime)
        json_object_set_new(body, "datetime", json_string(o->datetime));
    if (o->has_bbox)
        json_object_set_new(body, "bbox", json_pack("[f,f,f,f]", o->bbox[0], o->bbox[1], o->bbox[2], o->bbox[3]));
    add_since(p, body);
    return json_pack("{s:s,s:o}", "url", p->search, "body", body);
}

/* NULL: there is none. For POST the body of the link may be merged with the last one. */
static json_t *next_request(const json_t *page, const json_t *last)
{
    const json_t *link = remote_link(page, "next", &(size_t){ 0 });
    const char *method = js_text(link, "method");
    AUTO(mem) char *url = NULL;
    json_t *more = json_object_get(link, "body"), *request;

    if (!link)
        return NULL;
    url = remote_resolve(js_text(last, "url"),
                         js_text(link, "href"));
    request = json_pack("{s:s}", "url", url ? url : "");
    if (!method || strcasecmp(method, "POST"))
        return request;
    if (json_is_true(json_object_get(link, "merge"))) {
        json_t *body = json_copy(json_object_get(last, "body"));

        json_object_update(body, more);
        json_object_set_new(request, "body", body ? body : json_object());
    } else {
        json_object_set_new(request, "body", json_is_object(more) ? json_incref(more) : json_object());
    }
    return request;
}

static bool check_new(struct pass *p, const json_t *request, struct err *err)
{
    AUTO(mem) char *key = js_canonical(request);

    if (json_object_get(p->asked, key))
        return err_set(err, ERR_Unreachable, "%s: the pages of '%s' go round in a circle", p->search,
                       p->collection);
    json_object_set_new(p->asked, key, json_true());
    return true;
}

/* ---- a pass ---- */

static void see(struct pass *p, const json_t *item)
{
    const json_t *properties = json_object_get(item, "properties");
    const char *name = p->by_updated ? "updated" : "datetime";
    const char *at = js_text(properties, name);
    const char *seen = js_text(p->state, "seen");
    int64_t ms, seen_ms;

    if (at && instant_parse(at, &ms) && (!seen || !instant_parse(seen, &seen_ms) || ms > seen_ms))
        json_object_set_new(p->state, "seen", json_string(at));
}

static bool take_page(struct pass *p, const json_t *page, const char *url, struct err *err)
{
    const json_t *features = json_object_get(page, "features");
    json_t *matched = json_object_get(page, "numberMatched"), *item;
    size_t i;

    if (!json_is_array(features))
        return err_set(err, ERR_BadRequest, "%s: /features: expected an array, found %s", url,
                       js_type_name(features));
    if (json_is_integer(matched) && !p->h->expected)
        intake_expect(p->h->intake, json_integer_value(matched));
    if (json_is_integer(matched) && !p->h->expected)
        p->h->expected = p->h->taken + (size_t)json_integer_value(matched);
    p->empty = json_array_size(features) ? 0 : p->empty + 1;
    json_array_foreach((json_t *)features, i, item) {
        if (harvest_full(p->h))
            break;
        see(p, item);
        if (!harvest_item(p->h, item, url, p->collection, err))
            return false;
    }
    return true;
}

/* The pass is over: what it has seen is where the next begins. */
static void finish(struct pass *p)
{
    json_t *seen = json_object_get(p->state, "seen");

    if (seen)
        json_object_set(p->state, "newest", seen);
    json_object_set_new(p->state, "by", json_string(p->by_updated ? "updated" : "datetime"));
    json_object_del(p->state, "next");
    json_object_del(p->state, "seen");
    harvest_mark(p->h);
}

static bool ask(struct pass *p, const json_t *request, bool resumed, json_t **ret_page, struct err *err)
{
    const char *url = js_text(request, "url");
    struct err problem = { 0 };

    if (!check_new(p, request, err))
        return false;
    if (remote_ask(p->h->remote, url, json_object_get(request, "body"), NULL, ret_page, NULL, &problem))
        return true;
    if (resumed) { /* the server has forgotten its token: from the beginning of the pass */
        *ret_page = NULL;
        return true;
    }
    return err_set(err, problem.code, "%s", problem.message);
}

static bool run_pass(struct pass *p, struct err *err)
{
    json_t *kept = json_object_get(p->state, "next"), *request = kept ? json_incref(kept) : first_request(p);
    bool resumed = kept != NULL, good = true;

    while (good && request && !harvest_full(p->h)) {
        AUTO(json) json_t *page = NULL;
        json_t *next = NULL;

        good = ask(p, request, resumed, &page, err);
        if (good && !page)
            next = first_request(p);
        else if (good)
            good = take_page(p, page, js_text(request, "url"), err);
        if (good && page && p->empty < EMPTY_PAGES)
            next = next_request(page, request);
        resumed = false;
        json_decref(request);
        request = next;
        if (good && request) {
            json_object_set(p->state, "next", request);
            harvest_mark(p->h);
        }
    }
    if (good && !request)
        finish(p);
    json_decref(request);
    return good;
}

static bool harvest_one(struct harvest *h, const json_t *landing, json_t *collection, const char *search,
                        struct err *err)
{
    const char *id = js_text(collection, "id");
    AUTO(json) json_t *asked = json_object();
    struct pass pass = { .h = h, .search = search, .asked = asked, .by_updated = conforms(landing, "/conf/filter") };
    AUTO(mem) char *name = mem_text(id);

    if (!id || !harvest_wants(h, id) || harvest_full(h))
        return true;
    pass.collection = name;
    pass.state = harvest_part(harvest_part(h->state, "collections"), name);
    h->expected = 0;
    return harvest_collection(h, collection, err) && run_pass(&pass, err);
}

/* ---- collections ---- */

static bool take_collections(struct harvest *h, const json_t *landing, const json_t *list, const char *search,
                             size_t *found, struct err *err)
{
    size_t i;
    json_t *one;

    json_array_foreach((json_t *)list, i, one) {
        const char *id = js_text(one, "id");

        *found += id && harvest_wants(h, id);
        if (!harvest_one(h, landing, one, search, err))
            return false;
    }
    return true;
}

static char *address_of(const struct harvest *h, const json_t *landing, const char *rel, const char *fallback)
{
    const json_t *link = remote_link(landing, rel, &(size_t){ 0 });
    size_t length = strlen(h->options.url);

    if (link)
        return remote_resolve(h->options.url, js_text(link, "href"));
    return mem_printf("%.*s%s", (int)(length - (length && h->options.url[length - 1] == '/')), h->options.url,
                      fallback);
}

bool harvest_api(struct harvest *h, const json_t *landing, struct err *err)
{
    AUTO(mem) char *search = address_of(h, landing, "search", "/search");
    AUTO(json) json_t *asked = json_object();
    char *url = address_of(h, landing, "data", "/collections");
    size_t found = 0;
    bool good = true;

    while (good && url && !harvest_full(h)) {
        AUTO(json) json_t *page = NULL;
        char *next = NULL;

        good = json_object_get(asked, url)
                   ? err_set(err, ERR_Unreachable, "%s: the pages of collections go round in a circle", url)
                   : remote_ask(h->remote, url, NULL, NULL, &page, NULL, err);
        json_object_set_new(asked, url, json_true());
        if (good)
            good = take_collections(h, landing, json_object_get(page, "collections"), search, &found, err);
        if (good) {
            const json_t *link = remote_link(page, "next", &(size_t){ 0 });

            next = remote_resolve(url, js_text(link, "href"));
        }
        free(url);
        url = next;
    }
    free(url);
    if (good && found == 0)
        return err_set(err, ERR_NotFound, "%s has none of these collections", h->options.url);
    return good;
}
