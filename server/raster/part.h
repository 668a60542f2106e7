/* Part files: the packed tiles of some blocks of a plan, as one task leaves them for the assembly.
 * They are scratch, read back by this program on this kind of machine, and checked then: a header
 * that names plan and blocks, an index with a checksum, and a checksum for each piece. */
#ifndef RASTER_PART_H
#define RASTER_PART_H

#include "raster/block.h"
#include "raster/engine.h"

enum piece { PIECE_BASE, PIECE_HALF /* a tile of overview 1 */, PIECE_QUARTER /* 256 x 256 of 2 */,
             PIECES };

struct part_entry {
    uint64_t offset;
    uint32_t size, checksum;
    uint32_t block, save, plane, piece; /* save: its number among outputs, see pieces.h */
    struct tile_stats stats;            /* PIECE_BASE */
};

/* What a part must agree on with the plan that reads it: the saves and their shape. */
uint64_t part_fingerprint(const struct plan *plan);

struct part_writer;
bool part_create(const char *path, uint64_t fingerprint, size_t first, size_t end,
                 struct part_writer **ret_writer, struct err *err) MUST_USE;
/* From any thread; fills offset, size and checksum. */
bool part_add(struct part_writer *writer, struct part_entry *entry, const void *data, size_t size,
              struct err *err) MUST_USE;
/* Index, header, and when `durable` a sync. Without it part_writer_free() removes the file. */
bool part_finish(struct part_writer *writer, bool durable, struct err *err) MUST_USE;
void part_writer_free(struct part_writer *writer);
DEFINE_AUTO(part_writer, struct part_writer *, part_writer_free)

struct part {
    char *path;
    int file;
    size_t first, end, n_entries;
    struct part_entry *entries;
};
/* Errors: StorageFailure with the path and what is wrong. */
bool part_open(const char *path, uint64_t fingerprint, struct part **ret_part,
               struct err *err) MUST_USE;
bool part_read(const struct part *part, const struct part_entry *entry, void *dst,
               struct err *err) MUST_USE;
void part_free(struct part *part);
DEFINE_AUTO(part, struct part *, part_free)

#endif
