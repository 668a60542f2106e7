/* A plane is made in squares that lie fixed on its grid, so that no pixel depends on who asked for which window. For a square
 * the elevation model around it is read; the frames of the pass are geocoded onto it one after the other, and a pixel that has a
 * value keeps it. Squares, elevation models and open images are kept for all threads while there is room: blocks that are
 * computed a few rows at a time come back for the same squares, bands and dates for the same ground, and neighbouring squares for
 * the same image. */
#include "raster/radar.h"
#include "base/hoard.h"
#include "base/mem.h"
#include "base/text.h"
#include "sar/layers.h"
#include "sar/ortho_image.h"
#include <errno.h>
#include <math.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

enum { DEM_BYTES = 16 << 20, DEM_MARGIN = 1000 /* metres */ };

struct radar {
    const struct raster_options *options;
    struct hoard *images, *grounds, *pieces;
    atomic_uint_fast64_t pixels;
    atomic_bool told_voids, told_noise;
    sem_t makers; /* so many more may make squares */
};

/* Keys are compared as bytes: what is put in is put into zeros. */
struct grid_key {
    double x0, y0, dx, dy;
    int64_t width, height, epsg;
};
struct image_key {
    const char *href, *before, *after; /* texts of a plan are the same where they are equal: each is a scene's */
    const char *polarisation;
    const struct radar_args *args;
    struct grid_key grid;
};
struct ground_key {
    struct grid_key grid;
    double margin; /* m */
};
struct piece_key {
    const struct load_plane *plane;
    struct grid_key grid;
    int64_t column, row;
};

static struct grid_key key_of_grid(const struct grid *g)
{
    return (struct grid_key){ g->x0, g->y0, g->dx, g->dy, g->width, g->height, g->epsg };
}

static struct grid grid_of_key(const struct grid_key *k)
{
    return (struct grid){ (int)k->epsg, k->x0, k->y0, k->dx, k->dy, k->width, k->height };
}

/* ---- images ---- */

struct shown {
    struct arena *arena;
    struct ortho_frame frame;
    struct ortho_options options;
    struct ortho_image *image;
};

static void shown_drop_all(void *shown)
{
    struct shown *s = shown;

    ortho_image_free(s->image);
    arena_free(s->arena);
    free(s);
}

/* "/data/X.SAFE/measurement/a.tiff" and "/vsizip//data/x.zip/X.SAFE/measurement/a.tiff" are of "/data/X.SAFE" and
 * "/data/x.zip". NULL stays NULL. */
static bool product_of(const struct raster_options *options, const char *href, struct arena *arena, const char **ret_path,
                       struct err *err)
{
    static const char zipped[] = "/vsizip/";
    bool zip = href && text_begins(href, zipped);
    const char *path = zip ? href + strlen(zipped) : href, *end = href ? strstr(path, zip ? ".zip/" : "/measurement/") : NULL;
    AUTO(mem) char *name = NULL;

    *ret_path = NULL;
    if (!href)
        return true;
    if (!end || *path != '/')
        return err_set(err, ERR_SourceUnreadable,
                       "The image '%.300s' cannot be geocoded: expected one in a product's folder or zip on this site's disks.", href);
    path = arena_printf(arena, "%.*s", (int)(end - path) + (zip ? 4 : 0), path);
    if (!access_check(options, path, &name, err))
        return false;
    *ret_path = arena_text(arena, name);
    return true;
}

static bool open_image(void *radar, const void *key_, void **ret_shown, size_t *ret_bytes, struct err *err)
{
    struct radar *r = radar;
    const struct image_key *key = key_;
    const struct config *c = r->options->config;
    struct shown *s = MEM_NEW(struct shown);
    struct ortho_facts facts;

    s->arena = arena_new();
    s->frame = (struct ortho_frame){ .polarisation = key->polarisation, .grid = grid_of_key(&key->grid) };
    s->options = (struct ortho_options){ .calibration = key->args->coefficient, .resampling = "bilinear",
                                         .remove_noise = key->args->remove_noise, .remove_border = true,
                                         .orbits = *c->sar_orbits ? c->sar_orbits : NULL, .threads = 1,
                                         .allowed_paths = r->options->allowed_paths, .spool = r->options->scratch };
    if (!product_of(r->options, key->href, s->arena, &s->frame.product, err) ||
        !product_of(r->options, key->before, s->arena, &s->frame.before, err) ||
        !product_of(r->options, key->after, s->arena, &s->frame.after, err) ||
        !ortho_image_open(&s->frame, &s->options, &s->image, &facts, err)) {
        shown_drop_all(s);
        return false;
    }
    if (*facts.noise_obstacle && r->options->tell && !atomic_exchange(&r->told_noise, true)) { /* of the first one */
        AUTO(mem) char *message = mem_printf("%s %s: thermal noise was not removed: %s", s->frame.product, key->polarisation,
                                             facts.noise_obstacle);

        r->options->tell(r->options->tell_context, "warning", "NoiseNotRemoved", NULL, message, NULL);
    }
    *ret_shown = s;
    *ret_bytes = RADAR_IMAGE_BYTES;
    return true;
}

/* ---- the ground ---- */

static bool read_ground(void *radar, const void *key_, void **ret_dem, size_t *ret_bytes, struct err *err)
{
    struct radar *r = radar;
    const struct config *c = r->options->config;
    const struct ground_key *key = key_;
    const struct dem_options options = { .path = c->sar_dem, .margin = key->margin, .threads = 1,
                                         .geoid = strcmp(c->sar_geoid, "none") && *c->sar_geoid ? c->sar_geoid : NULL };
    const struct grid grid = grid_of_key(&key->grid);
    struct dem *dem;

    if (!dem_read(&options, &grid, &dem, err))
        return false;
    if (dem->n_voids > 0 && r->options->tell && !atomic_exchange(&r->told_voids, true))
        r->options->tell(r->options->tell_context, "warning", "DemGaps", NULL,
                         "The elevation model has no height in some places: the sea's was taken.", NULL);
    *ret_dem = dem;
    *ret_bytes = dem->width * dem->height * (sizeof *dem->heights + sizeof *dem->voids);
    return true;
}

static void drop_ground(void *dem)
{
    dem_free(dem);
}

/* ---- squares ---- */

/* A square while it is made. */
struct making {
    const struct load_plane *plane;
    const struct dem *dem;
    struct grid grid;
    size_t n;
    float *pixels;
};

static bool bring(const struct making *m, const struct view *view, const struct geocode_input *input, enum flatten_area flatten,
                  float *pixels, struct err *err)
{
    const struct geocode_want want = { .view = view, .dem = m->dem, .grid = m->grid, .input = *input, .flatten = flatten,
                                       .method = RESAMPLE_SAR_BILINEAR, .threads = 1, .pixels = pixels };
    struct geocode_report report;

    return geocode(&want, &report, err);
}

static bool float_room(size_t n, float **ret, struct err *err)
{
    *ret = malloc(n * sizeof **ret);
    if (!*ret)
        return err_set(err, ERR_MemoryExceeded, "No memory for %zu pixels of a radar's image.", n);
    for (size_t i = 0; i < n; i++)
        (*ret)[i] = NAN;
    return true;
}

static void fill_gaps(float *pixels, const float *more, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pixels[i] = isnan(pixels[i]) ? more[i] : pixels[i];
}

static bool add_angle(const struct making *m, const struct ortho_image *image, struct err *err)
{
    AUTO(mem) float *angle = NULL;
    struct layers_want want = { .view = ortho_image_view(image), .dem = m->dem, .grid = m->grid, .threads = 1 };

    if (!float_room(m->n, &angle, err))
        return false;
    *(m->plane->layer == RADAR_LOCAL_ANGLE ? &want.local : &want.incidence) = angle;
    if (!layers_make(&want, err))
        return false;
    fill_gaps(m->pixels, angle, m->n);
    return true;
}

/* Where there is backscatter. */
static bool add_mask(const struct making *m, const struct ortho_image *image, struct err *err)
{
    AUTO(mem) float *power = NULL;
    AUTO(mem) uint8_t *mask = malloc(m->n);
    const struct layers_want want = { .view = ortho_image_view(image), .dem = m->dem, .grid = m->grid, .threads = 1, .mask = mask };
    const struct geocode_input input = ortho_image_input(image);

    if (!mask)
        return err_set(err, ERR_MemoryExceeded, "No memory for a mask of %zu pixels.", m->n);
    if (!float_room(m->n, &power, err) || !bring(m, want.view, &input, FLATTEN_NOTHING, power, err) || !layers_make(&want, err))
        return false;
    for (size_t i = 0; i < m->n; i++)
        power[i] = isnan(power[i]) ? NAN : mask[i] ? 0 : 1;
    fill_gaps(m->pixels, power, m->n);
    return true;
}

/* An image of how many pixels fit onto a square metre of the slant plane. */
enum { STEP_LINES = 128, STEP_COLUMNS = 32 }; /* in which that is the same */

static bool no_reader(void *view, void **ret_reader, struct err *err)
{
    (void)view, (void)err;
    *ret_reader = NULL;
    return true;
}

static void end_no_reader(void *view, void *reader)
{
    (void)view, (void)reader;
}

static bool read_density(void *context, void *reader, const struct sar_window *w, float *density, struct err *err)
{
    const struct view *v = context;
    float here = 0;

    (void)reader, (void)err;
    for (size_t y = 0; y < w->height; y++) {
        float *row = density + y * w->width;
        double t = ((double)w->line + (double)(y / STEP_LINES * STEP_LINES)) * v->azimuth_interval;

        if (y % STEP_LINES) {
            memcpy(row, row - w->width, w->width * sizeof *row);
            continue;
        }
        for (size_t x = 0; x < w->width; x++) {
            double range = x % STEP_COLUMNS ? 0 : ground_range_at(v->ground_range, t, (double)w->pixel + (double)x);

            if (x % STEP_COLUMNS == 0)
                here = (float)(1 / (ground_range_step(v->ground_range, t, range) * v->azimuth_spacing));
            row[x] = here;
        }
    }
    return true;
}

/* Flattened, it is how many pixels fit onto a square metre of ground across the line of sight. */
static bool add_area(const struct making *m, const struct ortho_image *image, struct err *err)
{
    const struct view *view = ortho_image_view(image);
    const struct geocode_input input = { (void *)view, no_reader, end_no_reader, read_density };
    AUTO(mem) float *density = NULL;

    if (!float_room(m->n, &density, err) || !bring(m, view, &input, FLATTEN_GAMMA0, density, err))
        return false;
    for (size_t i = 0; i < m->n; i++)
        density[i] = 1 / density[i];
    fill_gaps(m->pixels, density, m->n);
    return true;
}

static bool add_backscatter(const struct making *m, const struct ortho_image *image, struct err *err)
{
    const struct geocode_input input = ortho_image_input(image);

    return bring(m, ortho_image_view(image), &input, ortho_flattens(m->plane->radar->coefficient), m->pixels, err);
}

static bool add_image(const struct making *m, const struct ortho_image *image, struct err *err)
{
    switch (m->plane->layer) {
    case RADAR_BACKSCATTER: return add_backscatter(m, image, err);
    case RADAR_MASK: return add_mask(m, image, err);
    case RADAR_AREA: return add_area(m, image, err);
    case RADAR_LOCAL_ANGLE:
    case RADAR_ELLIPSOID_ANGLE: break;
    }
    return add_angle(m, image, err);
}

static bool add_images(struct radar *r, const struct making *m, const struct grid_key *of_plane, struct err *err)
{
    const struct load_plane *plane = m->plane;

    for (size_t i = 0; i < plane->n_layers; i++) {
        struct image_key key;
        const struct shown *shown;
        bool good;

        memset(&key, 0, sizeof key);
        key.href = plane->layers[i]->href;
        key.polarisation = plane->layers[i]->name;
        key.before = i > 0 ? plane->layers[i - 1]->href : NULL;
        key.after = i + 1 < plane->n_layers ? plane->layers[i + 1]->href : NULL;
        key.args = plane->radar;
        key.grid = *of_plane;
        shown = hoard_take(r->images, &key, err);
        if (!shown)
            return false;
        good = add_image(m, shown->image, err);
        hoard_give(r->images, &key);
        if (!good)
            return err_prefix(err, "%s", shown->frame.product);
    }
    return true;
}

static struct window_rect square_of(const struct grid_key *g, int64_t column, int64_t row)
{
    int64_t x = column * RADAR_SIDE, y = row * RADAR_SIDE;

    return (struct window_rect){ x, y, (size_t)(g->width - x < RADAR_SIDE ? g->width - x : RADAR_SIDE),
                                 (size_t)(g->height - y < RADAR_SIDE ? g->height - y : RADAR_SIDE) };
}

static bool make_alone(void *radar, const void *key_, void **ret_pixels, size_t *ret_bytes, struct err *err)
{
    struct radar *r = radar;
    const struct piece_key *key = key_;
    struct window_rect square = square_of(&key->grid, key->column, key->row);
    struct making m = { .plane = key->plane, .grid = grid_of_key(&key->grid), .n = square.width * square.height };
    struct ground_key ground;
    AUTO(mem) float *pixels = NULL;
    bool good;

    m.grid.x0 += (double)square.x * m.grid.dx;
    m.grid.y0 -= (double)square.y * m.grid.dy;
    m.grid.width = (int64_t)square.width;
    m.grid.height = (int64_t)square.height;
    memset(&ground, 0, sizeof ground);
    ground.grid = key_of_grid(&m.grid);
    ground.margin = DEM_MARGIN + (radar_work_bytes(key->plane) == RADAR_RELIEF_BYTES ? RELIEF_MOST : 0);
    if (!float_room(m.n, &pixels, err) || !(m.dem = hoard_take(r->grounds, &ground, err)))
        return false;
    m.pixels = pixels;
    good = add_images(r, &m, &key->grid, err);
    hoard_give(r->grounds, &ground);
    if (!good)
        return false;
    atomic_fetch_add(&r->pixels, m.n * key->plane->n_layers);
    *ret_pixels = pixels;
    *ret_bytes = m.n * sizeof *pixels;
    pixels = NULL;
    return true;
}

/* What making takes is bounded for all threads together. */
static bool make_square(void *radar, const void *key, void **ret_pixels, size_t *ret_bytes, struct err *err)
{
    struct radar *r = radar;
    bool good;

    while (sem_wait(&r->makers) && errno == EINTR)
        ;
    good = make_alone(r, key, ret_pixels, ret_bytes, err);
    sem_post(&r->makers);
    return good;
}

/* What of the square lies in the window. */
static void copy_square(const float *pixels, const struct window_rect *square, const struct window_rect *w, float *dst)
{
    int64_t left = square->x > w->x ? square->x : w->x, top = square->y > w->y ? square->y : w->y;
    int64_t right = square->x + (int64_t)square->width, bottom = square->y + (int64_t)square->height;

    right = right < w->x + (int64_t)w->width ? right : w->x + (int64_t)w->width;
    bottom = bottom < w->y + (int64_t)w->height ? bottom : w->y + (int64_t)w->height;
    for (int64_t y = top; y < bottom; y++)
        memcpy(dst + (size_t)(y - w->y) * w->width + (size_t)(left - w->x),
               pixels + (size_t)(y - square->y) * square->width + (size_t)(left - square->x), (size_t)(right - left) * sizeof *dst);
}

static int64_t before(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

bool radar_read(struct radar *r, const struct load_want *want, const struct window_rect *w, float *dst, struct err *err)
{
    int64_t right = before(w->x + (int64_t)w->width, want->grid.width), bottom = before(w->y + (int64_t)w->height, want->grid.height);
    int64_t left = w->x < 0 ? 0 : w->x / RADAR_SIDE, top = w->y < 0 ? 0 : w->y / RADAR_SIDE;

    if (w->x < 0 || w->y < 0 || right < w->x + (int64_t)w->width || bottom < w->y + (int64_t)w->height)
        for (size_t i = 0; i < w->width * w->height; i++)
            dst[i] = NAN;
    for (int64_t row = top; row * RADAR_SIDE < bottom; row++)
        for (int64_t column = left; column * RADAR_SIDE < right; column++) {
            struct piece_key key;
            struct window_rect square;
            const float *pixels;

            memset(&key, 0, sizeof key);
            key.plane = want->plane;
            key.grid = key_of_grid(&want->grid);
            key.column = column;
            key.row = row;
            square = square_of(&key.grid, column, row);
            pixels = hoard_take(r->pieces, &key, err);
            if (!pixels)
                return false;
            copy_square(pixels, &square, w, dst);
            hoard_give(r->pieces, &key);
        }
    return true;
}

/* ---- all of it ---- */

bool radar_new(const struct raster_options *options, size_t image_bytes, size_t piece_bytes, size_t makers,
               struct radar **ret_radar, struct err *err)
{
    struct radar *r;

    if (!options->config || !*options->config->sar_dem)
        return err_set(err, ERR_FeatureUnsupported,
                       "This site has no digital elevation model, without which images of a radar cannot be brought onto a map: its "
                       "operator sets sar.dem.");
    r = MEM_NEW(struct radar);
    r->options = options;
    sem_init(&r->makers, 0, (unsigned)makers);
    r->images = hoard_new(&(struct hoard_kind){ sizeof(struct image_key), open_image, shown_drop_all, r }, image_bytes);
    r->grounds = hoard_new(&(struct hoard_kind){ sizeof(struct ground_key), read_ground, drop_ground, r }, DEM_BYTES);
    r->pieces = hoard_new(&(struct hoard_kind){ sizeof(struct piece_key), make_square, free, r }, piece_bytes);
    *ret_radar = r;
    return true;
}

void radar_free(struct radar *r)
{
    if (!r)
        return;
    hoard_free(r->pieces);
    hoard_free(r->grounds);
    hoard_free(r->images);
    sem_destroy(&r->makers);
    free(r);
}

uint64_t radar_pixels(const struct radar *r)
{
    return atomic_load(&r->pixels);
}
