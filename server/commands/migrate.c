/* sentier migrate: brings the schema of the database up to date. */
#include "commands/command.h"
#include "store/cluster.h"
#include "store/migrate.h"
#include <stdio.h>

static int run(int argc, char **argv)
{
    struct err err = { 0 };
    struct common_options options = { 0 };
    AUTO(store) struct store *store = NULL;
    AUTO(db) struct db *db = NULL;
    int applied;

    if (!command_options(&argc, argv, &options, &err))
        return command_fail(&err);
    AUTO(config) struct config *config = options.config;

    if (!store_open_bare(config, &store, &err) || !db_open(store_url(store), &db, &err) ||
        !migrate_run(db, &applied, &err))
        return command_fail(&err);
    printf("The database has version %d; %d migration%s applied.\n", migrate_newest(), applied,
           applied == 1 ? " was" : "s were");
    return 0;
}

const struct command command_migrate = {
    .name = "migrate",
    .synopsis = "[--data DIR]",
    .summary = "bring the schema of the database up to date",
    .help = "Applies the migrations that the database lacks. A database that is newer than this program\n"
            "is refused. 'sentier up' does this by itself for its private database; a shared one\n"
            "(database.url) is migrated by its administrator.\n",
    .run = run,
};
