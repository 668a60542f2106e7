/* Made-up scenes of full size for benchmarks: two or three bands and their classes, with clouds that
 * move from date to date, as COGs like those of Sentinel-2. */
#ifndef TESTS_BENCH_SCENES_H
#define TESTS_BENCH_SCENES_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

enum { SCENE_RED, SCENE_NIR, SCENE_CLASSES /* half as many pixels */, SCENE_BLUE, SCENE_BANDS };
extern const char *const scene_bands[SCENE_BANDS]; /* "B04" ... */

/* Runs `body` in as many threads, this one among them. */
void scene_threads(size_t threads, void *(*body)(void *), void *arg);
/* Writes a band of a date. The process ends when it cannot. */
void scene_write(const char *path, int64_t size, int date, int band, size_t threads);
/* Prints and ends the process. */
_Noreturn void scene_die(const struct err *err);

#endif
