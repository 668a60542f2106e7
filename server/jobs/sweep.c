/* Garbage: rows that are over, and files that no row means (left by machines that died). Only names
 * of our own making are touched: JOB and JOB.TOKEN in results, JOB.RUN and in it NUMBER.TOKEN and
 * NUMBER.TOKEN.d in scratch. Copies from tape and the cache have their own: sweep_files.c. */
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "jobs/results_stac.h"
#include "jobs/scratch.h"
#include "jobs/worker.h"
#include "store/changes.h"
#include "store/cluster.h"
#include "store/gc.h"
#include "store/results.h"
#include "store/upkeep.h"
#include <dirent.h>
#include <stdio.h>
#include <string.h>

/* "uuid" or "uuid.number"; *ret_number is -1 without one. */
static bool read_name(const char *name, char ret_job[static ID_UUID_SIZE], int64_t *ret_number)
{
    char *end;

    if (strlen(name) < ID_UUID_SIZE - 1)
        return false;
    snprintf(ret_job, ID_UUID_SIZE, "%s", name);
    name += ID_UUID_SIZE - 1;
    *ret_number = -1;
    if (!id_is_uuid(ret_job) || (*name && *name != '.'))
        return false;
    if (!*name)
        return true;
    *ret_number = strtoll(name + 1, &end, 10);
    return end > name + 1 && *end == '\0' && *ret_number >= 0;
}

struct folder {
    struct db *db;
    struct sweep_report *report;
    const char *path, *job;
};

/* Calls `visit` for each entry; a folder that is not there has none. */
static bool walk(const struct folder *f,
                 bool (*visit)(const struct folder *f, const char *name, struct err *err),
                 struct err *err)
{
    DIR *dir = opendir(f->path);
    struct dirent *entry;
    bool good = true;

    while (dir && good && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            good = visit(f, entry->d_name, err);
    if (dir)
        closedir(dir);
    return good;
}

static void remove_in(const struct folder *f, const char *name, int64_t *counter)
{
    AUTO(mem) char *path = mem_printf("%s/%s", f->path, name);

    if (scratch_remove(path))
        ++*counter;
}

static bool visit_result(const struct folder *f, const char *name, struct err *err)
{
    char job[ID_UUID_SIZE];
    int64_t token;
    bool wanted;

    if (!read_name(name, job, &token))
        return true;
    if (token < 0 ? !gc_job_exists(f->db, job, &wanted, err)
                  : !gc_token_is_known(f->db, job, token, &wanted, err))
        return false;
    if (!wanted)
        remove_in(f, name, &f->report->folders);
    return true;
}

static bool visit_part(const struct folder *f, const char *name, struct err *err)
{
    long long token;
    bool known;

    if (sscanf(name, "%*d.%lld", &token) != 1)
        return true;
    if (!gc_token_is_known(f->db, f->job, token, &known, err))
        return false;
    if (!known)
        remove_in(f, name, &f->report->files);
    return true;
}

static bool visit_run(const struct folder *f, const char *name, struct err *err)
{
    AUTO(mem) char *path = mem_printf("%s/%s", f->path, name);
    char job[ID_UUID_SIZE];
    struct folder inner = { f->db, f->report, path, job };
    int64_t run;
    bool active;

    if (!read_name(name, job, &run) || run < 0)
        return true;
    if (!gc_run_is_active(f->db, job, run, &active, err))
        return false;
    if (active)
        return walk(&inner, visit_part, err);
    remove_in(f, name, &f->report->folders);
    return true;
}

enum { MISSING = 200 };

/* Jobs whose worker died between the end of the job and the item of its results. */
static bool catalogue_missing(struct db *db, struct err *err)
{
    static char jobs[MISSING][ID_UUID_SIZE];
    struct err ignored = { 0 };
    size_t count;

    if (!results_missing(db, jobs, MISSING, &count, err))
        return false;
    for (size_t i = 0; i < count && db_is_alive(db); i++) {
        err_clear(&ignored);
        if (!results_catalogue(db, jobs[i], &ignored))
            log_write(LOG_WARNING, jobs[i], "The results are not in the catalogue yet: %s", ignored.message);
    }
    return true;
}

bool sweep(const struct config *config, struct db *db, struct sweep_report *ret_report,
           struct err *err)
{
    AUTO(mem) char *results = store_results(config), *scratch = store_scratch(config);
    struct folder in_results = { db, ret_report, results, NULL };
    struct folder in_scratch = { db, ret_report, scratch, NULL };

    *ret_report = (struct sweep_report){ 0 };
    return gc_expired_jobs(db, config->jobs_keep, &ret_report->jobs, err) &&
           gc_tokens(db, &ret_report->tokens, err) &&
           gc_logs(db, config->jobs_keep, &ret_report->partitions, err) && gc_tasks(db, err) &&
           catalogue_missing(db, err) && changes_prune(db, config->catalog_changes_keep, &ret_report->changes, err) &&
           walk(&in_results, visit_result, err) && walk(&in_scratch, visit_run, err) &&
           sweep_staged(config, db, ret_report, err) && sweep_downloads(config, db, ret_report, err) && sweep_cache(config, ret_report, err) &&
           sweep_users(config, db, ret_report, err) && upkeep_round(db, NULL, err);
}
