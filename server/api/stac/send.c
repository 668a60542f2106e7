/* The end of every answer: JSON as it was made, or a page for people made of the same JSON, so that
 * the two cannot tell different things. */
#include "api/common/page.h"
#include "api/stac/language.h"
#include "api/stac/stac.h"
#include "json/js_text.h"
#include <string.h>

bool stac_only(struct request *rq, const char *const *names, struct err *err)
{
    const char *name, *value;

    for (size_t i = 0; request_query_at(rq, i, &name, &value); i++) {
        bool known = !strcmp(name, "f") || !strcmp(name, "language");

        for (const char *const *n = names; n && *n; n++)
            known |= !strcmp(*n, name);
        if (!known)
            return err_set(err, ERR_InvalidParameter, "%.60s: there is no such parameter here", name);
    }
    return true;
}

static bool send_page(struct request *rq, struct reply *reply, const struct text *body, stac_page_fn *page,
                      struct err *err)
{
    AUTO(json) json_t *json = NULL;
    AUTO(text) struct text html = { 0 };

    if (!js_parse(body->data, body->length, JS_DEFAULT_DEPTH, &json, err))
        return false;
    page(rq, json, &html);
    language_reply(rq, reply);
    return page_reply(rq, reply, &html);
}

bool stac_send(struct request *rq, struct reply *reply, struct text *body, const char *media,
               stac_page_fn *page, struct err *err)
{
    const char *const offers[] = { media, "application/json", "text/html", NULL };
    int offer = rq->method == POST ? 0 : request_accepts(rq, offers);
    size_t size = body->length;

    if (offer == 2)
        return send_page(rq, reply, body, page, err);
    if (offer < 0)
        return err_set(err, ERR_NotAcceptable, "This address answers with %s or text/html.", media);
    return reply_bytes(reply, 200, text_take(body), size, media);
}

bool stac_send_json(struct request *rq, struct reply *reply, json_t *body_taken, const char *media,
                    stac_page_fn *page, struct err *err)
{
    AUTO(json) json_t *body = body_taken;
    AUTO(text) struct text text = { 0 };

    js_text_add(&text, body);
    return stac_send(rq, reply, &text, media, page, err);
}
