/* sentier version: of the program and of the libraries that it runs with. */
#include "commands/command.h"
#include "config.h"
#include <curl/curl.h>
#include <gdal.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <microhttpd.h>
#include <stdio.h>

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("sentier %s\n", PACKAGE_VERSION);
    printf("libmicrohttpd %s, jansson %s, libpq %d, GDAL %s, libcurl %s\n", MHD_get_version(),
           jansson_version_str(), PQlibVersion(), GDALVersionInfo("RELEASE_NAME"),
           curl_version_info(CURLVERSION_NOW)->version);
    return 0;
}

const struct command command_version = {
    .name = "version",
    .synopsis = "",
    .summary = "print the version of the program and of its libraries",
    .help = "",
    .run = run,
};
