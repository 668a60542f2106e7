/* What an item must be before it is stored. The rules are STAC's own where the catalogue relies on
 * them; the rest of an item is kept as it is. */
#include "base/instant.h"
#include "json/geojson.h"
#include "base/text.h"
#include "json/js.h"
#include "store/items.h"
#include <math.h>
#include <string.h>

static bool check_id(const char *id, struct err *err)
{
    size_t length = strlen(id);

    if (length == 0 || length > ITEM_ID_MAX)
        return err_set(err, ERR_BadRequest, "/id: expected 1 to %d bytes, found %zu", ITEM_ID_MAX,
                       length);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)id[i] < 0x20 || id[i] == '/' || id[i] == 0x7f)
            return err_set(err, ERR_BadRequest, "/id: holds a slash or a control character");
    if (!strcmp(id, ".") || !strcmp(id, ".."))
        return err_set(err, ERR_BadRequest, "/id: '%s' is not a name", id);
    return true;
}

static bool check_bbox(const json_t *item, struct err *err)
{
    const json_t *bbox = json_object_get(item, "bbox");
    size_t n = json_array_size(bbox);

    if (!json_is_array(bbox))
        return js_refuse(bbox, "/bbox", "an array, as there is a geometry", err);
    if (n != 4 && n != 6)
        return err_set(err, ERR_BadRequest, "/bbox: expected 4 or 6 numbers, found %zu", n);
    for (size_t i = 0; i < n; i++)
        if (!json_is_number(json_array_get(bbox, i)))
            return js_refuse(json_array_get(bbox, i), "/bbox", "numbers", err);
    return true;
}

static bool check_geometry(const json_t *item, struct err *err)
{
    const json_t *geometry = json_object_get(item, "geometry");

    if (json_is_null(geometry))
        return true;
    return geojson_check(geometry, "/geometry", GEOJSON_MAX_VERTICES, err) && check_bbox(item, err);
}

static bool read_time(const json_t *properties, const char *name, bool needed, int64_t *ret_ms,
                      struct err *err)
{
    const json_t *value = json_object_get(properties, name);

    if ((!needed && (!value || json_is_null(value))) ||
        (json_is_string(value) && instant_parse(json_string_value(value), ret_ms)))
        return true;
    AUTO(mem) char *place = js_pointer("/properties", name);

    if (!json_is_string(value))
        return js_refuse(value, place, "a date and time", err);
    return err_set(err, ERR_BadRequest, "%s: expected an RFC 3339 date and time, found '%.60s'", place,
                   json_string_value(value));
}

static bool check_times(const json_t *properties, struct err *err)
{
    const json_t *datetime = json_object_get(properties, "datetime");
    bool open = json_is_null(datetime);
    int64_t at = 0, start = INSTANT_MIN, end = INSTANT_MAX, updated;

    if (!read_time(properties, "datetime", !open, &at, err) ||
        !read_time(properties, "start_datetime", open, &start, err) ||
        !read_time(properties, "end_datetime", open, &end, err) ||
        !read_time(properties, "updated", false, &updated, err))
        return false;
    if (start > end)
        return err_set(err, ERR_BadRequest,
                       "/properties/end_datetime: lies before /properties/start_datetime");
    return true;
}

bool item_check(const json_t *item, struct err *err)
{
    const char *type = js_text(item, "type");
    const json_t *properties = json_object_get(item, "properties");
    const char *version = js_text(item, "stac_version");
    static const char *const strings[] = { "/stac_version", "/id", "/collection" };

    if (!json_is_object(item))
        return js_refuse(item, "", "a STAC item", err);
    if (!type || strcmp(type, "Feature"))
        return err_set(err, ERR_BadRequest, "/type: expected \"Feature\", found %s",
                       type ? type : js_type_name(json_object_get(item, "type")));
    for (size_t i = 0; i < ARRAY_LEN(strings); i++)
        if (!json_is_string(json_object_get(item, strings[i] + 1)))
            return js_refuse(json_object_get(item, strings[i] + 1), strings[i], "a string", err);
    if (!text_begins(version, "1.") || strchr(version, '-'))
        return err_set(err, ERR_BadRequest, "/stac_version: expected 1.0.0 or 1.1.0, found '%.20s'",
                       version);
    if (!json_is_object(properties))
        return js_refuse(properties, "/properties", "an object", err);
    if (!json_is_object(json_object_get(item, "assets")))
        return js_refuse(json_object_get(item, "assets"), "/assets", "an object", err);
    return check_id(js_text(item, "id"), err) &&
           check_geometry(item, err) && check_times(properties, err);
}
