/* Requests as keys and values (KVP). Names are compared without case. A list is "a;b" or "[a;b]"; a
 * part of it is "name=value@attribute=value...". Values may hold semicolons where they are JSON,
 * and '@' where no attribute of WPS follows it. */
#include "api/wps/request.h"
#include "base/text.h"
#include <string.h>
#include <strings.h>

static const char *value_of(const struct wps_pair *pairs, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (!strcasecmp(pairs[i].key, key))
            return pairs[i].value ? pairs[i].value : "";
    return NULL;
}

/* Where a JSON value that begins at `text` has its end; as much as there is, when it has none. */
static size_t json_length(const char *text)
{
    size_t depth = 0, i = 0;
    bool quoted = false;

    for (; text[i]; i++) {
        if (quoted) {
            if (text[i] == '\\' && text[i + 1])
                i++;
            else if (text[i] == '"')
                quoted = false;
        } else if (text[i] == '"') {
            quoted = true;
        } else if (text[i] == '{' || text[i] == '[') {
            depth++;
        } else if (text[i] == '}' || text[i] == ']') {
            depth -= depth > 0;
        }
        if (depth == 0 && !quoted)
            return i + 1;
    }
    return i;
}

/* Cuts the first part off; NULL when nothing is left. */
static char *next_part(char **rest)
{
    char *part = *rest, *value, *end;

    if (!part)
        return NULL;
    value = part + strcspn(part, "=;");
    end = value;
    if (*value == '=' && value[1] && strchr("{[\"", value[1]))
        end = value + 1 + json_length(value + 1);
    end += strcspn(end, ";");
    *rest = *end ? end + 1 : NULL;
    *end = '\0';
    return part;
}

/* "[a=1;b=2]" without its brackets; a value that is a list keeps its own. */
static char *list_of(struct arena *arena, const char *text)
{
    char *copy = arena_text(arena, text);
    size_t length = strlen(copy);

    if (length < 2 || copy[0] != '[' || copy[length - 1] != ']')
        return copy;
    copy[length - 1] = '\0';
    return copy + 1;
}

static const char *const attributes[] = {"xlink:href",  "href",   "method",       "mimeType",
                                         "encoding",    "schema", "uom",          "dataType",
                                         "asReference", "body",   "bodyReference"};

/* The next '@' that begins an attribute. */
static char *find_attribute(char *text)
{
    for (char *at = strchr(text, '@'); at; at = strchr(at + 1, '@'))
        for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
            if (!strncasecmp(at + 1, attributes[i], strlen(attributes[i])) &&
                at[1 + strlen(attributes[i])] == '=')
                return at;
    return NULL;
}

struct part {
    char *name, *value; /* value NULL: none */
    struct wps_pair attributes[8];
    size_t count;
};

static bool split(char *text, struct part *part, const char *locator, struct wps_problem *problem,
                  struct err *err)
{
    char *at = find_attribute(text), *equals;

    memset(part, 0, sizeof *part);
    part->name = text;
    while (at) {
        char *key = at + 1;

        *at = '\0';
        at = find_attribute(key);
        if (part->count == ARRAY_LEN(part->attributes))
            return wps_refuse(problem, "InvalidParameterValue", locator, err,
                              "%s: too many attributes", locator);
        equals = strchr(key, '=');
        *equals = '\0';
        part->attributes[part->count++] =
            (struct wps_pair){key, equals + 1}; /* up to the next '@', cut off next */
    }
    equals = strchr(text, '=');
    if (equals) {
        *equals = '\0';
        part->value = equals + 1;
    }
    return true;
}

static bool add_input(struct wps_request *request, char *text, struct wps_problem *problem,
                      struct err *err)
{
    struct wps_input *input;
    struct part part;

    if (!split(text, &part, "DataInputs", problem, err) ||
        !(input = wps_add_input(request, part.name, problem, err)))
        return false;
    input->text = part.value;
    input->href = value_of(part.attributes, part.count, "xlink:href");
    if (!input->href)
        input->href = value_of(part.attributes, part.count, "href");
    input->method = value_of(part.attributes, part.count, "method");
    input->body = value_of(part.attributes, part.count, "body");
    input->media = value_of(part.attributes, part.count, "mimeType");
    input->encoding = value_of(part.attributes, part.count, "encoding");
    input->schema = value_of(part.attributes, part.count, "schema");
    return input->text || input->href ||
           wps_refuse(problem, "MissingParameterValue", part.name, err,
                      "%.100s: expected '=' and a value", part.name);
}

static bool add_output(struct wps_request *request, char *text, struct wps_problem *problem,
                       struct err *err)
{
    struct wps_output *output;
    const char *reference;
    struct part part;
    bool flag;

    if (!split(text, &part, "ResponseDocument", problem, err) ||
        !(output = wps_add_output(request, part.name, problem, err)))
        return false;
    output->media = value_of(part.attributes, part.count, "mimeType");
    output->encoding = value_of(part.attributes, part.count, "encoding");
    reference = value_of(part.attributes, part.count, "asReference");
    if (reference && !wps_flag("asReference", reference, &flag, problem, err))
        return false;
    output->transmission = !reference ? WPS_AS_LIKED : flag ? WPS_AS_REFERENCE : WPS_AS_VALUE;
    return true;
}

static bool read_list(const char *text, struct arena *arena, struct wps_request *request,
                      bool (*add)(struct wps_request *, char *, struct wps_problem *, struct err *),
                      struct wps_problem *problem, struct err *err)
{
    char *rest = list_of(arena, text), *part;

    while ((part = next_part(&rest)))
        if (*part && !add(request, part, problem, err))
            return false;
    return true;
}

static bool read_flags(const struct wps_pair *pairs, size_t count, struct wps_request *request,
                       struct wps_problem *problem, struct err *err)
{
    const char *store = value_of(pairs, count, "storeExecuteResponse"),
               *status = value_of(pairs, count, "status");
    const char *lineage = value_of(pairs, count, "lineage");

    return (!store || wps_flag("storeExecuteResponse", store, &request->store, problem, err)) &&
           (!status || wps_flag("status", status, &request->status, problem, err)) &&
           (!lineage || wps_flag("lineage", lineage, &request->lineage, problem, err));
}

static bool read_execute(const struct wps_pair *pairs, size_t count, struct arena *arena,
                         struct wps_request *request, struct wps_problem *problem, struct err *err)
{
    const char *inputs = value_of(pairs, count, "DataInputs"),
               *raw = value_of(pairs, count, "RawDataOutput");
    const char *document = value_of(pairs, count, "ResponseDocument");

    if (request->version == OWS_2_0)
        return wps_refuse(problem, "OperationNotSupported", "request", err,
                          "Execute: in WPS 2.0.0 it is sent as XML by POST");
    if (raw && document)
        return wps_refuse(problem, "InvalidParameterValue", "RawDataOutput", err,
                          "RawDataOutput and ResponseDocument exclude each other");
    request->raw = raw != NULL;
    return read_flags(pairs, count, request, problem, err) &&
           (!inputs || read_list(inputs, arena, request, add_input, problem, err)) &&
           (!(raw || document) ||
            read_list(raw ? raw : document, arena, request, add_output, problem, err));
}

static bool read_identifiers(const char *text, struct arena *arena, struct wps_request *request,
                             struct wps_problem *problem, struct err *err)
{
    char *rest = arena_text(arena, text), *one;

    while ((one = strsep(&rest, ",")))
        if (!wps_add_identifier(request, one, problem, err))
            return false;
    return true;
}

static bool read_version(const struct wps_pair *pairs, size_t count, struct wps_request *request,
                         struct wps_problem *problem, struct err *err)
{
    const char *accepted = value_of(pairs, count, "acceptVersions"),
               *version = value_of(pairs, count, "version");

    if (request->operation == WPS_CAPABILITIES) {
        request->version = OWS_2_0;
        if (accepted)
            return wps_negotiate(accepted, request, problem, err);
        return !version || wps_negotiate(version, request, problem, err);
    }
    if (!version)
        return wps_refuse(problem, "MissingParameterValue", "version", err,
                          "version: is required and missing");
    return wps_find_version(version, request, problem, err);
}

bool wps_read_pairs(const struct wps_pair *pairs, size_t count, struct arena *arena,
                    struct wps_request *ret_request, struct wps_problem *problem, struct err *err)
{
    const char *service = value_of(pairs, count, "service"),
               *operation = value_of(pairs, count, "request");
    const char *identifier = value_of(pairs, count, "identifier");

    memset(ret_request, 0, sizeof *ret_request);
    if (!service || strcasecmp(service, "WPS"))
        return wps_refuse(problem, service ? "InvalidParameterValue" : "MissingParameterValue",
                          "service", err, "service: expected WPS, found %.40s",
                          service ? service : "nothing");
    if (!operation)
        return wps_refuse(problem, "MissingParameterValue", "request", err,
                          "request: is required and missing");
    if (!wps_find_operation(operation, ret_request, problem, err) ||
        !read_version(pairs, count, ret_request, problem, err))
        return false;
    ret_request->job = value_of(pairs, count, "jobid");
    if (identifier && *identifier && ret_request->operation != WPS_CAPABILITIES &&
        !read_identifiers(identifier, arena, ret_request, problem, err))
        return false;
    return (ret_request->operation != WPS_EXECUTE ||
            read_execute(pairs, count, arena, ret_request, problem, err)) &&
           wps_check(ret_request, problem, err);
}
