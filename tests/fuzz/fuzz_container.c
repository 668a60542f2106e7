/* A zip of hostile making, and a file of STAC: listing and reading answer bytes within bounds, or a
 * message. */
#include "ingest/import.h"
#include "ingest/stac_file.h"
#include "json/js.h"
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/dev/shm/fuzz-container-XXXXXX.zip";

static void remove_file(void)
{
    unlink(path);
}

static void make_file(void)
{
    int file = mkstemps(path, 4);

    if (file < 0)
        abort();
    close(file);
    atexit(remove_file);
}

static void write_all(const void *data, size_t size)
{
    int file = open(path, O_WRONLY | O_TRUNC);

    if (file < 0 || write(file, data, size) != (ssize_t)size || close(file))
        abort();
}

static bool take_object(void *context, json_t *object, const struct stac_place *place, struct err *err)
{
    (void)context, (void)err;
    return object && *place->name;
}

static void take_problem(void *context, const char *place, const struct err *problem)
{
    (void)context;
    if (!*place || !problem->message[0])
        abort();
}

static void look_at(const struct container *c)
{
    for (size_t i = 0; i < c->n_files; i++) {
        AUTO(mem) char *bytes = NULL;
        AUTO(json) json_t *item = NULL;
        struct err err = { 0 };
        size_t size = 0;

        if (*c->files[i] == '/' || strstr(c->files[i], "/../"))
            abort();
        if (container_read(c, c->files[i], 1 << 16, &bytes, &size, &err) ? size > 1 << 16
                                                                         : !err.message[0])
            abort();
        err_clear(&err);
        if (!cog_folder_item(c, c->files[i], &item, &err) && !err.message[0])
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(container) struct container *container = NULL;
    struct err err = { 0 };

    if (strstr(path, "XXXXXX"))
        make_file();
    write_all(data, size);
    if (container_open(path, &container, &err))
        look_at(container);
    else if (!err.message[0])
        abort();
    err_clear(&err);
    if (!stac_file_read(path, NULL, take_object, take_problem, NULL, &err) && !err.message[0])
        abort();
    return 0;
}
