/* The policy lets a page load its style from here and pictures from anywhere, and nothing else. */
#include "api/common/page.h"
#include "json/js_text.h"
#include <assert.h>
#include <stdarg.h>
#include <string.h>

enum { MAX_DEPTH = 12 };

bool page_is_own(const struct request *rq, const char *what, struct err *err)
{
    const char *site = request_header(rq, "Sec-Fetch-Site"), *origin = request_header(rq, "Origin");

    if ((site && strcmp(site, "same-origin")) || (!site && origin && strcmp(origin, rq->base_url)))
        return err_set(err, ERR_PermissionsInsufficient, "A page of another site cannot %s.", what);
    return true;
}

void page_add(struct text *page, const char *format, ...)
{
    const char *mark;
    va_list args;

    va_start(args, format);
    while ((mark = strchr(format, '%'))) {
        text_addn(page, format, (size_t)(mark - format));
        assert(mark[1] == 's' || mark[1] == '%');
        if (mark[1] == 's')
            text_add_html(page, va_arg(args, const char *));
        else
            text_add(page, "%");
        format = mark + 2;
    }
    va_end(args);
    text_add(page, format);
}

void page_begin(struct text *page, const struct request *rq, const char *language, const char *title)
{
    page_add(page,
             "<!doctype html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<title>%s</title>\n<link rel=\"icon\" href=\"%s/favicon.ico\" type=\"image/svg+xml\">\n"
             "<link rel=\"stylesheet\" href=\"%s/ui/ui.css\">\n</head>\n<body>\n"
             "<header><a href=\"%s/\" class=\"home\">Sentier</a></header>\n<main class=\"wide\">\n"
             "<h1>%s</h1>\n",
             language, title, rq->base_url, rq->base_url, rq->base_url, title);
}

void page_end(struct text *page)
{
    text_add(page, "</main>\n</body>\n</html>\n");
}

bool page_reply(struct request *rq, struct reply *reply, struct text *page)
{
    size_t size = page->length;

    reply_header(rq, reply, "Content-Security-Policy",
                 "default-src 'none'; style-src 'self'; img-src * data:; media-src *; form-action 'self'; "
                 "frame-ancestors 'none'; base-uri 'none'");
    return reply_bytes(reply, 200, text_take(page), size, "text/html; charset=utf-8");
}

void page_add_link(struct text *page, const char *href, const char *text)
{
    if (text_begins(href, "http://") || text_begins(href, "https://"))
        page_add(page, "<a href=\"%s\" rel=\"noreferrer\">%s</a>", href, text);
    else
        page_add(page, "%s", text);
}

static bool is_flat(const json_t *array)
{
    json_t *value;
    size_t i;

    json_array_foreach((json_t *)array, i, value)
        if (json_is_object(value) || json_is_array(value))
            return false;
    return true;
}

static void add_value(struct text *page, const json_t *value, int depth)
{
    AUTO(text) struct text plain = { 0 };
    const char *key;
    json_t *inside;
    size_t i;

    if (json_is_string(value)) {
        page_add_link(page, json_string_value(value), json_string_value(value));
    } else if (json_is_array(value) && json_array_size(value) && is_flat(value)) {
        json_array_foreach((json_t *)value, i, inside) {
            text_add(page, i ? ", " : "");
            add_value(page, inside, depth + 1);
        }
    } else if (json_is_array(value) && json_array_size(value) && depth < MAX_DEPTH) {
        text_add(page, "<ul class=\"inside\">");
        json_array_foreach((json_t *)value, i, inside) {
            text_add(page, "<li>");
            add_value(page, inside, depth + 1);
            text_add(page, "</li>");
        }
        text_add(page, "</ul>");
    } else if (json_is_object(value) && json_object_size(value) && depth < MAX_DEPTH) {
        text_add(page, "<dl>");
        json_object_foreach((json_t *)value, key, inside) {
            page_add(page, "<dt>%s</dt><dd>", key);
            add_value(page, inside, depth + 1);
            text_add(page, "</dd>");
        }
        text_add(page, "</dl>");
    } else {
        js_text_add(&plain, value);
        page_add(page, "%s", plain.data);
    }
}

void page_add_json(struct text *page, const json_t *value)
{
    add_value(page, value, 0);
}
