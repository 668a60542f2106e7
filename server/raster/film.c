/* A picture is made of a date in these steps: each band stretched to 0..255 (by the graph, where the range was given; here, by
 * percentiles of all dates), scaled, then one colour of three bands or of a palette, then what is drawn upon it. Where a band
 * says which pixels count, others are shown, but are neither counted nor kept for the dates that follow. */
#include "raster/film.h"
#include "base/mem.h"
#include "graph/formats.h"
#include "graph/picture.h"
#include "raster/lettering.h"
#include "raster/palettes.h"
#include "raster/scaling.h"
#include "raster/stretch.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 3, PLANES = 4 };
enum { GROUND = 0x1b2026 }; /* where there is nothing */

struct film {
    const struct sink_file *file;
    struct picture_size size;
    size_t pixels, n_bands, n_dates; /* pixels: of a plane; bands that are shown */
    bool counts, hides;              /* the last band says what counts; what is shown at all */
    size_t (*planes)[PLANES];        /* of each date: numbers in the file */
    const struct label **dates;
    size_t *shown, n_shown, at;      /* dates */
    struct stretch *stretch;         /* NULL: the values are 0..255 */
    struct scaling *scaling;
    struct lettering *lettering;
    bool classes, hold;
    uint32_t colours[PALETTE_COLOURS];
    float *plane, *bands[SHOWN], *clear; /* as read; as drawn */
    uint32_t *held;
    bool *is_held;
};

static const json_t *option(const struct film *film, const char *name)
{
    return json_object_get(film->file->save->save.options, name);
}

bool film_wanted(const struct plan_node *save)
{
    static const char *const names[] = { "percentiles", "palette", "width", "height", "title", "caption", "credit", "legend", "show" };
    const struct file_format *format = format_find(save->save.format);

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (json_object_get(save->save.options, names[i]))
            return true;
    return format && format->film;
}

int film_width(const struct film *film)
{
    return (int)film->size.width;
}

int film_height(const struct film *film)
{
    return (int)film->size.height;
}

size_t film_count(const struct film *film)
{
    return film->n_shown;
}

void film_free(struct film *film)
{
    if (!film)
        return;
    stretch_free(film->stretch);
    scaling_free(film->scaling);
    lettering_free(film->lettering);
    free(film->planes);
    free(film->dates);
    free(film->shown);
    free(film->plane);
    for (size_t i = 0; i < SHOWN; i++)
        free(film->bands[i]);
    free(film->clear);
    free(film->held);
    free(film->is_held);
    free(film);
}

/* ---- what is in the file ---- */

static size_t temporal(const struct cube_schema *schema)
{
    for (size_t i = 0; i < schema->n_dimensions; i++)
        if (schema->dimensions[i].type == DIM_TEMPORAL)
            return i;
    return SIZE_MAX;
}

/* The number of a date among those of the file; a new one is added. */
static size_t date_of(struct film *film, const struct label *label)
{
    size_t date = 0;

    while (date < film->n_dates && film->dates[date] != label)
        date++;
    if (date == film->n_dates)
        film->dates[film->n_dates++] = label;
    return date;
}

/* The planes of a file come in the order of their dates or of their bands. */
static void sort_planes(struct film *film)
{
    const struct sink_file *file = film->file;
    const struct cube_schema *schema = &file->save->schema;
    size_t t = temporal(schema), most = t == SIZE_MAX ? 1 : schema->dimensions[t].count;
    AUTO(mem) size_t *filled = mem_array(most, sizeof *filled);

    film->planes = mem_array(most, sizeof *film->planes);
    film->dates = mem_array(most, sizeof *film->dates);
    for (size_t i = 0; i < file->n_bands; i++) {
        size_t date = date_of(film, t == SIZE_MAX ? NULL : &schema->dimensions[t].labels[cube_label_of(schema, t, file->planes[i])]);

        if (filled[date] < PLANES)
            film->planes[date][filled[date]++] = i;
    }
    film->n_bands = filled[0];
    film->counts = film->n_bands == 2 || film->n_bands == 4;
    film->n_bands -= film->counts;
}

/* A plane of a date as numbers, NaN where there is none. */
static bool read_plane(struct film *film, size_t date, size_t band, struct err *err)
{
    const struct pixel_kind *kind = &film->file->style.kind;
    AUTO(mem) void *pixels = NULL;

    if (!sink_plane(film->file, film->planes[date][band], &pixels, err))
        return false;
    for (size_t i = 0; i < film->pixels; i++)
        film->plane[i] = (float)sink_value(kind, pixels, i);
    if (kind->pixel == PIXEL_BOOL && band < film->n_bands)
        for (size_t i = 0; i < film->pixels; i++)
            film->plane[i] *= 255;
    return true;
}

/* Which pixels of a date count: all bands are there, and the one that says so is not 0. */
static bool read_clear(struct film *film, size_t date, uint8_t *clear, struct err *err)
{
    memset(clear, 1, film->pixels);
    for (size_t band = 0; band < film->n_bands + film->counts; band++) {
        if (!read_plane(film, date, band, err))
            return false;
        for (size_t i = 0; i < film->pixels; i++)
            clear[i] &= !isnan(film->plane[i]) && (band < film->n_bands || film->plane[i] != 0);
    }
    return true;
}

/* ---- the first look ---- */

static bool look_at_date(struct film *film, size_t date, uint8_t *clear, uint8_t *ever, size_t *ret_count, struct err *err)
{
    *ret_count = 0;
    if (!read_clear(film, date, clear, err))
        return false;
    for (size_t i = 0; i < film->pixels; i++) {
        *ret_count += clear[i];
        ever[i] |= clear[i];
    }
    for (size_t band = 0; film->stretch && band < film->n_bands; band++) {
        if (!read_plane(film, date, band, err))
            return false;
        stretch_count(film->stretch, band, film->plane, clear, film->pixels);
    }
    return true;
}

static bool refuse_all(const struct film *film, double least, double best, struct err *err)
{
    return err_set(err, ERR_FormatUnsuitable,
                   "%s: no date shows %g of the pixels, which least_valid asks for; the best one shows %.3f.",
                   film->file->save->pointer, least, best);
}

static bool choose_dates(struct film *film, const size_t *counts, size_t ever, struct err *err)
{
    double least = json_number_value(option(film, "least_valid")), best = 0;

    for (size_t date = 0; date < film->n_dates; date++) {
        double share = ever ? (double)counts[date] / (double)ever : 0;

        best = fmax(best, share);
        if (share >= least)
            film->shown[film->n_shown++] = date;
    }
    return film->n_shown > 0 || refuse_all(film, least, best, err);
}

/* The least and greatest value of a band over all dates, from the statistics of the blocks. */
static void limits_of(const struct film *film, size_t band, double *ret_least, double *ret_greatest)
{
    *ret_least = INFINITY;
    *ret_greatest = -INFINITY;
    for (size_t date = 0; date < film->n_dates; date++) {
        const struct georef_band *b = &film->file->bands[film->planes[date][band]];

        if (b->has_stats) {
            *ret_least = fmin(*ret_least, b->minimum);
            *ret_greatest = fmax(*ret_greatest, b->maximum);
        }
    }
}

static void begin_stretch(struct film *film)
{
    const json_t *percentiles = option(film, "percentiles"), *gamma = option(film, "gamma");

    if (!percentiles)
        return;
    film->stretch = stretch_new(film->n_bands, json_number_value(json_array_get(percentiles, 0)),
                                json_number_value(json_array_get(percentiles, 1)), gamma ? json_number_value(gamma) : 1);
    for (size_t band = 0; band < film->n_bands; band++) {
        double least, greatest;

        limits_of(film, band, &least, &greatest);
        stretch_limits(film->stretch, band, least, greatest);
    }
}

static bool look(struct film *film, struct err *err)
{
    AUTO(mem) uint8_t *clear = mem_array(film->pixels, 1);
    AUTO(mem) uint8_t *ever = mem_array(film->pixels, 1);
    AUTO(mem) size_t *counts = mem_array(film->n_dates, sizeof *counts);
    size_t n = 0;

    film->shown = mem_array(film->n_dates, sizeof *film->shown);
    begin_stretch(film);
    if (!film->stretch && json_number_value(option(film, "least_valid")) == 0)
        return choose_dates(film, counts, 0, err);
    for (size_t date = 0; date < film->n_dates; date++)
        if (!look_at_date(film, date, clear, ever, &counts[date], err))
            return false;
    if (film->stretch)
        stretch_settle(film->stretch);
    for (size_t i = 0; i < film->pixels; i++)
        n += ever[i];
    return choose_dates(film, counts, n, err);
}

/* ---- colours ---- */

static void read_colours(struct film *film)
{
    const json_t *colormap = option(film, "colormap");
    const char *key;
    json_t *colour;

    palette_fill(json_string_value(option(film, "palette")), film->colours);
    if (!colormap)
        return;
    film->classes = true;
    for (size_t i = 0; i < PALETTE_COLOURS; i++)
        film->colours[i] = GROUND;
    json_object_foreach((json_t *)colormap, key, colour) {
        size_t number = (size_t)strtod(key, NULL);
        uint32_t made = 0;

        for (size_t i = 0; i < 3; i++)
            made = made << 8 | (uint32_t)json_number_value(json_array_get(colour, i));
        if (number < PALETTE_COLOURS)
            film->colours[number] = made;
    }
}

static uint32_t byte_of(float value)
{
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint32_t)(value + 0.5f);
}

/* Of a pixel that is there. */
static uint32_t colour_of(const struct film *film, size_t i)
{
    if (film->n_bands == 1)
        return film->colours[byte_of(film->bands[0][i])];
    return byte_of(film->bands[0][i]) << 16 | byte_of(film->bands[1][i]) << 8 | byte_of(film->bands[2][i]);
}

/* ---- pictures ---- */

static void scale(struct film *film, float *to)
{
    if (film->classes)
        scaling_nearest(film->scaling, film->plane, to);
    else
        scaling_run(film->scaling, film->plane, to);
}

static bool draw_bands(struct film *film, size_t date, struct err *err)
{
    for (size_t band = 0; band < film->n_bands + film->counts; band++) {
        if (!read_plane(film, date, band, err))
            return false;
        if (band == film->n_bands) {
            for (size_t i = 0; i < film->pixels; i++) /* what does not count is a gap */
                film->plane[i] = film->plane[i] != 0 ? 1 : NAN;
            scaling_nearest(film->scaling, film->plane, film->clear);
            continue;
        }
        if (film->stretch)
            stretch_run(film->stretch, band, film->plane, film->pixels);
        scale(film, film->bands[band]);
    }
    return true;
}

static bool is_there(const struct film *film, size_t i)
{
    for (size_t band = 0; band < film->n_bands; band++)
        if (isnan(film->bands[band][i]))
            return false;
    return true;
}

static void draw_colours(struct film *film, uint32_t *pixels)
{
    size_t n = (size_t)film->size.width * (size_t)film->size.height;

    for (size_t i = 0; i < n; i++) {
        bool counted = !film->counts || !isnan(film->clear[i]), there = is_there(film, i) && (counted || !film->hides);
        bool clear = there && counted;

        pixels[i] = there ? colour_of(film, i) : GROUND;
        if (!film->hold)
            continue;
        if (clear) {
            film->held[i] = pixels[i];
            film->is_held[i] = true;
        } else if (film->is_held[i]) {
            pixels[i] = film->held[i];
        }
    }
}

bool film_next(struct film *film, uint32_t *pixels, struct err *err)
{
    size_t n = (size_t)film->size.width * (size_t)film->size.height, date = film->shown[film->at];
    double part = film->n_shown > 1 ? (double)film->at / (double)(film->n_shown - 1) : -1;

    if (film->hold && film->at == 0)
        memset(film->is_held, 0, n * sizeof *film->is_held);
    if (!draw_bands(film, date, err))
        return false;
    draw_colours(film, pixels);
    film->at = (film->at + 1) % film->n_shown;
    return lettering_draw(film->lettering, film->dates[date], part, pixels, err);
}

/* ---- */

/* Videos need even sides. */
static struct picture_size size_of(const struct plan_node *save)
{
    const struct file_format *format = format_find(save->save.format);
    struct picture_size size = picture_fit(&save->schema.grid, save->save.options, true);

    if (format && format->program) {
        size.width = size.width < 2 ? 2 : size.width & ~1;
        size.height = size.height < 2 ? 2 : size.height & ~1;
    }
    return size;
}

static void take_buffers(struct film *film)
{
    const struct grid *grid = &film->file->save->schema.grid;
    size_t n = (size_t)film->size.width * (size_t)film->size.height;

    film->pixels = (size_t)grid->width * (size_t)grid->height;
    film->scaling = scaling_new((size_t)grid->width, (size_t)grid->height, (size_t)film->size.width, (size_t)film->size.height);
    film->plane = mem_array(film->pixels, sizeof *film->plane);
    for (size_t band = 0; band < film->n_bands; band++)
        film->bands[band] = mem_array(n, sizeof *film->bands[band]);
    film->clear = film->counts ? mem_array(n, sizeof *film->clear) : NULL;
    film->held = film->hold ? mem_array(n, sizeof *film->held) : NULL;
    film->is_held = film->hold ? mem_array(n, sizeof *film->is_held) : NULL;
}

/* What the bar of the palette's colours stands for. */
static void legend_of(const struct film *film, struct lettering_wish *wish)
{
    const json_t *range = option(film, "range");

    wish->colours = film->n_bands == 1 && !film->classes ? film->colours : NULL;
    if (film->stretch)
        stretch_ends(film->stretch, 0, &wish->least, &wish->greatest);
    else if (range)
        wish->least = json_number_value(json_array_get(range, 0)), wish->greatest = json_number_value(json_array_get(range, 1));
    else
        wish->greatest = 255;
}

bool film_open(const struct sink_file *file, struct film **ret_film, struct err *err)
{
    AUTO(film) struct film *film = MEM_NEW(struct film);
    struct lettering_wish wish = { .grid = &file->save->schema.grid, .options = file->save->save.options };

    film->file = file;
    film->size = size_of(file->save);
    film->hold = json_is_true(option(film, "hold"));
    film->hides = !format_find(file->save->save.format)->film; /* alpha */
    sort_planes(film);
    take_buffers(film);
    read_colours(film);
    if (!look(film, err))
        return false;
    legend_of(film, &wish);
    wish.width = (int)film->size.width;
    wish.height = (int)film->size.height;
    wish.first = film->dates[film->shown[0]];
    wish.last = film->dates[film->shown[film->n_shown - 1]];
    if (!lettering_new(&wish, &film->lettering, err))
        return false;
    *ret_film = film;
    film = NULL;
    return true;
}
