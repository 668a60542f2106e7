/* The parameter `q` of the free-text extension, its basic form: terms, one of which must occur. */
#ifndef API_STAC_WORDS_H
#define API_STAC_WORDS_H

#include "cql2/cql2.h"

enum { WORDS_MAX = 50, WORDS_MAX_LENGTH = 200 };

/* "EO,Earth Observation": terms with commas between; blanks are part of a term. */
bool words_from_text(const char *text, struct arena *arena, const struct cql2_node **ret_words,
                     struct err *err) MUST_USE;
/* ["EO", "Earth Observation"], or one string as above. */
bool words_from_json(const json_t *value, struct arena *arena, const struct cql2_node **ret_words,
                     struct err *err) MUST_USE;

#endif
