/* What the two encodings of a request have in common. */
#include "api/wps/request.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    enum wps_operation operation;
    bool second; /* of 2.0.0 alone */
} operations[] = {
    {"GetCapabilities", WPS_CAPABILITIES, false},
    {"DescribeProcess", WPS_DESCRIBE, false},
    {"Execute", WPS_EXECUTE, false},
    {"GetStatus", WPS_STATUS, true},
    {"GetResult", WPS_RESULT, true},
    {"Dismiss", WPS_DISMISS, true},
};

bool wps_refuse(struct wps_problem *problem, const char *code, const char *locator, struct err *err,
                const char *format, ...)
{
    char message[sizeof err->message];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    *problem = (struct wps_problem){code, locator};
    return err_set(err, ERR_InvalidParameter, "%s", message);
}

bool wps_find_operation(const char *name, struct wps_request *request, struct wps_problem *problem,
                        struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        if (strcasecmp(name, operations[i].name))
            continue;
        request->operation = operations[i].operation;
        if (operations[i].second)
            request->version = OWS_2_0;
        return true;
    }
    return wps_refuse(problem, "OperationNotSupported", "request", err,
                      "request: expected GetCapabilities, DescribeProcess, Execute, GetStatus, "
                      "GetResult or Dismiss, "
                      "found '%.60s'",
                      name);
}

static bool read_version(const char *text, enum ows_version *ret_version)
{
    *ret_version = !strcmp(text, "2.0.0") || !strcmp(text, "2.0") ? OWS_2_0 : OWS_1_1;
    return *ret_version == OWS_2_0 || !strcmp(text, "1.0.0");
}

bool wps_find_version(const char *version, struct wps_request *request, struct wps_problem *problem,
                      struct err *err)
{
    if (!read_version(version, &request->version))
        return wps_refuse(problem, "InvalidParameterValue", "version", err,
                          "version: expected 1.0.0 or 2.0.0, found '%.40s'", version);
    if (request->operation >= WPS_STATUS && request->version != OWS_2_0)
        return wps_refuse(problem, "OperationNotSupported", "request", err,
                          "%s: WPS 1.0.0 has no such operation; expected version 2.0.0",
                          operations[request->operation].name);
    return true;
}

bool wps_negotiate(const char *list, struct wps_request *request, struct wps_problem *problem,
                   struct err *err)
{
    AUTO(mem) char *copy = mem_text(list);
    char *rest = copy, *one;

    while ((one = strsep(&rest, ", ")))
        if (read_version(one, &request->version))
            return true;
    return wps_refuse(problem, "VersionNegotiationFailed", "acceptVersions", err,
                      "acceptVersions: offered are 1.0.0 and 2.0.0, found '%.60s'", list);
}

bool wps_flag(const char *name, const char *text, bool *ret_flag, struct wps_problem *problem,
              struct err *err)
{
    *ret_flag = !strcasecmp(text, "true") || !strcmp(text, "1");
    return *ret_flag || !strcasecmp(text, "false") || !strcmp(text, "0") ||
           wps_refuse(problem, "InvalidParameterValue", name, err,
                      "%s: expected true or false, found '%.40s'", name, text);
}

struct wps_input *wps_add_input(struct wps_request *request, const char *id,
                                struct wps_problem *problem, struct err *err)
{
    if (!id || !*id) {
        wps_refuse(problem, "MissingParameterValue", "DataInputs", err,
                   "An input has no identifier");
        return NULL;
    }
    if (request->n_inputs == WPS_MAX_PARTS) {
        wps_refuse(problem, request->version == OWS_2_0 ? "TooManyInputs" : "InvalidParameterValue",
                   "DataInputs", err, "More than %d inputs", WPS_MAX_PARTS);
        return NULL;
    }
    request->inputs[request->n_inputs].id = id;
    return &request->inputs[request->n_inputs++];
}

struct wps_output *wps_add_output(struct wps_request *request, const char *id,
                                  struct wps_problem *problem, struct err *err)
{
    if (!id || !*id) {
        wps_refuse(problem, "MissingParameterValue", "ResponseDocument", err,
                   "An output has no identifier");
        return NULL;
    }
    if (request->n_outputs == WPS_MAX_PARTS) {
        wps_refuse(problem,
                   request->version == OWS_2_0 ? "TooManyOutputs" : "InvalidParameterValue",
                   "ResponseDocument", err, "More than %d outputs", WPS_MAX_PARTS);
        return NULL;
    }
    request->outputs[request->n_outputs].id = id;
    return &request->outputs[request->n_outputs++];
}

bool wps_add_identifier(struct wps_request *request, const char *id, struct wps_problem *problem,
                        struct err *err)
{
    if (!id || !*id)
        return wps_refuse(problem, "MissingParameterValue", "identifier", err,
                          "An identifier is empty");
    if (request->n_identifiers == WPS_MAX_PARTS)
        return wps_refuse(problem, "InvalidParameterValue", "identifier", err,
                          "More than %d identifiers", WPS_MAX_PARTS);
    request->identifiers[request->n_identifiers++] = id;
    return true;
}

bool wps_check(const struct wps_request *request, struct wps_problem *problem, struct err *err)
{
    enum wps_operation operation = request->operation;

    if ((operation == WPS_DESCRIBE || operation == WPS_EXECUTE) && request->n_identifiers == 0)
        return wps_refuse(problem, "MissingParameterValue", "identifier", err,
                          "identifier: is required and missing");
    if (operation == WPS_EXECUTE && request->n_identifiers > 1)
        return wps_refuse(problem, "InvalidParameterValue", "identifier", err,
                          "identifier: expected the one process to be executed");
    if (operation >= WPS_STATUS && (!request->job || !*request->job))
        return wps_refuse(problem, "MissingParameterValue", "jobid", err,
                          "jobid: is required and missing");
    if (operation == WPS_EXECUTE && request->raw && request->n_outputs > 1)
        return wps_refuse(problem, "InvalidParameterValue", "RawDataOutput", err,
                          "Raw data are those of one output, found %zu", request->n_outputs);
    if (operation == WPS_EXECUTE && request->status && !request->store)
        return wps_refuse(problem, "InvalidParameterValue", "status", err,
                          "status: true needs storeExecuteResponse=true");
    return true;
}
