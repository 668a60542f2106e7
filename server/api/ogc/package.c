/* A package becomes a description and what a job plans ("unit"): a process graph, or {"cwl": document}. Whatever
 * form it comes in, what the sender says of the process (title, keywords, version) stands over what is derived. */
#include "api/ogc/package.h"
#include "api/ogc/package_types.h"
#include "api/ogc/workflow.h"
#include "base/text.h"
#include "cwl/cwl.h"
#include "graph/graph.h"
#include "json/js.h"
#include "net/fetch.h"
#include "sandbox/container.h"
#include "store/catalog.h"
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { FETCH_MS = 30000, MAX_ID = 100, LARGEST = 4 << 20 };

void ogc_package_drop(struct ogc_package *package)
{
    json_decref(package->description);
    json_decref(package->unit);
    json_decref(package->groups);
}

/* ---- commands ---- */

static pthread_once_t probed = PTHREAD_ONCE_INIT;
static struct err no_sandbox;

/* Once: what this machine can run. A server reads no files for packages. */
static void probe(void)
{
    if (sandbox_check(&no_sandbox))
        err_clear(&no_sandbox);
    cwl_confine("/nowhere");
}

bool ogc_package_runs_commands(const struct config *config, struct err *err)
{
    if (!config->packages_offer)
        return err_set(err, ERR_SandboxUnavailable, "This site runs no packages of commands.");
    pthread_once(&probed, probe);
    return !no_sandbox.code || err_set(err, no_sandbox.code, "%s", no_sandbox.message);
}

static bool check_commands(const struct request *rq, const json_t *document, struct err *err)
{
    const struct config *c = rq->config;
    struct cwl_site site = { .network = c->packages_network, .cores = c->worker_threads > 0 ? c->worker_threads : 1,
                             .memory_bytes = c->worker_memory, .container = container_runtime(c->packages_container),
                             .registries = c->packages_registries };

    return ogc_package_runs_commands(c, err) && (!site.container || container_check_runtime(site.container, err)) && cwl_check_site(document, &site, err);
}

static json_t *describe_parameters(const json_t *list, bool is_output)
{
    json_t *all = json_object();
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        const json_t *type = json_object_get(one, "type");
        const char *id = js_text(one, "id"), *label = js_text(one, "label"), *text = js_text(one, "doc");
        json_t *made = json_pack("{s:s, s:o}", "title", label ? label : id, "schema", ogc_schema_of_type(type, is_output));

        if (text)
            json_object_set_new(made, "description", json_string(text));
        if (!is_output && (json_object_get(one, "default") || cwl_fits(type, json_null())))
            json_object_set_new(made, "minOccurs", json_integer(0));
        if (!is_output && json_object_get(one, "default") && !cwl_is_file(json_object_get(one, "default")))
            json_object_set(json_object_get(made, "schema"), "default", json_object_get(one, "default"));
        json_object_set_new(all, id, made);
    }
    return all;
}

static bool take_cwl(struct request *rq, const char *bytes, size_t size, struct ogc_package *package, struct err *err)
{
    const json_t *process;
    json_t *document;
    const char *id;

    pthread_once(&probed, probe);
    if (!cwl_read(bytes, size, NULL, request_query(rq, "w"), NULL, &document, err))
        return false;
    package->unit = json_pack("{s:o}", "cwl", document);
    if (!check_commands(rq, document, err))
        return false;
    process = cwl_main(document);
    id = js_text(process, "id");
    package->description = json_pack("{s:s, s:s, s:o, s:o}", "id", id, "title", js_text(process, "label") ? js_text(process, "label") : id,
                                     "inputs", describe_parameters(json_object_get(process, "inputs"), false),
                                     "outputs", describe_parameters(json_object_get(process, "outputs"), true));
    if (js_text(process, "doc"))
        json_object_set(package->description, "description", json_object_get(process, "doc"));
    return true;
}

/* ---- graphs ---- */

/* A schema of openEO without what JSON Schema has not. */
static json_t *plain_schema(const json_t *schema)
{
    json_t *branches, *copy;
    const json_t *one;
    size_t i;

    if (!json_is_array(schema)) {
        copy = json_is_object(schema) ? json_deep_copy(schema) : json_object();
        if (!js_text(copy, "type") && !json_is_array(json_object_get(copy, "type")))
            json_object_del(copy, "type");
        return copy;
    }
    branches = json_array();
    json_array_foreach(schema, i, one)
        json_array_append_new(branches, plain_schema(one));
    return json_pack("{s:o}", "oneOf", branches);
}

static json_t *graph_inputs(const json_t *process)
{
    json_t *inputs = json_object();
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(process, "parameters"), i, one)
    {
        const char *name = js_text(one, "name"), *text = js_text(one, "description");
        json_t *made = json_pack("{s:s, s:o}", "title", name, "schema", plain_schema(json_object_get(one, "schema")));

        if (text)
            json_object_set_new(made, "description", json_string(text));
        if (json_is_true(json_object_get(one, "optional")))
            json_object_set_new(made, "minOccurs", json_integer(0));
        json_object_set_new(inputs, name, made);
    }
    return inputs;
}

/* Each sink is an output; a graph without one gives its result. */
static json_t *graph_outputs(const json_t *process)
{
    json_t *outputs = json_object(), *node;
    const char *id;

    json_object_foreach(json_object_get(process, "process_graph"), id, node)
        if (js_text(node, "process_id") && !strcmp(js_text(node, "process_id"), "save_result"))
            json_object_set_new(outputs, id, json_pack("{s:s, s:{s:s, s:s}}", "title", id, "schema", "type", "string",
                                                       "contentEncoding", "binary"));
    if (json_object_size(outputs) == 0)
        json_object_set_new(outputs, "result", json_pack("{s:s, s:{}}", "title", "Result", "schema"));
    return outputs;
}

static bool take_graph(struct request *rq, const json_t *process, struct ogc_package *package, struct err *err)
{
    struct catalog_viewer viewer = { .db = rq->db, .user = rq->user->id };
    struct catalog catalog = catalog_store(&viewer);
    static const char *const kept[] = { "process_graph", "parameters", "returns" };
    AUTO(json) json_t *errors = NULL;
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(process, "parameters"), i, one)
        if (!js_text(one, "name"))
            return err_set(err, ERR_ProcessInvalid, "/parameters/%zu: has no name", i);
    if (!dialect_find(rq->config->jobs_dialect, &catalog.dialect))
        catalog.dialect = DIALECT_OPENEO;
    if (!graph_validate(process, &catalog, &errors, err))
        return false;
    if (json_array_size(errors) > 0)
        return err_set(err, err_find(js_text(json_array_get(errors, 0), "code")), "%s", js_text(json_array_get(errors, 0), "message"));
    package->unit = json_object();
    for (i = 0; i < ARRAY_LEN(kept); i++)
        if (json_object_get(process, kept[i]))
            json_object_set(package->unit, kept[i], json_object_get(process, kept[i]));
    package->description = json_pack("{s:o, s:o}", "inputs", graph_inputs(process), "outputs", graph_outputs(process));
    return true;
}

/* ---- forms ---- */

static bool take_unit(struct request *rq, const json_t *unit, struct ogc_package *package, struct err *err);

static bool fetch_unit(struct request *rq, const char *url, struct ogc_package *package, struct err *err)
{
    struct fetch what = { .url = url, .timeout_ms = FETCH_MS, .max_size = LARGEST };
    AUTO(fetched) struct fetched answer = { 0 };

    if (!fetch_may_call(url, rq->config->packages_hosts, &what.public_only, err) || !fetch(&what, &answer, err))
        return err_prefix(err, "/executionUnit/href");
    if (answer.status != 200)
        return err_set(err, ERR_BadRequest, "/executionUnit/href: the server answered %d", answer.status);
    return take_cwl(rq, answer.body, answer.size, package, err);
}

static bool take_text(struct request *rq, const json_t *value, struct ogc_package *package, struct err *err)
{
    AUTO(mem) char *text = json_is_string(value) ? mem_text(json_string_value(value)) : json_dumps(value, JSON_COMPACT);

    return take_cwl(rq, text, strlen(text), package, err);
}

/* An execute request: what its $input and $output name are inputs and outputs. */
static bool take_workflow(struct request *rq, const json_t *body, struct ogc_package *package, struct err *err)
{
    static const char *const kept[] = { "process", "inputs", "outputs", "filter", "properties", "sortBy", "aliases" };
    json_t *execute;

    if (!ogc_workflow_describe(rq, body, &package->description, err))
        return false;
    execute = json_object();
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (json_object_get(body, kept[i]))
            json_object_set(execute, kept[i], json_object_get(body, kept[i]));
    package->unit = json_pack("{s:o}", "execute", execute);
    return true;
}

static bool take_unit(struct request *rq, const json_t *unit, struct ogc_package *package, struct err *err)
{
    static const char *const wrappers[] = { "unit", "value", "process" };
    const char *type = js_text(unit, "type");

    if (json_is_array(unit))
        return json_array_size(unit) == 1 ? take_unit(rq, json_array_get(unit, 0), package, err)
                                          : err_set(err, ERR_BadRequest, "/executionUnit: expected one, found %zu", json_array_size(unit));
    if (json_object_get(unit, "cwlVersion") || json_object_get(unit, "$graph") || json_is_string(unit))
        return take_text(rq, unit, package, err);
    if (json_is_object(json_object_get(unit, "process_graph")))
        return take_graph(rq, unit, package, err);
    if (json_is_string(json_object_get(unit, "process")))
        return take_workflow(rq, unit, package, err);
    if (json_object_get(unit, "image") || (type && !strcmp(type, "docker")))
        return err_set(err, ERR_FeatureUnsupported,
                       "/executionUnit: images alone name no command; send CWL, whose DockerRequirement may name one");
    for (size_t i = 0; i < ARRAY_LEN(wrappers); i++)
        if (json_object_get(unit, wrappers[i]))
            return take_unit(rq, json_object_get(unit, wrappers[i]), package, err);
    if (js_text(unit, "href"))
        return fetch_unit(rq, js_text(unit, "href"), package, err);
    return err_set(err, ERR_BadRequest, "/executionUnit: expected CWL, a process graph, or {\"href\"}, found %s", js_type_name(unit));
}

/* What the sender says over what was derived. */
static bool merge(struct ogc_package *package, const json_t *said, struct err *err)
{
    static const char *const never[] = { "links", "jobControlOptions", "outputTransmission", "mutable", "process_graph",
                                         "parameters", "returns", "public", "groups", "executionUnit", "processDescription", "examples", "process", "response", "subscriber" };
    bool is_commands = json_object_get(package->unit, "cwl") || json_object_get(package->unit, "execute");
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)said, key, value)
    {
        bool skip = is_commands && (!strcmp(key, "inputs") || !strcmp(key, "outputs"));

        for (size_t i = 0; i < ARRAY_LEN(never); i++)
            skip |= !strcmp(never[i], key);
        if (!skip)
            json_object_set(package->description, key, value);
    }
    if (json_is_false(json_object_get(said, "mutable")))
        package->mutable_ = false;
    if (json_is_true(json_object_get(said, "public")))
        package->shared = true;
    if (json_is_array(json_object_get(said, "groups")))
        package->groups = json_incref(json_object_get(said, "groups"));
    if (json_object_get(said, "inputs") && !json_is_object(json_object_get(said, "inputs")))
        return js_refuse(json_object_get(said, "inputs"), "/processDescription/inputs", "an object", err);
    return true;
}

static const json_t *description_of(const json_t *package)
{
    const json_t *said = json_object_get(package, "processDescription"), *within = json_object_get(said, "process");

    return json_is_object(within) ? within : said;
}

static bool take_json(struct request *rq, struct ogc_package *package, struct err *err)
{
    AUTO(json) json_t *body = NULL;
    const json_t *said, *unit;

    if (!request_json(rq, &body, err))
        return false;
    if (!json_is_object(body))
        return js_refuse(body, "", "an object", err);
    unit = json_object_get(body, "executionUnit");
    said = unit ? description_of(body) : body;
    if (!take_unit(rq, unit ? unit : body, package, err))
        return false;
    return (!unit && json_object_get(package->unit, "cwl")) || merge(package, said, err);
}

static bool choose_type(struct request *rq, const char **ret_type, bool *ret_is_cwl, struct err *err)
{
    static const struct { const char *media; bool is_cwl; } known[] = {
        { "application/ogcapppkg+json", false }, { "application/json", false }, { "application/cwl", true },
        { "application/cwl+yaml", true },        { "application/cwl+json", true }, { "application/x-yaml", true },
        { "application/yaml", true },
    };
    const char *type = request_header(rq, "Content-Type");
    size_t length = type ? strcspn(type, "; ") : 0;

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (length == strlen(known[i].media) && !strncasecmp(type, known[i].media, length)) {
            *ret_type = known[i].media;
            *ret_is_cwl = known[i].is_cwl;
            return true;
        }
    return err_set(err, ERR_PackageTypeUnsupported,
                   "Content-Type: expected application/ogcapppkg+json, application/cwl, application/cwl+yaml, application/cwl+json or "
                   "application/json, found '%.100s'", type ? type : "nothing");
}

static bool take_visibility(struct request *rq, struct ogc_package *package, struct err *err)
{
    const char *visibility = request_query(rq, "visibility"), *group = request_query(rq, "group");

    if (visibility && strcmp(visibility, "private") && strcmp(visibility, "public") && strcmp(visibility, "group"))
        return err_set(err, ERR_InvalidParameter, "visibility: expected private, group or public, found '%.40s'", visibility);
    if (visibility)
        package->shared = !strcmp(visibility, "public");
    if (visibility && !strcmp(visibility, "group") && !group)
        return err_set(err, ERR_InvalidParameter, "group: visibility=group needs the name of a group");
    if (group) {
        json_decref(package->groups);
        package->groups = json_pack("[s]", group);
    }
    return true;
}

static void complete(struct ogc_package *package)
{
    json_t *d = package->description;

    json_object_set_new(d, "id", json_string(package->id));
    if (!json_is_string(json_object_get(d, "title")))
        json_object_set_new(d, "title", json_string(package->id));
    if (!json_is_string(json_object_get(d, "version")))
        json_object_set_new(d, "version", json_string("1.0.0"));
    json_object_set_new(d, "jobControlOptions", json_pack("[s, s, s]", "sync-execute", "async-execute", "dismiss"));
    json_object_set_new(d, "outputTransmission", json_pack("[s, s]", "value", "reference"));
}

bool ogc_package_read(struct request *rq, const char *id, struct ogc_package *package, struct err *err)
{
    bool is_cwl = false;

    package->mutable_ = true;
    if (!choose_type(rq, &package->type, &is_cwl, err))
        return false;
    if (!rq->size)
        return err_set(err, ERR_BadRequest, "The body is empty; expected a package.");
    if (!(is_cwl ? take_cwl(rq, (const char *)rq->bytes, rq->size, package, err) : take_json(rq, package, err)) ||
        !take_visibility(rq, package, err))
        return false;
    package->id = arena_text(rq->arena, id ? id : js_text(package->description, "id"));
    if (!package->id || !text_is_plain_name(package->id, MAX_ID))
        return err_set(err, ERR_BadRequest, "The id of a process has letters, digits, '.', '_', '~' and '-', at most %d; found '%.100s'",
                       MAX_ID, package->id ? package->id : "nothing");
    complete(package);
    return true;
}

bool ogc_package_of_unit(struct request *rq, const json_t *unit, const json_t *sent, struct ogc_package *package, struct err *err)
{
    if (!take_unit(rq, unit, package, err) || !merge(package, description_of(sent), err))
        return false;
    complete(package);
    return true;
}
