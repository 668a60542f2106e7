/* API keys: made and shown once, listed without the secret, revoked. */
#include "api/common/common.h"
#include "auth/auth.h"
#include "base/instant.h"
#include "json/js.h"

struct key_input {
    const char *title;
};

static const struct js_field key_fields[] = {
    JS_STRING(struct key_input, title, .max_len = 200),
    JS_END,
};

static json_t *instant_or_null(int64_t ms)
{
    char text[INSTANT_TEXT_SIZE];

    return ms ? json_string(instant_format(ms, text)) : json_null();
}

bool keys_list(struct request *rq, struct reply *reply, struct err *err)
{
    struct api_key *keys;
    size_t count;
    json_t *list;

    if (!api_key_list(rq->db, rq->arena, rq->user->id, &keys, &count, err))
        return false;
    list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "id", keys[i].id, "title",
                                              keys[i].title, "created",
                                              instant_or_null(keys[i].created), "used",
                                              instant_or_null(keys[i].used)));
    return reply_json(reply, 200, json_pack("{s:o}", "keys", list), NULL);
}

bool key_create(struct request *rq, struct reply *reply, struct err *err)
{
    struct key_input in;
    char key[ID_SECRET_SIZE], id[ID_UUID_SIZE];

    if (!js_read(rq->body, "", key_fields, JS_REFUSE_UNKNOWN, &in, err) ||
        !auth_key_issue(rq->db, rq->user, in.title, key, id, err))
        return false;
    reply_header(rq, reply, "Location", "%s/api/keys/%s", rq->base_url, id);
    reply_header(rq, reply, "Cache-Control", "no-store");
    return reply_json(reply, 201,
                      json_pack("{s:s, s:s, s:s}", "id", id, "title", in.title, "key", key), NULL);
}

bool key_delete(struct request *rq, struct reply *reply, struct err *err)
{
    return api_key_remove(rq->db, rq->user->id, request_variable(rq, "key_id"), err) &&
           reply_empty(reply, 204);
}
