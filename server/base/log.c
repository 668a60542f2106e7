/* One write(2) a line, so that lines of several threads and processes do not mix. */
#include "base/log.h"
#include "base/instant.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *program_name = "sentier";
static enum log_level least_level = LOG_INFO;
static bool as_json, for_journal;

void log_init(const char *program, enum log_level least)
{
    program_name = program;
    least_level = least;
    as_json = !isatty(STDERR_FILENO);
    for_journal = getenv("JOURNAL_STREAM") != NULL;
}

static const char *level_name(enum log_level level)
{
    return level <= LOG_ERROR ? "error" : level == LOG_WARNING ? "warning"
                                      : level == LOG_INFO      ? "info"
                                                               : "debug";
}

static void add_json_text(struct text *line, const char *raw)
{
    text_add(line, "\"");
    for (; *raw; raw++) {
        unsigned char c = (unsigned char)*raw;

        if (c == '"' || c == '\\')
            text_printf(line, "\\%c", c);
        else if (c < 0x20)
            text_printf(line, "\\u%04x", c);
        else
            text_addn(line, raw, 1);
    }
    text_add(line, "\"");
}

void log_write(enum log_level level, const char *context, const char *format, ...)
{
    AUTO(text) struct text line = { 0 };
    char message[2048], now[INSTANT_TEXT_SIZE];
    va_list args;

    if (level > least_level)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    instant_format(instant_now(), now);
    if (as_json) {
        if (for_journal)
            text_printf(&line, "<%d>", level);
        text_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"pid\":%d", now,
                    level_name(level), program_name, (int)getpid());
        if (context) {
            text_add(&line, ",\"context\":");
            add_json_text(&line, context);
        }
        text_add(&line, ",\"message\":");
        add_json_text(&line, message);
        text_add(&line, "}\n");
    } else {
        text_printf(&line, "%.19s %-7s %s%s%s\n", now, level_name(level), context ? context : "",
                    context ? ": " : "", message);
    }
    if (write(STDERR_FILENO, line.data, line.length) < 0)
        return; /* nowhere left to say it */
}
