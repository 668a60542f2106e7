/* Writes results of hand-made plans for the tests in Python, which look at them with other eyes:
 * make_results FOLDER WHAT THREADS PARTS [MEMORY_MB]. The inputs are FOLDER/in/BAND_DATE.tif. */
#include "base/mem.h"
#include "base/text.h"
#include "tests/raster/plans.h"
#include <stdio.h>
#include <unistd.h>

static const struct instruction ndvi_code[] = {
    { .op = LANE_NORMALIZED_DIFFERENCE, .dst = 2, .a = 1, .b = 0 },
};
static const uint16_t ndvi_out[] = { 2 };
static const struct program ndvi = { .n_inputs = 2, .n_registers = 3, .n_outputs = 1,
                                     .outputs = ndvi_out, .code = ndvi_code, .n_code = 1 };

/* mask by SCL class 9, then ndvi */
static const double nine[] = { 9 };
static const struct instruction masked_code[] = {
    { .op = LANE_CONSTANT, .dst = 3, .constant = 0 },
    { .op = LANE_EQ, .dst = 4, .a = 2, .b = 3 },
    { .op = LANE_NORMALIZED_DIFFERENCE, .dst = 5, .a = 1, .b = 0 },
    { .op = LANE_MASK, .dst = 6, .a = 5, .b = 4 },
};
static const uint16_t masked_out[] = { 6 }, finish_out[] = { 0 };
static const struct program masked = { .n_inputs = 3, .n_registers = 7, .n_outputs = 1,
                                       .outputs = masked_out, .code = masked_code, .n_code = 4,
                                       .constants = nine, .n_constants = 1 };
static const struct program pass = { .n_inputs = 1, .n_registers = 1, .n_outputs = 1,
                                     .outputs = finish_out };
static const struct fold mean_fold[] = { { FOLD_MEAN, false } };

/* the median of all dates, each masked and made an NDVI: one program over all planes */
static struct program *median_program(struct arena *arena, size_t n_t)
{
    struct program *p = arena_alloc(arena, sizeof *p);
    struct instruction *code = arena_array(arena, 3 * n_t + 2, sizeof *code);
    uint16_t *out = arena_alloc(arena, sizeof *out), in = (uint16_t)(3 * n_t), n = 0;
    uint16_t values = (uint16_t)(in + 1), scratch = (uint16_t)(values + n_t);

    code[n++] = (struct instruction){ .op = LANE_CONSTANT, .dst = in, .constant = 0 };
    for (uint16_t t = 0; t < n_t; t++) {
        code[n++] = (struct instruction){ .op = LANE_EQ, .dst = scratch,
                                          .a = (uint16_t)(3 * t + 2), .b = in };
        code[n++] = (struct instruction){ .op = LANE_NORMALIZED_DIFFERENCE,
                                          .dst = (uint16_t)(scratch + 1),
                                          .a = (uint16_t)(3 * t + 1), .b = (uint16_t)(3 * t) };
        code[n++] = (struct instruction){ .op = LANE_MASK, .dst = (uint16_t)(values + t),
                                          .a = (uint16_t)(scratch + 1), .b = scratch };
    }
    *out = (uint16_t)(scratch + 2);
    code[n++] = (struct instruction){ .op = LANE_MEDIAN, .dst = *out, .a = values,
                                      .length = (uint16_t)n_t };
    *p = (struct program){ .n_inputs = in, .n_registers = (uint16_t)(*out + 1), .n_outputs = 1,
                           .outputs = out, .code = code, .n_code = n, .constants = nine,
                           .n_constants = 1 };
    return p;
}

static struct program *mean_program(struct arena *arena, size_t n_t)
{
    struct program *p = arena_alloc(arena, sizeof *p);

    *p = (struct program){ .n_folds = 1, .n_slices = n_t, .folds = mean_fold, .slice = &masked,
                           .finish = &pass, .n_outputs = 1, .outputs = finish_out };
    return p;
}

struct inputs {
    const char *folder;
    struct grid grid;
    size_t n_t;
};

static struct plan_node *load(struct plan_maker *m, const struct inputs *in, const char *band,
                              enum pixel pixel)
{
    const char **paths = arena_array(m->arena, in->n_t, sizeof *paths);

    for (size_t t = 0; t < in->n_t; t++)
        paths[t] = arena_printf(m->arena, "%s/in/%s_%zu.tif", in->folder, band, t);
    return maker_load(m, maker_schema(m, in->grid, in->n_t, 0, NULL, pixel, 0), in->n_t, paths,
                      pixel, 0);
}

/* Three bands a date as planes [t][band] of one node: B04, B08, SCL as uint16. */
static struct plan_node *stack(struct plan_maker *m, const struct inputs *in)
{
    static const char *const names[] = { "B04", "B08", "SCL" };
    const char **paths = arena_array(m->arena, 3 * in->n_t, sizeof *paths);

    for (size_t i = 0; i < 3 * in->n_t; i++)
        paths[i] = arena_printf(m->arena, "%s/in/%s_%zu.tif", in->folder, names[i % 3], i / 3);
    return maker_load(m, maker_schema(m, in->grid, in->n_t, 3, names, PIXEL_U16, 0), 3 * in->n_t,
                      paths, PIXEL_U16, 0);
}

static void make(struct plan_maker *m, const struct inputs *in, const char *what)
{
    struct plan_node *all = stack(m, in), *made = NULL;
    size_t n = 3 * in->n_t;
    struct plane_ref *refs = arena_array(m->arena, n, sizeof *refs);
    uint32_t zero = 0;

    for (uint32_t i = 0; i < n; i++)
        refs[i] = (struct plane_ref){ 0, (int32_t)i };
    if (!strcmp(what, "netCDF") || !strcmp(what, "Zarr")) {
        maker_save(m, all, "cube", what);
        return;
    }
    if (!strcmp(what, "copy") || !strcmp(what, "zstd")) {
        struct plan_node *save = maker_save(m, all, what, "COG");

        if (!strcmp(what, "zstd"))
            save->save.options = json_pack("{s:s}", "compression", "zstd");
        return;
    }
    if (!strcmp(what, "ndvi")) {
        made = maker_apply(m, maker_schema(m, in->grid, in->n_t, 0, NULL, PIXEL_F32, NAN), all,
                           NULL, in->n_t);
        for (uint32_t t = 0; t < in->n_t; t++)
            maker_application(m, made, t, &ndvi, 2, refs + 3 * t, 1, &t);
    } else {
        const struct program *p = !strcmp(what, "mean") ? mean_program(m->arena, in->n_t)
                                                        : median_program(m->arena, in->n_t);
        enum pixel pixel = !strcmp(what, "int") ? PIXEL_I16 : PIXEL_F32;

        made = maker_apply(m, maker_schema(m, in->grid, 0, 0, NULL, pixel, pixel == PIXEL_I16 ? -32768 : NAN), all, NULL, 1);
        maker_application(m, made, 0, p, n, refs, 1, &zero);
    }
    maker_save(m, made, what, !strcmp(what, "json") ? "JSON" : "COG");
    if (!strcmp(what, "both"))
        maker_save(m, load(m, in, "B04", PIXEL_U16), "series", "GTiff");
}

static bool run(const struct plan *plan, const struct raster_options *options, size_t n_parts,
                const char *folder, struct raster_result **ret_result, struct err *err)
{
    struct raster_estimate e;
    AUTO(mem) char **paths = mem_array(n_parts, sizeof *paths);
    bool ok;

    if (!raster_estimate(plan, options, &e, err))
        return false;
    printf("blocks %zu, memory %zu MB, %.2f s\n", e.blocks, e.memory_bytes >> 20, e.seconds);
    ok = true;
    for (size_t i = 0; i < n_parts; i++)
        paths[i] = mem_printf("%s/%zu.part", folder, i);
    for (size_t i = 0; ok && i < n_parts; i++) /* in any order */
        ok = raster_compute(plan, options, e.blocks * i / n_parts, e.blocks * (i + 1) / n_parts,
                            paths[n_parts - 1 - i], err);
    ok = ok && raster_assemble(plan, options, n_parts, (const char *const *)paths, folder,
                               ret_result, err);
    for (size_t i = 0; i < n_parts; i++) {
        unlink(paths[i]);
        free(paths[i]);
    }
    return ok;
}

int main(int argc, char **argv)
{
    struct inputs in = { .n_t = 3 };
    struct raster_options options = { 0 };
    struct plan_maker m;
    struct raster_result *result = NULL;
    struct err err = { 0 };
    AUTO(mem) char *out = NULL;

    if (argc < 5)
        return 2;
    in.folder = argv[1];
    in.grid = (struct grid){ 32633, 500000, 5100000, 10, 10, atoi(getenv("WIDTH")),
                             atoi(getenv("HEIGHT")) };
    options.threads = atoi(argv[3]);
    options.memory_bytes = argc > 5 ? (size_t)atoi(argv[5]) << 20 : 0;
    out = mem_printf("%s/out", argv[1]);
    raster_init();
    maker_init(&m);
    make(&m, &in, argv[2]);
    if (!run(maker_plan(&m), &options, (size_t)atoi(argv[4]), out, &result, &err)) {
        fprintf(stderr, "%s: %s\n", err_name(err.code), err.message);
        arena_free(m.arena);
        return 1;
    }
    for (size_t i = 0; i < result->n_files; i++) {
        const struct raster_file *f = &result->files[i];

        printf("%s %lld", f->name, (long long)f->size_bytes);
        for (size_t b = 0; b < f->n_bands; b++)
            printf(" %s %.9g %.9g %.9g %.9g %.9g", f->bands[b].name, f->bands[b].minimum,
                   f->bands[b].maximum, f->bands[b].mean, f->bands[b].stddev,
                   f->bands[b].valid_percent);
        printf("\n");
    }
    raster_result_free(result);
    for (size_t i = 0; i < m.plan.n_saves; i++)
        json_decref((json_t *)m.saves[i]->save.options);
    arena_free(m.arena);
    return 0;
}
