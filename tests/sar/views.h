/* Real annotations of the samples, and images seen through them. */
#ifndef TESTS_SAR_VIEWS_H
#define TESTS_SAR_VIEWS_H

#include "sar/view.h"
#include "tests/sar/given.h"

/* The first annotation of a product with the polarisation in its name; false when the sample is not there. */
/* Heights of the Alps; NULL: the samples are not there. The caller frees. */
static inline char *given_alps(void)
{
    const char *shared = getenv("SENTIER_SHARED"), *root = getenv("srcdir");
    AUTO(mem) char *path = shared ? mem_printf("%s/data/dem/hintereisferner_srtm90.tif", shared)
                                  : mem_printf("%s/../shared/data/dem/hintereisferner_srtm90.tif", root ? root : ".");

    return access(path, R_OK) == 0 ? mem_text(path) : NULL;
}

static inline bool given_annotation(const char *id, const char *polarisation, struct arena *arena,
                                    struct sar_annotation *ret)
{
    AUTO(mem) char *path = given_product(id), *bytes = NULL;
    AUTO(mem) char *folder = mem_printf("%s.SAFE/annotation/s1", id), *wanted = mem_printf("-grd-%s-", polarisation);
    AUTO(container) struct container *container = NULL;
    struct err err = { 0 };
    size_t size = 0;

    if (!path)
        return false;
    if (!container_open(path, &container, &err)) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    for (size_t i = 0; i < container->n_files; i++) {
        const char *name = container->files[i];

        if (strncmp(name, folder, strlen(folder)) || !strstr(name, wanted) || !strstr(name, ".xml"))
            continue;
        if (!container_read(container, name, 64 << 20, &bytes, &size, &err) ||
            !sar_annotation_read(bytes, size, name, arena, ret, &err)) {
            fprintf(stderr, "%s\n", err.message);
            abort();
        }
        return true;
    }
    fprintf(stderr, "%s: no annotation of %s\n", id, polarisation);
    abort();
}

static inline struct view *given_view(const struct sar_annotation *annotation, enum ground_range_mode mode)
{
    struct view *view = NULL;
    struct err err = { 0 };

    if (!view_new(annotation, NULL, 0, mode, &view, &err)) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return view;
}

#endif
