/* gzip of small text bodies. */
#ifndef HTTP_COMPRESS_H
#define HTTP_COMPRESS_H

#include "base/auto.h"
#include <stdbool.h>
#include <stddef.h>

/* Does the Accept-Encoding header (NULL: absent) take gzip? */
bool compress_accepted(const char *accept_encoding);
/* JSON, HTML, XML, text: what gets smaller. */
bool compress_pays(const char *media);
/* Replaces *body (malloc'd) by its gzip form when that is smaller. */
bool compress_gzip(char **body, size_t *size);

#endif
