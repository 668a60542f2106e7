/* JSON values to text: compact, members in their order, reals as short as they can be. */
#ifndef JSON_JS_TEXT_H
#define JSON_JS_TEXT_H

#include "base/text.h"
#include <jansson.h>

void js_text_add(struct text *out, const json_t *value);
void js_text_add_string(struct text *out, const char *string); /* quoted and escaped */

#endif
