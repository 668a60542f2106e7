/* Rows of geometries go through the same schedules and programs as pixels, on one thread: they are
 * small, and everything that makes them is in memory by then. */
#include "raster/vectors.h"
#include "base/mem.h"
#include "raster/block_run.h"
#include "raster/zones.h"

void vector_rows_free(struct vector_rows *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n_saves; i++)
        free(r->rows[i]);
    free(r->rows);
    free(r);
}

static bool run_all(const struct block_job *job, struct err *err)
{
    AUTO(block_runner) struct block_runner *runner = NULL;

    if (!block_runner_new(job, &runner, err))
        return false;
    for (size_t i = 0; i < job->schedules->n_vectors; i++)
        for (size_t tile = 0; tile < job->schedules->vectors[i].blocks; tile++)
            if (!block_run_rows(runner, &job->schedules->vectors[i], tile, err))
                return false;
    return true;
}

static bool gather(const struct pieces *pieces, double **tables, struct err *err)
{
    for (size_t i = 0; i < pieces->plan->n_zones; i++)
        if (!zones_gather(pieces, i, &tables[pieces->plan->zones[i]->index], err))
            return false;
    return true;
}

bool vector_rows_make(const struct pieces *pieces, const struct raster_options *options,
                      struct vector_rows **ret_rows, struct err *err)
{
    const struct plan *plan = pieces->plan;
    AUTO(vector_rows) struct vector_rows *r = MEM_NEW(struct vector_rows);
    AUTO(mem) double **tables = mem_array(plan->n_nodes, sizeof *tables);
    struct block_size whole = { BASE_TILE, 0 };
    struct block_job job = { .plan = plan, .options = options, .schedules = pieces->schedules,
                             .fit = { .size = whole, .other = whole }, .tables = tables };
    bool ok;

    r->rows = mem_array(plan->n_saves, sizeof *r->rows);
    r->n_saves = plan->n_saves;
    for (size_t i = 0; i < plan->n_saves; i++)
        if (plan->saves[i]->schema.geometries)
            r->rows[i] = mem_array(cube_planes(&plan->saves[i]->schema) *
                                       plan->saves[i]->schema.geometries->count,
                                   sizeof **r->rows);
    job.rows_made = r->rows;
    ok = gather(pieces, tables, err) && (pieces->schedules->n_vectors == 0 || run_all(&job, err));
    for (size_t i = 0; i < plan->n_nodes; i++)
        free(tables[i]);
    if (!ok)
        return false;
    *ret_rows = r;
    r = NULL;
    return true;
}
