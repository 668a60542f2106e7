/* Growing text. Capacity doubles, so adding n bytes one by one costs O(n). */
#include "base/text.h"
#include "base/format.h"
#include "base/mem.h"
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void text_reserve(struct text *text, size_t more)
{
    text->data = mem_grow(text->data, &text->capacity, text->length + more + 1, 1);
}

void text_addn(struct text *text, const void *more, size_t length)
{
    text_reserve(text, length);
    if (length)
        memcpy(text->data + text->length, more, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void text_add(struct text *text, const char *more)
{
    text_addn(text, more, strlen(more));
}

void text_printf(struct text *text, const char *format, ...)
{
    size_t room = text->capacity - text->length;
    va_list args;
    int length;

    va_start(args, format);
    length = format_text(room ? text->data + text->length : NULL, room, format, args);
    va_end(args);
    if (length < 0)
        return;
    if ((size_t)length >= room) {
        text_reserve(text, (size_t)length);
        va_start(args, format);
        format_text(text->data + text->length, (size_t)length + 1, format, args);
        va_end(args);
    }
    text->length += (size_t)length;
}

void text_clear(struct text *text)
{
    text->length = 0;
    if (text->data)
        text->data[0] = '\0';
}

char *text_take(struct text *text)
{
    char *data = text->data ? text->data : mem_text("");

    *text = (struct text){ 0 };
    return data;
}

void text_drop(struct text *text)
{
    free(text->data);
    *text = (struct text){ 0 };
}

bool text_begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);

    return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

static bool is_unreserved(unsigned char c)
{
    static const bool unreserved[256] = { ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
                                          ['-'] = true, ['.'] = true, ['_'] = true, ['~'] = true };

    return unreserved[c];
}

bool text_is_plain_name(const char *name, size_t max)
{
    size_t length = strlen(name);

    if (length == 0 || length > max || !strcmp(name, ".") || !strcmp(name, ".."))
        return false;
    for (; *name; name++)
        if (!is_unreserved((unsigned char)*name))
            return false;
    return true;
}

void text_add_url(struct text *text, const char *raw, const char *keep)
{
    while (*raw) {
        size_t run = 0;

        while (raw[run] && (is_unreserved((unsigned char)raw[run]) || (keep && strchr(keep, raw[run]))))
            run++;
        text_addn(text, raw, run);
        raw += run;
        if (*raw)
            text_printf(text, "%%%02X", (unsigned char)*raw++);
    }
}

int text_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool text_url_decode(char *text, bool plus)
{
    char *to = text;

    for (const char *from = text; *from; from++, to++) {
        if (*from == '%') {
            int high = text_hex_digit(from[1]), low = high < 0 ? -1 : text_hex_digit(from[2]);

            if (low < 0 || (high == 0 && low == 0))
                return false;
            *to = (char)(high * 16 + low);
            from += 2;
        } else {
            *to = plus && *from == '+' ? ' ' : *from;
        }
    }
    *to = '\0';
    return true;
}

void text_add_base64(struct text *text, const void *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = bytes;

    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        unsigned group = (unsigned)in[i] << 16 | (left > 1 ? (unsigned)in[i + 1] << 8 : 0) |
                         (left > 2 ? in[i + 2] : 0);
        char four[4] = { digits[group >> 18], digits[group >> 12 & 63],
                         left > 1 ? digits[group >> 6 & 63] : '=', left > 2 ? digits[group & 63] : '=' };

        text_addn(text, four, sizeof four);
    }
}

void text_add_html(struct text *text, const char *raw)
{
    for (; *raw; raw++) {
        switch (*raw) {
        case '&': text_add(text, "&amp;"); break;
        case '<': text_add(text, "&lt;"); break;
        case '>': text_add(text, "&gt;"); break;
        case '"': text_add(text, "&quot;"); break;
        case '\'': text_add(text, "&#39;"); break;
        default: text_addn(text, raw, 1);
        }
    }
}

bool text_to_number(const char *text, double *ret_number)
{
    char *end = NULL;
    double number;

    /* strtod also takes blanks, hexadecimal, inf and nan: none is a number to a user of ours */
    if (!*text || strspn(text, "+-.0123456789eE") != strlen(text))
        return false;
    number = strtod(text, &end);
    if (*end || end == text || !isfinite(number))
        return false;
    *ret_number = number;
    return true;
}

/* The bytes after the first one of a sequence, and the smallest code point that may need them. */
static int utf8_tail(unsigned char first, uint32_t *ret_bits, uint32_t *ret_least)
{
    int tail = first < 0x80 ? 0 : (first & 0xe0) == 0xc0 ? 1 : (first & 0xf0) == 0xe0 ? 2
                                : (first & 0xf8) == 0xf0 ? 3 : -1;
    static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };

    if (tail < 0)
        return -1;
    *ret_bits = tail ? first & (0x3fu >> tail) : first;
    *ret_least = least[tail];
    return tail;
}

size_t text_decode(const char *text, uint32_t *ret_point)
{
    const unsigned char *c = (const unsigned char *)text;
    uint32_t point, least;
    int tail = utf8_tail(*c++, &point, &least);

    for (int i = 0; i < tail; i++, c++) {
        if ((*c & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (*c & 0x3f);
    }
    if (tail < 0 || point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return 0;
    *ret_point = point;
    return (size_t)tail + 1;
}

bool text_is_utf8(const char *text)
{
    while (*text) {
        uint32_t point;
        size_t length = text_decode(text, &point);

        if (length == 0)
            return false;
        text += length;
    }
    return true;
}

void text_repair_utf8(char *text)
{
    while (*text) {
        uint32_t point;
        size_t length = text_decode(text, &point);

        if (length == 0)
            *text = '?';
        text += length ? length : 1;
    }
}

bool text_is_remote(const char *href)
{
    size_t scheme = strspn(href, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

    return scheme > 1 && text_begins(href + scheme, "://") && strncasecmp(href, "file:", 5) != 0;
}

enum { NEAR_MAX = 63 };

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Levenshtein's distance without regard to case, one row at a time. */
bool text_is_near(const char *a, const char *b)
{
    size_t m = strlen(a), n = strlen(b), row[NEAR_MAX + 1], allowed = m < 2 ? 0 : m < 4 ? 1 : 2;

    if (m == 0 || m > NEAR_MAX || n > NEAR_MAX)
        return false;
    for (size_t k = 0; k <= n; k++)
        row[k] = k;
    for (size_t i = 1; i <= m; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t k = 1; k <= n; k++) {
            bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[k - 1]);
            size_t above = row[k];

            row[k] = least(row[k - 1] + 1, above + 1, corner + !same);
            corner = above;
        }
    }
    return row[n] <= allowed;
}
