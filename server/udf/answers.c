/* Pixels go straight where they are wanted; other bodies are short texts of JSON. */
#include "udf/answers.h"
#include "base/mem.h"
#include "json/js.h"
#include <string.h>

enum { MOST_TEXT = 1 << 20, MOST_DEPTH = 32, MOST_MESSAGE = 4000, MOST_CODE = 100 };

void answers_expect(struct answers *a, char wanted, uint32_t number, void *pixels, size_t pixel_bytes)
{
    json_decref(a->json);
    a->json = NULL;
    a->wanted = wanted;
    a->number = number;
    a->pixels = pixels;
    a->pixel_bytes = pixel_bytes;
    a->done = a->failed = a->in_body = false;
    a->got = 0;
}

static bool refuse(const char *what, struct err *err)
{
    return err_set(err, ERR_UdfFailed, "The process of the UDF answered with %s.", what);
}

static bool begin_body(struct answers *a, struct err *err)
{
    char kind = a->head.kind < 128 ? (char)a->head.kind : '?';

    if (!strchr("dhlper", kind) || !kind)
        return refuse("something that is no message", err);
    if (kind != 'l' && kind != 'e' && kind != a->wanted)
        return refuse("something that was not asked for", err);
    if (kind != 'l' && a->head.number != a->number)
        return refuse("the number of another question", err);
    if (kind == 'r' ? a->head.size != a->pixel_bytes : a->head.size > MOST_TEXT)
        return refuse(kind == 'r' ? "another number of pixels" : "too long a message", err);
    a->in_body = true;
    a->got = 0;
    text_clear(&a->body);
    return true;
}

static const char *member(json_t *json, const char *name, size_t most)
{
    const char *text = js_text(json, name);

    return text && strlen(text) <= most ? text : NULL;
}

static bool tell_line(struct answers *a, json_t *json, struct err *err)
{
    static const char *const levels[] = { "error", "warning", "info", "debug" };
    struct udf_line line = { .level = member(json, "level", MOST_CODE), .message = member(json, "message", MOST_MESSAGE),
                             .code = member(json, "code", MOST_CODE), .data = json_object_get(json, "data") };
    bool known = false;

    for (size_t i = 0; line.level && i < ARRAY_LEN(levels); i++)
        known |= !strcmp(line.level, levels[i]);
    if (!known || !line.message)
        return refuse("a line of the log without level or message", err);
    if (a->line)
        a->line(a->context, &line);
    return true;
}

static bool end_body(struct answers *a, struct err *err)
{
    char kind = (char)a->head.kind;
    AUTO(json) json_t *json = NULL;
    struct err ignored = { 0 };

    a->in_body = false;
    a->got = 0;
    if (kind != 'r' && kind != 'd' &&
        !js_parse(a->body.data ? a->body.data : "", a->body.length, MOST_DEPTH, &json, &ignored))
        return refuse("a message that is no JSON", err);
    if (kind == 'l')
        return tell_line(a, json, err);
    if (kind == 'e' && !member(json, "message", MOST_MESSAGE))
        return refuse("an error without a message", err);
    a->done = true;
    a->failed = kind == 'e';
    a->json = json;
    json = NULL;
    return true;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

bool answers_take(struct answers *a, const void *bytes_, size_t n, struct err *err)
{
    const char *bytes = bytes_;

    while (n > 0) {
        size_t some;

        if (a->done)
            return refuse("more than was asked for", err);
        if (a->in_body) {
            some = least(n, (size_t)a->head.size - a->got);
            if (a->head.kind == 'r')
                memcpy((char *)a->pixels + a->got, bytes, some);
            else
                text_addn(&a->body, bytes, some);
        } else {
            some = least(n, sizeof a->head - a->got);
            memcpy((char *)&a->head + a->got, bytes, some);
        }
        a->got += some;
        bytes += some;
        n -= some;
        if (!a->in_body && a->got == sizeof a->head && !begin_body(a, err))
            return false;
        if (a->in_body && a->got == a->head.size && !end_body(a, err))
            return false;
    }
    return true;
}

void answers_done(struct answers *a)
{
    json_decref(a->json);
    text_drop(&a->body);
    a->json = NULL;
}
