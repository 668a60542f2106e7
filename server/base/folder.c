/* Folders, with those above them. */
#include "base/folder.h"
#include "base/mem.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

bool folder_make(const char *folder, struct err *err)
{
    AUTO(mem) char *part = mem_text(folder);

    for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        if (mkdir(part, 0755) && errno != EEXIST)
            return err_set(err, ERR_StorageFailure, "%s: could not be made: %s", part,
                           strerror(errno));
        if (!slash)
            return true;
        *slash = '/';
    }
}
