/* Whatever the parameters of a coverage are ("name=value" lines): a wish within bounds, or a message that says why not. */
#include "api/ogc/collections.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(mem) char *text = mem_textn((const char *)data, size);
    struct coverage_wish wish = { 0 };
    char *rest = text, *line;

    while ((line = strsep(&rest, "\n"))) {
        char *value = strchr(line, '=');
        struct err err = { 0 };
        bool known;

        if (!value)
            continue;
        *value++ = '\0';
        if (!coverage_param(&wish, line, value, &known, &err) && !*err.message)
            abort();
        if (wish.width < 0 || wish.width > COVERAGE_LARGEST_SIDE || wish.height < 0 || wish.height > COVERAGE_LARGEST_SIDE)
            abort();
        if (err.code == ERR_None && known && wish.has_box[0] && !(isfinite(wish.box[0]) && isfinite(wish.box[2])))
            abort();
    }
    return 0;
}
