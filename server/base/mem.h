/* Small allocations: zeroed, and the program aborts when memory ends. Pixel buffers do not come
 * from here: they ask, and refuse with an error. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/auto.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

void *mem_alloc(size_t size_bytes) __attribute__((malloc, returns_nonnull));
void *mem_array(size_t count, size_t size_bytes) __attribute__((malloc, returns_nonnull));
/* Grows *array (of *capacity elements) so that `need` elements fit; new elements are zeroed. */
void *mem_grow(void *array, size_t *capacity, size_t need, size_t size_bytes);
char *mem_text(const char *text) __attribute__((malloc)); /* NULL stays NULL */
char *mem_textn(const char *text, size_t length) __attribute__((malloc, returns_nonnull));
char *mem_printf(const char *format, ...) PRINTF_LIKE(1, 2) __attribute__((malloc, returns_nonnull));

/* What the process has mapped, in bytes; 0 when that is not told. */
int64_t mem_address_space(void);

#define MEM_NEW(type) ((type *)mem_alloc(sizeof(type)))

/* AUTO(mem) char *name = mem_text("x"); */
__attribute__((unused)) static inline void mem_drop(void *p)
{
    free(*(void **)p);
}

/* An arena: many small things that end together (a plan, a parsed document). */
struct arena;
struct arena *arena_new(void);
void arena_free(struct arena *arena);
void *arena_alloc(struct arena *arena, size_t size_bytes) __attribute__((returns_nonnull));
void *arena_array(struct arena *arena, size_t count, size_t size_bytes)
    __attribute__((returns_nonnull));
char *arena_text(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *arena, const char *format, va_list args) PRINTF_LIKE(2, 0);
DEFINE_AUTO(arena, struct arena *, arena_free)

#endif
