/* Whatever inputs and outputs an execute request has: arguments, or a message that says why not. The first byte chooses the
 * process; nothing is fetched. */
#include "api/ogc/ogc.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(json) json_t *body = NULL, *arguments = NULL, *request = NULL;
    const struct ogc_process *process = size ? ogc_process_at(data[0] % 2) : NULL;
    struct err err = { 0 };

    if (!process || !js_parse((const char *)data + 1, size - 1, JS_DEFAULT_DEPTH, &body, &err) || !json_is_object(body))
        return 0;
    AUTO(json) json_t *description = ogc_process_description(process), *graph = ogc_process_graph(process);

    if (!ogc_inputs_read(json_object_get(body, "inputs"), description, graph, NULL, &arguments, &err) && !*err.message)
        abort();
    err = (struct err){ 0 };
    if (!ogc_outputs_read(body, description, &request, &err)) {
        if (!*err.message)
            abort();
        return 0;
    }
    json_decref(ogc_outputs_prune(graph, description, request));
    return 0;
}
