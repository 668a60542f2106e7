/* The subcommands of `sentier`: one file each. */
#ifndef COMMANDS_COMMAND_H
#define COMMANDS_COMMAND_H

#include "config/config.h"
#include "graph/catalog.h"

struct command {
    const char *name, *synopsis, *summary, *help;
    /* argv[0] is the command's name. Returns the exit status: 0 good, 1 failed, 2 wrong usage. */
    int (*run)(int argc, char **argv);
};

/* commands/commands.def: COMMAND(name) declares command_NAME. */
#define COMMAND(name) extern const struct command command_##name;
#include "commands/commands.def"
#undef COMMAND

/* Options that every command takes, read out of argv (the rest stays, argc is lowered):
 * --config FILE, --data DIR, --set section.key=value, --help. */
struct common_options {
    struct config *config; /* the caller frees */
    bool help;
};
bool command_options(int *argc, char **argv, struct common_options *ret_options,
                     struct err *err) MUST_USE;
/* Takes "--name VALUE" or "--name=VALUE" out of argv; NULL when absent. Errors: UsageInvalid. */
bool command_take(int *argc, char **argv, const char *name, const char **ret_value,
                  struct err *err) MUST_USE;
bool command_take_flag(int *argc, char **argv, const char *name);
/* Opens the log of a process that stays: the level is the configuration's. Errors: ConfigInvalid. */
bool command_log(const char *program, const struct config *config, struct err *err) MUST_USE;
/* The dialect of the settings. Errors: ConfigInvalid. */
bool command_dialect(const struct config *config, enum dialect *ret_dialect, struct err *err) MUST_USE;
/* Prints "sentier: message" and what to do next; returns 1 (2 for UsageInvalid). */
int command_fail(const struct err *err);

#endif
