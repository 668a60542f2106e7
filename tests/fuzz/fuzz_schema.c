/* A schema and a value, as [schema, value]: the value fits or there is a message, whatever either
 * is. */
#include "json/schema.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(json) json_t *json = NULL;
    struct err err = { 0 };

    if (!js_parse((const char *)data, size, 32, &json, &err) || json_array_size(json) != 2)
        return 0;
    if (!js_schema_check(json_array_get(json, 0), json_array_get(json, 1), "/inputs/x", &err) &&
        !err.message[0])
        abort();
    return 0;
}
