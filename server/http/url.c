/* Segments are split before they are decoded, so that "%2F" stays inside its segment, and checked
 * after it, so that no "../" hides in an escape. Empty segments (double slashes) are left out. */
#include "http/url.h"
#include "base/text.h"
#include <string.h>

static size_t count_of(const char *text, char c)
{
    size_t count = 0;

    for (; *text; text++)
        count += *text == c;
    return count;
}

static bool climbs(const char *segment)
{
    for (const char *s = segment;; s++) {
        size_t length = strcspn(s, "/\\");

        if ((length == 1 && s[0] == '.') || (length == 2 && s[0] == '.' && s[1] == '.'))
            return true;
        s += length;
        if (!*s)
            return false;
    }
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

static bool decode_segment(char *segment, struct err *err)
{
    if (!text_url_decode(segment, false))
        return err_set(err, ERR_BadRequest, "The path has an invalid percent escape");
    if (has_control(segment))
        return err_set(err, ERR_BadRequest, "The path has a control character");
    if (!text_is_utf8(segment))
        return err_set(err, ERR_BadRequest, "The path is not valid UTF-8");
    if (climbs(segment))
        return err_set(err, ERR_BadRequest, "The path has a segment '.' or '..'");
    return true;
}

static bool split_path(struct arena *arena, char *raw, struct url *url, struct err *err)
{
    AUTO(text) struct text path = { 0 };
    bool ends_open = *raw && text_ends(raw, "/");
    char *rest = raw, *segment;

    url->segments = arena_array(arena, count_of(raw, '/') + 1, sizeof *url->segments);
    while ((segment = strsep(&rest, "/"))) {
        if (!*segment)
            continue;
        if (!decode_segment(segment, err))
            return false;
        url->segments[url->n_segments++] = segment;
        text_printf(&path, "/%s", segment);
    }
    if (ends_open || url->n_segments == 0)
        text_add(&path, "/");
    url->path = arena_text(arena, path.data);
    return true;
}

static bool split_query(struct arena *arena, char *raw, struct url *url, struct err *err)
{
    char *rest = raw, *pair;

    url->query = arena_array(arena, count_of(raw, '&') + 1, sizeof *url->query);
    while ((pair = strsep(&rest, "&"))) {
        char *value = strchr(pair, '=');
        struct url_parameter *parameter = &url->query[url->n_query];

        if (!*pair)
            continue;
        if (value)
            *value++ = '\0';
        if (!text_url_decode(pair, true) || (value && !text_url_decode(value, true)))
            return err_set(err, ERR_BadRequest, "The query has an invalid percent escape");
        parameter->name = pair;
        parameter->value = value ? value : "";
        if (!text_is_utf8(parameter->name) || !text_is_utf8(parameter->value))
            return err_set(err, ERR_BadRequest, "The query is not valid UTF-8");
        url->n_query++;
    }
    return true;
}

/* "http://host/path" in the request line, as a proxy would send it: the host is not ours to judge. */
static const char *without_host(const char *target)
{
    const char *host = strstr(target, "://"), *slash;

    if (target[0] == '/' || !host || host > strpbrk(target, "/?"))
        return target;
    slash = strpbrk(host + 3, "/?");
    return slash ? slash : "/";
}

bool url_parse(struct arena *arena, const char *target, struct url *ret_url, struct err *err)
{
    char *raw = arena_text(arena, without_host(target)), *query = strchr(raw, '?');

    *ret_url = (struct url){ .path = "/" };
    raw[strcspn(raw, "#")] = '\0';
    if (query && *query)
        *query++ = '\0';
    return split_path(arena, raw, ret_url, err) &&
           (!query || split_query(arena, query, ret_url, err));
}

const char *url_query(const struct url *url, const char *name)
{
    for (size_t i = 0; i < url->n_query; i++)
        if (!strcmp(url->query[i].name, name))
            return url->query[i].value;
    return NULL;
}
