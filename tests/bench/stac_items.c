/* Synthetic STAC items for benchmarks, on standard output, one a line: Sentinel-2 L2A on the tiles of
 * MGRS and Sentinel-1 GRD slices along made-up orbits, over 2016 to 2023. Nothing is random but by a
 * seed: the k-th item is a function of (seed, k), so any part of a catalogue can be made alone.
 *
 *     stac_items COUNT [--of ALL] [--from K] [--seed N] [--shuffle] [--collections]
 *
 * prints COUNT items of a catalogue of ALL (else of FROM + COUNT), beginning with the K-th. They come in
 * the order of their time, or with --shuffle in none. --collections prints the two collections first.
 * Seven of ten items are Sentinel-2. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAYS = 2922, S2_REPEAT = 5, S2_PASSES = DAYS / S2_REPEAT, S1_REPEAT = 6, S1_PASSES = DAYS / S1_REPEAT,
       TILES_MAX = 60000, FRAMES = 20000 };
#define FIRST_DAY 16801 /* 2016-01-01 in days since 1970 */
#define DEGREE (M_PI / 180)

struct point {
    double x, y;
};

struct tile {
    char name[8];
    int zone;
    bool south;
    double ulx, uly;
};

struct frame { /* a Sentinel-1 slice */
    double lon, lat;
    bool ascending;
};

static struct tile tiles[TILES_MAX];
static struct frame frames[FRAMES];
static size_t n_tiles;
static uint64_t seed = 1;

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* In [0, 1), for the `what`-th property of the thing `key`. */
static double chance(uint64_t key, unsigned what)
{
    return (double)(mix(mix(key ^ seed << 32) + what) >> 11) * 0x1p-53;
}

/* ---- UTM ---- */

/* Inverse transverse Mercator of WGS 84 by Krueger's series, to a millimetre. */
static struct point geographic(int zone, bool south, double easting, double northing)
{
    const double n = 1 / 298.257223563 / (2 - 1 / 298.257223563), n2 = n * n, n3 = n2 * n;
    const double a = 6378137 / (1 + n) * (1 + n2 / 4 + n2 * n2 / 64);
    const double beta[] = { n / 2 - 2 * n2 / 3 + 37 * n3 / 96, n2 / 48 + n3 / 15, 17 * n3 / 480 };
    const double delta[] = { 2 * n - 2 * n2 / 3 - 2 * n3, 7 * n2 / 3 - 8 * n3 / 5, 56 * n3 / 15 };
    double xi = (northing - (south ? 1e7 : 0)) / (0.9996 * a), eta = (easting - 5e5) / (0.9996 * a);
    double x = xi, y = eta, chi, lat;

    for (int j = 0; j < 3; j++) {
        x -= beta[j] * sin(2 * (j + 1) * xi) * cosh(2 * (j + 1) * eta);
        y -= beta[j] * cos(2 * (j + 1) * xi) * sinh(2 * (j + 1) * eta);
    }
    chi = lat = asin(sin(x) / cosh(y));
    for (int j = 0; j < 3; j++)
        lat += delta[j] * sin(2 * (j + 1) * chi);
    return (struct point){ (zone - 1) * 6 - 177 + atan2(sinh(y), cos(x)) / DEGREE, lat / DEGREE };
}

/* Where there is land, roughly, and some islands at 180 degrees: west, south, east, north. */
static const double lands[][4] = {
    { -10, 36, 40, 70 },   { -17, -34, 50, 36 },   { 40, 12, 90, 70 },    { 90, 22, 140, 70 },
    { 95, -10, 150, 20 },  { -128, 26, -66, 60 },  { -165, 58, -128, 70 }, { -108, 8, -78, 26 },
    { -80, -54, -36, 10 }, { 113, -38, 154, -12 }, { 166, -47, 179, -34 }, { 176, -20, 181, -15 },
    { -181, -20, -178, -15 }, { 170, 62, 181, 70 }, { -181, 64, -170, 68 },
};

static bool on_land(struct point p)
{
    for (size_t i = 0; i < sizeof lands / sizeof *lands; i++)
        if (p.x >= lands[i][0] && p.x <= lands[i][2] && p.y >= lands[i][1] && p.y <= lands[i][3])
            return true;
    return false;
}

/* The letters of a 100 km square and of its band of latitude. */
static void name_tile(struct tile *t, int column, long row, double lat)
{
    static const char bands[] = "CDEFGHJKLMNPQRSTUVWX", columns[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    static const char rows[] = "ABCDEFGHJKLMNPQRSTUV";
    int band = (int)floor((lat + 80) / 8);

    snprintf(t->name, sizeof t->name, "%02d%c%c%c", t->zone, bands[band > 19 ? 19 : band],
             columns[(t->zone - 1) % 3 * 8 + column - 1], rows[(row + (t->zone % 2 ? 0 : 5)) % 20]);
}

/* The grid of Sentinel-2: squares of 109.8 km that start at multiples of 100 km, on 60 m. */
static void add_tile(int zone, bool south, int column, long row)
{
    struct tile t = { .zone = zone, .south = south };
    double top = (double)(row + 1) * 1e5, base = south ? 1e7 : 0;
    struct point centre;

    t.ulx = floor(column * 1e5 / 60) * 60;
    t.uly = base + ceil((top - base) / 60) * 60;
    centre = geographic(zone, south, t.ulx + 54900, t.uly - 54900);
    if (fabs(centre.x - ((zone - 1) * 6 - 177)) > 3.4 || !on_land(centre) || n_tiles == TILES_MAX)
        return;
    name_tile(&t, column, row, centre.y);
    tiles[n_tiles++] = t;
}

static void make_tiles(void)
{
    for (int zone = 1; zone <= 60; zone++)
        for (int column = 1; column <= 8; column++) {
            for (long row = 0; row < 80; row++)
                add_tile(zone, false, column, row);
            for (long row = 40; row < 100; row++)
                add_tile(zone, true, column, row);
        }
}

static void make_frames(void)
{
    size_t n = 0;

    for (uint64_t k = 0; n < FRAMES; k++) {
        struct point p = { chance(k, 101) * 360 - 180, asin(chance(k, 102) * 1.75 - 0.82) / DEGREE };

        if (on_land(p) && fabs(p.x) < 176) /* only tiles of Sentinel-2 cross 180 degrees here */
            frames[n++] = (struct frame){ p.x, p.y, chance(k, 103) < 0.5 };
    }
}

/* ---- writing ---- */

static char line[65536];
static size_t length;

__attribute__((format(printf, 1, 2))) static void put(const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(line + length, sizeof line - length, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof line - length)
        abort();
    length += (size_t)n;
}

static void put_plain(const char *text)
{
    size_t n = strlen(text);

    if (n >= sizeof line - length)
        abort();
    memcpy(line + length, text, n + 1);
    length += n;
}

/* Degrees with six decimals, which is what catalogues have. */
static void put_degrees(double degrees)
{
    long long micro = llround(degrees * 1e6);
    char digits[24];
    int end = snprintf(digits, sizeof digits, "%s%lld.%06lld", micro < 0 ? "-" : "", llabs(micro) / 1000000,
                       llabs(micro) % 1000000);

    while (digits[end - 1] == '0' && digits[end - 2] != '.')
        digits[--end] = '\0';
    put_plain(digits);
}

static void put_ring(const struct point *ring, size_t n)
{
    put_plain("[[");
    for (size_t i = 0; i <= n; i++) {
        put_plain(i ? ",[" : "[");
        put_degrees(ring[i % n].x);
        put_plain(",");
        put_degrees(ring[i % n].y);
        put_plain("]");
    }
    put_plain("]]");
}

/* The part of a ring on one side of a meridian. */
static size_t clip(const struct point *ring, size_t n, double at, bool west, double shift, struct point *out)
{
    size_t m = 0;

    for (size_t i = 0; i < n; i++) {
        struct point a = ring[i], b = ring[(i + 1) % n];
        bool a_in = west ? a.x <= at : a.x >= at, b_in = west ? b.x <= at : b.x >= at;

        if (a_in)
            out[m++] = (struct point){ a.x + shift, a.y };
        if (a_in != b_in)
            out[m++] = (struct point){ at + shift, a.y + (b.y - a.y) * (at - a.x) / (b.x - a.x) };
    }
    return m;
}

static void put_bbox(double west, double south, double east, double north)
{
    put_plain(",\"bbox\":[");
    put_degrees(west);
    put_plain(",");
    put_degrees(south);
    put_plain(",");
    put_degrees(east);
    put_plain(",");
    put_degrees(north);
    put_plain("]");
}

/* Geometry and bbox of a ring whose longitudes may pass 180 degrees. */
static void put_place(const struct point *ring, size_t n)
{
    double west = INFINITY, south = INFINITY, east = -INFINITY, north = -INFINITY;

    for (size_t i = 0; i < n; i++) {
        west = fmin(west, ring[i].x), east = fmax(east, ring[i].x);
        south = fmin(south, ring[i].y), north = fmax(north, ring[i].y);
    }
    if (west >= -180 && east <= 180) {
        put_plain("\"geometry\":{\"type\":\"Polygon\",\"coordinates\":");
        put_ring(ring, n);
        put_plain("}");
    } else {
        double at = east > 180 ? 180 : -180;
        struct point part[16];

        put_plain("\"geometry\":{\"type\":\"MultiPolygon\",\"coordinates\":[");
        put_ring(part, clip(ring, n, at, true, at < 0 ? 360 : 0, part));
        put_plain(",");
        put_ring(part, clip(ring, n, at, false, at > 0 ? -360 : 0, part));
        put_plain("]}");
        west += at < 0 ? 360 : 0;
        east -= at > 0 ? 360 : 0;
    }
    put_bbox(west, south, east, north);
}

struct moment {
    int year, month, day, hour, minute, second, ms;
};

static struct moment moment_of(int64_t ms)
{
    int64_t days = ms / 86400000, rest = ms % 86400000, z = days + 719468, era = z / 146097;
    int64_t doe = z - era * 146097, yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);

    return (struct moment){ (int)(yoe + era * 400 + (month <= 2)), month, (int)(doy - (153 * mp + 2) / 5 + 1),
                            (int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60),
                            (int)(rest % 1000) };
}

static void put_moment(const char *name, int64_t ms)
{
    struct moment m = moment_of(ms);

    put(",\"%s\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03d000Z\"", name, m.year, m.month, m.day, m.hour, m.minute,
        m.second, m.ms);
}

static void stamp(char out[static 16], int64_t ms)
{
    struct moment m = moment_of(ms);

    snprintf(out, 16, "%04u%02u%02uT%02u%02u%02u", (unsigned)m.year % 10000, (unsigned)m.month % 100,
             (unsigned)m.day % 100, (unsigned)m.hour % 100, (unsigned)m.minute % 100, (unsigned)m.second % 100);
}

/* ---- Sentinel-2 ---- */

static const struct band {
    const char *key, *file, *common;
    int gsd;
} bands[] = {
    { "blue", "B02", "blue", 10 },     { "green", "B03", "green", 10 },   { "red", "B04", "red", 10 },
    { "nir", "B08", "nir", 10 },       { "swir16", "B11", "swir16", 20 }, { "scl", "SCL", NULL, 20 },
};

static void put_s2_assets(const struct tile *t, const struct moment *m, const char *id)
{
    char base[200];

    snprintf(base, sizeof base, "https://eo.example.org/s2-l2a/%.2s/%c/%.2s/%d/%d/%s", t->name, t->name[2],
             t->name + 3, m->year, m->month, id);
    put_plain(",\"assets\":{");
    for (size_t i = 0; i < sizeof bands / sizeof *bands; i++) {
        const struct band *b = &bands[i];

        put("\"%s\":{\"href\":\"%s/%s.tif\",\"type\":\"image/tiff; application=geotiff; "
            "profile=cloud-optimized\",\"gsd\":%d,", b->key, base, b->file, b->gsd);
        if (b->common)
            put("\"eo:bands\":[{\"name\":\"%s\",\"common_name\":\"%s\"}],", b->file, b->common);
        put_plain("\"roles\":[\"data\"]},");
    }
    put("\"thumbnail\":{\"href\":\"%s/preview.jpg\",\"type\":\"image/jpeg\",\"roles\":[\"thumbnail\"]}}", base);
}

/* Clear and covered skies are more frequent than those in between. */
static double cloud_cover(uint64_t key)
{
    double u = chance(key, 1), v = chance(key, 2);

    return u < 0.4 ? v * v * 20 : u < 0.7 ? 100 - v * v * 20 : v * 100;
}

static void put_s2(uint64_t number)
{
    size_t t_index = (size_t)(number % n_tiles);
    uint64_t pass = number / n_tiles, key = number * 2;
    const struct tile *t = &tiles[(t_index * 7919) % n_tiles];
    uint64_t place = (uint64_t)(t - tiles);
    int orbit = 1 + (int)(chance(place, 50) * 143), baseline = pass < 440 ? 208 + (int)pass / 50 : 509;
    const char *platform = pass % 2 ? "sentinel-2b" : "sentinel-2a";
    double lon = (t->zone - 1) * 6 - 177;
    int64_t at = (FIRST_DAY + (int64_t)pass * S2_REPEAT + orbit % S2_REPEAT) * 86400000 +
                 (int64_t)((10.5 - lon / 15 + 24) * 3600000) % 86400000 + (int64_t)(chance(place, 51) * 600000);
    struct moment m = moment_of(at);
    double cloud = round(cloud_cover(key) * 1e6) / 1e6, size = 109800;
    struct point ring[5] = { geographic(t->zone, t->south, t->ulx, t->uly),
                             geographic(t->zone, t->south, t->ulx, t->uly - size),
                             geographic(t->zone, t->south, t->ulx + size, t->uly - size),
                             geographic(t->zone, t->south, t->ulx + size, t->uly) };
    size_t n = 4;
    char id[80], taken[16], made[16];

    if (chance(key, 3) < 0.3) { /* the edge of the swath cuts a corner */
        double cut = 0.2 + 0.7 * chance(key, 4);

        ring[4] = (struct point){ ring[3].x + (ring[0].x - ring[3].x) * cut,
                                  ring[3].y + (ring[0].y - ring[3].y) * cut };
        ring[3] = (struct point){ ring[3].x + (ring[2].x - ring[3].x) * cut,
                                  ring[3].y + (ring[2].y - ring[3].y) * cut };
        n = 5;
    }
    stamp(taken, at);
    stamp(made, at + 5 * 3600000);
    snprintf(id, sizeof id, "S2%c_MSIL2A_%s_N%04d_R%03d_T%s_%s", platform[10] - 32, taken, baseline, orbit, t->name,
             made);
    put("{\"type\":\"Feature\",\"stac_version\":\"1.0.0\",\"id\":\"%s\",\"collection\":\"sentinel-2-l2a\","
        "\"stac_extensions\":[\"https://stac-extensions.github.io/eo/v1.1.0/schema.json\","
        "\"https://stac-extensions.github.io/sat/v1.0.0/schema.json\","
        "\"https://stac-extensions.github.io/projection/v1.1.0/schema.json\","
        "\"https://stac-extensions.github.io/grid/v1.1.0/schema.json\"],", id);
    put_place(ring, n);
    put(",\"properties\":{\"platform\":\"%s\",\"constellation\":\"sentinel-2\",\"instruments\":[\"msi\"]", platform);
    put_moment("datetime", at);
    put_moment("created", at + 6 * 3600000);
    put_moment("updated", at + 6 * 3600000);
    put(",\"eo:cloud_cover\":%.8g,\"s2:nodata_pixel_percentage\":%.4f,\"s2:vegetation_percentage\":%.4f,"
        "\"s2:water_percentage\":%.4f,\"s2:snow_ice_percentage\":%.4f,\"s2:processing_baseline\":\"%02d.%02d\","
        "\"s2:product_type\":\"S2MSI2A\",\"product:type\":\"S2MSI2A\",\"processing:level\":\"L2\","
        "\"grid:code\":\"MGRS-%s\",\"sat:relative_orbit\":%d,\"sat:orbit_state\":\"descending\","
        "\"sat:absolute_orbit\":%d,\"proj:epsg\":%d,\"gsd\":10,\"view:sun_elevation\":%.4f,\"view:sun_azimuth\":%.4f}",
        cloud, n == 5 ? chance(key, 5) * 60 : 0, (100 - cloud) * chance(key, 6), (100 - cloud) * chance(key, 7) / 3,
        chance(key, 8) * 2, baseline / 100, baseline % 100, t->name, orbit,
        (int)(2700 + pass * 71 + (uint64_t)orbit), (t->south ? 32700 : 32600) + t->zone, 20 + 45 * chance(key, 9),
        140 + 30 * chance(key, 10));
    put_s2_assets(t, &m, id);
    put_plain(",\"links\":[{\"rel\":\"license\",\"href\":\"https://sentinel.esa.int/documents/247904/690755/"
              "Sentinel_Data_Legal_Notice\"}]}\n");
}

/* ---- Sentinel-1 ---- */

static void put_s1_assets(const char *id, const struct moment *m, const char *const *channels, size_t n)
{
    static const char *const about[][3] = {
        { "schema-calibration", "annotation/calibration/calibration-iw", "Calibration look-up table" },
        { "schema-product", "annotation/iw", "Annotation of the product" },
    };
    char base[200];

    snprintf(base, sizeof base, "https://eo.example.org/s1-grd/%d/%d/%d/IW/%s", m->year, m->month, m->day, id);
    put_plain(",\"assets\":{");
    for (size_t i = 0; i < n; i++) {
        put("\"%s\":{\"href\":\"%s/measurement/iw-%s.tiff\",\"type\":\"image/tiff; application=geotiff; "
            "profile=cloud-optimized\",\"title\":\"%s polarization\",\"sar:polarizations\":[\"%c%c\"],"
            "\"roles\":[\"data\"]},", channels[i], base, channels[i], channels[i], channels[i][0] - 32,
            channels[i][1] - 32);
        for (size_t k = 0; k < sizeof about / sizeof *about; k++)
            put("\"%s-%s\":{\"href\":\"%s/%s-%s.xml\",\"type\":\"application/xml\",\"title\":\"%s\","
                "\"roles\":[\"metadata\"]},", about[k][0], channels[i], base, about[k][1], channels[i], about[k][2]);
    }
    put("\"safe-manifest\":{\"href\":\"%s/manifest.safe\",\"type\":\"application/xml\",\"roles\":[\"metadata\"]},"
        "\"thumbnail\":{\"href\":\"%s/preview/quick-look.png\",\"type\":\"image/png\",\"roles\":[\"thumbnail\"]}}", base,
        base);
}

/* A slice of 170 km along and 250 km across an orbit that is inclined by 12 degrees. */
static void frame_ring(const struct frame *f, struct point ring[static 4])
{
    static const double corners[4][2] = { { -125, 85 }, { -125, -85 }, { 125, -85 }, { 125, 85 } };
    double turn = (f->ascending ? -12 : 12) * DEGREE / cos(f->lat * DEGREE * 0.8);

    for (int i = 0; i < 4; i++) {
        double x = corners[i][0] * cos(turn) - corners[i][1] * sin(turn);
        double y = corners[i][0] * sin(turn) + corners[i][1] * cos(turn);

        ring[i] = (struct point){ f->lon + x / 111.3 / cos(f->lat * DEGREE), f->lat + y / 110.6 };
    }
}

static void put_s1(uint64_t number)
{
    static const char *const channels[][2] = { { "vv", "vh" }, { "hh", "hv" } };
    size_t index = (size_t)(number % FRAMES) * 7919 % FRAMES;
    uint64_t pass = number / FRAMES, key = number * 2 + 1;
    const struct frame *f = &frames[index];
    bool polar = fabs(f->lat) > 62, b = pass % 2;
    int orbit = 1 + (int)(chance(index, 60) * 175);
    int64_t start = (FIRST_DAY + (int64_t)pass * S1_REPEAT + orbit % S1_REPEAT) * 86400000 +
                    (int64_t)(chance(index, 61) * 86400000), end = start + 25000;
    struct moment m = moment_of(start);
    struct point ring[4];
    unsigned absolute = (unsigned)(pass * 88 + (uint64_t)orbit + (b ? 1000 : 9000)) % 1000000;
    char id[80], from[16], to[16];

    stamp(from, start);
    stamp(to, end);
    snprintf(id, sizeof id, "S1%c_IW_GRDH_1S%s_%s_%s_%06u_%06X_%04X", b ? 'B' : 'A', polar ? "DH" : "DV", from, to,
             absolute, (unsigned)(mix(key) & 0xffffff), (unsigned)(mix(key + 1) & 0xffff));
    frame_ring(f, ring);
    put("{\"type\":\"Feature\",\"stac_version\":\"1.0.0\",\"id\":\"%s\",\"collection\":\"sentinel-1-grd\","
        "\"stac_extensions\":[\"https://stac-extensions.github.io/sar/v1.0.0/schema.json\","
        "\"https://stac-extensions.github.io/sat/v1.0.0/schema.json\"],", id);
    put_place(ring, 4);
    put(",\"properties\":{\"platform\":\"sentinel-1%c\",\"constellation\":\"sentinel-1\",\"instruments\":[\"c-sar\"]",
        b ? 'b' : 'a');
    put_moment("datetime", start + 12500);
    put_moment("start_datetime", start);
    put_moment("end_datetime", end);
    put_moment("created", start + 3 * 3600000);
    put_moment("updated", start + 3 * 3600000);
    put(",\"sar:instrument_mode\":\"IW\",\"sar:frequency_band\":\"C\",\"sar:center_frequency\":5.405,"
        "\"sar:polarizations\":[\"%s\",\"%s\"],\"sar:product_type\":\"GRD\",\"product:type\":\"GRD\","
        "\"sar:resolution_range\":20,\"sar:resolution_azimuth\":22,\"sar:pixel_spacing_range\":10,"
        "\"sar:pixel_spacing_azimuth\":10,\"sar:looks_range\":5,\"sar:looks_azimuth\":1,"
        "\"sat:orbit_state\":\"%s\",\"sat:relative_orbit\":%d,\"sat:absolute_orbit\":%u,"
        "\"s1:product_timeliness\":\"Fast-24h\",\"processing:level\":\"L1\"}", polar ? "HH" : "VV", polar ? "HV" : "VH",
        f->ascending ? "ascending" : "descending", orbit, absolute);
    put_s1_assets(id, &m, channels[polar], 2);
    put_plain(",\"links\":[]}\n");
}

/* ---- the sequence ---- */

static const char collections[] =
    "{\"type\":\"Collection\",\"stac_version\":\"1.0.0\",\"id\":\"sentinel-2-l2a\",\"title\":\"Sentinel-2 L2A "
    "(synthetic)\",\"description\":\"Made-up items for benchmarks.\",\"license\":\"CC0-1.0\",\"extent\":{\"spatial\":"
    "{\"bbox\":[[-180,-60,180,72]]},\"temporal\":{\"interval\":[[\"2016-01-01T00:00:00Z\",\"2024-01-01T00:00:00Z\"]]}},"
    "\"links\":[]}\n"
    "{\"type\":\"Collection\",\"stac_version\":\"1.0.0\",\"id\":\"sentinel-1-grd\",\"title\":\"Sentinel-1 GRD "
    "(synthetic)\",\"description\":\"Made-up items for benchmarks.\",\"license\":\"CC0-1.0\",\"extent\":{\"spatial\":"
    "{\"bbox\":[[-180,-60,180,72]]},\"temporal\":{\"interval\":[[\"2016-01-01T00:00:00Z\",\"2024-01-01T00:00:00Z\"]]}},"
    "\"links\":[]}\n";

/* Items are spread evenly over all passes over all tiles and frames. Of ten items three are Sentinel-1. */
static void put_item(uint64_t k, uint64_t all)
{
    static const int is_s1[10] = { 0, 0, 1, 0, 0, 1, 0, 0, 1, 0 }, before_s1[10] = { 0, 0, 0, 1, 1, 1, 2, 2, 2, 3 };
    uint64_t s1 = k / 10 * 3 + (uint64_t)before_s1[k % 10], s2 = k - s1, tens = all / 10 + 1;

    length = 0;
    if (is_s1[k % 10])
        put_s1((uint64_t)((double)s1 / (double)(tens * 3) * FRAMES * S1_PASSES));
    else
        put_s2((uint64_t)((double)s2 / (double)(tens * 7) * (double)n_tiles * S2_PASSES));
    fwrite(line, 1, length, stdout);
}

static uint64_t coprime_step(uint64_t all)
{
    static const uint64_t primes[] = { 7368787, 15485863, 32452843, 49979687 };

    for (size_t i = 0; i < sizeof primes / sizeof *primes; i++)
        if (all % primes[i])
            return primes[i];
    return 1;
}

int main(int argc, char **argv)
{
    uint64_t count = 0, from = 0, all = 0;
    bool shuffle = false;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--seed") && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--from") && i + 1 < argc)
            from = strtoull(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--of") && i + 1 < argc)
            all = strtoull(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--shuffle"))
            shuffle = true;
        else if (!strcmp(argv[i], "--collections"))
            fputs(collections, stdout);
        else
            count = strtoull(argv[i], NULL, 10);
    }
    if (all == 0)
        all = from + count;
    make_tiles();
    make_frames();
    if (from + count > all || all > 10000000000u || (double)all * 0.7 > (double)n_tiles * S2_PASSES ||
        (double)all * 0.3 > (double)FRAMES * S1_PASSES) {
        fprintf(stderr, "stac_items: at most %.0f items\n",
                fmin((double)n_tiles * S2_PASSES / 0.7, (double)FRAMES * S1_PASSES / 0.3) - 100);
        return 2;
    }
    for (uint64_t k = from; k < from + count; k++)
        put_item(shuffle ? k * coprime_step(all) % all : k, all);
    return fflush(stdout) ? 1 : 0;
}
