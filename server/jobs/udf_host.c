/* The server only asks which runtimes there are and reads code; code runs in tasks alone. */
#include "jobs/udf_host.h"
#include "base/text.h"
#include "jobs/url.h"
#include "net/fetch.h"
#include "store/user_files.h"
#include "udf/runtime.h"
#include <stdio.h>
#include <string.h>

enum { LARGEST = 1 << 20, TIMEOUT_MS = 15000 };

static const char *const *versions(void *reader)
{
    const struct udf_runtime *r = udf_runtime(((const struct url_reader *)reader)->config);

    return r ? r->names : NULL;
}

static bool take_code(const char *bytes, size_t size, char **ret_code, struct err *err)
{
    AUTO(mem) char *code = mem_textn(bytes, size);

    if (strlen(code) != size || !text_is_utf8(code))
        return err_set(err, ERR_FileContentInvalid, "The code is not text in UTF-8.");
    *ret_code = code;
    code = NULL;
    return true;
}

static bool read_url(const struct config *config, const char *url, char **ret_code, struct err *err)
{
    struct fetch what = { .url = url, .timeout_ms = TIMEOUT_MS, .max_size = LARGEST };
    AUTO(fetched) struct fetched answer = { 0 };

    if (!fetch_for_user(&what, config->jobs_url_hosts, &answer, err))
        return false;
    if (answer.status == 404 || answer.status == 410)
        return err_set(err, ERR_FileNotFound, "the server answered %d for %.300s", answer.status, url);
    if (answer.status != 200)
        return err_set(err, ERR_Unreachable, "the server answered %d for %.300s", answer.status, url);
    return take_code(answer.body, answer.size, ret_code, err);
}

static bool read_file(const char *path, const char *name, char **ret_code, struct err *err)
{
    FILE *file = fopen(path, "re");
    AUTO(mem) char *bytes = mem_alloc(LARGEST + 1);
    size_t size = file ? fread(bytes, 1, LARGEST + 1, file) : 0;

    if (!file)
        return err_set(err, ERR_FileNotFound, "The file '%.200s' cannot be read.", name);
    fclose(file);
    if (size > LARGEST)
        return err_set(err, ERR_FileSizeExceeded, "The file '%.200s' has more than %d bytes.", name, LARGEST);
    return take_code(bytes, size, ret_code, err);
}

/* "/folder/x.py", "folder/x.py" and "./folder/x.py" are one file; what leads out of the workspace is none. */
static bool read_users_file(const struct url_reader *reader, const char *udf, char **ret_code, struct err *err)
{
    AUTO(mem) char *path = NULL;
    const char *name = udf;

    while (text_begins(name, "./") || *name == '/')
        name += *name == '/' ? 1 : 2;
    if (!reader->user)
        return err_set(err, ERR_FileNotFound, "There are no uploaded files here, such as '%.200s'.", udf);
    if (!user_file_find(reader->config, reader->user, name, &path, err)) {
        bool outside = err->code == ERR_FilePathInvalid;

        if (outside)
            err_clear(err);
        return outside && err_set(err, ERR_FileNotFound, "There is no file '%.200s' in the workspace.", udf);
    }
    return read_file(path, name, ret_code, err);
}

static bool code(void *reader_, const char *udf, char **ret_code, struct err *err)
{
    const struct url_reader *reader = reader_;

    if (text_begins(udf, "http://") || text_begins(udf, "https://"))
        return read_url(reader->config, udf, ret_code, err);
    return read_users_file(reader, udf, ret_code, err);
}

static bool probe(void *reader_, const char *node, const char *pointer, const char *request, json_t **ret_axes,
                  struct err *err)
{
    const struct url_reader *reader = reader_;
    const struct udf_function function = { node, pointer, request };

    return udf_probe(udf_session_of_thread(reader->config, reader->udf_listener), &function, ret_axes, err);
}

struct udf_host udf_host(const struct url_reader *reader)
{
    return (struct udf_host){ .context = (void *)reader, .versions = versions, .code = code,
                              .probe = reader->udf_listener ? probe : NULL };
}
