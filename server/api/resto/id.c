/* A feature's id is a UUID (version 8): the milliseconds of the item's datetime in its first 48 bits, as a
 * version 7 has the clock, and 74 bits of a digest of collection and id. So an id is the same for ever, needs
 * no column and no index of its own among 10^8 items, and is found again through the index on datetime: few
 * items share a millisecond. */
#include "api/resto/resto.h"
#include "auth/secret.h"
#include "base/instant.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void resto_id(const char *collection, const char *item, int64_t ms, char ret_id[static ID_UUID_SIZE])
{
    AUTO(mem) char *name = mem_printf("%s/%s", collection, item);
    unsigned char h[SECRET_HASH_SIZE];
    uint64_t time = (uint64_t)ms & 0xffffffffffffu;

    secret_hash(name, h);
    snprintf(ret_id, ID_UUID_SIZE, "%08" PRIx64 "-%04" PRIx64 "-8%x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             time >> 16, time & 0xffff, h[0] & 15u, h[1], (h[2] & 0x3fu) | 0x80u, h[3], h[4], h[5], h[6], h[7],
             h[8], h[9]);
}

/* "2020-08-15 00:52:51.024+00" of the database, in whole milliseconds. */
int64_t resto_row_ms(const struct item_row *row)
{
    AUTO(mem) char *text = mem_text(row->datetime);
    char *blank = strchr(text, ' '), *zone = strrchr(text, '+');
    int64_t ms = 0;

    if (blank)
        *blank = 'T';
    if (zone)
        *zone = '\0';
    AUTO(mem) char *whole = mem_printf("%s%s", text, text_ends(text, "Z") ? "" : "Z");

    return instant_parse(whole, &ms) ? ms : 0;
}

static int64_t ms_of(const char *id)
{
    char digits[13];
    int64_t ms;

    snprintf(digits, sizeof digits, "%.8s%.4s", id, id + 9);
    ms = (int64_t)strtoull(digits, NULL, 16);
    return ms >= 1LL << 47 ? ms - (1LL << 48) : ms; /* before 1970 */
}

bool resto_find(struct request *rq, const char *name, const char *id, struct item_page *ret_page,
                size_t *ret_row, struct err *err)
{
    AUTO(mem) char *bare = mem_textn(id, strcspn(id, ".")); /* ".json" may follow */
    struct item_search search = { .where = { .viewer = rq->user ? rq->user->id : NULL },
                                  .limit = SEARCH_MAX_LIMIT };
    char start[INSTANT_TEXT_SIZE], end[INSTANT_TEXT_SIZE], found[ID_UUID_SIZE];

    if (!id_is_uuid(bare))
        return err_set(err, ERR_ItemNotFound, "The collection '%.60s' has no feature '%.60s'.", name, bare);
    if (!resto_collections(rq, name, &search.where.collections, &search.where.n_collections, err))
        return false;
    search.where.start = instant_format(ms_of(bare), start);
    search.where.end = instant_format(ms_of(bare) + 1, end);
    if (search.where.n_collections && !items_search(rq->db, rq->arena, &search, ret_page, err))
        return false;
    for (size_t i = 0; search.where.n_collections && i < ret_page->count; i++) {
        struct item_row row = item_page_row(ret_page, i);

        resto_id(row.collection, row.id, resto_row_ms(&row), found);
        *ret_row = i;
        if (!strcmp(found, bare))
            return true;
    }
    if (search.where.n_collections)
        item_page_done(ret_page);
    return err_set(err, ERR_ItemNotFound, "The collection '%.60s' has no feature '%.60s'.", name, bare);
}
