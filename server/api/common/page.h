/* Pages for people: one frame, the style of www/ui.css, no scripts; what is put in is escaped. */
#ifndef API_COMMON_PAGE_H
#define API_COMMON_PAGE_H

#include "base/text.h"
#include "http/reply.h"
#include <jansson.h>

/* From the doctype to the heading. `language` is a language tag. */
void page_begin(struct text *page, const struct request *rq, const char *language, const char *title);
void page_end(struct text *page);
/* Takes the page's text. */
bool page_reply(struct request *rq, struct reply *reply, struct text *page);

/* Like text_printf, but each %s is escaped; no other conversions. */
void page_add(struct text *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A link where the address is one of HTTP, else the text alone. */
void page_add_link(struct text *page, const char *href, const char *text);
/* Any JSON value: texts and numbers as they are, addresses as links, objects and arrays as lists. */
void page_add_json(struct text *page, const json_t *value);

/* Browsers send along who is logged in, whoever's form it is: false where it is another site's. Errors: PermissionsInsufficient. */
bool page_is_own(const struct request *rq, const char *what, struct err *err) MUST_USE;

#endif
