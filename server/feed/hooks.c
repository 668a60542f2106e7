/* The deliverer of the one server that holds the advisory lock: a thread with a connection of its own
 * that sleeps until the catalogue or a subscription changes or a call is due, and SENDERS threads that
 * make the calls. The deliverer alone talks to the database.
 *
 * What has been told is a row's `seq`, moved when a call was taken. What a call tells is settled before
 * it is made (up_to_seq), so that the call that is made again after a failure or a kill tells the same
 * under the same id. Calls of one subscription go one after another: what it is told is in order. */
#include "feed/hooks.h"
#include "auth/hook.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/text.h"
#include "feed/calls.h"
#include "feed/interest.h"
#include "feed/notices.h"
#include "feed/tape.h"
#include "feed/telling.h"
#include "json/js.h"
#include "net/fetch.h"
#include "store/notices.h"
#include "store/subscriptions.h"
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uthash.h>

enum {
    OWNER_CALLS = 2, /* of one owner at once */
    CALL_CHANGES = 100,
    CALL_BYTES = 1 << 20,
    LOOK_PAGES = 20, /* read for one subscription in a round */
    PASS_MS = 60000, /* what does not concern a subscription is noted so often */
    LEAD_MS = 2000,
    ROUND_MS = 50,
    UNSETTLED_MS = 200,
    IDLE_MS = 30000,
};

struct hook { /* what the deliverer remembers of a subscription */
    char id[ID_UUID_SIZE];
    struct arena *arena; /* of what follows; as of `updated` */
    int64_t updated;
    struct interest interest;
    bool with_items;
    char owner[ID_UUID_SIZE];
    bool calling, seen;
    int64_t passed, passed_noted, passed_at; /* nothing up to here concerned it; 0: as the row says */
    UT_hash_handle hh;
};

struct hooks {
    const struct config *config;
    char *url;
    struct db *db;
    struct tape *tape;
    struct hook *all;
    bool leads, unsettled, hurry, troubled;
    int64_t next_at; /* of what is due next; instant_now() */
    pthread_t thread;
    struct calls *calls;
    struct notices *notices; /* what is told about jobs, by the same thread and the same senders */
    int wake;
    atomic_bool stopping;
};

/* ---- what is known of subscriptions ---- */

static void forget(struct hooks *hooks, struct hook *hook)
{
    HASH_DEL(hooks->all, hook);
    arena_free(hook->arena);
    free(hook);
}

static void read_collections(struct hook *hook, const json_t *list)
{
    size_t count = json_array_size(list);
    const char **ids = arena_array(hook->arena, count + 1, sizeof *ids);

    for (size_t i = 0; i < count; i++)
        ids[i] = arena_text(hook->arena, json_string_value(json_array_get(list, i)));
    hook->interest.n_collections = count;
    hook->interest.collections = ids;
}

static bool read_interest(struct hook *hook, const struct subscription *row, struct err *err)
{
    AUTO(json) json_t *interest = NULL, *condition = NULL;

    hook->arena = arena_new();
    hook->interest = (struct interest){ .viewer = hook->owner };
    memcpy(hook->owner, row->owner, sizeof hook->owner);
    if (!js_parse(row->interest, strlen(row->interest), JS_DEFAULT_DEPTH, &interest, err))
        return false;
    hook->with_items = json_is_true(json_object_get(interest, "items"));
    read_collections(hook, json_object_get(interest, "collections"));
    return !row->condition ||
           (js_parse(row->condition, strlen(row->condition), JS_DEFAULT_DEPTH, &condition, err) &&
            interest_condition(condition, hook->arena, &hook->interest.condition, err));
}

/* The hook of a row, as of its last change. */
static bool remember(struct hooks *hooks, const struct subscription *row, struct hook **ret_hook,
                     struct err *err)
{
    struct hook *hook;

    HASH_FIND_STR(hooks->all, row->id, hook);
    if (hook && hook->updated != row->updated && !hook->calling) {
        forget(hooks, hook);
        hook = NULL;
    }
    if (!hook) {
        hook = MEM_NEW(struct hook);
        memcpy(hook->id, row->id, sizeof hook->id);
        hook->updated = row->updated;
        HASH_ADD_STR(hooks->all, id, hook);
        if (!read_interest(hook, row, err)) {
            forget(hooks, hook);
            return false;
        }
    }
    hook->seen = true;
    *ret_hook = hook;
    return true;
}

static size_t calls_of(const struct hooks *hooks, const char *owner)
{
    size_t count = 0;

    for (const struct hook *hook = hooks->all; hook; hook = hook->hh.next)
        count += hook->calling && !strcmp(hook->owner, owner);
    return count;
}

/* ---- a call ---- */

struct telling { /* what is put together for one call */
    struct text body;
    int64_t from, up_to, count;
    bool full, end; /* no more is read for it; there is nothing after it now */
};

/* Adds what concerns the hook, up to the row's own end or as much as a call holds. */
static bool add_page(struct hooks *hooks, struct hook *hook, const struct subscription *row,
                     struct changes *page, struct telling *t, struct err *err)
{
    const struct listener to = { row->base_url, hook->owner, hook->with_items };

    for (size_t i = 0; i < page->count && !t->full; i++) {
        struct change *change = &page->all[i];

        if (interest_meets(&hook->interest, change)) {
            text_add(&t->body, t->count++ ? "," : "");
            if (!telling_add(&t->body, hooks->db, change, &to, err))
                return false;
        }
        t->up_to = change->seq;
        t->full = row->up_to ? change->seq == row->up_to
                             : t->count >= CALL_CHANGES || t->body.length >= CALL_BYTES;
    }
    t->end = !page->more && !t->full;
    return true;
}

static bool collect(struct hooks *hooks, struct hook *hook, const struct subscription *row,
                    struct telling *t, struct err *err)
{
    struct changes *page;

    t->from = t->up_to = hook->passed && !row->up_to ? hook->passed : row->seq;
    /* a call that is made again is read to its end, however far that is */
    for (int pages = 0; pages < LOOK_PAGES || row->up_to; pages++) {
        if (!tape_read(hooks->tape, hooks->db, t->up_to, &page, err))
            return false;
        hooks->unsettled |= page->unsettled;
        if (!add_page(hooks, hook, row, page, t, err))
            return false;
        if (t->full || t->end)
            return true;
        if (t->count > 0 && !row->up_to)
            return true; /* told soon rather than full */
    }
    hooks->hurry = true; /* there is more to look through */
    return true;
}

static bool make_call(const struct config *config, const struct subscription *row, struct telling *t,
                      struct call **ret_call, struct err *err)
{
    struct call *call = MEM_NEW(struct call);
    AUTO(mem) char *id = mem_printf("%s.%" PRId64, row->id, t->up_to);
    AUTO(mem) char *timestamp = mem_printf("%" PRId64, instant_now() / 1000);
    AUTO(mem) char *signature = NULL;

    memcpy(call->id, row->id, sizeof call->id);
    call->url = mem_text(row->url);
    call->up_to = t->up_to;
    call->count = t->count;
    call->attempts = row->attempts;
    call->body = mem_printf("{\"type\":\"catalog.changes\",\"id\":\"%s\",\"subscription\":\"%s\",\"changes\":[%s]}",
                            id, row->id, t->body.data);
    if (!fetch_may_call(call->url, config->catalog_hook_hosts, &call->public_only, err) ||
        !hook_sign(row->secret, row->secret_size, id, timestamp, call->body, &signature, err)) {
        call_free(call);
        return false;
    }
    call->headers[0] = mem_printf("webhook-id: %s", id);
    call->headers[1] = mem_printf("webhook-timestamp: %s", timestamp);
    call->headers[2] = mem_printf("webhook-signature: %s", signature);
    call->headers[3] = mem_text("Content-Type: application/json");
    *ret_call = call;
    return true;
}

/* Notes that nothing up to here concerned it, but seldom: the row says where to look on from after a
 * restart, and looking at the same again does no harm. */
static bool pass(struct hooks *hooks, struct hook *hook, const struct subscription *row, int64_t up_to,
                 struct err *err)
{
    int64_t now = instant_monotonic();

    hook->passed = up_to;
    if (!row->up_to && (up_to == hook->passed_noted || now - hook->passed_at < PASS_MS))
        return true;
    hook->passed_noted = up_to;
    hook->passed_at = now;
    return subscription_pass(hooks->db, row->id, up_to, err);
}

static bool stop(struct hooks *hooks, const struct subscription *row, struct err *reason, struct err *err)
{
    AUTO(mem) char *text = mem_text(reason->message);

    err_clear(reason);
    log_write(LOG_WARNING, NULL, "subscription %s is stopped: %s", row->id, text);
    return subscription_stop(hooks->db, row->id, text, err);
}

static bool look_at(struct hooks *hooks, struct hook *hook, const struct subscription *row, struct err *err)
{
    struct telling t = { 0 };
    struct call *call;
    bool good;

    if (!collect(hooks, hook, row, &t, err)) {
        text_drop(&t.body);
        return err->code == ERR_ChangesGone && stop(hooks, row, err, err);
    }
    if (t.count == 0) {
        text_drop(&t.body);
        return pass(hooks, hook, row, t.up_to, err);
    }
    good = make_call(hooks->config, row, &t, &call, err);
    text_drop(&t.body);
    if (!good)
        return stop(hooks, row, err, err);
    if (!subscription_begin(hooks->db, row->id, call->up_to, err)) {
        call_free(call);
        return false;
    }
    hook->calling = true;
    hook->passed = 0;
    calls_push(hooks->calls, call);
    return true;
}

/* ---- what came of calls ---- */

static bool settle(struct hooks *hooks, const struct call *call, struct err *err)
{
    if (call->err.code == ERR_None)
        return subscription_delivered(hooks->db, call->id, call->up_to, call->count, call->status, err);
    if (call->status == 410)
        return subscription_stop(hooks->db, call->id, "The address answered 410: it is gone.", err);
    return subscription_failed(hooks->db, call->id, call->status, call->err.message,
                               calls_pause_ms(call->attempts, call->retry_after_ms),
                               hooks->config->catalog_hook_give_up, err);
}

static bool settle_made(struct hooks *hooks, struct err *err)
{
    struct call *made = calls_made(hooks->calls), *next;
    bool good = true;

    for (; made; made = next) {
        struct hook *hook;

        next = made->next;
        if (made->kind != CALL_HOOK) {
            good = notices_settle(hooks->notices, hooks->db, made, err) && good;
            continue;
        }
        good = good && settle(hooks, made, err); /* else it is called again: at least once */
        HASH_FIND_STR(hooks->all, made->id, hook);
        if (hook)
            hook->calling = false;
        call_free(made);
    }
    return good;
}

/* ---- the deliverer ---- */

static bool look_at_all(struct hooks *hooks, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    int64_t now = instant_now();
    struct subscription *rows;
    struct hook *hook, *next;
    size_t count;

    if (!subscriptions_active(hooks->db, arena, &rows, &count, err))
        return false;
    hooks->next_at = INT64_MAX;
    tape_turn(hooks->tape);
    hooks->unsettled = hooks->hurry = false;
    for (hook = hooks->all; hook; hook = hook->hh.next)
        hook->seen = false;
    for (size_t i = 0; i < count; i++) {
        if (!remember(hooks, &rows[i], &hook, err)) {
            if (!stop(hooks, &rows[i], err, err))
                return false;
            continue;
        }
        if (hook->calling || calls_of(hooks, hook->owner) >= OWNER_CALLS)
            continue; /* looked at again when a call has ended */
        if (rows[i].next_at > now)
            hooks->next_at = rows[i].next_at < hooks->next_at ? rows[i].next_at : hooks->next_at;
        else if (!look_at(hooks, hook, &rows[i], err))
            return false;
    }
    HASH_ITER(hh, hooks->all, hook, next)
        if (!hook->seen && !hook->calling)
            forget(hooks, hook);
    return true;
}

static bool look_at_jobs(struct hooks *hooks, struct err *err)
{
    int64_t next_at = INT64_MAX;

    if (!notices_look(hooks->notices, hooks->db, &next_at, err))
        return false;
    hooks->next_at = next_at < hooks->next_at ? next_at : hooks->next_at;
    return true;
}

static bool connect_and_lead(struct hooks *hooks, struct err *err)
{
    if (!hooks->db || !db_is_alive(hooks->db)) {
        hooks->leads = false;
        db_close(hooks->db);
        hooks->db = NULL;
        if (!db_open(hooks->url, &hooks->db, err))
            return false;
    }
    if (hooks->leads)
        return true;
    if (!subscriptions_try_lead(hooks->db, &hooks->leads, err))
        return false;
    return !hooks->leads || (db_listen(hooks->db, CATALOG_CHANNEL, err) &&
                             db_listen(hooks->db, SUBSCRIPTIONS_CHANNEL, err) &&
                             db_listen(hooks->db, NOTICES_CHANNEL, err));
}

static int64_t round_of(struct hooks *hooks)
{
    struct err err = { 0 };
    const char *channel, *payload;
    int64_t left;

    if (!connect_and_lead(hooks, &err) ||
        (hooks->leads &&
         !(settle_made(hooks, &err) && look_at_all(hooks, &err) && look_at_jobs(hooks, &err)))) {
        if (!hooks->troubled) /* once, not every two seconds */
            log_write(LOG_WARNING, NULL, "Subscriptions are not looked at: %s", err.message);
        hooks->troubled = true;
        return LEAD_MS;
    }
    hooks->troubled = false;
    if (!hooks->leads)
        return LEAD_MS;
    while (db_notice(hooks->db, &channel, &payload))
        hooks->hurry = true;
    left = hooks->next_at == INT64_MAX ? IDLE_MS : hooks->next_at - instant_now();
    left = hooks->hurry ? 0 : hooks->unsettled && left > UNSETTLED_MS ? UNSETTLED_MS : left;
    return left < ROUND_MS ? ROUND_MS : left > IDLE_MS ? IDLE_MS : left;
}

static void *deliver(void *arg)
{
    struct hooks *hooks = arg;

    while (!atomic_load(&hooks->stopping)) {
        int64_t wait = round_of(hooks);
        struct pollfd fds[2] = { { .fd = hooks->wake, .events = POLLIN }, { .fd = -1 } };
        uint64_t count;

        if (wait > ROUND_MS && hooks->leads)
            fds[1] = (struct pollfd){ .fd = db_socket(hooks->db), .events = POLLIN };
        poll(fds, 2, (int)wait);
        if (fds[0].revents && read(hooks->wake, &count, sizeof count) < 0)
            continue;
        if (fds[1].revents) /* what comes in a moment is one round */
            usleep(ROUND_MS * 1000);
    }
    return NULL;
}

struct hooks *hooks_start(const struct config *config, const char *database_url)
{
    struct hooks *hooks = MEM_NEW(struct hooks);

    hooks->config = config;
    hooks->url = mem_text(database_url);
    hooks->tape = tape_new();
    hooks->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    hooks->calls = calls_start(hooks->wake);
    hooks->notices = notices_new(config, hooks->calls);
    if (pthread_create(&hooks->thread, NULL, deliver, hooks) != 0)
        abort();
    return hooks;
}

void hooks_stop(struct hooks *hooks)
{
    struct err ignored = {0};

    atomic_store(&hooks->stopping, true);
    calls_nudge(hooks->calls);
    pthread_join(hooks->thread, NULL);
    calls_stop(hooks->calls);
    if (hooks->leads && !settle_made(hooks, &ignored))
        log_write(LOG_WARNING, NULL, "Calls may be made again: %s", ignored.message);
    calls_free(hooks->calls);
    notices_free(hooks->notices);
    while (hooks->all)
        forget(hooks, hooks->all);
    tape_free(hooks->tape);
    db_close(hooks->db);
    close(hooks->wake);
    free(hooks->url);
    free(hooks);
}
