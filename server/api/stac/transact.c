/* Writing single items and collections: the transaction extensions of the STAC API over OGC API -
 * Features Part 4, with entity tags. Who may write is decided before the body is looked at. */
#include "api/common/build.h"
#include "api/stac/write.h"
#include "ingest/stac_migrate.h"
#include "json/js.h"
#include "store/collections.h"
#include "store/places_text.h"
#include "store/stac_text.h"
#include <string.h>
#include <strings.h>

/* ---- conditions ---- */

void write_tag(struct request *rq, struct reply *reply, const char *kept, const char *more)
{
    static const char *const offers[] = { STAC_GEOJSON, "application/json", "text/html", NULL };
    char tag[STAC_ETAG_SIZE], other[STAC_ETAG_SIZE];

    if ((rq->method == GET || rq->method == HEAD) && request_accepts(rq, offers) == 2)
        return; /* a page for people has a tag of its own */
    stac_text_etag(kept, strlen(kept), tag);
    if (!more) {
        reply_header(rq, reply, "ETag", "%s", tag);
        return;
    }
    stac_text_etag(more, strlen(more), other);
    reply_header(rq, reply, "ETag", "%.*s-%s", (int)strlen(tag) - 1, tag, other + 1);
}

const char *write_if_match(struct request *rq)
{
    const char *header = request_header(rq, "If-Match");
    char *list = header ? arena_text(rq->arena, header) : NULL, *to = list;
    bool quoted = false, addition = false;

    for (char *c = list; c && *c; c++) {
        quoted ^= *c == '"';
        addition = quoted && (addition || *c == '-');
        if (!addition)
            *to++ = *c;
    }
    if (list)
        *to = '\0';
    return list;
}

bool write_if_absent(const struct request *rq)
{
    const char *header = request_header(rq, "If-None-Match");

    return header && !strcmp(header + strspn(header, " "), "*");
}

/* ---- bodies ---- */

bool write_name(json_t *object, const char *member, const char *expected, struct err *err)
{
    const json_t *value = json_object_get(object, member);
    AUTO(mem) char *place = js_pointer("", member);

    if (!json_is_object(object))
        return js_refuse(object, "", "an object", err);
    if (value && !json_is_string(value))
        return js_refuse(value, place, "a string", err);
    if (value && strcmp(json_string_value(value), expected))
        return err_set(err, ERR_BadRequest, "%s: expected '%.200s' as in the address, found '%.200s'", place,
                       expected, json_string_value(value));
    json_object_set_new(object, member, json_string(expected));
    return true;
}

static bool take_back_asset(const char *own, const char *key, json_t *asset, bool is_new, bool *ret_own,
                            struct err *err)
{
    const char *href = js_text(asset, "href");
    size_t length = strlen(own);

    if (!href)
        return true;
    if (href[0] == STAC_BASE[0])
        return err_set(err, ERR_BadRequest, "/assets/%.100s/href: the text holds control character U+0001", key);
    if (strncmp(href, own, length) || !text_begins(href + length, "/data/"))
        return true;
    /* without a query: a signature is for who asked */
    AUTO(mem) char *kept = mem_printf(STAC_BASE "%.*s", (int)strcspn(href + length, "?#"), href + length);

    json_object_set_new(asset, "href", json_string(kept));
    if (is_new) {
        json_object_del(asset, "alternate");
        json_object_del(asset, "storage:refs");
    }
    *ret_own = is_new;
    return true;
}

bool write_take_back(struct request *rq, json_t *item, bool is_new, struct err *err)
{
    static const char *const told[] = { "order:status", "order:date", "order:expiration_date",
                                        "storage:schemes" };
    json_t *properties = json_object_get(item, "properties"), *asset, *link;
    const char *key;
    bool own = false;
    size_t n;

    json_array_foreach(json_object_get(item, "links"), n, link) {
        const char *href = js_text(link, "href");

        if (href && href[0] == STAC_BASE[0])
            return err_set(err, ERR_BadRequest, "/links/%zu/href: the text holds control character U+0001", n);
    }

    json_object_foreach(json_object_get(item, "assets"), key, asset)
        if (!take_back_asset(rq->base_url, key, asset, is_new, &own, err))
            return false;
    for (size_t i = 0; own && i < ARRAY_LEN(told); i++)
        json_object_del(properties, told[i]);
    return true;
}

/* Of an item that is there: what its places fill is as it is kept. */
static bool take_back_places(struct request *rq, const char *collection, const char *id, json_t *item,
                             struct err *err)
{
    const char *kept_text, *places;
    AUTO(json) json_t *kept = NULL, *sent = NULL;
    AUTO(text) struct text text = { 0 };
    AUTO(mem) char *own = mem_printf("%s/data/", rq->base_url);
    struct err absent = { 0 };

    if (!item_load(rq->db, rq->arena, stac_viewer(rq), collection, id, &kept_text, &places, &absent))
        return absent.code == ERR_ItemNotFound || err_set(err, absent.code, "%s", absent.message);
    if (!places)
        return true;
    places_text_send(&text, kept_text, places, collection, id, rq->base_url, "{}");
    sent = json_loadb(text.data, text.length, 0, NULL);
    text.length = 0;
    stac_text_send(&text, kept_text, rq->base_url, "{}");
    kept = json_loadb(text.data, text.length, 0, NULL);
    if (sent && kept)
        places_text_take_back(item, kept, sent, places, own);
    return true;
}

/* ---- answers ---- */

bool write_reply_item(struct request *rq, struct reply *reply, int status, const char *collection,
                      const char *id, struct err *err)
{
    AUTO(item_links) struct item_links links = { 0 };
    AUTO(text) struct text body = { 0 };
    struct item_row row = { .collection = collection, .id = id };
    size_t size;

    if (!item_load(rq->db, rq->arena, stac_viewer(rq), collection, id, &row.text, &row.places, err))
        return false;
    stac_add_item(&body, rq, &row, &links);
    write_tag(rq, reply, row.text, row.places);
    size = body.length;
    return reply_bytes(reply, status, text_take(&body), size, STAC_GEOJSON);
}

/* What was changed is sent back to those who ask for it (RFC 7240), else only its tag. */
static bool write_reply_changed(struct request *rq, struct reply *reply, const char *collection,
                                const char *id, struct err *err)
{
    const char *prefer = request_header(rq, "Prefer");
    struct item_row row = { 0 };

    if (prefer && strcasestr(prefer, "return=representation"))
        return write_reply_item(rq, reply, 200, collection, id, err);
    if (!item_load(rq->db, rq->arena, stac_viewer(rq), collection, id, &row.text, &row.places, err))
        return false;
    write_tag(rq, reply, row.text, row.places);
    return reply_empty(reply, 204);
}

bool write_reply_collection(struct request *rq, struct reply *reply, int status, const char *id,
                            struct err *err)
{
    AUTO(text) struct text body = { 0 };
    const char *kept;
    size_t size;

    if (!collection_text(rq->db, rq->arena, stac_viewer(rq), id, &kept, err))
        return false;
    stac_add_collection(&body, rq, id, kept);
    write_tag(rq, reply, kept, NULL);
    size = body.length;
    return reply_bytes(reply, status, text_take(&body), size, "application/json");
}

static void locate_item(struct request *rq, struct reply *reply, const char *collection, const char *id)
{
    AUTO(text) struct text encoded = { 0 };

    text_add_url(&encoded, id, "");
    reply_header(rq, reply, "Location", "%s" STAC_ROOT "/collections/%s/items/%s", rq->base_url, collection,
                 encoded.data);
}

/* ---- items ---- */

/* An item that is there already is a conflict, or what If-None-Match: * rules out. */
static bool create(struct request *rq, json_t *item, struct err *err)
{
    char etag[STAC_ETAG_SIZE];

    if (item_create(rq->db, item, etag, err))
        return true;
    if (err->code == ERR_Conflict && write_if_absent(rq))
        err->code = ERR_PreconditionFailed;
    return false;
}

static bool post_one(struct request *rq, struct reply *reply, json_t *item, struct err *err)
{
    const char *collection = request_variable(rq, "collectionId"), *id;

    if (!stac_migrate(item, NULL, err) || !write_name(item, "collection", collection, err) ||
        !write_take_back(rq, item, true, err) ||
        !create(rq, item, err))
        return false;
    id = js_text(item, "id");
    locate_item(rq, reply, collection, id);
    return write_reply_item(rq, reply, 201, collection, id, err);
}

/* The body's media type, without its parameters. */
static bool is_lines(const struct request *rq)
{
    static const char *const types[] = { "application/x-ndjson", "application/ndjson", "application/jsonl",
                                         "application/geo+json-seq" };
    const char *type = request_header(rq, "Content-Type");

    for (size_t i = 0; type && i < ARRAY_LEN(types); i++)
        if (strcspn(type, "; ") == strlen(types[i]) && !strncasecmp(type, types[i], strlen(types[i])))
            return true;
    return false;
}

bool stac_items_post(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(json) json_t *body = NULL;
    const char *type;

    if (!collection_may(rq->db, rq->user, request_variable(rq, "collectionId"), RIGHT_WRITE, err))
        return false;
    if (is_lines(rq))
        return write_lines(rq, reply, err);
    if (!request_json(rq, &body, err))
        return false;
    type = js_text(body, "type");
    return type && !strcmp(type, "FeatureCollection") ? write_features(rq, reply, body, err)
                                                      : post_one(rq, reply, body, err);
}

bool stac_item_put(struct request *rq, struct reply *reply, struct err *err)
{
    const char *collection = request_variable(rq, "collectionId"), *id = request_variable(rq, "itemId");
    char etag[STAC_ETAG_SIZE];

    if (!collection_may(rq->db, rq->user, collection, RIGHT_WRITE, err) ||
        !write_name(rq->body, "id", id, err) || !write_name(rq->body, "collection", collection, err) ||
        !stac_migrate(rq->body, NULL, err) || !take_back_places(rq, collection, id, rq->body, err) ||
        !write_take_back(rq, rq->body, false, err))
        return false;
    if (write_if_absent(rq)) { /* asks for a new one, which PUT alone does not make */
        if (!create(rq, rq->body, err))
            return false;
        locate_item(rq, reply, collection, id);
        return write_reply_item(rq, reply, 201, collection, id, err);
    }
    return item_replace(rq->db, rq->body, write_if_match(rq), etag, err) &&
           write_reply_changed(rq, reply, collection, id, err);
}

bool stac_item_patch(struct request *rq, struct reply *reply, struct err *err)
{
    const char *collection = request_variable(rq, "collectionId"), *id = request_variable(rq, "itemId");
    char etag[STAC_ETAG_SIZE];

    if (!collection_may(rq->db, rq->user, collection, RIGHT_WRITE, err))
        return false;
    if (!json_is_object(rq->body))
        return js_refuse(rq->body, "", "an object", err);
    return take_back_places(rq, collection, id, rq->body, err) && write_take_back(rq, rq->body, false, err) &&
           item_patch(rq->db, collection, id, rq->body, write_if_match(rq), etag, err) &&
           write_reply_changed(rq, reply, collection, id, err);
}

bool stac_item_delete(struct request *rq, struct reply *reply, struct err *err)
{
    const char *collection = request_variable(rq, "collectionId");

    return collection_may(rq->db, rq->user, collection, RIGHT_WRITE, err) &&
           item_delete(rq->db, collection, request_variable(rq, "itemId"), write_if_match(rq), err) &&
           reply_empty(reply, 204);
}

/* ---- collections ---- */

/* store/results.h gives these names to the collections of results. */
#define RESULTS_NAMES "results-"

static bool check_new_name(const json_t *collection, struct err *err)
{
    const char *id = js_text(collection, "id");

    return !id || !text_begins(id, RESULTS_NAMES) ||
           err_set(err, ERR_BadRequest, "/id: names that begin with " RESULTS_NAMES
                                        " are those of the results of jobs");
}

/* Operators make collections of the service, others their own private ones. */
static const char *owner_of_new(const struct request *rq)
{
    return rq->user->role >= ROLE_OPERATOR ? NULL : rq->user->id;
}

static bool create_collection(struct request *rq, json_t *collection, struct err *err)
{
    char etag[STAC_ETAG_SIZE];
    const char *owner = owner_of_new(rq);
    int64_t count = 0;

    if (!stac_migrate(collection, NULL, err) || !check_new_name(collection, err) || (owner && !collections_owned(rq->db, owner, &count, err)))
        return false;
    if (owner && count >= rq->config->catalog_user_collections)
        return err_set(err, ERR_StorageQuotaExceeded, "You have %lld collections already; delete one first",
                       (long long)count);
    return collection_create(rq->db, collection, owner, etag, err);
}

/* A list: those before one that is refused stay. */
static bool post_collections(struct request *rq, struct reply *reply, const json_t *list, struct err *err)
{
    size_t i;
    json_t *collection;

    json_array_foreach((json_t *)list, i, collection)
        if (!create_collection(rq, collection, err))
            return err_prefix(err, "/collections/%zu", i);
    return reply_json(reply, 201, json_pack("{s:I}", "stored", (json_int_t)json_array_size(list)), NULL);
}

bool stac_collections_post(struct request *rq, struct reply *reply, struct err *err)
{
    const json_t *list = json_object_get(rq->body, "collections");
    const char *id;

    if (json_is_array(list) && !json_object_get(rq->body, "id"))
        return post_collections(rq, reply, list, err);
    if (!create_collection(rq, rq->body, err))
        return false;
    id = js_text(rq->body, "id");
    reply_header(rq, reply, "Location", "%s" STAC_ROOT "/collections/%s", rq->base_url, id);
    return write_reply_collection(rq, reply, 201, id, err);
}

bool stac_collection_put(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "collectionId");
    char etag[STAC_ETAG_SIZE];

    if (!collection_may(rq->db, rq->user, id, RIGHT_OWN, err) || !write_name(rq->body, "id", id, err) ||
        !stac_migrate(rq->body, NULL, err))
        return false;
    if (write_if_absent(rq))
        return err_set(err, ERR_PreconditionFailed, "If-None-Match: the collection '%.200s' is there.", id);
    return collection_replace(rq->db, rq->body, write_if_match(rq), etag, err) &&
           write_reply_collection(rq, reply, 200, id, err);
}

bool stac_collection_patch(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "collectionId");
    char etag[STAC_ETAG_SIZE];

    if (!collection_may(rq->db, rq->user, id, RIGHT_OWN, err))
        return false;
    if (!json_is_object(rq->body))
        return js_refuse(rq->body, "", "an object", err);
    return collection_patch(rq->db, id, rq->body, write_if_match(rq), etag, err) &&
           write_reply_collection(rq, reply, 200, id, err);
}

bool stac_collection_delete(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "collectionId");

    return collection_may(rq->db, rq->user, id, RIGHT_OWN, err) &&
           collection_delete(rq->db, id, write_if_match(rq), err) && reply_empty(reply, 204);
}
