/* Between workflow.c, which walks the tree of a request, and workflow_step.c, which makes a step of one process of it. */
#ifndef API_OGC_WORKFLOW_STEP_H
#define API_OGC_WORKFLOW_STEP_H

#include "api/ogc/workflow.h"

/* An input, or a place in the list of an input, that another process gives. Its members are borrowed or in the arena. */
struct ogc_reference {
    const char *name, *pointer;
    const json_t *schema; /* of the input */
    const json_t *body;   /* the request for the other process */
    int64_t place;        /* in the list of the input; -1: the whole input */
    bool many;            /* the input takes several values */
};

struct ogc_step {
    struct request *rq;
    const struct ogc_called *called;
    const char *pointer; /* of the request for it */
    json_t *plain, *from; /* owned: inputs that are no processes; references to outputs of others */
    json_t *description;  /* owned: with the inputs that others give made optional */
    json_t *open;         /* owned: {name: true}: inputs that a $input stands for */
    json_t *inputs;       /* borrowed: as ogc_step_begin() was told */
    struct ogc_reference *references; /* owned */
    size_t count, capacity;
};
void ogc_step_drop(struct ogc_step *step); /* AUTO(ogc_step) */

/* {"process"}, or {"value": {"process"}}; NULL: something else. */
const json_t *ogc_nested_in(const json_t *value);
/* Puts the pointer of what holds it before a message that begins with a pointer. False. */
bool ogc_within(const char *pointer, struct err *err);

/* Tells apart what the inputs of the request are; `inputs`: {name: description} of $input, when a workflow is described, NULL:
 * there are none any more. Errors: InvalidParameter. */
bool ogc_step_begin(struct request *rq, const json_t *body, const struct ogc_called *called, const char *pointer, json_t *inputs,
                    struct ogc_step *ret_step, struct err *err) MUST_USE;
/* The reference is the output `id` of another step: `port` is {"step", "output", "description"} and, where there are any,
 * {"modifiers": [...]} of the requests that it went through. Errors: InvalidParameter. */
bool ogc_step_refer(struct ogc_step *step, const struct ogc_reference *reference, const char *id, const json_t *port,
                    struct err *err) MUST_USE;
/* The step, when all its references are known: its plain inputs are checked as those of any request. The caller owns it.
 * Errors: InvalidParameter. */
bool ogc_step_end(struct ogc_step *step, json_t **ret_step, struct err *err) MUST_USE;

#endif
