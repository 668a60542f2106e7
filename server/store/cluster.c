/* Finding or running the database.
 *
 * Two locks in the data folder say who is there. DIR/lock is held by the process that runs the
 * cluster; it names itself in it. DIR/guests is held shared by commands that use a cluster run by
 * another process: a command that started the cluster for its own duration waits for them before
 * it stops it, so that nobody's connection is cut. */
#include "store/cluster.h"
#include "base/folder.h"
#include "base/instant.h"
#include "base/mem.h"
#include "store/migrate.h"
#include "store/postgres.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, PAUSE_US = 50000 };

struct store {
    char *url, *data;
    int lock, guests; /* descriptors, -1 when not held */
    pid_t process;
    bool persistent;  /* `sentier up`, not a command */
};

char *store_results(const struct config *config)
{
    return *config->jobs_results ? mem_text(config->jobs_results)
                                 : mem_printf("%s/results", config->data);
}

char *store_files(const struct config *config)
{
    return *config->files_folder ? mem_text(config->files_folder) : mem_printf("%s/files", config->data);
}

char *store_scratch(const struct config *config)
{
    return *config->jobs_scratch ? mem_text(config->jobs_scratch)
                                 : mem_printf("%s/scratch", config->data);
}

char *store_staged(const struct config *config)
{
    return *config->catalog_stage_folder ? mem_text(config->catalog_stage_folder)
                                         : mem_printf("%s/staged", config->data);
}

char *store_downloads(const struct config *config)
{
    return *config->downloads_folder ? mem_text(config->downloads_folder) : mem_printf("%s/downloads", config->data);
}

char *store_tiles(const struct config *config)
{
    AUTO(mem) char *scratch = store_scratch(config);

    return mem_printf("%s/tiles", *config->data ? config->data : scratch);
}

char *store_cache(const struct config *config)
{
    AUTO(mem) char *scratch = store_scratch(config);

    return mem_printf("%s/cache", *config->data ? config->data : scratch);
}

const char *store_url(const struct store *store)
{
    return store->url;
}

pid_t store_process(const struct store *store)
{
    return store->process;
}

static bool open_lock(const char *data, const char *name, int *ret_fd, struct err *err)
{
    AUTO(mem) char *path = mem_printf("%s/%s", data, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    if (fd < 0)
        return err_set(err, ERR_StorageFailure, "%s: could not be opened: %s", path,
                       strerror(errno));
    *ret_fd = fd;
    return true;
}

/* True when we hold DIR/lock now. */
static bool try_lock(struct store *store)
{
    if (flock(store->lock, LOCK_EX | LOCK_NB))
        return false;
    if (ftruncate(store->lock, 0) == 0)
        dprintf(store->lock, "%s %d\n", store->persistent ? "up" : "command", (int)getpid());
    return true;
}

/* What the holder of DIR/lock wrote. */
static bool held_by_up(const struct store *store, int *ret_pid)
{
    char text[64] = "";

    *ret_pid = 0;
    if (pread(store->lock, text, sizeof text - 1, 0) < 0)
        return false;
    return sscanf(text, "up %d", ret_pid) == 1;
}

static bool make_database(const struct store *store, struct err *err)
{
    AUTO(mem) char *url = postgres_url(store->data, "postgres");
    AUTO(db) struct db *db = NULL;
    AUTO(rows) PGresult *rows = NULL;

    if (!db_open(url, &db, err) ||
        !db_query(db, &rows, "SELECT 1 FROM pg_database WHERE datname = 'sentier'", DB_NO_ARGS, err))
        return false;
    return row_count(rows) > 0 || db_script(db, "CREATE DATABASE sentier", err);
}

static bool run_cluster(struct store *store, struct err *err)
{
    if (!postgres_make(store->data, err) ||
        !postgres_start(store->data, &store->process, err))
        return false;
    store->url = postgres_url(store->data, "sentier");
    return make_database(store, err);
}

bool store_restart(struct store *store, struct err *err)
{
    store->process = 0;
    return postgres_start(store->data, &store->process, err);
}

/* The holder of the lock may be about to have its cluster ready. */
static bool visit(struct store *store)
{
    struct err ignored = { 0 };
    AUTO(db) struct db *db = NULL;

    free(store->url);
    store->url = postgres_url(store->data, "sentier");
    return flock(store->guests, LOCK_SH | LOCK_NB) == 0 && db_open(store->url, &db, &ignored);
}

static bool run_or_visit(struct store *store, struct err *err)
{
    int64_t deadline = instant_monotonic() + PATIENCE_MS;
    int pid;

    for (;;) {
        if (try_lock(store))
            return run_cluster(store, err);
        if (store->persistent && held_by_up(store, &pid))
            return err_set(err, ERR_Conflict,
                           "%s is in use by another 'sentier up' (process %d): stop that one first "
                           "or choose another --data.",
                           store->data, pid);
        if (!store->persistent && visit(store))
            return true;
        flock(store->guests, LOCK_UN);
        if (instant_monotonic() > deadline)
            return err_set(err, ERR_DatabaseFailed,
                           "%s is held by another program, whose database does not answer.",
                           store->data);
        usleep(PAUSE_US);
    }
}

static bool open_any(const struct config *config, bool persistent, struct store **ret_store,
                     struct err *err)
{
    AUTO(store) struct store *store = MEM_NEW(struct store);

    store->lock = store->guests = -1;
    store->persistent = persistent;
    if (*config->data && !folder_make(config->data, err))
        return false;
    if (*config->database_url) {
        store->url = mem_text(config->database_url);
    } else {
        if (!*config->data)
            return err_set(err, ERR_UsageInvalid,
                           "There is no database: name a data folder (--data DIR) or set database.url.");
        store->data = realpath(config->data, NULL);
        if (!open_lock(store->data, "lock", &store->lock, err) ||
            !open_lock(store->data, "guests", &store->guests, err) || !run_or_visit(store, err))
            return false;
    }
    *ret_store = store;
    store = NULL;
    return true;
}

/* A private cluster belongs to this program, which brings it up to date; a shared one belongs to its
 * administrator. */
static bool settle_schema(const struct store *store, struct err *err)
{
    AUTO(db) struct db *db = NULL;
    int applied;

    if (!db_open(store->url, &db, err))
        return false;
    return store->data ? migrate_run(db, &applied, err) : migrate_check(db, err);
}

static bool open_settled(const struct config *config, bool persistent, struct store **ret_store,
                         struct err *err)
{
    AUTO(store) struct store *store = NULL;

    if (!open_any(config, persistent, &store, err) || !settle_schema(store, err))
        return false;
    *ret_store = store;
    store = NULL;
    return true;
}

bool store_open(const struct config *config, struct store **ret_store, struct err *err)
{
    return open_settled(config, false, ret_store, err);
}

bool store_own(const struct config *config, struct store **ret_store, struct err *err)
{
    return open_settled(config, true, ret_store, err);
}

bool store_open_bare(const struct config *config, struct store **ret_store, struct err *err)
{
    return open_any(config, false, ret_store, err);
}

void store_close(struct store *store)
{
    if (!store)
        return;
    if (store->process) {
        if (!store->persistent)
            flock(store->guests, LOCK_EX);
        postgres_stop(store->process);
    }
    if (store->guests >= 0)
        close(store->guests);
    if (store->lock >= 0)
        close(store->lock);
    free(store->url);
    free(store->data);
    free(store);
}
