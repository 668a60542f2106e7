/* The order in which catalogues tell of scenes. */
#include "graph/catalog.h"
#include <stdlib.h>
#include <string.h>

static int by_time(const void *a, const void *b)
{
    const struct scene *x = a, *y = b;

    if (x->instant_ms != y->instant_ms)
        return x->instant_ms < y->instant_ms ? -1 : 1;
    return strcmp(x->id, y->id);
}

void scenes_sort(struct scene *scenes, size_t count)
{
    qsort(scenes, count, sizeof *scenes, by_time);
}
