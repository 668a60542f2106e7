/* A notice is a row; what it says is made when it is told, from the job as it is then: a job that
 * ran again meanwhile is told of as it ended last. Those under way are remembered here, since one
 * server delivers at a time; after a kill they are told again under the same id. */
#include "feed/notices.h"
#include "auth/hook.h"
#include "base/instant.h"
#include "base/text.h"
#include "feed/notice_text.h"
#include "net/fetch.h"
#include "store/notices.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <uthash.h>

enum { LOOK = 200, OWNER_CALLS = 2, PRUNE_MS = 3600000, MAIL_DAY_MS = 3600000 };

struct under_way {
    char id[ID_UUID_SIZE], owner[ID_UUID_SIZE];
    bool mail;
    UT_hash_handle hh;
};

struct notices {
    const struct config *config;
    struct calls *calls;
    struct under_way *all;
    int64_t pruned; /* instant_monotonic() */
};

struct notices *notices_new(const struct config *config, struct calls *calls)
{
    struct notices *notices = MEM_NEW(struct notices);

    notices->config = config;
    notices->calls = calls;
    return notices;
}

static void forget(struct notices *notices, struct under_way *one)
{
    HASH_DEL(notices->all, one);
    free(one);
}

void notices_free(struct notices *notices)
{
    while (notices->all)
        forget(notices, notices->all);
    free(notices);
}

/* E-mails of an owner go one by one: the next one finds the last one counted. */
static bool may_go(const struct notices *notices, const struct notice *notice)
{
    size_t count = 0, mails = 0;

    for (const struct under_way *one = notices->all; one; one = one->hh.next)
        if (!strcmp(one->owner, notice->owner)) {
            count++;
            mails += one->mail;
        }
    return count < OWNER_CALLS && !(notice->mail && mails);
}

static void remember(struct notices *notices, const struct notice *notice)
{
    struct under_way *one = MEM_NEW(struct under_way);

    memcpy(one->id, notice->id, sizeof one->id);
    memcpy(one->owner, notice->owner, sizeof one->owner);
    one->mail = notice->mail;
    HASH_ADD_STR(notices->all, id, one);
}

/* ---- one notice ---- */

static void sign(struct call *call, const struct notice *notice)
{
    AUTO(mem) char *timestamp = mem_printf("%" PRId64, instant_now() / 1000);
    AUTO(mem) char *signature = hook_sign_user(notice->owner, notice->id, timestamp, call->body);

    call->headers[0] = mem_printf("webhook-id: %s", notice->id);
    call->headers[1] = mem_printf("webhook-timestamp: %s", timestamp);
    call->headers[2] = mem_printf("webhook-signature: %s", signature);
    call->headers[3] = mem_text("Content-Type: application/json");
}

static bool fill_call(struct notices *notices, struct db *db, const struct notice *notice,
                      struct call *call, struct err *err)
{
    if (!fetch_may_call(notice->target, notices->config->catalog_hook_hosts, &call->public_only,
                        err) ||
        !notice_body(notices->config, db, notice, &call->body, err))
        return false;
    sign(call, notice);
    return true;
}

/* A day's e-mails have an end; what comes later waits, up to the time when notices are given up. */
static bool fill_mail(struct notices *notices, struct db *db, const struct notice *notice,
                      struct call *call, bool *ret_later, struct err *err)
{
    int64_t sent;

    if (!notices_mails(db, notice->owner, &sent, err))
        return false;
    *ret_later = sent >= notices->config->mail_user_limit;
    call->config = notices->config;
    return *ret_later ||
           notice_mail(notices->config, db, notice, &call->headers[0], &call->body, err);
}

/* The database is well and this notice is not: it is never told, and says why. */
static bool give_up(struct db *db, const struct notice *notice, const char *reason, struct err *err)
{
    return notice_failed(db, notice->id, 0, reason, -1, 0, err);
}

static bool tell(struct notices *notices, struct db *db, const struct notice *notice,
                 struct err *err)
{
    struct call *call = MEM_NEW(struct call);
    struct err why = {0};
    bool later = false, good;

    call->kind = notice->mail ? CALL_MAIL : CALL_NOTICE;
    memcpy(call->id, notice->id, sizeof call->id);
    call->url = mem_text(notice->target);
    call->attempts = notice->attempts;
    good = notice->mail ? fill_mail(notices, db, notice, call, &later, &why)
                        : fill_call(notices, db, notice, call, &why);
    if (good && !later) {
        remember(notices, notice);
        calls_push(notices->calls, call);
        return true;
    }
    call_free(call);
    if (later)
        return notice_failed(db, notice->id, 0,
                             "As many e-mails were sent today as a user may have", MAIL_DAY_MS,
                             notices->config->catalog_hook_give_up, err);
    if (why.code == ERR_DatabaseFailed)
        return err_set(err, why.code, "%s", why.message);
    return give_up(db, notice, why.message, err);
}

bool notices_look(struct notices *notices, struct db *db, int64_t *next_at, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    int64_t now = instant_monotonic(), later;
    struct notice *due;
    size_t count;

    if (now - notices->pruned > PRUNE_MS) {
        notices->pruned = now;
        if (!notices_prune(db, err))
            return false;
    }
    if (!notices_due(db, arena, LOOK, &due, &count, &later, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct under_way *one;

        HASH_FIND_STR(notices->all, due[i].id, one);
        if (one || !may_go(notices, &due[i]))
            continue; /* looked at again when a call has ended */
        if (!tell(notices, db, &due[i], err))
            return false;
    }
    if (later && later < *next_at)
        *next_at = later;
    return true;
}

bool notices_settle(struct notices *notices, struct db *db, struct call *call, struct err *err)
{
    struct under_way *one;
    bool good;

    HASH_FIND_STR(notices->all, call->id, one);
    if (one)
        forget(notices, one);
    good = call->err.code == ERR_None
               ? notice_delivered(db, call->id, call->status, err)
               : notice_failed(db, call->id, call->status, call->err.message,
                               call->status == 410
                                   ? -1
                                   : calls_pause_ms(call->attempts, call->retry_after_ms),
                               notices->config->catalog_hook_give_up, err);
    call_free(call);
    return good;
}
