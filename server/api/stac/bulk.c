/* Many items at once, by binary COPY (store/item_batch.h): a FeatureCollection, lines of items, or an
 * object of items by their ids. All or nothing, unless the client wants the bad ones left out
 * (on_error=skip); either way each bad one is told with its place. Of lines only one is parsed at a time. */
#include "api/stac/write.h"
#include "ingest/stac_migrate.h"
#include "json/js.h"
#include "store/item_batch.h"
#include <string.h>

enum { MAX_TOLD = 100, MAX_LINE = 16 << 20 };

struct bulk {
    struct request *rq;
    const char *collection;
    struct item_batch *batch;
    struct item_write how;
    const char *form; /* of a place: "/features/%zu" */
    const char *const *ids; /* of an object: places are ids */
    json_t *problems;
    size_t bad, conflicts;
    size_t stored;
};

static char *place_of(const struct bulk *bulk, size_t tag)
{
    if (bulk->ids) {
        return js_pointer("/items", bulk->ids[tag]);
    }
    return !strcmp(bulk->form, "line") ? mem_printf("line %zu", tag + 1) : mem_printf("/features/%zu", tag);
}

static void note(void *context, size_t tag, const struct err *problem)
{
    struct bulk *bulk = context;
    AUTO(mem) char *place = place_of(bulk, tag);
    AUTO(mem) char *detail = mem_text(problem->message);

    bulk->bad++;
    bulk->conflicts += problem->code == ERR_Conflict;
    text_repair_utf8(detail);
    if (json_array_size(bulk->problems) < MAX_TOLD)
        json_array_append_new(bulk->problems,
                              json_pack("{s:s, s:s, s:i, s:s}", "place", place, "code",
                                        err_name(problem->code), "status", err_status(problem->code), "detail",
                                        detail));
}

/* The item of one place; what is wrong with it is noted. */
static void add(struct bulk *bulk, json_t *item, size_t tag)
{
    struct err problem = { 0 };

    if (!write_name(item, "collection", bulk->collection, &problem) ||
        (bulk->ids && !write_name(item, "id", bulk->ids[tag], &problem)) ||
        !stac_migrate(item, NULL, &problem) || !write_take_back(bulk->rq, item, true, &problem) ||
        !item_batch_add(bulk->batch, &(struct item_input){ .item = item }, tag, &problem))
        note(bulk, tag, &problem);
}

static bool read_options(struct request *rq, struct bulk *bulk, struct err *err)
{
    const char *on_error = request_query(rq, "on_error"), *method = request_query(rq, "method");

    if (on_error && strcmp(on_error, "abort") && strcmp(on_error, "skip"))
        return err_set(err, ERR_InvalidParameter, "on_error: expected abort or skip, found '%.40s'", on_error);
    if (method && strcmp(method, "insert") && strcmp(method, "upsert"))
        return err_set(err, ERR_InvalidParameter, "method: expected insert or upsert, found '%.40s'", method);
    bulk->rq = rq;
    bulk->collection = request_variable(rq, "collectionId");
    bulk->how = (struct item_write){ .mode = method && !strcmp(method, "upsert") ? ITEM_UPSERT : ITEM_INSERT,
                                     .skip_bad = on_error && !strcmp(on_error, "skip"),
                                     .keep_locations = true, .problem = note, .context = bulk };
    return true;
}

static void begin(struct bulk *bulk)
{
    bulk->batch = item_batch_new();
    bulk->problems = json_array();
}

static void end(struct bulk *bulk)
{
    item_batch_free(bulk->batch);
    json_decref(bulk->problems);
}

/* Nothing was stored: a problem document that lists what is wrong, as far as it is not too long. */
static bool refuse(struct bulk *bulk, struct reply *reply)
{
    enum err_code code = bulk->conflicts ? ERR_Conflict : ERR_BadRequest;
    const json_t *first = json_array_get(bulk->problems, 0);
    AUTO(mem) char *detail = mem_printf("%zu item%s cannot be stored, so none was; %s: %s", bulk->bad,
                                        bulk->bad == 1 ? "" : "s",
                                        js_text(first, "place"),
                                        js_text(first, "detail"));

    return reply_json(reply, err_status(code),
                      json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:I, s:O}", "type", err_type(code), "title",
                                err_title(code), "status", err_status(code), "detail", detail, "code",
                                err_name(code), "instance", bulk->rq->id, "refused", (json_int_t)bulk->bad,
                                "problems", bulk->problems),
                      "application/problem+json");
}

static bool store(struct bulk *bulk, struct reply *reply, int status, struct err *err)
{
    struct err first = { 0 };

    if (bulk->bad && !bulk->how.skip_bad)
        return refuse(bulk, reply);
    if (item_batch_count(bulk->batch) > 0 &&
        !item_batch_store(bulk->rq->db, bulk->batch, &bulk->how, &bulk->stored, &first)) {
        if (bulk->bad && first.code != ERR_DatabaseFailed)
            return refuse(bulk, reply);
        return err_set(err, first.code, "%s", first.message);
    }
    return reply_json(reply, bulk->bad ? 200 : status,
                      json_pack("{s:I, s:I, s:O}", "stored", (json_int_t)bulk->stored, "refused",
                                (json_int_t)bulk->bad, "problems", bulk->problems),
                      NULL);
}

bool write_features(struct request *rq, struct reply *reply, json_t *collection, struct err *err)
{
    json_t *features = json_object_get(collection, "features"), *item;
    struct bulk bulk = { .form = "feature" };
    bool good;
    size_t i;

    if (!json_is_array(features))
        return js_refuse(features, "/features", "an array of items", err);
    if (!read_options(rq, &bulk, err))
        return false;
    begin(&bulk);
    json_array_foreach(features, i, item)
        add(&bulk, item, i);
    good = store(&bulk, reply, 201, err);
    end(&bulk);
    return good;
}

static void add_line(struct bulk *bulk, const char *line, size_t length, size_t tag)
{
    AUTO(json) json_t *item = NULL;
    struct err problem = { 0 };

    if (length > MAX_LINE)
        err_set(&problem, ERR_BadRequest, "has %zu bytes, at most %d are read", length, MAX_LINE);
    else if (js_parse(line, length, (size_t)bulk->rq->config->http_max_depth, &item, &problem)) {
        add(bulk, item, tag);
        return;
    }
    note(bulk, tag, &problem);
}

/* Blank lines are skipped, and the record separators of GeoJSON sequences. */
bool write_lines(struct request *rq, struct reply *reply, struct err *err)
{
    const char *at = (const char *)rq->bytes, *last = at + rq->size;
    struct bulk bulk = { .form = "line" };
    bool good;

    if (!read_options(rq, &bulk, err))
        return false;
    begin(&bulk);
    for (size_t tag = 0; at < last; tag++) {
        const char *end_of_line = memchr(at, '\n', (size_t)(last - at));
        const char *next = end_of_line ? end_of_line + 1 : last, *to = end_of_line ? end_of_line : last;

        while (at < to && strchr(" \t\r\x1e", *at))
            at++;
        if (at < to)
            add_line(&bulk, at, (size_t)(to - at), tag);
        at = next;
    }
    good = store(&bulk, reply, 201, err);
    end(&bulk);
    return good;
}

/* ---- POST /collections/{collectionId}/bulk_items ---- */

struct bulk_input {
    json_t *items;
    const char *method;
};

static const char *const methods[] = { "insert", "upsert", NULL };
static const struct js_field bulk_fields[] = {
    JS_OBJECT(struct bulk_input, items),
    JS_STRING(struct bulk_input, method, .optional = true, .fallback = "insert", .choice = methods),
    JS_END,
};

bool stac_bulk_post(struct request *rq, struct reply *reply, struct err *err)
{
    struct bulk bulk = { .form = "item" };
    struct bulk_input in;
    const char *id, **ids;
    json_t *item;
    bool good;
    size_t i = 0;

    if (!collection_may(rq->db, rq->user, request_variable(rq, "collectionId"), RIGHT_WRITE, err) ||
        !js_read(rq->body, "", bulk_fields, JS_REFUSE_UNKNOWN, &in, err) || !read_options(rq, &bulk, err))
        return false;
    bulk.how.mode = !strcmp(in.method, "upsert") ? ITEM_UPSERT : ITEM_INSERT;
    bulk.ids = ids = arena_array(rq->arena, json_object_size(in.items) + 1, sizeof *ids);
    begin(&bulk);
    json_object_foreach(in.items, id, item) {
        ids[i] = id;
        add(&bulk, item, i++);
    }
    good = store(&bulk, reply, 200, err);
    end(&bulk);
    return good;
}
