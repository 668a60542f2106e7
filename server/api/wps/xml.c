/* Requests as XML. Elements are known by their local names: clients of both versions mix up
 * namespaces, and no name means two things. What is not known is left alone, as the standards want.
 */
#include "api/wps/request.h"
#include "base/text.h"
#include "ingest/xml.h"
#include <string.h>

enum { DEEPEST = 64 };

struct reader {
    struct arena *arena;
    struct wps_request *request;
    struct wps_problem *problem;
    struct err *err;
};

static const char *attribute(const struct reader *r, const xmlNode *node, const char *name)
{
    return xml_attribute(node, name, r->arena);
}

/* The id of an input or output: an attribute in 2.0.0, an element in 1.0.0. */
static const char *id_of(const struct reader *r, const xmlNode *node)
{
    const char *id = attribute(r, node, "id");

    return id ? id : xml_own_text(xml_child(node, "Identifier", NULL), r->arena);
}

static bool read_flag(const struct reader *r, const xmlNode *node, const char *name, bool *ret_flag)
{
    const char *text = attribute(r, node, name);

    return !text || wps_flag(name, text, ret_flag, r->problem, r->err);
}

/* ---- inputs ---- */

static bool read_box(const struct reader *r, const xmlNode *node, struct wps_input *input)
{
    input->crs = attribute(r, node, "crs");
    input->lower = xml_own_text(xml_child(node, "LowerCorner", NULL), r->arena);
    input->upper = xml_own_text(xml_child(node, "UpperCorner", NULL), r->arena);
    return (input->lower && input->upper) ||
           wps_refuse(r->problem, "InvalidParameterValue", input->id, r->err,
                      "%.100s: expected LowerCorner and UpperCorner", input->id);
}

static void read_format(const struct reader *r, const xmlNode *node, struct wps_input *input)
{
    const char *media = attribute(r, node, "mimeType"), *encoding = attribute(r, node, "encoding");
    const char *schema = attribute(r, node, "schema");

    input->media = media ? media : input->media;
    input->encoding = encoding ? encoding : input->encoding;
    input->schema = schema ? schema : input->schema;
}

static bool read_data(const struct reader *r, xmlNode *data, struct wps_input *input)
{
    static const char *const boxes[] = {"BoundingBoxData", "BoundingBox"};
    static const char *const holders[] = {"LiteralData", "LiteralValue", "ComplexData"};

    read_format(r, data, input);
    for (size_t i = 0; i < ARRAY_LEN(boxes); i++)
        if (xml_child(data, boxes[i], NULL))
            return read_box(r, xml_child(data, boxes[i], NULL), input);
    for (size_t i = 0; i < ARRAY_LEN(holders); i++)
        if (xml_child(data, holders[i], NULL)) {
            data = xml_child(data, holders[i], NULL);
            read_format(r, data, input);
            break;
        }
    input->text = xml_content(data, r->arena);
    return true;
}

static bool read_reference(const struct reader *r, xmlNode *reference, struct wps_input *input)
{
    xmlNode *body = xml_child(reference, "Body", NULL),
            *elsewhere = xml_child(reference, "BodyReference", NULL);

    read_format(r, reference, input);
    input->href = attribute(r, reference, "href");
    input->method = attribute(r, reference, "method");
    input->body = body ? xml_content(body, r->arena) : NULL;
    if (xml_child(reference, "Header", NULL))
        return wps_refuse(r->problem, "InvalidParameterValue", input->id, r->err,
                          "%.100s: headers of references are not sent", input->id);
    if (elsewhere)
        return wps_refuse(r->problem, "InvalidParameterValue", input->id, r->err,
                          "%.100s: BodyReference: the body of a reference has to stand in its Body",
                          input->id);
    return (input->href && *input->href) ||
           wps_refuse(r->problem, "MissingParameterValue", input->id, r->err,
                      "%.100s: the reference has no href", input->id);
}

static bool read_input(const struct reader *r, const xmlNode *node)
{
    xmlNode *data = xml_child(node, "Data", NULL), *reference = xml_child(node, "Reference", NULL);
    struct wps_input *input = wps_add_input(r->request, id_of(r, node), r->problem, r->err);

    if (!input)
        return false;
    if (reference)
        return read_reference(r, reference, input);
    return data ? read_data(r, data, input)
                : wps_refuse(r->problem, "MissingParameterValue", input->id, r->err,
                             "%.100s: expected Data or Reference", input->id);
}

static bool read_inputs(const struct reader *r, const xmlNode *parent)
{
    for (xmlNode *n = xml_child(parent, "Input", NULL); n; n = xml_child(parent, "Input", n))
        if (!read_input(r, n))
            return false;
    return true;
}

/* ---- outputs ---- */

static bool read_output(const struct reader *r, const xmlNode *node)
{
    struct wps_output *output = wps_add_output(r->request, id_of(r, node), r->problem, r->err);
    const char *transmission = attribute(r, node, "transmission"),
               *reference = attribute(r, node, "asReference");
    bool flag = false;

    if (!output || (reference && !wps_flag("asReference", reference, &flag, r->problem, r->err)))
        return false;
    output->media = attribute(r, node, "mimeType");
    output->encoding = attribute(r, node, "encoding");
    if (reference)
        output->transmission = flag ? WPS_AS_REFERENCE : WPS_AS_VALUE;
    if (!transmission)
        return true;
    output->transmission = !strcmp(transmission, "reference") ? WPS_AS_REFERENCE : WPS_AS_VALUE;
    return output->transmission == WPS_AS_REFERENCE || !strcmp(transmission, "value") ||
           wps_refuse(r->problem, "InvalidParameterValue", "transmission", r->err,
                      "transmission: expected value or reference, found '%.40s'", transmission);
}

static bool read_outputs(const struct reader *r, const xmlNode *parent)
{
    for (xmlNode *n = xml_child(parent, "Output", NULL); n; n = xml_child(parent, "Output", n))
        if (!read_output(r, n))
            return false;
    return true;
}

static bool read_form(const struct reader *r, const xmlNode *root)
{
    const xmlNode *form = xml_child(root, "ResponseForm", NULL);
    const xmlNode *raw = xml_child(form, "RawDataOutput", NULL),
                  *document = xml_child(form, "ResponseDocument", NULL);

    r->request->raw = raw != NULL;
    if (raw)
        return read_output(r, raw);
    return !document ||
           (read_flag(r, document, "storeExecuteResponse", &r->request->store) &&
            read_flag(r, document, "status", &r->request->status) &&
            read_flag(r, document, "lineage", &r->request->lineage) && read_outputs(r, document));
}

/* ---- the request ---- */

static bool read_first(const struct reader *r, const xmlNode *root)
{
    return read_inputs(r, xml_child(root, "DataInputs", NULL)) && read_form(r, root);
}

static bool read_second(const struct reader *r, const xmlNode *root)
{
    const char *mode = attribute(r, root, "mode"), *response = attribute(r, root, "response");

    mode = mode ? mode : "auto";
    r->request->mode = !strcmp(mode, "sync")    ? WPS_SYNC
                       : !strcmp(mode, "async") ? WPS_ASYNC
                                                : WPS_AUTO;
    if (r->request->mode == WPS_AUTO && strcmp(mode, "auto"))
        return wps_refuse(r->problem, "InvalidParameterValue", "mode", r->err,
                          "mode: expected sync, async or auto, found '%.40s'", mode);
    r->request->raw = response && !strcmp(response, "raw");
    if (response && !r->request->raw && strcmp(response, "document"))
        return wps_refuse(r->problem, "InvalidParameterValue", "response", r->err,
                          "response: expected raw or document, found '%.40s'", response);
    return read_inputs(r, root) && read_outputs(r, root);
}

static bool read_capabilities_version(const struct reader *r, const xmlNode *root)
{
    const xmlNode *accepted = xml_child(root, "AcceptVersions", NULL);
    AUTO(text) struct text list = {0};

    if (!root->ns || strcmp((const char *)root->ns->href, "http://www.opengis.net/wps/1.0.0"))
        r->request->version = OWS_2_0;
    for (xmlNode *n = xml_child(accepted, "Version", NULL); n;
         n = xml_child(accepted, "Version", n))
        text_printf(&list, "%s%s", list.length ? "," : "", xml_own_text(n, r->arena));
    return !list.length || wps_negotiate(list.data, r->request, r->problem, r->err);
}

static bool read_version(const struct reader *r, const xmlNode *root)
{
    const char *version = attribute(r, root, "version");

    if (r->request->operation == WPS_CAPABILITIES)
        return read_capabilities_version(r, root);
    if (!version)
        return wps_refuse(r->problem, "MissingParameterValue", "version", r->err,
                          "version: is required and missing");
    return wps_find_version(version, r->request, r->problem, r->err);
}

static bool read_request(const struct reader *r, const xmlNode *root)
{
    struct wps_request *request = r->request;
    const char *service = attribute(r, root, "service");

    if (!wps_find_operation((const char *)root->name, request, r->problem, r->err))
        return false;
    if (service && strcmp(service, "WPS"))
        return wps_refuse(r->problem, "InvalidParameterValue", "service", r->err,
                          "service: expected WPS, found '%.40s'", service);
    if (!read_version(r, root))
        return false;
    request->job = xml_own_text(xml_child(root, "JobID", NULL), r->arena);
    for (xmlNode *n = xml_child(root, "Identifier", NULL); n; n = xml_child(root, "Identifier", n))
        if (!wps_add_identifier(request, xml_own_text(n, r->arena), r->problem, r->err))
            return false;
    return request->operation != WPS_EXECUTE ||
           (request->version == OWS_2_0 ? read_second(r, root) : read_first(r, root));
}

static bool is_shallow(const xmlNode *root)
{
    int depth = 0;
    const xmlNode *n = root;

    while (n) {
        if (n->children && n->type == XML_ELEMENT_NODE) {
            if (++depth > DEEPEST)
                return false;
            n = n->children;
            continue;
        }
        while (n != root && !n->next) {
            n = n->parent;
            depth--;
        }
        n = n == root ? NULL : n->next;
    }
    return true;
}

bool wps_read_xml(const char *bytes, size_t size, struct arena *arena,
                  struct wps_request *ret_request, struct wps_problem *problem, struct err *err)
{
    const struct reader r = {arena, ret_request, problem, err};
    AUTO(xmlDocPtr) xmlDocPtr doc = NULL;
    const xmlNode *root;

    memset(ret_request, 0, sizeof *ret_request);
    *problem = (struct wps_problem){"NoApplicableCode", NULL};
    if (!xml_parse(bytes, size, "The body", &doc, err))
        return false;
    *problem = (struct wps_problem){0};
    root = xmlDocGetRootElement(doc);
    if (!is_shallow(root))
        return wps_refuse(problem, "NoApplicableCode", NULL, err,
                          "The body is nested more than %d levels deep", DEEPEST);
    return read_request(&r, root) && wps_check(ret_request, problem, err);
}
