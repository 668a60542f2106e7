/* Growing text, and the few questions about text that C leaves open. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/auto.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A buffer that grows; data is NUL-terminated once anything was added. AUTO(text) frees it. */
struct text {
    char *data;
    size_t length, capacity;
};

void text_reserve(struct text *text, size_t more); /* room for so many bytes, before they are added one by one */
void text_add(struct text *text, const char *more);
void text_addn(struct text *text, const void *more, size_t length);
void text_printf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
void text_clear(struct text *text); /* keeps the memory */
char *text_take(struct text *text); /* the caller frees; "" rather than NULL */
void text_drop(struct text *text);

bool text_begins(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);
/* True for [A-Za-z0-9._~-]{1,max} that is neither "." nor "..": safe in a URL and as a file name. */
bool text_is_plain_name(const char *name, size_t max);
/* True for "http://x", "s3://x": a URL that names its scheme, but not "file:". */
bool text_is_remote(const char *href);
/* Percent-encodes all but unreserved characters (RFC 3986) and those in `keep`. */
void text_add_url(struct text *text, const char *raw, const char *keep);
int text_hex_digit(char c); /* -1: it is none */
/* Decodes %XX in place; false when a sequence is broken or gives NUL. '+' stays unless `plus`. */
bool text_url_decode(char *text, bool plus);
void text_add_base64(struct text *text, const void *bytes, size_t length);
void text_add_html(struct text *text, const char *raw); /* escapes & < > " ' */
/* How many bytes the UTF-8 character at `text` has, which is not at its end; 0: it is none. */
size_t text_decode(const char *text, uint32_t *ret_point);
bool text_is_utf8(const char *text); /* no overlong forms, no surrogates */
void text_repair_utf8(char *text);   /* each byte that is part of no character becomes '?' */
/* Spelled alike but for a letter or two (a typing error in the name of something). */
bool text_is_near(const char *a, const char *b);
bool text_to_number(const char *text, double *ret_number); /* whole text, finite, C locale */

#endif
