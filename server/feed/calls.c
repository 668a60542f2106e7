/* One queue, SENDERS threads. Nothing is followed to another address, answers are read up to a
 * bound and thrown away. */
#include "feed/calls.h"
#include "base/mem.h"
#include "net/fetch.h"
#include "net/mail.h"
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum {
    SENDERS = 8,
    CALL_MS = 10000,
    ANSWER_BYTES = 1 << 20,
    FIRST_PAUSE_MS = 2000, /* after a failure; doubled for each further one */
    LAST_PAUSE_MS = 3600000,
};

struct calls {
    pthread_t senders[SENDERS];
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    int wake;
    bool stopping;
    struct call *waiting, **last, *made;
};

void call_free(struct call *call)
{
    for (size_t i = 0; i < ARRAY_LEN(call->headers); i++)
        free(call->headers[i]);
    free(call->url);
    free(call->body);
    free(call);
}

static void send_call(struct call *call)
{
    AUTO(fetched) struct fetched answer = {0};
    struct fetch what = {.method = "POST",
                         .url = call->url,
                         .body = call->body,
                         .body_size = strlen(call->body),
                         .timeout_ms = CALL_MS,
                         .public_only = call->public_only,
                         .max_size = ANSWER_BYTES};

    for (size_t i = 0; i < ARRAY_LEN(call->headers); i++)
        what.headers[i] = call->headers[i];
    if (!fetch(&what, &answer, &call->err))
        return;
    int64_t later_ms = fetched_wait_ms(&answer);

    call->status = answer.status;
    if (later_ms > 0 && later_ms <= LAST_PAUSE_MS)
        call->retry_after_ms = later_ms;
    if (answer.status / 100 != 2)
        err_set(&call->err, ERR_Unreachable, "The address answered %d", answer.status);
}

static void send_mail(struct call *call)
{
    const struct config *c = call->config;
    const struct mail mail = {c->mail_relay, c->mail_user,     c->mail_password, c->mail_from,
                              call->url,     call->headers[0], call->body};

    if (!mail_send(&mail, &call->err) && call->err.code == ERR_None)
        err_set(&call->err, ERR_Unreachable, "The relay gave no reason");
}

void calls_nudge(struct calls *calls)
{
    uint64_t one = 1;

    if (write(calls->wake, &one, sizeof one) < 0)
        return; /* the counter is full: the thread is awake anyway */
}

static void *send_calls(void *arg)
{
    struct calls *calls = arg;
    struct call *call;

    pthread_mutex_lock(&calls->lock);
    while (!calls->stopping) {
        call = calls->waiting;
        if (!call) {
            pthread_cond_wait(&calls->changed, &calls->lock);
            continue;
        }
        calls->waiting = call->next;
        if (!calls->waiting)
            calls->last = &calls->waiting;
        pthread_mutex_unlock(&calls->lock);
        if (call->kind == CALL_MAIL)
            send_mail(call);
        else
            send_call(call);
        pthread_mutex_lock(&calls->lock);
        call->next = calls->made;
        calls->made = call;
        calls_nudge(calls);
    }
    pthread_mutex_unlock(&calls->lock);
    return NULL;
}

struct calls *calls_start(int wake)
{
    struct calls *calls = MEM_NEW(struct calls);

    calls->last = &calls->waiting;
    calls->wake = wake;
    pthread_mutex_init(&calls->lock, NULL);
    pthread_cond_init(&calls->changed, NULL);
    for (size_t i = 0; i < SENDERS; i++)
        if (pthread_create(&calls->senders[i], NULL, send_calls, calls) != 0)
            abort();
    return calls;
}

void calls_push(struct calls *calls, struct call *call)
{
    pthread_mutex_lock(&calls->lock);
    call->next = NULL;
    *calls->last = call;
    calls->last = &call->next;
    pthread_cond_signal(&calls->changed);
    pthread_mutex_unlock(&calls->lock);
}

struct call *calls_made(struct calls *calls)
{
    struct call *made;

    pthread_mutex_lock(&calls->lock);
    made = calls->made;
    calls->made = NULL;
    pthread_mutex_unlock(&calls->lock);
    return made;
}

void calls_stop(struct calls *calls)
{
    pthread_mutex_lock(&calls->lock);
    calls->stopping = true;
    pthread_cond_broadcast(&calls->changed);
    pthread_mutex_unlock(&calls->lock);
    for (size_t i = 0; i < SENDERS; i++)
        pthread_join(calls->senders[i], NULL);
}

void calls_free(struct calls *calls)
{
    struct call *call;

    while ((call = calls->made ? calls->made : calls->waiting)) {
        *(calls->made ? &calls->made : &calls->waiting) = call->next;
        call_free(call);
    }
    pthread_cond_destroy(&calls->changed);
    pthread_mutex_destroy(&calls->lock);
    free(calls);
}

int64_t calls_pause_ms(int64_t attempts, int64_t retry_after_ms)
{
    int64_t pause = attempts < 12 ? (int64_t)FIRST_PAUSE_MS << attempts : LAST_PAUSE_MS;
    uint32_t random;

    id_random(&random, sizeof random);
    pause = pause < LAST_PAUSE_MS ? pause : LAST_PAUSE_MS;
    pause = pause / 2 + (int64_t)(random % (uint32_t)(pause / 2 + 1));
    return pause > retry_after_ms ? pause : retry_after_ms;
}
