/* A progress bar on standard error, when that is a terminal. */
#ifndef COMMANDS_PROGRESS_H
#define COMMANDS_PROGRESS_H

#include "base/auto.h"
#include <stddef.h>

/* From any thread; draws at most ten times a second and always at the end. */
void progress_draw(const char *what, size_t done, size_t all);
void progress_clear(void);

#endif
