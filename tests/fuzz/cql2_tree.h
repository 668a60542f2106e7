/* What must be so for whatever tree a reader made: either writer's words read back as an equal tree;
 * checking refuses with a message or leaves a tree that can be matched. */
#ifndef TESTS_FUZZ_CQL2_TREE_H
#define TESTS_FUZZ_CQL2_TREE_H

#include "cql2/cql2.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char fuzz_item[] =
    "{\"id\":\"scene-1\",\"collection\":\"sets\",\"bbox\":[0,0,10,10],"
    "\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]},"
    "\"properties\":{\"datetime\":\"2024-02-29T12:00:00.5Z\",\"end_datetime\":\"2024-03-01T12:00:00Z\",\"n\":5,"
    "\"a\":2.5,\"flag\":true,\"none\":null,\"name\":\"Stra\\u00dfe\",\"list\":[1,2.0,\"a\",[1]]}}";

static void comes_back(struct arena *arena, const struct cql2_node *tree)
{
    AUTO(text) struct text text = { 0 };
    AUTO(json) json_t *json = cql2_to_json(tree);
    struct cql2_node *again;
    struct err err = { 0 };

    cql2_write_text(tree, &text);
    if (text.length <= CQL2_MAX_BYTES &&
        (!cql2_parse_text(text.data, text.length, arena, &again, &err) || !cql2_equal(tree, again)))
        abort();
    if (!cql2_parse_json(json, "", arena, &again, &err) || !cql2_equal(tree, again))
        abort();
}

static void try_tree(struct arena *arena, struct cql2_node *tree)
{
    AUTO(json) json_t *item = json_loads(fuzz_item, 0, NULL);
    struct err err = { 0 };

    comes_back(arena, tree);
    if (cql2_check(tree, cql2_property_any, arena, arena, &err)) {
        comes_back(arena, tree);
        (void)cql2_match(tree, item);
    } else if (!err.message[0]) {
        abort();
    }
}

#endif
