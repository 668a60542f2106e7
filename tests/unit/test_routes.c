/* The route table against the API documents, both ways; and what openEO's capabilities say of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/common/documents.h"
#include "base/text.h"
#include "http/route.h"
#include "json/js.h"
#include <string.h>

static const char *const methods[METHOD_COUNT] = {
    [GET] = "get", [POST] = "post", [PUT] = "put", [PATCH] = "patch", [DELETE] = "delete",
};

/* "/x/{path*}" is written "/x/{path}" in OpenAPI; the root of a face is "". */
static char *documented_path(const char *pattern)
{
    struct text path = { 0 };

    for (const char *c = pattern; *c; c++)
        if (*c != '*')
            text_addn(&path, c, 1);
    return text_take(&path);
}

/* Parameters that several operations share stand in their place. */
static void resolve(const json_t *document, json_t *operation)
{
    static const char prefix[] = "#/components/parameters/";
    const json_t *shared = json_object_get(json_object_get(document, "components"), "parameters");
    json_t *parameters = json_object_get(operation, "parameters"), *parameter;
    size_t i;

    json_array_foreach(parameters, i, parameter) {
        const char *ref = json_string_value(json_object_get(parameter, "$ref"));

        if (!ref)
            continue;
        assert_memory_equal(ref, prefix, strlen(prefix));
        assert_non_null(json_object_get(shared, ref + strlen(prefix)));
        json_array_set(parameters, i, json_object_get(shared, ref + strlen(prefix)));
    }
}

static void add_operations(json_t *all, const json_t *document, const char *root, const char *path, json_t *item)
{
    const char *method;
    json_t *op;

    json_object_foreach(item, method, op) {
        bool is_root = *root && !strcmp(path, "/"); /* "/ogc/" is "/ogc" */
        AUTO(mem) char *key = mem_printf("%s %s%s", method, root, is_root ? "" : path);

        if (!strcmp(method, "servers"))
            continue;
        assert_null(json_object_get(all, key));
        resolve(document, op);
        json_object_set(all, key, op);
    }
}

/* All documented operations: {"get /openeo/1.2/jobs": operation}. */
static json_t *documented(void)
{
    json_t *all = json_object();

    for (const char *const *face = api_faces; *face; face++) {
        json_t *document = json_loads(api_document(*face), JSON_REJECT_DUPLICATES, NULL), *item, *server;
        const char *path;
        size_t i;

        assert_non_null(document);
        json_object_foreach(json_object_get(document, "paths"), path, item) {
            const json_t *servers = json_object_get(item, "servers"); /* of this path alone */

            json_array_foreach(servers ? servers : json_object_get(document, "servers"), i, server)
                add_operations(all, document, json_string_value(json_object_get(server, "url")), path, item);
        }
        json_decref(document);
    }
    return all;
}

static void table_and_documents_agree(void **state)
{
    AUTO(json) json_t *all = documented();
    const char *key;
    json_t *operation;

    (void)state;
    for (const struct route *route = routes; route->pattern; route++) {
        AUTO(mem) char *path = documented_path(route->pattern);
        AUTO(mem) char *name = mem_printf("%s %s", methods[route->method], path);

        operation = json_object_get(all, name);
        if (!operation)
            fail_msg("%s is served and not documented", name);
        assert_int_equal(route->access == ACCESS_NOBODY,
                         json_array_size(json_object_get(operation, "security")) == 1);
        assert_int_equal(route->body != BODY_NONE && !route->body_optional,
                         json_is_true(json_object_get(json_object_get(operation, "requestBody"),
                                                      "required")));
        json_object_del(all, name);
    }
    json_object_foreach(all, key, operation)
        fail_msg("%s is documented and not served", key);
}

/* Every variable of a path is declared as a parameter. */
static void variables_are_parameters(void **state)
{
    AUTO(json) json_t *all = documented();
    const char *key;
    json_t *operation, *parameter;
    size_t i;

    (void)state;
    json_object_foreach(all, key, operation) {
        size_t variables = 0, declared = 0;

        for (const char *c = key; *c; c++)
            variables += *c == '{';
        json_array_foreach(json_object_get(operation, "parameters"), i, parameter)
            declared += !strcmp(json_string_value(json_object_get(parameter, "in")), "path");
        if (variables != declared)
            fail_msg("%s: %zu variables, %zu parameters", key, variables, declared);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_and_documents_agree),
        cmocka_unit_test(variables_are_parameters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
