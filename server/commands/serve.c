/* sentier serve: the HTTP server alone. */
#include "api/ogc/ogc.h"
#include "api/stac/changes.h"
#include "auth/auth.h"
#include "base/log.h"
#include "base/mem.h"
#include "commands/command.h"
#include "feed/hooks.h"
#include "http/server.h"
#include "store/cluster.h"
#include "store/upkeep.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static bool init_auth(const struct config *config, const struct store *store, struct err *err)
{
    AUTO(db) struct db *db = NULL;

    return db_open(store_url(store), &db, err) && auth_init(config, db, err);
}

static bool serve(const struct config *config, struct server *server, const sigset_t *signals)
{
    const char *address = config->http_address;
    bool any = !strcmp(address, "0.0.0.0") || !strcmp(address, "::");
    AUTO(mem) char *url = mem_printf(strchr(address, ':') && !any ? "http://[%s]:%d/" : "http://%s:%d/",
                                     any ? "127.0.0.1" : address, server_port(server));
    int signal;

    log_write(LOG_INFO, NULL, "Serving at %s", url);
    sd_notifyf(0, "READY=1\nSTATUS=%s", url);
    sigwait(signals, &signal);
    log_write(LOG_INFO, NULL, "Stopping: requests in flight finish first.");
    sd_notify(0, "STOPPING=1");
    return server_stop(server);
}

static int run(int argc, char **argv)
{
    struct err err = { 0 };
    struct common_options options = { 0 };
    AUTO(store) struct store *store = NULL;
    struct server *server;
    struct hooks *hooks;
    struct upkeep *upkeep;
    const char *port;
    enum dialect dialect;
    sigset_t signals;

    if (!command_take(&argc, argv, "--port", &port, &err) ||
        !command_options(&argc, argv, &options, &err))
        return command_fail(&err);
    AUTO(config) struct config *config = options.config;

    if ((port && !config_set(config, "http", "port", port, "--port", &err)) ||
        !command_log("sentier serve", config, &err) || !command_dialect(config, &dialect, &err) || !store_open(config, &store, &err) ||
        !init_auth(config, store, &err))
        return command_fail(&err);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* the threads to come inherit this */
    signal(SIGPIPE, SIG_IGN);
    live_start(config, store_url(store));
    ogc_processes_configure(config);
    if (!server_start(config, store_url(store), routes, &server, &err))
        return command_fail(&err);
    hooks = hooks_start(config, store_url(store));
    upkeep = upkeep_start(store_url(store), config->catalog_upkeep);
    if (!serve(config, server, &signals)) {
        store_close(store);
        _exit(1); /* a handler still hangs, and uses what a plain return would free */
    }
    live_stop();
    hooks_stop(hooks);
    upkeep_stop(upkeep);
    auth_done();
    return 0;
}

const struct command command_serve = {
    .name = "serve",
    .synopsis = "[--port N] [--data DIR]",
    .summary = "run the HTTP server alone",
    .help = "It keeps no state: any number may run over one database. Tasks are computed by\n"
            "'sentier worker'. On SIGTERM or SIGINT requests in flight finish, then it ends.\n\n"
            "Options:\n"
            "  --port N                 port to listen on (http.port)\n",
    .run = run,
};
