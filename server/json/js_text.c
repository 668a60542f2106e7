/* Writing JSON as people would: members in their order, no blanks, and every real number with the
 * fewest digits that read back as the same number (jansson writes 0.1 as 0.10000000000000001). */
#include "json/js_text.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_string(struct text *out, const char *string, size_t length)
{
    static const char short_escape[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                         ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\' };
    size_t start = 0;

    text_addn(out, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)string[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        text_addn(out, string + start, i - start);
        if (short_escape[c])
            text_addn(out, (char[]){ '\\', short_escape[c] }, 2);
        else
            text_printf(out, "\\u%04x", c);
        start = i + 1;
    }
    text_addn(out, string + start, length - start);
    text_addn(out, "\"", 1);
}

static void add_real(struct text *out, double number)
{
    char digits[32];

    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, number);
        if (strtod(digits, NULL) == number)
            break;
    }
    text_add(out, digits);
    if (!strpbrk(digits, ".en")) /* stays a real */
        text_addn(out, ".0", 2);
}

static void add_array(struct text *out, const json_t *array)
{
    text_addn(out, "[", 1);
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i)
            text_addn(out, ",", 1);
        js_text_add(out, json_array_get(array, i));
    }
    text_addn(out, "]", 1);
}

static void add_object(struct text *out, const json_t *object)
{
    const char *key;
    json_t *value;
    bool first = true;

    text_addn(out, "{", 1);
    json_object_foreach((json_t *)object, key, value) {
        if (!first)
            text_addn(out, ",", 1);
        first = false;
        add_string(out, key, strlen(key));
        text_addn(out, ":", 1);
        js_text_add(out, value);
    }
    text_addn(out, "}", 1);
}

void js_text_add(struct text *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: add_object(out, value); break;
    case JSON_ARRAY: add_array(out, value); break;
    case JSON_STRING: add_string(out, json_string_value(value), json_string_length(value)); break;
    case JSON_INTEGER: text_printf(out, "%" PRId64, (int64_t)json_integer_value(value)); break;
    case JSON_REAL: add_real(out, json_real_value(value)); break;
    case JSON_TRUE: text_addn(out, "true", 4); break;
    case JSON_FALSE: text_addn(out, "false", 5); break;
    case JSON_NULL: text_addn(out, "null", 4); break;
    }
}

void js_text_add_string(struct text *out, const char *string)
{
    add_string(out, string, strlen(string));
}

const char *js_skip_blank(const char *text)
{
    return text + strspn(text, " \t\r\n");
}

const char *js_skip_string(const char *text)
{
    for (text++; *text && *text != '"'; text++)
        text += *text == '\\' && text[1];
    return *text ? text + 1 : text;
}
