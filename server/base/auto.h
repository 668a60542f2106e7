/* Owned locals say how they end: AUTO(json) json_t *body = NULL; frees it on every return. */
#ifndef BASE_AUTO_H
#define BASE_AUTO_H

#include <stddef.h>

#define AUTO(name) __attribute__((cleanup(name##_drop), unused))

/* Defines AUTO(name) for a pointer type; each door room does this for its own library's types. */
#define DEFINE_AUTO(name, type, free_fn)                                                           \
    __attribute__((unused)) static inline void name##_drop(type *p)                                \
    {                                                                                              \
        if (*p)                                                                                    \
            free_fn(*p);                                                                           \
    }

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

#endif
