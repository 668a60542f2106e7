/* Whatever bytes come, yaml_parse() answers a value that can be written as JSON, or a message. */
#include "json/yaml.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(json) json_t *json = NULL;
    struct err err = { 0 };

    if (!yaml_parse((const char *)data, size, 32, &json, &err)) {
        if (!err.message[0] || err.code == ERR_None)
            abort();
        return 0;
    }
    AUTO(mem) char *text = js_canonical(json);

    if (!text)
        abort();
    return 0;
}
