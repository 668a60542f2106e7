/* Tiles to packed bytes and back, and what a save wants done to them. */
#ifndef RASTER_ENCODE_H
#define RASTER_ENCODE_H

#include "raster/lanes.h"
#include "raster/part.h"

enum { HALF_TILE = 512, QUARTER_TILE = 256 };

enum codec { CODEC_NONE = 1, CODEC_DEFLATE = 8, CODEC_ZSTD = 50000 }; /* TIFF's numbers */

/* How the files of a save are written, from its format and options. */
struct file_style {
    bool overviews; /* of TIFF; else base tiles are only kept for a later sink */
    enum codec codec;
    int level;
    bool noisy_faster; /* tiles that hardly pack are packed at level 1 */
    bool predictor;
    bool nearest;  /* overviews: categorical values */
    struct pixel_kind kind;
};
bool file_style_of(const struct plan_node *save, struct file_style *ret_style,
                   struct err *err) MUST_USE;
/* The style of PIECE_QUARTER. */
struct file_style file_style_squeezed(const struct file_style *style);
/* How many overviews such a raster has: the last one fits a tile of 512. */
size_t style_overviews(const struct file_style *style, const struct grid *grid);

/* Buffers and compressors of one thread. */
struct encoder;
bool encoder_new(struct encoder **ret_encoder, struct err *err) MUST_USE;
void encoder_free(struct encoder *encoder);
DEFINE_AUTO(encoder, struct encoder *, encoder_free)
size_t encoder_memory(void);

/* Packs a whole tile of `side` x `side` pixels; *ret_data is borrowed until the next call. */
bool encoder_pack(struct encoder *encoder, const struct file_style *style, const void *pixels,
                  size_t side, const void **ret_data, size_t *ret_size, struct err *err) MUST_USE;
/* The inverse, for sinks that want pixels. */
bool encoder_unpack(struct encoder *encoder, const struct file_style *style, const void *packed,
                    size_t size, size_t side, void *pixels, struct err *err) MUST_USE;

/* A plane of a block into the part: statistics, base tile, overview tile, reduction. `pixels` has
 * width x height pixels of style->kind without gaps between rows. */
bool encoder_plane(struct encoder *encoder, const struct file_style *style,
                   const struct grid *grid, struct part_entry entry, const void *pixels,
                   size_t width, size_t height, struct part_writer *part,
                   struct err *err) MUST_USE;

#endif
