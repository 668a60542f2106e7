/* What an interpreter says, byte by byte. It may have been taken over by the user's code, so nothing that
 * it says is believed: kinds and sizes are held against what was asked. */
#ifndef UDF_ANSWERS_H
#define UDF_ANSWERS_H

#include "base/err.h"
#include "base/text.h"
#include <jansson.h>
#include <stdint.h>

/* Before every message, both ways; the body follows. */
struct udf_head {
    uint32_t kind, number;
    uint64_t size;
};

/* A line of the log. Only valid during the call. `code` and `data` may be NULL. */
struct udf_line {
    const char *level, *message, *code;
    const json_t *data;
};

struct answers {
    /* What is waited for. */
    char wanted;           /* its kind; an error ('e') may come instead */
    uint32_t number;
    void *pixels;          /* 'r': where they go */
    size_t pixel_bytes;
    void (*line)(void *context, const struct udf_line *line);
    void *context;
    /* What came. */
    bool done, failed;     /* the wanted one, or an error */
    json_t *json;          /* the body of either, but of pixels; the reader frees */

    struct udf_head head;
    size_t got;            /* bytes of the head, then of the body */
    bool in_body;
    struct text body;
};

/* Begins to wait for an answer; what came before is forgotten. */
void answers_expect(struct answers *a, char wanted, uint32_t number, void *pixels, size_t pixel_bytes);
/* False with UdfFailed when it is nothing that could be an answer. Nothing may come after the answer. */
bool answers_take(struct answers *a, const void *bytes, size_t n, struct err *err) MUST_USE;
void answers_done(struct answers *a);

#endif
