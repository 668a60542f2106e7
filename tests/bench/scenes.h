/* Made-up scenes of full size for benchmarks: two or three bands and their classes, with clouds that
 * move from date to date, as COGs like those of Sentinel-2. */
#ifndef TESTS_BENCH_SCENES_H
#define TESTS_BENCH_SCENES_H

#include "raster/engine.h"
#include "raster/schedule.h"
#include <stddef.h>
#include <stdint.h>

enum { SCENE_RED, SCENE_NIR, SCENE_CLASSES /* half as many pixels */, SCENE_BLUE, SCENE_BANDS };
extern const char *const scene_bands[SCENE_BANDS]; /* "B04" ... */

/* Runs `body` in as many threads, this one among them. */
void scene_threads(size_t threads, void *(*body)(void *), void *arg);
/* Writes a band of a date. The process ends when it cannot. */
void scene_write(const char *path, int64_t size, int date, int band, size_t threads);
/* Packs the first output of a plan whose blocks are these tiles, taking turns, and assembles it in the folder:
 * what the engine does beside decoding and computing. */
void scene_pack(const struct plan *plan, const struct schedules *schedules, const void *const *tiles, size_t n_tiles,
                const char *folder, const struct raster_options *options);
/* Prints and ends the process. */
_Noreturn void scene_die(const struct err *err);

#endif
