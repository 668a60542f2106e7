/* Small constructors of JSON; all addresses start with rq->base_url, so that a proxy in front is
 * seen nowhere else. */
#include "api/common/build.h"
#include "base/instant.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void put_text(json_t *object, const char *name, const char *text)
{
    if (text && *text)
        json_object_set_new(object, name, json_string(text));
}

void put_instant(json_t *object, const char *name, int64_t ms)
{
    char buffer[INSTANT_TEXT_SIZE];

    if (ms)
        json_object_set_new(object, name, json_string(instant_format(ms, buffer)));
}

void put_copy(json_t *object, const char *name, const json_t *value)
{
    if (value && !json_is_null(value))
        json_object_set_new(object, name, json_deep_copy(value));
}

const char *href_of(struct request *rq, const char *format, ...)
{
    const char *path;
    va_list args;

    va_start(args, format);
    path = arena_vprintf(rq->arena, format, args);
    va_end(args);
    return arena_printf(rq->arena, "%s%s", rq->base_url, path);
}

const char *href_with(struct request *rq, const char *name, const char *value)
{
    AUTO(text) struct text url = { 0 };
    const char *key, *old;
    char mark = '?';

    text_add(&url, rq->base_url);
    text_add_url(&url, rq->path, "/");
    for (size_t i = 0; request_query_at(rq, i, &key, &old); i++) {
        if (!strcmp(key, name))
            continue;
        text_printf(&url, "%c", mark);
        text_add_url(&url, key, "");
        text_add(&url, "=");
        text_add_url(&url, old ? old : "", ",:/");
        mark = '&';
    }
    if (value) {
        text_printf(&url, "%c%s=", mark, name);
        text_add_url(&url, value, "");
    }
    return arena_text(rq->arena, url.data);
}

void link_add(json_t *links, const char *rel, const char *href, const char *type,
              const char *title)
{
    json_t *link = json_pack("{s:s, s:s}", "href", href, "rel", rel);

    put_text(link, "type", type);
    put_text(link, "title", title);
    json_array_append_new(links, link);
}
