/* cql2_match() as a filter, for test_cql2_random.py: cql2_match TYPES ITEMS, where TYPES is a JSON object
 * of queryables with the names of their types and ITEMS has an item a line. For each line of the
 * standard input, {"text": ...} or {"json": ...}, a line: {"ids": [...]} or {"error": "..."}. */
#include "cql2/cql2.h"
#include <stdio.h>
#include <string.h>

static const struct { const char *name; enum cql2_type type; } types[] = {
    { "any", CQL2_TYPE_ANY },       { "boolean", CQL2_TYPE_BOOLEAN },     { "number", CQL2_TYPE_NUMBER },
    { "string", CQL2_TYPE_STRING }, { "timestamp", CQL2_TYPE_TIMESTAMP }, { "date", CQL2_TYPE_DATE },
    { "array", CQL2_TYPE_ARRAY },   { "geometry", CQL2_TYPE_GEOMETRY },
};

static struct cql2_property *read_table(const json_t *json, struct arena *arena)
{
    struct cql2_property *table = arena_array(arena, json_object_size(json) + 1, sizeof *table);
    size_t count = 0;
    const char *name;
    json_t *type;

    json_object_foreach((json_t *)json, name, type) {
        table[count].name = name;
        for (size_t i = 0; i < ARRAY_LEN(types); i++)
            if (!strcmp(types[i].name, json_string_value(type)))
                table[count].type = types[i].type;
        count++;
    }
    return table;
}

static json_t *read_items(const char *path)
{
    FILE *file = fopen(path, "r");
    json_t *items = json_array(), *item;

    while (file && (item = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)))
        json_array_append_new(items, item);
    if (file)
        fclose(file);
    return items;
}

static json_t *filter(const json_t *request, struct cql2_property *table, const json_t *items)
{
    AUTO(arena) struct arena *arena = arena_new();
    const json_t *text = json_object_get(request, "text"), *json = json_object_get(request, "json");
    json_t *ids = json_array(), *item;
    struct cql2_node *tree;
    struct err err = { 0 };
    size_t i;

    if (!(text ? cql2_parse_text(json_string_value(text), json_string_length(text), arena, &tree, &err)
               : cql2_parse_json(json, "/filter", arena, &tree, &err)) ||
        !cql2_check(tree, cql2_property_in_table, table, arena, &err)) {
        json_decref(ids);
        return json_pack("{s:s}", "error", err.message);
    }
    json_array_foreach((json_t *)items, i, item)
        if (cql2_match(tree, item))
            json_array_append(ids, json_object_get(item, "id"));
    return json_pack("{s:o}", "ids", ids);
}

int main(int argc, char **argv)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(json) json_t *names = argc == 3 ? json_load_file(argv[1], 0, NULL) : NULL;
    AUTO(json) json_t *items = argc == 3 ? read_items(argv[2]) : NULL;
    struct cql2_property *table;
    json_t *request;

    if (!json_is_object(names) || !json_array_size(items))
        return fputs("usage: cql2_match TYPES ITEMS\n", stderr), 2;
    table = read_table(names, arena);
    while ((request = json_loadf(stdin, JSON_DISABLE_EOF_CHECK, NULL))) {
        json_t *answer = filter(request, table, items);

        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(answer);
        json_decref(request);
    }
    return 0;
}
