/* One row an intake. */
#include "store/progress.h"

bool progress_set(struct db *db, const char *source, const char *state, struct err *err)
{
    return db_run(db,
                  "INSERT INTO progress(source, state) VALUES ($1, $2)"
                  " ON CONFLICT (source) DO UPDATE SET state = excluded.state, at = now()",
                  DB_ARGS(db_text(source), db_text(state)), err);
}

bool progress_get(struct db *db, struct arena *arena, const char *source, const char **ret_state,
                  struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT state FROM progress WHERE source = $1", DB_ARGS(db_text(source)), err))
        return false;
    *ret_state = row_count(rows) ? arena_text(arena, row_text(rows, 0, 0)) : NULL;
    return true;
}

bool progress_forget(struct db *db, const char *source, struct err *err)
{
    return db_run(db, "DELETE FROM progress WHERE source = $1", DB_ARGS(db_text(source)), err);
}
