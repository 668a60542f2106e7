/* Members of zips as they lie there: where they begin, and what is packed read from begin to end. Doors: minizip, ISA-L. */
#ifndef RASTER_ZIP_PLACE_H
#define RASTER_ZIP_PLACE_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

struct zip_place {
    uint64_t offset, packed, size; /* in the zip; packed: bytes there, size: bytes of the member */
    bool stored;                   /* not packed at all */
};
/* False when there is no such member, or one that is packed in another way than by deflate, or encrypted. */
bool zip_place_find(const char *zip, const char *member, struct zip_place *ret_place);

/* A member that is packed. Belongs to one thread. */
struct unpacking;
bool unpacking_new(const char *zip, const struct zip_place *place, struct unpacking **ret_unpacking, struct err *err) MUST_USE;
void unpacking_free(struct unpacking *unpacking);
DEFINE_AUTO(unpacking, struct unpacking *, unpacking_free)
/* So many bytes from `offset` of the member on, which must not lie before where the last read ended. Errors: FileContentInvalid. */
bool unpacking_read(struct unpacking *unpacking, uint64_t offset, void *bytes, size_t size, struct err *err) MUST_USE;

#endif
