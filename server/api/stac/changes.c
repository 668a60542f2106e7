/* GET /stac/changes: what happened after a change that the client knows. He follows the link `next`,
 * which is there also when nothing has happened, and may wait for something to happen. */
#include "api/common/build.h"
#include "api/stac/changes.h"
#include "api/stac/stac.h"
#include "api/stac/wish.h"
#include "base/instant.h"
#include "feed/telling.h"
#include "json/js_text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DEFAULT_LIMIT = 100, MAX_LIMIT = 1000, MAX_WAIT = 60, LOOK_PAGES = 10, UNSETTLED_MS = 200 };

struct question { /* kept while the request waits (rq->state) */
    int64_t since, limit, deadline; /* deadline: instant_monotonic() */
    bool with_items;
    struct interest interest;
};

bool changes_flag(struct request *rq, const char *name, bool *ret_truth, struct err *err)
{
    const char *value = request_query(rq, name);

    *ret_truth = value && !strcmp(value, "true");
    return !value || *ret_truth || !strcmp(value, "false") ||
           err_set(err, ERR_InvalidParameter, "%s: expected true or false, found '%.20s'", name, value);
}

static bool read_question(struct request *rq, struct question *q, struct err *err)
{
    static const char *const others[] = { "since", "limit", "items", "wait", NULL };
    AUTO(wish) struct wish wish = { 0 };
    int64_t wait;

    if (!request_query_integer(rq, "since", 0, INT64_C(9000000000000000), CHANGES_FIRST, &q->since, err) ||
        !request_query_integer(rq, "limit", 1, INT32_MAX, DEFAULT_LIMIT, &q->limit, err) ||
        !request_query_integer(rq, "wait", 0, MAX_WAIT, 0, &wait, err) ||
        !changes_flag(rq, "items", &q->with_items, err) || !wish_of_query(rq, others, &wish, err))
        return false;
    q->limit = q->limit < MAX_LIMIT ? q->limit : MAX_LIMIT;
    q->deadline = instant_monotonic() + wait * 1000;
    q->interest = wish.interest;
    return true;
}

struct found {
    struct text list;
    int64_t count;
    bool more, unsettled;
};

/* Looks on until the page is full or enough was looked at; q->since is where it stopped. */
static bool collect(struct request *rq, struct question *q, struct found *found, struct err *err)
{
    const struct listener to = { rq->base_url, stac_viewer(rq), q->with_items };

    for (int pages = 0; pages < LOOK_PAGES && found->count < q->limit; pages++) {
        struct changes page;

        if (!changes_read(rq->db, q->since, q->limit, &page, err))
            return false;
        q->since = page.last;
        found->more = page.more;
        found->unsettled = page.unsettled;
        for (size_t i = 0; i < page.count && found->count < q->limit; i++) {
            q->since = page.all[i].seq;
            found->more = page.more || i + 1 < page.count;
            if (!interest_meets(&q->interest, &page.all[i]))
                continue;
            text_add(&found->list, found->count++ ? "," : "");
            if (!telling_add(&found->list, rq->db, &page.all[i], &to, err)) {
                changes_done(&page);
                return false;
            }
        }
        changes_done(&page);
        if (!found->more)
            break;
    }
    return true;
}

static bool answer(struct request *rq, struct reply *reply, const struct question *q,
                   const struct found *found)
{
    AUTO(json) json_t *links = json_array();
    AUTO(text) struct text body = { 0 };
    char since[24];
    size_t size;

    snprintf(since, sizeof since, "%" PRId64, q->since);
    link_add(links, "self", href_with(rq, "", NULL), "application/json", NULL);
    link_add(links, "root", href_of(rq, STAC_ROOT), "application/json", NULL);
    link_add(links, "next", href_with(rq, "since", since), "application/json", "What happens after these");
    text_printf(&body, "{\"changes\":[%s],\"numberReturned\":%" PRId64 ",\"seq\":%s,\"more\":%s,\"links\":",
                found->list.data ? found->list.data : "", found->count, since,
                found->more ? "true" : "false");
    js_text_add(&body, links);
    text_add(&body, "}");
    size = body.length;
    return reply_bytes(reply, 200, text_take(&body), size, "application/json");
}

bool stac_changes_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct question *q = rq->state;
    struct found found = { 0 };
    int64_t left;
    bool good;

    if (!rq->woken) {
        rq->state = q = arena_alloc(rq->arena, sizeof *q);
        if (!read_question(rq, q, err))
            return false;
    }
    good = collect(rq, q, &found, err);
    left = q->deadline - instant_monotonic();
    if (good && found.count == 0 && !found.more && left > 0)
        good = reply_wait(rq, reply, CATALOG_CHANNEL,
                          found.unsettled && left > UNSETTLED_MS ? UNSETTLED_MS : left);
    else if (good)
        good = answer(rq, reply, q, &found);
    text_drop(&found.list);
    return good;
}
