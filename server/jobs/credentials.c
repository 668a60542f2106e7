/* Addresses are compared as texts: what has a way out of a folder, or hides one, is below nothing. */
#include "jobs/credentials.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>

bool address_is_below(const char *url, const char *listed, size_t length)
{
    while (length > 0 && listed[length - 1] == '/')
        length--;
    return length > 0 && !strncmp(url, listed, length) && (!url[length] || url[length] == '/' || url[length] == '?') &&
           !strstr(url + length, "..") && !strpbrk(url + length, "\\@# \t\r\n") && !strstr(url + length, "%2e") && !strstr(url + length, "%2E");
}

bool credentials_find(const char *file_name, const char *url, char **ret_header, struct err *err)
{
    FILE *file = *file_name ? fopen(file_name, "re") : NULL;
    char line[8192];
    size_t best = 0;

    *ret_header = NULL;
    if (!file)
        return !*file_name || err_set(err, ERR_Internal, "The credentials for other servers could not be read.");
    while (fgets(line, sizeof line, file)) {
        size_t length = strcspn(line, " \t\r\n");
        char *header = line + length + strspn(line + length, " \t");

        header[strcspn(header, "\r\n")] = '\0';
        if (*line == '#' || length <= best || !strchr(header, ':') || !address_is_below(url, line, length))
            continue;
        best = length;
        free(*ret_header);
        *ret_header = mem_text(header);
    }
    fclose(file);
    return true;
}
