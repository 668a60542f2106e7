/* Documents of Sentinel-1 products: reading one answers a struct whose numbers can be computed with, or a message. The root
 * element says which reader gets it. */
#include "sar/annotation.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(bool good, const struct err *err)
{
    if (!good && (!err->message[0] || err->code == ERR_None))
        abort();
}

static void read_annotation(const char *bytes, size_t size, struct arena *arena)
{
    struct sar_annotation a;
    struct err err = { 0 };
    bool good = sar_annotation_read(bytes, size, "fuzz", arena, &a, &err);

    judge(good, &err);
    for (size_t i = 0; good && i < a.n_states; i++)
        if (!isfinite(a.states[i].t) || (i && a.states[i].t <= a.states[i - 1].t))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) struct arena *arena = arena_new();

    read_annotation((const char *)data, size, arena);
    return 0;
}
