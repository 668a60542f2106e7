/* Statements put together from fixed fragments: every value is an argument. The fragments are literals
 * of ours (in the code or in static tables), never a caller's text. */
#ifndef STORE_COMPOSE_H
#define STORE_COMPOSE_H

#include "base/mem.h"
#include "base/text.h"
#include "store/db.h"

struct composed {
    struct text sql;
    struct db_arg *args;
    size_t n_args, capacity;
    enum db_plan plan;
};

/* Adds a value, which must live as long as the statement; the number of its parameter. */
int compose_arg(struct composed *c, struct db_arg value);
/* Appends a literal; each '?' in it takes the next int: "datetime >= ?::timestamptz". */
void compose(struct composed *c, const char *fragment, ...);
/* A time as PostgreSQL takes it, whatever the year and the zone that it was written with; in the arena. */
const char *compose_instant(struct arena *arena, int64_t us);
const char *compose_instant_of(struct arena *arena, const char *rfc3339);
bool composed_run(struct db *db, const struct composed *c, PGresult **ret_rows,
                  struct err *err) MUST_USE;
void composed_done(struct composed *c);

/* AUTO_COMPOSED c = { 0 }; */
#define AUTO_COMPOSED __attribute__((cleanup(composed_done))) struct composed

#endif
