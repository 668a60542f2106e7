/* The languages that the texts of the STAC face come in, and which one a request gets. */
#ifndef API_STAC_LANGUAGE_H
#define API_STAC_LANGUAGE_H

#include "http/reply.h"
#include <jansson.h>

enum language { ENGLISH, FRENCH, LANGUAGES };

struct language_row {
    const char *code, *name, *alternate; /* its own name; its English name */
};
extern const struct language_row languages[LANGUAGES];

enum say {
#define TEXT(name, ...) SAY_##name,
#include "api/stac/texts.def"
#undef TEXT
    SAYINGS,
};

/* The language among ours that the parameter `language`, else the header Accept-Language, likes
 * best; English when it likes none. */
enum language language_of(const struct request *rq);
/* A list as Accept-Language has it: "fr-CH, fr;q=0.9, en;q=0.8". False when it is none. */
bool language_choose(const char *list, enum language *ret_language) MUST_USE;
const char *say(const struct request *rq, enum say what);
/* Content-Language and Vary. */
void language_reply(struct request *rq, struct reply *reply);
/* The members of the STAC language extension: `language` and `languages`. */
void language_put(json_t *object, const struct request *rq);

#endif
