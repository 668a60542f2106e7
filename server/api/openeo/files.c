/* Files of users: uploads go to disk as they come (http/upload.c) and are renamed to their place;
 * downloads are any file's, with ranges. The media type is never one that a browser would run. */
#include "api/common/build.h"
#include "api/openeo/openeo.h"
#include "store/user_files.h"
#include <string.h>

static json_t *file_json(const struct user_file *file)
{
    json_t *body = json_pack("{s:s, s:I}", "path", file->path, "size", (json_int_t)file->size_bytes);

    put_instant(body, "modified", file->modified);
    return body;
}

/* GET /files */
bool openeo_files_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *after = request_query(rq, "after");
    json_t *list, *links;
    struct user_file *files;
    int64_t limit, bytes;
    size_t count, i = 0;

    if (!request_query_integer(rq, "limit", 1, 100000, 100000, &limit, err) ||
        !user_files(rq->config, rq->user->id, rq->arena, &files, &count, &bytes, err))
        return false;
    list = json_array();
    links = json_array();
    while (after && i < count && strcmp(files[i].path, after) <= 0)
        i++;
    for (; i < count && json_array_size(list) < (size_t)limit; i++)
        json_array_append_new(list, file_json(&files[i]));
    link_add(links, "self", href_with(rq, "f", NULL), "application/json", NULL);
    if (i < count)
        link_add(links, "next", href_with(rq, "after", files[i - 1].path), "application/json", NULL);
    return reply_json(reply, 200, json_pack("{s:o, s:o}", "files", list, "links", links), NULL);
}

/* GET /files/{path} */
bool openeo_file_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *path = request_variable(rq, "path"), *slash = strrchr(path, '/');
    AUTO(mem) char *full = NULL;

    if (!user_file_find(rq->config, rq->user->id, path, &full, err))
        return false;
    return reply_file(rq, reply, arena_text(rq->arena, full), "application/octet-stream",
                      slash ? slash + 1 : path, err);
}

/* PUT /files/{path} */
bool openeo_file_put(struct request *rq, struct reply *reply, struct err *err)
{
    const char *encoding = request_header(rq, "Content-Encoding");
    struct user_file file;

    if (encoding && strcmp(encoding, "identity"))
        return err_set(err, ERR_ContentTypeInvalid,
                       "Content-Encoding: files are taken as they are, found '%.40s'", encoding);
    if (!user_file_put(rq->config, rq->user->id, request_variable(rq, "path"), rq->upload, &file, err))
        return false;
    return reply_json(reply, 200, file_json(&file), NULL);
}

/* DELETE /files/{path} */
bool openeo_file_delete(struct request *rq, struct reply *reply, struct err *err)
{
    if (!user_file_remove(rq->config, rq->user->id, request_variable(rq, "path"), err))
        return false;
    return reply_empty(reply, 204);
}
