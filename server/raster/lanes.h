/* Runs compiled callbacks over pixels. A machine is the registers of one thread; planes are read
 * from and written to in their native types. */
#ifndef RASTER_LANES_H
#define RASTER_LANES_H

#include "base/err.h"
#include "raster/block.h"

/* What the pixels of a plane mean. */
struct pixel_kind {
    enum pixel pixel;
    double nodata;
    bool has_nodata;
};
struct pixel_kind pixel_kind_of(const struct cube_schema *schema);
bool pixel_kind_equal(const struct pixel_kind *a, const struct pixel_kind *b);
/* The value that marks a pixel without data: no-data where the type has one, else 0. */
double pixel_kind_gap(const struct pixel_kind *kind);

/* A plane as an argument (data NULL: all no-data) or as a result (data NULL: not wanted). */
struct lane_plane {
    void *data;
    struct pixel_kind kind;
};

struct lane_machine {
    void *memory;
    size_t size_bytes;
};

/* The bytes of a machine that can run the program. */
size_t lanes_memory(const struct program *program);
bool lane_machine_init(struct lane_machine *machine, size_t size_bytes, struct err *err) MUST_USE;
void lane_machine_done(struct lane_machine *machine);

/* Plain form: results[k] is output k of n pixels. */
void lanes_run(const struct lane_machine *machine, const struct program *program,
               const struct lane_plane *arguments, const struct lane_plane *results, size_t n);
/* Streaming form: one slice into states[program->n_folds]; and the end. */
void lanes_fold(const struct lane_machine *machine, const struct program *program, size_t slice,
                const struct lane_plane *arguments, const struct fold_state *states, size_t n);
void lanes_finish(const struct lane_machine *machine, const struct program *program,
                  const struct fold_state *states, const struct lane_plane *results, size_t n);
/* Another type or another no-data value. */
void lanes_convert(const struct lane_plane *from, const struct lane_plane *to, size_t n);

#endif
