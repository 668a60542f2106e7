/* sentier catalog harvest: copies items of another STAC API, page by page. Their assets stay where
 * they are. */
#include "base/text.h"
#include "commands/catalog.h"
#include "commands/progress.h"
#include "ingest/sentinel2.h"
#include "json/js.h"
#include "json/js_text.h"
#include "net/fetch.h"
#include <stdio.h>
#include <string.h>

enum { PAGE = 100, DEFAULT_LIMIT = 10000 };

struct harvest {
    struct catalog_session session;
    const char *url, *collection, *bbox, *datetime;
    size_t taken, limit;
};

static bool get(const char *url, const json_t *body, json_t **ret_json, struct err *err)
{
    AUTO(text) struct text text = { 0 };
    AUTO(fetched) struct fetched answer = { 0 };
    struct fetch what = { .url = url, .headers = { "Accept: application/json, application/geo+json" },
                          .max_size = 64 << 20, .redirects = 5, .timeout_ms = 60000 };

    if (body) {
        js_text_add(&text, body);
        what.headers[1] = "Content-Type: application/json";
        what.body = text.data;
        what.body_size = text.length;
    }
    if (!fetch(&what, &answer, err))
        return false;
    if (answer.status != 200)
        return err_set(err, ERR_Unreachable, "%s answered %d: %.300s", url, answer.status,
                       answer.body ? answer.body : "");
    return js_parse(answer.body, answer.size, JS_DEFAULT_DEPTH, ret_json, err) ||
           err_prefix(err, "%s", url);
}

/* hrefs relative to the item's own address become absolute. */
static void complete_hrefs(json_t *item)
{
    json_t *asset, *link;
    const char *key, *self = NULL;
    size_t i;

    json_array_foreach(json_object_get(item, "links"), i, link) {
        const char *rel = json_string_value(json_object_get(link, "rel"));

        if (rel && !strcmp(rel, "self"))
            self = json_string_value(json_object_get(link, "href"));
    }
    json_object_foreach(json_object_get(item, "assets"), key, asset) {
        const char *href = json_string_value(json_object_get(asset, "href"));

        if (!href || !self || strstr(href, "://") || !strrchr(self, '/'))
            continue;
        AUTO(mem) char *whole = mem_printf("%.*s/%s", (int)(strrchr(self, '/') - self), self,
                                           text_begins(href, "./") ? href + 2 : href);

        json_object_set_new(asset, "href", json_string(whole));
    }
}

/* A file:// or absolute path of a stranger must not become a file of ours. */
static void drop_local(json_t *item)
{
    json_t *assets = json_object_get(item, "assets"), *asset;
    const char *key;
    void *next;

    json_object_foreach_safe(assets, next, key, asset) {
        const char *href = json_string_value(json_object_get(asset, "href"));

        if (!href || !text_is_remote(href))
            json_object_del(assets, key);
    }
}

static bool take_item(struct harvest *h, json_t *item, struct err *err)
{
    const char *constellation =
        json_string_value(json_object_get(json_object_get(item, "properties"), "constellation"));
    const char *id = json_string_value(json_object_get(item, "id"));
    AUTO(mem) char *place = mem_printf("%s, item '%.100s'", h->url, id ? id : "?");

    complete_hrefs(item);
    drop_local(item);
    if (constellation && !strcmp(constellation, "sentinel-2"))
        sentinel2_normalise(item);
    json_object_set_new(item, "collection", json_string(h->collection));
    h->taken++;
    return intake_item(h->session.intake, item, &(struct intake_place){ .name = place }, err);
}

static bool take_page(struct harvest *h, const json_t *page, struct err *err)
{
    size_t i;
    json_t *item;

    json_array_foreach(json_object_get(page, "features"), i, item) {
        if (h->taken >= h->limit)
            break;
        if (!take_item(h, item, err))
            return false;
    }
    progress_draw("Harvesting", h->taken, h->limit);
    return true;
}

/* The next page: its address, and for POST its body, which may be merged with the last one. */
static char *next_page(const json_t *page, json_t **body)
{
    size_t i;
    json_t *link;

    json_array_foreach(json_object_get(page, "links"), i, link) {
        const char *rel = json_string_value(json_object_get(link, "rel"));
        const char *href = json_string_value(json_object_get(link, "href"));
        const char *method = json_string_value(json_object_get(link, "method"));
        json_t *more = json_object_get(link, "body");

        if (!rel || !href || strcmp(rel, "next"))
            continue;
        if (!method || strcmp(method, "POST")) {
            json_decref(*body);
            *body = NULL;
        } else if (json_is_true(json_object_get(link, "merge"))) {
            json_object_update(*body, more);
        } else if (more) {
            json_decref(*body);
            *body = json_incref(more);
        }
        return mem_text(href);
    }
    return NULL;
}

static bool first_body(const struct harvest *h, json_t **ret_body, struct err *err)
{
    json_t *body = json_pack("{s:[s],s:i}", "collections", h->collection, "limit", PAGE);
    double box[4];

    *ret_body = body;
    if (h->datetime)
        json_object_set_new(body, "datetime", json_string(h->datetime));
    if (!h->bbox)
        return true;
    if (sscanf(h->bbox, "%lf,%lf,%lf,%lf", &box[0], &box[1], &box[2], &box[3]) != 4)
        return err_set(err, ERR_UsageInvalid, "--bbox: expected W,S,E,N, found '%s'", h->bbox);
    json_object_set_new(body, "bbox", json_pack("[f,f,f,f]", box[0], box[1], box[2], box[3]));
    return true;
}

static bool run_harvest(struct harvest *h, struct err *err)
{
    size_t length = strlen(h->url);
    char *url = mem_printf("%.*s/search", (int)(length - (length && h->url[length - 1] == '/')), h->url);
    AUTO(json) json_t *body = NULL;
    bool good = first_body(h, &body, err);

    while (good && url && h->taken < h->limit) {
        AUTO(json) json_t *page = NULL;
        char *next = NULL;

        good = get(url, body, &page, err) && take_page(h, page, err);
        if (good && json_array_size(json_object_get(page, "features")) > 0)
            next = next_page(page, &body);
        free(url);
        url = next;
    }
    free(url);
    if (good && h->taken == 0)
        return err_set(err, ERR_NotFound, "%s: collection '%s' has no item there", h->url, h->collection);
    return good;
}

static bool take_options(int *argc, char **argv, struct harvest *h, struct err *err)
{
    const char *limit;
    double number = DEFAULT_LIMIT;

    if (!command_take(argc, argv, "--collection", &h->collection, err) ||
        !command_take(argc, argv, "--bbox", &h->bbox, err) ||
        !command_take(argc, argv, "--datetime", &h->datetime, err) ||
        !command_take(argc, argv, "--limit", &limit, err))
        return false;
    if (limit && (!text_to_number(limit, &number) || !(number >= 1 && number <= 1e8)))
        return err_set(err, ERR_UsageInvalid, "--limit: expected a number from 1, found '%s'", limit);
    h->limit = (size_t)number;
    return h->collection || err_set(err, ERR_UsageInvalid, "catalog harvest: --collection is needed");
}

int catalog_harvest(int argc, char **argv)
{
    struct harvest h = { 0 };
    struct err err = { 0 };
    int status;

    if (!take_options(&argc, argv, &h, &err) || !fetch_init(&err) ||
        !catalog_session_open(&argc, argv, &h.session, &err))
        return command_fail(&err);
    if (argc != 2)
        err_set(&err, ERR_UsageInvalid, "catalog harvest: name one STAC API");
    else
        h.url = argv[1];
    if (err.code || !run_harvest(&h, &err)) {
        progress_clear();
        status = command_fail(&err);
        catalog_session_close(&h.session);
    } else {
        status = catalog_session_end(&h.session);
    }
    fetch_done();
    return status;
}
