/* The private PostgreSQL server. It listens on a socket inside its own folder and nowhere else.
 *
 * PostgreSQL refuses to run as root, so root gives the folder to an unprivileged user and the child
 * changes to it. The child knows its folder by an open descriptor: so it needs no right to pass the
 * folders above (a data folder in /root works). The socket's address is limited to 107 bytes; a
 * deeper folder is named through an open descriptor instead. */
#include "store/postgres.h"
#include "base/instant.h"
#include "base/mem.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Inherited by the child; its working directory would not do, because it leaves that for a moment. */
#define FOLDER_FD 3
#define FOLDER_BY_FD "/proc/self/fd/3"

enum { START_TIMEOUT_MS = 300000, STOP_TIMEOUT_MS = 60000, SOCKET_PATH_MAX = 107,
       LOG_BYTES_MAX = 16 << 20 };

struct account {
    uid_t uid;
    gid_t gid;
    char name[64];
};

/* Who runs the server: the owner of the folder when it exists, else we ourselves or, for root,
 * 'sentier' or 'postgres'. */
static bool find_account(const char *folder, struct account *ret_account, struct err *err)
{
    const struct passwd *user;
    struct stat st;

    if (stat(folder, &st) == 0) {
        user = getpwuid(st.st_uid);
        if (geteuid() != 0 && st.st_uid != geteuid())
            return err_set(err, ERR_DatabaseFailed,
                           "%s belongs to user %s: run as this user or as root.", folder,
                           user ? user->pw_name : "(unknown)");
    } else if (geteuid() != 0) {
        user = getpwuid(geteuid());
    } else {
        user = getpwnam("sentier");
        if (!user)
            user = getpwnam("postgres");
    }
    if (!user)
        return err_set(err, ERR_DatabaseFailed,
                       "There is no user to run PostgreSQL as: expected 'sentier' or 'postgres' in "
                       "/etc/passwd (package postgresql-15 makes the latter).");
    ret_account->uid = user->pw_uid;
    ret_account->gid = user->pw_gid;
    snprintf(ret_account->name, sizeof ret_account->name, "%s", user->pw_name);
    return true;
}

/* The newest PostgreSQL, or the one that made the folder. The caller frees. */
static char *find_program(const char *folder, const char *program, struct err *err)
{
    AUTO(mem) char *version_file = mem_printf("%s/PG_VERSION", folder);
    FILE *file = fopen(version_file, "re");
    char version[16] = "*";
    glob_t found = { 0 };
    char *path = NULL;
    int newest = -1;

    if (file && fscanf(file, "%15s", version) != 1)
        strcpy(version, "*");
    if (file)
        fclose(file);
    AUTO(mem) char *pattern = mem_printf("/usr/lib/postgresql/%s/bin/%s", version, program);

    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            int number = atoi(found.gl_pathv[i] + strlen("/usr/lib/postgresql/"));

            if (number <= newest)
                continue;
            newest = number;
            free(path);
            path = mem_text(found.gl_pathv[i]);
        }
        globfree(&found);
    }
    if (!path)
        err_set(err, ERR_DatabaseFailed,
                "PostgreSQL %s is not installed (%s): apt-get install postgresql-15 "
                "postgresql-15-postgis-3, or set database.url.",
                strcmp(version, "*") ? version : "15", pattern);
    return path;
}

/* In the child, between fork and exec. */
static void become(const struct account *account, int log)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    setpgid(0, 0); /* Ctrl-C is for our parent: it stops us last */
    if (geteuid() == 0 && (setgid(account->gid) || initgroups(account->name, account->gid) ||
                           setuid(account->uid)))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGINT); /* after setuid, which would clear it */
}

static bool spawn(const char *folder, const char *log_path, const struct account *account,
                  char *const argv[], pid_t *ret_pid, struct err *err)
{
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    pid_t parent = getpid(), pid;

    if (log < 0)
        return err_set(err, ERR_DatabaseFailed, "%s: could not be opened: %s", log_path,
                       strerror(errno));
    pid = fork();
    if (pid == 0) {
        int held = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (held < 0 || (log == FOLDER_FD && (log = dup(log)) < 0) ||
            (held == FOLDER_FD ? fcntl(held, F_SETFD, 0) : dup2(held, FOLDER_FD)) < 0)
            _exit(126);
        become(account, log);
        if (getppid() == parent)
            execv(argv[0], argv);
        _exit(127);
    }
    close(log);
    if (pid < 0)
        return err_set(err, ERR_DatabaseFailed, "%s: could not be started: %s", argv[0],
                       strerror(errno));
    *ret_pid = pid;
    return true;
}

/* Fills err with the last line of the log that tells why. */
static bool fail_with_log(const char *what, const char *log_path, struct err *err)
{
    FILE *file = fopen(log_path, "re");
    char line[512], last[512] = "";

    if (file) {
        if (fseek(file, -4096, SEEK_END))
            rewind(file);
        while (fgets(line, sizeof line, file))
            if (strstr(line, "FATAL") || strstr(line, "PANIC") || strstr(line, "error:"))
                strcpy(last, line);
        fclose(file);
    }
    last[strcspn(last, "\n")] = '\0';
    return err_set(err, ERR_DatabaseFailed, "%s: %s%s(%s)", what, last, *last ? " " : "", log_path);
}

static bool write_file(const char *folder, const char *name, const char *content,
                       const struct account *account, struct err *err)
{
    AUTO(mem) char *path = mem_printf("%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    bool good = file && fputs(content, file) >= 0 && fchmod(fileno(file), 0600) == 0 &&
                (geteuid() != 0 || fchown(fileno(file), account->uid, account->gid) == 0);

    if (file && fclose(file))
        good = false;
    return good || err_set(err, ERR_DatabaseFailed, "%s: could not be written: %s", path,
                           strerror(errno));
}

/* Who may connect: the user that runs the server, and root, both as the role 'sentier'. */
static bool write_access(const char *folder, const struct account *account, struct err *err)
{
    AUTO(mem) char *map = mem_printf("sentier \"%s\" sentier\nsentier root sentier\n",
                                     account->name);

    return write_file(folder, "pg_hba.conf", "local all sentier peer map=sentier\n", account, err) &&
           write_file(folder, "pg_ident.conf", map, account, err);
}

static bool run_initdb(const char *folder, const char *log_path, const struct account *account,
                       struct err *err)
{
    AUTO(mem) char *program = find_program(folder, "initdb", err);
    char *argv[] = { program, "-D", FOLDER_BY_FD, "-U", "sentier", "--auth-local=peer",
                     "--auth-host=reject", "--no-locale", "-E", "UTF8", "--no-instructions",
                     "--data-checksums", NULL };
    pid_t pid;
    int status = 0;

    if (!program || !spawn(folder, log_path, account, argv, &pid, err))
        return false;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return fail_with_log("The database could not be initialised", log_path, err);
    return true;
}

static bool remove_tree(const char *path)
{
    AUTO(mem) char *quoted = mem_text(path);
    char *argv[] = { "/bin/rm", "-rf", "--", quoted, NULL };
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        execv(argv[0], argv);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && status == 0;
}

bool postgres_make(const char *data, struct err *err)
{
    AUTO(mem) char *folder = mem_printf("%s/db", data), *fresh = mem_printf("%s/db.new", data);
    AUTO(mem) char *log_path = mem_printf("%s/postgres.log", data);
    struct account account;

    if (access(folder, F_OK) == 0)
        return true;
    /* made beside and renamed when complete: a crash in between leaves nothing half-made */
    if (access(fresh, F_OK) == 0 && !remove_tree(fresh))
        return err_set(err, ERR_DatabaseFailed, "%s: could not be removed", fresh);
    if (!find_account(folder, &account, err))
        return false;
    if (mkdir(fresh, 0700) || (geteuid() == 0 && chown(fresh, account.uid, account.gid)))
        return err_set(err, ERR_DatabaseFailed, "%s: could not be made: %s", fresh,
                       strerror(errno));
    if (!run_initdb(fresh, log_path, &account, err))
        return false;
    if (rename(fresh, folder))
        return err_set(err, ERR_DatabaseFailed, "%s: could not be renamed: %s", fresh,
                       strerror(errno));
    return true;
}

char *postgres_url(const char *data, const char *database)
{
    static int folder_fd = -1; /* kept open: the address needs it whenever somebody connects */
    AUTO(mem) char *host = mem_printf("%s/db", data);
    AUTO(text) struct text url = { 0 };

    if (strlen(host) + strlen("/.s.PGSQL.5432") >= SOCKET_PATH_MAX) {
        if (folder_fd < 0)
            folder_fd = open(host, O_PATH | O_DIRECTORY | O_CLOEXEC);
        free(host);
        host = mem_printf("/proc/self/fd/%d", folder_fd);
    }
    text_add(&url, "host='");
    for (const char *c = host; *c; c++)
        text_printf(&url, *c == '\'' || *c == '\\' ? "\\%c" : "%c", *c);
    text_printf(&url, "' port=5432 user=sentier dbname=%s", database);
    return text_take(&url);
}

/* At most two files of this size, give or take what one run writes. */
static void turn_log_over(const char *log_path)
{
    AUTO(mem) char *old = mem_printf("%s.1", log_path);
    struct stat st;

    if (stat(log_path, &st) == 0 && st.st_size > LOG_BYTES_MAX)
        (void)!rename(log_path, old);
}

/* A postmaster that lost its parent a moment ago may still be shutting down. */
static void wait_for_predecessor(const char *folder)
{
    AUTO(mem) char *path = mem_printf("%s/postmaster.pid", folder);
    int64_t deadline = instant_monotonic() + STOP_TIMEOUT_MS;
    FILE *file = fopen(path, "re");
    int pid = 0;

    if (!file)
        return;
    if (fscanf(file, "%d", &pid) != 1)
        pid = 0;
    fclose(file);
    AUTO(mem) char *link = mem_printf("/proc/%d/cwd", pid);

    for (bool asked = false; pid > 1 && instant_monotonic() < deadline; asked = true) {
        char where[4096];
        ssize_t length = readlink(link, where, sizeof where - 1);

        if (length < 0)
            return;
        where[length] = '\0';
        if (strcmp(where, folder))
            return; /* another program got the number */
        if (!asked)
            kill(pid, SIGINT);
        usleep(20000);
    }
}

static bool wait_until_ready(const char *data, const char *log_path, pid_t pid, struct err *err)
{
    AUTO(mem) char *url = postgres_url(data, "postgres");
    int64_t deadline = instant_monotonic() + START_TIMEOUT_MS;

    while (PQping(url) != PQPING_OK) {
        if (waitpid(pid, NULL, WNOHANG) == pid)
            return fail_with_log("PostgreSQL did not start", log_path, err);
        if (instant_monotonic() > deadline) {
            postgres_stop(pid);
            return fail_with_log("PostgreSQL did not get ready", log_path, err);
        }
        usleep(20000);
    }
    return true;
}

/* What differs from PostgreSQL's own defaults, and why. */
static const char *const settings[] = {
    "listen_addresses=", /* nobody but us: the socket in our folder */
    "unix_socket_permissions=0700",
    "max_connections=200",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_line_prefix=%m [%p] ",
    "log_checkpoints=off",
    "idle_in_transaction_session_timeout=60s",
    /* Searches take milliseconds: compiling them or sharing them among processes takes longer. The
     * cores are kept busy by other requests. */
    "jit=off",
    "max_parallel_workers_per_gather=0",
    /* Pages are in memory or on a disk without a head. */
    "random_page_cost=1.1",
    "effective_io_concurrency=200",
    "work_mem=16MB",             /* bitmaps of large areas stay exact */
    "maintenance_work_mem=256MB",/* indexes of a new partition */
    /* Loading writes much: fewer checkpoints, smaller page images. */
    "max_wal_size=4GB",
    "checkpoint_timeout=15min",
    "wal_compression=lz4",
};

enum { SETTINGS_MAX = ARRAY_LEN(settings) + 2 };

struct arguments {
    char *argv[7 + 2 * SETTINGS_MAX + 1];
    size_t count;
    char sized[2][48];
};

static void add_setting(struct arguments *a, char *setting)
{
    a->argv[a->count++] = "-c";
    a->argv[a->count++] = setting;
}

/* The machine is shared with the workers: an eighth of its memory holds pages, and the planner may
 * count on half of it. */
static void add_settings(struct arguments *a)
{
    long memory_mb = sysconf(_SC_PHYS_PAGES) / ((1 << 20) / sysconf(_SC_PAGESIZE));
    long shared_mb = memory_mb / 8 < 128 ? 128 : memory_mb / 8 > 4096 ? 4096 : memory_mb / 8;

    snprintf(a->sized[0], sizeof a->sized[0], "shared_buffers=%ldMB", shared_mb);
    snprintf(a->sized[1], sizeof a->sized[1], "effective_cache_size=%ldMB", memory_mb / 2);
    for (size_t i = 0; i < ARRAY_LEN(a->sized); i++)
        add_setting(a, a->sized[i]);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        add_setting(a, (char *)settings[i]);
}

bool postgres_start(const char *data, pid_t *ret_pid, struct err *err)
{
    AUTO(mem) char *folder = mem_printf("%s/db", data);
    AUTO(mem) char *log_path = mem_printf("%s/postgres.log", data);
    AUTO(mem) char *program = find_program(folder, "postgres", err);
    struct arguments arguments = { .argv = { program, "-D", FOLDER_BY_FD, "-k", ".", "-p", "5432" },
                                   .count = 7 };
    struct account account;
    pid_t pid;

    if (!program || !find_account(folder, &account, err) || !write_access(folder, &account, err))
        return false;
    add_settings(&arguments);
    wait_for_predecessor(folder);
    turn_log_over(log_path);
    if (!spawn(folder, log_path, &account, arguments.argv, &pid, err))
        return false;
    if (!wait_until_ready(data, log_path, pid, err))
        return false;
    *ret_pid = pid;
    return true;
}

void postgres_stop(pid_t pid)
{
    int64_t deadline = instant_monotonic() + STOP_TIMEOUT_MS;

    kill(pid, SIGINT);
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (instant_monotonic() > deadline) {
            kill(pid, SIGQUIT);
            deadline = INT64_MAX;
        }
        usleep(10000);
    }
}
