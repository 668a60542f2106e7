/* A product as it came: a folder or a zip archive, seen as a list of files. Door: libarchive. */
#ifndef INGEST_CONTAINER_H
#define INGEST_CONTAINER_H

#include "base/err.h"
#include "base/mem.h"

enum { CONTAINER_MAX_FILES = 200000, CONTAINER_MAX_DEPTH = 12 };

struct container {
    struct arena *arena;
    const char *path; /* absolute */
    bool zip;
    size_t n_files;
    const char **files; /* "X.SAFE/manifest.safe", sorted; links are not followed */
};

/* Errors: FileNotFound; FileContentInvalid for names that lead out of the archive. */
bool container_open(const char *path, struct container **ret_container, struct err *err) MUST_USE;
void container_free(struct container *container);
DEFINE_AUTO(container, struct container *, container_free)

bool container_has(const struct container *container, const char *name);
/* The whole of a small file. The caller frees. Errors: FileNotFound, FileContentInvalid (too big). */
bool container_read(const struct container *container, const char *name, size_t max_bytes,
                    char **ret_bytes, size_t *ret_size, struct err *err) MUST_USE;
/* What GDAL opens: "/data/X.SAFE/a.jp2", "/vsizip//data/x.zip/X.SAFE/a.jp2". In `arena`. */
const char *container_href(const struct container *container, const char *name,
                           struct arena *arena);

/* Writes one member of a zip to a file descriptor. */
bool container_extract(const char *zip_path, const char *name, int fd, struct err *err) MUST_USE;

#endif
