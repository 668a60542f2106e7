/* One run of a command-line tool, between the files that share it. */
#ifndef CWL_TOOL_H
#define CWL_TOOL_H

#include "base/text.h"
#include "cwl/cwl.h"

/* As the command sees them. */
#define TOOL_WORK "/work"
#define TOOL_TMP "/tmp"
#define TOOL_IN "/in"

enum { MAX_BINDS = 4000, MAX_WORDS = 20000 };

struct tool_bind {
    char *outside, *inside;
};

struct tool {
    const struct cwl_run *run;
    const json_t *process;
    json_t *inputs;  /* as expressions see them: paths are those inside */
    json_t *runtime;
    char *image; /* NULL: none */
    char *work, *tmp, *literals, *scratch; /* folders out here */
    struct tool_bind *binds;
    size_t n_binds, binds_capacity, n_staged;
    struct cwl_scope scope;
    char **words, **environment;
    size_t n_words, words_capacity, n_environment, environment_capacity;
    char *stdin_path, *stdout_name, *stderr_name; /* stdin out here, the others in the work folder */
};

/* stage.c: every file of the inputs gets its place inside; InitialWorkDirRequirement is carried out. */
bool tool_stage(struct tool *t, struct err *err) MUST_USE;

/* outside.c: the path out here of what the command calls `inside`, links followed as it would; never beyond what it sees. NULL: none. */
char *tool_outside(const struct tool *t, const char *inside);

/* command.c */
bool tool_command(struct tool *t, struct err *err) MUST_USE; /* fills words, environment, stdin, stdout, stderr */

/* collect.c */
bool tool_collect(struct tool *t, int status, json_t **ret_outputs, struct err *err) MUST_USE;
/* Files that tools and expressions name are those that they may name. */
bool tool_settle(struct tool *t, json_t *outputs, struct err *err) MUST_USE;

/* secondary.c: `patterns` as the schema has them; what lies beside the file is put into its secondaryFiles. */
bool tool_add_secondary(struct tool *t, const json_t *patterns, json_t *file, bool is_output, struct err *err) MUST_USE;

void tool_add_word(struct tool *t, const char *word);

#endif
