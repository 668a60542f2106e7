/* The landing page: what there is and where, from one table of links. */
#include "api/common/build.h"
#include "api/stac/language.h"
#include "api/stac/stac.h"
#include <string.h>


static const struct door { const char *rel, *path, *media, *method; enum say title; } doors[] = {
    { "root", STAC_ROOT, "application/json", NULL, SAY_this_catalogue },
    { "alternate", STAC_ROOT "?f=html", "text/html", NULL, SAY_as_page },
    { "conformance", STAC_ROOT "/conformance", "application/json", NULL, SAY_conformance },
    { OGC_REL "conformance", STAC_ROOT "/conformance", "application/json", NULL, SAY_conformance },
    { "data", STAC_ROOT "/collections", "application/json", NULL, SAY_collections },
    { OGC_REL "data", STAC_ROOT "/collections", "application/json", NULL, SAY_collections },
    { "children", STAC_ROOT "/children", "application/json", NULL, SAY_children },
    { "search", STAC_ROOT "/search", STAC_GEOJSON, "GET", SAY_search },
    { "search", STAC_ROOT "/search", STAC_GEOJSON, "POST", SAY_search },
    { OGC_REL "queryables", STAC_ROOT "/queryables", STAC_SCHEMA, NULL, SAY_queryables },
    { OGC_REL "sortables", STAC_ROOT "/sortables", STAC_SCHEMA, NULL, SAY_sortables },
    { OGC_REL "functions", STAC_ROOT "/functions", "application/json", NULL, SAY_functions },
    { "aggregate", STAC_ROOT "/aggregate", "application/json", "GET", SAY_aggregate },
    { "aggregate", STAC_ROOT "/aggregate", "application/json", "POST", SAY_aggregate },
    { "aggregations", STAC_ROOT "/aggregations", "application/json", NULL, SAY_aggregations },
    { "monitor", STAC_ROOT "/changes", "application/json", NULL, SAY_changes },
    { "monitor", STAC_ROOT "/changes/stream", "text/event-stream", NULL, SAY_changes_stream },
    { "service-desc", "/api/stac", STAC_OPENAPI, NULL, SAY_api_description },
    { "service-doc", "/api/stac?f=html", "text/html", NULL, SAY_api_documentation },
};

static void add_door(json_t *links, struct request *rq, const struct door *door, const char *language)
{
    link_add(links, door->rel, href_of(rq, "%s", door->path), door->media, say(rq, door->title));
    if (door->method)
        json_object_set_new(json_array_get(links, json_array_size(links) - 1), "method",
                            json_string(door->method));
    if (door->rel[0] == 'r' || door->rel[0] == 's')
        json_object_set_new(json_array_get(links, json_array_size(links) - 1), "hreflang",
                            json_string(language));
}

/* The same page in the languages that it is not in. */
static void add_languages(json_t *links, struct request *rq)
{
    for (int i = 0; i < LANGUAGES; i++) {
        if (i == (int)language_of(rq))
            continue;
        json_array_append_new(links, json_pack("{s:s,s:s,s:s,s:s,s:s}", "rel", "alternate", "type",
                                               "application/json", "href",
                                               href_of(rq, STAC_ROOT "?language=%s", languages[i].code),
                                               "hreflang", languages[i].code, "title", languages[i].name));
    }
}

bool stac_landing_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *language = languages[language_of(rq)].code, *const *ids;
    size_t count;
    json_t *links, *landing;

    if (!stac_only(rq, NULL, err) ||
        !collection_ids(rq->db, rq->arena, stac_viewer(rq), &ids, &count, err))
        return false;
    links = json_array();
    link_add(links, "self", href_with(rq, "", NULL), "application/json", say(rq, SAY_this_catalogue));
    json_object_set_new(json_array_get(links, 0), "hreflang", json_string(language));
    for (size_t i = 0; i < ARRAY_LEN(doors); i++)
        add_door(links, rq, &doors[i], language);
    add_languages(links, rq);
    for (size_t i = 0; i < count; i++)
        link_add(links, "child", href_of(rq, STAC_ROOT "/collections/%s", ids[i]), "application/json",
                 ids[i]);
    landing = json_pack("{s:s,s:s,s:[s],s:s,s:s,s:s}", "type", "Catalog", "stac_version", "1.0.0",
                        "stac_extensions", "https://stac-extensions.github.io/language/v1.0.0/schema.json",
                        "id", "sentier", "title", say(rq, SAY_title), "description",
                        say(rq, SAY_description));
    language_put(landing, rq);
    json_object_set_new(landing, "conformsTo", stac_conforms_to());
    json_object_set_new(landing, "links", links);
    language_reply(rq, reply);
    return stac_send_json(rq, reply, landing, "application/json", html_landing, err);
}
