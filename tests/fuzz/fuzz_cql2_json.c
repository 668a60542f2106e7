/* Whatever is sent as CQL2 in JSON is refused with a message, or is a tree that comes back. */
#include "cql2_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(json) json_t *json = NULL;
    struct cql2_node *tree;
    struct err err = { 0 };

    if (!js_parse((const char *)data, size, 100, &json, &err))
        return 0;
    if (cql2_parse_json(json, "", arena, &tree, &err))
        try_tree(arena, tree);
    else if (!err.message[0])
        abort();
    err_clear(&err);
    if (cql2_from_query(json, "", arena, &tree, &err) && tree)
        try_tree(arena, tree);
    return 0;
}
