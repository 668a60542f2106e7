/* Tiles of web services. A tile that is not kept is made by an interactive job of the service's owner, on the grid
 * of the tile (graph/catalog.h: picture_wish); whoever asks for the same tile meanwhile waits for the same job.
 * Where there are no data the tile is empty. Whoever knows the address of a service may ask, as with any web map;
 * it cannot be guessed. */
#include "api/common/build.h"
#include "api/common/run.h"
#include "api/openeo/openeo.h"
#include "api/openeo/services.h"
#include "auth/auth.h"
#include "base/instant.h"
#include "base/text.h"
#include "json/js.h"
#include "store/tile_cache.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* 256 x 256 transparent pixels. */
static const unsigned char empty_tile[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x01,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x03, 0x00, 0x00, 0x00, 0x66, 0xbc, 0x3a, 0x25, 0x00, 0x00, 0x00, 0x03, 0x50,
    0x4c, 0x54, 0x45, 0x00, 0x00, 0x00, 0xa7, 0x7a, 0x3d, 0xda, 0x00, 0x00, 0x00, 0x01, 0x74, 0x52, 0x4e, 0x53, 0x00,
    0x40, 0xe6, 0xd8, 0x66, 0x00, 0x00, 0x00, 0x1f, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0xed, 0xc1, 0x01, 0x0d, 0x00,
    0x00, 0x00, 0xc2, 0xa0, 0xf7, 0x4f, 0x6d, 0x0e, 0x37, 0xa0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xbe,
    0x0d, 0x21, 0x00, 0x00, 0x01, 0x60, 0xe4, 0x9d, 0x97, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42,
    0x60, 0x82,
};

/* ---- where it is ---- */

static void degrees_of(double x, double y, double *ret_lon, double *ret_lat)
{
    *ret_lon = x / TILE_HALF * 180;
    *ret_lat = atan(sinh(y / TILE_HALF * M_PI)) / M_PI * 180;
}

struct grid service_tile_grid(const struct tile *tile)
{
    double pixel = 2 * TILE_HALF / TILE_PIXELS / (double)((int64_t)1 << tile->z);

    return (struct grid){ .epsg = 3857, .dx = pixel, .dy = pixel, .width = TILE_PIXELS, .height = TILE_PIXELS,
                          .x0 = (double)tile->x * TILE_PIXELS * pixel - TILE_HALF,
                          .y0 = TILE_HALF - (double)tile->y * TILE_PIXELS * pixel };
}

json_t *service_arguments(const json_t *process, const struct tile *tile)
{
    const json_t *declared = json_object_get(process, "parameters"), *one;
    struct grid grid = service_tile_grid(tile);
    double size = TILE_PIXELS * grid.dx, box[4];
    bool takes = !json_is_array(declared);
    size_t i;

    json_array_foreach((json_t *)declared, i, one) {
        const char *name = js_text(one, "name");

        takes |= name && !strcmp(name, "spatial_extent");
    }
    if (!takes)
        return NULL;
    degrees_of(grid.x0, grid.y0 - size, &box[0], &box[1]);
    degrees_of(grid.x0 + size, grid.y0, &box[2], &box[3]);
    return json_pack("{s:{s:f, s:f, s:f, s:f}}", "spatial_extent", "west", box[0], "south", box[1], "east", box[2],
                     "north", box[3]);
}

bool service_tile_read(const char *z, const char *x, const char *y, struct tile *ret_tile, struct err *err)
{
    double zoom, column, row;

    if (text_to_number(z, &zoom) && text_to_number(x, &column) && text_to_number(y, &row) && zoom >= 0 &&
        zoom < TILE_ZOOMS && zoom == floor(zoom)) {
        double most = (double)((int64_t)1 << (int)zoom);

        *ret_tile = (struct tile){ (int)zoom, (int64_t)column, (int64_t)row };
        if (column >= 0 && row >= 0 && column < most && row < most && column == floor(column) && row == floor(row))
            return true;
    }
    return err_set(err, ERR_NotFound, "There is no tile %.20s/%.20s/%.20s: zooms are 0 to %d, columns and rows 0 to 2^zoom - 1.",
                   z, x, y, TILE_ZOOMS - 1);
}

/* ---- answers ---- */

json_t *service_picture_options(const json_t *configuration)
{
    json_t *options = json_object();

    put_copy(options, "range", json_object_get(configuration, "range"));
    put_copy(options, "colormap", json_object_get(configuration, "colormap"));
    if (json_object_size(options))
        return options;
    json_decref(options);
    return NULL;
}

static bool send_tile(struct request *rq, struct reply *reply, const struct service *service, const char *path,
                      struct err *err)
{
    reply_header(rq, reply, "Cache-Control", "%s", service_cache_control(service));
    return reply_file(rq, reply, arena_text(rq->arena, path), "image/png", NULL, err);
}

static bool send_empty(struct request *rq, struct reply *reply, const struct service *service)
{
    char *bytes = mem_alloc(sizeof empty_tile);

    memcpy(bytes, empty_tile, sizeof empty_tile);
    reply_header(rq, reply, "Cache-Control", "%s", service_cache_control(service));
    return reply_bytes(reply, 200, bytes, sizeof empty_tile, "image/png");
}

/* ---- making it ---- */

struct tile_wait {
    char job[ID_UUID_SIZE];
    int64_t deadline_ms; /* instant_monotonic() */
};

static json_t *picture_json(const struct service *service, const struct tile *tile)
{
    struct grid g = service_tile_grid(tile);
    json_t *picture = json_pack("{s:i, s:f, s:f, s:f, s:I, s:I}", "epsg", g.epsg, "x0", g.x0, "y0", g.y0, "dx", g.dx,
                                "width", (json_int_t)g.width, "height", (json_int_t)g.height);
    json_t *options = service_picture_options(service->configuration);

    if (options)
        json_object_set_new(picture, "options", options);
    return picture;
}

static bool within_budget(struct request *rq, const struct service *service, struct err *err)
{
    double budget = openeo_budget(service->request);

    if (!*rq->config->billing_currency || budget < 0 || service->costs < budget)
        return true;
    err_set(err, ERR_PaymentRequired, "The budget of the service (%.6g %s) is used up.", budget,
            rq->config->billing_currency);
    return false;
}

static bool start(struct request *rq, struct reply *reply, const struct service *service, const struct tile *tile,
                  struct err *err)
{
    struct tile_wait *wait = arena_alloc(rq->arena, sizeof *wait);
    const struct job_terms terms = run_terms(rq, -1);
    AUTO(json) json_t *arguments = service_arguments(service->process, tile);
    AUTO(json) json_t *request = json_pack("{s:o, s:s}", "picture", picture_json(service, tile), "dialect",
                                             rq->config->jobs_dialect);
    const struct job_input in = { .owner = service->owner, .face = JOB_FACE_SYNC, .process = service->process,
                                  .arguments = arguments, .request = request, .class = CLASS_INTERACTIVE,
                                  .terms = &(struct job_terms){ terms.work_second, terms.memory_gb_second,
                                                                terms.result_gb, -1, 0 } };

    if (!within_budget(rq, service, err) ||
        !service_tile_start(rq->db, service, tile, &in, wait->job, err))
        return false;
    wait->deadline_ms = instant_monotonic() + rq->config->services_wait * 1000;
    rq->state = wait;
    return reply_wait(rq, reply, wait->job, rq->config->services_wait * 1000);
}

/* The owner is told where, the visitor only why. */
static bool failed(struct request *rq, const struct service *service, const struct tile *tile, const struct job *job,
                   struct err *err)
{
    AUTO(json) json_t *data = json_pack("{s:i, s:I, s:I}", "z", tile->z, "x", (json_int_t)tile->x, "y",
                                        (json_int_t)tile->y);
    const char *code = job->error_code ? job->error_code : err_name(ERR_Internal);
    const char *message = arena_printf(rq->arena, "Tile %d/%" PRId64 "/%" PRId64 ": %s", tile->z, tile->x, tile->y,
                                       job->error_message ? job->error_message : "it was canceled.");

    if (!service_log_add(rq->db, service->id, "error", code, message, data, err) ||
        !job_delete(rq->db, service->owner, job->id, err))
        return false;
    return run_refuse_failed(job, err);
}

/* Its file is kept, the job is not. */
static bool keep(struct request *rq, const struct service *service, const struct job *job, const char *path,
                 struct err *err)
{
    struct job_asset *assets;
    size_t count;

    if (!job_asset_list(rq->db, rq->arena, NULL, job->id, &assets, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        json_decref(assets[i].fields);
    if (count == 0)
        return err_set(err, ERR_Internal, "The computation ended without a picture.");
    return tile_cache_put(rq->config, assets[0].path, path, err) &&
           job_delete(rq->db, service->owner, job->id, err) && service_tile_count(rq->db, service->id, job, err);
}

/* Several may have waited; the first one takes the file and deletes the job, the others find the tile. */
static bool send_made(struct request *rq, struct reply *reply, const struct service *service, const struct job *job,
                      const char *path, struct err *err)
{
    if (!keep(rq, service, job, path, err)) {
        if (!tile_cache_has(rq->config, path))
            return false;
        err_clear(err);
    }
    return send_tile(rq, reply, service, path, err);
}

static bool look(struct request *rq, struct reply *reply, const struct service *service, const struct tile *tile,
                 const char *path, struct err *err)
{
    const struct tile_wait *wait = rq->state;
    int64_t left = wait->deadline_ms - instant_monotonic();
    AUTO(job_value) struct job job = { 0 };

    if (!job_load(rq->db, rq->arena, service->owner, wait->job, &job, err)) {
        if (err->code != ERR_JobNotFound)
            return false;
        if (tile_cache_has(rq->config, path)) { /* taken by somebody who waited, too */
            err_clear(err);
            return send_tile(rq, reply, service, path, err);
        }
        err_clear(err);
        return err_set(err, ERR_JobFailed, "The tile could not be made; the service's log says why.");
    }
    if (job.state == JOB_FINISHED)
        return send_made(rq, reply, service, &job, path, err);
    if (job.state == JOB_ERROR && job.error_code && !strcmp(job.error_code, err_name(ERR_NoDataAvailable)))
        return job_delete(rq->db, service->owner, job.id, err) && send_empty(rq, reply, service);
    if (job.state != JOB_QUEUED && job.state != JOB_RUNNING)
        return failed(rq, service, tile, &job, err);
    if (left > 0)
        return reply_wait(rq, reply, wait->job, left);
    return err_set(err, ERR_InfrastructureBusy, "The tile is being made and takes longer than %" PRId64 " s: ask again.",
                   rq->config->services_wait);
}

bool service_tile_reply(struct request *rq, struct reply *reply, const char *type, const struct tile *tile,
                        struct err *err)
{
    AUTO(service) struct service service = { 0 };
    AUTO(mem) char *path = NULL;

    if (!service_visit(rq, type, &service, err))
        return false;
    path = tile_cache_path(rq->config, &service, tile);
    if (tile_cache_has(rq->config, path))
        return send_tile(rq, reply, &service, path, err);
    return rq->state ? look(rq, reply, &service, tile, path, err) : start(rq, reply, &service, tile, err);
}

/* ---- who may ask ---- */

#define KEYS_END_MS INT64_C(253402300799000) /* the year 9999: keys end when they are given another name */

static const char *setting(const struct service *service, const char *name)
{
    const char *text = js_text(service->configuration, name);

    return text ? text : "";
}

static bool is_public(const struct service *service)
{
    const char *access = setting(service, "access");

    return !*access || !strcmp(access, "public");
}

/* What a key is signed for: another name of the key makes another key, and the former opens nothing. */
static const char *key_path(struct request *rq, const struct service *service)
{
    return arena_printf(rq->arena, "/services/%s?%s", service->id, setting(service, "key_name"));
}

const char *service_key_query(struct request *rq, const struct service *service)
{
    AUTO(mem) char *key = strcmp(setting(service, "access"), "key")
                              ? NULL : auth_link_token(key_path(rq, service), KEYS_END_MS);

    return key ? arena_printf(rq->arena, "?key=%s", key) : "";
}

const char *service_cache_control(const struct service *service)
{
    return is_public(service) ? "public, max-age=300" : "private, max-age=300";
}

static bool may_visit(struct request *rq, const struct service *service, struct err *err)
{
    const char *key = request_query(rq, "key");

    if (is_public(service) || (rq->user && !strcmp(rq->user->id, service->owner)))
        return true;
    if (!strcmp(setting(service, "access"), "key"))
        return key ? auth_link_check_token(key_path(rq, service), key, err)
                   : err_set(err, ERR_PermissionsInsufficient, "The service is private: its address has a key.");
    return err_set(err, rq->user ? ERR_PermissionsInsufficient : ERR_AuthenticationRequired,
                   "The service is private: its owner alone sees it.");
}

bool service_visit(struct request *rq, const char *type, struct service *ret_service, struct err *err)
{
    const char *id = request_variable(rq, "service_id");

    if (!service_load(rq->db, rq->arena, NULL, id, ret_service, err))
        return false;
    if (strcmp(ret_service->type, type) || !ret_service->enabled)
        return err_set(err, ERR_ServiceNotFound, ret_service->enabled ? "There is no such service."
                                                                      : "The service is switched off.");
    return may_visit(rq, ret_service, err);
}

/* "12.png" */
bool service_path_tile(struct request *rq, struct tile *ret_tile, struct err *err)
{
    AUTO(mem) char *row = mem_text(request_variable(rq, "file"));
    char *dot = strrchr(row, '.');

    if (!dot || strcmp(dot, ".png"))
        return err_set(err, ERR_NotFound, "Tiles are called ROW.png, found '%.60s'.", row);
    *dot = '\0';
    return service_tile_read(request_variable(rq, "z"), request_variable(rq, "x"), row, ret_tile, err);
}

/* GET /xyz/{service_id}/{z}/{x}/{file} */
bool openeo_xyz_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct tile tile;

    return service_path_tile(rq, &tile, err) && service_tile_reply(rq, reply, "xyz", &tile, err);
}
