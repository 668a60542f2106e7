/* Errors are values. What can fail returns bool and takes `struct err *err` last; err_set()
 * returns false, so that refusing is one line. errors.def maps each code to its HTTP status. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/auto.h"
#include <stdbool.h>

enum err_code {
    ERR_None,
#define ERROR(code, status, type, title) ERR_##code,
#include "base/errors.def"
#undef ERROR
    ERR_COUNT,
};

struct err {
    enum err_code code;
    char message[1200];
};

/* Fills *err (the first error stays when err->code is set already) and returns false. */
bool err_set(struct err *err, enum err_code code, const char *format, ...) PRINTF_LIKE(3, 4);
/* Puts "prefix: " before the message that is there; returns false. */
bool err_prefix(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);
void err_clear(struct err *err);

const char *err_name(enum err_code code);  /* "JobNotFound" */
int err_status(enum err_code code);        /* 404 */
const char *err_type(enum err_code code);  /* RFC 9457 type URI, "about:blank" when it has none */
const char *err_title(enum err_code code); /* one short sentence, the same for every occurrence */
/* The code with this name; ERR_Internal when there is none (an exception declared by a process). */
enum err_code err_find(const char *name);

#endif
