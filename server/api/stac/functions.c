/* The functions that filters may call, as CQL2 has clients discover them: from the table that the
 * filters are checked against. */
#include "api/stac/language.h"
#include "api/stac/stac.h"

static json_t *type_of(enum cql2_type type)
{
    static const char *const names[CQL2_TYPES] = {
        [CQL2_TYPE_BOOLEAN] = "boolean",   [CQL2_TYPE_NUMBER] = "number",
        [CQL2_TYPE_STRING] = "string",     [CQL2_TYPE_TIMESTAMP] = "datetime",
        [CQL2_TYPE_DATE] = "datetime",     [CQL2_TYPE_GEOMETRY] = "geometry",
    };
    json_t *any = json_array();

    if (names[type])
        json_array_append_new(any, json_string(names[type]));
    for (int i = 0; !names[type] && i < CQL2_TYPES; i++)
        if (names[i] && i != CQL2_TYPE_DATE)
            json_array_append_new(any, json_string(names[i]));
    return any;
}

static json_t *describe(const struct cql2_function *function)
{
    json_t *args = json_array();

    for (size_t i = 0; i < function->n_args; i++)
        json_array_append_new(args, json_pack("{s:s,s:o}", "title", function->args[i].title, "type",
                                              type_of(function->args[i].type)));
    return json_pack("{s:s,s:s,s:o,s:o}", "name", function->name, "description", function->description,
                     "args", args, "returns", type_of(function->result));
}

bool stac_functions_get(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *list;

    if (!stac_only(rq, NULL, err))
        return false;
    list = json_array();
    for (size_t i = 0; i < CQL2_FUNCTIONS; i++)
        json_array_append_new(list, describe(&cql2_functions[i]));
    return stac_send_json(rq, reply, json_pack("{s:o}", "functions", list), "application/json", html_plain,
                          err);
}
