/* sentier catalog add and import. */
#include "base/text.h"
#include "commands/catalog.h"
#include "commands/progress.h"
#include "ingest/import.h"
#include "ingest/stac_file.h"
#include <stdio.h>
#include <string.h>

struct adding {
    struct catalog_session session;
    const char *collection; /* of items that name none, or of all when importing; NULL */
    const char *folder;     /* of the file that is read, for relative hrefs */
};

static void bad_line(void *context, const char *place, const struct err *problem)
{
    ((struct adding *)context)->session.unread++;
    progress_clear();
    fprintf(stderr, "sentier: %s: %s\n", place, problem->message);
}

/* Before STAC 1.0 collections had no type. */
static bool is_collection(const json_t *object)
{
    const char *type = json_string_value(json_object_get(object, "type"));

    return type ? !strcmp(type, "Collection") : json_object_get(object, "extent") != NULL;
}

static bool add_object(void *context, json_t *object, const struct stac_place *place, struct err *err)
{
    struct adding *a = context;
    struct intake_place where = { place->name, a->folder, place->text };

    if (is_collection(object))
        return intake_collection(a->session.intake, object, place->name, err);
    if (a->collection && json_is_object(object) && !json_is_string(json_object_get(object, "collection"))) {
        json_object_set_new(object, "collection", json_string(a->collection));
        where.text = NULL;
    }
    return intake_item(a->session.intake, object, &where, err);
}

static bool add_file(struct adding *a, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    AUTO(mem) char *folder = slash ? mem_textn(path, (size_t)(slash - path)) : mem_text(".");

    a->folder = *folder ? folder : "/";
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
    struct adding a = { 0 };
    struct err err = { 0 };

    if (!begin(&argc, argv, "file", &a, &err))
        return command_fail(&err);
    for (int i = 1; i < argc; i++) {
        progress_draw("Adding", (size_t)i - 1, (size_t)argc - 1);
        if (!add_file(&a, argv[i], &err))
            return give_up(&a, &err);
    }
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
