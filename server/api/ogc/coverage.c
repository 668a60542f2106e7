/* Coverages and maps of collections. What is asked for is a grid; a job computes the collection's graph on it, as it does for
 * a tile of a map, and the request waits for its file. */
#include "api/common/build.h"
#include "api/common/run.h"
#include "api/ogc/collections.h"
#include "graph/crs.h"
#include <math.h>
#include <string.h>

/* ---- which grid ---- */

static bool read_wish(struct request *rq, struct coverage_wish *wish, struct err *err)
{
    const char *name, *value;
    bool known;

    *wish = (struct coverage_wish){ .epsg = 4326, .box_epsg = 4326 };
    for (size_t i = 0; request_query_at(rq, i, &name, &value); i++) {
        if (!coverage_param(wish, name, value, &known, err))
            return false;
        if (!known)
            return err_set(err, ERR_InvalidQueryValue, "%.60s: there is no such query parameter here", name);
    }
    return true;
}

enum { SIDE = 17 };

/* The box around a box of another reference system. Errors: InvalidQueryValue. */
static bool move_box(int from, int to, double box[static 4], struct err *err)
{
    AUTO(crs) struct crs *crs = crs_open();
    AUTO(mem) char *source = mem_printf("EPSG:%d", from), *target = mem_printf("EPSG:%d", to);
    double x[SIDE * SIDE], y[SIDE * SIDE], moved[4] = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    bool known;

    if (from == to)
        return true;
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        x[i] = box[0] + (box[2] - box[0]) * (double)(i % SIDE) / (SIDE - 1);
        y[i] = box[1] + (box[3] - box[1]) * (double)(i / SIDE) / (SIDE - 1);
    }
    known = crs_transform(crs, source, target, SIDE * SIDE, x, y);
    for (size_t i = 0; known && i < SIDE * SIDE; i++) {
        known = isfinite(x[i]) && isfinite(y[i]);
        moved[0] = fmin(moved[0], x[i]);
        moved[1] = fmin(moved[1], y[i]);
        moved[2] = fmax(moved[2], x[i]);
        moved[3] = fmax(moved[3], y[i]);
    }
    memcpy(box, moved, sizeof moved);
    return known || err_set(err, ERR_InvalidQueryValue, "crs: EPSG:%d is not known, or does not reach there from EPSG:%d", to, from);
}

static void whole_box(const struct ogc_coverage *c, int epsg, double box[static 4])
{
    const double own[4] = { c->grid.x0, c->grid.y0 - c->grid.dy * (double)c->grid.height, c->grid.x0 + c->grid.dx * (double)c->grid.width,
                            c->grid.y0 };

    memcpy(box, epsg == c->grid.epsg ? own : c->bbox, sizeof own);
}

/* How wide and high the coverage's own pixels are in the reference system of the answer. */
static bool own_pixels(const struct ogc_coverage *c, int epsg, double *ret_dx, double *ret_dy, struct err *err)
{
    int known = epsg == c->grid.epsg ? epsg : 4326;
    double box[4];

    whole_box(c, known, box);
    if (!move_box(known, epsg, box, err))
        return false;
    *ret_dx = (box[2] - box[0]) / (double)c->grid.width;
    *ret_dy = (box[3] - box[1]) / (double)c->grid.height;
    return true;
}

static bool check_size(double width, double height, struct err *err)
{
    return (width <= COVERAGE_LARGEST_SIDE && height <= COVERAGE_LARGEST_SIDE) ||
           err_set(err, ERR_InvalidQueryValue,
                   "scale-size: the part would have %.0f x %.0f pixels, %d x %d are the most: ask for a smaller box or fewer pixels", width,
                   height, COVERAGE_LARGEST_SIDE, COVERAGE_LARGEST_SIDE);
}

/* In its own reference system, without a size: its own pixels, whole ones. */
static void snap(const struct grid *own, double scale, double box[static 4])
{
    double dx = own->dx * scale, dy = own->dy * scale;

    box[0] = own->x0 + floor((box[0] - own->x0) / dx + 1e-6) * dx;
    box[2] = own->x0 + ceil((box[2] - own->x0) / dx - 1e-6) * dx;
    box[1] = own->y0 - ceil((own->y0 - box[1]) / dy - 1e-6) * dy;
    box[3] = own->y0 - floor((own->y0 - box[3]) / dy + 1e-6) * dy;
}

static bool choose_box(const struct coverage_wish *wish, const struct ogc_coverage *c, double box[static 4], struct err *err)
{
    int whole = wish->has_box[0] || wish->has_box[1] ? wish->box_epsg : wish->epsg;
    double all[4];
    int known = whole == c->grid.epsg ? whole : 4326;

    whole_box(c, known, all);
    if (!move_box(known, whole, all, err))
        return false;
    for (int i = 0; i < 4; i++)
        box[i] = wish->has_box[i % 2] ? wish->box[i] : all[i];
    if (!(box[0] < box[2] && box[1] < box[3]))
        return err_set(err, ERR_InvalidQueryValue, "bbox: there is nothing of the collection");
    return move_box(whole, wish->epsg, box, err);
}

static bool choose_grid(const struct coverage_wish *wish, const struct ogc_coverage *c, struct grid *ret, struct err *err)
{
    double scale = wish->scale > 0 ? wish->scale : 1, dx, dy, box[4], width = (double)wish->width, height = (double)wish->height;

    if (!choose_box(wish, c, box, err) || !own_pixels(c, wish->epsg, &dx, &dy, err))
        return false;
    if (!wish->width && !wish->height && wish->epsg == c->grid.epsg)
        snap(&c->grid, scale, box);
    if (!wish->width)
        width = fmax(1, round(wish->height ? (box[2] - box[0]) / (box[3] - box[1]) * height : (box[2] - box[0]) / dx / scale));
    if (!wish->height)
        height = fmax(1, round(wish->width ? (box[3] - box[1]) / (box[2] - box[0]) * width : (box[3] - box[1]) / dy / scale));
    if (!check_size(width, height, err))
        return false;
    *ret = (struct grid){ .epsg = wish->epsg, .x0 = box[0], .y0 = box[3], .dx = (box[2] - box[0]) / width, .dy = (box[3] - box[1]) / height,
                          .width = (int64_t)width, .height = (int64_t)height };
    return grid_is_sound(ret) || err_set(err, ERR_InvalidQueryValue, "bbox: no place on Earth is there");
}

/* ---- making it ---- */

static bool start(struct request *rq, struct reply *reply, const struct ogc_collection *c, bool numbers, struct err *err)
{
    const struct job_terms terms = run_terms(rq, -1);
    AUTO(json) json_t *picture = NULL, *request = NULL;
    struct ogc_coverage coverage;
    struct coverage_wish wish;
    struct grid g;

    if (!read_wish(rq, &wish, err) || !ogc_collection_survey(rq, c, &coverage, err) || !choose_grid(&wish, &coverage, &g, err))
        return false;
    picture = json_pack("{s:i, s:f, s:f, s:f, s:f, s:I, s:I, s:b}", "epsg", g.epsg, "x0", g.x0, "y0", g.y0, "dx", g.dx, "dy", g.dy, "width",
                        (json_int_t)g.width, "height", (json_int_t)g.height, "numbers", numbers);
    if (wish.has_range)
        json_object_set_new(picture, "options", json_pack("{s:[f, f]}", "range", wish.range[0], wish.range[1]));
    request = json_pack("{s:O, s:s}", "picture", picture, "dialect", dialect_name(DIALECT_OPENEO));
    return run_submit(rq, reply,
                      &(struct job_input){ .owner = rq->user->id, .face = JOB_FACE_SYNC, .process = c->graph, .arguments = c->arguments,
                                           .request = request, .class = CLASS_INTERACTIVE, .terms = &terms },
                      rq->config->http_sync_timeout * 1000, err);
}

static bool send(struct request *rq, struct reply *reply, const struct job *job, const char *media, struct err *err)
{
    struct job_asset *assets;
    size_t count;

    if (job->error_code && !strcmp(job->error_code, err_name(ERR_NoDataAvailable)))
        return reply_empty(reply, 204); /* nothing of it is there */
    if (job->state != JOB_FINISHED)
        return run_refuse_failed(job, err);
    if (!job_asset_list(rq->db, rq->arena, NULL, job->id, &assets, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        json_decref(assets[i].fields);
    if (!count)
        return err_set(err, ERR_Internal, "The computation ended without a file.");
    return reply_file(rq, reply, assets[0].path, media, NULL, err);
}

static bool look(struct request *rq, struct reply *reply, const char *media, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };

    switch (run_look(rq, reply, &job, err)) {
    case RUN_REFUSED: return false;
    case RUN_WAITS: return true;
    case RUN_ENDED: return send(rq, reply, &job, media, err);
    case RUN_LATE: break;
    }
    return job_cancel(rq->db, rq->user->id, job.id, err) &&
           err_set(err, ERR_RequestTimeout, "It was not ready in time: ask for a smaller area or fewer pixels.");
}

static bool answer(struct request *rq, struct reply *reply, bool numbers, struct err *err)
{
    const char *media = numbers ? "image/tiff; application=geotiff" : "image/png";
    const struct run_wait *wait = rq->state;
    AUTO(ogc_collection) struct ogc_collection c = { 0 };
    bool waits;

    if (!ogc_collection_open(rq, reply, &c, &waits, err))
        return false;
    if (waits)
        return true;
    if (!c.graph)
        return err_set(err, ERR_NotFound, "The collection has features: its items are at " OGC_ROOT "/collections/%s/items.", c.row.id);
    return wait && strcmp(wait->job, c.row.job) ? look(rq, reply, media, err) : start(rq, reply, &c, numbers, err);
}

/* GET /ogc/collections/{collectionId}/coverage */
bool ogc_coverage_get(struct request *rq, struct reply *reply, struct err *err)
{
    return answer(rq, reply, true, err);
}

/* GET /ogc/collections/{collectionId}/map */
bool ogc_map_get(struct request *rq, struct reply *reply, struct err *err)
{
    return answer(rq, reply, false, err);
}
