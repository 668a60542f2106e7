/* All sizes are multiples of one unit that grows with the picture. What is the same on all pictures (all but the date and the line
 * at the bottom that says how far a series is) is drawn once and laid over each. Texts are white, with a dark outline, on edges
 * that are a little darkened, so that they can be read on snow as on forest. */
#include "raster/lettering.h"
#include "base/instant.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/js.h"
#include "raster/engine.h"
#include <math.h>
#include <pango/pangocairo.h>
#include <string.h>
#include <strings.h>

enum { SMALLEST = 10 /* pixels: letters that can be read */ };

struct lettering {
    int width, height;
    double unit, margin;
    const char *title, *legend;
    char *caption, *credit;
    bool date, scale, north;
    const uint32_t *colours;
    double least, greatest;
    double metres;  /* of a pixel's width; 0: not known */
    double bearing; /* of the picture's up, clockwise */
    cairo_surface_t *same;
    double date_top; /* where the caption begins */
};

/* ---- dates ---- */

static void add_day(struct text *out, int64_t instant_ms)
{
    static const char *const months[] = { "January", "February", "March", "April", "May", "June", "July", "August", "September",
                                          "October", "November", "December" };
    int64_t year;
    int month, day;

    instant_civil((int64_t)floor((double)instant_ms / 86400000), &year, &month, &day);
    text_printf(out, "%d %s %lld", day, months[month - 1], (long long)year);
}

static void add_date(struct text *out, const struct label *label)
{
    if (!label || label->is_number)
        return;
    if (label->instant_ms == INSTANT_MIN)
        text_add(out, label->text);
    else
        add_day(out, label->instant_ms);
}

/* A day is written as people do. */
static char *caption_of(const char *given)
{
    AUTO(text) struct text out = { 0 };
    int64_t instant_ms;

    if (given && strlen(given) == strlen("2023-08-15") && instant_parse_date(given, &instant_ms))
        add_day(&out, instant_ms);
    else if (given)
        text_add(&out, given);
    return given ? text_take(&out) : NULL;
}

static int64_t year_of(const struct label *label, const char *caption)
{
    int64_t year = 0;
    int month, day;

    if (label && !label->is_number && label->instant_ms != INSTANT_MIN)
        instant_civil((int64_t)floor((double)label->instant_ms / 86400000), &year, &month, &day);
    for (const char *c = caption; !year && c && *c; c++)
        if (strspn(c, "0123456789") == 4)
            year = strtol(c, NULL, 10);
        else
            c += strspn(c, "0123456789") ? strspn(c, "0123456789") - 1 : 0;
    return year;
}

static const char *text_option(const struct lettering_wish *wish, const char *name)
{
    const char *text = js_text(wish->options, name);

    return text && *text ? text : NULL;
}

/* YYYY becomes the year, or the first and the last one. */
static char *credit_of(const struct lettering_wish *wish, const char *caption)
{
    const char *credit = text_option(wish, "credit"), *mark = credit ? strstr(credit, "YYYY") : NULL;
    int64_t first = year_of(wish->first, caption), last = year_of(wish->last, caption);
    AUTO(text) struct text out = { 0 };

    if (!mark)
        return credit ? mem_text(credit) : NULL;
    text_addn(&out, credit, (size_t)(mark - credit));
    if (first)
        text_printf(&out, "%lld", (long long)first);
    if (first && last != first)
        text_printf(&out, "-%lld", (long long)last);
    text_add(&out, mark + strlen("YYYY"));
    return text_take(&out);
}

/* ---- texts ---- */

static PangoLayout *layout_of(const struct lettering *l, cairo_t *cairo, const char *text, double size, bool bold, double width)
{
    PangoLayout *layout = pango_cairo_create_layout(cairo);
    PangoFontDescription *font = pango_font_description_from_string(bold ? "Sans Bold" : "Sans");

    pango_font_description_set_absolute_size(font, fmax(size * l->unit, SMALLEST) * PANGO_SCALE);
    pango_layout_set_font_description(layout, font);
    pango_font_description_free(font);
    pango_layout_set_width(layout, (int)(fmax(width, l->unit) * PANGO_SCALE));
    pango_layout_set_height(layout, -2); /* lines */
    pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
    pango_layout_set_text(layout, text, -1);
    return layout;
}

/* From a corner on; returns how high it is. `right`: the corner is the upper right one. */
static double write_text(const struct lettering *l, cairo_t *cairo, const char *text, double size, bool bold, double x, double y,
                         double width, bool right)
{
    PangoLayout *layout = layout_of(l, cairo, text, size, bold, width);
    int high;

    pango_layout_set_alignment(layout, right ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
    pango_layout_get_pixel_size(layout, NULL, &high);
    cairo_move_to(cairo, right ? x - width : x, y);
    pango_cairo_layout_path(cairo, layout);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_width(cairo, fmax(1.5, 0.16 * size * l->unit));
    cairo_set_source_rgba(cairo, 0, 0, 0, 0.45);
    cairo_stroke_preserve(cairo);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_fill(cairo);
    g_object_unref(layout);
    return high;
}

static void measure(const struct lettering *l, cairo_t *cairo, const char *text, double size, bool bold, double width, int *ret_wide, int *ret_high)
{
    PangoLayout *layout = layout_of(l, cairo, text, size, bold, width);

    pango_layout_get_pixel_size(layout, ret_wide, ret_high);
    g_object_unref(layout);
}

/* ---- edges ---- */

/* Darker towards an edge of the picture. */
static void darken(const struct lettering *l, cairo_t *cairo, double high, bool top)
{
    double from = top ? 0 : l->height, to = top ? high : l->height - high;
    cairo_pattern_t *pattern = cairo_pattern_create_linear(0, from, 0, to);

    cairo_pattern_add_color_stop_rgba(pattern, 0, 0, 0, 0, 0.5);
    cairo_pattern_add_color_stop_rgba(pattern, 0.6, 0, 0, 0, 0.25);
    cairo_pattern_add_color_stop_rgba(pattern, 1, 0, 0, 0, 0);
    cairo_rectangle(cairo, 0, fmin(from, to), l->width, high);
    cairo_set_source(cairo, pattern);
    cairo_fill(cairo);
    cairo_pattern_destroy(pattern);
}

/* ---- the scale ---- */

/* The largest of 1, 2, 5, 10, ... metres that is no longer than `most`. */
static double round_length(double most)
{
    double power = pow(10, floor(log10(most))), lead = most / power;

    return power * (lead >= 5 ? 5 : lead >= 2 ? 2 : 1);
}

static void line(cairo_t *cairo, double wide, double grey, double alpha)
{
    cairo_set_line_width(cairo, wide);
    cairo_set_source_rgba(cairo, grey, grey, grey, alpha);
    cairo_stroke_preserve(cairo);
}

/* Returns its width in pixels. */
static double draw_scale(const struct lettering *l, cairo_t *cairo)
{
    double metres = round_length(l->metres * l->width / 5), wide = metres / l->metres, tick = 0.35 * l->unit;
    double x = l->margin, y = l->height - l->margin, thick = fmax(1.5, l->unit / 9);
    AUTO(text) struct text label = { 0 };
    int high;

    text_printf(&label, metres >= 1000 ? "%g km" : "%g m", metres >= 1000 ? metres / 1000 : metres);
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_SQUARE);
    cairo_move_to(cairo, x, y - tick);
    cairo_line_to(cairo, x, y);
    cairo_line_to(cairo, x + wide, y);
    cairo_line_to(cairo, x + wide, y - tick);
    line(cairo, thick + 2, 0, 0.5);
    line(cairo, thick, 1, 1);
    cairo_new_path(cairo);
    measure(l, cairo, label.data, 0.8, false, l->width, NULL, &high);
    write_text(l, cairo, label.data, 0.8, false, x + 0.3 * l->unit, y - tick - high + 0.1 * l->unit, l->width, false);
    return wide;
}

/* ---- the arrow ---- */

static void half_arrow(cairo_t *cairo, double size, double side)
{
    cairo_move_to(cairo, 0, -size);
    cairo_line_to(cairo, side * size * 0.45, size * 0.75);
    cairo_line_to(cairo, 0, size * 0.42);
    cairo_close_path(cairo);
}

static void draw_north(const struct lettering *l, cairo_t *cairo)
{
    double size = 1.15 * l->unit, high = 1.1 * l->unit;
    double x = l->width - l->margin - 0.6 * l->unit, y = l->margin + high + size;
    int wide;

    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    cairo_rotate(cairo, -l->bearing);
    half_arrow(cairo, size, -1);
    half_arrow(cairo, size, 1);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    line(cairo, fmax(2, l->unit / 6), 0, 0.45);
    cairo_new_path(cairo);
    half_arrow(cairo, size, -1);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_fill(cairo);
    half_arrow(cairo, size, 1);
    cairo_set_source_rgb(cairo, 0.72, 0.74, 0.78);
    cairo_fill(cairo);
    cairo_restore(cairo);
    measure(l, cairo, "N", 0.8, true, l->width, &wide, NULL);
    write_text(l, cairo, "N", 0.8, true, x - wide / 2.0, l->margin - 0.2 * l->unit, 3 * l->unit, false);
}

/* ---- the bar of colours ---- */

static void add_number(struct text *out, double number)
{
    double rounded = fabs(number) < 1e-9 ? 0 : number;

    text_printf(out, fabs(rounded) >= 1000 ? "%.0f" : "%.3g", rounded);
}

/* Returns how high it is, above `bottom`. */
static double draw_bar(const struct lettering *l, cairo_t *cairo, double bottom)
{
    double wide = fmin(l->width * 0.24, 13 * l->unit), high = 0.6 * l->unit, x = l->width - l->margin - wide, y = bottom - high;
    AUTO(text) struct text least = { 0 }, greatest = { 0 };
    int text_high, number_wide;

    add_number(&least, l->least);
    add_number(&greatest, l->greatest);
    cairo_rectangle(cairo, x - 1, y - 1, wide + 2, high + 2);
    cairo_set_source_rgba(cairo, 0, 0, 0, 0.55);
    cairo_fill(cairo);
    for (int i = 0; i < 256; i++) {
        uint32_t c = l->colours[i];

        cairo_rectangle(cairo, x + wide * i / 256, y, wide / 256 + 0.5, high);
        cairo_set_source_rgb(cairo, (c >> 16 & 255) / 255.0, (c >> 8 & 255) / 255.0, (c & 255) / 255.0);
        cairo_fill(cairo);
    }
    measure(l, cairo, greatest.data, 0.7, false, wide, &number_wide, &text_high);
    y -= text_high + 0.15 * l->unit;
    write_text(l, cairo, least.data, 0.7, false, x, y, wide / 2, false);
    write_text(l, cairo, greatest.data, 0.7, false, x + wide, y, wide / 2, true);
    if (l->legend) {
        measure(l, cairo, l->legend, 0.7, true, wide, NULL, &text_high);
        y -= text_high;
        write_text(l, cairo, l->legend, 0.7, true, x + wide, y, wide, true);
    }
    return bottom - y;
}

/* ---- all that stays ---- */

static void draw_top(struct lettering *l, cairo_t *cairo)
{
    double y = l->margin - 0.25 * l->unit, wide = l->width - 2 * l->margin - (l->north ? 2.4 * l->unit : 0);
    bool captioned = l->caption || l->date;

    if (l->title || captioned || l->north)
        darken(l, cairo, y + (l->title ? 2.2 : 0) * l->unit + (captioned || l->north ? 2.6 : 0.6) * l->unit, true);
    if (l->title)
        y += write_text(l, cairo, l->title, 1.35, true, l->margin, y, wide, false) + 0.1 * l->unit;
    if (l->caption)
        write_text(l, cairo, l->caption, 1.1, false, l->margin, y, wide, false);
    l->date_top = y;
    if (l->north)
        draw_north(l, cairo);
}

static void draw_bottom(struct lettering *l, cairo_t *cairo)
{
    double bottom = l->height - l->margin, left = l->margin;
    int high = 0;

    if (l->credit || l->scale || l->colours)
        darken(l, cairo, (l->colours ? 5.2 : 3) * l->unit, false);
    if (l->scale)
        left += draw_scale(l, cairo) + 2 * l->unit;
    if (l->credit) {
        double wide = fmax(l->width - l->margin - left, 4 * l->unit);

        measure(l, cairo, l->credit, 0.62, false, wide, NULL, &high);
        write_text(l, cairo, l->credit, 0.62, false, l->width - l->margin, bottom - high + 0.2 * l->unit, wide, true);
    }
    if (l->colours)
        draw_bar(l, cairo, bottom - high - (high ? 0.35 : 0) * l->unit);
}

static bool good(cairo_status_t status, struct err *err)
{
    return status == CAIRO_STATUS_SUCCESS ||
           err_set(err, status == CAIRO_STATUS_NO_MEMORY ? ERR_MemoryExceeded : ERR_Internal, "A picture could not be drawn upon: %s",
                   cairo_status_to_string(status));
}

static bool has_word(const json_t *words, const char *word)
{
    const json_t *one;
    size_t i;

    json_array_foreach(words, i, one)
        if (!strcasecmp(json_string_value(one), word))
            return true;
    return false;
}

bool lettering_new(const struct lettering_wish *wish, struct lettering **ret_lettering, struct err *err)
{
    const json_t *show = json_object_get(wish->options, "show");
    struct lettering *l = MEM_NEW(struct lettering);
    double across = 0;
    bool placed = raster_bearing(wish->grid, &across, &l->bearing), ok;
    cairo_t *cairo;

    l->width = wish->width;
    l->height = wish->height;
    l->unit = fmin(30, fmax(7, fmin(l->width, l->height * 1.6) / 52));
    l->margin = fmax(6, 1.1 * l->unit);
    l->title = text_option(wish, "title");
    l->caption = caption_of(text_option(wish, "caption"));
    l->legend = text_option(wish, "legend");
    l->credit = credit_of(wish, l->caption);
    l->date = !l->caption && has_word(show, "date") && wish->first;
    l->metres = across * (double)wish->grid->width / l->width;
    l->scale = placed && l->metres > 0 && has_word(show, "scale");
    l->north = placed && has_word(show, "north");
    l->colours = has_word(show, "legend") ? wish->colours : NULL;
    l->least = wish->least;
    l->greatest = wish->greatest;
    l->same = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, l->width, l->height);
    cairo = cairo_create(l->same);
    draw_top(l, cairo);
    draw_bottom(l, cairo);
    ok = good(cairo_status(cairo), err);
    cairo_destroy(cairo);
    if (ok)
        *ret_lettering = l;
    else
        lettering_free(l);
    return ok;
}

void lettering_free(struct lettering *l)
{
    if (!l)
        return;
    cairo_surface_destroy(l->same);
    free(l->caption);
    free(l->credit);
    free(l);
}

/* ---- a picture ---- */

static void draw_part(const struct lettering *l, cairo_t *cairo, double part)
{
    double high = fmax(2, l->unit / 7);

    cairo_rectangle(cairo, 0, l->height - high, l->width, high);
    cairo_set_source_rgba(cairo, 1, 1, 1, 0.25);
    cairo_fill(cairo);
    cairo_rectangle(cairo, 0, l->height - high, l->width * part, high);
    cairo_set_source_rgba(cairo, 1, 1, 1, 0.9);
    cairo_fill(cairo);
}

bool lettering_draw(struct lettering *l, const struct label *date, double part, uint32_t *pixels, struct err *err)
{
    cairo_surface_t *surface = cairo_image_surface_create_for_data((unsigned char *)pixels, CAIRO_FORMAT_RGB24, l->width, l->height,
                                                                   4 * l->width);
    cairo_t *cairo = cairo_create(surface);
    AUTO(text) struct text shown = { 0 };
    bool ok;

    cairo_set_source_surface(cairo, l->same, 0, 0);
    cairo_paint(cairo);
    if (l->date) {
        add_date(&shown, date);
        if (shown.length)
            write_text(l, cairo, shown.data, 1.1, false, l->margin, l->date_top, l->width - 2 * l->margin, false);
        if (part >= 0)
            draw_part(l, cairo, part);
    }
    ok = good(cairo_status(cairo), err);
    cairo_destroy(cairo);
    cairo_surface_finish(surface);
    cairo_surface_destroy(surface);
    return ok;
}
