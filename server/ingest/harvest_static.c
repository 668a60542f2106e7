/* Static files: catalogues and collections that name their children and items by links. The state holds
 * "tags", the entity tag of each file whose items are all stored and which has no children: it is asked
 * for on the condition that it has changed; and "done", the files that the pass under way has finished,
 * which one that was killed need not read again. */
#include "ingest/harvest_parts.h"
#include "base/instant.h"
#include "base/text.h"
#include "json/geojson.h"
#include "json/js.h"
#include <string.h>

enum { DEPTH_MAX = 24, FILES_MAX = 1000000 };

struct walk {
    struct harvest *h;
    json_t *done, *tags;
    json_t *visited; /* of this run: links may go round */
};

/* "a", "a/b", "../b", "a/.." */
static bool meets_time(const char *wanted, const json_t *properties)
{
    const char *at = js_text(properties, "datetime");
    const char *start = js_text(properties, "start_datetime");
    const char *end = js_text(properties, "end_datetime");
    AUTO(mem) char *from = mem_textn(wanted, strcspn(wanted, "/"));
    const char *to = strchr(wanted, '/') ? strchr(wanted, '/') + 1 : from;
    int64_t first, last, ms;

    if (!instant_parse(start ? start : at ? at : "", &first) || !instant_parse(end ? end : at ? at : "", &last))
        return true; /* the intake tells what is wrong */
    return !(instant_parse_date(from, &ms) && last < ms) && !(instant_parse_date(to, &ms) && first > ms);
}

static bool take_item(struct walk *w, const char *url, const char *collection, struct err *err)
{
    const struct harvest_options *o = &w->h->options;
    AUTO(json) json_t *item = NULL;

    if (!remote_ask(w->h->remote, url, NULL, NULL, &item, NULL, err))
        return false;
    if ((o->has_bbox && !geojson_box_meets(o->bbox, json_object_get(item, "bbox"))) ||
        (o->datetime && !meets_time(o->datetime, json_object_get(item, "properties"))))
        return true;
    return harvest_item(w->h, item, url, collection, err);
}

static bool take_items(struct walk *w, const json_t *document, const char *url, const char *collection,
                       struct err *err)
{
    const json_t *link;
    size_t at = 0;

    while (!harvest_full(w->h) && (link = remote_link(document, "item", &at))) {
        AUTO(mem) char *address = remote_resolve(url, js_text(link, "href"));

        if (address && !take_item(w, address, collection, err))
            return false;
    }
    return true;
}

static bool visit(struct walk *w, json_t *document, const char *url, const char *collection, int depth,
                  struct err *err);

static bool visit_child(struct walk *w, const char *url, const char *collection, int depth, struct err *err)
{
    AUTO(json) json_t *child = NULL;
    AUTO(mem) char *etag = NULL;

    if (json_object_get(w->visited, url) || json_object_get(w->done, url) || depth > DEPTH_MAX)
        return true;
    if (json_object_size(w->visited) >= FILES_MAX)
        return err_set(err, ERR_PayloadTooLarge, "%s: more than %d catalogues", w->h->options.url, FILES_MAX);
    json_object_set_new(w->visited, url, json_true());
    if (!remote_ask(w->h->remote, url, NULL, js_text(w->tags, url), &child, &etag, err))
        return false;
    if (!child) /* unchanged since its items were stored */
        return true;
    if (!visit(w, child, url, collection, depth, err))
        return false;
    if (harvest_full(w->h))
        return true;
    if (etag && !remote_link(child, "child", &(size_t){ 0 }))
        json_object_set_new(w->tags, url, json_string(etag));
    json_object_set_new(w->done, url, json_true());
    harvest_mark(w->h);
    return true;
}

static bool visit(struct walk *w, json_t *document, const char *url, const char *collection, int depth,
                  struct err *err)
{
    const char *type = js_text(document, "type");
    const char *id = js_text(document, "id");
    bool is_collection = type ? !strcmp(type, "Collection") : json_object_get(document, "extent") != NULL;
    AUTO(mem) char *name = mem_text(is_collection ? id : collection);
    AUTO(json) json_t *links = json_pack("{s:O?}", "links", json_object_get(document, "links"));
    const json_t *link;
    size_t at = 0;

    if (is_collection && id && harvest_wants(w->h, id) && !harvest_collection(w->h, document, err))
        return false;
    if (name && harvest_wants(w->h, name) && !take_items(w, links, url, name, err))
        return false;
    while (!harvest_full(w->h) && (link = remote_link(links, "child", &at))) {
        AUTO(mem) char *address = remote_resolve(url, js_text(link, "href"));

        if (address && !visit_child(w, address, name, depth + 1, err))
            return false;
    }
    return true;
}

bool harvest_static(struct harvest *h, json_t *root, struct err *err)
{
    AUTO(json) json_t *visited = json_object();
    struct walk walk = { .h = h, .done = harvest_part(h->state, "done"), .tags = harvest_part(h->state, "tags"),
                         .visited = visited };

    json_object_set_new(visited, h->options.url, json_true());
    if (!visit(&walk, root, h->options.url, NULL, 0, err))
        return false;
    if (!harvest_full(h)) /* the pass is over */
        json_object_clear(walk.done);
    harvest_mark(h);
    return true;
}
