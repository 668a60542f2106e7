/* vsnprintf(), several times as fast for what is written most. */
#ifndef BASE_FORMAT_H
#define BASE_FORMAT_H

#include "base/auto.h"
#include <stdarg.h>
#include <stddef.h>

/* The contract of vsnprintf(). */
int format_text(char *buffer, size_t size, const char *format, va_list args);

#endif
