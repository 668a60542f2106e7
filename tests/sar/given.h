/* What tests of Sentinel-1 products read: small documents of the fuzzers' corpus, and real products where the samples
 * lie (SENTIER_SHARED, or "shared" beside the sources). */
#ifndef TESTS_SAR_GIVEN_H
#define TESTS_SAR_GIVEN_H

#include "base/text.h"
#include "ingest/container.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CEAB "S1A_IW_GRDH_1SDV_20150222T170725_20150222T170750_004739_005DD8_CEAB"
#define NEXT_3768 "S1A_IW_GRDH_1SDV_20150222T170750_20150222T170815_004739_005DD8_3768"
#define MOZAMBIQUE_8255 "S1A_IW_GRDH_1SDV_20210119T031653_20210119T031718_036201_043ED0_8255"
#define ROME_5371 "S1B_IW_GRDH_1SDV_20211223T051122_20211223T051147_030148_039993_5371"
#define ALPS_ECC8 "S1B_IW_GRDH_1SDV_20210401T052623_20210401T052648_026269_032297_ECC8"

/* The caller frees. */
static inline char *given_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct text text = { 0 };
    char buffer[65536];
    size_t got;

    if (!file) {
        perror(path);
        abort();
    }
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0)
        text_addn(&text, buffer, got);
    fclose(file);
    return text_take(&text);
}

static inline char *given_document(const char *name)
{
    AUTO(mem) char *path = mem_printf("%s/tests/fuzz/corpus/sar_xml/%s", getenv("srcdir") ? getenv("srcdir") : ".", name);

    return given_text(path);
}

/* A copy with the first `old` replaced. */
static inline char *given_changed(const char *text, const char *old, const char *new)
{
    const char *at = strstr(text, old);

    if (!at) {
        fprintf(stderr, "no '%s' to change\n", old);
        abort();
    }
    return mem_printf("%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
}

/* A file of the samples of Sentinel-1; NULL when they are not there. The caller frees. */
static inline char *given_sample(const char *name)
{
    const char *shared = getenv("SENTIER_SHARED"), *root = getenv("srcdir");
    char *path = shared ? mem_printf("%s/data/s1/%s", shared, name)
                        : mem_printf("%s/../shared/data/s1/%s", root ? root : ".", name);

    if (access(path, R_OK) == 0)
        return path;
    free(path);
    return NULL;
}

/* The first statement of a test: skip() jumps, and what the test holds by then would never be freed. */
#define NEED_SAMPLES()                                                                             \
    do {                                                                                           \
        char *sample_ = given_sample("expected_values.json");                                      \
        bool there_ = sample_;                                                                     \
        free(sample_);                                                                             \
        if (!there_)                                                                               \
            skip();                                                                                \
    } while (0)

/* The zip of a product called so; NULL when it is not there. */
static inline char *given_product(const char *id)
{
    AUTO(mem) char *name = mem_printf("%s.SAFE.zip", id);

    return given_sample(name);
}

#endif
