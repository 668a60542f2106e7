/* One thread's work: blocks of a plan into a part file. */
#ifndef RASTER_BLOCK_RUN_H
#define RASTER_BLOCK_RUN_H

#include "raster/cells.h"
#include "raster/encode.h"
#include "raster/schedule.h"
#include "raster/survey.h"

/* What all threads of a call share; read-only but for the part. */
struct block_job {
    const struct plan *plan;
    const struct raster_options *options;
    const struct schedules *schedules;
    struct part_writer *part;  /* NULL: nothing is kept, */
    struct survey_taker *survey; /* all is just looked at; else NULL */
    size_t rows;       /* of a block that are computed at once */
    size_t tile_bytes; /* of the cache of decoded tiles */
    /* For rows of geometries alone: by node the numbers of zones, [plane][geometry], and where those of
     * the saves go, by save. */
    double *const *tables, *const *rows_made;
};

struct block_runner;
bool block_runner_new(const struct block_job *job, struct block_runner **ret_runner,
                      struct err *err) MUST_USE;
void block_runner_free(struct block_runner *runner);
DEFINE_AUTO(block_runner, struct block_runner *, block_runner_free)

/* What it read so far. */
struct raster_reading block_runner_reading(const struct block_runner *runner);
/* *ret_finished: the blocks that were finished with it. */
bool block_run(struct block_runner *runner, const struct unit *unit, size_t *ret_finished,
               struct err *err) MUST_USE;
/* The same for a tile of a schedule of rows. */
bool block_run_rows(struct block_runner *runner, const struct schedule *schedule, size_t tile,
                    struct err *err) MUST_USE;

/* Bytes of one thread when `rows` rows are computed at once. */
size_t block_memory(const struct schedule *schedule, size_t rows, size_t tile_bytes);

#endif
