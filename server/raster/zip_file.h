/* A zip whose members are stored as they are, written from begin to end. */
#ifndef RASTER_ZIP_FILE_H
#define RASTER_ZIP_FILE_H

#include "base/err.h"
#include "base/text.h"

struct zip_member {
    char *name;
    uint64_t offset;
    uint32_t size, checksum;
};

struct zip_file {
    int file;
    const char *path;
    struct text chunk;
    uint64_t at;      /* of the chunk in the file */
    size_t n_members, capacity;
    struct zip_member *members;
};

bool zip_create(struct zip_file *zip, const char *path, struct err *err) MUST_USE;
/* Members have less than 4 GB. */
bool zip_add(struct zip_file *zip, const char *name, const void *data, size_t size,
             struct err *err) MUST_USE;
/* The directory, and a sync. */
bool zip_finish(struct zip_file *zip, int64_t *ret_size, struct err *err) MUST_USE;
/* Closes; removes the file unless it was finished. */
void zip_done(struct zip_file *zip);

#endif
