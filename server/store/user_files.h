/* Files of users: a folder for each user in the folder of users' files. No SQL; any number of servers
 * and workers that share the folder may work on it. */
#ifndef STORE_USER_FILES_H
#define STORE_USER_FILES_H

#include "base/mem.h"
#include "config/config.h"

/* The full path of a user's file, which need not be there; the caller frees. Whoever reads what a user
 * names goes through here. Errors: FilePathInvalid for what is no relative path ("..", empty segments,
 * controls, quotes, backslashes, colons). */
bool user_file_path(const struct config *config, const char *user_id, const char *path,
                    char **ret_path, struct err *err) MUST_USE;
/* The same for a file that is there. Errors: FileNotFound, FileOperationUnsupported (a folder). */
bool user_file_find(const struct config *config, const char *user_id, const char *path,
                    char **ret_path, struct err *err) MUST_USE;

struct user_file {
    const char *path; /* relative: "fields/2023.geojson" */
    int64_t size_bytes, modified;
};
/* All files, by path. */
bool user_files(const struct config *config, const char *user_id, struct arena *arena,
                struct user_file **ret_files, size_t *ret_count, int64_t *ret_bytes,
                struct err *err) MUST_USE;
/* Renames `from` to the user's `path`; folders are made. Errors: StorageQuotaExceeded, FilePathInvalid,
 * FileOperationUnsupported, StorageFailure. */
bool user_file_put(const struct config *config, const char *user_id, const char *path,
                   const char *from, struct user_file *ret_file, struct err *err) MUST_USE;
/* Folders that are empty then go, too. Errors: FileNotFound, FileOperationUnsupported (a folder). */
bool user_file_remove(const struct config *config, const char *user_id, const char *path,
                      struct err *err) MUST_USE;
/* All that a user has, when he goes. Errors: StorageFailure. */
bool user_files_remove_all(const struct config *config, const char *user_id, struct err *err) MUST_USE;

#endif
