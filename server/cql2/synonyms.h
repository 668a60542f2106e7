/* Texts that items say under several names. */
#ifndef CQL2_SYNONYMS_H
#define CQL2_SYNONYMS_H

#include <jansson.h>

/* The text of a property, out of the properties of an item, under its own name or a synonym; *ret_prefix
 * (often "") goes before it. NULL: there is none. What is kept in columns and what is matched is this. */
const char *cql2_text_of(const json_t *properties, const char *name, const char **ret_prefix);

#endif
