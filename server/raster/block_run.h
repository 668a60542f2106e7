/* One thread's work: blocks of a plan into a part file. */
#ifndef RASTER_BLOCK_RUN_H
#define RASTER_BLOCK_RUN_H

#include "raster/cells.h"
#include "raster/encode.h"
#include "raster/kept.h"
#include "raster/schedule.h"
#include "raster/survey.h"

/* How a block is computed: some of its rows at once, with so much of its files' tiles decoded. */
struct block_size {
    size_t rows, tile_bytes;
};
/* Where a whole block does not fit into memory, it is computed in bands over tiles that all stay decoded; `other`
 * is for files with larger tiles than is usual: fewer and larger bands, for each of which tiles are decoded again. */
struct block_fit {
    struct block_size size, other;
    size_t memory;     /* of a thread */
    size_t kept_bytes; /* of all threads together */
    /* Of images of a radar, likewise: those that are open, and how many threads at once make squares of them with what each
     * then takes. */
    size_t image_bytes, makers, maker_bytes;
};
/* Within options->memory_bytes; MemoryExceeded with the numbers. in_blocks: not in cells, so that blocks may lie on
 * several tiles. */
bool block_fit(const struct schedules *schedules, const struct raster_options *options, bool in_blocks,
               struct block_fit *ret_fit, struct err *err) MUST_USE;

/* Some plane is made of images of a radar. */
bool block_reads_radar(const struct schedules *schedules);

/* What all threads of a call share; read-only but for the part. */
struct block_job {
    const struct plan *plan;
    const struct raster_options *options;
    const struct schedules *schedules;
    struct part_writer *part;  /* NULL: nothing is kept, */
    struct survey_taker *survey; /* all is just looked at; else NULL */
    struct block_fit fit;
    struct kept *kept; /* NULL: nothing is */
    struct radar *radar; /* NULL: no image of a radar is read */
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

#endif
