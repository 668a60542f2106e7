/* Whatever is sent as a geometry is refused with a message, or has bounds on the globe. */
#include "json/geojson.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(json) json_t *json = NULL;
    AUTO(json) json_t *again = NULL;
    AUTO(text) struct text box = { 0 };
    struct err err = { 0 };
    double b[4];

    if (!js_parse((const char *)data, size, 32, &json, &err))
        return 0;
    if (!geojson_check(json, "/geometry", 1000, &err)) {
        if (!err.message[0])
            abort();
        return 0;
    }
    geojson_bounds(json, b);
    if (json_array_size(json_object_get(json, "coordinates")) &&
        !(b[0] >= -360 && b[1] >= -90 && b[2] <= 360 && b[3] <= 90))
        abort();
    if (!isfinite(b[0] + b[1] + b[2] + b[3]))
        return 0;
    geojson_add_box(&box, b);
    if (!js_parse(box.data, box.length, 32, &again, &err))
        abort();
    return 0;
}
