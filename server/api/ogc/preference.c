/* Prefer (RFC 7240), as far as it matters here: how long to wait, and how much to send. */
#include "api/ogc/ogc.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_WAIT_S = 1000000 }; /* numbers of clients have any size */

static int64_t wait_seconds(const char *digits)
{
    int64_t seconds = strtoll(digits, NULL, 10);

    return seconds < MAX_WAIT_S ? seconds : MAX_WAIT_S;
}

static void read_token(char *token, struct ogc_preference *prefer)
{
    char *end;

    token += strspn(token, " \t");
    for (end = token + strlen(token); end > token && strchr(" \t", end[-1]); end--)
        end[-1] = '\0';
    if (!strcasecmp(token, "respond-async"))
        prefer->async = true;
    else if (!strcasecmp(token, "respond-sync"))
        prefer->sync = true;
    else if (!strcasecmp(token, "return=minimal"))
        prefer->returns = "minimal";
    else if (!strcasecmp(token, "return=representation"))
        prefer->returns = "representation";
    else if (!strncasecmp(token, "wait=", 5) && token[5] && strspn(token + 5, "0123456789") == strlen(token + 5))
        prefer->wait_ms = wait_seconds(token + 5) * 1000;
}

struct ogc_preference ogc_preference_read(struct request *rq)
{
    struct ogc_preference prefer = { .wait_ms = -1 };
    const char *lines[] = { request_header(rq, "Prefer"), request_query(rq, "response[prefer]") };

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        char *save, *rest;

        if (!lines[i] || strlen(lines[i]) > 1000)
            continue;
        rest = arena_text(rq->arena, lines[i]);
        for (char *t = strtok_r(rest, ",;", &save); t; t = strtok_r(NULL, ",;", &save))
            read_token(t, &prefer);
    }
    return prefer;
}

void ogc_preference_applied(struct request *rq, struct reply *reply, const struct ogc_preference *prefer, bool async)
{
    AUTO(text) struct text applied = { 0 };

    if (async)
        text_add(&applied, ", respond-async");
    else if (prefer->sync)
        text_add(&applied, ", respond-sync");
    if (!async && prefer->wait_ms > 0)
        text_printf(&applied, ", wait=%" PRId64, prefer->wait_ms / 1000);
    if (!async && prefer->returns)
        text_printf(&applied, ", return=%s", prefer->returns);
    if (applied.length)
        reply_header(rq, reply, "Preference-Applied", "%s", applied.data + 2);
}
