/* A path is looked for in the folder of who asks and nowhere else; "/a.tif", "./a.tif" and "a.tif" are one. GeoJSON
 * is read by our own reader, the rest by raster/uploaded.c. */
#include "jobs/uploaded_file.h"
#include "base/text.h"
#include "json/js.h"
#include "raster/uploaded.h"
#include "store/user_files.h"
#include <string.h>
#include <sys/stat.h>

enum { LARGEST_GEOJSON = 64 << 20 };

static bool read_geojson(const char *full, json_t **ret_document, struct err *err)
{
    struct err reason = { 0 };
    struct stat info;

    if (stat(full, &info) == 0 && info.st_size > LARGEST_GEOJSON)
        return err_set(err, ERR_FormatUnsuitable, "it has more than %d MB", LARGEST_GEOJSON >> 20);
    return js_read_file(full, ret_document, &reason) ||
           err_set(err, ERR_FormatUnsuitable, "%s", text_begins(reason.message, full) ? reason.message + strlen(full) + 2
                                                                                    : reason.message);
}

bool uploaded_file_find(void *context, const char *path, const char *format, json_t **ret_document,
                        struct err *err)
{
    const struct url_reader *reader = context;
    AUTO(mem) char *full = NULL;

    while (*path == '/' || text_begins(path, "./"))
        path++;
    if (!reader->user)
        return err_set(err, ERR_FileNotFound, "Nobody is logged in whose file it could be");
    if (!user_file_find(reader->config, reader->user, path, &full, err)) {
        if (err->code == ERR_FilePathInvalid) /* what lies outside is not there */
            err->code = ERR_FileNotFound;
        return false;
    }
    if (!strcmp(format, "GeoJSON"))
        return read_geojson(full, ret_document, err);
    if (!strcmp(format, "GTiff"))
        return uploaded_image(full, path, ret_document, err);
    return uploaded_features(full, format, ret_document, err);
}
