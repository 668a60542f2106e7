/* Files that users upload, of hostile making: an item or features come of them, or a message. The first line of the input
 * says what the file is said to be: "GTiff NAME", "GPKG" or "FlatGeobuf"; the rest is the file. */
#include "raster/uploaded.h"
#include "base/instant.h"
#include "base/mem.h"
#include "json/js.h"
#include "raster/engine.h"
#include "tests/fuzz/one_file.h"
#include <cpl_error.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void start(void)
{
    setenv("TMPDIR", "/dev/shm", 0);
    raster_init();
    CPLSetErrorHandler(CPLQuietErrorHandler);
}

/* Its date is one, its grid has pixels, and each band has a name. */
static void check_item(const json_t *item)
{
    const json_t *properties = json_object_get(item, "properties"), *band;
    const json_t *asset = json_object_get(json_object_get(item, "assets"), "data");
    const json_t *shape = json_object_get(asset, "proj:shape"), *bands = json_object_get(asset, "bands");
    int64_t ms;
    size_t i;

    if (!instant_parse(json_string_value(json_object_get(properties, "datetime")), &ms) || json_array_size(bands) == 0 ||
        json_integer_value(json_array_get(shape, 0)) < 1 || json_integer_value(json_array_get(shape, 1)) < 1)
        abort();
    json_array_foreach(bands, i, band)
        if (!*json_string_value(json_object_get(band, "name")))
            abort();
}

static void check_features(const json_t *collection)
{
    const json_t *feature;
    size_t i;

    json_array_foreach(json_object_get(collection, "features"), i, feature)
        if (!json_is_object(json_object_get(feature, "properties")) || !json_object_get(feature, "geometry"))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    AUTO(mem) char *said = end ? mem_printf("%.*s", (int)(end - data), (const char *)data) : NULL;
    AUTO(json) json_t *made = NULL;
    struct err err = { 0 };
    static bool started;
    const char *path;
    bool good;

    if (!said)
        return 0;
    if (!started)
        start();
    started = true;
    path = one_file(".xxx", end + 1, size - (size_t)(end + 1 - data));
    if (!strncmp(said, "GTiff ", 6))
        good = uploaded_image(path, said + 6, &made, &err);
    else if (!strcmp(said, "GPKG") || !strcmp(said, "FlatGeobuf"))
        good = uploaded_features(path, said, &made, &err);
    else
        return 0;
    if (good ? !made : !err.message[0])
        abort();
    if (good && *said == 'G' && said[1] == 'T')
        check_item(made);
    else if (good)
        check_features(made);
    return 0;
}
