/* The state that the database remembers is an object: for an API {"collections": {ID: {...}}} (see
 * harvest_api.c), for static files {"done": {...}, "tags": {...}} (see harvest_static.c). It is written in
 * the transaction of the items that it speaks of, so a harvest that is killed goes on exactly there. */
#include "ingest/harvest_parts.h"
#include "base/text.h"
#include "ingest/sentinel2.h"
#include "json/js.h"
#include "json/js_text.h"
#include "store/collections.h"
#include "store/progress.h"
#include "store/stac_text.h"
#include <string.h>

enum { TRIES = 6 };

/* Another selection is another harvest. */
static char *name_source(const struct harvest_options *o)
{
    struct text name = { 0 };

    text_printf(&name, "harvest %s", o->url);
    for (size_t i = 0; i < o->n_collections; i++)
        text_printf(&name, "%s%s", i ? "," : " collections=", o->collections[i]);
    if (o->has_bbox)
        text_printf(&name, " bbox=%.9g,%.9g,%.9g,%.9g", o->bbox[0], o->bbox[1], o->bbox[2], o->bbox[3]);
    if (o->datetime)
        text_printf(&name, " datetime=%s", o->datetime);
    return text_take(&name);
}

bool harvest_new(struct db *db, struct intake *intake, const struct harvest_options *options,
                 struct harvest **ret_harvest, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct harvest *h = MEM_NEW(struct harvest);
    const char *state = NULL;

    h->db = db;
    h->intake = intake;
    h->options = *options;
    h->source = name_source(options);
    h->remote = remote_new(&(struct remote_options){ .url = options->url, .other_hosts = options->other_hosts,
                                                     .per_second = options->per_second, .tries = TRIES });
    if (!progress_get(db, arena, h->source, &state, err) ||
        (state && !js_parse(state, strlen(state), JS_DEFAULT_DEPTH, &h->state, err))) {
        harvest_free(h);
        return false;
    }
    if (!h->state)
        h->state = json_object();
    intake_remember(intake, h->source);
    *ret_harvest = h;
    return true;
}

void harvest_free(struct harvest *h)
{
    if (!h)
        return;
    remote_free(h->remote);
    json_decref(h->state);
    free(h->source);
    free(h);
}

size_t harvest_taken(const struct harvest *h)
{
    return h->taken;
}

bool harvest_pass(struct harvest *h, struct err *err)
{
    AUTO(json) json_t *root = NULL;

    h->taken = h->expected = 0;
    if (!remote_ask(h->remote, h->options.url, NULL, NULL, &root, NULL, err))
        return false;
    if (json_is_array(json_object_get(root, "conformsTo")) || remote_link(root, "search", &(size_t){ 0 }))
        return harvest_api(h, root, err) && intake_flush(h->intake, err);
    if (json_is_string(json_object_get(root, "stac_version")))
        return harvest_static(h, root, err) && intake_flush(h->intake, err);
    return err_set(err, ERR_BadRequest, "%s: expected a STAC API or a STAC catalogue, found neither",
                   h->options.url);
}

/* ---- shared ---- */

bool harvest_wants(const struct harvest *h, const char *collection)
{
    for (size_t i = 0; i < h->options.n_collections; i++)
        if (!strcmp(h->options.collections[i], collection))
            return true;
    return h->options.n_collections == 0;
}

bool harvest_full(const struct harvest *h)
{
    return h->options.limit && h->taken >= h->options.limit;
}

json_t *harvest_part(json_t *state, const char *name)
{
    json_t *part = json_object_get(state, name);

    if (!json_is_object(part)) {
        part = json_object();
        json_object_set_new(state, name, part);
    }
    return part;
}

void harvest_mark(struct harvest *h)
{
    AUTO(text) struct text text = { 0 };

    js_text_add(&text, h->state);
    intake_mark(h->intake, text.data);
}

bool harvest_item(struct harvest *h, json_t *item, const char *url, const char *collection,
                  struct err *err)
{
    const json_t *properties = json_object_get(item, "properties");
    const char *constellation = js_text(properties, "constellation");
    const char *id = js_text(item, "id");
    const json_t *self = remote_link(item, "self", &(size_t){ 0 });
    AUTO(mem) char *place = mem_printf("%s, item '%.100s'", url, id ? id : "?");
    AUTO(mem) char *base = remote_resolve(url, js_text(self, "href"));

    if (!json_is_object(item))
        return js_refuse(item, url, "an item", err);
    remote_complete(item, base ? base : url);
    if (constellation && !strcmp(constellation, "sentinel-2"))
        sentinel2_normalise(item);
    if (collection && !json_object_get(item, "collection"))
        json_object_set_new(item, "collection", json_string(collection));
    h->taken++;
    if (h->options.progress)
        h->options.progress(h->options.context, h->taken, h->expected);
    return intake_item(h->intake, item, &(struct intake_place){ .name = place }, err);
}

bool harvest_collection(struct harvest *h, json_t *collection, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    const char *id = js_text(collection, "id"), *text = NULL;
    AUTO(json) json_t *ours = NULL;
    struct err ignored = { 0 };
    const char *from;

    if (id && collection_text(h->db, arena, NULL, id, &text, &ignored) &&
        !stac_text_parse(text, &ours, err))
        return false;
    from = js_text(ours, "sentier:harvested");
    if (ours && !json_is_true(json_object_get(ours, "sentier:made")) &&
        (!from || strcmp(from, h->options.url)))
        return true;
    remote_complete(collection, h->options.url);
    json_object_set_new(collection, "sentier:harvested", json_string(h->options.url));
    return intake_collection(h->intake, collection, id ? id : h->options.url, err);
}
