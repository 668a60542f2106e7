/* datetime, bbox and all other parameters of a search: whatever comes is read or refused with its
 * name, and what was read is what PostgreSQL takes. Lines "name=value" are a query; a document that
 * starts with a brace is a body. */
#include "api/stac/params.h"
#include "base/instant.h"
#include "json/geojson.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct search_params *params, bool good, const struct err *err)
{
    AUTO(json) json_t *geometry = NULL;
    struct err ignored = { 0 };
    int64_t start = INSTANT_MIN, end = INSTANT_MAX;

    if (!good) {
        if (!err->message[0] || err->code == ERR_None || err_status(err->code) != 400)
            abort();
        return;
    }
    if (params->limit < 0 || params->limit > 10000)
        abort();
    if ((params->start && !instant_parse(params->start, &start)) ||
        (params->end && !instant_parse(params->end, &end)) || start > end)
        abort();
    if (params->geometry &&
        (!js_parse(params->geometry, strlen(params->geometry), 16, &geometry, &ignored) ||
         !geojson_check(geometry, "", PARAMS_MAX_VERTICES, &ignored)))
        abort();
}

static void try_query(char *text, struct arena *arena)
{
    struct search_params params = { 0 };
    struct err err = { 0 };
    bool good = true, known;

    for (char *line = strsep(&text, "\n"); line && good; line = strsep(&text, "\n")) {
        char *value = strchr(line, '=');

        if (!value)
            continue;
        *value++ = '\0';
        good = params_from_query(line, value, 10000, arena, &params, &known, &err);
    }
    check(&params, good, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(mem) char *text = mem_textn((const char *)data, size);
    AUTO(json) json_t *body = NULL;
    struct search_params params = { 0 };
    struct err err = { 0 };

    if (*text != '{') {
        try_query(text, arena);
    } else if (js_parse(text, strlen(text), 64, &body, &err)) {
        bool good = params_from_json(body, 10000, arena, &params, &err);

        check(&params, good, &err);
    }
    return 0;
}
