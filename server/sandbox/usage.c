/* All processes of a sandbox are descendants of the first one of its process namespace, which inherits
 * orphans; so the kernel's lists of children, followed from there, find them all. Memory that several
 * processes share after a fork is counted once (the proportional size), but only looked at when the cheap
 * count gives reason to. */
#include "sandbox/usage.h"
#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_PROCESSES = 4096, BLOCK_BYTES = 512 };

struct processes {
    pid_t ids[MAX_PROCESSES];
    int count;
};

static void add_children(struct processes *found, pid_t pid, pid_t thread)
{
    char path[64];
    FILE *list;
    int child;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, thread);
    list = fopen(path, "re");
    while (list && found->count < MAX_PROCESSES && fscanf(list, "%d", &child) == 1)
        found->ids[found->count++] = child;
    if (list)
        fclose(list);
}

/* Returns how many threads the process has. */
static int64_t add_threads(struct processes *found, pid_t pid)
{
    struct dirent *entry;
    int64_t threads = 0;
    char path[64];
    DIR *folder;

    snprintf(path, sizeof path, "/proc/%d/task", pid);
    folder = opendir(path);
    while (folder && (entry = readdir(folder))) {
        int thread;

        if (sscanf(entry->d_name, "%d", &thread) != 1)
            continue;
        threads++;
        add_children(found, pid, thread);
    }
    if (folder)
        closedir(folder);
    return threads;
}

/* The sum of the values of these lines ("RssAnon:"), in bytes; -1 when the file cannot be read. */
static int64_t sum_lines(const char *path, const char *const *names, size_t n)
{
    FILE *file = fopen(path, "re");
    long long kilobytes;
    int64_t sum = 0;
    char line[256];
    bool any = false;

    while (file && fgets(line, sizeof line, file)) {
        any = true;
        for (size_t i = 0; i < n; i++)
            if (!strncmp(line, names[i], strlen(names[i])) &&
                sscanf(line + strlen(names[i]), "%lld", &kilobytes) == 1)
                sum += kilobytes * 1024;
    }
    if (file)
        fclose(file);
    return any ? sum : -1;
}

static int64_t memory_of(pid_t pid, bool exactly)
{
    static const char *const resident[] = { "RssAnon:", "RssShmem:" };
    static const char *const proportional[] = { "Pss_Anon:", "Pss_Shmem:" };
    int64_t bytes = -1;
    char path[64];

    if (exactly) {
        snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
        bytes = sum_lines(path, proportional, 2);
    }
    if (bytes < 0) {
        snprintf(path, sizeof path, "/proc/%d/status", pid);
        bytes = sum_lines(path, resident, 2);
    }
    return bytes > 0 ? bytes : 0;
}

/* Its own time and that of the children it has waited for. */
static double seconds_of(pid_t pid)
{
    unsigned long long user = 0, system = 0, their_user = 0, their_system = 0;
    char path[64], line[1024];
    const char *after;
    size_t got;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    file = fopen(path, "re");
    got = file ? fread(line, 1, sizeof line - 1, file) : 0;
    if (file)
        fclose(file);
    line[got] = '\0';
    after = strrchr(line, ')'); /* the name may hold blanks */
    if (!after || sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &user,
                         &system, &their_user, &their_system) != 4)
        return 0;
    return (double)(user + system + their_user + their_system) / (double)sysconf(_SC_CLK_TCK);
}

static void sum_memory(const struct processes *found, bool exactly, struct usage *usage)
{
    usage->memory_bytes = 0;
    for (int i = 0; i < found->count; i++)
        usage->memory_bytes += memory_of(found->ids[i], exactly);
}

void usage_of(pid_t first, int64_t most_tasks, bool exact_memory, struct usage *ret_usage)
{
    struct processes found = { .ids = { first }, .count = 1 };

    *ret_usage = (struct usage){ 0 };
    for (int i = 0; i < found.count && ret_usage->tasks <= most_tasks; i++) {
        ret_usage->tasks += add_threads(&found, found.ids[i]);
        ret_usage->cpu_seconds += seconds_of(found.ids[i]);
    }
    if (ret_usage->tasks <= most_tasks)
        sum_memory(&found, exact_memory, ret_usage);
}

void usage_of_folder(const char *folder, int64_t most_bytes, int64_t most_files, struct disk_usage *usage)
{
    char *paths[] = { (char *)(uintptr_t)folder, NULL };
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    FTSENT *entry;

    while (walk && usage->bytes <= most_bytes && usage->files <= most_files && (entry = fts_read(walk))) {
        if (entry->fts_info == FTS_DP || entry->fts_info == FTS_NS || !entry->fts_statp)
            continue;
        usage->bytes += (int64_t)entry->fts_statp->st_blocks * BLOCK_BYTES;
        usage->files++;
    }
    if (walk)
        fts_close(walk);
}

static void add_removed(pid_t pid, struct disk_usage *usage)
{
    struct dirent *entry;
    struct stat st;
    char path[64];
    DIR *folder;

    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    folder = opendir(path);
    while (folder && (entry = readdir(folder)))
        if (fstatat(dirfd(folder), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0)
            usage->bytes += (int64_t)st.st_blocks * BLOCK_BYTES;
    if (folder)
        closedir(folder);
}

void usage_of_removed(pid_t first, struct disk_usage *usage)
{
    struct processes found = { .ids = { first }, .count = 1 };

    for (int i = 0; i < found.count; i++) {
        add_threads(&found, found.ids[i]);
        add_removed(found.ids[i], usage);
    }
}
