/* Reading XML from outside (products, requests): no network, no document types, no entities,
 * bounded size and depth. Elements are found by local name, wherever their namespace. Door:
 * libxml2. */
#ifndef INGEST_XML_H
#define INGEST_XML_H

#include "base/err.h"
#include "base/mem.h"
#include <libxml/tree.h>

enum { XML_MAX_BYTES = 64 << 20 };

DEFINE_AUTO(xmlDocPtr, xmlDocPtr, xmlFreeDoc)

/* `name` is for messages. Errors: FileContentInvalid. */
bool xml_parse(const char *bytes, size_t size, const char *name, xmlDocPtr *ret_doc,
               struct err *err) MUST_USE;
/* The first child of `parent` that is an element called `name`, or the next one after `after`. */
xmlNode *xml_child(const xmlNode *parent, const char *name, const xmlNode *after);
/* What stands between the tags of an element: its text, or its elements as XML. */
const char *xml_content(xmlNode *node, struct arena *arena);
/* The first element called `name` below `within`, or the next one after `after` when that is not
 * NULL. NULL when there is none; `within` may be NULL. */
xmlNode *xml_find(xmlNode *within, const char *name, xmlNode *after);
/* Its text without blanks around it, in the arena; NULL when there is no such element. */
const char *xml_text(xmlNode *within, const char *name, struct arena *arena);
const char *xml_own_text(const xmlNode *node, struct arena *arena);
const char *xml_attribute(const xmlNode *node, const char *name, struct arena *arena);
/* False when it is absent or no number. */
bool xml_number(xmlNode *within, const char *name, double *ret_number);

#endif
