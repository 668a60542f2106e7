/* A path is looked for in the folder of who asks and nowhere else; "/a.tif", "./a.tif" and "a.tif" are one. An address is
 * fetched by the rules of load_url into the folder of the job's run. GeoJSON is read by our own reader, cubes in one file by
 * a child in a sandbox, the rest by raster/uploaded.c. */
#include "jobs/uploaded_file.h"
#include "base/folder.h"
#include "base/text.h"
#include "jobs/scratch.h"
#include "jobs/unpacked.h"
#include "json/js.h"
#include "net/fetch.h"
#include "raster/uploaded.h"
#include "store/user_files.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { LARGEST_GEOJSON = 64 << 20, LONGEST_NAME = 200, FETCH_MS = 600000 };

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

/* The last part of an address, which may tell a date. */
static char *name_of(const char *url)
{
    size_t length = strcspn(url, "?#");
    const char *start = url + length;
    char *name;

    while (start > url && start[-1] != '/')
        start--;
    name = mem_textn(start, (size_t)(url + length - start));
    if (text_url_decode(name, false) && text_is_plain_name(name, LONGEST_NAME))
        return name;
    free(name);
    return mem_text("file");
}

/* Once, when the plan is made; the folder stays as long as the job runs. */
static bool fetch_file(const struct url_reader *reader, const char *url, char **ret_path, struct err *err)
{
    struct fetch what = { .url = url, .timeout_ms = FETCH_MS, .max_size = (size_t)reader->config->files_max_size };
    AUTO(fetched) struct fetched answer = { 0 };
    AUTO(mem) char *folder = NULL, *path = NULL, *name = name_of(url);

    if (!reader->folder)
        return err_set(err, ERR_EstimateComplexity, "what it holds is only known when it was fetched");
    if (!folder_make(reader->folder, err))
        return false;
    folder = mem_printf("%s/fetched-XXXXXX", reader->folder);
    if (!mkdtemp(folder))
        return err_set(err, ERR_StorageFailure, "%s: %s", folder, strerror(errno));
    what.file = path = mem_printf("%s/%s", folder, name);
    if (!fetch_for_user(&what, reader->config->jobs_url_hosts, &answer, err))
        return false;
    if (answer.status != 200)
        return err_set(err, ERR_Unreachable, "the server answered %d", answer.status);
    *ret_path = path;
    path = NULL;
    return true;
}

static bool find_file(const struct url_reader *reader, const char *path, char **ret_full, struct err *err)
{
    while (*path == '/' || text_begins(path, "./"))
        path++;
    if (!reader->user)
        return err_set(err, ERR_FileNotFound, "Nobody is logged in whose file it could be");
    if (user_file_find(reader->config, reader->user, path, ret_full, err))
        return true;
    if (err->code == ERR_FilePathInvalid) /* what lies outside is not there */
        err->code = ERR_FileNotFound;
    return false;
}

bool uploaded_file_find(void *context, const char *path, const char *format, json_t **ret_document,
                        struct err *err)
{
    const struct url_reader *reader = context;
    AUTO(mem) char *full = NULL;

    if (!(text_is_remote(path) ? fetch_file : find_file)(reader, path, &full, err))
        return false;
    if (!strcmp(format, "GeoJSON"))
        return read_geojson(full, ret_document, err);
    if (!strcmp(format, "GTiff"))
        return uploaded_image(full, path, ret_document, err);
    if (!strcmp(format, "netCDF") || !strcmp(format, "Zarr"))
        return unpacked_images(reader, full, path, format, ret_document, err);
    return uploaded_features(full, format, ret_document, err);
}
