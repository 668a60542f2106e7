/* What the processes of a sandbox use together. */
#ifndef SANDBOX_USAGE_H
#define SANDBOX_USAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct usage {
    int64_t tasks;        /* threads of all processes */
    int64_t memory_bytes; /* that is nobody else's: anonymous and shared memory */
    double cpu_seconds;   /* of those that ended, too */
};
/* Of `first` and all its descendants; counting stops beyond most_tasks. exact_memory: pages that several
 * of them share count once. */
void usage_of(pid_t first, int64_t most_tasks, bool exact_memory, struct usage *ret_usage);

struct disk_usage {
    int64_t bytes, files;
};
/* What lies below a folder; counting stops beyond the limits. */
void usage_of_folder(const char *folder, int64_t most_bytes, int64_t most_files, struct disk_usage *usage);
/* Files that were removed but are still open in `first` and its descendants. */
void usage_of_removed(pid_t first, struct disk_usage *usage);

#endif
