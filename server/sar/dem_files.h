/* Which files a DEM consists of. */
#ifndef SAR_DEM_FILES_H
#define SAR_DEM_FILES_H

#include "base/err.h"
#include "base/mem.h"

struct dem_file {
    const char *path;
    bool is_cell;    /* its name tells its place: one degree from this corner */
    int west, south;
};

/* The raster itself, or those of a folder and of its folders, in the order of their names; in the arena.
 * Errors: SourceUnreadable. */
bool dem_files(const char *path, struct arena *arena, size_t *ret_count, struct dem_file **ret_files,
               struct err *err) MUST_USE;
/* "N45E006", "S01_00_W072_00" anywhere in a name. */
bool dem_cell_of(const char *name, int *ret_west, int *ret_south);

#endif
