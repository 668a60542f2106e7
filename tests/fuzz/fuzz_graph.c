/* Whatever a client posts as a process: checking, validating and planning answer a plan that keeps
 * its contract, or a message; never a crash. */
#include "json/js.h"
#include "tests/graph/double.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_say_why(bool ok, const struct err *err)
{
    if (ok ? err->code != ERR_None : err->code == ERR_None || !err->message[0])
        abort();
}

static double any_pixel(const struct scene_band *band, int64_t column, int64_t row)
{
    return double_pixel(band, column, row);
}

static void look_at(const struct plan *plan)
{
    const char *fault = plan_fault(plan);

    if (fault) {
        plan_print(plan);
        abort();
    }
    for (size_t i = 0; i < plan->n_saves; i++)
        for (uint32_t k = 0; k < cube_planes(&plan->saves[i]->schema) && k < 8; k++)
            plan_pixel(plan->saves[i], k, 3, 4, any_pixel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(json) json_t *process = NULL;
    AUTO(json) json_t *errors = NULL;
    struct double_catalog state = { 0 };
    struct catalog catalog = double_catalog(&state);
    struct plan *plan = NULL;
    struct err err = { 0 };
    bool ok;

    if (!js_parse((const char *)data, size, 40, &process, &err))
        return 0;
    state.processes = json_object_get(process, "processes");
    state.udf_axes = json_object_get(process, "udf_axes");
    must_say_why(graph_check(process, NULL, "/process", &catalog, &err), &err);
    err_clear(&err);
    must_say_why(graph_validate(process, &catalog, &errors, &err), &err);
    err_clear(&err);
    ok = graph_plan(process, NULL, "", &catalog, size % 2 ? PLAN_SYNC : PLAN_BATCH, &plan, &err);
    must_say_why(ok, &err);
    if (ok)
        look_at(plan);
    plan_free(ok ? plan : NULL);
    return 0;
}
