/* Rice in the series of radar backscatter of one pixel. */
#ifndef PROCESSES_KERNELS_RICE_H
#define PROCESSES_KERNELS_RICE_H

#include "graph/rice.h"
#include <stddef.h>

struct rice_room;
/* For series of `n` observations (at least one), of which `problem` speaks (graph/rice.h); it must outlive the room. */
struct rice_room *rice_room_new(const double *problem, size_t n);
void rice_room_free(struct rice_room *room);
/* db: backscatter of cross polarisation in dB, no-data is NaN. */
void rice_seasons(struct rice_room *room, const double *db, double outputs[RICE_OUTPUTS]);

#endif
