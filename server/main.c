/* The one executable: looks up the subcommand and runs it. */
#include "commands/command.h"
#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "commands/commands.def"
#undef COMMAND
};

static int usage(FILE *out, int status)
{
    fprintf(out, "Usage: sentier COMMAND [OPTIONS]\n\n"
                 "Sentier processes Earth-observation data: openEO, OGC API - Processes and STAC over\n"
                 "one catalogue and one queue.\n\nCommands:\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  %-14s%s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\nEvery command takes --config FILE, --data DIR, --set section.key=value and --help.\n"
                 "First steps: sentier up --data var/demo, then open http://127.0.0.1:8080/\n");
    return status;
}

static int help(const struct command *command)
{
    printf("Usage: sentier %s %s\n\n%c%s.\n\n%s", command->name, command->synopsis,
           command->summary[0] - 'a' + 'A', command->summary + 1, command->help);
    printf("\nCommon options:\n"
           "  --config FILE            the configuration file (or SENTIER_CONFIG)\n"
           "  --data DIR               the data folder (or SENTIER_DATA)\n"
           "  --set section.key=value  one setting, see sentier.conf(5)\n");
    return 0;
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "C.UTF-8");
    setlocale(LC_NUMERIC, "C");
    if (argc < 2)
        return usage(stderr, 2);
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
        return usage(stdout, 0);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i]->name, strcmp(argv[1], "--version") ? argv[1] : "version"))
            continue;
        for (int k = 2; k < argc && strcmp(argv[k], "--"); k++)
            if (!strcmp(argv[k], "--help") || !strcmp(argv[k], "-h"))
                return help(commands[i]);
        return commands[i]->run(argc - 1, argv + 1);
    }
    fprintf(stderr, "sentier: there is no command '%s'\n", argv[1]);
    return usage(stderr, 2);
}
