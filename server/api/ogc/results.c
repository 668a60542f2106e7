/* Results of a finished job. An output is a file (the sink of the same name) or a value: a member of
 * the graph's result, when that is no cube.
 *
 * One output and no "document" asked: its bytes. Several, "raw": multipart/related, or links when all
 * are wanted by reference. Else a JSON document, in which files are links unless their value is
 * asked for. */
#include "api/common/build.h"
#include "api/common/results.h"
#include "api/common/run.h"
#include "api/ogc/products.h"
#include "base/text.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void ogc_products_drop(struct ogc_products *products)
{
    for (size_t i = 0; i < products->n_assets; i++)
        json_decref(products->assets[i].fields);
    json_decref(products->values);
}

static const struct job_asset *file_of(const struct ogc_products *products, const char *output)
{
    for (size_t i = 0; i < products->n_assets; i++)
        if (products->assets[i].output && !strcmp(products->assets[i].output, output))
            return &products->assets[i];
    return NULL;
}

/* A graph whose result is a value left one JSON file. */
static bool read_values(struct ogc_products *products, struct err *err)
{
    if (products->n_assets != 1 || strcmp(products->assets[0].media_type, "application/json"))
        return true;
    products->values = json_load_file(products->assets[0].path, JSON_DECODE_ANY, NULL);
    return products->values || err_set(err, ERR_FileNotFound, "The result is no longer there.");
}

bool ogc_products_read(struct request *rq, const struct job *job, struct ogc_products *ret_products,
                       struct err *err)
{
    const json_t *asked = json_object_get(job->request, "outputs");
    const char *id;
    json_t *wish;

    if (!job_asset_list(rq->db, rq->arena, NULL, job->id, &ret_products->assets,
                        &ret_products->n_assets, err) ||
        !read_values(ret_products, err))
        return false;
    json_object_foreach((json_t *)asked, id, wish) {
        struct ogc_product product = {
            .id = arena_text(rq->arena, id),
            .file = file_of(ret_products, id),
            .value = json_object_get(ret_products->values, id),
            .mode = json_string_value(json_object_get(wish, "transmissionMode")),
        };

        if (product.value && !json_is_null(product.value))
            product.file = NULL;
        else if (!product.file)
            continue;
        if (ret_products->count < OGC_MAX_OUTPUTS)
            ret_products->list[ret_products->count++] = product;
    }
    return true;
}

static bool by_reference(const struct ogc_product *product)
{
    return product->mode && !strcmp(product->mode, "reference");
}

/* A value that is wanted by reference is a member of a file: the file is linked. */
const char *ogc_product_href(struct request *rq, const struct job *job,
                             const struct ogc_products *products, const struct ogc_product *product)
{
    const struct job_asset *file = product->file ? product->file : &products->assets[0];

    return results_href(rq, job->id, file->name, results_links_expire(rq, job));
}

const char *ogc_product_media(const struct ogc_product *product)
{
    return product->file ? product->file->media_type : "application/json";
}

bool ogc_product_bytes(const struct job_asset *asset, char **ret_bytes, size_t *ret_size,
                       struct err *err)
{
    FILE *file = fopen(asset->path, "rbe");
    char *bytes;
    size_t n;

    if (asset->size_bytes > OGC_MAX_INLINE_BYTES) {
        if (file)
            fclose(file);
        return err_set(err, ERR_InvalidParameter,
                       "/outputs/%s: %" PRId64 " bytes are too many to be sent by value among "
                       "others; ask for it by reference, or alone.",
                       asset->output ? asset->output : asset->name, asset->size_bytes);
    }
    if (!file)
        return err_set(err, ERR_FileNotFound, "%s: %s", asset->name, strerror(errno));
    bytes = malloc((size_t)asset->size_bytes + 1);
    n = bytes ? fread(bytes, 1, (size_t)asset->size_bytes, file) : 0;
    fclose(file);
    if (!bytes || n != (size_t)asset->size_bytes) {
        free(bytes);
        return err_set(err, ERR_StorageFailure, "%s: could not be read whole", asset->name);
    }
    *ret_bytes = bytes;
    *ret_size = n;
    return true;
}

/* --- one output --------------------------------------------------------------------------------- */

static bool reply_links(struct request *rq, struct reply *reply, const struct job *job,
                        const struct ogc_products *products)
{
    for (size_t i = 0; i < products->count; i++)
        reply_header(rq, reply, "Link", "<%s>; rel=\"item\"; title=\"%s\"; type=\"%s\"",
                     ogc_product_href(rq, job, products, &products->list[i]), products->list[i].id,
                     ogc_product_media(&products->list[i]));
    return reply_empty(reply, 204);
}

static bool reply_one(struct request *rq, struct reply *reply, const struct ogc_product *product,
                      struct err *err)
{
    char *text;

    if (product->file)
        return reply_file(rq, reply, product->file->path, product->file->media_type, NULL, err);
    text = json_dumps(product->value, JSON_COMPACT | JSON_ENCODE_ANY);
    return reply_bytes(reply, 200, text, strlen(text), "application/json");
}

/* --- multipart ---------------------------------------------------------------------------------- */

static bool add_part(struct request *rq, const struct job *job, const struct ogc_products *products,
                     const struct ogc_product *product, const char *boundary, struct text *body,
                     struct err *err)
{
    AUTO(mem) char *bytes = NULL;
    size_t size = 0;

    text_printf(body, "--%s\r\nContent-ID: <%s>\r\nContent-Type: %s\r\n", boundary, product->id,
                ogc_product_media(product));
    if (by_reference(product)) {
        text_printf(body, "Content-Location: %s\r\n\r\n\r\n",
                    ogc_product_href(rq, job, products, product));
        return true;
    }
    if (product->file) {
        if (!ogc_product_bytes(product->file, &bytes, &size, err))
            return false;
    } else {
        bytes = json_dumps(product->value, JSON_COMPACT | JSON_ENCODE_ANY);
        size = strlen(bytes);
    }
    text_printf(body, "Content-Length: %zu\r\n\r\n", size);
    text_addn(body, bytes, size);
    text_add(body, "\r\n");
    if (body->length > OGC_MAX_INLINE_BYTES)
        return err_set(err, ERR_InvalidParameter,
                       "/outputs: together they are too large to be sent by value; ask for them "
                       "by reference.");
    return true;
}

static bool reply_multipart(struct request *rq, struct reply *reply, const struct job *job,
                            const struct ogc_products *products, struct err *err)
{
    AUTO(text) struct text body = { 0 };
    char boundary[ID_UUID_SIZE];
    size_t size;

    id_uuid(boundary);
    for (size_t i = 0; i < products->count; i++)
        if (!add_part(rq, job, products, &products->list[i], boundary, &body, err))
            return false;
    text_printf(&body, "--%s--\r\n", boundary);
    size = body.length;
    return reply_bytes(reply, 200, text_take(&body), size,
                       arena_printf(rq->arena, "multipart/related; boundary=%s", boundary));
}

/* --- document ----------------------------------------------------------------------------------- */

static json_t *link_of(struct request *rq, const struct job *job,
                       const struct ogc_products *products, const struct ogc_product *product)
{
    return json_pack("{s:s, s:s, s:s}", "href", ogc_product_href(rq, job, products, product),
                     "type", ogc_product_media(product), "title", product->id);
}

/* An object as a value is qualified, so that it is not taken for a link or a qualified value. */
static json_t *plain_value(const json_t *value)
{
    if (json_is_object(value) && !json_object_get(value, "bbox"))
        return json_pack("{s:O}", "value", value);
    return json_incref((json_t *)value);
}

static bool document_member(struct request *rq, const struct job *job,
                            const struct ogc_products *products, const struct ogc_product *product,
                            json_t **ret_member, struct err *err)
{
    AUTO(text) struct text base64 = { 0 };
    AUTO(mem) char *bytes = NULL;
    size_t size;

    if (by_reference(product) || (product->file && !product->mode)) {
        *ret_member = link_of(rq, job, products, product);
        return true;
    }
    if (!product->file) {
        *ret_member = plain_value(product->value);
        return true;
    }
    if (!ogc_product_bytes(product->file, &bytes, &size, err))
        return false;
    text_add_base64(&base64, bytes, size);
    *ret_member = json_pack("{s:s, s:s, s:s}", "value", base64.data ? base64.data : "", "encoding",
                            "base64", "mediaType", product->file->media_type);
    return true;
}

static bool reply_document(struct request *rq, struct reply *reply, const struct job *job,
                           const struct ogc_products *products, struct err *err)
{
    AUTO(json) json_t *body = json_object();

    for (size_t i = 0; i < products->count; i++) {
        json_t *member;

        if (!document_member(rq, job, products, &products->list[i], &member, err))
            return false;
        json_object_set_new(body, products->list[i].id, member);
    }
    return reply_json(reply, 200, json_incref(body), NULL);
}

bool ogc_reply_results(struct request *rq, struct reply *reply, const struct job *job,
                       struct err *err)
{
    const char *response = json_string_value(json_object_get(job->request, "response"));
    AUTO(ogc_products) struct ogc_products products = {0};
    bool document = response && !strcmp(response, "document"), all_links = true;

    if (job->state == JOB_CREATED || job->state == JOB_QUEUED || job->state == JOB_RUNNING)
        return err_set(err, ERR_ResultNotReady, "The job is not finished; its results come later.");
    if (job->state != JOB_FINISHED)
        return run_refuse_failed(job, err);
    if (!ogc_products_read(rq, job, &products, err))
        return false;
    if (json_object_size(json_object_get(job->request, "outputs")) == 0)
        return reply_empty(reply, 204);
    for (size_t i = 0; i < products.count; i++)
        all_links &= by_reference(&products.list[i]);
    if (document || (!response && products.count != 1))
        return reply_document(rq, reply, job, &products, err);
    if (all_links && products.count > 0)
        return reply_links(rq, reply, job, &products);
    if (products.count == 1)
        return reply_one(rq, reply, &products.list[0], err);
    return reply_multipart(rq, reply, job, &products, err);
}

/* GET /ogc/jobs/{jobId}/results */
bool ogc_results_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };

    if (!run_job(rq, "jobId", &job, err))
        return false;
    return ogc_reply_results(rq, reply, &job, err);
}
