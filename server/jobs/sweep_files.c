/* Copies from tape, FOLDER/COLLECTION/ITEM/ENDPOINT.TOKEN, go when their time is over or when no row means
 * them; so do those from other servers, which make room for each other (store/copies.h). Files that were unpacked from archives go when nobody has asked for them in a long time, and the
 * longest unasked first when they are too many; the server notes in a file's access time when it was asked
 * for. Uploads whose server died in the middle lie in .incoming; a folder without its user is what a removal
 * could not reach. */
#include "base/instant.h"
#include "base/mem.h"
#include "base/text.h"
#include "jobs/scratch.h"
#include "jobs/worker.h"
#include "store/cluster.h"
#include "store/copies.h"
#include "store/gc.h"
#include "store/places.h"
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEVELS = 3, YOUNG_S = 60 };

/* ---- copies from tape ---- */

struct staged {
    struct db *db;
    struct sweep_report *report;
    const char *names[LEVELS]; /* COLLECTION, ITEM, ENDPOINT.TOKEN, decoded */
};

static bool sweep_copy(struct staged *s, const char *path, struct err *err)
{
    AUTO(mem) char *endpoint = mem_text(s->names[2]);
    char *dot = strrchr(endpoint, '.'), *end;
    long long token;
    bool known;

    if (!dot)
        return true;
    *dot = '\0';
    token = strtoll(dot + 1, &end, 10);
    if (*end || token <= 0)
        return true;
    if (!places_staged_is_known(s->db, s->names[0], s->names[1], endpoint, token, &known, err))
        return false;
    if (!known && scratch_remove(path))
        s->report->copies++;
    return true;
}

static bool walk(struct staged *s, const char *folder, size_t level, struct err *err)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    bool good = true;

    while (dir && good && (entry = readdir(dir))) {
        AUTO(mem) char *path = mem_printf("%s/%s", folder, entry->d_name);
        AUTO(mem) char *name = mem_text(entry->d_name);

        if (entry->d_name[0] == '.' || !text_url_decode(name, false))
            continue;
        s->names[level] = name;
        good = level + 1 == LEVELS ? sweep_copy(s, path, err) : walk(s, path, level + 1, err);
    }
    if (dir)
        closedir(dir);
    if (level > 0)
        rmdir(folder); /* only when it is empty */
    return good;
}

static void remove_copy(void *context, const char *staged)
{
    AUTO(mem) char *folder = mem_text(staged);
    char *slash = strrchr(folder, '/');

    if (slash)
        *slash = '\0';
    if (scratch_remove(folder))
        ((struct sweep_report *)context)->copies++;
}

bool sweep_staged(const struct config *config, struct db *db, struct sweep_report *report,
                  struct err *err)
{
    AUTO(mem) char *folder = store_staged(config);
    struct staged s = { .db = db, .report = report };

    return places_expire(db, remove_copy, report, &report->expired, err) && walk(&s, folder, 0, err);
}

/* ---- copies from other servers ---- */

/* KEY.TOKEN */
static bool is_copy_name(const char *name)
{
    size_t digits = strspn(name, "0123456789abcdef");

    return digits == COPY_KEY_SIZE - 1 && name[digits] == '.' && name[digits + 1] && !name[digits + 1 + strspn(name + digits + 1, "0123456789")];
}

bool sweep_downloads(const struct config *config, struct db *db, struct sweep_report *report, struct err *err)
{
    AUTO(mem) char *folder = store_downloads(config);
    DIR *dir = opendir(folder);
    struct dirent *entry;
    bool good = true, known;

    while (dir && good && (entry = readdir(dir))) {
        AUTO(mem) char *path = mem_printf("%s/%s", folder, entry->d_name);

        if (!is_copy_name(entry->d_name))
            continue;
        good = copy_folder_is_known(db, path, &known, err);
        if (good && !known && scratch_remove(path))
            report->copies++;
    }
    if (dir)
        closedir(dir);
    return good;
}

/* ---- the cache ---- */

struct cached {
    char *path;
    int64_t bytes, asked;
};

static int by_age(const void *a, const void *b)
{
    const struct cached *x = a, *y = b;

    return x->asked < y->asked ? -1 : x->asked > y->asked;
}

/* 32 hexadecimal digits are the name of a file; ".XXXXXX" follows while it is unpacked. */
static bool is_cache_name(const char *name)
{
    size_t digits = strspn(name, "0123456789abcdef");

    return digits == 32 && (name[32] == '\0' || name[32] == '.');
}

static size_t list_cache(const char *folder, struct cached **ret_files, int64_t *ret_bytes)
{
    DIR *dir = opendir(folder);
    struct cached *files = NULL;
    struct dirent *entry;
    size_t count = 0, capacity = 0;
    struct stat st;

    *ret_bytes = 0;
    while (dir && (entry = readdir(dir))) {
        AUTO(mem) char *path = mem_printf("%s/%s", folder, entry->d_name);

        if (!is_cache_name(entry->d_name) || lstat(path, &st) || !S_ISREG(st.st_mode))
            continue;
        files = mem_grow(files, &capacity, count + 1, sizeof *files);
        files[count++] = (struct cached){ mem_text(path), st.st_blocks * 512, st.st_atim.tv_sec };
        *ret_bytes += st.st_blocks * 512;
    }
    if (dir)
        closedir(dir);
    *ret_files = files;
    return count;
}

bool sweep_cache(const struct config *config, struct sweep_report *report, struct err *err)
{
    AUTO(mem) char *folder = store_cache(config);
    AUTO(mem) struct cached *files = NULL;
    int64_t bytes, now = instant_now() / 1000;
    size_t count = list_cache(folder, &files, &bytes);

    (void)err;
    if (count)
        qsort(files, count, sizeof *files, by_age);
    for (size_t i = 0; i < count; i++) {
        int64_t age = now - files[i].asked;

        /* who has just asked for it may be about to open it */
        if (age > YOUNG_S && (age > config->catalog_cache_keep || bytes > config->catalog_cache) &&
            unlink(files[i].path) == 0) {
            bytes -= files[i].bytes;
            report->cached++;
        }
        free(files[i].path);
    }
    return true;
}

/* ---- files of users ---- */

enum { UPLOAD_S = 3600 }; /* an upload that nothing was added to for this long will not go on */

static void sweep_uploads(const char *folder, struct sweep_report *report)
{
    DIR *dir = opendir(folder);
    int64_t now = instant_now() / 1000;
    struct dirent *entry;
    struct stat st;

    while (dir && (entry = readdir(dir))) {
        AUTO(mem) char *path = mem_printf("%s/%s", folder, entry->d_name);

        if (id_is_uuid(entry->d_name) && lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
            now - st.st_mtim.tv_sec > UPLOAD_S && unlink(path) == 0)
            report->uploads++;
    }
    if (dir)
        closedir(dir);
}

bool sweep_users(const struct config *config, struct db *db, struct sweep_report *report, struct err *err)
{
    AUTO(mem) char *folder = store_files(config), *incoming = mem_printf("%s/.incoming", folder);
    DIR *dir = opendir(folder);
    struct dirent *entry;
    bool good = true, known;

    while (dir && good && (entry = readdir(dir))) {
        AUTO(mem) char *path = mem_printf("%s/%s", folder, entry->d_name);

        if (!id_is_uuid(entry->d_name))
            continue;
        good = gc_user_exists(db, entry->d_name, &known, err);
        if (good && !known && scratch_remove(path))
            report->uploads++;
    }
    if (dir)
        closedir(dir);
    sweep_uploads(incoming, report);
    return good;
}
