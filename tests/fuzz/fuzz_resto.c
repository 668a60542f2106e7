/* Parameters of resto, "name=value": whatever comes is unknown, refused with a reason, or one condition in
 * CQL2 that reads and checks. */
#include "api/resto/resto.h"
#include "base/text.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(mem) char *text = mem_textn((const char *)data, size);
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(text) struct text condition = { 0 };
    char *value = strchr(text, '=');
    struct cql2_node *tree;
    struct err err = { 0 };
    bool known, good;

    if (!value || !text_is_utf8(text) || size > 500)
        return 0;
    *value++ = '\0';
    good = resto_condition(text, value, &condition, &known, &err);
    if (!good && (!known || !err.message[0] || err_status(err.code) != 400))
        abort();
    if (!good || !known)
        return 0;
    if (!cql2_parse_text(condition.data, condition.length, arena, &tree, &err) ||
        !cql2_check(tree, cql2_property_any, arena, arena, &err))
        abort();
    return 0;
}
