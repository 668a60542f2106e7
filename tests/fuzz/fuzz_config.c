/* Whatever stands in a settings file, reading it answers settings that can be printed, or a
 * message. */
#include "base/mem.h"
#include "config/config.h"
#include <stdint.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/dev/shm/fuzz-config-XXXXXX";

static void remove_file(void)
{
    unlink(path);
}

static void write_all(const void *data, size_t size)
{
    FILE *file = fopen(path, "w");

    if (!file || fwrite(data, 1, size, file) != size || fclose(file))
        abort();
}

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
    static bool made;
    AUTO(config) struct config *config = NULL;
    struct err err = { 0 };

    if (!made) {
        int file = mkstemp(path);

        if (file < 0)
            abort();
        close(file);
        atexit(remove_file);
        made = true;
    }
    write_all(data, size);
    if (!config_load(path, &config, &err)) {
        if (!err.message[0])
            abort();
        return 0;
    }
    AUTO(mem) char *text = printed(config);

    return text ? 0 : -1;
}
