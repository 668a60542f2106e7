/* Inputs of an execute request. Each comes as a value, as a qualified value {"value": ...}, by reference {"href": ...}, as
 * a collection {"collection": ...}, or (where maxOccurs is above 1) as an array of these; the value is checked against
 * the JSON Schema of the description before anything else sees it. Of a mixed type, what qualifies the value chooses the
 * alternative that it must fit. */
#include "api/ogc/ogc.h"
#include "base/text.h"
#include "jobs/fields.h"
#include "json/js.h"
#include "json/schema.h"
#include "net/fetch.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct reading {
    const json_t *description, *graph;
    struct ogc_source *source;
    json_t *arguments;
};

/* {"value": v} with nothing but what qualifies v. */
static bool is_qualified(const json_t *value)
{
    static const char *const members[] = { "value", "mediaType", "encoding", "schema", "format", "filter", "properties", "sortBy", "aliases" };
    const char *name;
    json_t *member;

    if (!json_object_get(value, "value"))
        return false;
    json_object_foreach((json_t *)value, name, member) {
        size_t i = 0;

        while (i < ARRAY_LEN(members) && strcmp(members[i], name))
            i++;
        if (i == ARRAY_LEN(members))
            return false;
    }
    return true;
}

/* "mediaType" of 2.0, or "format": {"mediaType"} of 1.0. */
static const char *media_of(const json_t *value)
{
    const char *media = js_text(value, "mediaType");

    if (!media)
        media = js_text(value, "type");
    return media ? media : js_text(json_object_get(value, "format"), "mediaType");
}

/* "application/geo+json; charset=utf-8" is a kind of application/geo+json. */
static bool media_fits(const char *given, const char *wanted)
{
    size_t n = strcspn(given, "; ");

    return n == strcspn(wanted, "; ") && !strncasecmp(given, wanted, n);
}

/* The alternatives that a media type leaves, as a schema (NULL: it says nothing). */
static bool choose(const json_t *schema, const char *media, const char *pointer, json_t **ret_schema, struct err *err)
{
    const json_t *branches = json_object_get(schema, "oneOf");
    AUTO(text) struct text names = { 0 };
    AUTO(json) json_t *fitting = json_array();
    AUTO(json) json_t *one = branches ? NULL : json_pack("[O]", schema);
    json_t *branch;
    size_t i;

    json_array_foreach((json_t *)(branches ? branches : one), i, branch) {
        const char *wanted = js_text(branch, "contentMediaType");

        if (wanted)
            text_printf(&names, "%s%s", names.length ? ", " : "", wanted);
        if (wanted && media_fits(media, wanted))
            json_array_append(fitting, branch);
    }
    if (!names.length)
        return true;
    if (!json_array_size(fitting) && branches) { /* those that say none */
        json_array_foreach((json_t *)branches, i, branch)
            if (!js_text(branch, "contentMediaType"))
                json_array_append(fitting, branch);
    }
    if (!json_array_size(fitting))
        return err_set(err, ERR_InvalidParameter, "%s/mediaType: expected %s, found '%.100s'", pointer, names.data, media);
    *ret_schema = json_array_size(fitting) == 1 ? json_incref(json_array_get(fitting, 0)) : json_pack("{s:O}", "oneOf", fitting);
    return true;
}

/* Four characters for three bytes, with or without blanks and padding; `text` may be a data URL's end. */
static bool is_base64(const char *text)
{
    size_t n = 0, padding = 0;

    for (; *text; text++) {
        if (isspace((unsigned char)*text))
            continue;
        if (*text == '=')
            padding++;
        else if (padding || !(isalnum((unsigned char)*text) || strchr("+/-_", *text)))
            return false;
        n++;
    }
    return padding <= 2 && (padding ? n % 4 == 0 : n % 4 != 1);
}

static bool check_encoding(const json_t *schema, const json_t *value, const char *pointer, struct err *err)
{
    const char *encoding = js_text(schema, "contentEncoding"), *text = json_string_value(value);

    if (!encoding || !text || strcmp(encoding, "base64") || is_base64(text))
        return true;
    return err_set(err, ERR_InvalidParameter, "%s: expected bytes in base64", pointer);
}

/* Schemas of what is built in are ready; others are made so for the request. */
static bool check_schema(const json_t *schema, const json_t *value, const char *place, struct err *err)
{
    const struct js_schema *known = ogc_schema_find(schema);

    return known ? js_schema_fits(known, value, place, err) : js_schema_check(schema, value, place, err);
}

static bool check_value(const json_t *schema, const json_t *value, const char *media, const char *pointer,
                        const char *place, struct err *err)
{
    AUTO(json) json_t *chosen = NULL;

    return (!media || choose(schema, media, pointer, &chosen, err)) &&
           check_schema(chosen ? chosen : schema, value, place, err) && check_encoding(schema, value, place, err);
}

/* An object whose member "value" is its own, not a qualified value. */
static bool is_plain_after_all(const json_t *schema, const json_t *value)
{
    const char *type = js_text(schema, "type");
    struct err ignored = { 0 };

    return type && !strcmp(type, "object") && check_schema(schema, value, "", &ignored);
}

static bool has_modifiers(const json_t *value)
{
    return json_object_get(value, "filter") || json_object_get(value, "properties") || json_object_get(value, "sortBy");
}

static bool check_held(const json_t *schema, const json_t *value, const char *pointer, json_t **ret_plain,
                       struct err *err)
{
    AUTO(json) json_t *modified = NULL;
    AUTO(mem) char *inside = NULL;
    const json_t *held;

    if (!is_qualified(value)) {
        if (!check_value(schema, value, NULL, pointer, pointer, err))
            return false;
        *ret_plain = json_incref((json_t *)value);
        return true;
    }
    inside = js_pointer(pointer, "value");
    held = json_object_get(value, "value");
    if (has_modifiers(value)) {
        modified = json_deep_copy(held);
        if (!fields_modify(modified, value, pointer, err))
            return false;
        held = modified;
    }
    if (!check_value(schema, held, media_of(value), pointer, inside, err)) {
        if (!is_plain_after_all(schema, value))
            return false;
        err_clear(err);
        held = value;
    }
    *ret_plain = json_incref((json_t *)held);
    return true;
}

static bool wants_collection(const json_t *graph, const char *name);

/* The id of a collection of this service, of its id or its address; NULL: it is another's. */
static const char *own_collection(const struct ogc_source *source, const char *address)
{
    static const char root[] = "/stac/collections/";
    const char *at = address;

    if (!strchr(address, '/'))
        return address;
    if (source && text_begins(address, source->base_url))
        at += strlen(source->base_url);
    return text_begins(at, root) && at[sizeof root - 1] && !strchr(at + sizeof root - 1, '/') ? at + sizeof root - 1 : NULL;
}

/* Where a process takes the id of a collection, area and period of the value become those inputs of the process. */
static bool take_collection(struct reading *r, const json_t *value, const char *pointer, json_t **ret_plain,
                            struct err *err)
{
    AUTO(mem) char *address = ogc_source_address(r->source, js_text(value, "collection"));
    const char *id = own_collection(r->source, address), *name;
    struct err why = { 0 };
    bool public_only;
    json_t *member;

    if (!id) { /* a collection of another service is read through its address (graph/load.c) */
        id = address;
        if (!r->source || !fetch_may_call(id, r->source->config->jobs_url_hosts, &public_only, &why))
            return err_set(err, ERR_InvalidParameter, "%s/collection: '%.200s': %s", pointer, id,
                           why.code ? why.message : "expected a collection of this service");
    }
    json_object_foreach((json_t *)value, name, member) {
        json_t *made = NULL;

        if (!strcmp(name, "collection"))
            continue;
        if (!json_object_get(json_object_get(r->description, "inputs"), name) || json_object_get(r->arguments, name))
            return err_set(err, ERR_InvalidParameter, "%s/%.60s: this process takes no such restriction of a collection",
                           pointer, name);
        if (!ogc_restriction_read(r->graph, name, member, pointer, &made, err))
            return false;
        json_object_set_new(r->arguments, name, made);
    }
    *ret_plain = json_string(id);
    return true;
}

static bool check_one(struct reading *r, const char *name, const json_t *schema, const json_t *value,
                      const char *pointer, json_t **ret_plain, struct err *err)
{
    AUTO(json) json_t *fetched = NULL;
    bool collection = js_text(value, "collection") != NULL;

    if (collection && wants_collection(r->graph, name)) {
        if (!take_collection(r, value, pointer, &fetched, err))
            return false;
    } else if (collection && !json_object_get(json_object_get(schema, "properties"), "collection")) {
        if (!ogc_source_items(r->source, value, pointer, &fetched, err))
            return false;
    } else if (js_text(value, "href")) {
        if (!ogc_source_reference(r->source, value, schema, pointer, &fetched, err))
            return false;
    }
    if (!fetched)
        return check_held(schema, value, pointer, ret_plain, err);
    if (!check_value(schema, fetched, media_of(value), pointer, pointer, err))
        return false;
    *ret_plain = json_incref(fetched);
    return true;
}

static double max_occurs(const json_t *description)
{
    const json_t *most = json_object_get(description, "maxOccurs");

    if (!most)
        return 1;
    return json_is_number(most) ? json_number_value(most) : INFINITY; /* "unbounded" */
}

static double min_occurs(const json_t *description)
{
    const json_t *least = json_object_get(description, "minOccurs");

    return least ? json_number_value(least) : 1;
}

static bool check_many(struct reading *r, const char *name, const json_t *description, const json_t *value,
                       const char *pointer, json_t *list, struct err *err)
{
    const json_t *schema = json_object_get(description, "schema");
    size_t i;
    json_t *one;

    if ((double)json_array_size(value) > max_occurs(description))
        return err_set(err, ERR_InvalidParameter, "%s: expected at most %g values, found %zu",
                       pointer, max_occurs(description), json_array_size(value));
    if ((double)json_array_size(value) < min_occurs(description))
        return err_set(err, ERR_InvalidParameter, "%s: expected at least %g values, found %zu", pointer,
                       min_occurs(description), json_array_size(value));
    json_array_foreach(value, i, one) {
        AUTO(mem) char *place = js_pointer_index(pointer, i);
        json_t *plain;

        if (!check_one(r, name, schema, one, place, &plain, err))
            return false;
        json_array_append_new(list, plain);
    }
    return true;
}

/* The code of "http://www.opengis.net/def/crs/EPSG/0/32633" or "urn:ogc:def:crs:EPSG::32633";
 * 0: longitude and latitude of CRS84; -1: something else. */
static long crs_code(const char *crs)
{
    static const char *const geographic[] = {
        "http://www.opengis.net/def/crs/OGC/1.3/CRS84", "urn:ogc:def:crs:OGC:1.3:CRS84",
        "https://www.opengis.net/def/crs/OGC/1.3/CRS84", "CRS84", "OGC:CRS84",
    };
    const char *epsg = crs ? strstr(crs, "EPSG") : NULL, *code;
    char *end;
    long number;

    for (size_t i = 0; i < ARRAY_LEN(geographic); i++)
        if (!crs || !strcmp(crs, geographic[i]))
            return 0;
    code = epsg ? strrchr(epsg, epsg[4] == '/' ? '/' : ':') : NULL;
    if (!code)
        return -1;
    number = strtol(code + 1, &end, 10);
    return *end || number <= 0 ? -1 : number;
}

/* openEO's {"west", "south", "east", "north", "crs"} of OGC's {"bbox", "crs"}. */
static bool convert_bbox(const json_t *value, const char *pointer, json_t **ret_extent,
                         struct err *err)
{
    const json_t *numbers = json_object_get(value, "bbox");
    size_t upper = json_array_size(numbers) == 6 ? 3 : 2; /* heights are left out */
    const char *crs = js_text(value, "crs");
    long code = crs_code(crs);
    double b[4];

    if (code < 0)
        return err_set(err, ERR_InvalidParameter,
                       "%s/crs: expected CRS84 or an EPSG code as a URI, found '%.100s'", pointer,
                       crs);
    for (size_t i = 0; i < 4; i++) /* EPSG:4326 has latitude first */
        b[code == 4326 ? i ^ 1 : i] = json_number_value(json_array_get(numbers, i < 2 ? i : upper + i - 2));
    if (b[1] >= b[3])
        return err_set(err, ERR_InvalidParameter,
                       "%s/bbox: the south edge %g is not below the north edge %g", pointer, b[1],
                       b[3]);
    if ((code == 0 || code == 4326) &&
        (fabs(b[0]) > 180 || fabs(b[2]) > 180 || fabs(b[1]) > 90 || fabs(b[3]) > 90))
        return err_set(err, ERR_InvalidParameter,
                       "%s/bbox: %g, %g, %g, %g is outside of -180..180 and -90..90 degrees",
                       pointer, b[0], b[1], b[2], b[3]);
    *ret_extent = json_pack("{s:f, s:f, s:f, s:f}", "west", b[0], "south", b[1], "east", b[2],
                            "north", b[3]);
    if (code > 0 && code != 4326)
        json_object_set_new(*ret_extent, "crs", json_integer(code));
    return true;
}

bool ogc_graph_wants(const json_t *graph, const char *name, const char *subtype)
{
    const json_t *parameter, *one;
    size_t i, k;

    json_array_foreach(json_object_get(graph, "parameters"), i, parameter) {
        const json_t *schema = json_object_get(parameter, "schema");
        AUTO(json) json_t *list = json_is_array(schema) ? json_incref((json_t *)schema) : json_pack("[O]", schema);

        if (strcmp(js_text(parameter, "name"), name))
            continue;
        json_array_foreach(list, k, one) {
            const char *own = js_text(one, "subtype");

            if (own && !strcmp(own, subtype))
                return true;
        }
    }
    return false;
}

static bool wants_collection(const json_t *graph, const char *name)
{
    return ogc_graph_wants(graph, name, "collection-id");
}

/* "2023-01-01/2023-02-01" as [start, end]; open ends are null. */
static json_t *interval_of(const char *text)
{
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : strlen(text);
    bool open = !n || (n == 2 && !strncmp(text, "..", 2));
    json_t *start = open ? json_null() : json_stringn(text, n), *end;

    if (!slash)
        return json_pack("[o, s]", start, text);
    end = !slash[1] || !strcmp(slash + 1, "..") ? json_null() : json_string(slash + 1);
    return json_pack("[o, o]", start, end);
}

bool ogc_restriction_read(const json_t *graph, const char *name, const json_t *value, const char *pointer,
                          json_t **ret_value, struct err *err)
{
    AUTO(mem) char *place = js_pointer(pointer, name);
    AUTO(json) json_t *box = json_is_array(value) ? json_pack("{s:O}", "bbox", value) : json_incref((json_t *)value);
    static const char schema_text[] = "{\"type\":\"object\",\"required\":[\"bbox\"],\"properties\":{\"bbox\":{\"type\":\"array\","
                                      "\"minItems\":4,\"maxItems\":6,\"items\":{\"type\":\"number\"}}}}";
    AUTO(json) json_t *schema = json_loads(schema_text, 0, NULL);

    if (ogc_graph_wants(graph, name, "bounding-box"))
        return js_schema_check(schema, box, place, err) && convert_bbox(box, place, ret_value, err);
    if (ogc_graph_wants(graph, name, "temporal-interval") && json_is_string(value)) {
        *ret_value = interval_of(json_string_value(value));
        return true;
    }
    return err_set(err, ERR_InvalidParameter, "%s: this process takes no such restriction of a collection", place);
}

static bool read_input(struct reading *r, const char *name, const json_t *value, struct err *err)
{
    const json_t *description = json_object_get(json_object_get(r->description, "inputs"), name);
    AUTO(mem) char *pointer = js_pointer("/inputs", name);
    AUTO(json) json_t *plain = NULL;
    json_t *made = NULL;

    if (!description)
        return err_set(err, ERR_InvalidParameter, "/inputs/%.60s: the process has no such input", name);
    if (max_occurs(description) > 1) {
        AUTO(json) json_t *one = json_is_array(value) ? NULL : json_pack("[O]", value);
        json_t *list = json_array();

        json_object_set_new(r->arguments, name, list);
        return check_many(r, name, description, one ? one : value, pointer, list, err);
    }
    if (!check_one(r, name, json_object_get(description, "schema"), value, pointer, &plain, err))
        return false;
    if (!ogc_graph_wants(r->graph, name, "bounding-box")) {
        json_object_set(r->arguments, name, plain);
        return true;
    }
    if (!convert_bbox(plain, pointer, &made, err))
        return false;
    json_object_set_new(r->arguments, name, made);
    return true;
}

static bool check_missing(const json_t *known, const json_t *inputs, struct err *err)
{
    const char *name;
    json_t *description;

    json_object_foreach((json_t *)known, name, description) {
        const json_t *least = json_object_get(description, "minOccurs");

        if (json_object_get(inputs, name) || (least && json_number_value(least) == 0))
            continue;
        return err_set(err, ERR_InvalidParameter, "/inputs/%s: is required and missing", name);
    }
    return true;
}

bool ogc_inputs_read(const json_t *inputs, const json_t *description, const json_t *graph, struct ogc_source *source,
                     json_t **ret_arguments, struct err *err)
{
    AUTO(json) json_t *arguments = json_object();
    struct reading reading = { description, graph, source, arguments };
    const char *name;
    json_t *value;

    if (inputs && !json_is_object(inputs))
        return err_set(err, ERR_InvalidParameter, "/inputs: expected an object, found %s",
                       js_type_name(inputs));
    if (!check_missing(json_object_get(description, "inputs"), inputs, err))
        return false;
    json_object_foreach((json_t *)inputs, name, value)
        if (!read_input(&reading, name, value, err))
            return false;
    *ret_arguments = json_incref(arguments);
    return true;
}
