/* The Common Workflow Language 1.2 (and 1.0, 1.1): reads documents, checks inputs, runs command-line tools in
 * a sandbox, and says which steps of a workflow can run next. Knows no queue and no database.
 *
 * Values are JSON as CWL has it. A File or Directory that lies on this machine has "location": "file:///..." */
#ifndef CWL_CWL_H
#define CWL_CWL_H

#include "json/js.h"
#include "sandbox/sandbox.h"

/* ---- read.c ---- */

/* Reads what documents name beside themselves ($import, $include, run: FILE); NULL: they must be whole. */
struct cwl_reader {
    /* `reference` as written, `base`: the address of the document it stands in. The caller frees both. */
    bool (*read)(void *context, const char *reference, const char *base, char **ret_bytes, size_t *ret_size,
                 char **ret_base, struct err *err);
    void *context;
};
/* {"main": id, "graph": {id: process}}: each process with its lists as lists, its types written out and plain ids. `base`
 * may be NULL; `main`: which process of a $graph, NULL: the one called main, else the first.
 * Errors: BadRequest; WorkflowNotFound when there is no `main`; FeatureUnsupported. */
bool cwl_read(const char *bytes, size_t size, const char *base, const char *main_id,
              const struct cwl_reader *reader, json_t **ret_document, struct err *err) MUST_USE;
const json_t *cwl_process(const json_t *document, const char *id);
const json_t *cwl_main(const json_t *document);
/* The requirement or hint of this class that holds; NULL: none. *ret_is_hint may be NULL. */
const json_t *cwl_requirement(const json_t *process, const char *class_name, bool *ret_is_hint);
/* "edam:format_2330" as the format of a file, or of a parameter, by the document's $namespaces (may be NULL). */
void cwl_format_expand(json_t *value, const json_t *spaces);
/* Whether all that the processes of the document require can be given here. Errors: FeatureUnsupported. */
struct cwl_site {
    bool network;          /* NetworkAccess may be granted */
    const char *container; /* the path of a program that runs images (sandbox/container.h); NULL: none */
    const char *registries; /* that these come from */
    int64_t cores, memory_bytes;
};
/* The image that it wants to run in; NULL: none, or none that a hint may have here. The caller frees. Errors:
 * FeatureUnsupported, BadRequest. */
bool cwl_image(const json_t *process, const struct cwl_site *site, char **ret_image, struct err *err) MUST_USE;
bool cwl_check_site(const json_t *document, const struct cwl_site *site, struct err *err) MUST_USE;

/* ---- types.c ---- */

bool cwl_fits(const json_t *type, const json_t *value);
char *cwl_type_text(const json_t *type); /* for messages; the caller frees */
/* Defaults filled in, types checked; what the process does not know is left out. The caller owns *ret_inputs.
 * Errors: InvalidParameter with the pointer /inputs/... */
bool cwl_inputs(const json_t *process, const json_t *given, json_t **ret_inputs, struct err *err) MUST_USE;

/* ---- expression.c ---- */

struct cwl_scope {
    const json_t *inputs, *self, *runtime; /* self may be NULL */
    bool javascript;
    bool exact; /* blanks around an expression are text */
    const json_t *library; /* of InlineJavascriptRequirement: an array of texts or NULL */
};
struct cwl_scope cwl_scope_of(const json_t *process, const json_t *inputs, const json_t *runtime);
bool cwl_is_expression(const json_t *value);
/* A text with expressions becomes what they say; all else is copied. Errors: ExpressionFailed. */
bool cwl_evaluate(const struct cwl_scope *scope, const json_t *value, json_t **ret_value, struct err *err) MUST_USE;

/* As it stands in a text: numbers without exponents, containers as JSON. The caller frees. */
char *cwl_text(const json_t *value);

/* ---- files.c ---- */

/* From now on this process takes nothing but what lies below `root` for a file (NULL: anything): whatever an
 * expression says where one is. */
void cwl_confine(const char *root);
/* The path of a File or Directory of this machine; NULL: it has none that may be read. The caller frees. */
char *cwl_path(const json_t *file);
bool cwl_is_file(const json_t *value); /* or a directory */
json_t *cwl_file_new(const char *path, bool checksum); /* of what is there; links are not followed */
/* Sets the names that are derived from others. */
void cwl_file_complete(json_t *file);
/* Calls for each File and Directory in the value, those in it last. */
bool cwl_files_each(json_t *value, bool (*visit)(void *context, json_t *file, struct err *err), void *context,
                    struct err *err);
bool cwl_copy(const char *from, const char *to, struct err *err) MUST_USE; /* a file or a whole folder */
void cwl_remove(const char *path); /* a file or a whole folder; what cannot go stays */
bool cwl_load_contents(json_t *file, struct err *err) MUST_USE;
void cwl_load_listing(json_t *directory, bool deep);

/* ---- tool.c ---- */

struct cwl_run {
    const char *folder; /* there, the run's alone: what it makes stays below */
    struct cwl_site site; /* its memory is that of the limits */
    bool checksums;
    struct sandbox_limits limits;
    void (*line)(void *context, bool is_error, const char *line);
    void *context;
};
/* A CommandLineTool or ExpressionTool with checked inputs. Errors: CommandFailed, ExpressionFailed, ... */
bool cwl_run(const struct cwl_run *run, const json_t *process, const json_t *inputs, json_t **ret_outputs,
             struct err *err) MUST_USE;

/* ---- flow.c ---- */

/* What is to be done next of a process with inputs. `done`: {key: outputs} of instances that ran.
 * *ret_ready: [{"key", "name", "process", "inputs"}] of those that can run now and are not in `done`;
 * *ret_outputs: when all is done, else NULL. The caller owns both. */
bool cwl_next(const json_t *document, const json_t *inputs, const json_t *done, json_t **ret_ready,
              json_t **ret_outputs, struct err *err) MUST_USE;

#endif
