/* Subscriptions of a user: an address that is called when something that he asked for changes
 * (feed/hooks.c delivers). The secret of the signatures is told once, when it is made. */
#include "api/common/build.h"
#include "api/stac/stac.h"
#include "api/stac/subscriptions.h"
#include "api/stac/wish.h"
#include "auth/hook.h"
#include "net/fetch.h"
#include "store/subscriptions.h"
#include <math.h>
#include <string.h>

enum { MAX_URL = 2000, MAX_TITLE = 200 };

struct input {
    const char *url, *title, *secret;
    bool active;
    double since; /* NAN: not given */
};

static const struct js_field fields[] = {
    JS_STRING(struct input, url, .optional = true, .max_len = MAX_URL),
    JS_STRING(struct input, title, .optional = true, .nullable = true, .max_len = MAX_TITLE),
    JS_STRING(struct input, secret, .optional = true, .max_len = 200),
    JS_BOOLEAN(struct input, active, .optional = true, .fallback_number = 1),
    JS_NUMBER(struct input, since, 0, 9e15, .optional = true, .fallback_number = NAN),
    JS_END,
};

static bool is_own(const char *name)
{
    for (const struct js_field *field = fields; field->name; field++)
        if (!strcmp(field->name, name))
            return true;
    return false;
}

/* What the body says of what is wanted: all that is not about the call. */
static json_t *wanted_of(const json_t *body)
{
    json_t *wanted = json_object(), *value;
    const char *name;

    json_object_foreach((json_t *)body, name, value)
        if (!is_own(name))
            json_object_set(wanted, name, value);
    return wanted;
}

static char *dump(const json_t *value)
{
    return value ? json_dumps(value, JSON_COMPACT) : NULL;
}

/* Checks what is wanted; both texts are in the request's arena. */
static bool read_wanted(struct request *rq, const json_t *wanted, struct subscription *s, struct err *err)
{
    AUTO(json) json_t *members = json_copy((json_t *)wanted);
    const json_t *items = json_object_get(wanted, "items");
    AUTO(wish) struct wish wish = { 0 };

    if (items && !json_is_boolean(items))
        return js_refuse(items, "/items", "true or false", err);
    json_object_del(members, "items");
    if (!wish_of_json(rq, members, &wish, err))
        return false;
    AUTO(mem) char *text = dump(wanted), *condition = dump(wish.condition);

    s->interest = arena_text(rq->arena, text);
    s->condition = condition ? arena_text(rq->arena, condition) : NULL;
    return true;
}

static bool read_url(struct request *rq, const char *url, struct subscription *s, struct err *err)
{
    bool public_only;

    s->url = url;
    return fetch_may_call(url, rq->config->catalog_hook_hosts, &public_only, err) || err_prefix(err, "/url");
}

static bool read_secret(struct request *rq, const char *given, struct subscription *s, const char **ret_told,
                        struct err *err)
{
    AUTO(mem) char *told = NULL;
    AUTO(mem) unsigned char *kept = NULL;
    unsigned char *copy;

    if (!hook_secret(given, &told, &kept, &s->secret_size, err))
        return false;
    copy = arena_alloc(rq->arena, s->secret_size);
    memcpy(copy, kept, s->secret_size);
    s->secret = copy;
    *ret_told = arena_text(rq->arena, told);
    return true;
}

static bool read_since(struct request *rq, const struct input *in, struct subscription *s, struct err *err)
{
    struct changes page;

    if (isnan(in->since))
        return changes_last(rq->db, &s->seq, err);
    if (!changes_read(rq->db, (int64_t)in->since, 1, &page, err))
        return false;
    changes_done(&page);
    s->seq = (int64_t)in->since;
    return true;
}

static bool read_body(const json_t *body, struct input *in, struct err *err)
{
    return js_read(body, "", fields, JS_IGNORE_UNKNOWN, in, err);
}

/* ---- as it is told ---- */

static json_t *failing_json(const struct subscription *s)
{
    json_t *failing = json_pack("{s:I}", "attempts", (json_int_t)s->attempts);

    put_instant(failing, "since", s->failing_since);
    put_instant(failing, "last", s->last_at);
    if (s->last_status)
        json_object_set_new(failing, "status", json_integer(s->last_status));
    put_text(failing, "error", s->last_error);
    if (s->active)
        put_instant(failing, "next", s->next_at);
    return failing;
}

static json_t *told(struct request *rq, const struct subscription *s)
{
    json_t *body = json_pack("{s:s}", "id", s->id), *links = json_array();
    AUTO(json) json_t *wanted = json_loads(s->interest, 0, NULL);

    put_text(body, "title", s->title);
    put_text(body, "url", s->url);
    json_object_update_missing(body, wanted);
    json_object_set_new(body, "active", json_boolean(s->active));
    put_text(body, "reason", s->reason);
    put_instant(body, "created", s->created);
    put_instant(body, "updated", s->updated);
    json_object_set_new(body, "seq", json_integer(s->seq));
    json_object_set_new(body, "delivered", json_integer(s->delivered));
    put_instant(body, "delivered_at", s->delivered_at);
    if (s->failing_since)
        json_object_set_new(body, "failing", failing_json(s));
    link_add(links, "self", href_of(rq, "/api/subscriptions/%s", s->id), "application/json", NULL);
    json_object_set_new(body, "links", links);
    return body;
}

static bool load(struct request *rq, struct subscription *ret, struct err *err)
{
    return subscription_load(rq->db, rq->arena, rq->user->id, request_variable(rq, "subscription_id"), ret, err);
}

/* ---- handlers ---- */

bool subscriptions_list(struct request *rq, struct reply *reply, struct err *err)
{
    struct subscription *all;
    json_t *list;
    size_t count;

    if (!subscription_list(rq->db, rq->arena, rq->user->id, &all, &count, err))
        return false;
    list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, told(rq, &all[i]));
    return reply_json(reply, 200, json_pack("{s:o}", "subscriptions", list), NULL);
}

bool subscription_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct subscription s;

    return load(rq, &s, err) && reply_json(reply, 200, told(rq, &s), NULL);
}

bool subscription_create(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(json) json_t *wanted = wanted_of(rq->body);
    struct subscription s = { .base_url = rq->base_url };
    const char *secret;
    char id[ID_UUID_SIZE];
    struct input in;
    json_t *body;

    memcpy(s.owner, rq->user->id, sizeof s.owner);
    if (!read_body(rq->body, &in, err))
        return false;
    if (!in.url)
        return js_refuse(NULL, "/url", "a string", err);
    if (json_object_get(rq->body, "active"))
        return err_set(err, ERR_InvalidParameter, "/active: a subscription is active when it is made");
    s.title = in.title;
    if (!read_url(rq, in.url, &s, err) || !read_wanted(rq, wanted, &s, err) ||
        !read_secret(rq, in.secret, &s, &secret, err) || !read_since(rq, &in, &s, err) ||
        !subscription_add(rq->db, &s, rq->config->catalog_hook_limit, id, err) ||
        !subscription_load(rq->db, rq->arena, rq->user->id, id, &s, err))
        return false;
    body = told(rq, &s);
    json_object_set_new(body, "secret", json_string(secret));
    reply_header(rq, reply, "Location", "%s/api/subscriptions/%s", rq->base_url, id);
    reply_header(rq, reply, "Cache-Control", "no-store");
    return reply_json(reply, 201, body, NULL);
}

/* What is wanted is replaced as a whole when any of its members is there. */
bool subscription_patch(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(json) json_t *wanted = wanted_of(rq->body);
    const char *secret = NULL;
    struct subscription s;
    struct input in;
    json_t *body;

    if (!read_body(rq->body, &in, err) || !load(rq, &s, err))
        return false;
    if (json_object_get(rq->body, "title"))
        s.title = in.title;
    if (json_object_get(rq->body, "active"))
        s.active = in.active;
    if ((in.url && !read_url(rq, in.url, &s, err)) ||
        (json_object_size(wanted) && !read_wanted(rq, wanted, &s, err)) ||
        (in.secret && !read_secret(rq, in.secret, &s, &secret, err)) ||
        (!isnan(in.since) && !read_since(rq, &in, &s, err)) || !subscription_change(rq->db, &s, err) ||
        !load(rq, &s, err))
        return false;
    body = told(rq, &s);
    put_text(body, "secret", secret);
    return reply_json(reply, 200, body, NULL);
}

bool subscription_delete(struct request *rq, struct reply *reply, struct err *err)
{
    return subscription_remove(rq->db, rq->user->id, request_variable(rq, "subscription_id"), err) &&
           reply_empty(reply, 204);
}
