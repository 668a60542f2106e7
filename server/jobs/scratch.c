/* Names and removal of the files of jobs. */
#include "jobs/scratch.h"
#include "base/mem.h"
#include "store/cluster.h"
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

bool scratch_make(const char *folder, struct err *err)
{
    AUTO(mem) char *part = mem_text(folder);

    for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        if (mkdir(part, 0755) && errno != EEXIST)
            return err_set(err, ERR_StorageFailure, "%s: could not be made: %s", part,
                           strerror(errno));
        if (!slash)
            return true;
        *slash = '/';
    }
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

bool scratch_sync_folder(const char *folder, struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return good || err_set(err, ERR_StorageFailure, "%s: could not be synced: %s", folder,
                           strerror(errno));
}
