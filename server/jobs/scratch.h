/* Where the files of jobs are. scratch/JOB.RUN/ holds the temporaries of one run of a job, as
 * NUMBER.TOKEN for each task, and NUMBER.TOKEN.d/ for its spools; results/JOB/ the files that it
 * gave, made as results/JOB.TOKEN/ and renamed. All functions that return a path: the caller frees. */
#ifndef JOBS_SCRATCH_H
#define JOBS_SCRATCH_H

#include "config/config.h"
#include "store/tasks.h"

char *scratch_run(const struct config *config, const char *job, int run);
char *scratch_part(const struct config *config, const struct task *task, int number, int64_t token);
char *scratch_spool(const struct config *config, const struct task *task);
char *scratch_result(const struct config *config, const char *job);
char *scratch_fresh_result(const struct config *config, const struct task *task);

/* Removes a file, or a folder with all in it. Nothing there is fine; false when something stays. */
bool scratch_remove(const char *path);
/* What a task that ended badly may have left: part, spool, unfinished result. */
void scratch_remove_task(const struct config *config, const struct task *task);
/* So that a file just made survives a power cut: the folder's own entry is synced. */
bool scratch_sync_folder(const char *folder, struct err *err) MUST_USE;
/* The same of the folder that all results lie in, after a rename in it. */
bool scratch_sync_results(const struct config *config, struct err *err) MUST_USE;
/* All files in each folder and the folders, several at the same time: a disk writes them in one go. */
bool scratch_sync_folders(const char *const *folders, size_t count, struct err *err) MUST_USE;

#endif
