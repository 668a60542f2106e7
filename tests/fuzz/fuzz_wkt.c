/* Whatever is sent as WKT is refused with a message, or is a geometry that comes back. */
#include "cql2_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(text) struct text text = { 0 };
    struct cql2_node *tree;
    struct err err = { 0 };

    text_add(&text, "S_INTERSECTS(geometry, ");
    text_addn(&text, data, size);
    text_add(&text, ")");
    if (cql2_parse_text(text.data, text.length, arena, &tree, &err))
        try_tree(arena, tree);
    else if (!err.message[0])
        abort();
    return 0;
}
