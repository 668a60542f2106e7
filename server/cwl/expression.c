/* Expressions. A text that is one expression becomes its value; in a longer text values are written into their
 * places. Parameter references ($(inputs.x.y[0])) are followed here; JavaScript runs in Duktape's own program,
 * in a sandbox, one after another: it sees nothing but the values it is given. */
#include "base/text.h"
#include "cwl/cwl.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_ANSWER = 16 << 20, SCRIPT_SECONDS = 20, SCRIPT_MEMORY = 256 << 20 };

struct cwl_scope cwl_scope_of(const json_t *process, const json_t *inputs, const json_t *runtime)
{
    const json_t *javascript = cwl_requirement(process, "InlineJavascriptRequirement", NULL);

    return (struct cwl_scope){ .inputs = inputs, .runtime = runtime, .javascript = javascript != NULL,
                               .library = json_object_get(javascript, "expressionLib") };
}

bool cwl_is_expression(const json_t *value)
{
    const char *text = json_string_value(value);

    return text && (strstr(text, "$(") || strstr(text, "${"));
}

/* ---- where expressions are ---- */

/* The end of what is open at `at`, quotes and nesting seen; NULL: it is not closed. */
static const char *find_end(const char *at)
{
    char close = *at == '(' ? ')' : '}', open = *at;
    int depth = 0;

    for (; *at; at++) {
        if (*at == '"' || *at == '\'') {
            char quote = *at++;

            while (*at && *at != quote)
                at += *at == '\\' && at[1] ? 2 : 1;
            if (!*at)
                return NULL;
        } else if (*at == open) {
            depth++;
        } else if (*at == close && --depth == 0) {
            return at + 1;
        }
    }
    return NULL;
}

/* The next expression from `at` on: *ret_end behind it. `text` gets what stands before it, without escapes. */
static bool next_expression(const char **at, struct text *text, const char **ret_start, const char **ret_end,
                            struct err *err)
{
    *ret_start = NULL;
    while (**at) {
        if (**at == '\\' && ((*at)[1] == '$' || (*at)[1] == '\\')) {
            bool is_mark = (*at)[1] == '$' && ((*at)[2] == '(' || (*at)[2] == '{');

            if (is_mark || (*at)[1] == '\\') {
                text_addn(text, *at + 1, is_mark ? 2 : 1);
                *at += is_mark ? 3 : 2;
                continue;
            }
        }
        if (**at == '$' && ((*at)[1] == '(' || (*at)[1] == '{')) {
            *ret_start = *at;
            *ret_end = find_end(*at + 1);
            return *ret_end || err_set(err, ERR_ExpressionFailed, "'%.100s': the expression is not closed", *at);
        }
        text_addn(text, (*at)++, 1);
    }
    return true;
}

/* ---- references ---- */

static bool read_symbol(const char **at, char *symbol, size_t size)
{
    size_t length = 0;

    while (isalnum((unsigned char)**at) || **at == '_') {
        if (length + 1 < size)
            symbol[length++] = **at;
        ++*at;
    }
    symbol[length] = '\0';
    return length > 0;
}

/* .name, ['name'], ["name"] or [number] */
static bool read_segment(const char **at, char *symbol, size_t size, bool *ret_is_index)
{
    size_t length = 0;

    *ret_is_index = false;
    if (**at == '.') {
        ++*at;
        return read_symbol(at, symbol, size);
    }
    if (*(*at)++ != '[')
        return false;
    if (**at == '\'' || **at == '"') {
        char quote = *(*at)++;

        for (; **at && **at != quote; ++*at) {
            if (**at == '\\' && (*at)[1])
                ++*at;
            if (length + 1 < size)
                symbol[length++] = **at;
        }
        symbol[length] = '\0';
        if (*(*at)++ != quote)
            return false;
    } else {
        *ret_is_index = true;
        if (!read_symbol(at, symbol, size) || strspn(symbol, "0123456789") != strlen(symbol))
            return false;
    }
    return *(*at)++ == ']';
}

static const json_t *root_of(const struct cwl_scope *scope, const char *symbol)
{
    if (!strcmp(symbol, "inputs"))
        return scope->inputs;
    if (!strcmp(symbol, "self"))
        return scope->self ? scope->self : json_null();
    return !strcmp(symbol, "runtime") ? scope->runtime : NULL;
}

/* *ret_is_reference false: it is none, so JavaScript if anything. */
static bool follow(const struct cwl_scope *scope, const char *text, bool *ret_is_reference, json_t **ret_value,
                   struct err *err)
{
    const char *at = text;
    char symbol[256];
    const json_t *value;
    bool is_index;

    *ret_is_reference = false;
    if (!strcmp(text, "null")) {
        *ret_is_reference = true;
        *ret_value = json_null();
        return true;
    }
    if (!read_symbol(&at, symbol, sizeof symbol) || !(value = root_of(scope, symbol)))
        return true;
    while (*at) {
        if (!read_segment(&at, symbol, sizeof symbol, &is_index))
            return true;
        if (value && is_index) {
            value = json_array_get(value, strtoul(symbol, NULL, 10));
        } else if (value && json_is_array(value) && !strcmp(symbol, "length") && !*at) {
            *ret_is_reference = true;
            *ret_value = json_integer((json_int_t)json_array_size(value));
            return true;
        } else {
            value = json_object_get(value, symbol);
        }
        if (!value && scope->javascript)
            return true; /* which knows what is undefined */
        if (!value)
            return err_set(err, ERR_ExpressionFailed, "$(%.200s): there is no '%.100s'", text, symbol);
    }
    *ret_is_reference = true;
    *ret_value = json_deep_copy(value);
    return true;
}

/* ---- JavaScript ---- */

static void add_variable(struct text *script, const char *name, const json_t *value)
{
    AUTO(mem) char *json = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

    text_printf(script, "var %s = %s;\n", name, json ? json : "null");
}

static void write_script(const struct cwl_scope *scope, const char *source, struct text *script)
{
    const json_t *one;
    size_t i;

    text_add(script, "var console = {log: function() {}, error: function() {}};\n");
    add_variable(script, "inputs", scope->inputs);
    add_variable(script, "self", scope->self);
    add_variable(script, "runtime", scope->runtime);
    json_array_foreach(scope->library, i, one)
        text_printf(script, "%s;\n", json_is_string(one) ? json_string_value(one) : "");
    text_printf(script, "var the_answer = (function() %s)();\n"
                        "print(the_answer === undefined ? 'null' : JSON.stringify(the_answer));\n", source);
}

static void keep_line(void *context, bool is_error, const char *line)
{
    struct text *said = context;

    if (is_error && said->length < 600)
        text_printf(said, "%s%s", said->length ? "; " : "", line);
}

static bool run_script(const struct text *script, int input, int output, struct err *err)
{
    char *const words[] = { "/usr/bin/duk", "/dev/stdin", NULL };
    AUTO(text) struct text said = { 0 };
    struct sandbox s = { .words = words, .input = input, .output = output, .line = keep_line, .context = &said,
                         .limits = { SCRIPT_MEMORY, MAX_ANSWER, 100, 20, SCRIPT_SECONDS, SCRIPT_SECONDS * 1000, 4096 } };
    struct sandbox_end end;

    if (write(input, script->data, script->length) != (ssize_t)script->length || lseek(input, 0, SEEK_SET))
        return err_set(err, ERR_Internal, "An expression could not be handed over: %s", strerror(errno));
    if (!sandbox_run(&s, &end, err))
        return false;
    if (end.ending == SANDBOX_EXITED && end.status == 0)
        return true;
    return err_set(err, ERR_ExpressionFailed, "JavaScript: %s",
                   said.length && end.ending == SANDBOX_EXITED ? said.data : end.message);
}

static bool read_answer(int output, json_t **ret_value, struct err *err)
{
    off_t size = lseek(output, 0, SEEK_END);
    AUTO(mem) char *bytes = mem_alloc((size_t)(size > 0 ? size : 0) + 1);
    json_error_t problem;

    if (size < 0 || pread(output, bytes, (size_t)size, 0) != size)
        return err_set(err, ERR_Internal, "The answer of an expression could not be read: %s", strerror(errno));
    *ret_value = json_loadb(bytes, (size_t)size, JSON_DECODE_ANY, &problem);
    return *ret_value || err_set(err, ERR_ExpressionFailed, "JavaScript: the answer is no JSON: %s", problem.text);
}

static bool evaluate_script(const struct cwl_scope *scope, const char *source, json_t **ret_value, struct err *err)
{
    AUTO(text) struct text script = { 0 };
    int input = memfd_create("expression", MFD_CLOEXEC), output = memfd_create("answer", MFD_CLOEXEC);
    bool good;

    write_script(scope, source, &script);
    good = input >= 0 && output >= 0 ? run_script(&script, input, output, err) && read_answer(output, ret_value, err)
                                     : err_set(err, ERR_Internal, "No memory for an expression: %s", strerror(errno));
    if (input >= 0)
        close(input);
    if (output >= 0)
        close(output);
    return good;
}

/* ---- one expression, and all of a text ---- */

static bool evaluate_one(const struct cwl_scope *scope, const char *start, const char *end, json_t **ret_value,
                         struct err *err)
{
    AUTO(mem) char *inside = mem_textn(start + 2, (size_t)(end - start) - 3), *source = NULL;
    bool is_reference = false;

    if (start[1] == '(' && !follow(scope, inside, &is_reference, ret_value, err))
        return false;
    if (is_reference)
        return true;
    if (!scope->javascript)
        return err_set(err, ERR_ExpressionFailed,
                       "'%.200s': is no reference to a parameter, and JavaScript is not asked for "
                       "(InlineJavascriptRequirement)", inside);
    source = mem_printf(start[1] == '(' ? "{return (%s);}" : "{%s}", inside); /* NOLINT: literals both */
    return evaluate_script(scope, source, ret_value, err);
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

/* Digits alone, as few as tell the number from its neighbours. */
static char *number_text(double number)
{
    char text[64], *mark, *result;
    int digits = 15, exponent;

    do
        snprintf(text, sizeof text, "%.*e", digits - 1, number);
    while (strtod(text, NULL) != number && ++digits <= 17);
    mark = strchr(text, 'e');
    exponent = mark ? (int)strtol(mark + 1, NULL, 10) : 0;
    if (!mark || exponent > 300 || exponent < -300)
        return mem_text(text);
    result = mem_printf("%.*f", digits - 1 > exponent ? digits - 1 - exponent : 0, number);
    if (strchr(result, '.'))
        for (char *end = result + strlen(result); end[-1] == '0' || end[-1] == '.'; *--end = '\0')
            if (end[-1] == '.') {
                end[-1] = '\0';
                break;
            }
    return result;
}

char *cwl_text(const json_t *value)
{
    if (json_is_string(value))
        return mem_text(json_string_value(value));
    if (json_is_real(value))
        return number_text(json_real_value(value));
    return json_dumps(value, JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_REAL_PRECISION(16));
}

bool cwl_evaluate(const struct cwl_scope *scope, const json_t *value, json_t **ret_value, struct err *err)
{
    AUTO(text) struct text text = { 0 };
    const char *at = json_string_value(value), *start, *end;

    if (!at || !strpbrk(at, "$\\")) {
        *ret_value = json_deep_copy(value);
        return true;
    }
    text_add(&text, "");
    for (;;) {
        AUTO(json) json_t *one = NULL;
        AUTO(mem) char *written = NULL;

        if (!next_expression(&at, &text, &start, &end, err))
            return false;
        if (!start)
            break;
        if (!evaluate_one(scope, start, end, &one, err))
            return false;
        if (scope->exact ? !*text.data && !*end : is_blank(text.data) && is_blank(end)) { /* nothing but the expression */
            *ret_value = json_incref(one);
            return true;
        }
        written = cwl_text(one);
        text_add(&text, written);
        at = end;
    }
    *ret_value = json_string(text.data);
    return *ret_value || err_set(err, ERR_ExpressionFailed, "A text is not UTF-8.");
}
