/* sentier up: everything on one machine. The database, the server and the workers are processes of
 * their own under this one, which only watches them: whatever dies is started again, and Ctrl-C
 * ends server, workers and database in this order. */
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "commands/command.h"
#include "pool/roles.h"
#include "store/cluster.h"
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { TICK_MS = 100, DATABASE_PAUSE_MS = 500, WORKER_STOP_MS = 10000, MAX_WORKERS = 128 };

struct up {
    struct config *config;
    struct store *store;
    struct roles roles;
    int signals;
    bool stopping, announced;
    char port_option[40]; /* "http.port=8080", on the children's command lines */
    bool database_down;
    int64_t database_retry;
};

/* Lines for people on standard output; the log goes to standard error. A server that is started again
 * gets the port that the first one found. */
static void announce(struct up *up)
{
    const char *colon = strrchr(up->roles.url, ':');

    if (up->announced || !roles_all_ready(&up->roles))
        return;
    up->announced = true;
    if (colon)
        snprintf(up->port_option, sizeof up->port_option, "http.port=%d", atoi(colon + 1));
    printf("Sentier is ready at %s (data in %s); Ctrl-C ends it.\n", up->roles.url,
           *up->config->data ? up->config->data : "the shared database");
    fflush(stdout);
    sd_notify(0, "READY=1");
}

static bool reap(struct up *up, struct err *err)
{
    int status;
    pid_t pid;
    bool fatal;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == store_process(up->store)) {
            log_write(LOG_WARNING, NULL, "PostgreSQL has ended; it is started again.");
            up->database_down = true;
        } else if (roles_ended(&up->roles, pid, status, &fatal) && fatal) {
            return err_set(err, ERR_Internal, "A part of Sentier could not start; see the messages above.");
        }
    }
    return true;
}

/* It may refuse for a moment: what is left of the old one has to end first. */
static void revive_database(struct up *up)
{
    struct err err = { 0 };

    if (!up->database_down || instant_monotonic() < up->database_retry)
        return;
    if (store_restart(up->store, &err)) {
        up->database_down = false;
        return;
    }
    log_write(LOG_WARNING, NULL, "%s", err.message);
    up->database_retry = instant_monotonic() + DATABASE_PAUSE_MS;
}

static void read_signals(struct up *up)
{
    struct signalfd_siginfo info;

    while (read(up->signals, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo != SIGCHLD)
            up->stopping = true;
}

static bool watch(struct up *up, struct err *err)
{
    while (!up->stopping) {
        struct pollfd polled[] = { { up->signals, POLLIN, 0 }, { up->roles.notify, POLLIN, 0 } };

        if (!roles_start(&up->roles, err))
            return false;
        poll(polled, ARRAY_LEN(polled), TICK_MS);
        read_signals(up);
        roles_read(&up->roles);
        announce(up);
        if (!reap(up, err))
            return false;
        revive_database(up);
    }
    return true;
}

static int take_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The children read the same options as we did: `options` is what stood on our command line. */
static bool run_all(struct up *up, int64_t workers, char *const *options, struct err *err)
{
    bool good;

    up->signals = take_signals();
    if (!store_own(up->config, &up->store, err) || !roles_open(&up->roles, err))
        return false;
    roles_add(&up->roles, "serve", options, (up->config->http_stop_timeout + 5) * 1000);
    for (int64_t i = 0; i < workers; i++)
        roles_add(&up->roles, "worker", options, WORKER_STOP_MS);
    good = watch(up, err);
    sd_notify(0, "STOPPING=1");
    roles_stop(&up->roles);
    return good;
}

static bool read_workers(const char *text, int64_t *ret_workers, struct err *err)
{
    double number = 1;

    if (text && (!text_to_number(text, &number) || number < 0 || number > MAX_WORKERS))
        return err_set(err, ERR_UsageInvalid, "--workers: expected a number from 0 to %d, found '%s'",
                       MAX_WORKERS, text);
    *ret_workers = (int64_t)number;
    return true;
}

static int run(int argc, char **argv)
{
    struct err err = { 0 };
    struct common_options options = { 0 };
    struct up up = { .signals = -1, .roles = { .notify = -1 } };
    const char *port, *workers_text;
    int64_t workers = 1;
    bool good;

    if (!command_take(&argc, argv, "--port", &port, &err) ||
        !command_take(&argc, argv, "--workers", &workers_text, &err) ||
        !read_workers(workers_text, &workers, &err))
        return command_fail(&err);
    AUTO(mem) char **child_options = mem_array((size_t)argc + 4, sizeof *child_options);

    memcpy(child_options, argv + 1, (size_t)(argc - 1) * sizeof *child_options);
    child_options[argc - 1] = (char *)"--set";
    child_options[argc] = up.port_option;
    if (!command_options(&argc, argv, &options, &err))
        return command_fail(&err);
    up.config = options.config;
    good = (!port || config_set(up.config, "http", "port", port, "--port", &err));
    snprintf(up.port_option, sizeof up.port_option, "http.port=%" PRId64, up.config->http_port);
    good = good &&
           command_log("sentier up", up.config, &err) && run_all(&up, workers, child_options, &err);
    store_close(up.store);
    config_free(up.config);
    return good ? 0 : command_fail(&err);
}

const struct command command_up = {
    .name = "up",
    .synopsis = "[--data DIR] [--port N] [--workers N]",
    .summary = "run everything on this machine: database, server and workers",
    .help = "Makes a private PostgreSQL in the data folder on the first start (never on a network port),\n"
            "brings its schema up to date, and runs one server and the workers. Ctrl-C ends all of it;\n"
            "starting again on the same folder goes on with every job.\n\n"
            "Options:\n"
            "  --port N                 port of the server (http.port); 0: any free one\n"
            "  --workers N              worker processes (1), each with worker.slots tasks at once\n",
    .run = run,
};
