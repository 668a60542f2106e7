/* One shot with libdeflate: bodies are in memory anyway, and it is three times as fast as zlib. */
#include "http/compress.h"
#include "base/mem.h"
#include "base/text.h"
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LEVEL = 4 };

bool compress_accepted(const char *accept_encoding)
{
    bool any = false;

    for (const char *at = accept_encoding; at && *at;) {
        size_t length, name;
        const char *quality;

        at += strspn(at, ", \t");
        length = strcspn(at, ",");
        name = strcspn(at, ";, \t");
        quality = memmem(at, length, "q=", 2);
        /* "q=0", "q=0.0", "q=0.000" refuse */
        if ((name == 4 && !strncasecmp(at, "gzip", 4)) || (name == 1 && *at == '*')) {
            bool refused = quality && strtod(quality + 2, NULL) <= 0;

            if (name == 4)
                return !refused;
            any = !refused;
        }
        at += length;
    }
    return any;
}

bool compress_pays(const char *media)
{
    static const char *const parts[] = { "json", "text/", "xml", "javascript", "svg" };

    for (size_t i = 0; media && i < ARRAY_LEN(parts); i++)
        if (strstr(media, parts[i]))
            return true;
    return false;
}

bool compress_gzip(char **body, size_t *size)
{
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(LEVEL);
    char *small = malloc(*size);
    size_t length = 0;

    if (compressor && small)
        length = libdeflate_gzip_compress(compressor, *body, *size, small, *size);
    libdeflate_free_compressor(compressor);
    if (length == 0) {
        free(small);
        return false;
    }
    free(*body);
    *body = small;
    *size = length;
    return true;
}
