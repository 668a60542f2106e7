/* A folder, or files of any folders, as a zip archive that is made while it is sent: the files as they are, not
 * compressed, so that its size is known before a byte is read. */
#ifndef INGEST_ZIP_FOLDER_H
#define INGEST_ZIP_FOLDER_H

#include "base/err.h"
#include <stdint.h>
#include <sys/types.h>

struct zip_folder;

/* Looks at what lies in the folder now (no links are followed). Entries begin with the folder's own name.
 * Errors: FileNotFound. */
bool zip_folder_open(const char *path, struct zip_folder **ret_zip, struct err *err) MUST_USE;
/* Of these files under these names. `text` (copied; NULL: none) becomes a further file, `text_name`.
 * Errors: FileNotFound. */
struct zip_input {
    const char *path, *name;
};
bool zip_files_open(const struct zip_input *files, size_t count, const char *text_name, const char *text,
                    struct zip_folder **ret_zip, struct err *err) MUST_USE;
void zip_folder_free(struct zip_folder *zip);
DEFINE_AUTO(zip_folder, struct zip_folder *, zip_folder_free)
int64_t zip_folder_size(const struct zip_folder *zip);
/* The next bytes, at most `most`; 0 at the end, -1 when a file is not any more what it was. */
ssize_t zip_folder_read(struct zip_folder *zip, char *buffer, size_t most);

/* How large the archive of a folder would be; -1: it is not there. */
int64_t zip_folder_bytes(const char *path);

#endif
