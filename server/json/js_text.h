/* JSON values to text: compact, members in their order, reals as short as they can be. */
#ifndef JSON_JS_TEXT_H
#define JSON_JS_TEXT_H

#include "base/text.h"
#include <jansson.h>

void js_text_add(struct text *out, const json_t *value);
void js_text_add_string(struct text *out, const char *string); /* quoted and escaped */

/* Skimming text that is known to be JSON: past blanks; past the string that begins here. */
const char *js_skip_blank(const char *text);
const char *js_skip_string(const char *text);

#endif
