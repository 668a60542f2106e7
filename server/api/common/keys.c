/* API keys: made and shown once, listed without the secret, revoked. */
#include "api/common/common.h"
#include "api/common/keys.h"
#include "auth/auth.h"
#include "base/instant.h"
#include "json/js.h"

struct key_input {
    const char *title, *expires;
    json_t *scopes;
};

static const struct js_field key_fields[] = {
    JS_STRING(struct key_input, title, .max_len = 200),
    JS_STRING(struct key_input, expires, .optional = true),
    JS_ARRAY(struct key_input, scopes, .optional = true, .max_len = 3),
    JS_END,
};

static json_t *instant_or_null(int64_t ms)
{
    char text[INSTANT_TEXT_SIZE];

    return ms ? json_string(instant_format(ms, text)) : json_null();
}

static json_t *scopes_json(unsigned scopes)
{
    json_t *list = json_array();
    const char *name;
    unsigned scope;

    for (size_t i = 0; (name = key_scope_name(i, &scope)); i++)
        if (!scopes || (scopes & scope))
            json_array_append_new(list, json_string(name));
    return list;
}

static bool read_limits(const struct key_input *in, unsigned *ret_scopes, int64_t *ret_expires,
                        struct err *err)
{
    size_t i;
    json_t *one;

    *ret_scopes = 0;
    *ret_expires = 0;
    json_array_foreach(in->scopes, i, one)
    {
        unsigned scope;

        if (!json_is_string(one))
            return js_refuse(one, "/scopes", "texts", err);
        if (!key_scopes_read(json_string_value(one), &scope, err))
            return false;
        *ret_scopes |= scope;
    }
    if (in->scopes && !*ret_scopes)
        return err_set(err, ERR_InvalidParameter,
                       "/scopes: expected read, process or catalog, found nothing");
    if (!in->expires)
        return true;
    return (instant_parse_date(in->expires, ret_expires) && *ret_expires > instant_now()) ||
           err_set(err, ERR_InvalidParameter, "/expires: expected a date to come, found '%.40s'",
                   in->expires);
}

bool keys_json(struct request *rq, json_t **ret_body, struct err *err)
{
    struct api_key *keys;
    size_t count;
    json_t *list;

    if (!api_key_list(rq->db, rq->arena, rq->user->id, &keys, &count, err))
        return false;
    list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "id", keys[i].id, "title",
                                        keys[i].title, "created", instant_or_null(keys[i].created),
                                        "used", instant_or_null(keys[i].used), "expires",
                                        instant_or_null(keys[i].expires), "scopes",
                                        scopes_json(keys[i].scopes)));
    *ret_body = json_pack("{s:o}", "keys", list);
    return true;
}

/* GET /api/keys: for programs, or as a page. */
bool keys_list(struct request *rq, struct reply *reply, struct err *err)
{
    static const char *const offers[] = { "application/json", "text/html", NULL };
    AUTO(json) json_t *body = NULL;

    reply_header(rq, reply, "Vary", "Accept");
    if (!keys_json(rq, &body, err))
        return false;
    return request_accepts(rq, offers) == 1 ? keys_page(rq, reply, 200, body, NULL) : reply_json(reply, 200, json_incref(body), NULL);
}

bool key_make(struct request *rq, const json_t *wish, json_t **ret_made, struct err *err)
{
    struct key_input in;
    char key[ID_SECRET_SIZE], id[ID_UUID_SIZE];
    unsigned scopes;
    int64_t expires;

    if (!js_read(wish, "", key_fields, JS_REFUSE_UNKNOWN, &in, err) ||
        !read_limits(&in, &scopes, &expires, err) ||
        !auth_key_issue(rq->db, rq->user, in.title, scopes, expires, key, id, err))
        return false;
    *ret_made = json_pack("{s:s, s:s, s:s}", "id", id, "title", in.title, "key", key);
    return true;
}

bool key_create(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *made;

    if (!key_make(rq, rq->body, &made, err))
        return false;
    reply_header(rq, reply, "Location", "%s/api/keys/%s", rq->base_url, js_text(made, "id"));
    reply_header(rq, reply, "Cache-Control", "no-store");
    return reply_json(reply, 201, made, NULL);
}

bool key_delete(struct request *rq, struct reply *reply, struct err *err)
{
    return api_key_remove(rq->db, rq->user->id, request_variable(rq, "key_id"), err) &&
           reply_empty(reply, 204);
}
