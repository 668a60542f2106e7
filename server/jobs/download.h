/* Files of other servers: what they are now, and getting them, again and again from where it broke off. Users name the addresses:
 * only public ones are called, and those of downloads.hosts, at every redirection anew. */
#ifndef JOBS_DOWNLOAD_H
#define JOBS_DOWNLOAD_H

#include "base/mem.h"
#include "config/config.h"

struct downloading {
    const struct config *config;
    bool credentials; /* those of downloads.credentials are sent where they are for */
    int64_t until;    /* instant_monotonic() */
    void (*progress)(void *context, int64_t bytes); /* of the file in hand; may be NULL */
    void *context;
};

/* What tells one version of a file from another. */
struct download_version {
    char *etag, *modified; /* NULL: not told */
    int64_t bytes;         /* -1: not told */
};
void download_version_drop(struct download_version *version);

/* *ret_tape_s: not there now, but it is being brought there; ask again after so many seconds. 0: it is there.
 * Errors: InvalidParameter (an address that is not called), SourceUnreadable, Unreachable. */
bool download_look(const struct downloading *d, const char *url, struct download_version *ret_version, int64_t *ret_tape_s,
                   struct err *err) MUST_USE;
/* The file of this version; what is there of it at `path` is gone on with. `sure`: a wrong one will be noticed by its checksum.
 * Errors: as above, and StorageFailure. */
bool download_get(const struct downloading *d, const char *url, const struct download_version *version, bool sure, const char *path,
                  int64_t *ret_tape_s, struct err *err) MUST_USE;

#endif
