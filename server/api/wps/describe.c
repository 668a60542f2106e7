/* Capabilities and descriptions in the words of both versions, made of the descriptions that /ogc
 * gives. */
#include "api/common/build.h"
#include "api/common/page.h"
#include "api/wps/wps.h"
#include "json/js.h"
#include "store/deployed.h"
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define XLINK " xmlns:xlink=\"http://www.w3.org/1999/xlink\""
#define FIRST                                                                                      \
    "xmlns:wps=\"http://www.opengis.net/wps/1.0.0\" "                                              \
    "xmlns:ows=\"http://www.opengis.net/ows/1.1\"" XLINK
#define SECOND                                                                                     \
    "xmlns:wps=\"http://www.opengis.net/wps/2.0\" "                                                \
    "xmlns:ows=\"http://www.opengis.net/ows/2.0\"" XLINK
#define CRS84 "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

enum { UNBOUNDED = INT32_MAX, PAGE = 100 };

/* ---- capabilities ---- */

static void add_operations(struct text *xml, struct request *rq, enum ows_version version)
{
    static const char *const operations[] = {"GetCapabilities", "DescribeProcess", "Execute",
                                             "GetStatus",       "GetResult",       "Dismiss"};
    size_t count = version == OWS_1_1 ? 3 : ARRAY_LEN(operations);
    const char *url = href_of(rq, WPS_ROOT);

    text_add(xml, "<ows:OperationsMetadata>");
    for (size_t i = 0; i < count; i++) {
        page_add(xml, "<ows:Operation name=\"%s\"><ows:DCP><ows:HTTP>", operations[i]);
        if (strcmp(operations[i], "Execute") || version == OWS_1_1)
            page_add(xml, "<ows:Get xlink:href=\"%s?\"/>", url);
        page_add(xml, "<ows:Post xlink:href=\"%s\"/></ows:HTTP></ows:DCP></ows:Operation>", url);
    }
    text_add(xml, "</ows:OperationsMetadata>");
}

static void add_service(struct text *xml, struct request *rq)
{
    text_add(xml, "<ows:ServiceIdentification><ows:Title>Sentier: processes</ows:Title>"
                  "<ows:Abstract>Ready-made processing of Earth-observation data, run near its "
                  "catalogue.</ows:Abstract>"
                  "<ows:ServiceType>WPS</ows:ServiceType>"
                  "<ows:ServiceTypeVersion>1.0.0</ows:ServiceTypeVersion>"
                  "<ows:ServiceTypeVersion>2.0.0</ows:ServiceTypeVersion>"
                  "<ows:Fees>NONE</ows:Fees><ows:AccessConstraints>NONE</ows:AccessConstraints>"
                  "</ows:ServiceIdentification>"
                  "<ows:ServiceProvider><ows:ProviderName>Sentier</ows:ProviderName>");
    page_add(xml,
             "<ows:ProviderSite xlink:href=\"%s/\"/><ows:ServiceContact/></ows:ServiceProvider>",
             rq->base_url);
}

/* The job control options of a description as a list with blanks between. */
static void add_options(struct text *xml, const char *attribute, const json_t *list)
{
    size_t i;
    json_t *one;

    page_add(xml, " %s=\"", attribute);
    json_array_foreach((json_t *)list, i, one)
        page_add(xml, "%s%s", i ? " " : "", json_string_value(one));
    text_add(xml, "\"");
}

static void add_properties(struct text *xml, const json_t *description)
{
    const char *version = js_text(description, "version");

    if (version)
        page_add(xml, " processVersion=\"%s\"", version);
    add_options(xml, "jobControlOptions", json_object_get(description, "jobControlOptions"));
    add_options(xml, "outputTransmission", json_object_get(description, "outputTransmission"));
}

static void add_summary(struct text *xml, enum ows_version version, const char *id,
                        const json_t *description)
{
    const char *process_version = js_text(description, "version");

    if (version == OWS_2_0) {
        text_add(xml, "<wps:ProcessSummary");
        add_properties(xml, description);
        text_add(xml, ">");
        wps_add_identity(xml, version, id, description);
        text_add(xml, "</wps:ProcessSummary>");
        return;
    }
    page_add(xml, "<wps:Process wps:processVersion=\"%s\">",
             process_version ? process_version : "1");
    wps_add_identity(xml, version, id, description);
    text_add(xml, "</wps:Process>");
}

/* ---- which processes ---- */

typedef void add_fn(struct text *xml, enum ows_version version, const char *id, const json_t *description);

/* What is built in, then what users deployed, as far as the caller sees it. */
static bool add_all(struct text *xml, struct request *rq, enum ows_version version, add_fn *add, struct err *err)
{
    const struct ogc_process *process;
    const char *after = NULL;
    size_t count, i;

    for (i = 0; (process = ogc_process_at(i)); i++)
        add(xml, version, process->id, process->description);
    do {
        AUTO(json) json_t *page = NULL;
        json_t *one;

        if (!deployed_list(rq->db, rq->user ? rq->user->id : NULL, after, PAGE, &page, err))
            return false;
        count = json_array_size(page);
        json_array_foreach(page, i, one)
        {
            after = arena_text(rq->arena, js_text(one, "id"));
            add(xml, version, after, one);
        }
    } while (count == PAGE);
    return true;
}

bool wps_describe(struct request *rq, enum ows_version version, const char *id, json_t **ret_description,
                  struct wps_problem *problem, struct err *err)
{
    if (ogc_describe(rq, id, ret_description, err))
        return true;
    if (err->code != ERR_ProcessNotFound)
        return false;
    err_clear(err);
    return wps_refuse(problem, version == OWS_2_0 ? "NoSuchProcess" : "InvalidParameterValue", "identifier", err,
                      "There is no process '%.100s'", id);
}

bool wps_reply_capabilities(struct request *rq, struct reply *reply, const struct wps_request *wps,
                            struct err *err)
{
    bool first = wps->version == OWS_1_1;
    AUTO(text) struct text xml = {0};

    text_add(&xml, first ? "<wps:Capabilities " FIRST
                           " service=\"WPS\" version=\"1.0.0\" xml:lang=\"en\">"
                         : "<wps:Capabilities " SECOND " service=\"WPS\" version=\"2.0.0\">");
    add_service(&xml, rq);
    add_operations(&xml, rq, wps->version);
    text_add(&xml, first ? "<wps:ProcessOfferings>" : "<wps:Contents>");
    if (!add_all(&xml, rq, wps->version, add_summary, err))
        return false;
    text_add(
        &xml,
        first ? "</wps:ProcessOfferings><wps:Languages><wps:Default><ows:Language>en</ows:Language>"
                "</wps:Default><wps:Supported><ows:Language>en</ows:Language></wps:Supported>"
                "</wps:Languages></wps:Capabilities>"
              : "</wps:Contents></wps:Capabilities>");
    return wps_send(reply, &xml);
}

/* ---- descriptions ---- */

static const char *xsd_type(const json_t *schema)
{
    static const char *const types[][2] = {
        {"number", "double"}, {"integer", "integer"}, {"boolean", "boolean"}};
    const char *type = js_text(schema, "type"), *format = js_text(schema, "format");
    const json_t *first = json_array_get(json_object_get(schema, "enum"), 0);

    if (!type && json_is_number(first))
        return json_is_integer(first) ? "integer" : "double";
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (type && !strcmp(type, types[i][0]))
            return types[i][1];
    if (format && !strcmp(format, "date-time"))
        return "dateTime";
    if (format && !strcmp(format, "date"))
        return "date";
    return format && !strcmp(format, "uri") ? "anyURI" : "string";
}

/* A JSON value as a literal is written. */
static void add_literal(struct text *xml, const char *element, const json_t *value)
{
    AUTO(mem)
    char *text = json_is_string(value) ? mem_text(json_string_value(value))
                                       : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    wps_add_element(xml, element, text);
}

static void add_range(struct text *xml, const json_t *least, const json_t *most)
{
    text_add(xml, "<ows:Range>");
    if (least)
        add_literal(xml, "ows:MinimumValue", least);
    if (most)
        add_literal(xml, "ows:MaximumValue", most);
    text_add(xml, "</ows:Range>");
}

static void add_allowed(struct text *xml, const json_t *schema)
{
    const json_t *choice = json_object_get(schema, "enum");
    const json_t *least = json_object_get(schema, "minimum"),
                 *most = json_object_get(schema, "maximum");
    size_t i;
    json_t *one;

    if (!choice && !least && !most) {
        text_add(xml, "<ows:AnyValue/>");
        return;
    }
    text_add(xml, "<ows:AllowedValues>");
    json_array_foreach((json_t *)choice, i, one) add_literal(xml, "ows:Value", one);
    if (!choice)
        add_range(xml, least, most);
    text_add(xml, "</ows:AllowedValues>");
}

static void add_type(struct text *xml, const json_t *schema)
{
    page_add(
        xml,
        "<ows:DataType ows:reference=\"http://www.w3.org/2001/XMLSchema#%s\">%s</ows:DataType>",
        xsd_type(schema), xsd_type(schema));
}

/* WPS 1.0.0: "Format" is a default and what else is supported; here both are the one that there is.
 */
static void add_first_data(struct text *xml, const json_t *schema, bool input)
{
    AUTO(text) struct text inner = {0};
    const char *name = "Complex", *end = input ? "Data" : "Output";
    const json_t *standard = json_object_get(schema, "default");

    if (wps_kind_of(schema) == WPS_LITERAL) {
        text_printf(xml, "<Literal%s>", end);
        add_type(xml, schema);
        if (input)
            add_allowed(xml, schema);
        if (input && standard && !json_is_null(standard))
            add_literal(xml, "DefaultValue", standard);
        text_printf(xml, "</Literal%s>", end);
        return;
    }
    if (wps_kind_of(schema) == WPS_BOX) {
        name = "BoundingBox";
        text_add(&inner, "<CRS>" CRS84 "</CRS>");
    } else {
        const char *media = wps_media_of(schema);

        page_add(&inner, "<Format><MimeType>%s</MimeType>", media);
        text_add(&inner, js_text(schema, "contentEncoding") ? "<Encoding>base64</Encoding></Format>"
                                                            : "</Format>");
    }
    text_printf(xml, "<%s%s><Default>%s</Default><Supported>%s", name, end, inner.data, inner.data);
    if (wps_kind_of(schema) == WPS_BOX && input)
        text_add(xml, "<CRS>EPSG:4326</CRS>");
    text_printf(xml, "</Supported></%s%s>", name, end);
}

static void add_second_data(struct text *xml, const json_t *schema)
{
    const json_t *standard = json_object_get(schema, "default");
    const char *media = wps_media_of(schema);

    switch (wps_kind_of(schema)) {
    case WPS_LITERAL:
        text_add(xml, "<wps:LiteralData><wps:Format mimeType=\"text/plain\" default=\"true\"/>"
                      "<wps:Format mimeType=\"text/xml\"/><LiteralDataDomain default=\"true\">");
        add_allowed(xml, schema);
        add_type(xml, schema);
        if (standard && !json_is_null(standard))
            add_literal(xml, "ows:DefaultValue", standard);
        text_add(xml, "</LiteralDataDomain></wps:LiteralData>");
        return;
    case WPS_BOX:
        text_add(xml, "<wps:BoundingBoxData><wps:Format mimeType=\"text/xml\" default=\"true\"/>"
                      "<wps:SupportedCRS default=\"true\">" CRS84 "</wps:SupportedCRS>"
                      "<wps:SupportedCRS>EPSG:4326</wps:SupportedCRS></wps:BoundingBoxData>");
        return;
    case WPS_COMPLEX:
        page_add(xml, "<wps:ComplexData><wps:Format mimeType=\"%s\" default=\"true\"", media);
        text_add(xml, js_text(schema, "contentEncoding")
                          ? " encoding=\"base64\"/></wps:ComplexData>"
                          : "/></wps:ComplexData>");
    }
}

static int64_t occurs(const json_t *description, const char *name)
{
    const json_t *number = json_object_get(description, name);

    if (json_is_string(number))
        return UNBOUNDED;
    return number ? (int64_t)json_number_value(number) : 1;
}

static void add_occurs(struct text *xml, const json_t *input)
{
    text_printf(xml, " minOccurs=\"%" PRId64 "\" maxOccurs=\"%" PRId64 "\"",
                occurs(input, "minOccurs"), occurs(input, "maxOccurs"));
}

static void add_first(struct text *xml, const char *id, const json_t *description)
{
    const json_t *inputs = json_object_get(description, "inputs"),
                 *outputs = json_object_get(description, "outputs");
    const char *version = js_text(description, "version"), *name;
    json_t *one;

    page_add(xml,
             "<ProcessDescription wps:processVersion=\"%s\" storeSupported=\"true\" "
             "statusSupported=\"true\">",
             version ? version : "1");
    wps_add_identity(xml, OWS_1_1, id, description);
    if (json_object_size(inputs))
        text_add(xml, "<DataInputs>");
    json_object_foreach((json_t *)inputs, name, one)
    {
        text_add(xml, "<Input");
        add_occurs(xml, one);
        text_add(xml, ">");
        wps_add_identity(xml, OWS_1_1, name, one);
        add_first_data(xml, json_object_get(one, "schema"), true);
        text_add(xml, "</Input>");
    }
    text_add(xml, json_object_size(inputs) ? "</DataInputs><ProcessOutputs>" : "<ProcessOutputs>");
    json_object_foreach((json_t *)outputs, name, one)
    {
        text_add(xml, "<Output>");
        wps_add_identity(xml, OWS_1_1, name, one);
        add_first_data(xml, json_object_get(one, "schema"), false);
        text_add(xml, "</Output>");
    }
    text_add(xml, "</ProcessOutputs></ProcessDescription>");
}

static void add_second(struct text *xml, const char *id, const json_t *description)
{
    const char *name;
    json_t *one;

    text_add(xml, "<wps:ProcessOffering");
    add_properties(xml, description);
    text_add(xml, "><wps:Process>");
    wps_add_identity(xml, OWS_2_0, id, description);
    json_object_foreach(json_object_get(description, "inputs"), name, one)
    {
        text_add(xml, "<wps:Input");
        add_occurs(xml, one);
        text_add(xml, ">");
        wps_add_identity(xml, OWS_2_0, name, one);
        add_second_data(xml, json_object_get(one, "schema"));
        text_add(xml, "</wps:Input>");
    }
    json_object_foreach(json_object_get(description, "outputs"), name, one)
    {
        text_add(xml, "<wps:Output>");
        wps_add_identity(xml, OWS_2_0, name, one);
        add_second_data(xml, json_object_get(one, "schema"));
        text_add(xml, "</wps:Output>");
    }
    text_add(xml, "</wps:Process></wps:ProcessOffering>");
}

static void add_description(struct text *xml, enum ows_version version, const char *id, const json_t *description)
{
    (version == OWS_2_0 ? add_second : add_first)(xml, id, description);
}

static bool add_named(struct text *xml, struct request *rq, const struct wps_request *wps, struct wps_problem *problem,
                      struct err *err)
{
    for (size_t i = 0; i < wps->n_identifiers; i++) {
        AUTO(json) json_t *description = NULL;

        if (!wps_describe(rq, wps->version, wps->identifiers[i], &description, problem, err))
            return false;
        add_description(xml, wps->version, wps->identifiers[i], description);
    }
    return true;
}

bool wps_reply_descriptions(struct request *rq, struct reply *reply, const struct wps_request *wps,
                            struct wps_problem *problem, struct err *err)
{
    AUTO(text) struct text xml = {0};
    bool first = wps->version == OWS_1_1;

    text_add(&xml, first ? "<wps:ProcessDescriptions " FIRST
                           " service=\"WPS\" version=\"1.0.0\" xml:lang=\"en\">"
                         : "<wps:ProcessOfferings " SECOND ">");
    if (!strcasecmp(wps->identifiers[0], "all") ? !add_all(&xml, rq, wps->version, add_description, err)
                                                : !add_named(&xml, rq, wps, problem, err))
        return false;
    text_add(&xml, first ? "</wps:ProcessDescriptions>" : "</wps:ProcessOfferings>");
    return wps_send(reply, &xml);
}
