/* Replays a corpus without a fuzzer: every file of the folders given goes through the target once,
 * so that `make check` runs each fuzz target on all that was ever found. Without arguments the folder
 * is $srcdir/tests/fuzz/corpus/NAME for a program called fuzz_NAME. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size = 0;

    if (!file)
        return perror(path), 1;
    for (size_t got = 1; got > 0; size += got) {
        data = realloc(data, size + 65536);
        if (!data)
            abort();
        got = fread(data + size, 1, 65536, file);
    }
    fclose(file);
    /* an exact copy, so that reading past the end is seen */
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        abort();
    memcpy(exact, data, size);
    free(data);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

static int replay_folder(const char *folder, unsigned *count)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char path[4096];
    int bad = 0;

    if (!dir)
        return perror(folder), 1;
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        bad |= replay_file(path);
        ++*count;
    }
    closedir(dir);
    return bad;
}

int main(int argc, char **argv)
{
    unsigned count = 0;
    int bad = 0;

    if (argc == 1) {
        const char *root = getenv("srcdir"), *name = strstr(argv[0], "fuzz_");
        char folder[4096];

        for (const char *next = name; next; next = strstr(next + 1, "fuzz_"))
            name = next;
        snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", root ? root : ".",
                 name ? name + 5 : "");
        bad |= replay_folder(folder, &count);
    }
    for (int i = 1; i < argc; i++)
        bad |= replay_folder(argv[i], &count);
    printf("%u inputs replayed\n", count);
    return bad || count == 0;
}
