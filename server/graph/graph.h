/* The door of graph/: a process (with its process graph) in, messages or a plan out. */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include "graph/plan.h"

enum { PROCESS_MAX_PARAMETERS = 24 }; /* of a user's process */

/* `process` is {"process_graph": {...}, "parameters": [...]} as openEO has it; `arguments` are the
 * values of its parameters by name (NULL: none). `pointer` is the place of `process` in the
 * request, for messages. */

/* All that can be said without asking for scenes: structure, types, names of bands and dimensions.
 * Collections are asked for their description only. */
bool graph_check(const json_t *process, const json_t *arguments, const char *pointer,
                 const struct catalog *catalog, struct err *err) MUST_USE;
/* The same for POST /validation: all errors (at most 100) as [{"code", "message"}]; unbound
 * parameters are unknown values. The caller owns *ret_errors. False only when it is no process. */
bool graph_validate(const json_t *process, const struct catalog *catalog, json_t **ret_errors,
                    struct err *err) MUST_USE;

enum plan_mode { PLAN_BATCH, PLAN_SYNC }; /* SYNC: only the result node's output is made */

bool graph_plan(const json_t *process, const json_t *arguments, const char *pointer,
                const struct catalog *catalog, enum plan_mode mode, struct plan **ret_plan,
                struct err *err) MUST_USE;

/* A catalogue that answers what plan->scenes recorded: retries and tasks see the same labels. The
 * json must live as long as the catalogue. */
struct catalog catalog_replay(json_t *scenes);

/* Predefined processes, for GET /processes: descriptions as written in processes/. */
size_t process_count(void);
const char *process_id(size_t i);
const char *process_text(size_t i);                 /* JSON text */
const char *process_text_of(const char *id);        /* NULL when there is none */
/* Has a process (an object with "parameters") one of this name? */
bool process_has_parameter(const json_t *process, const char *name);
/* The output formats that save_result takes: "output" of GET /file_formats. The caller owns it. */
json_t *graph_input_formats(void);
json_t *graph_formats(void);

#endif
