/* Whatever stands in a settings file, reading it answers settings that can be printed, or a
 * message. */
#include "base/mem.h"
#include "config/config.h"
#include "tests/fuzz/one_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *printed(const struct config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        abort();
    config_print(config, out);
    fclose(out);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(config) struct config *config = NULL;
    struct err err = { 0 };

    if (!config_load(one_file(".xxx", data, size), &config, &err)) {
        if (!err.message[0])
            abort();
        return 0;
    }
    AUTO(mem) char *text = printed(config);

    return text ? 0 : -1;
}
