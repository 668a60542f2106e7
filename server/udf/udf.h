/* Users' code at work: an interpreter in a sandbox, which runs functions on parts of cubes. Interpreters are
 * expensive to start (half a second), so a thread keeps the one that it has started for all that it does. What an
 * interpreter may take (udf.memory) is taken off the bound of the process that starts it, while it runs. */
#ifndef UDF_UDF_H
#define UDF_UDF_H

#include "config/config.h"
#include "udf/answers.h"

/* Whom lines of the log are told to. They come from the thread that runs the UDF. */
struct udf_listener {
    void (*line)(void *context, const char *node, const struct udf_line *line);
    void *context;
};

/* The interpreter of the calling thread, which lives as long as the thread; nothing is started before it is
 * needed. `config` and what the listener points at must outlive its use. */
struct udf_session;
struct udf_session *udf_session_of_thread(const struct config *config, const struct udf_listener *listener);

/* Ends the interpreter of the calling thread, if it has one, and gives its memory back. */
void udf_end_of_thread(void);

/* Where pixels lie, for coordinates: pixel (0, 0) has its outer corner at (x0, y0). */
struct udf_place {
    double x0, dx, y0, dy;
    uint64_t columns, rows;
};

/* A function with its code, what it is given and what is expected of it (graph/udf.c writes it). */
struct udf_function {
    const char *node;    /* of the process graph, for messages */
    const char *pointer;
    const char *request; /* JSON */
};
/* Runs it on pixels. Errors: UdfFailed with the place in the graph, the exception and the line. */
bool udf_run(struct udf_session *session, const struct udf_function *function, const struct udf_place *place,
             const void *pixels, size_t pixel_bytes, void *result, size_t result_bytes,
             struct err *err) MUST_USE;
/* Which dimensions the result has: [{"name", "count", "labels" or "instants"}]. The caller owns it. */
bool udf_probe(struct udf_session *session, const struct udf_function *function, json_t **ret_axes,
               struct err *err) MUST_USE;

#endif
