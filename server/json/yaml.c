/* libyaml gives events; a stack of open containers makes JSON of them. What an anchor names is kept, and
 * an alias is a deep copy of it, each of whose nodes counts: a document that would grow to a bomb is refused
 * while it is small. */
#include "json/yaml.h"
#include "base/text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { MAX_NODES = 200000, MAX_DEPTH = 200 };

struct level {
    json_t *container;
    char *key;    /* of a mapping: waits for its value */
    char *anchor; /* of the container */
};

struct reader {
    yaml_parser_t parser;
    struct level levels[MAX_DEPTH + 1];
    size_t depth, max_depth, nodes;
    json_t *anchors, *root;
};

static bool refuse(const yaml_mark_t *mark, const char *what, struct err *err)
{
    return err_set(err, ERR_BadRequest, "YAML, line %zu, column %zu: %s", mark->line + 1, mark->column + 1, what);
}

static size_t count_nodes(const json_t *value)
{
    size_t count = 1, i;
    const char *key;
    json_t *one;

    json_array_foreach((json_t *)value, i, one)
        count += count_nodes(one);
    json_object_foreach((json_t *)value, key, one)
        count += count_nodes(one);
    return count;
}

/* ---- scalars ---- */

static bool is_digits(const char *text, const char *digits)
{
    return *text && strspn(text, digits) == strlen(text);
}

static json_t *read_integer(const char *text)
{
    const char *bare = text + (*text == '-' || *text == '+');
    char *end;
    long long number;

    if (strlen(text) > 19)
        return NULL;
    if (text_begins(text, "0x") && is_digits(text + 2, "0123456789abcdefABCDEF"))
        number = strtoll(text + 2, &end, 16);
    else if (text_begins(text, "0o") && is_digits(text + 2, "01234567"))
        number = strtoll(text + 2, &end, 8);
    else if (is_digits(bare, "0123456789"))
        number = strtoll(text, &end, 10);
    else
        return NULL;
    return json_integer(number);
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static json_t *read_real(const char *text)
{
    const char *at = text + (*text == '-' || *text == '+');
    size_t whole = strspn(at, "0123456789"), fraction = 0;
    double number;

    at += whole;
    if (*at == '.') {
        fraction = strspn(++at, "0123456789");
        at += fraction;
    }
    if (!whole && !fraction)
        return NULL;
    if (*at == 'e' || *at == 'E') {
        at += 1 + (at[1] == '-' || at[1] == '+');
        if (!is_digits(at, "0123456789"))
            return NULL;
        at += strlen(at);
    }
    number = *at ? NAN : strtod(text, NULL);
    return isfinite(number) ? json_real(number) : NULL;
}

/* A plain scalar has the type that it looks like. */
static json_t *read_plain(const char *text)
{
    static const struct { const char *text; int type; } words[] = {
        { "", 0 },     { "~", 0 },    { "null", 0 }, { "Null", 0 },  { "NULL", 0 },  { "true", 1 },
        { "True", 1 }, { "TRUE", 1 }, { "false", 2 }, { "False", 2 }, { "FALSE", 2 },
    };
    json_t *number;

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (!strcmp(text, words[i].text))
            return words[i].type == 0 ? json_null() : json_boolean(words[i].type == 1);
    number = read_integer(text);
    if (!number)
        number = read_real(text);
    return number ? number : json_string(text);
}

static json_t *read_scalar(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    const char *tag = (const char *)event->data.scalar.tag;

    if (strlen(text) != event->data.scalar.length)
        return NULL; /* NUL */
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || (tag && !strcmp(tag, YAML_STR_TAG)))
        return json_string(text);
    return read_plain(text);
}

/* ---- containers ---- */

/* Swallows the value. */
static bool put(struct reader *r, json_t *value_taken, const yaml_mark_t *mark, struct err *err)
{
    struct level *top = r->depth ? &r->levels[r->depth - 1] : NULL;

    if (!top) {
        r->root = value_taken;
        return true;
    }
    if (json_is_array(top->container)) {
        json_array_append_new(top->container, value_taken);
        return true;
    }
    if (top->key) {
        json_object_set_new(top->container, top->key, value_taken);
        free(top->key);
        top->key = NULL;
        return true;
    }
    if (json_is_string(value_taken))
        top->key = mem_text(json_string_value(value_taken));
    else if (!json_is_array(value_taken) && !json_is_object(value_taken))
        top->key = json_dumps(value_taken, JSON_ENCODE_ANY);
    json_decref(value_taken);
    if (!top->key)
        return refuse(mark, "a key must be a scalar", err);
    return !json_object_get(top->container, top->key) || refuse(mark, "the key is there twice", err);
}

static bool add_node(struct reader *r, size_t nodes, const yaml_mark_t *mark, struct err *err)
{
    r->nodes += nodes;
    return r->nodes <= MAX_NODES || refuse(mark, "more than 200000 values, those that aliases repeat included", err);
}

static bool open_container(struct reader *r, json_t *container_taken, const yaml_char_t *anchor,
                           const yaml_mark_t *mark, struct err *err)
{
    if (r->depth == r->max_depth || r->depth == MAX_DEPTH) {
        json_decref(container_taken);
        return refuse(mark, "nested too deeply", err);
    }
    r->levels[r->depth++] = (struct level){ container_taken, NULL, mem_text((const char *)anchor) };
    return add_node(r, 1, mark, err);
}

static bool close_container(struct reader *r, const yaml_mark_t *mark, struct err *err)
{
    struct level done = r->levels[--r->depth];

    if (done.anchor)
        json_object_set_new(r->anchors, done.anchor, json_deep_copy(done.container));
    free(done.anchor);
    free(done.key);
    return put(r, done.container, mark, err);
}

static size_t depth_of(const json_t *value)
{
    size_t deepest = 0, i;
    const char *key;
    json_t *one;

    json_array_foreach((json_t *)value, i, one)
    {
        size_t depth = depth_of(one);

        deepest = depth > deepest ? depth : deepest;
    }
    json_object_foreach((json_t *)value, key, one)
    {
        size_t depth = depth_of(one);

        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + (json_is_array(value) || json_is_object(value));
}

static bool put_alias(struct reader *r, const char *name, const yaml_mark_t *mark, struct err *err)
{
    json_t *anchor = json_object_get(r->anchors, name);

    if (!anchor)
        return refuse(mark, "an alias of nothing that came before", err);
    if (!add_node(r, count_nodes(anchor), mark, err))
        return false;
    if (r->depth + depth_of(anchor) > r->max_depth)
        return refuse(mark, "nested too deeply", err);
    return put(r, json_deep_copy(anchor), mark, err);
}

static bool put_scalar(struct reader *r, const yaml_event_t *event, struct err *err)
{
    json_t *value = read_scalar(event);

    if (!value)
        return refuse(&event->start_mark, "a text holds NUL or is not UTF-8", err);
    if (event->data.scalar.anchor)
        json_object_set(r->anchors, (const char *)event->data.scalar.anchor, value);
    if (!add_node(r, 1, &event->start_mark, err)) {
        json_decref(value);
        return false;
    }
    return put(r, value, &event->start_mark, err);
}

static bool take(struct reader *r, const yaml_event_t *event, struct err *err)
{
    const yaml_mark_t *mark = &event->start_mark;

    switch (event->type) {
    case YAML_SCALAR_EVENT: return put_scalar(r, event, err);
    case YAML_ALIAS_EVENT: return put_alias(r, (const char *)event->data.alias.anchor, mark, err);
    case YAML_SEQUENCE_START_EVENT:
        return open_container(r, json_array(), event->data.sequence_start.anchor, mark, err);
    case YAML_MAPPING_START_EVENT:
        return open_container(r, json_object(), event->data.mapping_start.anchor, mark, err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return close_container(r, mark, err);
    case YAML_DOCUMENT_START_EVENT:
        return !r->root || refuse(mark, "a second document", err);
    default: return true;
    }
}

static bool read_events(struct reader *r, struct err *err)
{
    for (;;) {
        yaml_event_t event;
        bool good, ended;

        if (!yaml_parser_parse(&r->parser, &event))
            return refuse(&r->parser.problem_mark, r->parser.problem ? r->parser.problem : "not YAML", err);
        ended = event.type == YAML_STREAM_END_EVENT;
        good = take(r, &event, err);
        yaml_event_delete(&event);
        if (!good)
            return false;
        if (ended)
            return r->root ? true : err_set(err, ERR_BadRequest, "YAML: there is no document");
    }
}

bool yaml_parse(const char *bytes, size_t length, size_t max_depth, json_t **ret_json, struct err *err)
{
    struct reader *r = MEM_NEW(struct reader);
    bool good;

    r->max_depth = max_depth;
    r->anchors = json_object();
    if (!yaml_parser_initialize(&r->parser))
        abort();
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)bytes, length);
    good = read_events(r, err);
    yaml_parser_delete(&r->parser);
    for (; r->depth; r->depth--) {
        struct level *level = &r->levels[r->depth - 1];

        json_decref(level->container);
        free(level->key);
        free(level->anchor);
    }
    if (good)
        *ret_json = r->root;
    else
        json_decref(r->root);
    json_decref(r->anchors);
    free(r);
    return good;
}
