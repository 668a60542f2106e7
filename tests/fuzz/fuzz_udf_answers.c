/* Whatever an interpreter says, in whatever pieces: an answer, more to wait for, or a refusal with a reason; never
 * more pixels than there is room for. The first byte says what is waited for and how the rest is cut. */
#include "udf/answers.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(void *context, const struct udf_line *line)
{
    size_t *lines = context;

    *lines += strlen(line->level) + strlen(line->message) + (line->code ? strlen(line->code) : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char kinds[] = "hdpr";
    size_t lines = 0, piece;
    struct answers answers = { .line = look_at, .context = &lines };
    struct err err = { 0 };
    bool good = true;
    char *pixels;

    if (size < 1)
        return 0;
    pixels = malloc(24); /* an exact one: writing past its end is seen */
    piece = 1 + data[0] / 4;
    answers_expect(&answers, kinds[data[0] % 4], data[0] % 3, pixels, 24);
    for (size_t at = 1; good && at < size; at += piece)
        good = answers_take(&answers, data + at, size - at < piece ? size - at : piece, &err);
    if (!good && !err.message[0])
        abort();
    if (good && answers.done && answers.wanted != 'r' && answers.wanted != 'd' && !answers.json)
        abort();
    answers_done(&answers);
    free(pixels);
    return 0;
}
