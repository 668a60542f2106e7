/* Processes on texts. Texts exist only while a graph is planned: labels, metadata, arguments. Bytes
 * are compared: in UTF-8 a text that begins, holds or ends another does so in whole characters. */
#include "graph/planner.h"
#include <limits.h>
#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

char *text_folded(const char *text)
{
    static locale_t locale;
    locale_t before;
    AUTO(text) struct text folded = { 0 };
    mbstate_t in = { 0 }, out = { 0 };
    wchar_t c;

    if (!__atomic_load_n(&locale, __ATOMIC_ACQUIRE)) { /* two threads may both make one: harmless */
        before = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
        __atomic_store_n(&locale, before, __ATOMIC_RELEASE);
    }
    before = uselocale(locale);
    for (size_t n; (n = mbrtowc(&c, text, 8, &in)) > 0 && n <= 8; text += n) {
        char bytes[MB_LEN_MAX];

        text_addn(&folded, bytes, wcrtomb(bytes, (wchar_t)towlower((wint_t)c), &out));
    }
    uselocale(before);
    return text_take(&folded);
}

/* In characters: all bytes but those that continue one. */
static struct value position_of(const char *text, const char *found)
{
    size_t n = 0;

    for (const char *c = text; found && c < found; c++)
        n += ((unsigned char)*c & 0xc0) != 0x80;
    return found ? value_number((double)n) : value_null();
}

static bool run_find(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0], *pattern = &call->arguments[1];
    bool sensitive = call_boolean(call, "case_sensitive");
    AUTO(mem) char *text = NULL;
    AUTO(mem) char *part = NULL;

    (void)err;
    *ret = value_null();
    if (data->kind != KIND_STRING || pattern->kind != KIND_STRING)
        return true;
    text = sensitive ? mem_text(data->text) : text_folded(data->text);
    part = sensitive ? mem_text(pattern->text) : text_folded(pattern->text);
    if (!strcmp(call->process->id, "text_begins"))
        *ret = value_boolean(text_begins(text, part));
    else if (!strcmp(call->process->id, "text_ends"))
        *ret = value_boolean(text_ends(text, part));
    else if (!strcmp(call->process->id, "text_find"))
        *ret = position_of(text, strstr(text, part));
    else
        *ret = value_boolean(strstr(text, part) != NULL);
    return true;
}

static void add_value(struct text *text, const struct value *v)
{
    char number[32];

    if (v->kind == KIND_STRING) {
        text_add(text, v->text);
    } else if (v->kind == KIND_NUMBER) {
        number_text(v->number, number);
        text_add(text, number);
    } else {
        text_add(text, v->kind == KIND_NULL ? "null" : v->boolean ? "true" : "false");
    }
}

static bool run_text_concat(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0], *separator = &call->arguments[1];
    AUTO(text) struct text text = { 0 };

    if (array_has_lanes(data) || separator->kind == KIND_LANE)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                         "a text cannot be made of pixels.");
    for (size_t i = 0; i < data->array.length; i++) {
        if (i)
            add_value(&text, separator);
        add_value(&text, &data->array.items[i]);
    }
    *ret = value_text(arena_text(call->planner->arena, text.length ? text.data : ""));
    return true;
}

const struct operation text_operations[] = {
    { .id = "text_begins", .run = run_find },
    { .id = "text_contains", .run = run_find },
    { .id = "text_ends", .run = run_find },
    { .id = "text_find", .run = run_find },
    { .id = "text_concat", .run = run_text_concat },
    { .id = NULL },
};
