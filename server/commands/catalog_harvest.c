/* sentier catalog harvest: copies another catalogue once, or follows it. */
#include "base/text.h"
#include "commands/catalog.h"
#include "commands/progress.h"
#include "ingest/harvest.h"
#include "net/fetch.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { COLLECTIONS_MAX = 1000, PER_SECOND = 5 };

struct asked {
    const char *bbox, *limit, *rate, *follow;
    char *collections;
    const char *ids[COLLECTIONS_MAX];
    double follow_s;
    struct harvest_options harvest;
};

static void draw(void *context, size_t done, size_t all)
{
    (void)context;
    progress_draw("Harvesting", done, all);
}

static bool take_number(const char *text, const char *name, double least, double most, double *ret_number,
                        struct err *err)
{
    if (!text)
        return true;
    if (!text_to_number(text, ret_number) || !(*ret_number >= least && *ret_number <= most))
        return err_set(err, ERR_UsageInvalid, "%s: expected a number from %g to %g, found '%s'", name, least,
                       most, text);
    return true;
}

static bool take_bbox(struct asked *a, struct err *err)
{
    double *b = a->harvest.bbox;
    char rest;

    a->harvest.has_bbox = a->bbox != NULL;
    if (!a->bbox)
        return true;
    if (sscanf(a->bbox, "%lf,%lf,%lf,%lf%c", &b[0], &b[1], &b[2], &b[3], &rest) != 4 ||
        !(fabs(b[0]) <= 180 && fabs(b[2]) <= 180 && fabs(b[1]) <= 90 && fabs(b[3]) <= 90 && b[1] <= b[3]))
        return err_set(err, ERR_UsageInvalid, "--bbox: expected W,S,E,N in degrees, found '%s'", a->bbox);
    return true;
}

static bool split_collections(struct asked *a, const char *list, struct err *err)
{
    char *rest, *id;

    a->harvest.collections = a->ids;
    if (!list)
        return true;
    rest = a->collections = mem_text(list);
    while ((id = strsep(&rest, ","))) {
        if (!text_is_plain_name(id, 200) || a->harvest.n_collections == COLLECTIONS_MAX)
            return err_set(err, ERR_UsageInvalid, "--collections: '%s' is no name of a collection", id);
        a->ids[a->harvest.n_collections++] = id;
    }
    return true;
}

static bool take_options(int *argc, char **argv, struct asked *a, struct err *err)
{
    const char *collections;
    double limit = 0;

    a->harvest.per_second = PER_SECOND;
    a->harvest.progress = draw;
    a->harvest.other_hosts = command_take_flag(argc, argv, "--other-hosts");
    if (!command_take(argc, argv, "--collections", &collections, err) ||
        !command_take(argc, argv, "--bbox", &a->bbox, err) ||
        !command_take(argc, argv, "--datetime", &a->harvest.datetime, err) ||
        !command_take(argc, argv, "--limit", &a->limit, err) ||
        !command_take(argc, argv, "--rate", &a->rate, err) ||
        !command_take(argc, argv, "--follow", &a->follow, err))
        return false;
    if (!take_number(a->limit, "--limit", 1, 1e10, &limit, err) ||
        !take_number(a->rate, "--rate", 0.001, 1e6, &a->harvest.per_second, err) ||
        !take_number(a->follow, "--follow", 1, 1e7, &a->follow_s, err))
        return false;
    a->harvest.limit = (size_t)limit;
    return take_bbox(a, err) && split_collections(a, collections, err);
}

/* One pass, or one after the other until the process is ended. What goes wrong in a later pass may have
 * passed by the next. */
static bool run(struct catalog_session *session, const struct asked *a, struct err *err)
{
    struct harvest *harvest;
    bool good;

    if (!harvest_new(session->db, session->intake, &a->harvest, &harvest, err))
        return false;
    good = harvest_pass(harvest, err);
    while (good && a->follow) {
        struct err problem = { 0 };

        nanosleep(&(struct timespec){ .tv_sec = (time_t)a->follow_s }, NULL);
        if (!harvest_pass(harvest, &problem)) {
            progress_clear();
            fprintf(stderr, "sentier: %s\n", problem.message);
            good = problem.code != ERR_DatabaseFailed || err_set(err, problem.code, "%s", problem.message);
        }
    }
    harvest_free(harvest);
    return good;
}

int catalog_harvest(int argc, char **argv)
{
    struct asked asked = { 0 };
    struct catalog_session session;
    struct err err = { 0 };
    int status;

    if (!take_options(&argc, argv, &asked, &err) || !fetch_init(&err) ||
        !catalog_session_open(&argc, argv, &session, &err)) {
        free(asked.collections);
        return command_fail(&err);
    }
    asked.harvest.url = argc == 2 ? argv[1] : NULL;
    if (argc != 2)
        err_set(&err, ERR_UsageInvalid, "catalog harvest: name one STAC API or catalogue");
    if (err.code || !run(&session, &asked, &err)) {
        progress_clear();
        status = command_fail(&err);
        catalog_session_close(&session);
    } else {
        status = catalog_session_end(&session);
    }
    free(asked.collections);
    fetch_done();
    return status;
}
