/* A file is served to whoever holds a signed link (http/ has checked it) or to the job's owner. A store is a
 * zip whose members clients of HTTP read one by one; of theirs, only the path is a link, as they know nothing
 * of queries. */
#include "api/common/results.h"
#include "api/common/build.h"
#include "auth/auth.h"
#include "base/instant.h"
#include "base/text.h"
#include "ingest/container.h"
#include "ingest/zip_folder.h"
#include "raster/preview.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int64_t results_links_expire(const struct request *rq, const struct job *job)
{
    int64_t at = instant_now() + rq->config->auth_link_lifetime * 1000;

    return job->expires && job->expires < at ? job->expires : at;
}

const char *results_sign(struct request *rq, const char *path, int64_t expires_ms)
{
    AUTO(mem) char *href = auth_link_sign(rq->config, rq->base_url, path, expires_ms);

    return arena_text(rq->arena, href);
}

const char *results_href(struct request *rq, const char *job, const char *file, int64_t expires_ms)
{
    return results_sign(rq, arena_printf(rq->arena, "/results/%s/%s", job, file), expires_ms);
}

/* A zip with a Zarr store in it (raster/assemble.c names it). */
static bool is_store(const struct job_asset *asset)
{
    return text_ends(asset->name, ".zarr.zip");
}

const char *results_store_href(struct request *rq, const char *job, const struct job_asset *asset,
                               int64_t expires_ms)
{
    const char *path = arena_printf(rq->arena, "/results/%s/%s/", job, asset->name);
    AUTO(mem) char *token = is_store(asset) ? auth_link_token(path, expires_ms) : NULL;

    return token ? href_of(rq, "/store/%s/%s/%s", token, job, asset->name) : NULL;
}

bool results_gone(bool is_signed, struct err *err)
{
    if (is_signed && (err->code == ERR_JobNotFound || err->code == ERR_FileNotFound)) {
        err_clear(err);
        err_set(err, ERR_ResultLinkExpired, "The result behind this link was deleted or made anew.");
    }
    return false;
}

/* A link outlives its job when the job is deleted: the link is then told to be revoked. */
static bool load_asked(struct request *rq, struct job_asset *ret_asset, struct err *err)
{
    const char *id = request_variable(rq, "job_id"), *name = request_variable(rq, "file");
    bool is_signed = request_query(rq, "signature") != NULL;
    struct job job = { 0 };

    if (!id_is_uuid(id) || !text_is_plain_name(name, 255))
        return err_set(err, ERR_FileNotFound, "There is no such result file.");
    if (!is_signed) {
        if (!job_load(rq->db, rq->arena, rq->user->id, id, &job, err))
            return false;
        job_done(&job);
    }
    return job_asset_load(rq->db, rq->arena, id, name, ret_asset, err) || results_gone(is_signed, err);
}

bool results_file_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct job_asset asset = { 0 };

    if (!load_asked(rq, &asset, err))
        return false;
    json_decref(asset.fields);
    return reply_file(rq, reply, asset.path, asset.media_type, NULL, err);
}

/* ---- pictures of them ---- */

/* Files that the engine wrote have a shape; those of users' commands and of other servers are not opened in this process. */
static bool has_preview(const struct job_asset *asset)
{
    const json_t *shape = json_object_get(asset->fields, "proj:shape");
    double pixels = json_number_value(json_array_get(shape, 0)) * json_number_value(json_array_get(shape, 1));

    return text_begins(asset->media_type, "image/tiff") && pixels > 0 &&
           (strstr(asset->media_type, "cloud-optimized") || pixels <= PREVIEW_READ);
}

const char *results_preview_href(struct request *rq, const char *job, const struct job_asset *asset, int64_t expires_ms)
{
    if (!has_preview(asset))
        return NULL;
    return results_sign(rq, arena_printf(rq->arena, "/results/%s/preview/%s", job, asset->name), expires_ms);
}

const char *results_placed_href(struct request *rq, const char *job, const struct job_asset *asset, int64_t expires_ms)
{
    const char *href = results_preview_href(rq, job, asset, expires_ms);

    return href && json_array_size(json_object_get(asset->fields, "bbox")) == 4 ? arena_printf(rq->arena, "%s&grid=degrees", href) : NULL;
}

/* Where the picture lies that is asked for: *ret_placed false when it is to be as the file is. */
static bool read_place(struct request *rq, const struct job_asset *asset, bool *ret_placed, double ret_box[static 4], struct err *err)
{
    const json_t *bbox = json_object_get(asset->fields, "bbox");
    const char *grid = request_query(rq, "grid");

    *ret_placed = grid != NULL;
    for (size_t i = 0; i < 4; i++)
        ret_box[i] = json_number_value(json_array_get(bbox, i));
    if (ret_box[0] > ret_box[2])
        ret_box[2] += 360;
    if (grid && strcmp(grid, "degrees"))
        return err_set(err, ERR_InvalidQueryValue, "grid: expected degrees, found '%.40s'", grid);
    return !grid || (json_array_size(bbox) == 4 && ret_box[0] < ret_box[2] && ret_box[1] < ret_box[3]) ||
           err_set(err, ERR_FileNotFound, "It is not known where the result '%.200s' lies.", asset->name);
}

bool results_preview_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(text) struct text png = { 0 };
    AUTO(json) json_t *fields = NULL;
    struct job_asset asset = { 0 };
    double box[4];
    bool placed;
    size_t size;

    if (!load_asked(rq, &asset, err))
        return false;
    fields = asset.fields;
    if (!has_preview(&asset))
        return err_set(err, ERR_FileNotFound, "There is no picture of the result '%.200s'.", asset.name);
    if (!read_place(rq, &asset, &placed, box, err) || !raster_preview(asset.path, placed ? box : NULL, &png, err))
        return false;
    reply_header(rq, reply, "Cache-Control", "private, max-age=300");
    size = png.length;
    return reply_bytes(reply, 200, text_take(&png), size, "image/png");
}

/* The whole of a member: chunks of stores are small. */
static bool send_member(struct reply *reply, const char *zip, const char *member, struct err *err)
{
    int fd = memfd_create("member", MFD_CLOEXEC);
    off_t size;
    char *bytes;
    bool good;

    if (fd < 0)
        return err_set(err, ERR_StorageFailure, "A member of the store could not be read: %m");
    if (!container_extract(zip, member, fd, err)) {
        close(fd);
        return false;
    }
    size = lseek(fd, 0, SEEK_END);
    bytes = mem_alloc((size_t)size + 1);
    good = pread(fd, bytes, (size_t)size, 0) == size;
    close(fd);
    if (good)
        return reply_bytes(reply, 200, bytes, (size_t)size, "application/octet-stream");
    free(bytes);
    return err_set(err, ERR_StorageFailure, "A member of the store could not be read.");
}

/* GET /store/{token}/{job_id}/{file}/{path*} */
bool results_member_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "job_id"), *name = request_variable(rq, "file");
    struct job_asset asset = { 0 };

    if (!id_is_uuid(id) || !text_is_plain_name(name, 255))
        return err_set(err, ERR_FileNotFound, "There is no such result file.");
    if (!auth_link_check_token(arena_printf(rq->arena, "/results/%s/%s/", id, name),
                               request_variable(rq, "token"), err))
        return false;
    if (!job_asset_load(rq->db, rq->arena, id, name, &asset, err))
        return results_gone(true, err);
    json_decref(asset.fields);
    if (!is_store(&asset))
        return err_set(err, ERR_FileNotFound, "The result '%.200s' is no store with files in it.", name);
    return send_member(reply, asset.path, request_variable(rq, "path"), err);
}

/* ---- all files as one ---- */

static ssize_t read_zip(void *context, char *buffer, size_t most)
{
    return zip_folder_read(context, buffer, most);
}

static void free_zip(void *context)
{
    zip_folder_free(context);
}

bool results_zip(struct request *rq, struct reply *reply, const struct job_asset *assets, size_t count,
                 const char *document_name, const char *document, const char *download_name, struct err *err)
{
    struct zip_input *files = arena_array(rq->arena, count, sizeof *files);
    struct zip_folder *zip;

    for (size_t i = 0; i < count; i++)
        files[i] = (struct zip_input){ assets[i].path, assets[i].name };
    if (!zip_files_open(files, count, document_name, document, &zip, err))
        return false;
    return reply_source(rq, reply,
                        &(struct reply_source){ .size = zip_folder_size(zip), .read = read_zip,
                                                .free_context = free_zip, .context = zip },
                        "application/zip", download_name);
}
