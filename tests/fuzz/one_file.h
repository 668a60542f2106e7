/* The input as a file, for what reads files: one in memory, written anew for each input, which goes with the process. */
#ifndef FUZZ_ONE_FILE_H
#define FUZZ_ONE_FILE_H

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char one_file_path[] = "/dev/shm/fuzz-XXXXXX.xxx"; /* readers ask what is in it, but for zips, whose name says so */

static void one_file_remove(void)
{
    unlink(one_file_path);
}

/* The path; `suffix` has four bytes (".zip"). */
static const char *one_file(const char *suffix, const void *data, size_t size)
{
    static bool made; /* the name does not tell: it may end with an X, too */
    int file;

    if (!made) {
        memcpy(strrchr(one_file_path, '.'), suffix, 4);
        file = mkstemps(one_file_path, 4);
        if (file < 0 || close(file))
            abort();
        atexit(one_file_remove);
        made = true;
    }
    file = open(one_file_path, O_WRONLY | O_TRUNC);
    if (file < 0 || write(file, data, size) != (ssize_t)size || close(file))
        abort();
    return one_file_path;
}

#endif
