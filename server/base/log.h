/* The log of a process: stderr. Text for people when that is a terminal, else one JSON object a line
 * (with a journal priority "<3>" before it under systemd). Library code does not log: whoever
 * answers a client or ends a task does, once. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/auto.h"

enum log_level { LOG_ERROR = 3, LOG_WARNING = 4, LOG_INFO = 6, LOG_DEBUG = 7 }; /* as syslog */

void log_init(const char *program, enum log_level least);
/* log_write(LOG_INFO, request_id, "GET %s %d", path, status); context may be NULL. */
void log_write(enum log_level level, const char *context, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
