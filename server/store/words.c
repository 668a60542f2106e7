/* A word occurs wherever its characters do, whatever their case. */
#include "store/words.h"

const char *words_sql(const struct cql2_node *tree, const char *texts, struct arena *arena,
                      struct composed *statement)
{
    AUTO(text) struct text sql = { 0 };

    if (tree->op == CQL2_STRING)
        return arena_printf(arena, "(strpos(%s, cql2_casei($%d::text)) > 0)", texts,
                            compose_arg(statement, db_text(tree->text)));
    text_add(&sql, tree->op == CQL2_NOT ? "(NOT " : "(");
    for (size_t i = 0; i < tree->n_args; i++) {
        text_add(&sql, !i ? "" : tree->op == CQL2_AND ? " AND " : " OR ");
        text_add(&sql, words_sql(tree->args[i], texts, arena, statement));
    }
    text_add(&sql, ")");
    return arena_text(arena, sql.data);
}
