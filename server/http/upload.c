/* A body that becomes a file: written as it comes, under a name of its own in the folder of users'
 * files, so that a handler only has to rename it. What no handler took is unlinked. Writing goes to the
 * page cache, which an epoll thread may do. */
#include "base/id.h"
#include "http/exchange.h"
#include "store/cluster.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool failed(struct err *err)
{
    return err_set(err, ERR_StorageFailure, "An uploaded file cannot be written: %s", strerror(errno));
}

bool upload_open(struct exchange *ex, struct err *err)
{
    AUTO(mem) char *folder = store_files(ex->rq.config);
    AUTO(mem) char *incoming = mem_printf("%s/.incoming", folder);
    char id[ID_UUID_SIZE];

    id_uuid(id);
    if ((mkdir(folder, 0700) && errno != EEXIST) || (mkdir(incoming, 0700) && errno != EEXIST))
        return failed(err);
    ex->rq.upload = arena_printf(ex->rq.arena, "%s/%s", incoming, id);
    ex->upload = fopen(ex->rq.upload, "wbxe");
    return ex->upload || failed(err);
}

void upload_take(struct exchange *ex, const void *bytes, size_t size)
{
    if (fwrite(bytes, 1, size, ex->upload) < size)
        failed(&ex->err);
}

void upload_end(struct exchange *ex)
{
    FILE *file = ex->upload;

    ex->upload = NULL;
    if (file && fclose(file) && ex->err.code == ERR_None)
        failed(&ex->err);
}

void upload_drop(struct exchange *ex)
{
    if (ex->upload)
        fclose(ex->upload);
    if (ex->rq.upload)
        unlink(ex->rq.upload);
    ex->upload = NULL;
    ex->rq.upload = NULL;
}
