/* The product of a feature as a zip: the archive that it is, with ranges; or its folder, put into one while it
 * is sent. What lies on tape is ordered: the answer is 202 without a body, which scripts of PEPS throw away and
 * eodag takes for "not yet"; both look again later. */
#include "api/common/build.h"
#include "api/common/common.h"
#include "api/resto/resto.h"
#include "api/stac/stac.h"
#include "base/text.h"
#include "ingest/zip_folder.h"
#include "store/stagings.h"
#include <string.h>
#include <sys/stat.h>

static ssize_t read_zip(void *context, char *buffer, size_t most)
{
    return zip_folder_read(context, buffer, most);
}

static void free_zip(void *context)
{
    zip_folder_free(context);
}

static bool send_folder(struct request *rq, struct reply *reply, const char *path, struct err *err)
{
    AUTO(mem) char *name = mem_printf("%s.zip", place_file_name(path));
    struct zip_folder *zip;

    if (!zip_folder_open(path, &zip, err))
        return false;
    return reply_source(rq, reply,
                        &(struct reply_source){ .size = zip_folder_size(zip), .read = read_zip,
                                                .free_context = free_zip, .context = zip },
                        "application/zip", name);
}

static bool send_product(struct request *rq, struct reply *reply, const struct place *place,
                         const char *path, struct err *err)
{
    AUTO(mem) char *url = place_public_url(place, path);
    struct stat st;

    if (url) {
        reply_header(rq, reply, "Location", "%s", url);
        return reply_empty(reply, 302);
    }
    if (*path != '/' || stat(path, &st))
        return err_set(err, ERR_FileNotFound, "The files of the product are not there.");
    if (S_ISDIR(st.st_mode))
        return send_folder(rq, reply, path, err);
    return reply_file(rq, reply, path, "application/zip", place_file_name(path), err);
}

static bool order(struct request *rq, struct reply *reply, const struct place_list *list, const char *item,
                  struct err *err)
{
    struct product product = { list->collection, list->endpoints[0], item };
    bool ordered;

    if (!staging_order(rq->db, rq->user->id, &product, orders_most(rq), &ordered, err))
        return false;
    reply_header(rq, reply, "Retry-After", "60");
    return reply_empty(reply, 202);
}

bool resto_download_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(place_list) struct place_list list = { 0 };
    AUTO(mem) char *path = NULL;
    const char *collection, *item;
    struct item_page page;
    size_t i;

    if (!resto_find(rq, request_variable(rq, "collection"), request_variable(rq, "id"), &page, &i, err))
        return false;
    collection = arena_text(rq->arena, item_page_row(&page, i).collection);
    item = arena_text(rq->arena, item_page_row(&page, i).id);
    item_page_done(&page);
    if (!places_of_item(rq->db, rq->user->id, rq->config->catalog_site, collection, item, &list, err))
        return false;
    if (list.count && list.places[0].state != PLACE_ONLINE)
        return order(rq, reply, &list, item, err);
    path = list.count ? place_product(&list.places[0]) : NULL;
    if (!path)
        return err_set(err, ERR_FileNotFound, "The product '%.200s' does not lie here.", item);
    return send_product(rq, reply, &list.places[0], path, err);
}
