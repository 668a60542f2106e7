/* A product is fetched from tape by the operator's command. Where the command is given a target, it makes
 * the copy there, below a folder that bears the task's token; the copy counts when the transaction that
 * settles the task says so. Otherwise the product is readable where it lies. */
#include "base/folder.h"
#include "base/instant.h"
#include "base/text.h"
#include "jobs/hook.h"
#include "jobs/perform.h"
#include "jobs/scratch.h"
#include "store/cluster.h"
#include "store/copies.h"
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum { KEEP_JOB_S = 24 * 3600 };

struct attempt {
    struct performer *performer;
    struct task *task;
    struct arena *arena;
    struct staging staging;
    enum staging_turn turn;
    struct staging_end end;
    enum hold hold;
};

static bool begin(struct db *db, void *arg, struct err *err)
{
    struct attempt *a = arg;
    int64_t most = a->performer->config->catalog_stagings;

    return staging_begin(db, a->task, most > 0 ? most : 1, a->arena, &a->staging, &a->turn, err);
}

static bool finish(struct db *db, void *arg, struct err *err)
{
    struct attempt *a = arg;

    return staging_finish(db, a->task, &a->end, &a->hold, err);
}

static void say_line(void *context, const char *line)
{
    const struct attempt *a = context;
    struct err ignored = { 0 };

    if (!job_log_add_at(a->performer->db, a->task->job, a->task->number, "debug", NULL, line, NULL,
                        &ignored))
        err_clear(&ignored); /* its output is not worth the staging */
}

/* FOLDER/COLLECTION/ITEM/ENDPOINT.TOKEN */
static char *make_folder(const struct attempt *a)
{
    AUTO(mem) char *root = store_staged(a->performer->config);
    struct text path = { 0 };

    text_printf(&path, "%s/", root);
    text_add_url(&path, a->staging.collection, "");
    text_add(&path, "/");
    text_add_url(&path, a->staging.product.item, "");
    text_printf(&path, "/%s.%" PRId64, a->staging.endpoint, a->task->token);
    return text_take(&path);
}

static bool run_command(struct attempt *a, const char *target, struct err *err)
{
    const struct config *c = a->performer->config;
    const struct staging *s = &a->staging;
    const struct hook_value values[] = {
        { "collection", s->collection }, { "item", s->product.item }, { "endpoint", s->endpoint },
        { "href", s->href },             { "target", target },
    };
    char **words;
    bool good;

    if (!*c->catalog_stage_command)
        return err_set(err, ERR_SourceUnreadable,
                       "The product '%.200s' lies on tape, and catalog.stage_command, which would fetch it, "
                       "is not set.", s->product.item);
    if (!hook_words(c->catalog_stage_command, values, ARRAY_LEN(values), &words, err))
        return false;
    good = hook_run(words, c->catalog_stage_timeout * 1000, say_line, a, err);
    hook_words_free(words);
    return good;
}

/* What the command made is what its href is called. */
static bool check_target(const char *target, struct err *err)
{
    struct stat st;

    return stat(target, &st) == 0 ||
           err_set(err, ERR_StagingFailed, "The staging command ended well, but %s is not there.", target);
}

static bool stage(struct attempt *a, struct err *err)
{
    const struct config *c = a->performer->config;
    AUTO(mem) char *folder = make_folder(a);
    const char *href = a->staging.href ? a->staging.href : "";
    AUTO(mem) char *target = mem_printf("%s/%s", folder, place_file_name(href));
    bool copies = hook_uses(c->catalog_stage_command, "target");
    int64_t start = instant_monotonic();
    bool good = (!copies || folder_make(folder, err)) && run_command(a, target, err) &&
                (!copies || check_target(target, err));

    if (good) {
        a->end = (struct staging_end){ .staging = &a->staging, .staged = copies ? target : NULL,
                                       .keep_seconds = c->catalog_stage_keep,
                                       .keep_job_seconds = KEEP_JOB_S,
                                       .seconds = perform_seconds(start) };
        good = perform_transact(a->performer, finish, a, err);
    }
    if (!good || a->hold == HOLD_LOST)
        scratch_remove(folder);
    return good;
}

bool perform_stage(struct performer *p, struct task *task, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct attempt a = { .performer = p, .task = task, .arena = arena };
    struct err ignored = { 0 };
    bool away;

    if (!copy_is_of(p->db, task, &away, err))
        return false;
    if (away)
        return perform_fetch(p, task, err);
    if (!perform_transact(p, begin, &a, err))
        return false;
    if (a.turn == STAGING_LOST || a.turn == STAGING_WAIT)
        return true;
    if (a.turn == STAGING_ONLINE) {
        a.end = (struct staging_end){ .staging = &a.staging, .keep_job_seconds = KEEP_JOB_S,
                                      .seconds = -1 };
        return perform_transact(p, finish, &a, err);
    }
    if (stage(&a, err))
        return true;
    err_prefix(err, "%s", a.staging.product.item);
    if (!staging_failed(p->db, task, &a.staging, err->message, &ignored))
        err_clear(&ignored);
    return false;
}
