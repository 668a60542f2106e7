/* Requests of WPS, in XML where they begin with '<', else as keys and values: whatever comes is
 * refused with a code and a reason, or it is an operation that has what it needs, and its inputs
 * become JSON. */
#include "api/wps/wps.h"
#include "http/url.h"
#include "json/js.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_keys(const char *text, struct arena *arena, struct wps_request *wps,
                      struct wps_problem *problem, struct err *err)
{
    AUTO(mem) char *target = mem_printf("/wps?%s", text);
    struct wps_pair pairs[WPS_MAX_PARTS];
    struct url url;
    size_t count = 0;

    if (!url_parse(arena, target, &url, err)) {
        problem->code = "NoApplicableCode";
        return false;
    }
    for (; count < url.n_query && count < WPS_MAX_PARTS; count++)
        pairs[count] = (struct wps_pair){url.query[count].name, url.query[count].value};
    return wps_read_pairs(pairs, count, arena, wps, problem, err);
}

/* A process that has each input of the request, with a schema of its own. */
static void read_inputs(const struct wps_request *wps)
{
    static const char *const schemas[] = {"{\"type\":\"string\"}",
                                          "{\"type\":\"number\"}",
                                          "{\"type\":\"boolean\"}",
                                          "{\"type\":\"object\",\"format\":\"ogc-bbox\"}",
                                          "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}",
                                          "{}"};
    AUTO(json)
    json_t *inputs = json_object(),
           *description = json_pack("{s:O}", "inputs", inputs), *read = NULL;
    struct wps_problem problem = {0};
    struct err err = {0};

    for (size_t i = 0; i < wps->n_inputs; i++)
        json_object_set_new(
            inputs, wps->inputs[i].id,
            json_pack("{s:o}", "schema", json_loads(schemas[i % ARRAY_LEN(schemas)], 0, NULL)));
    if (!wps_inputs(wps, description, &read, &problem, &err) && (!problem.code || !err.message[0]))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(mem) char *text = mem_textn((const char *)data, size);
    AUTO(arena) struct arena *arena = arena_new();
    struct wps_request *wps = arena_alloc(arena, sizeof *wps);
    struct wps_problem problem = {0};
    struct err err = {0};
    bool good = size > 0 && *data == '<'
                    ? wps_read_xml((const char *)data, size, arena, wps, &problem, &err)
                    : read_keys(text, arena, wps, &problem, &err);

    if (!good && (!problem.code || !err.message[0]))
        abort();
    if (good && wps->operation == WPS_EXECUTE && wps->n_identifiers != 1)
        abort();
    if (good)
        read_inputs(wps);
    return 0;
}
