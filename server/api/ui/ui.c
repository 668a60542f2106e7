/* Files come with a policy that lets the page load nothing from elsewhere. */
#include "api/ui/ui.h"
#include "base/text.h"
#include <string.h>

#define WWW_FILE(name, file, media) extern const char www_file_##name[];
#include "www/files.def"
#undef WWW_FILE

static const struct { const char *name, *text, *media; } files[] = {
#define WWW_FILE(name, file, media) { #file, www_file_##name, media },
#include "www/files.def"
#undef WWW_FILE
};

/* "{base}" stands for the address of this server. */
static bool reply_page(struct request *rq, struct reply *reply, const char *text, const char *media)
{
    AUTO(text) struct text page = { 0 };
    const char *mark;
    size_t size;

    while ((mark = strstr(text, "{base}"))) {
        text_addn(&page, text, (size_t)(mark - text));
        text_add_html(&page, rq->base_url);
        text = mark + strlen("{base}");
    }
    text_add(&page, text);
    size = page.length;
    reply_header(rq, reply, "Content-Security-Policy",
                 "default-src 'self'; frame-ancestors 'none'; base-uri 'none'");
    return reply_bytes(reply, 200, text_take(&page), size, media);
}

static bool send(struct request *rq, struct reply *reply, const char *name, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (!strcmp(files[i].name, name))
            return reply_page(rq, reply, files[i].text, files[i].media);
    return err_set(err, ERR_NotFound, "The web client has no file '%.60s'.", name);
}

bool ui_get(struct request *rq, struct reply *reply, struct err *err)
{
    return send(rq, reply, "index.html", err);
}

bool ui_file_get(struct request *rq, struct reply *reply, struct err *err)
{
    return send(rq, reply, request_variable(rq, "file"), err);
}

bool ui_icon_get(struct request *rq, struct reply *reply, struct err *err)
{
    reply_header(rq, reply, "Cache-Control", "public, max-age=86400");
    return send(rq, reply, "icon.svg", err);
}
