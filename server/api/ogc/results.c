/* Results of a finished job.
 *
 * 1.0, where the request says "response": "raw" is the output's bytes, multipart/related of several, or links when all are
 * wanted by reference; "document" is a JSON document, in which files are links unless their value is asked for. 2.0, where
 * it does not: one output is itself, several are the document. For people there is a page. */
#include "api/common/build.h"
#include "api/common/page.h"
#include "api/common/results.h"
#include "api/common/run.h"
#include "api/ogc/execution.h"
#include "api/ogc/html.h"
#include "base/text.h"
#include "json/js.h"
#include <stdio.h>
#include <string.h>

static bool by_reference(const struct ogc_product *product)
{
    return product->mode && !strcmp(product->mode, "reference");
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
    static const char *const plain[] = { "application/json", "text/plain", NULL };
    char *text;
    size_t size;

    if (product->file)
        return reply_file(rq, reply, product->file->path, product->file->media_type, NULL, err);
    if (json_is_string(product->value) && !strcmp(product->media, plain[0]) && request_accepts(rq, plain) == 1)
        return reply_text(reply, 200, json_string_value(product->value), "text/plain; charset=utf-8");
    return ogc_product_text(product, &text, &size, err) && reply_bytes(reply, 200, text, size, product->media);
}

/* --- multipart ---------------------------------------------------------------------------------- */

static bool add_part(struct request *rq, const struct job *job, const struct ogc_products *products,
                     const struct ogc_product *product, const char *boundary, struct text *body,
                     struct err *err)
{
    AUTO(mem) char *bytes = NULL;
    size_t size = 0;
    int number = 1;

    text_printf(body, "--%s\r\nContent-ID: <%s", boundary, product->id);
    for (const struct ogc_product *p = product; p > products->list && !strcmp(p[-1].id, product->id); p--)
        number++;
    if (number > 1) /* of several files of an output */
        text_printf(body, ".%d", number);
    text_printf(body, ">\r\nContent-Type: %s\r\n", ogc_product_media(product));
    if (by_reference(product)) {
        text_printf(body, "Content-Location: %s\r\n\r\n\r\n",
                    ogc_product_href(rq, job, products, product));
        return true;
    }
    if (product->file) {
        if (!ogc_product_bytes(product->file, &bytes, &size, err))
            return false;
    } else if (!ogc_product_text(product, &bytes, &size, err)) {
        return false;
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
                            bool inline_files, json_t **ret_member, struct err *err)
{
    AUTO(text) struct text base64 = { 0 };
    AUTO(mem) char *bytes = NULL;
    size_t size;

    if (by_reference(product) || (product->file && !product->mode && !inline_files)) {
        *ret_member = link_of(rq, job, products, product);
        return true;
    }
    if (!product->file) {
        *ret_member = product->base64 ? json_pack("{s:O, s:s, s:s}", "value", product->value, "encoding", "base64", "mediaType", product->media)
                                      : plain_value(product->value);
        return true;
    }
    if (!ogc_product_bytes(product->file, &bytes, &size, err))
        return false;
    text_add_base64(&base64, bytes, size);
    *ret_member = json_pack("{s:s, s:s, s:s}", "value", base64.data ? base64.data : "", "encoding",
                            "base64", "mediaType", product->file->media_type);
    return true;
}

static bool document_of(struct request *rq, const struct job *job, const struct ogc_products *products,
                        bool inline_files, json_t **ret_body, struct err *err)
{
    AUTO(json) json_t *body = json_object();

    for (size_t i = 0; i < products->count; i++) {
        const char *id = products->list[i].id;
        json_t *member, *before = json_object_get(body, id);

        if (!document_member(rq, job, products, &products->list[i], inline_files, &member, err))
            return false;
        if (before && !json_is_array(before)) /* several files of one output are an array */
            json_object_set_new(body, id, json_pack("[O, o]", before, member));
        else if (before)
            json_array_append_new(before, member);
        else
            json_object_set_new(body, id, member);
    }
    *ret_body = json_incref(body);
    return true;
}

/* --- which of these -------------------------------------------------------------------------------- */

#define PROFILE "https://www.opengis.net/def/profile/OGC/0/ogc-results"

struct look {
    const char *response, *returns; /* as the request that made the job, or this one, has them */
    bool profile, later; /* profile: asked for; later: the results of a job are read */
};

static bool wants_profile(struct request *rq)
{
    const char *profile = request_query(rq, "profile");

    return profile && (!strcmp(profile, "ogc-results") || !strcmp(profile, "[ogc:profile:ogc-results]") ||
                       !strcmp(profile, PROFILE));
}

/* return=minimal: what is large comes as a link; representation: nothing does. Of 1.0, transmissionMode says it. */
static void apply_return(struct ogc_products *products, const struct look *look)
{
    for (size_t i = 0; look->returns && i < products->count; i++)
        if (!products->list[i].mode && products->list[i].file)
            products->list[i].mode = strcmp(look->returns, "minimal") ? "value" : "reference";
}

static bool reply_document(struct request *rq, struct reply *reply, const struct job *job,
                           const struct ogc_products *products, const struct look *look, struct err *err)
{
    bool representation = look->returns && !strcmp(look->returns, "representation");
    json_t *body;

    if (!document_of(rq, job, products, representation, &body, err))
        return false;
    if (look->profile || (look->later && !look->response))
        reply_header(rq, reply, "Link", "<" PROFILE ">; rel=\"profile\"");
    return reply_json(reply, 200, body, NULL);
}

static bool reply_page(struct request *rq, struct reply *reply, const struct job *job,
                       const struct ogc_products *products, struct err *err)
{
    AUTO(text) struct text page = { 0 };
    AUTO(json) json_t *body = NULL;

    if (!document_of(rq, job, products, false, &body, err))
        return false;
    html_ogc_results(rq, job, products, body, &page);
    return page_reply(rq, reply, &page);
}

static bool prefers(struct request *rq, const char *usual, const char *other)
{
    const char *const offers[] = { usual, other, NULL };

    return request_accepts(rq, offers) == 1;
}

static bool deliver(struct request *rq, struct reply *reply, const struct job *job, struct ogc_products *products,
                    const struct look *look, struct err *err)
{
    bool all_links = products->count > 0, document = look->profile || (look->response && !strcmp(look->response, "document"));
    const char *usual = products->count == 1 && !document ? ogc_product_media(&products->list[0]) : "application/json";

    apply_return(products, look);
    reply_header(rq, reply, "Vary", "Accept, Prefer");
    if (products->count && strncmp(usual, "text/html", 9) && prefers(rq, usual, "text/html"))
        return reply_page(rq, reply, job, products, err);
    for (size_t i = 0; i < products->count; i++)
        all_links &= by_reference(&products->list[i]);
    if (!look->response && !document && products->count > 1 && prefers(rq, usual, "multipart/related"))
        return reply_multipart(rq, reply, job, products, err);
    if (document || (!look->response && products->count != 1))
        return reply_document(rq, reply, job, products, look, err);
    if (all_links)
        return reply_links(rq, reply, job, products);
    if (products->count == 1)
        return reply_one(rq, reply, &products->list[0], err);
    return reply_multipart(rq, reply, job, products, err);
}

/* Leaves the outputs that `ids` names, in its order. Errors: NoSuchOutput, ResultNotAvailable. */
static bool keep_only(struct request *rq, const struct job *job, struct ogc_products *products, const char *ids,
                      struct err *err)
{
    AUTO(json) json_t *description = NULL;
    struct ogc_product *kept = arena_array(rq->arena, products->count + 1, sizeof *kept);
    char *rest = arena_text(rq->arena, ids), *id;
    size_t n = 0;

    if (!ogc_describe_of(rq, job, &description, err))
        return false;
    while ((id = strsep(&rest, ","))) {
        size_t i = 0;

        while (i < products->count && strcmp(products->list[i].id, id))
            i++;
        if (i == products->count && !json_object_get(json_object_get(description, "outputs"), id))
            return err_set(err, ERR_NoSuchOutput, "The process has no output '%.60s'.", id);
        if (i == products->count)
            return err_set(err, ERR_ResultNotAvailable, "The job has no output '%.60s': it was not asked for, or there is nothing in it.", id);
        for (size_t k = 0; k < n; k++)
            if (!strcmp(kept[k].id, id))
                i = products->count; /* named twice */
        for (; i < products->count; i++)
            if (!strcmp(products->list[i].id, id))
                kept[n++] = products->list[i];
    }
    products->list = kept;
    products->count = n;
    return true;
}

static bool is_ended_well(const struct job *job, struct err *err)
{
    if (job->state == JOB_CREATED || job->state == JOB_QUEUED || job->state == JOB_RUNNING)
        return err_set(err, ERR_ResultNotReady, "The job is not finished; its results come later.");
    return job->state == JOB_FINISHED || run_refuse_failed(job, err);
}

static struct look look_of(struct request *rq, const json_t *request)
{
    const char *returns = ogc_preference_read(rq).returns;

    return (struct look){ .response = js_text(request, "response"),
                          .returns = returns ? returns : js_text(request, "return"),
                          .profile = wants_profile(rq) };
}

bool ogc_reply_results(struct request *rq, struct reply *reply, const struct job *job, struct err *err)
{
    AUTO(ogc_products) struct ogc_products products = { 0 };
    struct look look = look_of(rq, job->request);

    if (!is_ended_well(job, err) || !ogc_products_read(rq, job, &products, err))
        return false;
    if (!products.count && !json_object_size(json_object_get(job->request, "outputs")))
        return reply_empty(reply, 204);
    return deliver(rq, reply, job, &products, &look, err);
}

bool ogc_reply_values(struct request *rq, struct reply *reply, const struct ogc_execution *x, json_t *value,
                      struct err *err)
{
    AUTO(ogc_products) struct ogc_products products = { 0 };
    const json_t *asked = json_object_get(x->request, "outputs");
    struct look look = look_of(rq, x->request);

    ogc_products_of_values(rq, x->description, asked, json_incref(value), &products);
    if (json_object_size(asked) == 0)
        return reply_empty(reply, 204);
    return deliver(rq, reply, NULL, &products, &look, err);
}

/* The results of a job, or those of its outputs that `ids` names. */
static bool read_later(struct request *rq, struct reply *reply, const char *ids, bool raw, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };
    AUTO(ogc_products) struct ogc_products products = { 0 };
    struct ogc_preference prefer = ogc_preference_read(rq);
    struct look look;

    if (!ogc_job(rq, &job, err) || !is_ended_well(&job, err) || !ogc_products_read(rq, &job, &products, err))
        return false;
    look = look_of(rq, job.request);
    look.later = true;
    if (raw)
        look.response = NULL;
    if (ids && !keep_only(rq, &job, &products, ids, err))
        return false;
    if (!products.count)
        return err_set(err, ERR_ResultNotAvailable, "The job was run without outputs that can be fetched.");
    if (raw && products.list[0].mode && !prefer.returns)
        products.list[0].mode = "value";
    prefer.sync = prefer.async = false;
    prefer.wait_ms = -1;
    ogc_preference_applied(rq, reply, &prefer, false);
    return deliver(rq, reply, &job, &products, &look, err);
}

/* GET /ogc/jobs/{jobId}/results */
bool ogc_results_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *ids = request_query(rq, "outputs");

    if (!OGC_QUERY(rq, err, "outputs", "profile"))
        return false;
    if (ids && !*ids)
        return err_set(err, ERR_InvalidQueryValue, "outputs: expected ids of outputs with commas between, found nothing");
    if (request_query(rq, "profile") && !wants_profile(rq))
        return err_set(err, ERR_InvalidQueryValue, "profile: expected ogc-results, found '%.100s'", request_query(rq, "profile"));
    return read_later(rq, reply, ids, false, err);
}

/* GET /ogc/jobs/{jobId}/results/{outputId} */
bool ogc_result_get(struct request *rq, struct reply *reply, struct err *err)
{
    return OGC_QUERY(rq, err, "profile") && read_later(rq, reply, request_variable(rq, "outputId"), true, err);
}
