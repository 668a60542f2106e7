/* Options that all commands share. Settings are read in the order file, environment, command line. */
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "commands/command.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void drop(int *argc, char **argv, int at, int count)
{
    memmove(argv + at, argv + at + count, (size_t)(*argc - at - count + 1) * sizeof *argv);
    *argc -= count;
}

bool command_take(int *argc, char **argv, const char *name, const char **ret_value,
                  struct err *err)
{
    size_t length = strlen(name);

    *ret_value = NULL;
    for (int i = 1; i < *argc && strcmp(argv[i], "--"); i++) {
        if (!strcmp(argv[i], name)) {
            if (i + 1 >= *argc)
                return err_set(err, ERR_UsageInvalid, "%s needs a value", name);
            *ret_value = argv[i + 1];
            drop(argc, argv, i, 2);
            return true;
        }
        if (!strncmp(argv[i], name, length) && argv[i][length] == '=') {
            *ret_value = argv[i] + length + 1;
            drop(argc, argv, i, 1);
            return true;
        }
    }
    return true;
}

bool command_take_flag(int *argc, char **argv, const char *name)
{
    for (int i = 1; i < *argc && strcmp(argv[i], "--"); i++) {
        if (!strcmp(argv[i], name)) {
            drop(argc, argv, i, 1);
            return true;
        }
    }
    return false;
}

static bool set_all(int *argc, char **argv, struct config *config, struct err *err)
{
    const char *setting;

    while (command_take(argc, argv, "--set", &setting, err) && setting) {
        const char *dot = strchr(setting, '.'), *equal = strchr(setting, '=');

        if (!dot || !equal || dot > equal)
            return err_set(err, ERR_UsageInvalid, "--set: expected section.key=value, found '%s'",
                           setting);
        AUTO(mem) char *section = mem_textn(setting, (size_t)(dot - setting));
        AUTO(mem) char *key = mem_textn(dot + 1, (size_t)(equal - dot - 1));

        if (!config_set(config, section, key, equal + 1, "--set", err))
            return false;
    }
    return err->code == ERR_None;
}

/* The folder may not exist yet: make its parent absolute rather than the folder itself. */
static char *absolute(const char *path)
{
    AUTO(mem) char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
    char *whole = here ? mem_printf("%s/%s", here, path) : mem_text(path);
    char *real = realpath(whole, NULL);

    if (!real)
        return whole;
    free(whole);
    return real;
}

bool command_options(int *argc, char **argv, struct common_options *ret_options, struct err *err)
{
    const char *file, *data;
    AUTO(config) struct config *config = NULL;

    if (!command_take(argc, argv, "--config", &file, err) ||
        !command_take(argc, argv, "--data", &data, err))
        return false;
    if (!file)
        file = getenv("SENTIER_CONFIG");
    if (!config_load(file, &config, err) || !set_all(argc, argv, config, err))
        return false;
    if (!data)
        data = getenv("SENTIER_DATA");
    if (data && *data) {
        free((char *)config->data);
        config->data = absolute(data);
    }
    ret_options->help = command_take_flag(argc, argv, "--help") || command_take_flag(argc, argv, "-h");
    ret_options->config = config;
    config = NULL;
    return true;
}

bool command_dialect(const struct config *config, enum dialect *ret_dialect, struct err *err)
{
    return dialect_find(config->jobs_dialect, ret_dialect) ||
           err_set(err, ERR_ConfigInvalid, "jobs.dialect: expected openeo or cdse, found '%s'",
                   config->jobs_dialect);
}

bool command_log(const char *program, const struct config *config, struct err *err)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = { { "error", LOG_ERROR }, { "warning", LOG_WARNING }, { "info", LOG_INFO },
                   { "debug", LOG_DEBUG } };

    prctl(PR_SET_NAME, program); /* roles are execs of /proc/self/exe: `ps` would say "exe" */
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (strcmp(levels[i].name, config->log_level))
            continue;
        log_init(program, levels[i].level);
        return true;
    }
    return err_set(err, ERR_ConfigInvalid,
                   "log.level: expected error, warning, info or debug, found '%s'",
                   config->log_level);
}

int command_fail(const struct err *err)
{
    fprintf(stderr, "sentier: %s\n", err->message);
    return err->code == ERR_UsageInvalid ? 2 : 1;
}
