/* Web services: create, list, read, change, delete. Their tiles are in tiles.c and wmts.c. */
#include "api/openeo/services.h"
#include "api/common/build.h"
#include "api/common/run.h"
#include "api/openeo/openeo.h"
#include "base/text.h"
#include "jobs/url.h"
#include "store/catalog.h"
#include "store/tile_cache.h"
#include <math.h>
#include <string.h>
#include <strings.h>

/* ---- types ---- */

static const struct service_type {
    const char *name, *title, *description, *about, *url;
} types[] = {
    { "xyz", "Tiles (XYZ)", "PNG tiles of 256 pixels in Web Mercator, as web maps ask for them.",
      "https://wiki.openstreetmap.org/wiki/Slippy_map_tilenames", "/xyz/%s/{z}/{x}/{y}.png" },
    { "wmts", "OGC Web Map Tile Service", "WMTS 1.0.0, by query and by path, with the same tiles.",
      "https://www.ogc.org/standards/wmts", "/wmts/%s" },
};

static const struct service_type *type_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (!strcasecmp(types[i].name, name))
            return &types[i];
    return NULL;
}

static json_t *setting_json(const char *type, const char *description)
{
    return json_pack("{s:s, s:s, s:s, s:b}", "type", type, "subtype", "service-setting", "description", description,
                     "required", 0);
}

static json_t *settings_json(void)
{
    json_t *range = setting_json("array", "The values that are shown as 0 and 255, those between in proportion. Without it "
                                          "numbers are shown as they are, limited to 0..255. Of no effect when the "
                                          "process saves a PNG with options.");
    json_t *access = setting_json("string", "public: whoever knows the address sees the service. key: the address has a "
                                            "key, too, which can be changed. owner: only with your own token.");

    json_object_update_new(range, json_pack("{s:i, s:i, s:{s:s}}", "minItems", 2, "maxItems", 2, "items", "type", "number"));
    json_object_update_new(access, json_pack("{s:[s, s, s], s:s}", "enum", "public", "key", "owner", "default", "public"));
    return json_pack("{s:o, s:o, s:o, s:o}", "range", range, "colormap",
                     setting_json("object", "Of one band: numbers from 0 to 255 (after range) with their red, green, blue "
                                            "and, if wanted, alpha. Of no effect when the process saves a PNG with "
                                            "options."),
                     "access", access, "key_name",
                     setting_json("string", "A name for the key of the address: another name makes another key, and "
                                            "the former one opens nothing any more."));
}

static json_t *side(const char *description)
{
    return json_pack("{s:s, s:s}", "type", "number", "description", description);
}

static json_t *parameters_json(void)
{
    return json_pack("[{s:s, s:s, s:{s:s, s:s, s:[s, s, s, s], s:{s:o, s:o, s:o, s:o}}}]", "name", "spatial_extent",
                     "description",
                     "The area of the tile, for load_collection: less is then read. A process that does not use it is "
                     "cut to the tile, too.", "schema", "type", "object", "subtype", "bounding-box", "required",
                     "west", "south", "east", "north", "properties", "west", side("West, degrees."), "south",
                     side("South, degrees."), "east", side("East, degrees."), "north", side("North, degrees."));
}

/* GET /service_types */
bool openeo_service_types_get(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *body = json_object();

    (void)rq, (void)err;
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        json_object_set_new(body, types[i].name,
                            json_pack("{s:s, s:s, s:o, s:o, s:[{s:s, s:s, s:s}]}", "title", types[i].title,
                                      "description", types[i].description, "configuration", settings_json(),
                                      "process_parameters", parameters_json(), "links", "href", types[i].about, "rel",
                                      "about", "title", types[i].title));
    return reply_json(reply, 200, body, NULL);
}

/* ---- what is sent ---- */

struct service_body {
    const char *title, *description, *type, *plan, *log_level;
    json_t *process, *configuration;
    bool enabled;
    double budget;
};

static const char *const log_levels[] = { "error", "warning", "info", "debug", NULL };

#define FIELDS(type_optional, process_optional)                                                    \
    JS_STRING(struct service_body, title, .optional = true, .nullable = true, .max_len = 1000),    \
    JS_STRING(struct service_body, description, .optional = true, .nullable = true, .max_len = 100000), \
    JS_STRING(struct service_body, type, .optional = type_optional),                               \
    JS_OBJECT(struct service_body, process, .optional = process_optional),                         \
    JS_OBJECT(struct service_body, configuration, .optional = true, .nullable = true),             \
    JS_BOOLEAN(struct service_body, enabled, .optional = true, .nullable = true, .fallback_number = 1), \
    JS_STRING(struct service_body, plan, .optional = true, .nullable = true),                      \
    JS_NUMBER(struct service_body, budget, 0, INFINITY, .optional = true, .nullable = true),       \
    JS_STRING(struct service_body, log_level, .optional = true, .nullable = true, .choice = log_levels), \
    JS_END

static const struct js_field create_fields[] = { FIELDS(false, false) }, change_fields[] = { FIELDS(true, true) };

static bool is_access(const char *text)
{
    return text && (!strcmp(text, "public") || !strcmp(text, "key") || !strcmp(text, "owner"));
}

static bool check_setting(const char *key, const json_t *value, struct err *err)
{
    const json_t *least = json_array_get(value, 0), *most = json_array_get(value, 1);

    if (!strcmp(key, "range"))
        return (json_array_size(value) == 2 && json_is_number(least) && json_is_number(most) &&
                json_number_value(least) < json_number_value(most)) ||
               err_set(err, ERR_ServiceConfigInvalid,
                       "/configuration/range: expected two numbers, the first one less than the second one");
    if (!strcmp(key, "colormap"))
        return (json_is_object(value) && json_object_size(value) > 0) ||
               err_set(err, ERR_ServiceConfigInvalid,
                       "/configuration/colormap: expected an object of numbers with their colours, found %s",
                       json_is_object(value) ? "an empty one" : js_type_name(value));
    if (!strcmp(key, "access"))
        return is_access(json_string_value(value)) ||
               err_set(err, ERR_ServiceConfigInvalid, "/configuration/access: expected public, key or owner");
    if (!strcmp(key, "key_name"))
        return text_is_plain_name(json_string_value(value), 60) ||
               err_set(err, ERR_ServiceConfigInvalid,
                       "/configuration/key_name: expected letters, digits, underscores and hyphens");
    return err_set(err, ERR_ServiceConfigUnsupported,
                   "/configuration/%.60s: there is no such setting; there are range, colormap, access and key_name", key);
}

static bool check_configuration(const json_t *configuration, struct err *err)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)configuration, key, value)
        if (!check_setting(key, value, err))
            return false;
    return true;
}

/* As a tile of it will be planned. */
static bool check_process(struct request *rq, const json_t *process, const json_t *configuration, struct err *err)
{
    struct catalog_viewer viewer = { .db = rq->db, .user = rq->user->id };
    struct catalog catalog = catalog_store(&viewer);
    const struct url_reader reader = { .config = rq->config, .db = rq->db, .user = viewer.user };
    const struct tile world = { 0, 0, 0 };
    AUTO(json) json_t *options = service_picture_options(configuration);
    struct picture_wish wish = { .grid = service_tile_grid(&world), .options = options };
    AUTO(json) json_t *arguments = service_arguments(process, &world);

    if (!dialect_find(rq->config->jobs_dialect, &catalog.dialect))
        catalog.dialect = DIALECT_OPENEO;
    catalog.picture = &wish;
    url_allow(&catalog, &reader);
    return graph_check(process, arguments, "/process", &catalog, err);
}

/* The members that no column has. */
static json_t *rest_of(const json_t *body)
{
    static const char *const columns[] = { "title", "description", "type", "process", "configuration", "enabled" };
    json_t *rest = json_copy((json_t *)body);

    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        json_object_del(rest, columns[i]);
    return rest;
}

/* ---- handlers ---- */

/* POST /services */
bool openeo_services_post(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(json) json_t *rest = NULL, *none = json_object();
    const struct service_type *type;
    struct service_body in;
    char id[ID_UUID_SIZE];

    if (!js_read(rq->body, "", create_fields, JS_IGNORE_UNKNOWN, &in, err))
        return false;
    type = type_find(in.type);
    if (!type)
        return err_set(err, ERR_ServiceUnsupported, "/type: there is no service type '%.60s'; there are xyz and wmts.",
                       in.type);
    if (!openeo_check_plan(rq, in.plan, err) || !check_configuration(in.configuration, err) ||
        !check_process(rq, in.process, in.configuration, err))
        return false;
    rest = rest_of(rq->body);
    if (!service_insert(rq->db,
                        &(struct service_input){ .owner = rq->user->id, .type = type->name, .title = in.title,
                                                 .description = in.description, .process = in.process,
                                                 .configuration = in.configuration ? in.configuration : none,
                                                 .request = rest, .enabled = in.enabled },
                        rq->config->services_user_services, id, err) ||
        !service_log_add(rq->db, id, "info", NULL, "The service was created.", NULL, err))
        return false;
    reply_header(rq, reply, "Location", "%s", openeo_href(rq, "/services/%s", id));
    reply_header(rq, reply, "OpenEO-Identifier", "%s", id);
    return reply_empty(reply, 201);
}

static json_t *service_json(struct request *rq, const struct service *s)
{
    const struct service_type *type = type_find(s->type);
    AUTO(text) struct text url = { 0 };
    const char *hole = strstr(type->url, "%s");
    json_t *body;

    text_printf(&url, "%.*s%s%s%s", (int)(hole - type->url), type->url, s->id, hole + 2, service_key_query(rq, s));
    body = json_pack("{s:s, s:s, s:s, s:b}", "id", s->id, "type", s->type, "url", href_of(rq, "%s", url.data),
                     "enabled", s->enabled);
    put_text(body, "title", s->title);
    put_text(body, "description", s->description);
    put_instant(body, "created", s->created);
    put_copy(body, "budget", json_object_get(s->request, "budget"));
    if (*rq->config->billing_currency) {
        put_text(body, "plan", OPENEO_PLAN);
        json_object_set_new(body, "costs", json_real(s->costs));
    }
    return body;
}

/* GET /services */
bool openeo_services_get(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *list, *links;
    struct service *services;
    int64_t limit;
    size_t count;

    if (!request_query_integer(rq, "limit", 1, 10000, 10000, &limit, err))
        return false;
    services = arena_array(rq->arena, (size_t)limit + 1, sizeof *services);
    if (!service_list(rq->db, rq->arena, rq->user->id, request_query(rq, "after"), limit + 1, services, &count, err))
        return false;
    list = json_array();
    links = json_array();
    for (size_t i = 0; i < count; i++) {
        if (i < (size_t)limit)
            json_array_append_new(list, service_json(rq, &services[i]));
        service_done(&services[i]);
    }
    link_add(links, "self", href_with(rq, "f", NULL), "application/json", NULL);
    if (count > (size_t)limit)
        link_add(links, "next", href_with(rq, "after", services[limit - 1].id), "application/json", NULL);
    return reply_json(reply, 200, json_pack("{s:o, s:o}", "services", list, "links", links), NULL);
}

/* GET /services/{service_id} */
bool openeo_service_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(service) struct service s = { 0 };
    json_t *body;

    if (!service_load(rq->db, rq->arena, rq->user->id, request_variable(rq, "service_id"), &s, err))
        return false;
    body = service_json(rq, &s);
    put_copy(body, "process", s.process);
    put_copy(body, "configuration", s.configuration);
    put_copy(body, "log_level", json_object_get(s.request, "log_level"));
    json_object_set_new(body, "attributes", json_pack("{s:s, s:i, s:I}", "tile_matrix_set", "WebMercatorQuad",
                                                      "maximum_zoom", TILE_ZOOMS - 1, "tiles_made",
                                                      (json_int_t)s.tiles));
    json_object_set_new(body, "usage",
                        json_pack("{s:{s:f, s:s}}", "cpu", "value", s.seconds, "unit", "cpu-seconds"));
    return reply_json(reply, 200, body, NULL);
}

/* Settings that are not sent stay. */
static bool check_change(struct request *rq, const struct service_body *in, const struct service *old, struct err *err)
{
    const json_t *configuration = in->configuration ? in->configuration : old->configuration;

    if (json_object_get(rq->body, "type"))
        return err_set(err, ERR_PropertyNotEditable, "/type: the type of a service stays; make another service.");
    return openeo_check_plan(rq, in->plan, err) && check_configuration(in->configuration, err) &&
           ((!in->process && !in->configuration) ||
            check_process(rq, in->process ? in->process : old->process, configuration, err));
}

/* PATCH /services/{service_id} */
bool openeo_service_patch(struct request *rq, struct reply *reply, struct err *err)
{
    const json_t *enabled = json_object_get(rq->body, "enabled");
    AUTO(json) json_t *request = NULL, *rest = NULL;
    AUTO(service) struct service old = { 0 };
    struct service_body in;

    if (!js_read(rq->body, "", change_fields, JS_IGNORE_UNKNOWN, &in, err) ||
        !service_load(rq->db, rq->arena, rq->user->id, request_variable(rq, "service_id"), &old, err) ||
        !check_change(rq, &in, &old, err))
        return false;
    request = old.request ? json_copy(old.request) : json_object();
    rest = rest_of(rq->body);
    json_object_update(request, rest);
    if (!service_update(rq->db, rq->user->id, old.id,
                        &(struct service_input){ .title = in.title, .description = in.description,
                                                 .process = in.process, .configuration = in.configuration,
                                                 .request = request, .enabled = json_is_boolean(enabled) ? in.enabled : -1 },
                        err) ||
        !service_log_add(rq->db, old.id, "info", NULL, "The service was changed.", NULL, err))
        return false;
    return reply_empty(reply, 204);
}

/* DELETE /services/{service_id} */
bool openeo_service_delete(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "service_id");

    if (!service_delete(rq->db, rq->user->id, id, err))
        return false;
    tile_cache_forget(rq->config, id);
    return reply_empty(reply, 204);
}
