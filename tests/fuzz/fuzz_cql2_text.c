/* Whatever is sent as CQL2 in text is refused with a message, or is a tree that comes back. */
#include "cql2_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct cql2_node *tree;
    struct err err = { 0 };

    if (cql2_parse_text((const char *)data, size, arena, &tree, &err))
        try_tree(arena, tree);
    else if (!err.message[0])
        abort();
    return 0;
}
