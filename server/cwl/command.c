/* The command line. Every binding becomes some words with a key: its position, then its place in the document.
 * Numbers come before texts, and what belongs to an array or a record stays behind it. */
#include "cwl/tool.h"
#include "json/js.h"
#include <string.h>

enum { MAX_KEY = 40 };

struct key_part {
    bool is_text;
    double number;
    const char *text;
};

struct bound {
    struct key_part key[MAX_KEY];
    size_t n_key;
    char **words;
    size_t n_words, capacity;
    bool unquoted; /* for the shell */
};

struct binding {
    struct tool *tool;
    struct bound *list;
    size_t count, capacity;
};

void tool_add_word(struct tool *t, const char *word)
{
    t->words = mem_grow(t->words, &t->words_capacity, t->n_words + 2, sizeof *t->words);
    t->words[t->n_words++] = mem_text(word);
    t->words[t->n_words] = NULL;
}

static void add_word(struct bound *b, const char *word)
{
    b->words = mem_grow(b->words, &b->capacity, b->n_words + 1, sizeof *b->words);
    b->words[b->n_words++] = mem_text(word);
}

/* ---- values as words ---- */

static char *word_of(const json_t *value)
{
    const char *path = cwl_is_file(value) ? js_text(value, "path") : NULL;

    return path ? mem_text(path) : cwl_text(value);
}

static void add_prefixed(struct bound *b, const json_t *binding, const char *word)
{
    const char *prefix = js_text(binding, "prefix");

    if (!prefix) {
        add_word(b, word);
    } else if (json_is_false(json_object_get(binding, "separate"))) {
        AUTO(mem) char *both = mem_printf("%s%s", prefix, word);

        add_word(b, both);
    } else {
        add_word(b, prefix);
        add_word(b, word);
    }
}

static void add_prefix(struct bound *b, const json_t *binding)
{
    const char *prefix = js_text(binding, "prefix");

    if (prefix)
        add_word(b, prefix);
}

static void add_array(struct bound *b, const json_t *binding, const json_t *value, bool evaluated)
{
    const char *separator = js_text(binding, "itemSeparator");
    AUTO(text) struct text joined = { 0 };
    json_t *one;
    size_t i;

    if (json_array_size(value) == 0)
        return;
    if (!separator) {
        add_prefix(b, binding);
        json_array_foreach(value, i, one)
        {
            AUTO(mem) char *word = evaluated ? word_of(one) : NULL;

            if (word)
                add_word(b, word);
        }
        return;
    }
    json_array_foreach(value, i, one)
    {
        AUTO(mem) char *word = word_of(one);

        text_printf(&joined, "%s%s", i ? separator : "", word);
    }
    add_prefixed(b, binding, joined.data);
}

static void add_value(struct bound *b, const json_t *binding, const json_t *value, bool evaluated)
{
    AUTO(mem) char *word = NULL;

    if (json_is_null(value) || json_is_false(value))
        return;
    if (json_is_true(value) || (json_is_object(value) && !cwl_is_file(value))) {
        add_prefix(b, binding);
    } else if (json_is_array(value)) {
        add_array(b, binding, value, evaluated);
    } else {
        word = word_of(value);
        add_prefixed(b, binding, word);
    }
}

/* ---- bindings ---- */

static struct bound *add_bound(struct binding *all, const struct bound *parent)
{
    struct bound *b;

    all->list = mem_grow(all->list, &all->capacity, all->count + 1, sizeof *all->list);
    b = &all->list[all->count++];
    *b = (struct bound){ 0 };
    if (parent) {
        memcpy(b->key, parent->key, sizeof b->key);
        b->n_key = parent->n_key;
    }
    return b;
}

static void put_number(struct bound *b, double number)
{
    if (b->n_key < MAX_KEY)
        b->key[b->n_key++] = (struct key_part){ .number = number };
}

static void put_text(struct bound *b, const char *text)
{
    if (b->n_key < MAX_KEY)
        b->key[b->n_key++] = (struct key_part){ .is_text = true, .text = text };
}

static bool bind_words(struct binding *all, struct bound *b, const json_t *binding, const json_t *value,
                       struct err *err)
{
    const json_t *from = json_object_get(binding, "valueFrom");
    AUTO(json) json_t *made = NULL;

    b->unquoted = json_is_false(json_object_get(binding, "shellQuote"));
    if (!from) {
        add_value(b, binding, value, false);
        return true;
    }
    if (json_is_null(value))
        return true;
    struct cwl_scope scope = all->tool->scope;

    scope.self = value;
    if (!cwl_evaluate(&scope, from, &made, err))
        return false;
    add_value(b, binding, made, true);
    return true;
}

static bool position_of(struct binding *all, const json_t *binding, const json_t *value, double *ret_position,
                        struct err *err)
{
    const json_t *position = json_object_get(binding, "position");
    struct cwl_scope scope = all->tool->scope;
    AUTO(json) json_t *made = NULL;

    *ret_position = json_number_value(position);
    if (!json_is_string(position))
        return true;
    scope.self = value;
    if (!cwl_evaluate(&scope, position, &made, err))
        return false;
    *ret_position = json_number_value(made);
    return true;
}

static const json_t *choose_type(const json_t *type, const json_t *value)
{
    const json_t *one;
    size_t i;

    json_array_foreach(type, i, one)
        if (cwl_fits(one, value))
            return one;
    return type;
}

static bool bind(struct binding *all, const struct bound *parent, const json_t *type, const json_t *binding,
                 const json_t *value, const char *name, double index, bool in_array, struct err *err);

static bool bind_array(struct binding *all, const struct bound *key, const json_t *type, const json_t *binding,
                       const json_t *value, struct err *err)
{
    const json_t *items = json_object_get(type, "items"), *own = json_object_get(type, "inputBinding");
    AUTO(json) json_t *nothing = json_object();
    json_t *one;
    size_t i;

    if (!own && !binding)
        own = NULL;
    else if (!own && !json_object_get(binding, "itemSeparator") && !json_object_get(binding, "valueFrom"))
        own = nothing;
    json_array_foreach(value, i, one)
        if (!bind(all, key, items, own, one, NULL, (double)i, true, err))
            return false;
    return true;
}

/* The binding's own words, then those of what the value holds. */
static bool bind(struct binding *all, const struct bound *parent, const json_t *type, const json_t *binding,
                 const json_t *value, const char *name, double index, bool in_array, struct err *err)
{
    struct bound key = { 0 };
    const json_t *field;
    double position;
    const char *kind;
    size_t i;

    if (parent) {
        memcpy(key.key, parent->key, sizeof key.key);
        key.n_key = parent->n_key;
    }
    if (in_array)
        put_number(&key, index);
    type = choose_type(type, value);
    kind = js_text(type, "type");
    if (!binding && kind && strcmp(kind, "array")) /* of a record or an enum */
        binding = json_object_get(type, "inputBinding");
    if (binding) {
        struct bound *b;

        if (!position_of(all, binding, value, &position, err))
            return false;
        put_number(&key, position);
        if (name)
            put_text(&key, name);
        b = add_bound(all, &key);
        if (!bind_words(all, b, binding, value, err))
            return false;
    }
    if (kind && !strcmp(kind, "array") && !json_object_get(binding, "valueFrom"))
        return bind_array(all, &key, type, binding, value, err);
    json_array_foreach(json_object_get(type, "fields"), i, field)
    {
        const char *field_name = js_text(field, "name");
        const json_t *inner = json_object_get(value, field_name);

        if (inner && !bind(all, &key, json_object_get(field, "type"), json_object_get(field, "inputBinding"), inner,
                           field_name, 0, false, err))
            return false;
    }
    return true;
}

static int compare_part(const struct key_part *a, const struct key_part *b)
{
    if (a->is_text != b->is_text)
        return a->is_text - b->is_text;
    if (a->is_text)
        return strcmp(a->text, b->text);
    return (a->number > b->number) - (a->number < b->number);
}

static int compare(const void *left, const void *right)
{
    const struct bound *a = left, *b = right;

    for (size_t i = 0; i < a->n_key && i < b->n_key; i++) {
        int order = compare_part(&a->key[i], &b->key[i]);

        if (order)
            return order;
    }
    return (a->n_key > b->n_key) - (a->n_key < b->n_key);
}

static bool bind_arguments(struct binding *all, struct err *err)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(all->tool->process, "arguments"), i, one)
    {
        AUTO(json) json_t *plain = json_is_object(one) ? json_incref((json_t *)one) : json_pack("{s:O}", "valueFrom", one);
        struct bound *b = add_bound(all, NULL);
        double position;

        if (!position_of(all, plain, json_null(), &position, err))
            return false;
        put_number(b, position);
        put_number(b, (double)i);
        AUTO(json) json_t *made = NULL;

        if (!cwl_evaluate(&all->tool->scope, json_object_get(plain, "valueFrom"), &made, err))
            return err_prefix(err, "/arguments/%zu", i);
        b->unquoted = json_is_false(json_object_get(plain, "shellQuote"));
        add_value(b, plain, made, true);
    }
    return true;
}

static bool bind_inputs(struct binding *all, struct err *err)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(all->tool->process, "inputs"), i, one)
    {
        const char *id = js_text(one, "id");
        const json_t *value = json_object_get(all->tool->inputs, id);

        if (!json_is_null(value) &&
            !bind(all, NULL, json_object_get(one, "type"), json_object_get(one, "inputBinding"), value, id, 0, false, err))
            return err_prefix(err, "/inputs/%s", id);
    }
    return true;
}

/* ---- for the shell ---- */

static void add_quoted(struct text *line, const char *word, bool unquoted)
{
    text_add(line, line->length ? " " : "");
    if (unquoted || (*word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_") == strlen(word))) {
        text_add(line, word);
        return;
    }
    text_add(line, "'");
    for (; *word; word++)
        text_addn(line, *word == '\'' ? "'\"'\"'" : word, *word == '\'' ? 5 : 1);
    text_add(line, "'");
}

static bool write_words(struct binding *all, struct err *err)
{
    struct tool *t = all->tool;
    bool shell = cwl_requirement(t->process, "ShellCommandRequirement", NULL) != NULL;
    AUTO(text) struct text line = { 0 };
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(t->process, "baseCommand"), i, one)
    {
        const char *word = json_string_value(one);

        if (shell)
            add_quoted(&line, word ? word : "", false);
        else
            tool_add_word(t, word ? word : "");
    }
    for (i = 0; i < all->count; i++)
        for (size_t k = 0; k < all->list[i].n_words; k++)
            if (shell)
                add_quoted(&line, all->list[i].words[k], all->list[i].unquoted);
            else
                tool_add_word(t, all->list[i].words[k]);
    if (shell) {
        tool_add_word(t, "/bin/sh");
        tool_add_word(t, "-c");
        tool_add_word(t, line.data ? line.data : "");
    }
    return (t->n_words > 0 && t->n_words <= MAX_WORDS && *t->words[0]) ||
           err_set(err, ERR_CommandFailed, "The tool's command has %zu words", t->n_words);
}

/* ---- environment and redirections ---- */

static void add_variable(struct tool *t, const char *name, const char *value)
{
    t->environment = mem_grow(t->environment, &t->environment_capacity, t->n_environment + 2, sizeof *t->environment);
    t->environment[t->n_environment++] = mem_printf("%s=%s", name, value);
    t->environment[t->n_environment] = NULL;
}

static bool set_environment(struct tool *t, struct err *err)
{
    const json_t *wanted = json_object_get(cwl_requirement(t->process, "EnvVarRequirement", NULL), "envDef"), *one;
    const char *key;
    size_t i;

    if (!t->image) /* it has its own */
        add_variable(t, "PATH", "/usr/local/bin:/usr/bin:/bin");
    add_variable(t, "HOME", TOOL_WORK);
    add_variable(t, "TMPDIR", TOOL_TMP);
    add_variable(t, "LANG", "C.UTF-8");
    AUTO(json) json_t *list = json_is_array(wanted) ? json_incref((json_t *)wanted) : json_array();

    if (json_is_object(wanted))
        json_object_foreach((json_t *)wanted, key, one)
            json_array_append_new(list, json_pack("{s:s, s:O}", "envName", key, "envValue",
                                                  json_is_object(one) ? json_object_get(one, "envValue") : one));
    json_array_foreach(list, i, one)
    {
        const char *name = js_text(one, "envName");
        AUTO(json) json_t *value = NULL;
        AUTO(mem) char *word = NULL;

        if (!name || !*name || strchr(name, '='))
            return err_set(err, ERR_BadRequest, "EnvVarRequirement: '%.100s' is no name", name ? name : "");
        if (!cwl_evaluate(&t->scope, json_object_get(one, "envValue"), &value, err))
            return err_prefix(err, "EnvVarRequirement: %s", name);
        word = word_of(value);
        add_variable(t, name, word);
    }
    return true;
}

static bool has_output(const struct tool *t, const char *word)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(t->process, "outputs"), i, one)
    {
        const char *type = js_text(one, "type");

        if (type && !strcmp(type, word))
            return true;
    }
    return false;
}

static bool redirect(struct tool *t, const char *member, char **ret_name, struct err *err)
{
    const json_t *wanted = json_object_get(t->process, member);
    AUTO(json) json_t *value = NULL;

    if (!wanted) {
        if (has_output(t, member))
            *ret_name = mem_printf("%s.txt", member);
        return true;
    }
    if (!cwl_evaluate(&t->scope, wanted, &value, err))
        return err_prefix(err, "/%s", member);
    if (!json_is_string(value) || !*json_string_value(value) || strchr(json_string_value(value), '/'))
        return err_set(err, ERR_CommandFailed, "/%s: expected the name of a file, found %s", member, js_type_name(value));
    *ret_name = mem_text(json_string_value(value));
    return true;
}

static bool redirect_input(struct tool *t, struct err *err)
{
    const json_t *wanted = json_object_get(t->process, "stdin"), *one;
    AUTO(json) json_t *value = NULL;
    size_t i;

    json_array_foreach(json_object_get(t->process, "inputs"), i, one)
    {
        const char *type = js_text(one, "type");

        if (type && !strcmp(type, "stdin"))
            value = json_incref(json_object_get(
                json_object_get(t->inputs, js_text(one, "id")), "path"));
    }
    if (!wanted && !value)
        return true;
    if (wanted && !cwl_evaluate(&t->scope, wanted, &value, err))
        return err_prefix(err, "/stdin");
    if (json_is_null(value))
        return true;
    t->stdin_path = json_is_string(value) ? tool_outside(t, json_string_value(value)) : NULL;
    return t->stdin_path || err_set(err, ERR_CommandFailed, "/stdin: expected the path of an input");
}

bool tool_command(struct tool *t, struct err *err)
{
    struct binding all = { .tool = t };
    bool good = bind_arguments(&all, err) && bind_inputs(&all, err);

    if (good) {
        qsort(all.list, all.count, sizeof *all.list, compare);
        good = write_words(&all, err);
    }
    for (size_t i = 0; i < all.count; i++) {
        for (size_t k = 0; k < all.list[i].n_words; k++)
            free(all.list[i].words[k]);
        free(all.list[i].words);
    }
    free(all.list);
    return good && set_environment(t, err) && redirect_input(t, err) &&
           redirect(t, "stdout", &t->stdout_name, err) && redirect(t, "stderr", &t->stderr_name, err);
}
