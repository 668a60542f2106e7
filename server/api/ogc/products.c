/* What a job gave, by the ids of its process's outputs. An output is a file (the sink of the same name) or a value: a
 * member of the graph's result, when that is no cube. */
#include "api/ogc/products.h"
#include "api/common/results.h"
#include "auth/secret.h"
#include "json/js.h"
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

/* The next file of the output, from *at on. */
static const struct job_asset *next_file(const struct ogc_products *products, const char *output, size_t *at)
{
    while (*at < products->n_assets) {
        const struct job_asset *asset = &products->assets[(*at)++];

        if (asset->output && !strcmp(asset->output, output))
            return asset;
    }
    return NULL;
}

/* A graph whose result is a value left one JSON file. */
static bool read_values(struct ogc_products *products, struct err *err)
{
    const struct job_asset *file = NULL;

    for (size_t i = 0; i < products->n_assets; i++) /* of a package, beside its files */
        if (!products->assets[i].output && !strcmp(products->assets[i].name, "result.json"))
            file = &products->assets[i];
    if (!file && (products->n_assets != 1 || strcmp(products->assets[0].media_type, "application/json") || products->assets[0].output))
        return true;
    file = file ? file : &products->assets[0];
    products->values = json_load_file(file->path, JSON_DECODE_ANY, NULL);
    return products->values || err_set(err, ERR_FileNotFound, "The result is no longer there.");
}

/* Of alternatives, the one that has values of this kind. */
static const json_t *schema_of(const json_t *schema, const json_t *value)
{
    const char *wanted = json_is_string(value) ? "string" : json_is_object(value) ? "object" : "";
    json_t *branch;
    size_t i;

    json_array_foreach(json_object_get(schema, "oneOf"), i, branch) {
        const char *type = js_text(branch, "type");

        if (type && !strcmp(type, wanted))
            return branch;
    }
    return schema;
}

static void describe(struct request *rq, const json_t *description, struct ogc_product *product)
{
    const json_t *output = json_object_get(json_object_get(description, "outputs"), product->id);
    const json_t *schema = schema_of(json_object_get(output, "schema"), product->value);
    const char *media = js_text(schema, "contentMediaType");
    const char *encoding = js_text(schema, "contentEncoding");

    product->media = media ? arena_text(rq->arena, media) : "application/json";
    product->base64 = encoding && !strcmp(encoding, "base64") && json_is_string(product->value);
}

/* A graph's value has a member for each output; that of a deployed graph, whose only output is called "result", is the output. */
static const json_t *value_of(const json_t *description, const json_t *asked, const json_t *values, const char *id)
{
    const json_t *member = json_object_get(values, id);
    bool is_all = json_object_size(json_object_get(description, "outputs")) == 1 && !strcmp(id, "result");

    if (json_is_object(values))
        return !member && is_all ? values : member;
    return json_object_size(asked) > 1 ? NULL : values;
}

/* Of a graph that names no outputs (`asked` NULL), its files are the outputs. */
static void list_asked(struct request *rq, const json_t *description, const json_t *asked,
                       struct ogc_products *products)
{
    const char *id;
    json_t *wish;

    products->list = arena_array(rq->arena, json_object_size(asked) + products->n_assets + 1, sizeof *products->list);
    for (size_t i = 0; !asked && i < products->n_assets; i++)
        products->list[products->count++] = (struct ogc_product){ .id = products->assets[i].name, .file = &products->assets[i] };
    json_object_foreach((json_t *)asked, id, wish) {
        size_t at = 0;
        struct ogc_product product = {
            .id = arena_text(rq->arena, id),
            .file = next_file(products, id, &at),
            .value = value_of(description, asked, products->values, id),
            .mode = arena_text(rq->arena, js_text(wish, "transmissionMode")),
        };

        if (product.value && !json_is_null(product.value))
            product.file = NULL;
        else if (!product.file)
            continue;
        if (product.value && !product.file)
            describe(rq, description, &product);
        do
            products->list[products->count++] = product;
        while (product.file && (product.file = next_file(products, id, &at)));
    }
}

void ogc_products_of_values(struct request *rq, const json_t *description, const json_t *asked, json_t *values_taken,
                            struct ogc_products *ret_products)
{
    ret_products->values = values_taken;
    list_asked(rq, description, asked, ret_products);
}

bool ogc_products_read(struct request *rq, const struct job *job, struct ogc_products *ret_products,
                       struct err *err)
{
    AUTO(json) json_t *description = NULL;

    if (!ogc_describe_of(rq, job, &description, err))
        return false;
    ret_products->values = json_incref(json_object_get(job->request, "values"));
    if (!ret_products->values && (!job_asset_list(rq->db, rq->arena, NULL, job->id, &ret_products->assets,
                                                  &ret_products->n_assets, err) ||
                                  !read_values(ret_products, err)))
        return false;
    list_asked(rq, description, json_object_get(job->request, "outputs"), ret_products);
    return true;
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
    return product->file ? product->file->media_type : product->media;
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

bool ogc_product_text(const struct ogc_product *product, char **ret_bytes, size_t *ret_size, struct err *err)
{
    const char *text = json_string_value(product->value);

    if (product->base64) {
        *ret_bytes = (char *)secret_decode(text, strlen(text), sodium_base64_VARIANT_ORIGINAL, ret_size);
        return *ret_bytes || err_set(err, ERR_SourceUnreadable, "/outputs/%s: is not in base64", product->id);
    }
    if (text && !strncmp(product->media, "text/", 5))
        *ret_bytes = mem_text(text);
    else
        *ret_bytes = json_dumps(product->value, JSON_COMPACT | JSON_ENCODE_ANY);
    *ret_size = strlen(*ret_bytes);
    return true;
}
