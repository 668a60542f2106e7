/* sentier worker: takes tasks. */
#include "base/text.h"
#include "commands/command.h"
#include "jobs/worker.h"
#include "store/cluster.h"
#include <stdio.h>
#include <systemd/sd-daemon.h>

static void ready(void)
{
    sd_notify(0, "READY=1");
}

static int run(int argc, char **argv)
{
    struct err err = { 0 };
    struct common_options options = { 0 };
    AUTO(store) struct store *store = NULL;
    const char *slots;
    double number = 0;

    if (!command_take(&argc, argv, "--slots", &slots, &err) ||
        !command_options(&argc, argv, &options, &err))
        return command_fail(&err);
    AUTO(config) struct config *config = options.config;

    if (slots && (!text_to_number(slots, &number) || number < 1 || number > MAX_SLOTS)) {
        err_set(&err, ERR_UsageInvalid, "--slots: expected a number from 1 to %d, found '%s'",
                MAX_SLOTS, slots);
        return command_fail(&err);
    }
    if (!command_log("sentier worker", config, &err) || !store_open(config, &store, &err) ||
        !worker_run(config, store_url(store), (int64_t)number, ready, &err))
        return command_fail(&err);
    return 0;
}

const struct command command_worker = {
    .name = "worker",
    .synopsis = "[--slots N] [--data DIR]",
    .summary = "take tasks from the queue and compute them",
    .help = "Each task runs in a process of its own with a limit on its memory (worker.memory). Ends on\n"
            "SIGTERM or SIGINT; what it was computing goes back to the queue.\n\n"
            "Options:\n"
            "  --slots N                tasks at once (worker.slots; 0: one for each core)\n",
    .run = run,
};
