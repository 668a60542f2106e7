/* Programs get JSON, people a page that is made of the very same JSON, so that neither is told more. */
#include "api/common/build.h"
#include "api/common/page.h"
#include "api/ogc/ogc.h"
#include <string.h>

bool ogc_answer(struct request *rq, struct reply *reply, int status, json_t *body_taken, ogc_page_fn *page,
                struct err *err)
{
    static const char *const offers[] = { "application/json", "text/html", NULL };
    AUTO(json) json_t *body = body_taken;
    AUTO(text) struct text out = { 0 };
    int offer = request_accepts(rq, offers);

    reply_header(rq, reply, "Vary", "Accept");
    if (offer < 0)
        return err_set(err, ERR_NotAcceptable, "This comes as application/json or text/html.");
    if (offer == 0)
        return reply_json(reply, status, json_incref(body), NULL);
    page(rq, body, &out);
    if (!page_reply(rq, reply, &out))
        return false;
    reply->status = status;
    return true;
}

bool ogc_query_known(struct request *rq, const char *const *names, struct err *err)
{
    const char *name, *value;

    for (size_t i = 0; request_query_at(rq, i, &name, &value); i++) {
        const char *const *known = names;

        while (*known && strcmp(*known, name))
            known++;
        if (!*known && strcmp(name, "f"))
            return err_set(err, ERR_InvalidQueryValue, "%.60s: there is no such query parameter here", name);
    }
    return true;
}

void ogc_link_both(struct request *rq, json_t *links, const char *href, const char *title)
{
    link_add(links, "self", href, "application/json", title);
    link_add(links, "alternate", arena_printf(rq->arena, "%s%cf=html", href, strchr(href, '?') ? '&' : '?'), "text/html",
             title);
}

json_t *ogc_process_links(struct request *rq, const char *id)
{
    json_t *links = json_array();

    ogc_link_both(rq, links, href_of(rq, OGC_ROOT "/processes/%s", id), "Description of the process");
    link_add(links, OGC_REL "execute", href_of(rq, OGC_ROOT "/processes/%s/execution", id), "application/json", "Run the process");
    link_add(links, "profile", "http://www.opengis.net/def/profile/OGC/0/ogc-process-description", NULL,
             "Profile of the description");
    return links;
}

void ogc_deployed_link(struct request *rq, json_t *body, const char *id)
{
    json_t *links = ogc_process_links(rq, id);

    link_add(links, OGC_REL "package", href_of(rq, OGC_ROOT "/processes/%s/package", id), NULL, "What was deployed");
    json_object_set_new(body, "links", links);
}
