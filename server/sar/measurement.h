/* The numbers of an image: windows of uint16 from the TIFF in a folder or in a zip, whichever way it is cut and packed. */
#ifndef SAR_MEASUREMENT_H
#define SAR_MEASUREMENT_H

#include "raster/source.h"
#include "sar/product.h"
#include "sar/radiometry.h"

/* Belongs to one thread, unless a part of it is kept. */
struct sar_measurement;

/* The file must have the lines and samples that the annotation tells, and all of its pixels. `allowed_paths` as in struct
 * raster_options. Errors: SourceUnreadable, FileContentInvalid. */
bool sar_measurement_open(const struct sar_product *product, const struct sar_image *image,
                          const struct sar_annotation *annotation, const char *allowed_paths,
                          struct sar_measurement **ret_measurement, struct err *err) MUST_USE;
void sar_measurement_free(struct sar_measurement *measurement);
DEFINE_AUTO(sar_measurement, struct sar_measurement *, sar_measurement_free)

/* Numbers of pixels that lie outside of the image are 0. Rows follow each other without gaps. Errors: SourceUnreadable. */
bool sar_measurement_read(struct sar_measurement *measurement, const struct sar_window *window, uint16_t *dn,
                          struct err *err) MUST_USE;

/* A measurement that is packed in a zip is unpacked from its begin to the window that is read, so windows that are not asked for from the first line
 * to the last cost many times as much as the file. */
bool sar_measurement_is_sequential(const struct sar_measurement *measurement);
/* Reads parts that lie in the image, once, from its first line to its last, into memory, or into files without a name in the folder
 * `spool` (NULL: memory; single lines always). From then on any thread may read windows: those in a part come from there.
 * Errors: SourceUnreadable, MemoryExceeded, StorageFailure. */
enum { SAR_MOST_PARTS = 4 };
bool sar_measurement_keep(struct sar_measurement *measurement, const struct sar_window *parts, size_t n_parts, const char *spool,
                          struct err *err) MUST_USE;

#endif
