/* An asset's href at a place is absolute, or "./x" in the product, or "" when it is the product itself.
 * A product is a folder, an archive (then "./x" is a member of it, read through /vsizip/), or a URL. */
#include "store/place.h"
#include "base/text.h"
#include "json/js.h"
#include <string.h>

static const struct {
    enum place_state state;
    const char *name;
} states[] = {
    { PLACE_ONLINE, "online" }, { PLACE_STAGING, "staging" },
    { PLACE_ORDERED, "ordered" }, { PLACE_OFFLINE, "offline" },
};

const char *place_state_name(enum place_state state)
{
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (states[i].state == state)
            return states[i].name;
    return "offline";
}

bool place_state_find(const char *name, enum place_state *ret_state)
{
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (!strcmp(states[i].name, name)) {
            *ret_state = states[i].state;
            return true;
        }
    }
    return false;
}

struct place place_read(const json_t *json)
{
    const char *state = js_text(json, "state");
    const json_t *size = json_object_get(json, "size");
    json_t *assets = json_object_get(json, "assets"), *scheme = json_object_get(json, "scheme");

    return (struct place){
        .endpoint = js_text(json, "endpoint"), .kind = js_text(json, "kind"),
        .title = js_text(json, "title"), .root = js_text(json, "root"), .url = js_text(json, "url"),
        .href = js_text(json, "href"), .staged = js_text(json, "staged"),
        .state = state ? (enum place_state)*state : PLACE_OFFLINE,
        .plain = json_is_true(json_object_get(json, "plain")),
        .size_bytes = json_is_integer(size) ? json_integer_value(size) : -1,
        .assets = json_is_object(assets) ? assets : NULL,
        .scheme = json_is_object(scheme) ? scheme : NULL,
    };
}

static bool is_archive(const char *path)
{
    return text_ends(path, ".zip") || text_ends(path, ".ZIP");
}

static const char *base_of(const struct place *place)
{
    return place->staged ? place->staged : place->href;
}

static char *inside(const char *base, const char *rest)
{
    bool zip = is_archive(base) && *base == '/';
    const char *between = text_ends(base, "/") ? "" : "/";

    return mem_printf("%s%s%s%s", zip ? "/vsizip/" : "", base, between, rest);
}

char *place_asset(const struct place *place, const char *asset)
{
    const char *href = js_text(place->assets, asset);
    const char *base = base_of(place);

    if (!href)
        return NULL;
    if (*href && !text_begins(href, "./")) {
        size_t length = place->href ? strlen(place->href) : 0;

        /* an absolute href in the product is meant in its copy */
        if (place->staged && length && !strncmp(href, place->href, length) && href[length] == '/')
            return inside(place->staged, href + length + 1);
        return mem_text(href);
    }
    if (!base)
        return NULL;
    return *href ? inside(base, href + 2) : mem_text(base);
}

char *place_public_url(const struct place *place, const char *href)
{
    if (place->url && text_begins(href, place->root))
        return mem_printf("%s%s", place->url, href + strlen(place->root));
    return text_is_remote(href) ? mem_text(href) : NULL;
}

char *place_worker_href(const struct place *place, const char *href)
{
    AUTO(mem) char *url = NULL;

    if (*href == '/')
        return mem_text(href);
    url = place_public_url(place, href);
    if (!url || (!text_begins(url, "http://") && !text_begins(url, "https://")))
        return NULL;
    return mem_text(url);
}

/* The length of the folder that two paths have in common, without the slash. */
static size_t common_folder(const char *a, size_t length, const char *b)
{
    size_t n = 0;

    while (n < length && a[n] == b[n])
        n++;
    if (n == length && (b[n] == '/' || b[n] == '\0'))
        return n;
    while (n > 0 && a[n] != '/')
        n--;
    return n;
}

char *place_product(const struct place *place)
{
    const char *base = base_of(place), *key, *first = NULL;
    size_t length = 0;
    json_t *value;

    if (base)
        return mem_text(base);
    json_object_foreach(place->assets, key, value) {
        const char *href = json_string_value(value);

        if (!href || *href != '/')
            continue;
        if (!first) {
            const char *slash = strrchr(href, '/');

            first = href;
            length = (size_t)(slash - href);
        } else {
            length = common_folder(first, length, href);
        }
    }
    if (!first || length == 0)
        return NULL;
    AUTO(mem) char *folder = mem_textn(first, length);
    bool zip = text_begins(folder, "/vsizip/");
    char *path = folder + (zip ? strlen("/vsizip/") : 0);
    char *end = strstr(path, zip ? ".zip" : ".SAFE");

    if (end)
        end[zip ? 4 : 5] = '\0';
    return mem_text(path);
}

const char *place_file_name(const char *href)
{
    const char *slash = strrchr(href, '/');

    return slash ? slash + 1 : href;
}
