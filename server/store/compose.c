/* Parameters are numbered as they are added, so that one can be named twice and a condition can be
 * written before or after another. */
#include "store/compose.h"
#include "base/instant.h"
#include <stdarg.h>
#include <string.h>

int compose_arg(struct composed *c, struct db_arg value)
{
    c->args = mem_grow(c->args, &c->capacity, c->n_args + 1, sizeof *c->args);
    c->args[c->n_args++] = value;
    return (int)c->n_args;
}

void compose(struct composed *c, const char *fragment, ...)
{
    va_list numbers;
    const char *mark;

    va_start(numbers, fragment);
    while ((mark = strchr(fragment, '?'))) {
        text_addn(&c->sql, fragment, (size_t)(mark - fragment));
        text_printf(&c->sql, "$%d", va_arg(numbers, int));
        fragment = mark + 1;
    }
    va_end(numbers);
    text_add(&c->sql, fragment);
}

/* No stored time is before the year 1, which is where PostgreSQL's spelling of years changes. */
const char *compose_instant(struct arena *arena, int64_t us)
{
    static const int64_t year_1_us = -62135596800 * INT64_C(1000000);
    char buffer[INSTANT_TEXT_SIZE];

    if (us == INT64_MAX || us < year_1_us)
        return us < 0 ? "-infinity" : "infinity";
    return arena_text(arena, instant_format_us(us, buffer));
}

const char *compose_instant_of(struct arena *arena, const char *rfc3339)
{
    int64_t us;

    return rfc3339 && instant_parse_us(rfc3339, &us) ? compose_instant(arena, us) : rfc3339;
}

bool composed_run(struct db *db, const struct composed *c, PGresult **ret_rows, struct err *err)
{
    return db_query_composed(db, ret_rows, c->sql.data, c->plan, c->args, c->n_args, err);
}

void composed_done(struct composed *c)
{
    text_drop(&c->sql);
    free(c->args);
    c->args = NULL;
}
