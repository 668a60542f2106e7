/* sentier catalog: what is in the catalogue, and how it gets there. */
#include "commands/catalog.h"
#include "commands/progress.h"
#include "json/js.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct part {
    const char *name;
    int (*run)(int argc, char **argv);
} parts[] = {
    { "add", catalog_add },   { "import", catalog_import },
    { "list", catalog_list }, { "synthesize", catalog_synthesize },
    { "harvest", catalog_harvest },
    { "endpoint", catalog_place }, { "place", catalog_place },
};

static void say_problem(void *context, const char *place, const struct err *problem)
{
    (void)context;
    progress_clear();
    fprintf(stderr, "sentier: %s: %s\n", place, problem->message);
}

bool catalog_session_open(int *argc, char **argv, struct catalog_session *ret_session,
                          struct err *err)
{
    struct intake_options how = { .problem = say_problem };
    struct common_options options = { 0 };
    struct catalog_session s = { 0 };

    if (!command_options(argc, argv, &options, err))
        return false;
    s.config = options.config;
    if (!store_open(s.config, &s.store, err) || !db_open(store_url(s.store), &s.db, err)) {
        catalog_session_close(&s);
        return false;
    }
    s.folders = mem_printf("%s:%s", s.config->data, s.config->raster_data);
    how.folders = s.folders;
    if (!intake_new(s.db, store_url(s.store), &how, &s.intake, err)) {
        catalog_session_close(&s);
        return false;
    }
    *ret_session = s;
    return true;
}

void catalog_session_close(struct catalog_session *session)
{
    intake_free(session->intake);
    free(session->folders);
    db_close(session->db);
    store_close(session->store);
    config_free(session->config);
}

int catalog_session_end(struct catalog_session *session)
{
    struct err err = { 0 };
    int status = 0;

    progress_clear();
    if (!intake_finish(session->intake, &err))
        status = command_fail(&err);
    else
        printf("%zu items and %zu collections stored, %zu refused\n", intake_stored(session->intake),
               intake_collections(session->intake), intake_bad(session->intake) + session->unread);
    if (session->unread || intake_bad(session->intake))
        status = 1;
    catalog_session_close(session);
    return status;
}

int catalog_list(int argc, char **argv)
{
    struct catalog_session s;
    struct err err = { 0 };
    AUTO(arena) struct arena *arena = arena_new();
    struct collection_row *rows = NULL;
    size_t count = 0;
    bool good;

    if (!catalog_session_open(&argc, argv, &s, &err))
        return command_fail(&err);
    good = collection_list(s.db, arena, NULL, NULL, 100000, &rows, &count, &err);
    for (size_t i = 0; good && i < count; i++)
        printf("%-40s %12lld items\n", rows[i].id, (long long)rows[i].count);
    catalog_session_close(&s);
    return good ? 0 : command_fail(&err);
}

static int run(int argc, char **argv)
{
    struct err err = { 0 };

    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(parts); i++)
        if (!strcmp(argv[1], parts[i].name))
            return parts[i].run(argc - 1, argv + 1);
    err_set(&err, ERR_UsageInvalid,
            "catalog: expected add, import, list, synthesize, harvest, endpoint or place, found %s%s%s",
            argc > 1 ? "'" : "nothing", argc > 1 ? argv[1] : "", argc > 1 ? "'" : "");
    return command_fail(&err);
}

const struct command command_catalog = {
    .name = "catalog",
    .synopsis = "add|import|list|synthesize|harvest|endpoint|place ...",
    .summary = "add to the catalogue and look at it",
    .help =
        "catalog add FILE... [--collection ID] [--resume]\n"
        "    Adds STAC items and collections: JSON, a FeatureCollection, or one object a line; - is\n"
        "    standard input. Collections that are missing are made from their items. Items that cannot\n"
        "    be stored are named, with the place that is wrong; the exit status is then 1. Local files\n"
        "    that they name lie beside FILE, in the data folder or in a folder of raster.data. Items of STAC\n"
        "    0.8 to 1.0-rc become items of 1.0. --resume goes on where the same file was cut off.\n"
        "catalog import FOLDER|ZIP... [--collection ID]\n"
        "    Adds Sentinel-2 L1C and L2A and Sentinel-1 GRD products (SAFE folders or zips), and\n"
        "    folders of images with a STAC item beside them. Files stay where they are.\n"
        "catalog list\n"
        "    Prints the collections with their numbers of items.\n"
        "catalog synthesize FOLDER [--dates N] [--size PIXELS] [--seed N]\n"
        "    Makes Sentinel-2-like scenes with clouds and known truth, to be imported; no database.\n"
        "catalog harvest URL [--collections A,B] [--bbox W,S,E,N] [--datetime INTERVAL] [--limit N]\n"
        "        [--rate REQUESTS] [--follow SECONDS] [--other-hosts]\n"
        "    Copies collections and items of another STAC API or of a static catalogue; assets stay where\n"
        "    they are (raster.allowed_hosts says which hosts may be read from). Started again it goes on\n"
        "    where it was ended, and takes what is new or changed since its last pass; --follow repeats that\n"
        "    for ever. At most REQUESTS a second, 5 unless told; links that lead to another host are\n"
        "    refused unless --other-hosts is given.\n",
    .run = run,
};
