/* glibc writes every format by its slow way in a process in which any library has registered a letter of
 * its own for printf(), as libquadmath does, which comes with GDAL. So the plain %s, %d, %u (also with l,
 * ll and z), %c and %% are written here, and a format with anything else is vsnprintf()'s. */
#include "base/format.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct out {
    char *buffer;
    size_t size, length;
};

static void put(struct out *out, const char *bytes, size_t length)
{
    if (out->length < out->size) {
        size_t room = out->size - out->length;

        memcpy(out->buffer + out->length, bytes, length < room ? length : room);
    }
    out->length += length;
}

static void put_number(struct out *out, uint64_t number, bool negative)
{
    char digits[24], *at = digits + sizeof digits;

    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    if (negative)
        *--at = '-';
    put(out, at, (size_t)(digits + sizeof digits - at));
}

static void put_signed(struct out *out, int64_t number)
{
    put_number(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, number < 0);
}

enum width { INT, LONG, SIZE };

static enum width read_width(const char **at)
{
    enum width width = **at == 'z' ? SIZE : **at == 'l' ? LONG : INT;

    _Static_assert(sizeof(long) == sizeof(long long), "%ld and %lld are read alike");
    *at += width != INT;
    *at += width == LONG && **at == 'l';
    return width;
}

/* One conversion, after its '%'; false: it is none of the plain ones. */
static bool put_value(struct out *out, const char **at, va_list *args)
{
    enum width width = read_width(at);
    char letter = *(*at)++;

    if (letter == 'd' && width != SIZE) {
        put_signed(out, width == LONG ? va_arg(*args, long) : va_arg(*args, int));
    } else if (letter == 'u') {
        put_number(out, width == INT ? va_arg(*args, unsigned) : va_arg(*args, size_t), false);
    } else if (letter == 's' && width == INT) {
        const char *text = va_arg(*args, const char *);

        if (!text)
            return false;
        put(out, text, strlen(text));
    } else if (letter == 'c' && width == INT) {
        put(out, &(char){ (char)va_arg(*args, int) }, 1);
    } else if (letter == '%' && width == INT) {
        put(out, "%", 1);
    } else {
        return false;
    }
    return true;
}

int format_text(char *buffer, size_t size, const char *format, va_list args)
{
    struct out out = { buffer, size, 0 };
    const char *at = format;
    bool plain = true;
    va_list own;

    va_copy(own, args);
    while (plain && *at) {
        size_t run = strcspn(at, "%");

        put(&out, at, run);
        at += run;
        if (*at == '%') {
            at++;
            plain = put_value(&out, &at, &own);
        }
    }
    va_end(own);
    if (!plain)
        return vsnprintf(buffer, size, format, args);
    if (size)
        buffer[out.length < size ? out.length : size - 1] = '\0';
    return (int)out.length;
}
