/* sentier check-config: reads all settings as the other commands do and prints them. */
#include "commands/command.h"
#include <stdio.h>

static int run(int argc, char **argv)
{
    struct err err = { 0 };
    struct common_options options = { 0 };

    if (!command_options(&argc, argv, &options, &err))
        return command_fail(&err);
    AUTO(config) struct config *config = options.config;

    config_print(config, stdout);
    return 0;
}

const struct command command_check_config = {
    .name = "check-config",
    .synopsis = "[--config FILE]",
    .summary = "read the configuration and print what is in force",
    .help = "Prints every setting with its value, in the form of the configuration file. Exit status 1\n"
            "and one message when something is wrong.\n",
    .run = run,
};
