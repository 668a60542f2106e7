/* Whatever lies in a product's metadata, reading it answers an item or a message. The input is two
 * documents, divided by a NUL: a product with its granule, and also a manifest. */
#include "base/text.h"
#include "ingest/sentinel1.h"
#include "ingest/sentinel2.h"
#include "json/js.h"
#include "store/items.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];

static void write_file(const char *name, const uint8_t *data, size_t size)
{
    AUTO(mem) char *path = mem_printf("%s/%s", folder, name);
    FILE *file = fopen(path, "w");

    if (!file || fwrite(data, 1, size, file) != size || fclose(file))
        abort();
}

static void remove_folder(void)
{
    AUTO(mem) char *command = mem_printf("rm -rf '%s'", folder);

    if (system(command))
        abort();
}

static void make_folder(void)
{
    static const char *const made[] = { "GRANULE", "GRANULE/T", "GRANULE/T/IMG_DATA", "measurement",
                                        "annotation" };

    strcpy(folder, "/dev/shm/fuzz-safe-XXXXXX");
    if (!mkdtemp(folder))
        abort();
    atexit(remove_folder);
    for (size_t i = 0; i < ARRAY_LEN(made); i++) {
        AUTO(mem) char *path = mem_printf("%s/%s", folder, made[i]);

        if (mkdir(path, 0700))
            abort();
    }
    write_file("GRANULE/T/IMG_DATA/T33XWJ_20220413T150759_B04_10m.jp2", NULL, 0);
    write_file("GRANULE/T/IMG_DATA/T33XWJ_20220413T150759_SCL_20m.jp2", NULL, 0);
    write_file("measurement/s1a-iw-grd-vv-1.tiff", NULL, 0);
}

static void judge(bool good, json_t *item, const struct err *err)
{
    if (!good && (!err->message[0] || err->code == ERR_None))
        abort();
    if (good && !json_is_object(json_object_get(item, "geometry")))
        abort();
    json_decref(item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t first = end ? (size_t)(end - data) : size, rest = end ? size - first - 1 : 0;
    AUTO(container) struct container *container = NULL;
    json_t *item = NULL;
    struct err err = { 0 };
    bool good;

    if (!folder[0])
        make_folder();
    write_file("MTD_MSIL2A.xml", data, first);
    write_file("manifest.safe", data, first);
    write_file("GRANULE/T/MTD_TL.xml", end ? end + 1 : data, rest);
    write_file("annotation/s1a-iw-grd-vv-1.xml", end ? end + 1 : data, rest);
    if (!container_open(folder, &container, &err))
        abort();
    good = sentinel2_item(container, "MTD_MSIL2A.xml", &item, &err);
    judge(good, item, &err);
    err_clear(&err);
    item = NULL;
    good = sentinel1_item(container, "manifest.safe", &item, &err);
    judge(good, item, &err);
    return 0;
}
