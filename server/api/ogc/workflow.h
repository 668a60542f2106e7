/* Part 3: execute requests whose inputs are outputs of other processes. */
#ifndef API_OGC_WORKFLOW_H
#define API_OGC_WORKFLOW_H

#include "api/ogc/ogc.h"

/* A process that a request names: here, or on a server that workflows.servers or workflows.openeo list. */
struct ogc_called {
    const char *id; /* elsewhere its address */
    const char *kind; /* NULL: here; "ogc", "openeo" */
    const struct ogc_process *process; /* NULL elsewhere */
    json_t *description, *unit; /* owned; unit NULL elsewhere */
};
void ogc_called_drop(struct ogc_called *called); /* AUTO(ogc_called) */
/* "http://host/ogc/processes/echo", "/ogc/processes/echo" or "echo"; NULL: no process of this service. */
const char *ogc_own_id(struct request *rq, const char *uri);
/* `uri` as it stands in a request, `base`: the address of the process that receives it, NULL: of this service.
 * Errors: ProcessNotFound, InvalidParameter, Unreachable. */
bool ogc_call(struct request *rq, const char *uri, const char *base, struct ogc_called *ret_called, struct err *err) MUST_USE;

/* Whether the request has a process, a $input or a $output within, or changes the fields of its outputs. */
bool ogc_workflow_is(const json_t *body);
/* The steps of a request for `called`; types of outputs and inputs are compared. *ret_workflow is what the job plans:
 * {"workflow": {"steps": {key: step}, "outputs": {name: {"step", "output"}}}} (jobs/perform_workflow.c). `called` is used up.
 * Errors: InvalidParameter with the pointer of the input, ProcessNotFound, Unreachable. */
bool ogc_workflow_read(struct request *rq, const json_t *body, struct ogc_called *called, json_t **ret_workflow,
                       struct err *err) MUST_USE;

/* workflow_bind.c: deployed workflows. */

/* Inputs and outputs of a request that is to be deployed, from its $input and $output. Errors as above. */
bool ogc_workflow_describe(struct request *rq, const json_t *body, json_t **ret_description, struct err *err) MUST_USE;
/* The request with `inputs` in the place of its $input; those that are not given and are not required are left out.
 * `pointer`: where the inputs are. Errors: InvalidParameter. */
bool ogc_workflow_bind(const json_t *body, const json_t *description, const json_t *inputs, const char *pointer,
                       json_t **ret_body, struct err *err) MUST_USE;

/* workflow_types.c: whether values of an output can be those of an input. Errors: InvalidParameter. */
bool ogc_workflow_fits(const json_t *output, const json_t *input, const char *output_name, const char *pointer,
                       struct err *err) MUST_USE;

#endif
