/* Patterns of JSON Schema, which are regular expressions of ECMAScript, for the C library. */
#ifndef JSON_PATTERN_H
#define JSON_PATTERN_H

/* The same as a POSIX extended expression, or NULL when it has something that those lack (looking
 * around, references back). The caller frees. */
char *pattern_posix(const char *pattern);

#endif
