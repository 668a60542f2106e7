/* With whom a collection is shared: for its owner. */
#include "api/common/build.h"
#include "api/common/common.h"
#include "base/text.h"
#include "store/shares.h"
#include <string.h>

enum { MAX_NAME = 127 };

struct share_input {
    const char *user, *group, *right;
    bool everybody;
};

static const char *const share_rights[] = { "read", "write", NULL };
static const struct js_field share_fields[] = {
    JS_STRING(struct share_input, user, .optional = true, .max_len = MAX_NAME),
    JS_STRING(struct share_input, group, .optional = true, .max_len = MAX_NAME),
    { .name = "public", .type = JS_TYPE_BOOLEAN, .offset = offsetof(struct share_input, everybody),
      .optional = true },
    JS_STRING(struct share_input, right, .optional = true, .fallback = "read", .choice = share_rights),
    JS_END,
};

static json_t *share_json(const struct share *share)
{
    json_t *body = json_pack("{s:s}", "id", share->id);

    put_text(body, "user", share->user);
    put_text(body, "group", share->group);
    if (!share->user && !share->group)
        json_object_set_new(body, "public", json_true());
    put_text(body, "right", share->writes ? "write" : "read");
    put_instant(body, "created", share->created);
    return body;
}

static bool may_share(struct request *rq, const char **ret_collection, struct err *err)
{
    *ret_collection = request_variable(rq, "collection_id");
    return collection_may(rq->db, rq->user, *ret_collection, RIGHT_OWN, err);
}

bool shares_list(struct request *rq, struct reply *reply, struct err *err)
{
    const char *collection;
    struct share *shares;
    json_t *list;
    size_t count;

    if (!may_share(rq, &collection, err) ||
        !share_list(rq->db, rq->arena, collection, &shares, &count, err))
        return false;
    list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, share_json(&shares[i]));
    return reply_json(reply, 200, json_pack("{s:o}", "shares", list), NULL);
}

static bool read_share(struct request *rq, struct share *share, struct err *err)
{
    struct share_input in;

    if (!js_read(rq->body, "", share_fields, JS_REFUSE_UNKNOWN, &in, err))
        return false;
    if ((in.user != NULL) + (in.group != NULL) + in.everybody != 1)
        return err_set(err, ERR_BadRequest, "expected one of the members user, group and public: true");
    *share = (struct share){ .user = in.user, .group = in.group, .writes = !strcmp(in.right, "write") };
    return !(in.everybody && share->writes) ||
           err_set(err, ERR_BadRequest, "/right: the public may read, but not write");
}

bool share_create(struct request *rq, struct reply *reply, struct err *err)
{
    const char *collection;
    char id[ID_UUID_SIZE];
    struct share share;

    if (!may_share(rq, &collection, err) || !read_share(rq, &share, err) ||
        !share_add(rq->db, collection, &share, id, err))
        return false;
    share.id = id;
    reply_header(rq, reply, "Location", "%s",
                 href_of(rq, "/api/collections/%s/shares/%s", collection, id));
    return reply_json(reply, 201, share_json(&share), NULL);
}

bool share_delete(struct request *rq, struct reply *reply, struct err *err)
{
    const char *collection;

    return may_share(rq, &collection, err) &&
           share_remove(rq->db, collection, request_variable(rq, "share_id"), err) && reply_empty(reply, 204);
}
