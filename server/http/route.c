/* Matching walks the rows and compares segments: a hundred rows cost a microsecond, so there is no
 * tree. Of two rows that match, the one that is more literal at the first difference wins. */
#include "http/table.h"
#include "base/text.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

enum kind { LITERAL, VARIABLE, TAIL }; /* in the order of preference */

struct segment {
    enum kind kind;
    const char *text; /* the literal, or the variable's name */
};

struct pattern {
    const struct route *route;
    struct segment *segments;
    size_t count;
};

struct route_table {
    struct arena *arena;
    struct pattern *patterns;
    size_t count;
};

const char *const method_names[METHOD_COUNT] = {
    [GET] = "GET", [HEAD] = "HEAD", [POST] = "POST", [PUT] = "PUT",
    [PATCH] = "PATCH", [DELETE] = "DELETE", [OPTIONS] = "OPTIONS",
};

static void split(struct arena *arena, struct pattern *pattern)
{
    char *rest = arena_text(arena, pattern->route->pattern), *text;
    size_t variables = 0;

    pattern->segments = arena_array(arena, strlen(rest) + 1, sizeof *pattern->segments);
    while ((text = strsep(&rest, "/"))) {
        struct segment *segment = &pattern->segments[pattern->count];
        size_t length = strlen(text);

        if (length == 0)
            continue;
        pattern->count++;
        *segment = (struct segment){ LITERAL, text };
        if (text[0] != '{')
            continue;
        assert(text[length - 1] == '}' && ++variables <= ROUTE_VARIABLES);
        segment->kind = text[length - 2] == '*' ? TAIL : VARIABLE;
        text[segment->kind == TAIL ? length - 2 : length - 1] = '\0';
        segment->text = text + 1;
    }
}

/* < 0 when a is more literal, > 0 when b is, 0 when they are alike. */
static int compare(const struct pattern *a, const struct pattern *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (a->segments[i].kind != b->segments[i].kind)
            return (int)a->segments[i].kind - (int)b->segments[i].kind;
    /* a tail without anything: "/files" rather than "/files/{path*}" */
    if (b->count > a->count && b->segments[a->count].kind == TAIL)
        return -1;
    if (a->count > b->count && a->segments[b->count].kind == TAIL)
        return 1;
    return (int)b->count - (int)a->count;
}

static bool same(const struct pattern *a, const struct pattern *b)
{
    if (a->route->method != b->route->method || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->segments[i].kind != b->segments[i].kind ||
            (a->segments[i].kind == LITERAL && strcmp(a->segments[i].text, b->segments[i].text)))
            return false;
    return true;
}

struct route_table *route_table_new(const struct route *rows)
{
    struct route_table *table = MEM_NEW(struct route_table);

    table->arena = arena_new();
    while (rows[table->count].pattern)
        table->count++;
    table->patterns = arena_array(table->arena, table->count + 1, sizeof *table->patterns);
    for (size_t i = 0; i < table->count; i++) {
        table->patterns[i].route = &rows[i];
        split(table->arena, &table->patterns[i]);
        for (size_t k = 0; k < i; k++)
            assert(!same(&table->patterns[i], &table->patterns[k]));
    }
    return table;
}

void route_table_free(struct route_table *table)
{
    if (!table)
        return;
    arena_free(table->arena);
    free(table);
}

static bool matches(const struct pattern *pattern, const struct url *url)
{
    for (size_t i = 0; i < pattern->count; i++) {
        const struct segment *segment = &pattern->segments[i];

        if (segment->kind == TAIL)
            return true;
        if (i >= url->n_segments ||
            (segment->kind == LITERAL && strcmp(segment->text, url->segments[i])))
            return false;
    }
    return pattern->count == url->n_segments;
}

/* How many literal segments a path shares with a pattern: whose face speaks when nothing matches. */
static size_t likeness(const struct pattern *pattern, const struct url *url)
{
    size_t i = 0;

    while (i < pattern->count && i < url->n_segments && pattern->segments[i].kind == LITERAL &&
           !strcmp(pattern->segments[i].text, url->segments[i]))
        i++;
    return i;
}

static void bind_variables(const struct pattern *pattern, const struct url *url,
                           struct arena *arena, struct route_match *match)
{
    for (size_t i = 0; i < pattern->count; i++) {
        const struct segment *segment = &pattern->segments[i];
        struct url_parameter *variable = &match->variables[match->n_variables];

        if (segment->kind == LITERAL)
            continue;
        match->n_variables++;
        variable->name = segment->text;
        variable->value = segment->kind == VARIABLE ? url->segments[i] : "";
        for (size_t k = i; segment->kind == TAIL && k < url->n_segments; k++)
            variable->value = k == i ? url->segments[k]
                                     : arena_printf(arena, "%s/%s", variable->value,
                                                    url->segments[k]);
    }
}

void route_find(const struct route_table *table, enum method method, const struct url *url,
                struct arena *arena, struct route_match *ret_match)
{
    enum method wanted = method == HEAD ? GET : method;
    const struct pattern *best = NULL;
    size_t likest = 0;

    *ret_match = (struct route_match){ .face = FACE_PLAIN };
    for (size_t i = 0; i < table->count; i++) {
        const struct pattern *pattern = &table->patterns[i];
        size_t like = likeness(pattern, url);

        if (like > likest) {
            likest = like;
            ret_match->face = pattern->route->face;
        }
        if (!matches(pattern, url))
            continue;
        ret_match->allowed |= 1u << pattern->route->method;
        if (pattern->route->method == wanted && (!best || compare(pattern, best) < 0))
            best = pattern;
    }
    if (!best)
        return;
    ret_match->route = best->route;
    ret_match->face = best->route->face;
    bind_variables(best, url, arena, ret_match);
}

const char *route_methods(unsigned allowed, char buffer[static ROUTE_METHODS_SIZE])
{
    size_t length = 0;

    if (allowed & 1u << GET)
        allowed |= 1u << HEAD;
    allowed |= 1u << OPTIONS;
    for (int method = 0; method < METHOD_COUNT; method++)
        if (allowed & 1u << method)
            length += (size_t)snprintf(buffer + length, ROUTE_METHODS_SIZE - length, "%s%s",
                                       length ? ", " : "", method_names[method]);
    return buffer;
}
