/* Request targets, Range and Accept-Encoding headers: whatever a client sends is taken apart or
 * refused with a reason; no segment climbs, no range leaves the file. */
#include "http/compress.h"
#include "http/range.h"
#include "http/table.h"
#include "base/text.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct route rows[] = {
    ROUTE(GET, "/stac/collections/{id}/items/{item}", NOBODY, NULL, STAC),
    ROUTE(GET, "/openeo/{path*}", NOBODY, NULL, OPENEO),
    ROUTE(GET, "/a/{b}", NOBODY, NULL, PLAIN),
    { .pattern = NULL },
};

static void check_url(const char *text)
{
    static struct route_table *table;
    AUTO(arena) struct arena *arena = arena_new();
    struct url url;
    struct route_match match;
    struct err err = { 0 };

    if (!url_parse(arena, text, &url, &err)) {
        if (!err.message[0])
            abort();
        return;
    }
    if (url.path[0] != '/' || strstr(url.path, "/../") || text_ends(url.path, "/..") ||
        !text_is_utf8(url.path))
        abort();
    if (!table)
        table = route_table_new(rows);
    route_find(table, GET, &url, arena, &match);
    for (size_t i = 0; i < match.n_variables; i++)
        if (!match.variables[i].name || !match.variables[i].value)
            abort();
}

static void check_range(const char *text, int64_t size)
{
    struct range ranges[RANGE_MAX];
    size_t count;
    int64_t total = 0;

    if (range_parse(text, size, ranges, &count) != RANGE_PARTS)
        return;
    for (size_t i = 0; i < count; i++) {
        total += ranges[i].last - ranges[i].first + 1;
        if (ranges[i].first < 0 || ranges[i].last < ranges[i].first || ranges[i].last >= size)
            abort();
    }
    if (count == 0 || total > size)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(mem) char *text = mem_textn((const char *)data, size);

    check_url(text);
    for (int64_t length = 0; length < INT64_MAX / 1000; length = length * 1000 + 1)
        check_range(text, length);
    compress_accepted(text);
    return 0;
}
