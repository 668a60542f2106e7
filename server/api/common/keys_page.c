/* The page of API keys. It has no scripts: keys are made and revoked by forms, which browsers send with the log-in of who looks
 * at the page; forms of other sites are refused. */
#include "api/common/build.h"
#include "api/common/common.h"
#include "api/common/keys.h"
#include "api/common/page.h"
#include "http/url.h"
#include "json/js.h"
#include <string.h>

/* ---- the page ---- */

/* The day of a time, or that there is none. */
static const char *day_of(struct request *rq, const json_t *key, const char *name)
{
    const char *time = js_text_in(key, name);

    return *time ? arena_printf(rq->arena, "%.10s", time) : "never";
}

static void add_key(struct request *rq, struct text *page, const json_t *key)
{
    const json_t *scope;
    size_t i;

    page_add(page, "<tr><td>%s</td><td>", js_text_in(key, "title"));
    json_array_foreach(json_object_get(key, "scopes"), i, scope)
        page_add(page, "%s%s", i ? ", " : "", json_string_value(scope));
    page_add(page, "</td><td>%s</td><td>%s</td><td>%s</td>", day_of(rq, key, "created"), day_of(rq, key, "used"), day_of(rq, key, "expires"));
    page_add(page, "<td><form method=\"post\" action=\"%s\"><button class=\"dismiss\">Revoke</button></form></td></tr>\n",
             href_of(rq, "/api/keys/%s/revocation", js_text_in(key, "id")));
}

static void add_form(struct request *rq, struct text *page)
{
    const char *name;
    unsigned scope;

    page_add(page, "<h2>A new key</h2>\n<form method=\"post\" action=\"%s\" class=\"card\">\n", href_of(rq, "/api/keys/form"));
    text_add(page, "<label>What it is for <input name=\"title\" required maxlength=\"200\"></label>\n<fieldset><legend>What it may do "
                   "(none chosen: whatever you may)</legend>");
    for (size_t i = 0; (name = key_scope_name(i, &scope)); i++)
        page_add(page, "<label><input type=\"checkbox\" name=\"scopes\" value=\"%s\">%s</label>", name, name);
    text_add(page, "</fieldset>\n<label>Ends (empty: never) <input type=\"date\" name=\"expires\"></label>\n<p><button>Make the key</button></p>\n</form>\n");
}

bool keys_page(struct request *rq, struct reply *reply, int status, const json_t *body, const json_t *made)
{
    AUTO(text) struct text page = { 0 };
    json_t *key;
    size_t i;

    page_begin(&page, rq, "en", "API keys");
    text_add(&page, "<p>Programs send a key in the header <code>X-API-Key</code>, and are then you.</p>\n");
    if (made)
        page_add(&page, "<section class=\"card\"><p>The key \"%s\" is shown this once; keep it:</p><p><code id=\"key\">%s</code></p></section>\n",
                 js_text_in(made, "title"), js_text_in(made, "key"));
    text_add(&page, "<table class=\"keys\"><tr><th>Title</th><th>May</th><th>Made</th><th>Last used</th><th>Ends</th><th></th></tr>\n");
    json_array_foreach(json_object_get(body, "keys"), i, key)
        add_key(rq, &page, key);
    text_add(&page, json_array_size(json_object_get(body, "keys")) ? "</table>\n" : "</table>\n<p>There is none.</p>\n");
    add_form(rq, &page);
    page_end(&page);
    if (!page_reply(rq, reply, &page))
        return false;
    reply->status = status;
    return true;
}

/* ---- forms ---- */

/* The form as the body of POST /api/keys; what is left empty was not said. */
static bool read_form(struct request *rq, json_t **ret_body, struct err *err)
{
    AUTO(json) json_t *body = json_object();
    struct url form;

    if (!url_parse(rq->arena, arena_printf(rq->arena, "/?%.*s", (int)rq->size, (const char *)rq->bytes), &form, err))
        return false;
    for (size_t i = 0; i < form.n_query; i++) {
        const char *name = form.query[i].name, *value = form.query[i].value;

        if (!value || !*value)
            continue;
        if (strcmp(name, "scopes")) {
            json_object_set_new(body, name, json_string(value));
            continue;
        }
        if (!json_object_get(body, name))
            json_object_set_new(body, name, json_array());
        json_array_append_new(json_object_get(body, name), json_string(value));
    }
    *ret_body = json_incref(body);
    return true;
}

/* POST /api/keys/form */
bool key_form_post(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(json) json_t *body = NULL, *made = NULL, *all = NULL;

    if (!page_is_own(rq, "make a key", err) || !read_form(rq, &body, err) || !key_make(rq, body, &made, err) || !keys_json(rq, &all, err))
        return false;
    reply_header(rq, reply, "Cache-Control", "no-store");
    return keys_page(rq, reply, 201, all, made);
}

/* POST /api/keys/{key_id}/revocation */
bool key_revocation_post(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(json) json_t *all = NULL;

    return page_is_own(rq, "revoke a key", err) && api_key_remove(rq->db, rq->user->id, request_variable(rq, "key_id"), err) &&
           keys_json(rq, &all, err) && keys_page(rq, reply, 200, all, NULL);
}
