/* Hrefs come from catalogues, and catalogues from outside: a path is resolved (links and "..")
 * before it is compared with the allowed folders, and GDAL never sees a name that it would interpret
 * as anything but a plain file or the one URL that was checked. */
#include "raster/access.h"
#include "base/mem.h"
#include "base/text.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

const char *const access_drivers[] = { "GTiff", "JP2OpenJPEG", "PNG", "JPEG", "SRTMHGT", NULL };

static bool lies_in(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    while (length > 1 && folder[length - 1] == '/')
        length--;
    if (length == 1 && folder[0] == '/')
        return true;
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

bool access_path_allowed(const char *path, const char *folders)
{
    AUTO(mem) char *list = mem_text(folders);
    char *rest = list;

    for (char *folder; (folder = strsep(&rest, ":"));) {
        char resolved[PATH_MAX];

        if (*folder && realpath(folder, resolved) && lies_in(path, resolved))
            return true;
    }
    return false;
}

/* Whoever lists an archive checks the names in it (ingest/container.h); here, that GDAL takes them for nothing else. */
static bool leads_out(const char *member)
{
    return strstr(member, "/../") || text_ends(member, "/..") || strpbrk(member, "{}");
}

/* "/vsizip//folder/x.zip/member": the first part of the path that is a file is the archive. */
static bool check_archive(const struct raster_options *options, const char *href, char **ret_name, struct err *err)
{
    const char *path = href + strlen("/vsizip/");

    for (const char *slash = strchr(path + 1, '/'); *path == '/' && slash; slash = strchr(slash + 1, '/')) {
        AUTO(mem) char *zip = mem_textn(path, (size_t)(slash - path));
        char resolved[PATH_MAX];
        struct stat st;

        if (stat(zip, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        if (!realpath(zip, resolved) || leads_out(slash) || strpbrk(resolved, "{}") ||
            (options->allowed_paths && !access_path_allowed(resolved, options->allowed_paths)))
            return err_set(err, ERR_SourceUnreadable,
                           "The asset '%s' cannot be read: it lies outside the allowed folders.", href);
        *ret_name = mem_printf("/vsizip/{%s}%s", resolved, slash);
        return true;
    }
    return err_set(err, ERR_SourceUnreadable, "The asset '%s' could not be read: there is no such archive.", href);
}

static bool check_path(const struct raster_options *options, const char *href, const char *path,
                       char **ret_name, struct err *err)
{
    char resolved[PATH_MAX];

    if (options->archives && text_begins(path, "/vsizip/"))
        return check_archive(options, path, ret_name, err);
    if (text_begins(path, "/vsi"))
        return err_set(err, ERR_SourceUnreadable,
                       "The asset '%s' cannot be read: virtual file systems are not allowed.", href);
    if (!realpath(path, resolved))
        return err_set(err, ERR_SourceUnreadable, "The asset '%s' could not be read: %s.", href,
                       strerror(errno));
    if (options->allowed_paths && !access_path_allowed(resolved, options->allowed_paths))
        return err_set(err, ERR_SourceUnreadable,
                       "The asset '%s' cannot be read: it lies outside the allowed folders.", href);
    *ret_name = mem_text(resolved);
    return true;
}

static bool host_allowed(const char *host, size_t length, const char *hosts)
{
    AUTO(mem) char *list = mem_text(hosts ? hosts : "");
    char *rest = list;

    for (char *one; (one = strsep(&rest, " \t\n,"));) {
        if (!strcmp(one, "*"))
            return true;
        if (*one && strlen(one) == length && strncasecmp(one, host, length) == 0)
            return true;
    }
    return false;
}

/* The host of an authority "user@host:port"; with its port it also matches an entry "host:port". */
static bool url_allowed(const char *authority, const char *hosts)
{
    size_t all = strcspn(authority, "/?#"), bare;

    if (all == 0 || memchr(authority, '@', all))
        return false;
    bare = authority[0] == '[' ? strcspn(authority, "]") + 1 : strcspn(authority, ":/?#");
    return bare <= all &&
           (host_allowed(authority, bare, hosts) || host_allowed(authority, all, hosts));
}

bool access_check(const struct raster_options *options, const char *href, char **ret_name,
                  struct err *err)
{
    const char *authority = strstr(href, "://");

    if (options->trusted) {
        *ret_name = mem_text(href);
        return true;
    }
    if (href[0] == '/')
        return check_path(options, href, href, ret_name, err);
    if (text_begins(href, "file:///"))
        return check_path(options, href, href + strlen("file://"), ret_name, err);
    if (!authority || (strncasecmp(href, "http://", 7) && strncasecmp(href, "https://", 8)))
        return err_set(err, ERR_SourceUnreadable,
                       "The asset '%s' cannot be read: expected an absolute path or an http(s) URL.",
                       href);
    if (!url_allowed(authority + 3, options->allowed_hosts))
        return err_set(err, ERR_SourceUnreadable,
                       "The asset '%s' cannot be read: its host is not among the allowed hosts.",
                       href);
    *ret_name = mem_printf("/vsicurl/%s", href);
    return true;
}
