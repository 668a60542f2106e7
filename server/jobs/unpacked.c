/* An HDF5 file may name other files (external links and storage, virtual datasets), and its reader was not written for
 * hostile bytes. So none is opened here: a child in a sandbox, which sees nothing but the system's programs, gets the bytes
 * through a pipe of its own and leaves GeoTIFFs in a folder. These are as hostile as an uploaded GeoTIFF, and read as one. */
#include "jobs/unpacked.h"
#include "base/folder.h"
#include "base/mem.h"
#include "base/text.h"
#include "jobs/scratch.h"
#include "json/js.h"
#include "raster/uploaded.h"
#include "sandbox/sandbox.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_IMAGES = 10000, MOST_FILES = MOST_IMAGES + 100, PROCESSES = 16, CPU_S = 900, WALL_MS = 900000, LOG_BYTES = 4096 };

struct said {
    char text[400];
};

/* The child's own words: "sentier: it is of another format". */
static void hear(void *said_, bool is_error, const char *line)
{
    struct said *said = said_;

    if (is_error && !*said->text && text_begins(line, "sentier: ") && text_is_utf8(line))
        snprintf(said->text, sizeof said->text, "%.390s", line + strlen("sentier: "));
}

/* Half of the task's memory: this process waits meanwhile, and has next to nothing. */
static bool run_child(const struct config *config, int file, const char *format, const char *folder, struct err *err)
{
    static const char *const environment[] = { "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/out", "TMPDIR=/out", NULL };
    char program[PATH_MAX] = "";
    char *const words[] = { program, "unpack", (char *)format, "-", "/out", NULL };
    const struct sandbox_bind binds[] = { { folder, "/out", true }, { program, program, false } };
    struct said said = { "" };
    struct sandbox how = {
        .words = words, .environment = environment, .binds = binds, .n_binds = ARRAY_LEN(binds), .folder = "/out",
        .limits = { .memory_bytes = config->worker_memory / 2, .disk_bytes = config->files_quota, .files = MOST_FILES,
                    .processes = PROCESSES, .cpu_seconds = CPU_S, .wall_ms = WALL_MS, .log_bytes = LOG_BYTES },
        .input = file, .line = hear, .context = &said,
    };
    struct sandbox_end end;

    if (readlink("/proc/self/exe", program, sizeof program - 1) < 0)
        return err_set(err, ERR_Internal, "This program does not find itself: %s", strerror(errno));
    if (text_begins(program, "/usr/"))
        how.n_binds = 1; /* it is seen anyway */
    if (!sandbox_run(&how, &end, err) || !sandbox_own(folder, err))
        return false;
    if (end.ending == SANDBOX_EXITED && end.status == 0)
        return true;
    return err_set(err, ERR_FormatUnsuitable, "%s%s", *said.text ? "" : "it could not be unpacked: ",
                   *said.text ? said.text : end.message);
}

static int is_image(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && text_ends(entry->d_name, ".tif");
}

static bool add_images(const char *folder, const char *name, json_t *items, struct err *err)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_image, alphasort);
    bool good = count >= 0 || err_set(err, ERR_StorageFailure, "%s: %s", folder, strerror(errno));

    if (good && count > MOST_IMAGES)
        good = err_set(err, ERR_FormatUnsuitable, "it has more than %d images", MOST_IMAGES);
    for (int i = 0; i < count; i++) {
        AUTO(mem) char *path = mem_printf("%s/%s", folder, entries[i]->d_name);
        AUTO(mem) char *called = mem_printf("%s/%s", name, entries[i]->d_name);
        struct stat info;
        json_t *item;

        free(entries[i]);
        if (good && (lstat(path, &info) || !S_ISREG(info.st_mode)))
            good = err_set(err, ERR_FormatUnsuitable, "it could not be unpacked");
        good = good && uploaded_image(path, called, &item, err);
        if (good)
            json_array_append_new(items, item);
    }
    free(entries);
    return good;
}

bool unpacked_images(const struct url_reader *reader, const char *path, const char *name, const char *format,
                     json_t **ret_collection, struct err *err)
{
    AUTO(mem) char *folder = mem_printf("%s/unpacked-XXXXXX", reader->folder ? reader->folder : "");
    AUTO(json) json_t *items = json_array();
    int file;
    bool good;

    if (!reader->folder)
        return err_set(err, ERR_EstimateComplexity, "what it holds is only known when it was unpacked");
    if (!folder_make(reader->folder, err))
        return false;
    if (!mkdtemp(folder))
        return err_set(err, ERR_StorageFailure, "%s: %s", folder, strerror(errno));
    file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    good = file >= 0 || err_set(err, ERR_StorageFailure, "it could not be read: %s", strerror(errno));
    good = good && run_child(reader->config, file, format, folder, err) && add_images(folder, name, items, err);
    if (file >= 0)
        close(file);
    if (!good)
        scratch_remove(folder);
    else
        *ret_collection = json_pack("{s:s, s:O}", "type", "FeatureCollection", "features", items);
    return good;
}
