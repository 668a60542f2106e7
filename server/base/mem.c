/* Allocation that cannot fail, and arenas. An arena is a list of chunks, each at least 8 KiB;
 * whatever does not fit the current chunk opens a new one. */
#include "base/mem.h"
#include "base/format.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void out_of_memory(void)
{
    static const char message[] = "sentier: out of memory\n";

    fwrite(message, 1, sizeof message - 1, stderr);
    abort();
}

void *mem_array(size_t count, size_t size_bytes)
{
    void *p = calloc(count ? count : 1, size_bytes ? size_bytes : 1);

    if (!p)
        out_of_memory();
    return p;
}

void *mem_alloc(size_t size_bytes)
{
    return mem_array(1, size_bytes);
}

void *mem_grow(void *array, size_t *capacity, size_t need, size_t size_bytes)
{
    size_t wanted = *capacity ? *capacity : 8;
    char *grown;

    if (need <= *capacity)
        return array;
    while (wanted < need)
        wanted *= 2;
    grown = reallocarray(array, wanted, size_bytes);
    if (!grown)
        out_of_memory();
    memset(grown + *capacity * size_bytes, 0, (wanted - *capacity) * size_bytes);
    *capacity = wanted;
    return grown;
}

char *mem_textn(const char *text, size_t length)
{
    char *copy = mem_alloc(length + 1);

    memcpy(copy, text, length);
    return copy;
}

char *mem_text(const char *text)
{
    return text ? mem_textn(text, strlen(text)) : NULL;
}

char *mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        out_of_memory();
    va_end(args);
    return text;
}

int64_t mem_address_space(void)
{
    long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file && fscanf(file, "%lld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

struct chunk {
    struct chunk *next;
    size_t used, size;
    max_align_t data[];
};

struct arena {
    struct chunk *chunks;
};

struct arena *arena_new(void)
{
    return MEM_NEW(struct arena);
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    for (struct chunk *c = arena->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(arena);
}

void *arena_alloc(struct arena *arena, size_t size_bytes)
{
    const size_t align = _Alignof(max_align_t), least = 8192;
    struct chunk *c = arena->chunks;
    void *p;

    if (size_bytes > SIZE_MAX / 2)
        out_of_memory();
    size_bytes = (size_bytes + align - 1) / align * align;
    if (!c || c->size - c->used < size_bytes) {
        size_t size = size_bytes > least ? size_bytes : least;

        c = mem_alloc(sizeof *c + size);
        c->size = size;
        c->next = arena->chunks;
        arena->chunks = c;
    }
    p = (char *)c->data + c->used;
    c->used += size_bytes;
    return p;
}

void *arena_array(struct arena *arena, size_t count, size_t size_bytes)
{
    size_t total;

    if (__builtin_mul_overflow(count, size_bytes, &total))
        out_of_memory();
    return arena_alloc(arena, total);
}

char *arena_text(struct arena *arena, const char *text)
{
    size_t size;
    char *copy;

    if (!text)
        return NULL;
    size = strlen(text) + 1;
    copy = arena_alloc(arena, size);
    memcpy(copy, text, size);
    return copy;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    char *text;
    int length;

    va_copy(again, args);
    length = format_text(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        out_of_memory();
    text = arena_alloc(arena, (size_t)length + 1);
    format_text(text, (size_t)length + 1, format, args);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}
