/* SQL on table artefacts: temporaries with a count of the tasks that still need them. */
#include "store/tasks.h"

bool artefact_add(struct db *db, const struct task *task, int64_t bytes, struct err *err)
{
    return db_run(db,
                  "INSERT INTO artefacts(job, number, token, bytes, refs)"
                  " SELECT job, number, $2::bigint, $3::bigint, cardinality(consumers)"
                  " FROM tasks WHERE id = $1"
                  " ON CONFLICT (job, number) DO UPDATE"
                  "   SET token = excluded.token, bytes = excluded.bytes, refs = excluded.refs",
                  DB_ARGS(db_int(task->id), db_int(task->token), db_int(bytes)), err);
}

static void read_artefacts(const PGresult *rows, struct artefact **ret_artefacts,
                           size_t *ret_count)
{
    struct artefact *list = mem_array((size_t)row_count(rows), sizeof *list);

    for (int i = 0; i < row_count(rows); i++)
        list[i] = (struct artefact){ .number = (int)row_int(rows, i, 0),
                                     .token = row_int(rows, i, 1),
                                     .bytes = row_int(rows, i, 2) };
    *ret_artefacts = list;
    *ret_count = (size_t)row_count(rows);
}

/* A producer without an artefact is listed with token 0. */
bool artefact_inputs(struct db *db, const char *job, int number, struct artefact **ret_artefacts,
                     size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT t.number, a.token, a.bytes FROM tasks t"
                  " LEFT JOIN artefacts a ON a.job = t.job AND a.number = t.number"
                  " WHERE t.job = $1 AND $2::int = ANY(t.consumers) ORDER BY t.number",
                  DB_ARGS(db_text(job), db_int(number)), err))
        return false;
    read_artefacts(rows, ret_artefacts, ret_count);
    return true;
}

bool artefact_release(struct db *db, const char *job, int number, struct artefact **ret_artefacts,
                      size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_run(db,
                "UPDATE artefacts a SET refs = refs - 1 FROM tasks t"
                " WHERE a.job = $1 AND t.job = a.job AND t.number = a.number"
                "   AND $2::int = ANY(t.consumers)",
                DB_ARGS(db_text(job), db_int(number)), err) ||
        !db_query(db, &rows,
                  "DELETE FROM artefacts WHERE job = $1 AND refs <= 0"
                  " RETURNING number, token, bytes",
                  DB_ARGS(db_text(job)), err))
        return false;
    read_artefacts(rows, ret_artefacts, ret_count);
    return true;
}
