/* A job in the XML of both versions. By value go values, and files that are small unless it was
 * asked for them; text as it is, anything else in base64. */
#include "api/common/build.h"
#include "api/common/page.h"
#include "api/common/results.h"
#include "api/common/run.h"
#include "api/wps/peps_links.h"
#include "api/wps/wps.h"
#include "base/instant.h"
#include "json/js.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { SMALL_BYTES = 4 << 20 };

/* ---- the form ---- */

json_t *wps_form_json(const struct wps_request *wps, const json_t *body)
{
    json_t *form = json_pack("{s:i, s:b, s:b, s:b}", "version", (int)wps->version, "raw", wps->raw,
                             "store", wps->store, "later", wps_is_later(wps));

    if (wps->name)
        json_object_set_new(form, "name", json_string(wps->name));
    if (wps->lineage)
        json_object_set_new(form, "lineage", json_deep_copy(body));
    return form;
}

bool wps_is_later(const struct wps_request *wps)
{
    return wps->version == OWS_2_0 ? wps->mode == WPS_AUTO : wps->store;
}

struct wps_form wps_form_of(const struct job *job)
{
    const json_t *form = json_object_get(job->request, "wps");

    return (struct wps_form){
        .version = (enum ows_version)json_integer_value(json_object_get(form, "version")),
        .raw = json_is_true(json_object_get(form, "raw")),
        .store = json_is_true(json_object_get(form, "store")),
        .later = json_is_true(json_object_get(form, "later")),
        .name = js_text(form, "name"),
        .lineage = json_object_get(form, "lineage"),
    };
}

/* ---- values ---- */

static bool is_text(const char *media)
{
    static const char *const texts[] = {"text/", "application/json", "application/geo+json",
                                        "application/xml"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (text_begins(media, texts[i]))
            return true;
    return false;
}

static void add_corner(struct text *xml, const char *name, const json_t *box, size_t from)
{
    size_t half = json_array_size(box) / 2;

    text_printf(xml, "<ows:%s>", name);
    for (size_t i = 0; i < half; i++)
        text_printf(xml, "%s%.17g", i ? " " : "",
                    json_number_value(json_array_get(box, from * half + i)));
    text_printf(xml, "</ows:%s>", name);
}

static void add_box(struct text *xml, enum ows_version version, const json_t *value)
{
    const char *crs = js_text(value, "crs");
    const char *element = version == OWS_2_0 ? "ows:BoundingBox" : "wps:BoundingBoxData";
    const json_t *box = json_object_get(value, "bbox");

    page_add(xml, "<%s crs=\"%s\"", element,
             crs ? crs : "http://www.opengis.net/def/crs/OGC/1.3/CRS84");
    text_printf(xml, " dimensions=\"%zu\">", json_array_size(box) / 2);
    add_corner(xml, "LowerCorner", box, 0);
    add_corner(xml, "UpperCorner", box, 1);
    text_printf(xml, "</%s>", element);
}

static bool is_box(const json_t *value)
{
    return json_array_size(json_object_get(value, "bbox")) >= 4;
}

static char *literal_text(const json_t *value)
{
    return json_is_string(value) ? mem_text(json_string_value(value))
                                 : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* The inside of wps:Data in 1.0.0; the whole of it in 2.0.0. */
static void add_value(struct text *xml, enum ows_version version, const json_t *value)
{
    bool plain = !json_is_object(value) && !json_is_array(value);
    AUTO(mem)
    char *text = json_is_string(value) ? mem_text(json_string_value(value))
                                       : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    if (version == OWS_1_1) {
        if (is_box(value))
            add_box(xml, version, value);
        else if (plain)
            page_add(xml, "<wps:LiteralData>%s</wps:LiteralData>", text);
        else
            page_add(xml, "<wps:ComplexData mimeType=\"application/json\">%s</wps:ComplexData>",
                     text);
        return;
    }
    if (is_box(value)) {
        text_add(xml, "<wps:Data mimeType=\"text/xml\">");
        add_box(xml, version, value);
        text_add(xml, "</wps:Data>");
        return;
    }
    page_add(xml, "<wps:Data mimeType=\"%s\">%s</wps:Data>",
             plain ? "text/plain" : "application/json", text);
}

static bool add_file(struct text *xml, enum ows_version version, const struct ogc_product *product,
                     struct err *err)
{
    const char *media = ogc_product_media(product),
               *element = version == OWS_2_0 ? "wps:Data" : "wps:ComplexData";
    AUTO(mem) char *bytes = NULL;
    size_t size;

    if (!ogc_product_bytes(product->file, &bytes, &size, err))
        return false;
    bytes[size] = '\0';
    page_add(xml, "<%s mimeType=\"%s\"", element, media);
    if (is_text(media) && strlen(bytes) == size && text_is_utf8(bytes)) {
        text_add(xml, ">");
        text_add_html(xml, bytes);
    } else {
        text_add(xml, " encoding=\"base64\">");
        text_add_base64(xml, bytes, size);
    }
    text_printf(xml, "</%s>", element);
    return true;
}

/* How many files the output that begins here has: it is told once, as all of them in a zip. */
static size_t files_of(const struct ogc_products *products, size_t first)
{
    size_t n = 1;

    while (first + n < products->count && !strcmp(products->list[first].id, products->list[first + n].id))
        n++;
    return n;
}

static const char *zip_href(struct request *rq, const struct job *job, const char *output)
{
    const char *path = arena_printf(rq->arena, "/results/%s", job->id);
    AUTO(text) struct text href = {0};

    text_printf(&href, "%s&output=", results_sign(rq, path, results_links_expire(rq, job)));
    text_add_url(&href, output, "");
    return arena_text(rq->arena, href.data);
}

static void add_reference(struct text *xml, enum ows_version version, const char *media, const char *href)
{
    page_add(xml, version == OWS_1_1 ? "<wps:Reference mimeType=\"%s\" href=\"%s\"/>"
                                     : "<wps:Reference mimeType=\"%s\" xlink:href=\"%s\"/>", media, href);
}

static bool wants_reference(const struct ogc_product *product)
{
    if (product->mode)
        return !strcmp(product->mode, "reference");
    return product->file && product->file->size_bytes > SMALL_BYTES;
}

static bool add_product(struct text *xml, struct request *rq, const struct job *job,
                        const struct ogc_products *products, const struct ogc_product *product,
                        enum ows_version version, struct err *err)
{
    bool first = version == OWS_1_1;

    if (files_of(products, (size_t)(product - products->list)) > 1) {
        add_reference(xml, version, "application/zip", zip_href(rq, job, product->id));
        return true;
    }
    if (wants_reference(product)) {
        add_reference(xml, version, ogc_product_media(product), ogc_product_href(rq, job, products, product));
        return true;
    }
    if (first)
        text_add(xml, "<wps:Data>");
    if (product->file ? !add_file(xml, version, product, err)
                      : (add_value(xml, version, product->value), false))
        return false;
    if (first)
        text_add(xml, "</wps:Data>");
    return true;
}

/* ---- 1.0.0 ---- */

/* Of a process that is not there any more, only what the job says. */
static bool describe(struct request *rq, const struct job *job, json_t **ret_description, struct err *err)
{
    if (!ogc_describe_of(rq, job, ret_description, err))
        return false;
    if (!*ret_description)
        *ret_description = json_pack("{s:s}", "title", job->title ? job->title : "A job");
    return true;
}

static const char *name_of(const struct job *job)
{
    const char *name = wps_form_of(job).name;

    return name ? name : job->process_id ? job->process_id : job->id;
}

static void add_status(struct text *xml, const struct job *job)
{
    const char *id = name_of(job);
    char when[INSTANT_TEXT_SIZE];

    text_printf(xml, "<wps:Status creationTime=\"%s\">\n", instant_format(job->updated, when));
    switch (job->state) {
    case JOB_CREATED:
    case JOB_QUEUED:
        page_add(xml, "<wps:ProcessAccepted>Process %s accepted</wps:ProcessAccepted>\n", id);
        break;
    case JOB_RUNNING:
        text_printf(xml, "<wps:ProcessStarted percentCompleted=\"%d\">",
                    job->progress < 99 ? (int)job->progress : 99);
        page_add(xml, "Process %s started</wps:ProcessStarted>\n", id);
        break;
    case JOB_FINISHED:
        page_add(xml, "<wps:ProcessSucceeded>Process %s succeeded</wps:ProcessSucceeded>\n", id);
        break;
    case JOB_ERROR:
    case JOB_CANCELED: {
        const char *message = job->state == JOB_CANCELED ? "The job was dismissed"
                              : job->error_message       ? job->error_message
                                                         : "The job failed";
        AUTO(mem) char *report = ows_report(OWS_1_1, "NoApplicableCode", NULL, message);

        text_printf(xml, "<wps:ProcessFailed>%s</wps:ProcessFailed>\n", report);
    }
    }
    text_add(xml, "</wps:Status>\n");
}

static void add_lineage(struct text *xml, const json_t *body, const json_t *description)
{
    const json_t *known = json_object_get(description, "inputs");
    const char *id, *sub;
    json_t *value, *wish;

    if (json_object_size(json_object_get(body, "inputs"))) {
        text_add(xml, "<wps:DataInputs>\n");
        json_object_foreach(json_object_get(body, "inputs"), id, value)
        {
            const char *href = js_text(value, "href");

            text_add(xml, "<wps:Input>");
            wps_add_identity(xml, OWS_1_1, id, json_object_get(known, id));
            if (href) {
                page_add(xml, "<wps:Reference xlink:href=\"%s\"/></wps:Input>\n", href);
                continue;
            }
            text_add(xml, "<wps:Data>");
            add_value(xml, OWS_1_1,
                      json_object_get(value, "value") ? json_object_get(value, "value") : value);
            text_add(xml, "</wps:Data></wps:Input>\n");
        }
        text_add(xml, "</wps:DataInputs>\n");
    }
    if (!json_object_size(json_object_get(body, "outputs")))
        return;
    text_add(xml, "<wps:OutputDefinitions>\n");
    json_object_foreach(json_object_get(body, "outputs"), sub, wish)
    {
        const char *mode = js_text(wish, "transmissionMode");

        page_add(xml, "<wps:Output asReference=\"%s\">",
                 mode && !strcmp(mode, "reference") ? "true" : "false");
        wps_add_identity(xml, OWS_1_1, sub,
                         json_object_get(json_object_get(description, "outputs"), sub));
        text_add(xml, "</wps:Output>\n");
    }
    text_add(xml, "</wps:OutputDefinitions>\n");
}

static bool add_outputs(struct text *xml, struct request *rq, const struct job *job,
                        const json_t *description, struct err *err)
{
    const json_t *known = json_object_get(description, "outputs");
    AUTO(ogc_products) struct ogc_products products = {0};

    if (!ogc_products_read(rq, job, &products, err))
        return false;
    text_add(xml, products.count ? "<wps:ProcessOutputs>\n" : "");
    for (size_t i = 0; i < products.count; i += files_of(&products, i)) {
        text_add(xml, "<wps:Output>");
        wps_add_identity(xml, OWS_1_1, products.list[i].id,
                         json_object_get(known, products.list[i].id));
        if (!add_product(xml, rq, job, &products, &products.list[i], OWS_1_1, err))
            return false;
        text_add(xml, "</wps:Output>\n");
    }
    text_add(xml, products.count ? "</wps:ProcessOutputs>\n" : "");
    return true;
}

/* statusLocation is the last attribute and ends its line: old scripts look for it there. */
static void begin_response(struct text *xml, struct request *rq, const struct job *job,
                           const json_t *description)
{
    const char *version = js_text(description, "version");
    struct wps_form form = wps_form_of(job);

    text_add(
        xml,
        "<wps:ExecuteResponse xmlns:wps=\"http://www.opengis.net/wps/1.0.0\""
        " xmlns:ows=\"http://www.opengis.net/ows/1.1\" xmlns:xlink=\"http://www.w3.org/1999/xlink\""
        " service=\"WPS\" version=\"1.0.0\" xml:lang=\"en\"");
    page_add(xml,
             " serviceInstance=\"%s?service=WPS&amp;request=GetCapabilities&amp;version=1.0.0\"",
             href_of(rq, WPS_ROOT));
    if (form.name)
        page_add(xml, " statusLocation=\"%s\"", peps_state_href(rq, job, "xml"));
    else if (form.store)
        page_add(xml, " statusLocation=\"%s\"",
                 results_sign(rq, arena_printf(rq->arena, WPS_ROOT "/status/%s.xml", job->id),
                              results_links_expire(rq, job)));
    text_add(xml, ">\n");
    page_add(xml, "<wps:Process wps:processVersion=\"%s\">", version ? version : "1");
    wps_add_identity(xml, OWS_1_1, name_of(job), description);
    text_add(xml, "</wps:Process>\n");
}

bool wps_reply_response(struct request *rq, struct reply *reply, const struct job *job,
                        struct err *err)
{
    AUTO(json) json_t *description = NULL;
    AUTO(text) struct text xml = {0};
    struct wps_form form = wps_form_of(job);

    if (!describe(rq, job, &description, err))
        return false;
    begin_response(&xml, rq, job, description);
    add_status(&xml, job);
    if (form.lineage)
        add_lineage(&xml, form.lineage, description);
    if (form.name)
        peps_add_reference(&xml, rq, job);
    else if (job->state == JOB_FINISHED && !add_outputs(&xml, rq, job, description, err))
        return false;
    text_add(&xml, "</wps:ExecuteResponse>");
    return wps_send(reply, &xml);
}

static bool reply_zip(struct request *rq, struct reply *reply, const struct job *job, const struct ogc_products *products,
                      struct err *err)
{
    struct job_asset *files = arena_array(rq->arena, products->count, sizeof *files);

    for (size_t i = 0; i < products->count; i++)
        files[i] = *products->list[i].file;
    return results_zip(rq, reply, files, products->count, NULL, NULL, arena_printf(rq->arena, "%s.zip", job->id), err);
}

bool wps_reply_raw(struct request *rq, struct reply *reply, const struct job *job, struct err *err)
{
    AUTO(ogc_products) struct ogc_products products = {0};
    const struct ogc_product *one;
    size_t size;
    char *bytes;

    if (!ogc_products_read(rq, job, &products, err))
        return false;
    if (products.count == 0 || files_of(&products, 0) < products.count)
        return err_set(err, ERR_InvalidParameter,
                       "Raw data are those of one output; the job has %zu", products.count);
    if (products.count > 1)
        return reply_zip(rq, reply, job, &products, err);
    one = products.list;
    if (one->file)
        return reply_file(rq, reply, one->file->path, one->file->media_type, NULL, err);
    if (!one->base64 && !json_is_object(one->value) && !json_is_array(one->value)) {
        bytes = literal_text(one->value);
        return reply_bytes(reply, 200, bytes, strlen(bytes), "text/plain; charset=utf-8");
    }
    return ogc_product_text(one, &bytes, &size, err) &&
           reply_bytes(reply, 200, bytes, size, ogc_product_media(one));
}

/* ---- 2.0.0 ---- */

#define SECOND                                                                                     \
    "xmlns:wps=\"http://www.opengis.net/wps/2.0\" xmlns:ows=\"http://www.opengis.net/ows/2.0\""    \
    " xmlns:xlink=\"http://www.w3.org/1999/xlink\""

bool wps_reply_status(struct reply *reply, const struct job *job)
{
    /* in the order of enum job_state */
    static const char *const names[] = {"Accepted",  "Accepted", "Running",
                                        "Succeeded", "Failed",   "Dismissed"};
    char when[INSTANT_TEXT_SIZE];
    struct text xml = {0};

    text_printf(&xml,
                "<wps:StatusInfo " SECOND "><wps:JobID>%s</wps:JobID><wps:Status>%s</wps:Status>",
                job->id, names[job->state]);
    if (job->expires)
        text_printf(&xml, "<wps:ExpirationDate>%s</wps:ExpirationDate>",
                    instant_format(job->expires, when));
    if (job->state != JOB_CREATED)
        text_printf(&xml, "<wps:PercentCompleted>%d</wps:PercentCompleted>", (int)job->progress);
    text_add(&xml, "</wps:StatusInfo>");
    return wps_send(reply, &xml);
}

bool wps_reply_result(struct request *rq, struct reply *reply, const struct job *job,
                      struct wps_problem *problem, struct err *err)
{
    AUTO(ogc_products) struct ogc_products products = {0};
    AUTO(text) struct text xml = {0};
    char when[INSTANT_TEXT_SIZE];

    if (job->state == JOB_CREATED || job->state == JOB_QUEUED || job->state == JOB_RUNNING)
        return wps_refuse(problem, "ResultNotReady", "jobid", err, "The job has not finished yet");
    if (job->state != JOB_FINISHED)
        return run_refuse_failed(job, err);
    if (wps_form_of(job).raw)
        return wps_reply_raw(rq, reply, job, err);
    if (!ogc_products_read(rq, job, &products, err))
        return false;
    text_printf(&xml, "<wps:Result " SECOND "><wps:JobID>%s</wps:JobID>", job->id);
    if (job->expires)
        text_printf(&xml, "<wps:ExpirationDate>%s</wps:ExpirationDate>",
                    instant_format(job->expires, when));
    for (size_t i = 0; i < products.count; i += files_of(&products, i)) {
        page_add(&xml, "<wps:Output id=\"%s\">", products.list[i].id);
        if (!add_product(&xml, rq, job, &products, &products.list[i], OWS_2_0, err))
            return false;
        text_add(&xml, "</wps:Output>");
    }
    text_add(&xml, "</wps:Result>");
    return wps_send(reply, &xml);
}
