/* The error registry is errors.def; this file only looks things up in it. What a message quotes may
 * have been cut inside a character, and neither JSON nor the database would take it: it is repaired. */
#include "base/err.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int status;
    const char *type, *title;
} registry[] = {
    { "None", 200, "about:blank", "No error" },
#define ERROR(code, status, type, title) { #code, status, type, title },
#include "base/errors.def"
#undef ERROR
};

bool err_set(struct err *err, enum err_code code, const char *format, ...)
{
    va_list args;

    if (err->code != ERR_None)
        return false;
    err->code = code;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    text_repair_utf8(err->message);
    return false;
}

bool err_prefix(struct err *err, const char *format, ...)
{
    char old[sizeof err->message];
    va_list args;
    size_t length;

    memcpy(old, err->message, sizeof old);
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    length = strlen(err->message);
    snprintf(err->message + length, sizeof err->message - length, ": %s", old);
    text_repair_utf8(err->message);
    return false;
}

void err_clear(struct err *err)
{
    err->code = ERR_None;
    err->message[0] = '\0';
}

const char *err_name(enum err_code code)
{
    return registry[code].name;
}

int err_status(enum err_code code)
{
    return registry[code].status;
}

const char *err_type(enum err_code code)
{
    return registry[code].type;
}

const char *err_title(enum err_code code)
{
    return registry[code].title;
}

enum err_code err_find(const char *name)
{
    for (size_t i = 1; i < ARRAY_LEN(registry); i++)
        if (!strcmp(registry[i].name, name))
            return (enum err_code)i;
    return ERR_Internal;
}
