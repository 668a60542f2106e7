/* A part file that another process left damaged: opening and reading it answers what was written or
 * a message. The checksums are put right first, else nothing behind them would be reached. */
#include "raster/part.h"
#include "tests/fuzz/one_file.h"
#include <libdeflate.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER = 64, CHECKSUM_AT = 12, FINGERPRINT_AT = 16, INDEX_AT = 40, ENTRIES_AT = 48,
       INDEX_CHECKSUM_AT = 56, ENTRY_SIZE_AT = 60, FINGERPRINT = 7 };

static void put32(uint8_t *bytes, size_t at, uint32_t value)
{
    memcpy(bytes + at, &value, sizeof value);
}

static void put_right(uint8_t *bytes, size_t size)
{
    uint64_t index, entries, fingerprint = FINGERPRINT;

    memcpy(&index, bytes + INDEX_AT, sizeof index);
    memcpy(&entries, bytes + ENTRIES_AT, sizeof entries);
    memcpy(bytes, "SENTPART", 8);
    put32(bytes, 8, 1);
    memcpy(bytes + FINGERPRINT_AT, &fingerprint, sizeof fingerprint);
    put32(bytes, ENTRY_SIZE_AT, sizeof(struct part_entry));
    if (index <= size && entries <= (size - index) / sizeof(struct part_entry))
        put32(bytes, INDEX_CHECKSUM_AT,
              libdeflate_crc32(0, bytes + index, entries * sizeof(struct part_entry)));
    put32(bytes, CHECKSUM_AT, 0);
    put32(bytes, CHECKSUM_AT, libdeflate_crc32(0, bytes, HEADER));
}

static void look_at(const struct part *part, size_t size)
{
    for (size_t i = 0; i < part->n_entries; i++) {
        const struct part_entry *entry = &part->entries[i];
        AUTO(mem) void *bytes = NULL;
        struct err err = { 0 };

        if (entry->size > size)
            abort(); /* a reader would make room for what cannot be there */
        bytes = mem_alloc(entry->size);
        if (!part_read(part, entry, bytes, &err) && !err.message[0])
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(part) struct part *part = NULL;
    AUTO(mem) uint8_t *bytes = mem_alloc(size);
    struct err err = { 0 };

    memcpy(bytes, data, size);
    if (size >= HEADER && data[0] == 'S')
        put_right(bytes, size);
    if (part_open(one_file(".xxx", bytes, size), FINGERPRINT, &part, &err))
        look_at(part, size);
    else if (!err.message[0])
        abort();
    return 0;
}
