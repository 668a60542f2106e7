/* A zip of hostile making, and a file of STAC: listing and reading answer bytes within bounds, or a
 * message. */
#include "ingest/import.h"
#include "ingest/stac_file.h"
#include "json/js.h"
#include "tests/fuzz/one_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    const char *path = one_file(".zip", data, size);
    struct err err = { 0 };

    if (container_open(path, &container, &err))
        look_at(container);
    else if (!err.message[0])
        abort();
    err_clear(&err);
    if (!stac_file_read(path, NULL, take_object, take_problem, NULL, &err) && !err.message[0])
        abort();
    return 0;
}
