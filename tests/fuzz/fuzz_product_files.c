/* Whatever an item says: files that are fetched come from the web and come to lie below one folder. */
#include "jobs/product_files.h"
#include "base/text.h"
#include "json/js.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const json_t *file)
{
    const char *url = json_string_value(json_object_get(file, "url")), *name = json_string_value(json_object_get(file, "name"));

    if (!text_begins(url, "http://") && !text_begins(url, "https://"))
        abort();
    for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
        size_t length = strcspn(part, "/");

        if (length == 0 || (length == 1 && *part == '.') || (length == 2 && !strncmp(part, "..", 2)))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const documents[] = { NULL, "https://h/a/b/item.json?x" };
    AUTO(json) json_t *item = NULL;
    struct err err = { 0 };

    if (!js_parse((const char *)data, size, 20, &item, &err))
        return 0;
    product_is_on_tape(item);
    for (size_t d = 0; d < ARRAY_LEN(documents); d++) {
        AUTO(json) json_t *files = NULL;
        json_t *file;
        size_t i;

        err_clear(&err);
        if (!product_files(item, documents[d], &files, &err)) {
            if (!err.message[0])
                abort();
            continue;
        }
        json_array_foreach(files, i, file)
            look_at(file);
        AUTO(mem) char *root = product_files_root(files);

        if (!*root)
            abort();
    }
    return 0;
}
