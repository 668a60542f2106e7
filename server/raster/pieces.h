/* All pieces of a plan's part files, by their place. */
#ifndef RASTER_PIECES_H
#define RASTER_PIECES_H

#include "raster/encode.h"
#include "raster/schedule.h"

struct piece_ref {
    const struct part *part;
    const struct part_entry *entry; /* NULL: none */
};

struct pieces {
    const struct plan *plan;
    const struct schedules *schedules;
    size_t n_parts;
    struct part **parts;
    struct piece_ref **refs; /* by output: [plane][tile][piece] */
};

/* Opens the parts; every block must be there once. */
bool pieces_open(const struct plan *plan, const struct schedules *schedules, size_t n_parts,
                 const char *const *paths, struct pieces **ret_pieces, struct err *err) MUST_USE;
void pieces_free(struct pieces *pieces);
DEFINE_AUTO(pieces, struct pieces *, pieces_free)

/* Outputs are the saves, then the zones of the plan; vector cubes have no pieces. */
const struct plan_node *pieces_output(const struct plan *plan, size_t output);
const struct schedule *pieces_schedule(const struct pieces *pieces, size_t output);
const struct piece_ref *pieces_get(const struct pieces *pieces, size_t output, size_t plane,
                                   size_t tile, enum piece piece);
/* The pixels of a piece, side x side of style->kind; `packed` is scratch of the caller. */
bool pieces_pixels(const struct piece_ref *ref, struct encoder *encoder,
                   const struct file_style *style, size_t side, void *pixels,
                   struct err *err) MUST_USE;

#endif
