/* Names are letters for columns and rows of 100 km, which repeat; mgrs.def says which squares are tiles, and
 * with that which of the repeated rows is meant. A tile begins at a multiple of 60 m (so that pixels of 10, 20 and 60 m
 * fit) and is 9.8 km wider than its square. Areas are cut to the surroundings of each zone in degrees,
 * then drawn in its metres, where cutting a polygon to a square and measuring what is left is exact. */
#include "sar/mgrs.h"
#include "graph/planner.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct band_rows {
    char band;
    int first_zone, last_zone, first_row;
    const char *columns;
} table[] = {
#define MGRS_BAND(band, first_zone, last_zone, first_row, columns) { band, first_zone, last_zone, first_row, columns },
#include "sar/mgrs.def"
#undef MGRS_BAND
};

static const char column_letters[3][9] = { "STUVWXYZ", "ABCDEFGH", "JKLMNPQR" }; /* by zone % 3 */
static const char row_letters[] = "ABCDEFGHJKLMNPQRSTUV";
static const char band_letters[] = "CDEFGHJKLMNPQRSTUVWX";
enum { ZONES = 60, ROWS = 20, COLUMNS_BYTES = 3, SQUARE = 100000, SOUTH = 10000000 };

static const struct band_rows *rows_of(int zone, char band)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].band == band && zone >= table[i].first_zone && zone <= table[i].last_zone)
            return &table[i];
    return NULL;
}

static size_t count_rows(const struct band_rows *rows)
{
    return (strlen(rows->columns) + 1) / COLUMNS_BYTES;
}

static char row_letter(int zone, int row)
{
    int shifted = row + (zone % 2 == 0 ? 5 : 0);

    return row_letters[((shifted % ROWS) + ROWS) % ROWS];
}

/* column: 1 to 8; row: of 100 km from the equator */
static struct mgrs_tile make_tile(int zone, char band, int column, int row)
{
    bool south = band < 'N';
    struct mgrs_tile tile = { .epsg = (south ? 32700 : 32600) + zone };

    tile.left = 60 * floor(column * (double)SQUARE / 60);
    tile.top = 60 * ceil((row + 1) * (double)SQUARE / 60) + (south ? SOUTH : 0);
    snprintf(tile.id, sizeof tile.id, "%02d%c%c%c", (unsigned)zone % 100, band, column_letters[zone % 3][column - 1],
             row_letter(zone, row));
    return tile;
}

static bool refuse(struct err *err, const char *id, const char *why)
{
    return err_set(err, ERR_InvalidParameter,
                   "'%.20s' is no tile of the Sentinel-2 grid: %s. Expected a name like 31TCJ.", id, why);
}

bool mgrs_find(const char *id, struct mgrs_tile *ret_tile, struct err *err)
{
    const struct band_rows *rows;
    const char *text = (*id == 'T' || *id == 't') && strlen(id) == 6 ? id + 1 : id, *letter;
    int zone, column;

    if (strlen(text) != 5 || !isdigit((unsigned char)text[0]) || !isdigit((unsigned char)text[1]))
        return refuse(err, id, "a name is two digits and three letters");
    zone = (text[0] - '0') * 10 + text[1] - '0';
    if (zone < 1 || zone > ZONES)
        return refuse(err, id, "zones are 01 to 60");
    rows = strchr(band_letters, toupper(text[2])) ? rows_of(zone, (char)toupper(text[2])) : NULL;
    if (!rows)
        return refuse(err, id, "bands are C to X without I and O");
    letter = strchr(column_letters[zone % 3], toupper(text[3]));
    if (!letter)
        return refuse(err, id, "this zone has no such column");
    column = (int)(letter - column_letters[zone % 3]) + 1;
    for (size_t i = 0; i < count_rows(rows); i++) {
        const char *columns = rows->columns + i * COLUMNS_BYTES;
        int row = rows->first_row + (int)i;

        if (row_letter(zone, row) == toupper(text[4]) && column >= columns[0] - '0' && column <= columns[1] - '0') {
            *ret_tile = make_tile(zone, rows->band, column, row);
            return true;
        }
    }
    return refuse(err, id, "there is no such square in this zone and band");
}

/* All tiles of a zone; false when `each` said no. */
static bool each_of_zone(int zone, bool (*each)(void *context, const struct mgrs_tile *tile), void *context)
{
    for (const char *band = band_letters; *band; band++) {
        const struct band_rows *rows = rows_of(zone, *band);

        for (size_t i = 0; i < count_rows(rows); i++) {
            const char *columns = rows->columns + i * COLUMNS_BYTES;

            for (int column = columns[0] - '0'; column <= columns[1] - '0'; column++) {
                struct mgrs_tile tile = make_tile(zone, *band, column, rows->first_row + (int)i);

                if (!each(context, &tile))
                    return false;
            }
        }
    }
    return true;
}

void mgrs_each(bool (*each)(void *context, const struct mgrs_tile *tile), void *context)
{
    for (int zone = 1; zone <= ZONES; zone++)
        if (!each_of_zone(zone, each, context))
            return;
}

/* ---- areas ---- */

/* A closed polygon without its last point. */
struct outline {
    double *x, *y;
    size_t count, room_x, room_y;
    double box[4]; /* of what is drawn in metres: left, bottom, right, top */
};

static void add_point(struct outline *o, double x, double y)
{
    o->x = mem_grow(o->x, &o->room_x, o->count + 1, sizeof *o->x);
    o->y = mem_grow(o->y, &o->room_y, o->count + 1, sizeof *o->y);
    o->x[o->count] = x;
    o->y[o->count++] = y;
}

static void outline_drop(struct outline *o)
{
    free(o->x);
    free(o->y);
}

/* What of `from` lies on the side of the line a x + b y >= c. What a concave polygon falls into stays joined along
 * the line, there and back, which has no area. */
static void cut(const struct outline *from, double a, double b, double c, struct outline *ret)
{
    ret->count = 0;
    for (size_t i = 0; i < from->count; i++) {
        size_t k = i + 1 < from->count ? i + 1 : 0;
        double here = a * from->x[i] + b * from->y[i] - c, there = a * from->x[k] + b * from->y[k] - c;

        if (here >= 0)
            add_point(ret, from->x[i], from->y[i]);
        if ((here >= 0) != (there >= 0)) {
            double t = here / (here - there);

            add_point(ret, from->x[i] + t * (from->x[k] - from->x[i]), from->y[i] + t * (from->y[k] - from->y[i]));
        }
    }
}

/* Cuts *o to the box; `spare` is worked in. */
static void cut_to_box(struct outline *o, struct outline *spare, double left, double bottom, double right, double top)
{
    cut(o, 1, 0, left, spare);
    cut(spare, -1, 0, -right, o);
    cut(o, 0, 1, bottom, spare);
    cut(spare, 0, -1, -top, o);
}

static double area_of(const struct outline *o)
{
    double twice = 0;

    for (size_t i = 0; i < o->count; i++) {
        size_t k = i + 1 < o->count ? i + 1 : 0;

        twice += (o->x[i] - o->x[0]) * (o->y[k] - o->y[0]) - (o->x[k] - o->x[0]) * (o->y[i] - o->y[0]);
    }
    return fabs(twice) / 2;
}

/* Sides are straight in degrees, so they get points between before they are drawn in metres. */
static void densify(const struct outline *from, double step, struct outline *ret)
{
    ret->count = 0;
    for (size_t i = 0; i < from->count; i++) {
        size_t k = i + 1 < from->count ? i + 1 : 0;
        double dx = from->x[k] - from->x[i], dy = from->y[k] - from->y[i];
        int parts = (int)ceil(fmax(fabs(dx), fabs(dy)) / step);

        for (int part = 0; part < (parts > 1 ? parts : 1); part++)
            add_point(ret, from->x[i] + dx * part / (parts > 1 ? parts : 1),
                      from->y[i] + dy * part / (parts > 1 ? parts : 1));
    }
}

/* A ring whose longitudes do not jump, without its repeated last point; its least and greatest longitude. */
static void unroll(const struct ring *ring, struct outline *ret, double ret_range[2])
{
    double turn = 0;

    ret_range[0] = INFINITY;
    ret_range[1] = -INFINITY;
    for (size_t i = 0; i < ring->count; i++) {
        double step = i > 0 ? ring->x[i] - ring->x[i - 1] : 0, x;

        turn += step > 180 ? -360 : step < -180 ? 360 : 0;
        x = ring->x[i] + turn;
        ret_range[0] = fmin(ret_range[0], x);
        ret_range[1] = fmax(ret_range[1], x);
        if (i + 1 < ring->count || ring->x[i] != ring->x[0] || ring->y[i] != ring->y[0])
            add_point(ret, x, ring->y[i]);
    }
}

/* A tile of a zone lies at most so far from its meridian: half a zone of the widest (12 degrees, north of
 * Norway) and a tile, whose degrees grow towards the pole, but not past a quarter of the globe. */
static double reach_of_zone(double most_latitude)
{
    return fmin(8 + 1.3 / cos(fmin(most_latitude, 84) * M_PI / 180), 30);
}

static const double STEP = 0.1; /* of densifying, in degrees: a side is then straight to 20 m at 84 degrees */

struct covering {
    const struct ring *rings;
    struct outline *parts; /* the rings in the metres of a zone, TURNS for each */
    size_t n_rings;
    struct outline work, spare;
    double least_percent;
    size_t most;
    struct mgrs_cover *found;
    size_t count, room;
};
enum { TURNS = 3 }; /* of the globe in which a ring may meet a zone: the nearest, and those beside it */

/* The area of what a part and a tile share. */
static double shared_area(struct covering *c, const struct outline *part, double left, double bottom)
{
    double right = left + MGRS_SIDE, top = bottom + MGRS_SIDE;

    if (part->count == 0 || part->box[0] >= right || part->box[1] >= top || part->box[2] <= left || part->box[3] <= bottom)
        return 0;
    c->work.count = 0;
    for (size_t i = 0; i < part->count; i++)
        add_point(&c->work, part->x[i], part->y[i]);
    cut_to_box(&c->work, &c->spare, left, bottom, right, top);
    return area_of(&c->work);
}

static bool look_at(void *context, const struct mgrs_tile *tile)
{
    struct covering *c = context;
    double bottom = tile->top - MGRS_SIDE - (tile->epsg >= 32700 ? SOUTH : 0), area = 0, percent;

    for (size_t i = 0; i < c->n_rings * TURNS; i++)
        area += shared_area(c, &c->parts[i], tile->left, bottom) * (c->rings[i / TURNS].outer ? 1 : -1);
    percent = 100 * area / ((double)MGRS_SIDE * MGRS_SIDE);
    if (percent <= 0 || percent < c->least_percent)
        return true;
    c->found = mem_grow(c->found, &c->room, c->count + 1, sizeof *c->found);
    c->found[c->count++] = (struct mgrs_cover){ *tile, fmin(percent, 100) };
    return c->count <= c->most;
}

/* What of a ring is near the meridian of a zone, in the zone's metres (northings negative in the south). */
static bool draw(struct covering *c, struct crs *crs, int zone, double meridian, double reach, struct outline *part,
                 struct err *err)
{
    AUTO(mem) char *code = mem_printf("EPSG:%d", 32600 + zone);

    cut_to_box(&c->work, &c->spare, meridian - reach, -90, meridian + reach, 90);
    densify(&c->work, STEP, part);
    if (part->count == 0)
        return true;
    if (!crs_transform(crs, "EPSG:4326", code, part->count, part->x, part->y))
        return err_set(err, ERR_Internal, "%s is not known", code);
    memcpy(part->box, (double[]){ INFINITY, INFINITY, -INFINITY, -INFINITY }, sizeof part->box);
    for (size_t i = 0; i < part->count; i++) {
        if (!isfinite(part->x[i]) || !isfinite(part->y[i]))
            return err_set(err, ERR_Internal, "%s: a corner of the area could not be drawn", code);
        part->box[0] = fmin(part->box[0], part->x[i]);
        part->box[1] = fmin(part->box[1], part->y[i]);
        part->box[2] = fmax(part->box[2], part->x[i]);
        part->box[3] = fmax(part->box[3], part->y[i]);
    }
    return true;
}

static bool draw_ring(struct covering *c, struct crs *crs, int zone, const struct ring *ring, struct outline *parts,
                      struct err *err)
{
    double meridian = zone * 6 - 183, most = 0, range[2];

    for (size_t i = 0; i < ring->count; i++)
        most = fmax(most, fabs(ring->y[i]));
    for (int turn = 0; turn < TURNS; turn++) {
        c->work.count = 0;
        unroll(ring, &c->work, range);
        if (!draw(c, crs, zone, meridian + 360 * (round(((range[0] + range[1]) / 2 - meridian) / 360) + turn - TURNS / 2),
                  reach_of_zone(most), &parts[turn], err))
            return false;
    }
    return true;
}

static bool cover_zone(struct covering *c, struct crs *crs, int zone, struct err *err)
{
    size_t points = 0;

    for (size_t i = 0; i < c->n_rings; i++)
        if (!draw_ring(c, crs, zone, &c->rings[i], &c->parts[i * TURNS], err))
            return false;
    for (size_t i = 0; i < c->n_rings * TURNS; i++)
        points += c->parts[i].count;
    return points == 0 || each_of_zone(zone, look_at, c) ||
           err_set(err, ERR_InvalidParameter, "The area covers more than %zu tiles of the Sentinel-2 grid.", c->most);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct mgrs_cover *)a)->tile.id, ((const struct mgrs_cover *)b)->tile.id);
}

bool mgrs_cover(const struct ring *rings, size_t n_rings, double least_percent, size_t most, struct arena *arena,
                struct mgrs_cover **ret_tiles, size_t *ret_count, struct err *err)
{
    struct covering c = { .rings = rings, .parts = mem_array(n_rings * TURNS, sizeof *c.parts), .n_rings = n_rings,
                          .least_percent = least_percent, .most = most };
    struct crs *crs = crs_open();
    bool good = true;

    for (int zone = 1; good && zone <= ZONES; zone++)
        good = cover_zone(&c, crs, zone, err);
    crs_close(crs);
    if (good) {
        *ret_tiles = arena_array(arena, c.count, sizeof **ret_tiles);
        *ret_count = c.count;
        if (c.count) {
            qsort(c.found, c.count, sizeof *c.found, by_name);
            memcpy(*ret_tiles, c.found, c.count * sizeof *c.found);
        }
    }
    for (size_t i = 0; i < n_rings * TURNS; i++)
        outline_drop(&c.parts[i]);
    outline_drop(&c.work);
    outline_drop(&c.spare);
    free(c.parts);
    free(c.found);
    return good;
}
