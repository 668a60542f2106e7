/* Every setting is a row with the offset of its member, so that defaults, file, environment and
 * command line go through the same one function. */
#include "config/config.h"
#include "base/mem.h"
#include "base/text.h"
#include <ctype.h>
#include <ini.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct config_row config_rows[] = {
#define CONFIG(section, key, kind, fallback, help) { #section, #key, #kind, fallback, help },
#include "config/config.def"
#undef CONFIG
};
const size_t config_row_count = ARRAY_LEN(config_rows);

static const size_t offsets[] = {
#define CONFIG(section, key, kind, fallback, help) offsetof(struct config, section##_##key),
#include "config/config.def"
#undef CONFIG
};

/* "16M" with the units "KMG" of 1024, or "7d" with seconds. */
static bool scaled(const char *value, bool bytes, int64_t *ret_number)
{
    char *end;
    double number = strtod(value, &end), unit = 1;

    if (end == value || number < 0)
        return false;
    if (*end) {
        switch (bytes ? toupper((unsigned char)*end) : *end) {
        case 'K': unit = 1024; break;
        case 'M': unit = 1048576; break;
        case 'G': unit = 1073741824; break;
        case 's': unit = 1; break;
        case 'm': unit = 60; break;
        case 'h': unit = 3600; break;
        case 'd': unit = 86400; break;
        default: return false;
        }
        if (end[1])
            return false;
    }
    if (number * unit > 9e15)
        return false;
    *ret_number = (int64_t)(number * unit);
    return true;
}

static bool truth(const char *value, bool *ret_truth)
{
    static const char *const yes[] = { "yes", "true", "on", "1" }, *const no[] = { "no", "false",
                                                                                     "off", "0" };

    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (!strcasecmp(value, yes[i]) || !strcasecmp(value, no[i])) {
            *ret_truth = !strcasecmp(value, yes[i]);
            return true;
        }
    }
    return false;
}

static bool assign(struct config *config, size_t row, const char *value, const char *where,
                   struct err *err)
{
    const struct config_row *r = &config_rows[row];
    char *member = (char *)config + offsets[row];
    double number;

    if (!strcmp(r->kind, "TEXT")) {
        free(*(char **)member);
        *(char **)member = mem_text(value);
        return true;
    }
    if (!strcmp(r->kind, "BOOL"))
        return truth(value, (bool *)member) ||
               err_set(err, ERR_ConfigInvalid, "%s: %s.%s: expected yes or no, found '%s'", where,
                       r->section, r->key, value);
    if (!strcmp(r->kind, "DECIMAL"))
        return (text_to_number(value, (double *)member) && *(double *)member >= 0 && *(double *)member < 1e15) ||
               err_set(err, ERR_ConfigInvalid, "%s: %s.%s: expected a number that is not negative, found '%s'", where,
                       r->section, r->key, value);
    if (!strcmp(r->kind, "NUMBER")) {
        if (!text_to_number(value, &number) || number < 0 || number > 9e15 ||
            number != (double)(int64_t)number)
            return err_set(err, ERR_ConfigInvalid,
                           "%s: %s.%s: expected a whole number, found '%s'", where, r->section,
                           r->key, value);
        *(int64_t *)member = (int64_t)number;
        return true;
    }
    return scaled(value, !strcmp(r->kind, "BYTES"), (int64_t *)member) ||
           err_set(err, ERR_ConfigInvalid, "%s: %s.%s: expected a number with a unit of %s, found '%s'",
                   where, r->section, r->key,
                   !strcmp(r->kind, "BYTES") ? "K, M or G" : "s, m, h or d", value);
}

bool config_set(struct config *config, const char *section, const char *key, const char *value,
                const char *where, struct err *err)
{
    for (size_t i = 0; i < config_row_count; i++)
        if (!strcmp(config_rows[i].section, section) && !strcmp(config_rows[i].key, key))
            return assign(config, i, value, where, err);
    return err_set(err, ERR_ConfigInvalid, "%s: there is no setting %s.%s", where, section, key);
}

struct file_reader {
    struct config *config;
    const char *path;
    struct err *err;
};

static int file_line(void *user, const char *section, const char *name, const char *value)
{
    struct file_reader *reader = user;

    return config_set(reader->config, section, name, value, reader->path, reader->err);
}

static bool read_environment(struct config *config, struct err *err)
{
    for (size_t i = 0; i < config_row_count; i++) {
        AUTO(mem) char *name = mem_printf("SENTIER_%s_%s", config_rows[i].section,
                                          config_rows[i].key);
        const char *value;

        for (char *c = name; *c; c++)
            *c = (char)toupper((unsigned char)*c);
        value = getenv(name);
        if (value && !assign(config, i, value, name, err))
            return false;
    }
    return true;
}

bool config_load(const char *path, struct config **ret_config, struct err *err)
{
    AUTO(config) struct config *config = MEM_NEW(struct config);
    struct file_reader reader = { config, path, err };
    int line;

    for (size_t i = 0; i < config_row_count; i++)
        if (!assign(config, i, config_rows[i].fallback, "default", err))
            return false;
    config->data = mem_text("");
    line = path ? ini_parse(path, file_line, &reader) : 0;
    if (line < 0)
        return err_set(err, ERR_ConfigInvalid, "%s: the file cannot be read", path);
    if (line > 0) {
        err_set(err, ERR_ConfigInvalid, "%s: expected 'key = value' or '[section]'", path);
        return err_prefix(err, "line %d", line);
    }
    if (!read_environment(config, err))
        return false;
    *ret_config = config;
    config = NULL;
    return true;
}

void config_print(const struct config *config, FILE *out)
{
    const char *section = "";

    for (size_t i = 0; i < config_row_count; i++) {
        const struct config_row *r = &config_rows[i];
        const char *member = (const char *)config + offsets[i];

        if (strcmp(section, r->section))
            fprintf(out, "%s[%s]\n", *section ? "\n" : "", r->section);
        section = r->section;
        if (!strcmp(r->kind, "TEXT"))
            fprintf(out, "%s = %s\n", r->key,
                    strcmp(r->key, "secret") && strcmp(r->key, "password") ? *(const char *const *)member : "(not shown)");
        else if (!strcmp(r->kind, "BOOL"))
            fprintf(out, "%s = %s\n", r->key, *(const bool *)member ? "yes" : "no");
        else if (!strcmp(r->kind, "DECIMAL"))
            fprintf(out, "%s = %.15g\n", r->key, *(const double *)member);
        else
            fprintf(out, "%s = %" PRId64 "\n", r->key, *(const int64_t *)member);
    }
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config_row_count; i++)
        if (!strcmp(config_rows[i].kind, "TEXT"))
            free(*(char **)((char *)config + offsets[i]));
    free((char *)config->data);
    free(config);
}
