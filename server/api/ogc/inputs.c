/* Inputs of an execute request. Each comes as a value, as a qualified value {"value": ...}, or (where
 * maxOccurs is above 1) as an array of these; the value is checked against the JSON Schema of the
 * description before anything else sees it. */
#include "api/ogc/ogc.h"
#include "json/schema.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* {"value": v} with nothing but what qualifies v. */
static bool is_qualified(const json_t *value)
{
    static const char *const members[] = { "value", "mediaType", "encoding", "schema", "format" };
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

static bool is_reference(const json_t *value)
{
    return json_is_string(json_object_get(value, "href"));
}

static bool check_one(const json_t *schema, const json_t *value, const char *pointer,
                      const json_t **ret_plain, struct err *err)
{
    AUTO(mem) char *inside = NULL;

    if (is_reference(value))
        return err_set(err, ERR_InvalidParameter,
                       "%s: inputs by reference are not offered; send the value", pointer);
    if (is_qualified(value)) {
        inside = js_pointer(pointer, "value");
        value = json_object_get(value, "value");
    }
    if (!js_schema_check(schema, value, inside ? inside : pointer, err))
        return false;
    *ret_plain = value;
    return true;
}

static double max_occurs(const json_t *description)
{
    const json_t *most = json_object_get(description, "maxOccurs");

    if (!most)
        return 1;
    return json_is_number(most) ? json_number_value(most) : INFINITY; /* "unbounded" */
}

static bool check_many(const json_t *description, const json_t *value, const char *pointer,
                       json_t *list, struct err *err)
{
    const json_t *schema = json_object_get(description, "schema"), *plain;
    size_t i;
    json_t *one;

    if ((double)json_array_size(value) > max_occurs(description))
        return err_set(err, ERR_InvalidParameter, "%s: expected at most %g values, found %zu",
                       pointer, max_occurs(description), json_array_size(value));
    json_array_foreach(value, i, one) {
        AUTO(mem) char *place = js_pointer_index(pointer, i);

        if (!check_one(schema, one, place, &plain, err))
            return false;
        json_array_append(list, (json_t *)plain);
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
    const char *crs = json_string_value(json_object_get(value, "crs"));
    long code = crs_code(crs);
    double b[4];

    if (code < 0)
        return err_set(err, ERR_InvalidParameter,
                       "%s/crs: expected CRS84 or an EPSG code as a URI, found '%.100s'", pointer,
                       crs);
    for (size_t i = 0; i < 4; i++) /* EPSG:4326 has latitude first */
        b[i] = json_number_value(json_array_get(numbers, code == 4326 ? i ^ 1 : i));
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

/* Whether the graph wants this parameter as an openEO bounding box. */
static bool wants_extent(const json_t *graph, const char *name)
{
    const json_t *parameter, *schema, *one;
    size_t i, k;

    json_array_foreach(json_object_get(graph, "parameters"), i, parameter) {
        if (strcmp(json_string_value(json_object_get(parameter, "name")), name))
            continue;
        schema = json_object_get(parameter, "schema");
        json_array_foreach(schema, k, one) {
            const char *subtype = json_string_value(json_object_get(one, "subtype"));

            if (subtype && !strcmp(subtype, "bounding-box"))
                return true;
        }
    }
    return false;
}

static bool read_input(const json_t *description, const json_t *graph, const char *name,
                       const json_t *value, json_t *arguments, struct err *err)
{
    AUTO(mem) char *pointer = js_pointer("/inputs", name);
    const json_t *plain;
    json_t *made = NULL;

    if (max_occurs(description) > 1) {
        AUTO(json) json_t *one = json_is_array(value) ? NULL : json_pack("[O]", value);
        json_t *list = json_array();

        json_object_set_new(arguments, name, list);
        return check_many(description, one ? one : value, pointer, list, err);
    }
    if (!check_one(json_object_get(description, "schema"), value, pointer, &plain, err))
        return false;
    if (!wants_extent(graph, name)) {
        json_object_set(arguments, name, (json_t *)plain);
        return true;
    }
    if (!convert_bbox(plain, pointer, &made, err))
        return false;
    json_object_set_new(arguments, name, made);
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

bool ogc_inputs_read(const json_t *inputs, const json_t *description, const json_t *graph,
                     json_t **ret_arguments, struct err *err)
{
    const json_t *known = json_object_get(description, "inputs");
    AUTO(json) json_t *arguments = json_object();
    const char *name;
    json_t *value;

    if (inputs && !json_is_object(inputs))
        return err_set(err, ERR_InvalidParameter, "/inputs: expected an object, found %s",
                       js_type_name(inputs));
    if (!check_missing(known, inputs, err))
        return false;
    json_object_foreach((json_t *)inputs, name, value) {
        const json_t *one = json_object_get(known, name);

        if (!one)
            return err_set(err, ERR_InvalidParameter,
                           "/inputs/%.60s: the process has no such input", name);
        if (!read_input(one, graph, name, value, arguments, err))
            return false;
    }
    *ret_arguments = json_incref(arguments);
    return true;
}
