/* Runs a command of the operator: words, no shell. */
#ifndef JOBS_HOOK_H
#define JOBS_HOOK_H

#include "base/err.h"
#include <stdint.h>

/* What stands for {name} in the words of a template. */
struct hook_value {
    const char *name, *value;
};

/* The words of a command line: blanks part them, '...' and "..." keep them together; {name} stands for a
 * value ({{ for a brace). The caller frees with hook_words_free(). Errors: ConfigInvalid. */
bool hook_words(const char *line, const struct hook_value *values, size_t n_values, char ***ret_words,
                struct err *err) MUST_USE;
void hook_words_free(char **words);
/* Does the command use {name}? */
bool hook_uses(const char *line, const char *name);

/* Waits for the command at most timeout_ms; then it and all that it started is ended. `line` is told of
 * each line of its output. Errors: StagingFailed with the last line of what it said. */
bool hook_run(char *const *words, int64_t timeout_ms, void (*line)(void *context, const char *line),
              void *context, struct err *err) MUST_USE;

#endif
