/* sentier gc: removes what nobody needs, now rather than within the hour. */
#include "commands/command.h"
#include "jobs/worker.h"
#include "store/cluster.h"
#include <inttypes.h>
#include <stdio.h>

static int run(int argc, char **argv)
{
    struct err err = { 0 };
    struct common_options options = { 0 };
    AUTO(store) struct store *store = NULL;
    AUTO(db) struct db *db = NULL;
    struct sweep_report report;

    if (!command_options(&argc, argv, &options, &err))
        return command_fail(&err);
    AUTO(config) struct config *config = options.config;

    if (!store_open(config, &store, &err) || !db_open(store_url(store), &db, &err) ||
        !sweep(config, db, &report, &err))
        return command_fail(&err);
    printf("Removed: %" PRId64 " expired jobs, %" PRId64 " folders, %" PRId64 " temporary files, %" PRId64
           " broken uploads, %" PRId64 " old tokens, %" PRId64 " log partitions, %" PRId64 " copies of products, %" PRId64
           " cached files, %" PRId64 " old changes.\n",
           report.jobs, report.folders, report.files, report.uploads, report.tokens, report.partitions, report.copies,
           report.cached, report.changes);
    return 0;
}

const struct command command_gc = {
    .name = "gc",
    .synopsis = "[--data DIR]",
    .summary = "remove expired jobs, old logs, and files that nobody needs any more",
    .help = "A worker does the same every hour.\n",
    .run = run,
};
