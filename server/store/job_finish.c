/* Ends of jobs. What they have is handed over as JSON, a record for each job, file or line of a log. A row can be
 * changed once in a statement, so all that a job's end means for its row is one UPDATE. */
#include "store/job_finish.h"
#include "base/text.h"
#include "json/js.h"
#include "store/row_json.h"
#include <inttypes.h>
#include <string.h>

bool jobs_hold(struct db *db, struct job_finish *list, size_t count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    AUTO(text) struct text jobs = { 0 }, ids = { 0 }, tokens = { 0 };

    for (size_t i = 0; i < count; i++) {
        list[i].hold = HOLD_LOST;
        text_printf(&jobs, "%s%s", i ? "," : "{", list[i].task->job);
        text_printf(&ids, "%s%" PRId64, i ? "," : "{", list[i].task->id);
        text_printf(&tokens, "%s%" PRId64, i ? "," : "{", list[i].task->token);
    }
    text_add(&jobs, "}");
    text_add(&ids, "}");
    text_add(&tokens, "}");
    if (!db_run(db,
                "SELECT set_config('synchronous_commit', 'on', true) FROM jobs WHERE id = ANY($1::uuid[])"
                " ORDER BY id FOR NO KEY UPDATE",
                DB_ARGS(db_text(jobs.data)), err) ||
        !db_query(db, &rows,
                  "SELECT t.id, t.state, t.blocks_done FROM unnest($1::bigint[], $2::bigint[]) AS k(id, token)"
                  "  JOIN tasks t ON t.id = k.id AND t.token = k.token AND t.state IN ('x', 'd')"
                  " ORDER BY t.id FOR UPDATE OF t",
                  DB_ARGS(db_text(ids.data), db_text(tokens.data)), err))
        return false;
    for (size_t i = 0; i < count; i++) {
        for (int row = 0; row < row_count(rows); row++) {
            if (row_int(rows, row, 0) != list[i].task->id)
                continue;
            list[i].hold = row_text(rows, row, 1)[0] == 'x' ? HOLD_MINE : HOLD_DONE;
            list[i].task->blocks_done = row_int(rows, row, 2);
        }
    }
    return true;
}

static json_t *job_out(const struct job_finish *f)
{
    const struct job_planned *p = f->planned;
    json_t *out = json_pack("{s:s, s:I, s:f, s:f, s:I, s:I, s:O*}", "job", f->task->job, "task", (json_int_t)f->task->id,
                            "seconds", f->seconds, "memory_seconds", task_memory_seconds(f->task, f->seconds), "done",
                            (json_int_t)(f->task->blocks - f->task->blocks_done), "pixels_read",
                            (json_int_t)f->task->pixels_read, "exports", (json_t *)f->exports);

    if (!p)
        return out;
    json_object_set_new(out, "blocks", json_integer(p->blocks));
    json_object_set_new(out, "n_tasks", json_integer(p->n_tasks));
    json_object_set(out, "scenes", (json_t *)p->scenes);
    json_object_set(out, "estimate", (json_t *)p->estimate);
    if (p->processes)
        json_object_set(out, "processes", (json_t *)p->processes);
    return out;
}

static void add_assets(json_t *out, const struct job_finish *f)
{
    for (size_t i = 0; i < f->n_assets; i++) {
        const struct job_asset *a = &f->assets[i];

        json_array_append_new(out, json_pack("{s:s, s:i, s:s, s:s, s:s, s:s*, s:s*, s:I, s:O*}", "job", f->task->job,
                                             "position", (int)i, "name", a->name, "path", a->path, "media_type",
                                             a->media_type, "title", a->title, "output", a->output, "size_bytes",
                                             (json_int_t)a->size_bytes, "fields", a->fields));
    }
}

static void add_logs(json_t *out, const struct job_finish *f)
{
    const json_t *line;
    size_t i;

    json_array_foreach((json_t *)f->logs, i, line)
        json_array_append_new(out, json_pack("{s:s, s:i, s:i, s:O*, s:O*, s:O*, s:b}", "job", f->task->job, "task",
                                             f->task->number, "level",
                                             job_log_level(js_text(line, "level")), "code",
                                             json_object_get(line, "code"), "message", json_object_get(line, "message"),
                                             "data", json_object_get(line, "data"), "sums",
                                             json_is_true(json_object_get(line, "sums"))));
}

#define FINISH                                                                                                        \
    "WITH x AS MATERIALIZED (SELECT * FROM json_to_recordset($1::json) AS x(job uuid, task bigint, seconds float8,"   \
    "      memory_seconds float8, done bigint, exports json, blocks bigint, n_tasks int, scenes json, estimate json," \
    "      processes json, pixels_read bigint)),"                                                                                         \
    " settled AS (UPDATE tasks SET state = 'd', worker = NULL, lease = NULL, blocks_done = tasks.blocks"              \
    "   FROM x WHERE tasks.id = x.task),"                                                                             \
    " others AS (UPDATE tasks SET state = 'c', token = NULL, lease = NULL, worker = NULL"                             \
    "   FROM x WHERE tasks.job = x.job AND tasks.id <> x.task AND tasks.state IN ('w', 'r', 'x')),"                   \
    " temporaries AS (DELETE FROM artefacts USING x WHERE artefacts.job = x.job),"                                    \
    " files AS (INSERT INTO job_assets(job, position, name, path, media_type, title, output, size_bytes, fields)"     \
    "   SELECT job, position, name, path, media_type, title, output, size_bytes, fields"                              \
    "     FROM json_to_recordset($2::json) AS a(job uuid, position int, name text, path text, media_type text,"       \
    "          title text, output text, size_bytes bigint, fields json)),"                                            \
    " logs AS (INSERT INTO job_logs(job, task, level, code, message, data)"                                           \
    "   SELECT l.job, l.task, l.level, l.code, l.message || CASE WHEN l.sums THEN"                                    \
    "      format('; %s pixels were decoded, with %s s of work in %s task%s.', j.pixels_read + x.pixels_read,"        \
    "             round((j.cost_seconds + x.seconds)::numeric, 1), j.n_done + 1,"                                     \
    "             CASE WHEN j.n_done > 0 THEN 's' END) ELSE '' END, l.data"                                           \
    "     FROM json_to_recordset($3::json) AS l(job uuid, task int, level smallint, code text, message text,"         \
    "          data json, sums boolean) JOIN jobs j ON j.id = l.job JOIN x ON x.job = l.job"                          \
    "    WHERE l.level <= " JOB_LOG_MOST("j") "),"                                                                    \
    " ended AS (UPDATE jobs j SET state = 3, error_code = NULL, error_message = NULL, error_node = NULL,"             \
    "      finished = now(), updated = now(), catalogued = $5::boolean,"                                              \
    "      expires = CASE WHEN $4::bigint > 0 THEN now() + $4::bigint * interval '1 s' END,"                          \
    "      blocks_done = j.blocks_done + x.done, n_done = j.n_done + 1,"                                              \
    "      cost_seconds = j.cost_seconds + x.seconds, memory_seconds = j.memory_seconds + x.memory_seconds,"          \
    "      pixels_read = j.pixels_read + x.pixels_read,"                                                              \
    "      exports = coalesce(x.exports, j.exports), scenes = coalesce(x.scenes, j.scenes),"                          \
    "      estimate = coalesce(x.estimate, j.estimate), processes = coalesce(x.processes, j.processes),"              \
    "      blocks = CASE WHEN x.blocks IS NULL THEN j.blocks ELSE x.blocks + (SELECT coalesce(sum(s.blocks), 0)"      \
    "        FROM tasks s WHERE s.job = x.job AND s.kind = 3) END,"                                                   \
    "      n_tasks = CASE WHEN x.n_tasks IS NULL THEN j.n_tasks ELSE x.n_tasks + (SELECT count(*)"                    \
    "        FROM tasks s WHERE s.job = x.job AND s.kind = 3) END"                                                    \
    "   FROM x WHERE j.id = x.job RETURNING j.id, j.run, j.parent),"                                                  \
    " woken AS (UPDATE tasks t SET pending = t.pending - p.n,"                                                        \
    "      state = CASE WHEN t.pending <= p.n AND t.state = 'w' THEN 'r'::\"char\" ELSE t.state END"                  \
    "   FROM (SELECT parent, count(*)::int AS n FROM ended WHERE parent IS NOT NULL GROUP BY parent) p"               \
    "  WHERE t.job = p.parent AND t.number = 0 RETURNING 1)"                                                          \
    " SELECT pg_notify('" JOB_ENDED_CHANNEL "', id || ' ' || run || ' finished'), pg_notify('" JOB_CHANNEL            \
    "', id::text), CASE WHEN EXISTS (SELECT 1 FROM woken) THEN pg_notify('" TASK_CHANNEL "', '') END FROM ended"

bool jobs_finish(struct db *db, const struct job_finish *list, size_t count, int64_t keep_seconds, bool catalogued,
                 struct err *err)
{
    AUTO(json) json_t *jobs = json_array(), *assets = json_array(), *logs = json_array();
    AUTO(mem) char *jobs_text = NULL, *assets_text = NULL, *logs_text = NULL;

    for (size_t i = 0; i < count; i++) {
        if (list[i].hold != HOLD_MINE)
            continue;
        json_array_append_new(jobs, job_out(&list[i]));
        add_assets(assets, &list[i]);
        add_logs(logs, &list[i]);
    }
    jobs_text = row_json_dump(jobs);
    assets_text = row_json_dump(assets);
    logs_text = row_json_dump(logs);
    return db_run(db, FINISH,
                  DB_ARGS(db_text(jobs_text), db_text(assets_text), db_text(logs_text), db_int(keep_seconds),
                          db_bool(catalogued)),
                  err);
}

bool jobs_charge(struct db *db, const struct job_finish *list, size_t count, struct err *err)
{
    AUTO(text) struct text jobs = { 0 };

    for (size_t i = 0; i < count; i++)
        if (list[i].hold == HOLD_MINE)
            text_printf(&jobs, "%s%s", jobs.length ? "," : "{", list[i].task->job);
    if (!jobs.length)
        return true;
    text_add(&jobs, "}");
    return db_run(db,
                  "WITH off AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"
                  " UPDATE users SET last_tag = last_tag + d.more / weight"
                  "   FROM (SELECT owner, sum(cost_seconds - charged) AS more FROM jobs"
                  "          WHERE id = ANY($1::uuid[]) GROUP BY owner ORDER BY owner) d, off WHERE users.id = d.owner",
                  DB_ARGS(db_text(jobs.data)), err);
}
