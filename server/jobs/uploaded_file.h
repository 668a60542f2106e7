/* Files that users have uploaded, in process graphs (load_uploaded_files). */
#ifndef JOBS_UPLOADED_FILE_H
#define JOBS_UPLOADED_FILE_H

#include "jobs/url.h"

/* As `uploaded` of graph/catalog.h; the context is a struct url_reader. */
bool uploaded_file_find(void *reader, const char *path, const char *format, json_t **ret_document,
                        struct err *err) MUST_USE;

#endif
