/* datetime, bbox and all other parameters of a search: whatever comes is read or refused with its
 * name, and what was read is what PostgreSQL takes. Lines "name=value" are a query, of all places where
 * parameters may stand in turn; a document that starts with a brace is a body. What asks for fields
 * cuts an item to them. */
#include "api/stac/extent.h"
#include "api/stac/params.h"
#include "auth/secret.h"
#include "base/instant.h"
#include "json/geojson.h"
#include "json/js.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char item[] =
    "{\"type\":\"Feature\",\"id\":\"a\",\"geometry\":null,\"properties\":{\"datetime\":null,\"a\":{\"b\":{\"c\":1}}},"
    "\"assets\":{\"x\":{\"href\":\"y\"}},\"links\":[]}";

static void check_fields(const struct search_params *params)
{
    AUTO(json) json_t *object = json_loads(item, 0, NULL);

    if (params->fields)
        fields_apply(params->fields, object);
}

static void check(const struct search_params *params, bool good, const struct err *err)
{
    const struct item_conditions *where = &params->search.where;
    AUTO(json) json_t *geometry = NULL;
    struct err ignored = { 0 };
    int64_t start = INSTANT_MIN, end = INSTANT_MAX;

    if (!good) {
        if (!err->message[0] || err->code == ERR_None || err_status(err->code) != 400)
            abort();
        return;
    }
    if (params->search.limit < 1 || params->search.limit > 10000 || params->search.n_sorts > SEARCH_MAX_SORTS)
        abort();
    if ((where->start && !instant_parse(where->start, &start)) ||
        (where->end && !instant_parse(where->end, &end)) || start > end)
        abort();
    if (where->geometry &&
        (!js_parse(where->geometry, strlen(where->geometry), 16, &geometry, &ignored) ||
         !geojson_check(geometry, "", EXTENT_MAX_VERTICES, &ignored)))
        abort();
    check_fields(params);
}

static void try_query(const char *text, enum params_where place, struct arena *arena)
{
    struct search_params params;
    struct err err = { 0 };
    char *rest = arena_text(arena, text);
    bool good = true;

    params_init(&params, place, 10, 10000, arena);
    for (char *line = strsep(&rest, "\n"); line && good; line = strsep(&rest, "\n")) {
        char *value = strchr(line, '=');

        if (!value)
            continue;
        *value++ = '\0';
        good = params_from_query(&params, line, value, &err);
    }
    good = good && params_finish(&params, &err);
    check(&params, good, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(mem) char *text = mem_textn((const char *)data, size);
    AUTO(json) json_t *body = NULL;
    struct err err = { 0 };

    if (!ready && !(ready = secret_init("fuzzing", &err)))
        abort();
    for (unsigned place = PARAMS_SEARCH; place <= PARAMS_COLLECTION_AGGREGATE && *text != '{'; place *= 2)
        try_query(text, place, arena);
    if (*text == '{' && js_parse(text, strlen(text), 64, &body, &err)) {
        struct search_params params;

        params_init(&params, PARAMS_SEARCH, 10, 10000, arena);
        bool good = params_from_json(&params, body, &err) && params_finish(&params, &err);

        check(&params, good, &err);
    }
    return 0;
}
