/* sentier unpack: what jobs run in a sandbox for the netCDF and Zarr files that users bring. */
#include "commands/command.h"
#include "base/mem.h"
#include "raster/engine.h"
#include "raster/unpack.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Into a file, which the libraries want. */
static bool keep_input(const char *path, struct err *err)
{
    int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    AUTO(mem) char *bytes = mem_alloc(1 << 20);
    ssize_t n = 0;
    bool good = to >= 0;

    while (good && (n = read(STDIN_FILENO, bytes, 1 << 20)) > 0)
        good = write(to, bytes, (size_t)n) == n;
    good = good && n == 0;
    if (!good)
        err_set(err, ERR_StorageFailure, "%s: %s", path, strerror(errno));
    if (to >= 0)
        close(to);
    return good;
}

static bool unpack(const char *format, const char *file, const char *folder, struct err *err)
{
    static const char *const formats[] = { "netCDF", "Zarr", NULL };
    const char *const *driver = formats;
    AUTO(mem) char *kept = NULL;
    bool good;

    while (*driver && strcasecmp(*driver, format))
        driver++;
    if (!*driver)
        return err_set(err, ERR_UsageInvalid, "unpack: '%s' is no format; there are netCDF and Zarr", format);
    if (strcmp(file, "-"))
        return unpack_cube(file, *driver, folder, err);
    kept = mem_printf("%s/.input.%s", folder, !strcmp(*driver, "netCDF") ? "nc" : "zip"); /* netCDF-4 is known by its name */
    good = keep_input(kept, err) && unpack_cube(kept, *driver, folder, err);
    unlink(kept);
    return good;
}

static int run(int argc, char **argv)
{
    struct common_options options = { 0 };
    struct err err = { 0 };
    bool good = command_options(&argc, argv, &options, &err);

    if (good && argc != 4)
        good = err_set(&err, ERR_UsageInvalid, "unpack: expected a format, a file and a folder, found %d arguments", argc - 1);
    if (good) {
        raster_init();
        good = unpack(argv[1], argv[2], argv[3], &err);
    }
    config_free(options.config);
    return good ? 0 : command_fail(&err);
}

const struct command command_unpack = {
    .name = "unpack",
    .synopsis = "FORMAT FILE|- FOLDER",
    .summary = "make GeoTIFFs of all images in a netCDF file or a zipped Zarr store",
    .help = "FORMAT is netCDF or Zarr. Each variable over x and y becomes an image for each of its other labels; a time is in\n"
            "the file's name, all else in the band's. Jobs run this in a sandbox for files that users bring.\n",
    .run = run,
};
