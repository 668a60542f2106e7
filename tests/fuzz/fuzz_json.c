/* Whatever bytes come, js_parse() answers a value or a message, and what it accepts can be read,
 * written and read again. */
#include "json/js.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct anything {
    const char *text;
    double number;
    int64_t integer;
    bool boolean;
    json_t *object, *array;
};

static const struct js_field fields[] = {
    JS_STRING(struct anything, text, .optional = true, .max_len = 10),
    JS_NUMBER(struct anything, number, 0, 10, .optional = true, .nullable = true),
    JS_INTEGER(struct anything, integer, -5, 5, .optional = true),
    JS_BOOLEAN(struct anything, boolean, .optional = true),
    JS_OBJECT(struct anything, object, .optional = true),
    JS_ARRAY(struct anything, array, .optional = true, .max_len = 3),
    JS_END,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(json) json_t *json = NULL;
    AUTO(json) json_t *again = NULL;
    struct err err = { 0 };
    struct anything target;

    if (!js_parse((const char *)data, size, 32, &json, &err)) {
        if (!err.message[0] || err.code == ERR_None)
            abort();
        return 0;
    }
    if (!js_read(json, "", fields, JS_REFUSE_UNKNOWN, &target, &err) && !err.message[0])
        abort();
    AUTO(mem) char *text = js_canonical(json);

    err_clear(&err);
    if (!js_parse(text, strlen(text), 32, &again, &err))
        abort();
    return 0;
}
