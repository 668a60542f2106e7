/* What can be asked for and sorted by, as JSON Schema; and the check of filters and orders against it.
 * What the process knows is tried first: the database is only asked again before something is refused. */
#include "api/common/build.h"
#include "api/stac/language.h"
#include "api/stac/stac.h"
#include "store/collection_search.h"
#include "store/queryables.h"
#include <string.h>

#define SCHEMA_VERSION "https://json-schema.org/draft/2020-12/schema"

/* ---- checking ---- */

/* A search over the whole catalogue may name what any collection has, whichever it is narrowed to: as
 * its own document of queryables says. */
static bool load(struct request *rq, const struct search_params *p, bool fresh,
                 struct queryable_list *ret_list, struct err *err)
{
    const struct item_conditions *where = &p->search.where;
    bool of_one = p->where & (PARAMS_ITEMS | PARAMS_COLLECTION_AGGREGATE);
    struct queryable *all;

    if (!queryables_names(rq->db, rq->arena, where->viewer, of_one, of_one ? where->collections : NULL, fresh,
                          &all, &ret_list->count, err))
        return false;
    ret_list->all = all;
    return true;
}

static bool refuse_sort(const struct queryable_list *list, const char *name, bool known, struct err *err)
{
    AUTO(text) struct text near = { 0 };

    if (known)
        return err_set(err, ERR_InvalidParameter, "sortby: '%.60s' has no order", name);
    for (size_t i = 0; i < list->count; i++)
        if (list->all[i].sortable && text_is_near(name, list->all[i].property.name))
            text_printf(&near, "%s%s", near.length ? " or " : "; did you mean ",
                        list->all[i].property.name);
    return err_set(err, ERR_InvalidParameter,
                   "sortby: there is no property '%.60s' to sort by%s%s", name,
                   near.length ? near.data : "; see ", near.length ? "?" : "/stac/sortables");
}

static bool check_sorts(struct search_params *p, const struct queryable_list *list, struct err *err)
{
    struct item_sort *sorts = arena_array(p->arena, SEARCH_MAX_SORTS, sizeof *sorts);

    for (size_t i = 0; i < p->search.n_sorts; i++) {
        const struct queryable *found = NULL;

        sorts[i] = p->search.sorts[i];
        for (size_t k = 0; k < list->count && !found; k++)
            if (!strcmp(list->all[k].property.name, sorts[i].property))
                found = &list->all[k];
        if (!item_sort_is_column(sorts[i].property) && (!found || !found->sortable))
            return refuse_sort(list, sorts[i].property, found != NULL, err);
        sorts[i].type = found ? found->property.type : CQL2_TYPE_ANY;
    }
    p->search.sorts = sorts;
    return true;
}

static bool check(struct search_params *p, struct queryable_list *list, struct err *err)
{
    if (p->filter && !cql2_check(p->filter, queryable_find, list, p->arena, err))
        return text_begins(err->message, "character ") ? err_prefix(err, "filter") : false;
    return check_sorts(p, list, err);
}

bool stac_check(struct request *rq, struct search_params *params, struct err *err)
{
    bool needed = params->filter != NULL;
    struct queryable_list list;
    struct err first = { 0 };

    for (size_t i = 0; i < params->search.n_sorts; i++)
        needed |= !item_sort_is_column(params->search.sorts[i].property);
    if (!needed)
        return true;
    if (!load(rq, params, false, &list, err))
        return false;
    if (!check(params, &list, &first) &&
        (!load(rq, params, true, &list, err) || !check(params, &list, err)))
        return false;
    params->search.where.filter = params->filter;
    return true;
}

/* ---- documents ---- */

static const struct { const char *type, *format; } types[] = {
    [CQL2_TYPE_ANY] = { NULL, NULL },           [CQL2_TYPE_BOOLEAN] = { "boolean", NULL },
    [CQL2_TYPE_NUMBER] = { "number", NULL },    [CQL2_TYPE_STRING] = { "string", NULL },
    [CQL2_TYPE_TIMESTAMP] = { "string", "date-time" }, [CQL2_TYPE_DATE] = { "string", "date" },
    [CQL2_TYPE_INTERVAL] = { "string", NULL },  [CQL2_TYPE_GEOMETRY] = { NULL, "geometry-any" },
    [CQL2_TYPE_ARRAY] = { "array", NULL },
};

static json_t *schema_of(const struct queryable *q)
{
    json_t *schema = json_object();
    enum cql2_type type = q->is_array ? CQL2_TYPE_ARRAY : q->property.type;

    put_text(schema, "title", q->title ? q->title : q->property.name);
    put_text(schema, "$ref", q->schema);
    put_text(schema, "type", types[type].type);
    put_text(schema, "format", types[type].format);
    if (q->n_values) {
        json_t *values = json_array();

        for (size_t i = 0; i < q->n_values; i++)
            json_array_append_new(values, json_string(q->values[i]));
        json_object_set_new(schema, "enum", values);
    }
    if (q->has_range) {
        json_object_set_new(schema, "minimum", json_real(q->least));
        json_object_set_new(schema, "maximum", json_real(q->most));
    }
    return schema;
}

static json_t *document(const struct request *rq, const struct queryable_list *list, enum say title,
                        const char *href, bool sortables)
{
    json_t *properties = json_object();

    for (size_t i = 0; i < list->count; i++)
        if (!sortables || list->all[i].sortable)
            json_object_set_new(properties, list->all[i].property.name, schema_of(&list->all[i]));
    return json_pack("{s:s,s:s,s:s,s:s,s:o,s:b}", "$schema", SCHEMA_VERSION, "$id", href, "type", "object",
                     "title", say(rq, title), "properties", properties, "additionalProperties", 0);
}

static bool send(struct request *rq, struct reply *reply, const struct queryable_list *list,
                 enum say title, const char *path, bool sortables, struct err *err)
{
    static const char *const names[] = { "collections", NULL };

    if (!stac_only(rq, names, err))
        return false;
    language_reply(rq, reply);
    return stac_send_json(rq, reply, document(rq, list, title, href_of(rq, "%s", path), sortables),
                          STAC_SCHEMA, html_schema, err);
}

/* Of all collections, or of those of the parameter `collections`. */
static bool of_all(struct request *rq, struct reply *reply, enum say title, const char *path, bool sortables,
                   struct err *err)
{
    const char *names = request_query(rq, "collections");
    struct search_params params;
    struct queryable_list list;
    struct queryable *all;

    params_init(&params, PARAMS_SEARCH, 1, 1, rq->arena);
    if (names && !params_from_query(&params, "collections", names, err))
        return false;
    if (!queryables_load(rq->db, rq->arena, stac_viewer(rq), params.search.where.n_collections,
                         params.search.where.collections, true, &all, &list.count, err))
        return false;
    list.all = all;
    return send(rq, reply, &list, title, path, sortables, err);
}

static bool load_collection(struct request *rq, const char *id, struct queryable_list *ret_list, struct err *err)
{
    struct queryable *all;
    const char *unused;

    if (!collection_text(rq->db, rq->arena, stac_viewer(rq), id, &unused, err) ||
        !queryables_load(rq->db, rq->arena, stac_viewer(rq), 1, &id, true, &all, &ret_list->count, err))
        return false;
    ret_list->all = all;
    return true;
}

static bool of_collection(struct request *rq, struct reply *reply, enum say title, const char *name,
                          bool sortables, struct err *err)
{
    const char *id = request_variable(rq, "collectionId");
    AUTO(text) struct text path = { 0 };
    struct queryable_list list;

    if (!load_collection(rq, id, &list, err))
        return false;
    text_add(&path, STAC_ROOT "/collections/");
    text_add_url(&path, id, "");
    text_printf(&path, "/%s", name);
    return send(rq, reply, &list, title, path.data, sortables, err);
}

bool stac_collection_queryables(struct request *rq, const char *id, const char *href, json_t **ret_document,
                                struct err *err)
{
    struct queryable_list list;

    if (!load_collection(rq, id, &list, err))
        return false;
    *ret_document = document(rq, &list, SAY_queryables, href, false);
    return true;
}

bool stac_queryables_get(struct request *rq, struct reply *reply, struct err *err)
{
    return of_all(rq, reply, SAY_queryables, STAC_ROOT "/queryables", false, err);
}

bool stac_sortables_get(struct request *rq, struct reply *reply, struct err *err)
{
    return of_all(rq, reply, SAY_sortables, STAC_ROOT "/sortables", true, err);
}

bool stac_collection_queryables_get(struct request *rq, struct reply *reply, struct err *err)
{
    return of_collection(rq, reply, SAY_queryables, "queryables", false, err);
}

bool stac_collection_sortables_get(struct request *rq, struct reply *reply, struct err *err)
{
    return of_collection(rq, reply, SAY_sortables, "sortables", true, err);
}

/* What a search of the collections themselves may name. */
bool stac_searched_queryables_get(struct request *rq, struct reply *reply, struct err *err)
{
    return send(rq, reply, collection_queryables(), SAY_queryables, STAC_ROOT "/collections-queryables",
                false, err);
}

bool stac_searched_sortables_get(struct request *rq, struct reply *reply, struct err *err)
{
    return send(rq, reply, collection_queryables(), SAY_sortables, STAC_ROOT "/collections-sortables", true,
                err);
}
