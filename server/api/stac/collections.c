/* Collections: the list that is also a search, one by its id, and the list of children, which are the
 * same collections. */
#include "api/common/build.h"
#include "api/stac/language.h"
#include "api/stac/stac.h"
#include "json/js_text.h"
#include "store/stac_text.h"
#include <string.h>

#define OGC_REL(name) "http://www.opengis.net/def/rel/ogc/1.0/" name

void stac_add_collection(struct text *out, const struct request *rq, const char *id, const char *kept)
{
    AUTO(text) struct text links = { 0 };

    stac_link(&links, rq, "self", "application/json", "collections", id, NULL);
    stac_link(&links, rq, "parent", "application/json", NULL);
    stac_link(&links, rq, "root", "application/json", NULL);
    stac_link(&links, rq, "items", STAC_GEOJSON, "collections", id, "items", NULL);
    stac_link(&links, rq, OGC_REL("queryables"), STAC_SCHEMA, "collections", id, "queryables", NULL);
    stac_link(&links, rq, OGC_REL("sortables"), STAC_SCHEMA, "collections", id, "sortables", NULL);
    stac_text_send(out, kept, rq->base_url, links.data);
}

static bool cut_to_fields(struct text *out, size_t begin, const struct fields *fields, struct err *err)
{
    AUTO(json) json_t *collection = NULL;

    if (!js_parse(out->data + begin, out->length - begin, JS_DEFAULT_DEPTH, &collection, err))
        return false;
    fields_apply(fields, collection);
    out->length = begin;
    js_text_add(out, collection);
    return true;
}

static bool list(struct request *rq, struct reply *reply, const char *member, struct err *err)
{
    AUTO(text) struct text body = { 0 };
    struct search_params p;
    struct collection_row *rows;
    size_t count;

    if (!stac_read(rq, PARAMS_COLLECTIONS, NULL, &p, err) ||
        !collection_list(rq->db, rq->arena, stac_viewer(rq), p.search.after ? p.search.after->id : NULL,
                         p.search.limit + 1, &rows, &count, err))
        return false;
    text_printf(&body, "{\"%s\":[", member);
    for (size_t i = 0; i < count && i < (size_t)p.search.limit; i++) {
        size_t begin;

        if (i)
            text_add(&body, ",");
        begin = body.length;
        stac_add_collection(&body, rq, rows[i].id, rows[i].text);
        if (p.fields && !cut_to_fields(&body, begin, p.fields, err))
            return false;
    }
    text_printf(&body, "],\"links\":[{\"rel\":\"self\",\"type\":\"application/json\",\"href\":\"%s\"},"
                       "{\"rel\":\"alternate\",\"type\":\"text/html\",\"href\":\"%s\"}",
                href_with(rq, "", NULL), href_with(rq, "f", "html"));
    stac_link(&body, rq, "root", "application/json", NULL);
    stac_link(&body, rq, "parent", "application/json", NULL);
    if (count > (size_t)p.search.limit) {
        struct item_cursor last = { .datetime = "", .id = rows[p.search.limit - 1].id };

        text_printf(&body, ",{\"rel\":\"next\",\"type\":\"application/json\",\"href\":\"%s\"}",
                    href_with(rq, "token", params_token(&p, &last, false)));
    }
    text_add(&body, "]}");
    return stac_send(rq, reply, &body, "application/json", html_collections, err);
}

bool stac_collections_get(struct request *rq, struct reply *reply, struct err *err)
{
    return list(rq, reply, "collections", err);
}

bool stac_children_get(struct request *rq, struct reply *reply, struct err *err)
{
    return list(rq, reply, "children", err);
}

bool stac_collection_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "collectionId"), *kept;
    AUTO(text) struct text body = { 0 };

    if (!stac_only(rq, NULL, err) ||
        !collection_text(rq->db, rq->arena, stac_viewer(rq), id, &kept, err))
        return false;
    stac_add_collection(&body, rq, id, kept);
    return stac_send(rq, reply, &body, "application/json", html_collection, err);
}
