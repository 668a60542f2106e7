/* Products in folders and zips, the windows of their measurements, what is cut off at their edges, and everything that a
 * damaged or hostile one may be. */
#include "sar/border.h"
#include "sar/extent.h"
#include "sar/product.h"
#include "tests/sar/safe.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ID MOZAMBIQUE_8255

static uint16_t pattern(int64_t line, int64_t pixel)
{
    return (uint16_t)(line * 7 + pixel * 13 + 1);
}

static struct sar_product *opened(const char *path)
{
    struct sar_product *product = NULL;
    struct err err = { 0 };

    if (!sar_product_open(path, &product, &err))
        fail_msg("%s", err.message);
    return product;
}

static void refused(const char *path, enum err_code code, const char *message)
{
    struct sar_product *product = NULL;
    struct err err = { 0 };

    if (sar_product_open(path, &product, &err))
        fail_msg("%s was taken, expected: %s", path, message);
    if (err.code != code || !strstr(err.message, message))
        fail_msg("%s: %s, expected: %s", path, err.message, message);
}

static void check_product(const char *path)
{
    AUTO(sar_product) struct sar_product *p = opened(path);
    AUTO(arena) struct arena *arena = arena_new();
    const struct sar_image *image = sar_product_image(p, "vv");
    struct sar_annotation annotation;
    struct sar_calibration calibration;
    struct sar_noise noise;
    struct err err = { 0 };

    assert_string_equal(p->id, ID);
    assert_string_equal(p->mission, "S1A");
    assert_string_equal(p->mode, "IW");
    assert_false(p->ascending);
    assert_int_equal(p->absolute_orbit, 36201);
    assert_int_equal(p->relative_orbit, 79);
    assert_int_equal(p->ipf, 331);
    assert_int_equal(p->n_images, 1);
    assert_non_null(image);
    assert_null(sar_product_image(p, "VH"));
    assert_null(sar_image_noise_obstacle(p, image));
    if (!sar_image_annotation(p, image, arena, &annotation, &err) || !sar_image_calibration(p, image, arena, &calibration, &err) ||
        !sar_image_noise(p, image, arena, &noise, &err))
        fail_msg("%s", err.message);
    assert_int_equal(annotation.samples, SAMPLES);
    assert_int_equal(noise.n_azimuth, 3);
}

static void folders_and_zips_are_opened(void **state)
{
    AUTO(mem) char *folder = safe_path("f/" ID ".SAFE"), *above = safe_path("f");
    AUTO(mem) char *packed = NULL, *stored = NULL;

    (void)state;
    safe_make("f/" ID ".SAFE", STEM("vv"), "", pattern, NULL);
    safe_make(ID ".SAFE", STEM("vv"), "", pattern, NULL);
    packed = safe_zip(ID ".SAFE", ID ".SAFE.zip", "deflate", NULL, NULL);
    stored = safe_zip(ID ".SAFE", "stored.zip", "store", NULL, NULL);
    check_product(folder);
    check_product(above);
    check_product(packed);
    check_product(stored);
}

/* Either all files end with -cog, or measurements alone do. */
static void cloud_optimised_products_are_opened(void **state)
{
    AUTO(mem) char *all = safe_path("cog/all/" ID ".SAFE"), *some = safe_path("cog/some/" ID ".SAFE");

    (void)state;
    safe_make("cog/all/" ID ".SAFE", STEM("vv") "-cog", "", pattern, NULL);
    safe_make("cog/some/" ID ".SAFE", STEM("vv"), "-cog", pattern, NULL);
    check_product(all);
    check_product(some);
}

static void damaged_products_are_refused(void **state)
{
    static const struct { const char *old, *new, *message; } manifests[] = {
        { "<s1sarl1:productType>GRD", "<s1sarl1:productType>SLC", "the product is of type SLC, expected GRD" },
        { "<safe:number>A", "<safe:number>AB", "the platform is no Sentinel-1" },
        { "SENTINEL-1<", "SENTINEL-2<", "the platform is no Sentinel-1" },
        { "<s1:pass>DESCENDING", "<s1:pass>DOWN", "has no pass, expected ASCENDING or DESCENDING" },
        { "<safe:orbitNumber type=\"start\">36201", "<safe:orbitNumber type=\"start\">-1", "has no orbitNumber" },
        { "<safe:relativeOrbitNumber type=\"start\">79", "<safe:relativeOrbitNumber type=\"start\">176",
          "has no relativeOrbitNumber, expected a whole number from 1 to 175" },
        { "<safe:stopTime>2021", "<safe:stopTime>2020", "has no acquisitionPeriod with a start and a later end" },
        { "<s1sarl1:mode>IW", "<s1sarl1:mode>INTERFEROMETRIC", "has no mode of the instrument" },
        { "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<!DOCTYPE a [<!ENTITY b \"c\">]>", "DOCTYPE" },
        { "</xfdu:XFDU>", "", "no well-formed XML" },
    };
    AUTO(mem) char *manifest = given_document("manifest_331.safe"), *annotation = safe_annotation("VV"), *path = safe_path("d/" ID ".SAFE");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(manifests); i++) {
        AUTO(mem) char *bad = given_changed(manifest, manifests[i].old, manifests[i].new);
        struct sar_product p = { 0 };
        struct err err = { 0 };

        if (sar_manifest_read(bad, strlen(bad), "manifest.safe", &p, &err) || !strstr(err.message, manifests[i].message))
            fail_msg("%s -> %s: %s", manifests[i].old, manifests[i].new, err.message);
    }
    refused("/nowhere/at/all", ERR_FileNotFound, "/nowhere");
    safe_write_text("d/" ID ".SAFE/readme", "");
    refused(path, ERR_FileContentInvalid, "holds no 'manifest.safe'");
    safe_write_text("d/" ID ".SAFE/manifest.safe", manifest);
    refused(path, ERR_FileContentInvalid, "holds no measurement in 'measurement/'");
    safe_write_text("d/" ID ".SAFE/measurement/" STEM("vv") ".tiff", "");
    refused(path, ERR_FileContentInvalid, "has no annotation, expected 'annotation/" STEM("vv") ".xml'");
    safe_write_text("d/" ID ".SAFE/annotation/" STEM("vv") ".xml", annotation);
    safe_write_text("d/" ID ".SAFE/measurement/s1a-iw-grd-vv-other.tiff", "");
    refused(path, ERR_FileContentInvalid, "holds two measurements of VV");
    safe_write_text("d/again/manifest.safe", manifest);
    AUTO(mem) char *above = safe_path("d");
    refused(above, ERR_FileContentInvalid, "holds several products");
}

static void what_is_missing_is_told(void **state)
{
    AUTO(mem) char *path = safe_path("m/" ID ".SAFE"), *noise = safe_path("m/" ID ".SAFE/annotation/calibration/noise-" STEM("vv") ".xml");
    AUTO(mem) char *calibration = safe_path("m/" ID ".SAFE/annotation/calibration/calibration-" STEM("vv") ".xml");
    AUTO(mem) char *other = safe_annotation("VH"), *manifest = given_document("manifest_331.safe");
    AUTO(mem) char *old = given_changed(manifest, "version=\"003.31\"", "version=\"002.43\"");
    AUTO(arena) struct arena *arena = arena_new();
    struct sar_product *p;
    struct sar_noise n;
    struct sar_calibration c;
    struct sar_annotation a;
    struct err err = { 0 };

    (void)state;
    safe_make("m/" ID ".SAFE", STEM("vv"), "", pattern, NULL);
    safe_write_text("m/" ID ".SAFE/manifest.safe", old);
    p = opened(path);
    assert_int_equal(p->ipf, 243);
    assert_string_equal(sar_image_noise_obstacle(p, p->images), "noise vectors of processors before 2.50 are in another scale");
    sar_product_free(p);
    assert_true(unlink(noise) == 0 && unlink(calibration) == 0);
    safe_write_text("m/" ID ".SAFE/annotation/" STEM("vv") ".xml", other);
    p = opened(path);
    assert_string_equal(sar_image_noise_obstacle(p, p->images), "the product has no noise file");
    assert_false(sar_image_noise(p, p->images, arena, &n, &err));
    assert_true(err.code == ERR_FileNotFound && strstr(err.message, ID ": has no noise of VV"));
    err_clear(&err);
    assert_false(sar_image_calibration(p, p->images, arena, &c, &err));
    assert_true(err.code == ERR_FileNotFound && strstr(err.message, "has no calibration of VV"));
    err_clear(&err);
    assert_false(sar_image_annotation(p, p->images, arena, &a, &err));
    assert_true(err.code == ERR_FileContentInvalid && strstr(err.message, "is of VH, expected VV"));
    sar_product_free(p);
}

static void hostile_zips_are_refused(void **state)
{
    AUTO(mem) char *good = NULL, *bytes = NULL, *cut = safe_path("cut.zip"), *climbing = NULL, *large = NULL, *blanks = mem_alloc((64 << 20) + 2);
    AUTO(container) struct container *folder = NULL;
    struct err err = { 0 };
    size_t size = 0;

    (void)state;
    safe_make(ID ".SAFE", STEM("vv"), "", pattern, NULL);
    good = safe_zip(ID ".SAFE", "good.zip", "deflate", NULL, NULL);
    if (!container_open(safe_folder, &folder, &err) || !container_read(folder, "good.zip", 64 << 20, &bytes, &size, &err))
        fail_msg("%s", err.message);
    for (size_t part = 1; part < 8; part++) {
        safe_write("cut.zip", bytes, size * part / 8);
        refused(cut, ERR_FileContentInvalid, "cannot be read as a zip archive");
    }
    climbing = safe_zip(ID ".SAFE", "climbing.zip", "deflate", "../../etc/cron.d/own", "x");
    refused(climbing, ERR_FileContentInvalid, "holds a file with the unsafe name '../../etc/cron.d/own'");
    memset(blanks, ' ', (64 << 20) + 1);
    safe_write_text("bomb.SAFE/readme", "");
    large = safe_zip("bomb.SAFE", "bomb.zip", "deflate", "bomb.SAFE/manifest.safe", blanks);
    refused(large, ERR_FileContentInvalid, "is larger than 64 MB");
}

/* ---- measurements ---- */

static const struct cut { const char *name; const char *options[5]; } cuts[] = {
    { "lines", { "BLOCKYSIZE=1", NULL } },
    { "packed", { "BLOCKYSIZE=16", "COMPRESS=DEFLATE", "PREDICTOR=2", NULL } },
    { "tiles", { "TILED=YES", "BLOCKXSIZE=256", "BLOCKYSIZE=256", "COMPRESS=DEFLATE", NULL } },
};
static const struct sar_window windows[] = {
    { 0, 0, SAMPLES, LINES }, { 17, 33, 100, 60 }, { 399, 2999, 1, 1 },  { -3, -5, 40, 20 },
    { 390, 2990, 33, 21 },    { -9, 100, 7, 500 }, { 100, -20, 20, 4 }, { 400, 0, 10, 10 },
};

static void check_windows(struct sar_measurement *m, safe_rule *rule)
{
    struct err err = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
        const struct sar_window *w = &windows[i];
        AUTO(mem) uint16_t *dn = mem_array(w->width * w->height, sizeof *dn);

        memset(dn, 0xee, w->width * w->height * sizeof *dn);
        if (!sar_measurement_read(m, w, dn, &err))
            fail_msg("%s", err.message);
        for (size_t k = 0; k < w->width * w->height; k++) {
            int64_t line = w->line + (int64_t)(k / w->width), pixel = w->pixel + (int64_t)(k % w->width);
            bool inside = line >= 0 && line < LINES && pixel >= 0 && pixel < SAMPLES;

            if (dn[k] != (inside ? rule(line, pixel) : 0))
                fail_msg("window %zu, line %lld, pixel %lld: %d", i, (long long)line, (long long)pixel, dn[k]);
        }
    }
}

struct open_image {
    struct sar_product *product;
    struct arena *arena;
    struct sar_annotation annotation;
    struct sar_measurement *measurement;
};

static bool image_open(const char *path, struct open_image *image, struct err *err)
{
    *image = (struct open_image){ .product = opened(path), .arena = arena_new() };
    if (!sar_image_annotation(image->product, image->product->images, image->arena, &image->annotation, err))
        fail_msg("%s", err->message);
    return sar_measurement_open(image->product, image->product->images, &image->annotation, safe_folder, &image->measurement, err);
}

static void image_close(struct open_image *image)
{
    sar_measurement_free(image->measurement);
    sar_product_free(image->product);
    arena_free(image->arena);
}

static void windows_are_those_of_the_image(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        AUTO(mem) char *root = mem_printf("%s.SAFE", cuts[i].name), *zip_name = mem_printf("%s.zip", cuts[i].name);
        AUTO(mem) char *folder = safe_path(root), *zip = NULL;
        const struct sar_window parts[] = { { 10, 20, 1000, 333 }, { 12, 0, 900, 1 } }; /* one over the other */
        struct open_image image;
        struct err err = { 0 };

        safe_make(root, STEM("vv"), "", pattern, cuts[i].options);
        zip = safe_zip(root, zip_name, i ? "deflate" : "store", NULL, NULL);
        for (int k = 0; k < 2; k++) {
            if (!image_open(k ? zip : folder, &image, &err))
                fail_msg("%s", err.message);
            assert_int_equal(sar_measurement_is_sequential(image.measurement), k && i); /* stored: a part of the zip like any file */
            check_windows(image.measurement, pattern);
            if (!sar_measurement_keep(image.measurement, parts, ARRAY_LEN(parts), i == 1 ? safe_folder : NULL, &err))
                fail_msg("%s", err.message);
            check_windows(image.measurement, pattern); /* from memory, or not */
            image_close(&image);
        }
    }
}

/* What is kept needs the file no more. */
static void what_is_kept_is_read_from_memory(void **state)
{
    AUTO(mem) char *zip = safe_path("kept.zip"), *made = NULL;
    struct sar_window part = { 50, 100, 700, 250 }, inside = { 60, 110, 3, 2 }, outside = { 49, 110, 3, 2 };
    struct open_image image;
    struct err err = { 0 };
    uint16_t dn[6];

    (void)state;
    safe_make("kept.SAFE", STEM("vv"), "", pattern, cuts[0].options);
    made = safe_zip("kept.SAFE", "kept.zip", "deflate", NULL, NULL);
    if (!image_open(zip, &image, &err) || !sar_measurement_keep(image.measurement, &part, 1, NULL, &err))
        fail_msg("%s", err.message);
    assert_int_equal(truncate(zip, 100), 0);
    assert_true(sar_measurement_read(image.measurement, &inside, dn, &err));
    assert_true(dn[0] == pattern(60, 110) && dn[5] == pattern(61, 112));
    assert_false(sar_measurement_read(image.measurement, &outside, dn, &err));
    assert_int_equal(err.code, ERR_SourceUnreadable);
    image_close(&image);
}

static void open_refused(const char *path, const char *message)
{
    struct open_image image;
    struct err err = { 0 };

    if (image_open(path, &image, &err))
        fail_msg("%s: was opened", path);
    if (!strstr(err.message, message))
        fail_msg("%s: %s", path, err.message);
    image_close(&image);
}

/* Every way of cutting is truncated; in a folder that is seen at once, in a zip when the lines are read. */
static void truncated_measurements_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        AUTO(mem) char *root = mem_printf("short%zu.SAFE", i), *tiff = mem_printf("%s/measurement/" STEM("vv") ".tiff", root);
        AUTO(mem) char *path = safe_path(root), *tiff_path = safe_path(tiff), *zip = NULL;
        AUTO(mem) uint16_t *dn = mem_array((size_t)LINES * SAMPLES, sizeof *dn);
        struct open_image image;
        struct stat st;
        struct err err = { 0 };

        safe_make(root, STEM("vv"), "", pattern, cuts[i].options);
        assert_true(stat(tiff_path, &st) == 0 && truncate(tiff_path, st.st_size * 2 / 3) == 0);
        open_refused(path, "could not be read");
        zip = safe_zip(root, "short.zip", "deflate", NULL, NULL);
        if (image_open(zip, &image, &err) && sar_measurement_read(image.measurement, windows, dn, &err))
            fail_msg("%s: a truncated measurement was read", cuts[i].name);
        assert_int_equal(err.code, ERR_SourceUnreadable);
        image_close(&image);
    }
}

static void other_measurements_are_refused(void **state)
{
    AUTO(mem) char *path = safe_path("o/" ID ".SAFE"), *annotation = safe_annotation("VV");
    AUTO(mem) char *narrow = given_changed(annotation, "<numberOfSamples>3000", "<numberOfSamples>3001");
    AUTO(mem) char *tiff = safe_path("o/" ID ".SAFE/measurement/" STEM("vv") ".tiff");
    struct open_image image;
    struct err err = { 0 };
    GDALDatasetH made;

    (void)state;
    safe_make("o/" ID ".SAFE", STEM("vv"), "", pattern, NULL);
    image = (struct open_image){ .product = opened(path), .arena = arena_new() };
    assert_true(sar_image_annotation(image.product, image.product->images, image.arena, &image.annotation, &err));
    assert_false(sar_measurement_open(image.product, image.product->images, &image.annotation, "/usr/share", &image.measurement, &err));
    assert_true(strstr(err.message, "lies outside the allowed folders") != NULL);
    image_close(&image);
    safe_write_text("o/" ID ".SAFE/annotation/" STEM("vv") ".xml", narrow);
    open_refused(path, "has 400 lines of 3000 samples, but the annotation tells of 400 lines of 3001 samples");
    made = GDALCreate(GDALGetDriverByName("GTiff"), tiff, 3001, LINES, 1, GDT_Float32, NULL);
    GDALClose(made);
    open_refused(path, "the pixels are not unsigned numbers of 16 bits");
    safe_write_text("o/" ID ".SAFE/measurement/" STEM("vv") ".tiff", "<VRTDataset/>");
    open_refused(path, "could not be read");
}

/* ---- borders ---- */

/* An old image: 300 dark pixels at the left, 40 more for some lines, one line that is bright all over; 700 at the right. */
static uint16_t old_image(int64_t line, int64_t pixel)
{
    int64_t left = 300 + (line > 150 && line < 160 ? 40 : 0), noise = (line * 31 + pixel * 17) % 20;

    if (line == 250)
        return 90;
    if (pixel < left || pixel >= SAMPLES - 700)
        return (uint16_t)(pixel % 11 == 0 ? 200 : noise); /* single bright ones do not end the dark */
    return (uint16_t)(80 + noise);
}

/* Its first half is filled from pixel 2500 on. */
static uint16_t begins_at_coast(int64_t line, int64_t pixel)
{
    return line < 200 && pixel < 2500 ? 0 : 100;
}

static struct sar_border border_of(const char *root, safe_rule *rule, int ipf, const struct sar_border_options *options,
                                  const struct sar_window *part)
{
    AUTO(mem) char *path = safe_path(root);
    struct open_image image;
    struct sar_border border = { 0 };
    struct err err = { 0 };

    safe_make(root, STEM("vv"), "", rule, NULL);
    if (!image_open(path, &image, &err) || !sar_border_find(image.measurement, &image.annotation, ipf, options, part, &border, &err))
        fail_msg("%s", err.message);
    image_close(&image);
    return border;
}

static void old_images_lose_their_sides(void **state)
{
    struct sar_border_options adaptive = sar_border_defaults;
    struct sar_border part, b = border_of("b1.SAFE", old_image, 271, &sar_border_defaults, NULL);

    (void)state;
    assert_true(b.left[0] == 1000 && b.right[399] == 2000 && b.first_line == 0 && b.end_line == LINES);
    sar_border_done(&b);
    b = border_of("b1.SAFE", old_image, 290, &sar_border_defaults, NULL);
    assert_true(sar_border_is_empty(&b));
    sar_border_done(&b);
    adaptive.adaptive = true;
    b = border_of("b1.SAFE", old_image, 271, &adaptive, NULL);
    /* the window of 25 has its median below 25 as long as 13 of it lie in the dark, 11 or 12 of them below 25 */
    for (int y = 0; y < LINES; y++) {
        int near = y > 100 && y < 210 ? 340 : 300;

        if (b.left[y] < near - 16 || b.left[y] > near || b.right[y] < SAMPLES - 700 || b.right[y] > SAMPLES - 700 + 16)
            fail_msg("line %d: %d to %d", y, b.left[y], b.right[y]);
    }
    assert_true(b.left[250] > 280); /* the bright line takes the edge of its neighbours */
    part = border_of("b1.SAFE", old_image, 271, &adaptive, &(struct sar_window){ 120, 0, 500, 90 });
    assert_true(!memcmp(part.left + 120, b.left + 120, 90 * sizeof *b.left) && !memcmp(part.right + 120, b.right + 120, 90 * sizeof *b.left));
    assert_true(part.left[350] == 0);
    sar_border_done(&part);
    sar_border_done(&b);
}

static void partly_filled_ends_are_cut(void **state)
{
    struct sar_border_options options = sar_border_defaults;
    struct sar_border b;
    uint16_t dn[6 * 4];

    (void)state;
    options.azimuth_lines = 220;
    b = border_of("b2.SAFE", begins_at_coast, 331, &options, NULL);
    assert_true(b.first_line == 220 && b.end_line == LINES && b.left[0] == 0);
    for (size_t i = 0; i < ARRAY_LEN(dn); i++)
        dn[i] = 7;
    sar_border_apply(&b, &(struct sar_window){ 218, 10, 6, 4 }, dn);
    assert_true(dn[0] == 0 && dn[11] == 0 && dn[12] == 7 && dn[23] == 7);
    b.left[220] = 12;
    b.right[220] = 15;
    b.left[221] = 16;
    sar_border_apply(&b, &(struct sar_window){ 218, 10, 6, 4 }, dn);
    assert_true(dn[12] == 0 && dn[13] == 0 && dn[14] == 7 && dn[16] == 7 && dn[17] == 0 && dn[18] == 0 && dn[23] == 0);
    sar_border_done(&b);
    b = border_of("b2.SAFE", begins_at_coast, 331, &options, &(struct sar_window){ 220, 0, 10, 10 });
    assert_true(sar_border_is_empty(&b)); /* the begin is of no concern */
    sar_border_done(&b);
    options.azimuth_zeros = 2500; /* the line has exactly as many */
    b = border_of("b2.SAFE", begins_at_coast, 331, &options, NULL);
    assert_true(sar_border_is_empty(&b));
    sar_border_done(&b);
}

static void dark_ends_where_the_median_does(void **state)
{
    uint16_t row[200];

    (void)state;
    for (int i = 0; i < 200; i++)
        row[i] = i < 100 ? 24 : 25;
    assert_int_equal(sar_border_dark(row, 1, 200), 88); /* 12 of 25 are dark */
    assert_int_equal(sar_border_dark(row + 199, -1, 200), 0);
    assert_int_equal(sar_border_dark(row, 1, 60), 35); /* as far as it is looked at */
    assert_int_equal(sar_border_dark(row, 1, 24), 0);
}

/* ---- real ones ---- */

static void real_products_are_opened(void **state)
{
    NEED_SAMPLES();
    static const struct {
        const char *id;
        size_t images;
        int ipf;
        int64_t absolute, relative;
        bool ascending, noise;
    } rows[] = {
        { CEAB, 2, 236, 4739, 117, true, true },        { NEXT_3768, 2, 236, 4739, 117, true, true },
        { MOZAMBIQUE_8255, 2, 331, 36201, 79, false, true }, { ROME_5371, 1, 340, 30148, 22, false, true },
        { ALPS_ECC8, 1, 331, 26269, 168, false, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem) char *path = given_product(rows[i].id);
        struct sar_product *p;
        uint16_t dn[4];

        assert_non_null(path);
        p = opened(path);
        assert_string_equal(p->id, rows[i].id);
        assert_int_equal(p->n_images, rows[i].images);
        assert_int_equal(p->ipf, rows[i].ipf);
        assert_int_equal(p->absolute_orbit, rows[i].absolute);
        assert_int_equal(p->relative_orbit, rows[i].relative);
        assert_int_equal((p->absolute_orbit - (p->mission[2] == 'A' ? 73 : 27)) % 175 + 1, rows[i].relative);
        assert_true(p->ascending == rows[i].ascending && (p->images[0].noise != NULL) == rows[i].noise);
        for (size_t k = 0; k < p->n_images; k++) { /* the numbers tell where they lie: rows in VH, but columns in the one of the Alps */
            bool rows_told = !strcmp(p->images[k].polarisation, "VH") && rows[i].images == 2;
            AUTO(arena) struct arena *arena = arena_new();
            AUTO(sar_measurement) struct sar_measurement *m = NULL;
            struct sar_annotation a;
            struct err err = { 0 };

            if (!sar_image_annotation(p, &p->images[k], arena, &a, &err) ||
                !sar_measurement_open(p, &p->images[k], &a, NULL, &m, &err) ||
                !sar_measurement_read(m, &(struct sar_window){ 1234, 5678, 2, 2 }, dn, &err))
                fail_msg("%s", err.message);
            assert_true(dn[0] == (rows_told ? 1234 : 5678) && dn[3] == (rows_told ? 1235 : 5679));
        }
        sar_product_free(p);
    }
}

/* Wherever a pixel of a grid lies, at whatever height, its place in the image is in the extent. The grids: all in the image; across its
 * edge; a corner; elsewhere. */
static void grids_have_an_extent(void **state)
{
    NEED_SAMPLES();
    static const struct { double east, north; bool any; } rows[] = {
        { 0, 0, true }, { 100000, 60000, true }, { 165000, 100000, true }, { 900000, 0, false },
    };
    AUTO(mem) char *path = given_product(MOZAMBIQUE_8255);
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(sar_product) struct sar_product *p = NULL;
    AUTO(view) struct view *view = NULL;
    AUTO(crs) struct crs *crs = crs_open();
    struct dem dem = { .lowest = -20, .highest = 2100 };
    struct sar_annotation a;
    struct err err = { 0 };

    (void)state;
    assert_non_null(path);
    p = opened(path);
    if (!sar_image_annotation(p, p->images, arena, &a, &err) || !view_new(&a, NULL, 0, GROUND_RANGE_LINEAR, &view, &err))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct grid grid = { .epsg = 32736, .x0 = 500000 + rows[i].east, .y0 = 8040000 + rows[i].north, .dx = 10, .dy = 10,
                             .width = 10980, .height = 10980 };
        struct sar_window window;
        size_t seen = 0;

        if (!sar_extent(view, &dem, &grid, crs, &window, &err))
            fail_msg("%s", err.message);
        for (int k = 0; k < 4000; k++) {
            double x = grid.x0 + rand() % 109800, y = grid.y0 - rand() % 109800, height = -20 + rand() % 2120;
            struct view_place place;

            assert_true(crs_transform(crs, "EPSG:32736", "EPSG:4326", 1, &x, &y));
            if (!view_find(view, y, x, height, &place))
                continue;
            seen++;
            assert_true(place.line < 2 || place.line >= (double)window.line + 2);
            assert_true(place.column < 2 || place.column >= (double)window.pixel + 2);
            assert_true(place.line > (double)a.lines - 4 || place.line <= (double)(window.line + (int64_t)window.height) - 3);
            assert_true(place.column > (double)a.samples - 4 || place.column <= (double)(window.pixel + (int64_t)window.width) - 3);
        }
        print_message("%zu of 4000 in %zu x %zu\n", seen, window.width, window.height);
        assert_true((seen > 0) == rows[i].any && (window.width > 0) == rows[i].any);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_and_zips_are_opened),
        cmocka_unit_test(cloud_optimised_products_are_opened),
        cmocka_unit_test(damaged_products_are_refused),
        cmocka_unit_test(what_is_missing_is_told),
        cmocka_unit_test(hostile_zips_are_refused),
        cmocka_unit_test(windows_are_those_of_the_image),
        cmocka_unit_test(what_is_kept_is_read_from_memory),
        cmocka_unit_test(truncated_measurements_are_refused),
        cmocka_unit_test(other_measurements_are_refused),
        cmocka_unit_test(old_images_lose_their_sides),
        cmocka_unit_test(partly_filled_ends_are_cut),
        cmocka_unit_test(dark_ends_where_the_median_does),
        cmocka_unit_test(real_products_are_opened),
        cmocka_unit_test(grids_have_an_extent),
    };

    raster_init();
    return cmocka_run_group_tests(tests, safe_begin, safe_end);
}
