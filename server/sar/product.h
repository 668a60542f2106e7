/* A Sentinel-1 GRD product as it came: a SAFE folder, or a zip of one, which is not unpacked. Files belong together by
 * their names, and a measurement has to lie there: manifests also name what was never delivered. */
#ifndef SAR_PRODUCT_H
#define SAR_PRODUCT_H

#include "ingest/container.h"
#include "sar/annotation.h"
#include "sar/calibration.h"
#include "sar/noise.h"

/* Names of files in the container. */
struct sar_image {
    char polarisation[4]; /* "VV" */
    const char *measurement, *annotation;
    const char *calibration, *noise; /* NULL: missing */
};

struct sar_product {
    struct arena *arena;
    struct container *container;
    const char *id; /* "S1A_IW_GRDH_1SDV_20210119T031653_20210119T031718_036201_043ED0_8255" */
    char mission[4], mode[4];
    bool ascending;
    int64_t absolute_orbit, relative_orbit;
    int64_t start_ns, stop_ns;
    int ipf; /* version of the processor times 100: 331; 0: the manifest does not tell */
    size_t n_images;
    struct sar_image *images; /* ordered by polarisation */
};

/* The folder of the product, the folder that it lies in alone, or a zip. Errors: FileNotFound; FileContentInvalid, also for
 * names that lead out of a zip. */
bool sar_product_open(const char *path, struct sar_product **ret_product, struct err *err) MUST_USE;
void sar_product_free(struct sar_product *product);
DEFINE_AUTO(sar_product, struct sar_product *, sar_product_free)
/* NULL: the product has no such image. Letters may be small. */
const struct sar_image *sar_product_image(const struct sar_product *product, const char *polarisation);

/* What belongs to an image, in the arena. Errors: FileNotFound, FileContentInvalid (also when the content is that of another
 * image). */
bool sar_image_annotation(const struct sar_product *product, const struct sar_image *image, struct arena *arena,
                          struct sar_annotation *ret_annotation, struct err *err) MUST_USE;
bool sar_image_calibration(const struct sar_product *product, const struct sar_image *image, struct arena *arena,
                           struct sar_calibration *ret_calibration, struct err *err) MUST_USE;
bool sar_image_noise(const struct sar_product *product, const struct sar_image *image, struct arena *arena,
                     struct sar_noise *ret_noise, struct err *err) MUST_USE;
/* Why noise cannot be taken from the image: its file is missing, or of a processor whose vectors are not to be used. NULL: it
 * can be. */
const char *sar_image_noise_obstacle(const struct sar_product *product, const struct sar_image *image);

/* A manifest alone. `name` is for messages. Fills what is not a file. Errors: FileContentInvalid. */
bool sar_manifest_read(const char *bytes, size_t size, const char *name, struct sar_product *product,
                       struct err *err) MUST_USE;

#endif
