/* Addresses are judged when they are named and again when they are called. An e-mail goes to the
 * address of the account, which its operator or its provider vouches for, or to one in a domain
 * that the site allows. */
#include "api/common/notify.h"
#include "api/common/build.h"
#include "auth/hook.h"
#include "graph/graph.h"
#include "json/js.h"
#include "net/fetch.h"
#include "net/mail.h"
#include "store/notices.h"
#include <string.h>
#include <strings.h>

enum { LISTED = 100, MAX_URL = 2000 };

struct subscriber {
    const char *successUri, *successUrl, *inProgressUri,
        *failedUri; /* successUrl: as one published schema has it */
};
static const struct js_field subscriber_fields[] = {
    JS_STRING(struct subscriber, successUri, .optional = true, .max_len = MAX_URL),
    JS_STRING(struct subscriber, successUrl, .optional = true, .max_len = MAX_URL),
    JS_STRING(struct subscriber, inProgressUri, .optional = true, .max_len = MAX_URL),
    JS_STRING(struct subscriber, failedUri, .optional = true, .max_len = MAX_URL),
    JS_END,
};

static bool put_url(struct request *rq, const struct notify_wish *wish, const char *name, const char *url, json_t *notify,
                    struct err *err)
{
    bool public_only;

    if (!url)
        return true;
    if (!fetch_may_call(url, rq->config->catalog_hook_hosts, &public_only, err))
        return err_prefix(err, "%s/%s", wish->subscriber_pointer, name);
    json_object_set_new(notify, name, json_string(url));
    return true;
}

static bool read_subscriber(struct request *rq, const struct notify_wish *wish, json_t *notify, struct err *err)
{
    struct subscriber in;

    if (!wish->subscriber || json_is_null(wish->subscriber))
        return true;
    if (!js_read(wish->subscriber, wish->subscriber_pointer, subscriber_fields, JS_REFUSE_UNKNOWN, &in, err))
        return false;
    return put_url(rq, wish, "successUri", in.successUri ? in.successUri : in.successUrl, notify, err) &&
           put_url(rq, wish, "inProgressUri", in.inProgressUri, notify, err) &&
           put_url(rq, wish, "failedUri", in.failedUri, notify, err);
}

static bool check_address(struct request *rq, const char *address, const char *pointer, struct err *err)
{
    const char *own = rq->user->email, *domains = rq->config->mail_domains;

    if (!mail_is_address(address))
        return err_set(err, ERR_InvalidParameter, "%s: '%.100s' is no address of e-mail", pointer, address);
    if (*domains ? mail_is_in(address, domains) : *own && !strcasecmp(address, own))
        return true;
    if (*domains)
        return err_set(err, ERR_InvalidParameter, "%s: this service writes to %s only, not to '%.100s'", pointer, domains, address);
    return err_set(err, ERR_InvalidParameter, "%s: expected the address of your account, found '%.100s'", pointer, address);
}

static bool read_mail(struct request *rq, const struct notify_wish *wish, json_t *notify, struct err *err)
{
    const char *address = json_is_string(wish->mail) ? json_string_value(wish->mail) : rq->user->email;

    if (!json_is_true(wish->mail) && !json_is_string(wish->mail))
        return true;
    if (!*rq->config->mail_relay)
        return err_set(err, ERR_InvalidParameter, "%s: this service sends no e-mail", wish->mail_pointer);
    if (!*address)
        return err_set(err, ERR_InvalidParameter, "%s: your account has no address of e-mail; its operator can give it one",
                       wish->mail_pointer);
    if (!check_address(rq, address, wish->mail_pointer, err))
        return false;
    json_object_set_new(notify, "mail", json_string(address));
    return true;
}

bool notify_keep(struct request *rq, const struct notify_wish *wish, json_t *request, struct err *err)
{
    AUTO(json) json_t *notify = json_object();

    json_object_del(request, "notify"); /* nobody else says who is told */
    if (!read_mail(rq, wish, notify, err) || !read_subscriber(rq, wish, notify, err))
        return false;
    if (json_object_size(notify) == 0)
        return true;
    json_object_set_new(notify, "base_url", json_string(rq->base_url));
    json_object_set(request, "notify", notify);
    return true;
}

bool notify_read(struct request *rq, const json_t *subscriber, const json_t *graph,
                 json_t *arguments, json_t *request, struct err *err)
{
    const struct notify_wish wish = { json_object_get(arguments, NOTIFY_MAIL), subscriber, "/inputs/" NOTIFY_MAIL, "/subscriber" };

    if (!rq->user)
        return true;
    if (!notify_keep(rq, &wish, request, err))
        return false;
    if (!process_has_parameter(graph, NOTIFY_MAIL))
        json_object_del(arguments, NOTIFY_MAIL);
    return true;
}

/* ---- what was told ---- */

static json_t *notice_json(const struct notice *n)
{
    json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "id", n->id, "jobID", n->job, "event",
                            n->event, "by", n->mail ? "mail" : "call", "target", n->target,
                            "attempts", (json_int_t)n->attempts);

    put_text(one, "state", n->delivered ? "delivered" : n->pending ? "pending" : "given up");
    put_instant(one, "created", n->created);
    put_instant(one, "last_attempt", n->last_at);
    put_instant(one, "next_attempt", n->next_at);
    if (n->last_status)
        json_object_set_new(one, "last_status", json_integer(n->last_status));
    put_text(one, "last_error", n->last_error);
    return one;
}

/* GET /api/notices: the newest, and the secret that calls are signed with. */
bool notices_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(mem) char *secret = hook_user_secret(rq->user->id);
    struct notice *all;
    json_t *list;
    size_t count;

    if (!notice_list(rq->db, rq->arena, rq->user->id, LISTED, &all, &count, err))
        return false;
    list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, notice_json(&all[i]));
    reply_header(rq, reply, "Cache-Control", "no-store");
    return reply_json(reply, 200, json_pack("{s:s, s:o}", "secret", secret, "notices", list), NULL);
}
