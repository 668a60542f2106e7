/* Collections: the list that is also a search, one by its id, and the list of children, which are the
 * same collections. */
#include "api/common/build.h"
#include "api/stac/language.h"
#include "api/stac/stac.h"
#include "api/stac/write.h"
#include "json/js_text.h"
#include "store/collection_search.h"
#include "store/queryables.h"
#include "store/stac_text.h"
#include <inttypes.h>
#include <string.h>


void stac_add_collection(struct text *out, const struct request *rq, const char *id, const char *kept)
{
    AUTO(text) struct text links = { 0 };

    stac_link(&links, rq, "self", "application/json", "collections", id, NULL);
    stac_link(&links, rq, "parent", "application/json", NULL);
    stac_link(&links, rq, "root", "application/json", NULL);
    stac_link(&links, rq, "items", STAC_GEOJSON, "collections", id, "items", NULL);
    stac_link(&links, rq, "alternate", "application/atom+xml", "collections", id, "feed.atom", NULL);
    stac_link(&links, rq, "child", "application/json", "collections", id, "browse", NULL);
    stac_link(&links, rq, "children", "application/json", "collections", id, "children", NULL);
    stac_link(&links, rq, OGC_REL "queryables", STAC_SCHEMA, "collections", id, "queryables", NULL);
    stac_link(&links, rq, OGC_REL "sortables", STAC_SCHEMA, "collections", id, "sortables", NULL);
    stac_link(&links, rq, "aggregate", "application/json", "collections", id, "aggregate", NULL);
    stac_link(&links, rq, "aggregations", "application/json", "collections", id, "aggregations", NULL);
    /* what OGC API - Features has as its default; some clients want it said */
    if (*kept == '{' && !strstr(kept, "\"itemType\":")) {
        text_add(out, "{\"itemType\":\"feature\",");
        kept++;
    }
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

/* ---- the search ---- */

static bool check(struct search_params *p, struct collection_query *query, struct err *err)
{
    const struct queryable_list *list = collection_queryables();
    struct collection_sort *sorts = arena_array(p->arena, SEARCH_MAX_SORTS, sizeof *sorts);
    AUTO(text) struct text names = { 0 };

    if (p->filter && !cql2_check(p->filter, queryable_find, (void *)list, p->arena, err))
        return false;
    for (size_t i = 0; i < p->search.n_sorts; i++) {
        const char *name = p->search.sorts[i].property;
        bool found = false;

        for (size_t k = 0; k < list->count && !found; k++)
            found = list->all[k].sortable && !strcmp(list->all[k].property.name, name);
        for (size_t k = 0; !found && k < list->count; k++)
            if (list->all[k].sortable)
                text_printf(&names, "%s%s", names.length ? ", " : "", list->all[k].property.name);
        if (!found)
            return err_set(err, ERR_InvalidParameter, "sortby: expected one of %s, found '%.60s'", names.data,
                           name);
        sorts[i] = (struct collection_sort){ name, p->search.sorts[i].descending };
    }
    query->sorts = sorts;
    query->n_sorts = p->search.n_sorts;
    query->filter = p->filter;
    return true;
}

static bool search(struct request *rq, struct search_params *p, struct collection_page *page,
                   struct err *err)
{
    const struct item_conditions *where = &p->search.where;
    struct collection_query query = { 0 };

    if (!stac_read(rq, PARAMS_COLLECTIONS, NULL, p, err) || !check(p, &query, err))
        return false;
    query.viewer = where->viewer;
    query.start = where->start;
    query.end = where->end;
    query.geometry = where->geometry;
    query.words = where->words;
    query.after = p->search.after;
    query.backwards = p->search.backwards;
    query.limit = p->search.limit;
    return collections_search(rq->db, rq->arena, &query, page, err);
}

static void add_page_link(struct text *body, struct request *rq, const char *rel, const char *token)
{
    text_printf(body, ",{\"rel\":\"%s\",\"type\":\"application/json\",\"href\":\"%s\"}", rel,
                href_with(rq, "token", token));
}

static void add_links(struct text *body, struct request *rq, const struct search_params *p,
                      const struct collection_page *page)
{
    bool next = page->backwards ? page->count > 0 : page->more;
    bool prev = page->backwards ? page->more : p->search.after && page->count > 0;

    text_printf(body, ",\"links\":[{\"rel\":\"self\",\"type\":\"application/json\",\"href\":\"%s\"},"
                      "{\"rel\":\"alternate\",\"type\":\"text/html\",\"href\":\"%s\"}",
                href_with(rq, "", NULL), href_with(rq, "f", "html"));
    stac_link(body, rq, "root", "application/json", NULL);
    stac_link(body, rq, "parent", "application/json", NULL);
    stac_link(body, rq, OGC_REL "queryables", STAC_SCHEMA, "collections-queryables", NULL);
    stac_link(body, rq, OGC_REL "sortables", STAC_SCHEMA, "collections-sortables", NULL);
    if (next)
        add_page_link(body, rq, "next",
                      params_token(p, collection_page_cursor(page, page->count - 1, rq->arena), false));
    if (prev)
        add_page_link(body, rq, "prev", params_token(p, collection_page_cursor(page, 0, rq->arena), true));
    text_add(body, "]}");
}

static void collection_page_drop(struct collection_page *page)
{
    collection_page_done(page);
}

static bool list(struct request *rq, struct reply *reply, const char *member, struct err *err)
{
    AUTO(collection_page) struct collection_page page = { 0 };
    AUTO(text) struct text body = { 0 };
    struct search_params p;

    if (!search(rq, &p, &page, err))
        return false;
    text_printf(&body, "{\"%s\":[", member);
    for (size_t i = 0; i < page.count; i++) {
        struct collection_row row = collection_page_row(&page, i);
        size_t begin;

        if (i)
            text_add(&body, ",");
        begin = body.length;
        stac_add_collection(&body, rq, row.id, row.text);
        if (p.fields && !cut_to_fields(&body, begin, p.fields, err))
            return false;
    }
    text_printf(&body, "],\"numberMatched\":%" PRId64 ",\"numberReturned\":%zu", page.matched, page.count);
    add_links(&body, rq, &p, &page);
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
    write_tag(rq, reply, kept, NULL);
    return stac_send(rq, reply, &body, "application/json", html_collection, err);
}
