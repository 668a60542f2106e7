/* The text of an item or collection as it is kept, and as it is sent. What depends on the request is
 * marked in the kept text by two escapes that no client can write: \u0001 at the start of an href is
 * the address of this server, the string "\u0002" in links stands for the links that every item or
 * collection has. */
#ifndef STORE_STAC_TEXT_H
#define STORE_STAC_TEXT_H

#include "base/err.h"
#include "base/text.h"
#include <jansson.h>

#define STAC_BASE "\001"  /* as a byte in a json_t string */

/* Appends the kept text of a STAC object. Links that the server makes itself (self, root, parent,
 * collection, items ...) are left out; the others follow the mark. `text` is what the object was parsed
 * from when it was not changed since, else NULL: then members are copied rather than written again.
 * Errors: BadRequest when a string holds one of the two control characters (STAC_BASE at the start of
 * the href of an item's asset or link, made by the caller, is allowed). */
bool stac_text_keep(const json_t *object, const char *text, struct text *out, struct err *err) MUST_USE;

/* Appends the text to send: `links` is the inside of the array that replaces the mark, at least one
 * link, without brackets. */
void stac_text_send(struct text *out, const char *kept, const char *base_url, const char *links);
/* The entity tag of a kept text, with its quotes: changes whenever the text does, and is the same for
 * every way the text is sent. */
enum { STAC_ETAG_SIZE = 20 };
void stac_text_etag(const char *kept, size_t length, char ret_etag[static STAC_ETAG_SIZE]);
/* Is the kept text the one that the value of If-Match (a list of tags, or "*") speaks of? Tags that a
 * proxy has marked as weak count too. Errors: PreconditionFailed. */
bool stac_text_check_match(const char *kept, const char *if_match, struct err *err) MUST_USE;
/* The kept text as JSON again: hrefs keep STAC_BASE, links are those that were given. */
bool stac_text_parse(const char *kept, json_t **ret_object, struct err *err) MUST_USE;

#endif
