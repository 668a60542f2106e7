/* sentier openapi: prints the API documents. */
#include "api/common/documents.h"
#include "commands/command.h"
#include "json/js.h"
#include <stdio.h>
#include <string.h>

/* All of them as one object by face. */
static int print_all(void)
{
    AUTO(json) json_t *all = json_object();

    for (const char *const *face = api_faces; *face; face++)
        json_object_set_new(all, *face, json_loads(api_document(*face), 0, NULL));
    json_dumpf(all, stdout, JSON_INDENT(1));
    putchar('\n');
    return 0;
}

static int run(int argc, char **argv)
{
    struct err err = { 0 };
    const char *face;

    if (!command_take(&argc, argv, "--face", &face, &err))
        return command_fail(&err);
    if (argc > 1) {
        err_set(&err, ERR_UsageInvalid, "openapi takes no argument '%s'", argv[1]);
        return command_fail(&err);
    }
    if (!face || !strcmp(face, "all"))
        return print_all();
    if (!api_document(face)) {
        err_set(&err, ERR_UsageInvalid, "--face: there is no API document '%s'", face);
        return command_fail(&err);
    }
    fputs(api_document(face), stdout);
    return 0;
}

const struct command command_openapi = {
    .name = "openapi",
    .synopsis = "[--face service|openeo|ogc|stac|resto|wps|all]",
    .summary = "print the API in OpenAPI 3.0",
    .help = "Prints the document of one face of the service, or an object with all of them.\n",
    .run = run,
};
