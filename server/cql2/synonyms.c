/* A table that is short enough to be walked. */
#include "cql2/synonyms.h"
#include "base/text.h"
#include "json/js.h"
#include <string.h>

static const struct {
    const char *name, *older, *prefix;
} synonyms[] = {
#define SYNONYM(name, older, prefix) { name, older, prefix },
#include "cql2/synonyms.def"
#undef SYNONYM
};

const char *cql2_text_of(const json_t *properties, const char *name, const char **ret_prefix)
{
    const char *text = js_text(properties, name);

    *ret_prefix = "";
    for (size_t i = 0; !text && i < ARRAY_LEN(synonyms); i++) {
        if (strcmp(synonyms[i].name, name))
            continue;
        text = js_text(properties, synonyms[i].older);
        *ret_prefix = synonyms[i].prefix;
    }
    return text;
}
