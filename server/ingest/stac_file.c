/* A file is first tried line by line: when its first line is a whole JSON object, each line is one
 * and memory holds one at a time. Otherwise the file is one document. */
#include "ingest/stac_file.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/js.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

DEFINE_AUTO(file, FILE *, fclose)

struct reading {
    const char *path;
    stac_object_fn *object;
    void (*bad_line)(void *context, const char *place, const struct err *problem);
    void *context;
};

static bool each(const struct reading *r, const json_t *list, const char *name, const char *member,
                 struct err *err)
{
    size_t i;
    json_t *one;

    json_array_foreach((json_t *)list, i, one) {
        AUTO(mem) char *inside = mem_printf("%s/%s/%zu", name, member, i);

        if (!r->object(r->context, one, &(struct stac_place){ .name = inside }, err))
            return false;
    }
    return true;
}

static bool take(const struct reading *r, json_t *json, const struct stac_place *place, struct err *err)
{
    const char *type = js_text(json, "type");

    if (type && !strcmp(type, "FeatureCollection"))
        return each(r, json_object_get(json, "features"), place->name, "features", err);
    if (!type && json_is_array(json_object_get(json, "collections")))
        return each(r, json_object_get(json, "collections"), place->name, "collections", err);
    return r->object(r->context, json, place, err);
}

static bool blank(const char *line)
{
    return line[strspn(line, " \t\r\n")] == '\0';
}

/* Goes on after `mark`, with the line that was read already, if any. */
static bool read_lines(const struct reading *r, FILE *file, char *first_taken, struct stac_mark mark,
                       struct err *err)
{
    char *line = first_taken;
    size_t room = line ? strlen(line) + 1 : 0;
    ssize_t length = line ? (ssize_t)strlen(line) : getline(&line, &room, file);
    bool good = true;

    for (; good && length > 0; length = good ? getline(&line, &room, file) : 0) {
        AUTO(mem) char *name = mem_printf("%s:%" PRId64, r->path, ++mark.lines);
        AUTO(json) json_t *json = NULL;
        struct err problem = { 0 };

        mark.bytes += length;
        if (blank(line))
            continue;
        if (js_parse(line, strlen(line), JS_DEFAULT_DEPTH, &json, &problem))
            good = take(r, json, &(struct stac_place){ name, line, mark }, err);
        else
            r->bad_line(r->context, name, &problem);
    }
    free(line);
    return good;
}

static bool read_document(const struct reading *r, FILE *file, const char *first, struct err *err)
{
    AUTO(text) struct text bytes = { 0 };
    AUTO(json) json_t *json = NULL;
    char buffer[65536];
    size_t got;

    text_add(&bytes, first);
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0)
        text_addn(&bytes, buffer, got);
    if (!js_parse(bytes.data ? bytes.data : "", bytes.length, JS_DEFAULT_DEPTH, &json, err))
        return err_prefix(err, "%s", r->path);
    return take(r, json, &(struct stac_place){ .name = r->path }, err);
}

bool stac_file_read(const char *path, const struct stac_mark *begin, stac_object_fn *object,
                    void (*bad_line)(void *context, const char *place, const struct err *problem),
                    void *context, struct err *err)
{
    struct reading r = { .path = path, .object = object, .bad_line = bad_line, .context = context };
    AUTO(file) FILE *file = strcmp(path, "-") ? fopen(path, "re") : fdopen(dup(0), "r");
    AUTO(json) json_t *json = NULL;
    struct err ignored = { 0 };
    char *line = NULL;
    size_t room = 0;

    if (!file)
        return err_set(err, ERR_FileNotFound, "%s: %m", path);
    if (begin && fseeko(file, begin->bytes, SEEK_SET) == 0)
        return read_lines(&r, file, NULL, *begin, err);
    if (getline(&line, &room, file) <= 0) {
        free(line);
        return err_set(err, ERR_BadRequest, "%s: is empty", path);
    }
    if (js_parse(line, strlen(line), JS_DEFAULT_DEPTH, &json, &ignored) && json_is_object(json))
        return read_lines(&r, file, line, (struct stac_mark){ 0 }, err);
    AUTO(mem) char *first = line;

    return read_document(&r, file, first, err);
}
