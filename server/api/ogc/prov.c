/* Where the results of a job come from, as PROV-JSON: the job is an activity that used its inputs and the scenes that
 * the catalogue named, generated its outputs, and was started by its owner and done by this program after the plan that
 * its process is. */
#include "api/common/build.h"
#include "api/common/run.h"
#include "api/ogc/adhoc.h"
#include "api/ogc/html.h"
#include "base/text.h"
#include "base/instant.h"
#include "config.h"
#include "json/js.h"
#include <string.h>

enum { MAX_SCENES = 10000 };

struct prov {
    json_t *entity, *used, *generated;
    int relations;
};

static json_t *typed(const char *value, const char *type)
{
    return json_pack("{s:s, s:s}", "$", value, "type", type);
}

/* "_:used1" of two names. */
static void relate(struct prov *prov, json_t *relations, const char *kind, const char *activity, const char *entity,
                   const char *role)
{
    AUTO(mem) char *name = mem_printf("_:%s%d", kind, ++prov->relations);
    json_t *relation = json_pack("{s:s, s:s}", "prov:activity", activity, "prov:entity", entity);

    if (role)
        json_object_set_new(relation, "prov:role", json_string(role));
    json_object_set_new(relations, name, relation);
}

/* Names may hold what stands for something else in a qualified name. */
static char *qualified(const char *prefix, const char *name)
{
    AUTO(text) struct text text = { 0 };

    text_printf(&text, "%s:", prefix);
    text_add_url(&text, name, "");
    return text_take(&text);
}

static void add_inputs(struct prov *prov, const char *activity, const json_t *inputs)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)inputs, name, value) {
        AUTO(mem) char *id = qualified("input", name), *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        const char *href = js_text(value, "href");
        json_t *entity = json_pack("{s:s}", "prov:label", name);

        if (href)
            json_object_set_new(entity, "prov:location", typed(href, "xsd:anyURI"));
        else
            json_object_set_new(entity, "prov:value", typed(text, "xsd:string"));
        json_object_set_new(prov->entity, id, entity);
        relate(prov, prov->used, "used", activity, id, name);
    }
}

/* What planning was told: scenes lie somewhere in it, each with its id and its collection. */
static void add_scenes(struct request *rq, struct prov *prov, const char *activity, const json_t *told, int depth)
{
    const char *id = js_text(told, "id"), *key,
               *collection = js_text(told, "collection");
    json_t *inside;
    size_t i;

    if (depth > 8 || json_object_size(prov->entity) > MAX_SCENES)
        return;
    if (id && collection && json_object_get(told, "bands")) {
        AUTO(mem) char *name = qualified("scene", id);

        if (!json_object_get(prov->entity, name)) {
            const char *href = href_of(rq, "/stac/collections/%s/items/%s", collection, id);

            json_object_set_new(prov->entity, name, json_pack("{s:s, s:o}", "prov:label", id, "prov:location", typed(href, "xsd:anyURI")));
            relate(prov, prov->used, "used", activity, name, "scene");
        }
        return;
    }
    json_object_foreach((json_t *)told, key, inside)
        add_scenes(rq, prov, activity, inside, depth + 1);
    json_array_foreach((json_t *)told, i, inside)
        add_scenes(rq, prov, activity, inside, depth + 1);
}

static void add_outputs(struct request *rq, struct prov *prov, const char *activity, const struct job *job,
                        const struct ogc_products *products)
{
    for (size_t i = 0; i < products->count; i++) {
        const struct ogc_product *product = &products->list[i];
        AUTO(mem) char *id = qualified("output", product->id);
        const char *href = href_of(rq, OGC_ROOT "/jobs/%s/results/%s", job->id, product->id);

        if (json_object_get(prov->entity, id)) /* a further file of the output */
            continue;
        json_object_set_new(prov->entity, id,
                            json_pack("{s:s, s:o, s:o}", "prov:label", product->id, "prov:location", typed(href, "xsd:anyURI"),
                                      "dcterms:format", typed(ogc_product_media(product), "xsd:string")));
        relate(prov, prov->generated, "generated", activity, id, product->id);
    }
}

static json_t *prefixes(struct request *rq, const struct job *job)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "job", href_of(rq, OGC_ROOT "/jobs/"), "process",
                     href_of(rq, OGC_ROOT "/processes/"), "input", href_of(rq, OGC_ROOT "/jobs/%s/inputs#", job->id), "output",
                     href_of(rq, OGC_ROOT "/jobs/%s/results/", job->id), "scene", href_of(rq, "/stac/items#"), "user", "urn:uuid:",
                     "software", href_of(rq, "/#"), "dcterms", "http://purl.org/dc/terms/");
}

static json_t *activity_of(const struct job *job)
{
    json_t *activity = json_object();
    char text[INSTANT_TEXT_SIZE];

    put_text(activity, "prov:label", job->title);
    if (job->started)
        json_object_set_new(activity, "prov:startTime", json_string(instant_format(job->started, text)));
    if (job->finished)
        json_object_set_new(activity, "prov:endTime", json_string(instant_format(job->finished, text)));
    return activity;
}

static json_t *document(struct request *rq, const struct job *job, const json_t *scenes,
                        const struct ogc_products *products)
{
    AUTO(mem) char *activity = qualified("job", job->id), *user = qualified("user", rq->user->id);
    bool has_process = job->process_id && !ogc_adhoc_name(rq, job->process_id);
    AUTO(mem) char *plan = has_process ? qualified("process", job->process_id) : mem_text("job:definition");
    struct prov prov = { json_object(), json_object(), json_object(), 0 };
    const char *href = has_process ? href_of(rq, OGC_ROOT "/processes/%s", job->process_id)
                                       : href_of(rq, OGC_ROOT "/jobs/%s/definition", job->id);

    json_object_set_new(prov.entity, plan,
                        json_pack("{s:o, s:o}", "prov:type", typed("prov:Plan", "xsd:QName"), "prov:location", typed(href, "xsd:anyURI")));
    add_inputs(&prov, activity, json_object_get(json_object_get(job->request, "definition"), "inputs"));
    add_scenes(rq, &prov, activity, scenes, 0);
    add_outputs(rq, &prov, activity, job, products);
    return json_pack("{s:o, s:o, s:{s:o}, s:{s:{s:s, s:o}, s:{s:s, s:o}}, s:o, s:o, s:{s:{s:s, s:s, s:s}, s:{s:s, s:s}}}", "prefix",
                     prefixes(rq, job), "entity", prov.entity, "activity", activity, activity_of(job), "agent", user, "prov:label",
                     rq->user->name, "prov:type", typed("prov:Person", "xsd:QName"), "software:sentier", "prov:label",
                     "Sentier " PACKAGE_VERSION, "prov:type", typed("prov:SoftwareAgent", "xsd:QName"), "used", prov.used,
                     "wasGeneratedBy", prov.generated, "wasAssociatedWith", "_:software", "prov:activity", activity, "prov:agent",
                     "software:sentier", "prov:plan", plan, "_:user", "prov:activity", activity, "prov:agent", user);
}

/* GET /ogc/jobs/{jobId}/prov */
bool ogc_prov_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };
    AUTO(ogc_products) struct ogc_products products = { 0 };
    struct job_work work = { 0 };
    bool good;

    if (!OGC_QUERY(rq, err) || !ogc_job(rq, &job, err) ||
        (job.state == JOB_FINISHED && !ogc_products_read(rq, &job, &products, err)) || !job_load_work(rq->db, job.id, &work, err))
        return false;
    good = ogc_answer(rq, reply, 200, document(rq, &job, work.scenes, &products), html_ogc_other, err);
    job_work_done(&work);
    return good;
}
