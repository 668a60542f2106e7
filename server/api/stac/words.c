/* The terms become a tree of OR over strings, as store/search.h takes it. */
#include "api/stac/words.h"
#include "json/js.h"
#include <string.h>

static bool add(struct cql2_node *any, const char *term, const char *place, struct arena *arena,
                struct err *err)
{
    struct cql2_node *leaf;
    char *copy = arena_text(arena, term + strspn(term, " "));

    for (char *end = copy + strlen(copy); end > copy && end[-1] == ' ';)
        *--end = '\0';
    if (!*copy)
        return err_set(err, ERR_InvalidParameter, "%s: a term is empty", place);
    if (strlen(copy) > WORDS_MAX_LENGTH)
        return err_set(err, ERR_InvalidParameter, "%s: expected terms of at most %d bytes", place,
                       WORDS_MAX_LENGTH);
    if (any->n_args == WORDS_MAX)
        return err_set(err, ERR_InvalidParameter, "%s: expected at most %d terms", place, WORDS_MAX);
    leaf = arena_alloc(arena, sizeof *leaf);
    *leaf = (struct cql2_node){ .op = CQL2_STRING, .type = CQL2_TYPE_STRING, .text = copy, .place = place };
    any->args[any->n_args++] = leaf;
    return true;
}

static struct cql2_node *begin(struct arena *arena)
{
    struct cql2_node *any = arena_alloc(arena, sizeof *any);

    *any = (struct cql2_node){ .op = CQL2_OR, .type = CQL2_TYPE_BOOLEAN, .place = "q",
                               .args = arena_array(arena, WORDS_MAX, sizeof *any->args) };
    return any;
}

static const struct cql2_node *end(struct cql2_node *any)
{
    return any->n_args == 1 ? any->args[0] : any->n_args ? any : NULL;
}

static bool read_text(const char *text, const char *place, struct arena *arena,
                      const struct cql2_node **ret_words, struct err *err)
{
    struct cql2_node *any = begin(arena);
    char *rest = arena_text(arena, text), *term;

    while ((term = strsep(&rest, ",")))
        if (!add(any, term, place, arena, err))
            return false;
    *ret_words = end(any);
    return true;
}

bool words_from_text(const char *text, struct arena *arena, const struct cql2_node **ret_words,
                     struct err *err)
{
    return read_text(text, "q", arena, ret_words, err);
}

bool words_from_json(const json_t *value, struct arena *arena, const struct cql2_node **ret_words,
                     struct err *err)
{
    struct cql2_node *any = begin(arena);
    json_t *term;
    size_t i;

    if (json_is_string(value))
        return read_text(json_string_value(value), "/q", arena, ret_words, err);
    if (!json_is_array(value))
        return js_refuse(value, "/q", "an array of strings", err);
    json_array_foreach((json_t *)value, i, term) {
        AUTO(mem) char *pointer = js_pointer_index("/q", i);

        if (!json_is_string(term))
            return js_refuse(term, pointer, "a string", err);
        if (!add(any, json_string_value(term), arena_text(arena, pointer), arena, err))
            return false;
    }
    *ret_words = end(any);
    return true;
}
