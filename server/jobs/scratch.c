/* Names and removal of the files of jobs. */
#include "jobs/scratch.h"
#include "base/mem.h"
#include "store/cluster.h"
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SYNC_THREADS = 7 };

char *scratch_run(const struct config *config, const char *job, int run)
{
    AUTO(mem) char *root = store_scratch(config);

    return mem_printf("%s/%s.%d", root, job, run);
}

char *scratch_part(const struct config *config, const struct task *task, int number, int64_t token)
{
    AUTO(mem) char *folder = scratch_run(config, task->job, task->run);

    return mem_printf("%s/%d.%" PRId64, folder, number, token);
}

char *scratch_spool(const struct config *config, const struct task *task)
{
    AUTO(mem) char *part = scratch_part(config, task, task->number, task->token);

    return mem_printf("%s.d", part);
}

char *scratch_result(const struct config *config, const char *job)
{
    AUTO(mem) char *root = store_results(config);

    return mem_printf("%s/%s", root, job);
}

char *scratch_fresh_result(const struct config *config, const struct task *task)
{
    AUTO(mem) char *result = scratch_result(config, task->job);

    return mem_printf("%s.%" PRId64, result, task->token);
}

bool scratch_remove(const char *path)
{
    AUTO(mem) char *root = mem_text(path);
    char *const roots[] = { root, NULL };
    FTS *walk;
    FTSENT *entry;
    bool good = true;

    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    while (walk && (entry = fts_read(walk))) {
        if (entry->fts_info == FTS_D)
            continue;
        if (entry->fts_info == FTS_DP ? rmdir(entry->fts_accpath) : unlink(entry->fts_accpath))
            good = good && errno == ENOENT;
    }
    if (walk)
        fts_close(walk);
    return walk && good;
}

void scratch_remove_task(const struct config *config, const struct task *task)
{
    AUTO(mem) char *part = scratch_part(config, task, task->number, task->token);
    AUTO(mem) char *spool = scratch_spool(config, task);
    AUTO(mem) char *result = scratch_fresh_result(config, task);

    scratch_remove(part);
    scratch_remove(spool);
    scratch_remove(result);
}

static bool sync_one(const char *path, int flags)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags);
    bool good = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return good;
}

static bool sync_failed(const char *path, struct err *err)
{
    return err_set(err, ERR_StorageFailure, "%s: could not be synced: %s", path, strerror(errno));
}

bool scratch_sync_folder(const char *folder, struct err *err)
{
    return sync_one(folder, O_DIRECTORY) || sync_failed(folder, err);
}

bool scratch_sync_results(const struct config *config, struct err *err)
{
    AUTO(mem) char *folder = store_results(config);

    return scratch_sync_folder(folder, err);
}

/* Its files, then its own entries. */
static bool sync_whole(const char *folder, struct err *err)
{
    AUTO(mem) char *root = mem_text(folder);
    char *const roots[] = { root, NULL };
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    FTSENT *entry;
    bool good = walk != NULL;

    while (good && (entry = fts_read(walk))) {
        if (entry->fts_info == FTS_F)
            good = sync_one(entry->fts_accpath, 0);
        else if (entry->fts_info == FTS_DP)
            good = sync_one(entry->fts_accpath, O_DIRECTORY);
        if (!good)
            sync_failed(entry->fts_path, err);
    }
    if (!walk)
        sync_failed(folder, err);
    else
        fts_close(walk);
    return good;
}

struct syncing {
    const char *const *folders;
    size_t count;
    atomic_size_t next;
    atomic_bool failed;
    struct err problem; /* of the first that failed */
};

static void *sync_some(void *arg)
{
    struct syncing *s = arg;
    size_t i;

    while ((i = atomic_fetch_add(&s->next, 1)) < s->count) {
        struct err own = { 0 };

        if (!sync_whole(s->folders[i], &own) && !atomic_exchange(&s->failed, true))
            s->problem = own;
    }
    return NULL;
}

bool scratch_sync_folders(const char *const *folders, size_t count, struct err *err)
{
    struct syncing s = { .folders = folders, .count = count };
    pthread_t threads[SYNC_THREADS];
    size_t n = 0;

    while (n < SYNC_THREADS && n + 1 < count && pthread_create(&threads[n], NULL, sync_some, &s) == 0)
        n++;
    sync_some(&s);
    while (n > 0)
        pthread_join(threads[--n], NULL);
    if (atomic_load(&s.failed))
        *err = s.problem;
    return !atomic_load(&s.failed);
}
