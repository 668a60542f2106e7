/* A count reads every match, a capped one no more than the cap, an estimate none: it is what the
 * planner expects, which it says when asked to explain. Each is planned for its values. */
#include "store/count.h"
#include "json/js.h"
#include "store/conditions.h"
#include <math.h>
#include <string.h>

static void compose_matches(const struct item_search *s, const struct scope *scope, const struct known *known,
                            struct arena *arena, struct composed *c)
{
    text_add(&c->sql, "SELECT 1");
    conditions_compose_from(&s->where, scope, false, arena, c);
    conditions_compose(&s->where, known, scope, arena, c);
    c->plan = DB_PLAN_OWN;
}

/* [{"Plan": {"Plan Rows": 123, ...}}] */
static bool read_plan(const char *text, int64_t *ret_rows, struct err *err)
{
    AUTO(json) json_t *explained = NULL;
    const json_t *rows;

    if (!js_parse(text, strlen(text), 1000, &explained, err))
        return false;
    rows = json_object_get(json_object_get(json_array_get(explained, 0), "Plan"), "Plan Rows");
    if (!json_is_number(rows))
        return err_set(err, ERR_DatabaseFailed, "A plan came without a number of rows");
    *ret_rows = llround(json_number_value(rows));
    return true;
}

bool items_count(struct db *db, struct arena *arena, const struct item_search *s, const struct known *known,
                 int64_t *ret_matched, struct err *err)
{
    struct scope scope = known_scope(known, arena, s->where.viewer, s->where.n_collections,
                                     s->where.collections);
    AUTO_COMPOSED c = { 0 };
    AUTO(rows) PGresult *rows = NULL;

    if (s->count == COUNT_ESTIMATED) {
        text_add(&c.sql, "EXPLAIN (FORMAT JSON) ");
        compose_matches(s, &scope, known, arena, &c);
        return composed_run(db, &c, &rows, err) && read_plan(row_text(rows, 0, 0), ret_matched, err);
    }
    text_add(&c.sql, "SELECT count(*) FROM (");
    compose_matches(s, &scope, known, arena, &c);
    if (s->count == COUNT_CAPPED)
        compose(&c, " LIMIT ?::bigint", compose_arg(&c, db_int(s->count_limit)));
    text_add(&c.sql, ") matches");
    if (!composed_run(db, &c, &rows, err))
        return false;
    *ret_matched = row_int(rows, 0, 0);
    return true;
}
