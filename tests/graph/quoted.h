/* JSON in C: single quotes instead of double ones. */
#ifndef TESTS_GRAPH_QUOTED_H
#define TESTS_GRAPH_QUOTED_H

#include "json/js.h"
#include <string.h>

__attribute__((unused)) static json_t *quoted(const char *text)
{
    AUTO(mem) char *copy = mem_text(text);
    struct err err = { 0 };
    json_t *json = NULL;

    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    if (!js_parse(copy, strlen(copy), 64, &json, &err)) {
        fprintf(stderr, "%s\n%s\n", copy, err.message);
        abort();
    }
    return json;
}

#endif
