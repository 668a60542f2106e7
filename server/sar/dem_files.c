/* Folders are listed once; nothing is opened. */
#include "sar/dem_files.h"
#include "base/text.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MOST_FILES = 200000 };

static const char *const endings[] = { ".hgt", ".hgt.zip", ".tif", ".tiff", ".vrt" };

struct listing {
    struct arena *arena;
    struct dem_file *files;
    size_t n, capacity;
};

bool dem_cell_of(const char *name, int *ret_west, int *ret_south)
{
    for (; *name; name++) {
        char ns, ew;
        int south, west;

        if ((sscanf(name, "%c%2d_00_%c%3d", &ns, &south, &ew, &west) != 4 &&
             sscanf(name, "%c%2d%c%3d", &ns, &south, &ew, &west) != 4) ||
            !strchr("NSns", ns) || !strchr("EWew", ew) || south < 0 || south > 90 || west < 0 || west > 180)
            continue;
        *ret_south = strchr("Ss", ns) ? -south : south;
        *ret_west = strchr("Ww", ew) ? -west : west;
        return true;
    }
    return false;
}

static bool is_raster(const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        size_t ending = strlen(endings[i]);

        if (length > ending && !strcasecmp(name + length - ending, endings[i]))
            return true;
    }
    return false;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct dem_file *)a)->path, ((const struct dem_file *)b)->path);
}

static void add(struct listing *l, const char *path, const char *name)
{
    struct dem_file file = { .path = arena_text(l->arena, path) };

    file.is_cell = dem_cell_of(name, &file.west, &file.south);
    l->files = mem_grow(l->files, &l->capacity, l->n + 1, sizeof *l->files);
    l->files[l->n++] = file;
}

static bool list(struct listing *l, const char *path, int depth, struct err *err)
{
    DIR *folder = opendir(path);

    if (!folder)
        return err_set(err, ERR_SourceUnreadable, "The DEM folder '%s' could not be read: %s.", path,
                       strerror(errno));
    for (struct dirent *entry; (entry = readdir(folder)) && l->n < MOST_FILES;) {
        AUTO(mem) char *whole = mem_printf("%s/%s", path, entry->d_name);
        struct stat st;

        if (entry->d_name[0] == '.' || stat(whole, &st) != 0)
            continue;
        if (S_ISREG(st.st_mode) && is_raster(entry->d_name))
            add(l, whole, entry->d_name);
        else if (S_ISDIR(st.st_mode) && depth > 0 && !list(l, whole, depth - 1, err))
            break;
    }
    closedir(folder);
    return err->code == ERR_None;
}

bool dem_files(const char *path, struct arena *arena, size_t *ret_count, struct dem_file **ret_files,
               struct err *err)
{
    struct listing l = { .arena = arena };
    struct stat st;
    bool good = true;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        good = list(&l, path, 1, err);
    else
        add(&l, path, ""); /* one raster, wherever it is: GDAL knows names that are no paths */
    if (good && l.n == 0)
        good = err_set(err, ERR_SourceUnreadable,
                       "The DEM folder '%s' holds no raster, expected names that end in .hgt, .hgt.zip, .tif or .vrt.",
                       path);
    *ret_files = arena_array(arena, l.n + 1, sizeof *l.files);
    if (l.n > 0)
        qsort(memcpy(*ret_files, l.files, l.n * sizeof *l.files), l.n, sizeof *l.files, by_path);
    *ret_count = l.n;
    free(l.files);
    return good;
}
