/* The paths form a tree of names; each name is included, excluded or not mentioned. The most specific
 * path decides, and where nothing is said the way up does: at the top all is sent when nothing but
 * exclusions were given, and nothing but what is named otherwise. */
#include "api/stac/fields.h"
#include "base/text.h"
#include "json/js.h"
#include <string.h>

enum mark { UNSAID, INCLUDED, EXCLUDED };

struct fields {
    const char *name;
    enum mark mark;
    bool when_open; /* only of items without datetime */
    struct fields *inside, *next;
};

/* The members of a valid item; where datetime is null, start and end stand for it. */
const char *const fields_of_items[] = {
    "type", "stac_version", "id", "geometry", "bbox", "links", "assets", "collection",
    "properties.datetime", "properties.start_datetime", "properties.end_datetime", NULL,
};
const char *const fields_of_collections[] = {
    "type", "stac_version", "id", "title", "description", "license", "extent", "links", NULL,
};

/* What clients need to know an item by; sent beside whatever is named, unless it is excluded. */
static const char *const identity[] = { "type", "id", "collection", "links" };

/* Names that stand at the top of an item or collection; all others are looked for in properties. */
static const char *const tops[] = {
    "type",        "stac_version", "stac_extensions", "id",        "geometry",   "bbox",
    "links",       "assets",       "properties",      "collection", "title",     "description",
    "license",     "extent",       "summaries",       "keywords",  "providers",  "item_assets",
    "cube:dimensions", "cube:variables", NULL,
};

static bool is_top(const char *path)
{
    size_t length = strcspn(path, ".");

    for (const char *const *top = tops; *top; top++)
        if (strlen(*top) == length && !strncmp(path, *top, length))
            return true;
    return false;
}

static struct fields *find(const struct fields *fields, const char *name, size_t length)
{
    for (struct fields *f = fields->inside; f; f = f->next)
        if (strlen(f->name) == length && !strncmp(f->name, name, length))
            return f;
    return NULL;
}

static struct fields *child(struct fields *fields, const char *name, size_t length, struct arena *arena)
{
    struct fields *found = find(fields, name, length);

    if (!found) {
        found = arena_alloc(arena, sizeof *found);
        *found = (struct fields){ .name = arena_printf(arena, "%.*s", (int)length, name),
                                  .next = fields->inside };
        fields->inside = found;
    }
    return found;
}

struct build {
    struct fields *root;
    struct arena *arena;
    bool by_default; /* exclusions are taken from the defaults: they take all below with them */
    size_t count;
};

static bool add(struct build *b, const char *path, enum mark mark, const char *place, struct err *err)
{
    struct fields *at = b->root;
    const char *rest = path;
    int depth = 0;

    if (!*path)
        return err_set(err, ERR_InvalidParameter, "%s: a name is empty", place);
    if (++b->count > FIELDS_MAX)
        return err_set(err, ERR_InvalidParameter, "%s: expected at most %d names", place, FIELDS_MAX);
    if (!is_top(path))
        at = child(at, "properties", strlen("properties"), b->arena);
    for (;;) {
        size_t length = strcspn(rest, ".");

        if (length == 0 || ++depth > FIELDS_MAX_DEPTH)
            return err_set(err, ERR_InvalidParameter, "%s: '%.60s' is not a path of names with dots between",
                           place, path);
        at = child(at, rest, length, b->arena);
        if (!rest[length])
            break;
        rest += length + 1;
    }
    if (mark == EXCLUDED && at->mark == INCLUDED && !b->by_default)
        return true; /* of the two, including is preferred */
    if (mark == EXCLUDED && b->by_default)
        at->inside = NULL;
    at->mark = mark;
    return true;
}

static bool begin(struct build *b, bool by_default, bool all, const char *const *defaults,
                  struct arena *arena, struct err *err)
{
    *b = (struct build){ .root = arena_alloc(arena, sizeof *b->root), .arena = arena,
                         .by_default = by_default };
    *b->root = (struct fields){ .name = "", .mark = all ? INCLUDED : EXCLUDED };
    for (; by_default && *defaults; defaults++)
        if (!add(b, *defaults, INCLUDED, "fields", err))
            return false;
    if (by_default) {
        struct fields *properties = find(b->root, "properties", strlen("properties"));

        for (struct fields *f = properties ? properties->inside : NULL; f; f = f->next)
            f->when_open = strcmp(f->name, "datetime") != 0;
    }
    return true;
}

static void add_identity(struct build *b)
{
    for (size_t i = 0; i < ARRAY_LEN(identity); i++) {
        struct fields *f = child(b->root, identity[i], strlen(identity[i]), b->arena);

        if (f->mark == UNSAID)
            f->mark = INCLUDED;
    }
}

bool fields_from_text(const char *text, const char *const *defaults, struct arena *arena,
                      const struct fields **ret_fields, struct err *err)
{
    struct build b = { 0 };
    bool includes = false;

    for (int pass = 0; pass < 3; pass++) { /* what is there; includes; excludes */
        char *rest = arena_text(arena, text), *name;

        if (pass == 1 && !begin(&b, !includes, false, defaults, arena, err))
            return false;
        while (*text && (name = strsep(&rest, ","))) {
            bool minus = *name == '-', sign = minus || *name == '+' || *name == ' ';

            if (pass == 0)
                includes |= !minus;
            else if (minus == (pass == 2) &&
                     !add(&b, name + sign, minus ? EXCLUDED : INCLUDED, "fields", err))
                return false;
        }
    }
    if (includes)
        add_identity(&b);
    *ret_fields = b.root;
    return true;
}

static bool add_list(struct build *b, const json_t *list, const char *pointer, enum mark mark, struct err *err)
{
    json_t *name;
    size_t i;

    if (list && !json_is_null(list) && !json_is_array(list))
        return js_refuse(list, pointer, "an array of strings", err);
    json_array_foreach((json_t *)list, i, name) {
        AUTO(mem) char *place = js_pointer_index(pointer, i);

        if (!json_is_string(name))
            return js_refuse(name, place, "a string", err);
        if (!add(b, json_string_value(name), mark, place, err))
            return false;
    }
    return true;
}

bool fields_from_json(const json_t *value, const char *const *defaults, struct arena *arena,
                      const struct fields **ret_fields, struct err *err)
{
    const json_t *include = json_object_get(value, "include"), *exclude = json_object_get(value, "exclude");
    const char *key;
    json_t *inside;
    struct build b = { 0 };
    /* without a word on `include` exclusions are taken from all there is */
    bool all = !include && json_array_size(exclude) > 0;

    if (!json_is_object(value))
        return js_refuse(value, "/fields", "an object", err);
    json_object_foreach((json_t *)value, key, inside)
        if (strcmp(key, "include") && strcmp(key, "exclude"))
            return err_set(err, ERR_InvalidParameter,
                           "/fields/%.60s: there is no such member here; expected include or exclude", key);
    if (!begin(&b, !all && json_array_size(include) == 0, all, defaults, arena, err) ||
        !add_list(&b, include, "/fields/include", INCLUDED, err) ||
        !add_list(&b, exclude, "/fields/exclude", EXCLUDED, err))
        return false;
    if (json_array_size(include) > 0)
        add_identity(&b);
    *ret_fields = b.root;
    return true;
}

static bool is_open(const json_t *item)
{
    return json_is_null(json_object_get(json_object_get(item, "properties"), "datetime"));
}

/* True when something of `object` is left. */
static bool apply(const struct fields *fields, enum mark above, bool open, json_t *object)
{
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(object, next, key, value) {
        const struct fields *f = find(fields, key, strlen(key));
        enum mark mark = f && f->mark != UNSAID ? f->mark : above;
        bool keep;

        if (f && f->when_open && !open)
            mark = EXCLUDED;
        keep = f && f->inside && json_is_object(value)
                   ? apply(f, mark, open, value) || mark == INCLUDED
                   : mark == INCLUDED;
        if (!keep)
            json_object_del(object, key);
    }
    return json_object_size(object) > 0;
}

void fields_apply(const struct fields *fields, json_t *object)
{
    apply(fields, fields->mark, is_open(object), object);
}
