/* Layout: header, pieces in the order in which threads finish them, index. The header is written
 * last, so that a part that was cut short has none. */
#include "raster/part.h"
#include "base/text.h"
#include "json/js.h"
#include "raster/disk.h"
#include "raster/schedule.h"
#include <fcntl.h>
#include <libdeflate.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PART_VERSION = 1, PIECES_AT = 4096 };

struct part_header {
    char magic[8];
    uint32_t version, header_checksum; /* of the header with this field 0 */
    uint64_t fingerprint, first, end, index_offset, n_entries;
    uint32_t index_checksum, entry_size;
};
static const char magic[8] = "SENTPART";

struct part_writer {
    char *path;
    int file;
    struct part_header header;
    pthread_mutex_t lock; /* of what follows */
    uint64_t offset;
    struct part_entry *entries;
    size_t n_entries, capacity;
    bool finished;
};

static uint64_t hash_bytes(const void *bytes, size_t size)
{
    uint64_t hash = 14695981039346656037ull; /* FNV-1a */

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * 1099511628211ull;
    return hash;
}

uint64_t part_fingerprint(const struct plan *plan)
{
    AUTO(text) struct text all = { 0 };

    text_printf(&all, "part %d tile %d\n", PART_VERSION, BASE_TILE);
    for (size_t i = 0; i < plan->n_saves; i++) {
        const struct plan_node *save = plan->saves[i];
        const struct grid *g = &save->schema.grid;
        AUTO(mem) char *options =
            save->save.options ? js_canonical(save->save.options) : mem_text("");

        text_printf(&all, "%s %s %d %g %d %zu %d %.17g %.17g %.17g %.17g %lld %lld %s\n",
                    save->save.name, save->save.format, save->schema.pixel, save->schema.nodata,
                    save->schema.has_nodata, cube_planes(&save->schema), g->epsg, g->x0, g->y0,
                    g->dx, g->dy, (long long)g->width, (long long)g->height, options);
    }
    for (size_t i = 0; i < plan->n_zones; i++)
        text_printf(&all, "zones %s %zu %zu %zu\n", plan->zones[i]->id, output_planes(plan->zones[i]),
                    plan->zones[i]->geometries->count, plan->zones[i]->n_reductions);
    return hash_bytes(all.data, all.length);
}

bool part_create(const char *path, uint64_t fingerprint, size_t first, size_t end,
                 struct part_writer **ret_writer, struct err *err)
{
    struct part_writer *writer = MEM_NEW(struct part_writer);

    writer->path = mem_text(path);
    writer->offset = PIECES_AT;
    writer->header = (struct part_header){ .version = PART_VERSION,
                                           .fingerprint = fingerprint,
                                           .first = first,
                                           .end = end,
                                           .entry_size = sizeof(struct part_entry) };
    memcpy(writer->header.magic, magic, sizeof magic);
    pthread_mutex_init(&writer->lock, NULL);
    writer->file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (writer->file < 0) {
        disk_failed("create", path, err);
        writer->finished = true; /* nothing of ours to remove */
        part_writer_free(writer);
        return false;
    }
    *ret_writer = writer;
    return true;
}

bool part_add(struct part_writer *writer, struct part_entry *entry, const void *data, size_t size,
              struct err *err)
{
    entry->size = (uint32_t)size;
    entry->checksum = libdeflate_crc32(0, data, size);
    pthread_mutex_lock(&writer->lock);
    entry->offset = writer->offset;
    writer->offset += size;
    writer->entries = mem_grow(writer->entries, &writer->capacity, writer->n_entries + 1,
                               sizeof *writer->entries);
    writer->entries[writer->n_entries++] = *entry;
    pthread_mutex_unlock(&writer->lock);
    return disk_write(writer->file, writer->path, data, size, entry->offset, err);
}

bool part_finish(struct part_writer *writer, bool durable, struct err *err)
{
    struct part_header *h = &writer->header;
    size_t size = writer->n_entries * sizeof *writer->entries;

    h->index_offset = writer->offset;
    h->n_entries = writer->n_entries;
    h->index_checksum = libdeflate_crc32(0, writer->entries, size);
    h->header_checksum = 0;
    h->header_checksum = libdeflate_crc32(0, h, sizeof *h);
    if (!disk_write(writer->file, writer->path, writer->entries, size, h->index_offset, err) ||
        !disk_write(writer->file, writer->path, h, sizeof *h, 0, err) ||
        (durable && !disk_sync(writer->file, writer->path, err)))
        return false;
    writer->finished = true;
    return true;
}

void part_writer_free(struct part_writer *writer)
{
    if (!writer)
        return;
    if (writer->file >= 0)
        close(writer->file);
    if (!writer->finished)
        unlink(writer->path);
    pthread_mutex_destroy(&writer->lock);
    free(writer->path);
    free(writer->entries);
    free(writer);
}

static bool damaged(const struct part *part, const char *what, struct err *err)
{
    return err_set(err, ERR_StorageFailure, "The part '%s' cannot be used: %s.", part->path, what);
}

static bool check_header(const struct part *part, struct part_header h, uint64_t fingerprint,
                         uint64_t file_size, struct err *err)
{
    uint32_t checksum = h.header_checksum;

    h.header_checksum = 0;
    if (memcmp(h.magic, magic, sizeof magic) != 0)
        return damaged(part, "it is no complete part", err);
    if (h.version != PART_VERSION || h.entry_size != sizeof(struct part_entry))
        return damaged(part, "another version of the program wrote it", err);
    if (checksum != libdeflate_crc32(0, &h, sizeof h))
        return damaged(part, "its header is damaged", err);
    if (h.fingerprint != fingerprint)
        return damaged(part, "it belongs to another plan", err);
    if (h.index_offset > file_size ||
        h.n_entries > (file_size - h.index_offset) / sizeof(struct part_entry))
        return damaged(part, "its end is missing", err);
    return true;
}

static bool read_index(struct part *part, uint64_t fingerprint, struct err *err)
{
    struct part_header h;
    struct stat st;

    if (fstat(part->file, &st) != 0)
        return disk_failed("read", part->path, err);
    if ((uint64_t)st.st_size < sizeof h)
        return damaged(part, "it is too short", err);
    if (!disk_read(part->file, part->path, &h, sizeof h, 0, err) ||
        !check_header(part, h, fingerprint, (uint64_t)st.st_size, err))
        return false;
    part->first = h.first;
    part->end = h.end;
    part->n_entries = h.n_entries;
    part->entries = mem_array(h.n_entries, sizeof *part->entries);
    if (!disk_read(part->file, part->path, part->entries, h.n_entries * sizeof *part->entries,
                   h.index_offset, err))
        return false;
    if (libdeflate_crc32(0, part->entries, h.n_entries * sizeof *part->entries) !=
        h.index_checksum)
        return damaged(part, "its index is damaged", err);
    for (size_t i = 0; i < part->n_entries; i++)
        if (part->entries[i].offset > h.index_offset ||
            part->entries[i].size > h.index_offset - part->entries[i].offset)
            return damaged(part, "its index points outside", err);
    return true;
}

bool part_open(const char *path, uint64_t fingerprint, struct part **ret_part, struct err *err)
{
    AUTO(part) struct part *part = MEM_NEW(struct part);

    part->path = mem_text(path);
    part->file = open(path, O_RDONLY | O_CLOEXEC);
    if (part->file < 0)
        return disk_failed("open", path, err);
    if (!read_index(part, fingerprint, err))
        return false;
    *ret_part = part;
    part = NULL;
    return true;
}

bool part_read(const struct part *part, const struct part_entry *entry, void *dst,
               struct err *err)
{
    char what[64];

    if (!disk_read(part->file, part->path, dst, entry->size, entry->offset, err))
        return false;
    if (libdeflate_crc32(0, dst, entry->size) == entry->checksum)
        return true;
    snprintf(what, sizeof what, "block %u of it is damaged", entry->block);
    return damaged(part, what, err);
}

void part_free(struct part *part)
{
    if (!part)
        return;
    if (part->file >= 0)
        close(part->file);
    free(part->path);
    free(part->entries);
    free(part);
}
