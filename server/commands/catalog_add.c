/* sentier catalog add and import. */
#include "base/text.h"
#include "commands/catalog.h"
#include "commands/progress.h"
#include "ingest/import.h"
#include "ingest/stac_file.h"
#include "json/js.h"
#include "store/progress.h"
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct adding {
    struct catalog_session session;
    bool resume;
    int64_t size, before;   /* bytes of the file that is read, and of all files before it */
    int64_t all;            /* of all files */
    const char *collection; /* of items that name none, or of all when importing; NULL */
    const char *folder;     /* of the file that is read, for relative hrefs */
};

static void bad_line(void *context, const char *place, const struct err *problem)
{
    ((struct adding *)context)->session.unread++;
    progress_clear();
    fprintf(stderr, "sentier: %s: %s\n", place, problem->message);
}

/* How much follows is guessed from the lines so far. */
static void advance(struct adding *a, const struct stac_place *place)
{
    int64_t line = place->end.bytes / place->end.lines;

    if (a->size) {
        intake_expect(a->session.intake, (a->size - place->end.bytes) / (line ? line : 1));
        progress_draw("Adding", (size_t)(a->before + place->end.bytes), (size_t)a->all);
    }
}

static void mark(struct adding *a, const struct stac_mark *end)
{
    char state[48];

    snprintf(state, sizeof state, "%" PRId64 " %" PRId64, end->bytes, end->lines);
    intake_mark(a->session.intake, state);
}

/* Before STAC 1.0 collections had no type. */
static bool is_collection(const json_t *object)
{
    const char *type = js_text(object, "type");

    return type ? !strcmp(type, "Collection") : json_object_get(object, "extent") != NULL;
}

static bool add_object(void *context, json_t *object, const struct stac_place *place, struct err *err)
{
    struct adding *a = context;
    struct intake_place where = { place->name, a->folder, place->text };

    if (is_collection(object))
        return intake_collection(a->session.intake, object, place->name, err);
    if (place->end.bytes)
        advance(a, place);
    if (a->collection && json_is_object(object) && !json_is_string(json_object_get(object, "collection"))) {
        json_object_set_new(object, "collection", json_string(a->collection));
        where.text = NULL;
    }
    if (!intake_item(a->session.intake, object, &where, err))
        return false;
    if (place->end.bytes && a->size)
        mark(a, &place->end);
    return true;
}

/* ---- where a file was left ---- */

/* A file that has become another is read from its beginning. */
static char *name_source(const char *path, const struct stat *st)
{
    char real[PATH_MAX];

    return mem_printf("add %s %lld %lld", realpath(path, real) ? real : path, (long long)st->st_size,
                      (long long)st->st_mtime);
}

static bool find_mark(struct adding *a, const char *source, struct stac_mark *ret_mark, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    const char *state = NULL;

    memset(ret_mark, 0, sizeof *ret_mark);
    if (!a->resume)
        return true;
    if (!progress_get(a->session.db, arena, source, &state, err))
        return false;
    if (state && sscanf(state, "%" SCNd64 " %" SCNd64, &ret_mark->bytes, &ret_mark->lines) != 2)
        ret_mark->bytes = 0;
    return true;
}

/* What a file leaves behind in the table of progress goes when all of it is stored. */
static bool add_regular(struct adding *a, const char *path, const struct stat *st, struct err *err)
{
    AUTO(mem) char *source = name_source(path, st);
    struct stac_mark begin;

    a->size = st->st_size;
    if (!find_mark(a, source, &begin, err))
        return false;
    if (begin.bytes)
        fprintf(stderr, "sentier: %s: going on after line %" PRId64 "\n", path, begin.lines);
    intake_remember(a->session.intake, source);
    if (!stac_file_read(path, begin.bytes ? &begin : NULL, add_object, bad_line, a, err) ||
        !intake_flush(a->session.intake, err))
        return false;
    a->before += a->size;
    return progress_forget(a->session.db, source, err);
}

static bool add_file(struct adding *a, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    AUTO(mem) char *folder = slash ? mem_textn(path, (size_t)(slash - path)) : mem_text(".");
    struct stat st;

    a->folder = *folder ? folder : "/";
    a->size = 0;
    if (strcmp(path, "-") && stat(path, &st) == 0 && S_ISREG(st.st_mode))
        return add_regular(a, path, &st, err);
    return stac_file_read(path, NULL, add_object, bad_line, a, err);
}

static bool begin(int *argc, char **argv, const char *what, struct adding *a, struct err *err)
{
    if (!command_take(argc, argv, "--collection", &a->collection, err) ||
        !catalog_session_open(argc, argv, &a->session, err))
        return false;
    if (*argc > 1)
        return true;
    catalog_session_close(&a->session);
    return err_set(err, ERR_UsageInvalid, "catalog %s: name at least one %s", argv[0], what);
}

static int give_up(struct adding *a, const struct err *err)
{
    int status;

    progress_clear();
    status = command_fail(err);
    catalog_session_close(&a->session);
    return status;
}

int catalog_add(int argc, char **argv)
{
    struct adding a = { .resume = command_take_flag(&argc, argv, "--resume") };
    struct err err = { 0 };
    struct stat st;

    if (!begin(&argc, argv, "file", &a, &err))
        return command_fail(&err);
    for (int i = 1; i < argc; i++)
        a.all += stat(argv[i], &st) == 0 ? st.st_size : 0;
    for (int i = 1; i < argc; i++)
        if (!add_file(&a, argv[i], &err))
            return give_up(&a, &err);
    return catalog_session_end(&a.session);
}

/* ---- import ---- */

static bool import_item(void *context, json_t *item, const char *place, struct err *err)
{
    struct adding *a = context;

    return intake_item(a->session.intake, item, &(struct intake_place){ .name = place }, err);
}

static void import_problem(void *context, const struct err *problem)
{
    ((struct adding *)context)->session.unread++;
    progress_clear();
    fprintf(stderr, "sentier: %s\n", problem->message);
}

static void import_progress(void *context, size_t done, size_t all)
{
    (void)context;
    progress_draw("Importing", done, all);
}

int catalog_import(int argc, char **argv)
{
    struct adding a = { 0 };
    struct err err = { 0 };
    struct import_sink sink = { .context = &a, .item = import_item, .problem = import_problem,
                                .progress = import_progress };

    if (!begin(&argc, argv, "folder or zip", &a, &err))
        return command_fail(&err);
    for (int i = 1; i < argc; i++) {
        size_t found;

        if (!import_path(argv[i], a.collection, &sink, &found, &err))
            return give_up(&a, &err);
        if (found == 0) {
            err_set(&err, ERR_FileNotFound, "%s: holds no product that can be imported", argv[i]);
            return give_up(&a, &err);
        }
    }
    return catalog_session_end(&a.session);
}
