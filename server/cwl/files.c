/* File and Directory objects. */
#include "base/digest.h"
#include "base/text.h"
#include "cwl/cwl.h"
#include "json/js.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_CONTENTS = 64 << 10, MAX_LISTING = 100000 };

bool cwl_is_file(const json_t *value)
{
    const char *class_name = js_text(value, "class");

    return class_name && (!strcmp(class_name, "File") || !strcmp(class_name, "Directory"));
}

static bool is_directory(const json_t *value)
{
    return !strcmp(js_text(value, "class"), "Directory");
}

static char *confined_to; /* one job a process */

void cwl_confine(const char *root)
{
    free(confined_to);
    confined_to = root ? realpath(root, NULL) : NULL;
    if (root && !confined_to)
        confined_to = mem_text("/nowhere");
}

static bool is_allowed(const char *path)
{
    size_t length = confined_to ? strlen(confined_to) : 0;
    char *real;
    bool good;

    if (!confined_to)
        return true;
    real = realpath(path, NULL);
    good = real && !strncmp(real, confined_to, length) && real[length] == '/';
    free(real);
    return good;
}

char *cwl_path(const json_t *file)
{
    const char *location = js_text(file, "location");
    char *path;

    if (!location || !text_begins(location, "file:///"))
        return NULL;
    path = mem_text(location + strlen("file://"));
    if (text_url_decode(path, false) && is_allowed(path))
        return path;
    free(path);
    return NULL;
}

static void put_location(json_t *file, const char *path)
{
    AUTO(text) struct text location = { 0 };

    text_add(&location, "file://");
    text_add_url(&location, path, "/");
    json_object_set_new(file, "location", json_string(location.data));
}

void cwl_file_complete(json_t *file)
{
    const char *name = js_text(file, "basename");
    const char *location = js_text(file, "location"), *slash, *dot;
    AUTO(mem) char *own = NULL;

    if (!name && location) {
        AUTO(mem) char *bare = mem_text(location);
        size_t length = strlen(bare);

        while (length > 1 && bare[length - 1] == '/')
            bare[--length] = '\0';
        slash = strrchr(bare, '/');
        own = mem_text(slash ? slash + 1 : bare);
        if (text_url_decode(own, false))
            json_object_set_new(file, "basename", json_string(own));
        name = js_text(file, "basename");
    }
    if (!name || is_directory(file))
        return;
    dot = strrchr(name, '.');
    dot = dot && dot != name ? dot : name + strlen(name);
    json_object_set_new(file, "nameroot", json_stringn(name, (size_t)(dot - name)));
    json_object_set_new(file, "nameext", json_string(dot));
}

static void put_checksum(json_t *file, const char *path)
{
    char digits[DIGEST_TEXT_SIZE];
    struct err unreadable = { 0 };

    if (digest_file(path, "sha1", digits, &unreadable))
        json_object_set_new(file, "checksum", json_sprintf("sha1$%s", digits));
}

json_t *cwl_file_new(const char *path, bool checksum)
{
    struct stat st;
    json_t *file;

    if (lstat(path, &st) || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        return NULL;
    file = json_pack("{s:s}", "class", S_ISDIR(st.st_mode) ? "Directory" : "File");
    put_location(file, path);
    cwl_file_complete(file);
    if (S_ISREG(st.st_mode)) {
        json_object_set_new(file, "size", json_integer((json_int_t)st.st_size));
        if (checksum)
            put_checksum(file, path);
    }
    return file;
}

bool cwl_files_each(json_t *value, bool (*visit)(void *context, json_t *file, struct err *err), void *context,
                    struct err *err)
{
    json_t *one;
    const char *key;
    size_t i;

    if (cwl_is_file(value) && !visit(context, value, err))
        return false;
    json_array_foreach(value, i, one)
        if (!cwl_files_each(one, visit, context, err))
            return false;
    json_object_foreach(value, key, one)
        if ((json_is_object(one) || json_is_array(one)) && !cwl_files_each(one, visit, context, err))
            return false;
    return true;
}

bool cwl_load_contents(json_t *file, struct err *err)
{
    AUTO(mem) char *path = cwl_path(file), *bytes = mem_alloc(MAX_CONTENTS + 1);
    FILE *in = path ? fopen(path, "rbe") : NULL;
    json_t *contents;
    size_t got;

    if (json_object_get(file, "contents"))
        return true;
    if (!in)
        return err_set(err, ERR_FileNotFound, "%.300s: could not be read", path ? path : "A file");
    got = fread(bytes, 1, MAX_CONTENTS + 1, in);
    fclose(in);
    if (got > MAX_CONTENTS)
        return err_set(err, ERR_CommandFailed, "%.300s: loadContents takes files of at most 64 KiB", path);
    contents = json_stringn(bytes, got);
    if (!contents)
        return err_set(err, ERR_CommandFailed, "%.300s: loadContents: the file is no UTF-8", path);
    json_object_set_new(file, "contents", contents);
    return true;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

void cwl_load_listing(json_t *directory, bool deep)
{
    AUTO(mem) char *path = cwl_path(directory);
    struct dirent **entries = NULL;
    int count = path ? scandir(path, &entries, NULL, by_name) : 0;
    json_t *list;

    if (json_object_get(directory, "listing") || !path || count < 0)
        return;
    list = json_array();
    for (int i = 0; i < count; i++) {
        AUTO(mem) char *inside = mem_printf("%s/%s", path, entries[i]->d_name);
        json_t *file = entries[i]->d_name[0] == '.' && (!entries[i]->d_name[1] || entries[i]->d_name[1] == '.')
                           ? NULL
                           : cwl_file_new(inside, false);

        free(entries[i]);
        if (!file)
            continue;
        if (deep && is_directory(file))
            cwl_load_listing(file, true);
        json_array_append_new(list, file);
    }
    free(entries);
    json_object_set_new(directory, "listing", list);
}

static bool copy_file(const char *from, const char *to, struct err *err)
{
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out = -1;
    ssize_t got = 1;
    struct stat st;
    char bytes[65536];
    bool good;

    if (in >= 0 && fstat(in, &st) == 0)
        out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644 | (st.st_mode & 0111));
    good = out >= 0 && fchmod(out, 0644 | (st.st_mode & 0111)) == 0;
    while (good && (got = copy_file_range(in, NULL, out, NULL, 1 << 30, 0)) > 0)
        ;
    if (good && got < 0) /* between file systems of some kinds */
        while ((got = read(in, bytes, sizeof bytes)) > 0 && write(out, bytes, (size_t)got) == got)
            ;
    if (in >= 0)
        close(in);
    if (out >= 0 && close(out))
        good = false;
    return (good && got == 0) || err_set(err, ERR_StorageFailure, "%.300s: could not be copied: %s", from, strerror(errno));
}

bool cwl_copy(const char *from, const char *to, struct err *err)
{
    char *paths[] = { (char *)(uintptr_t)from, NULL };
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    size_t prefix = strlen(from);
    bool good = walk != NULL;
    FTSENT *entry;

    while (good && (entry = fts_read(walk))) {
        AUTO(mem) char *target = mem_printf("%s%s", to, entry->fts_path + prefix);

        if (entry->fts_info == FTS_D)
            good = mkdir(target, 0755) == 0 || errno == EEXIST ||
                   err_set(err, ERR_StorageFailure, "%.300s: %s", target, strerror(errno));
        else if (entry->fts_info == FTS_F)
            good = copy_file(entry->fts_path, target, err);
        else if (entry->fts_info == FTS_NS || entry->fts_info == FTS_DNR)
            good = err_set(err, ERR_FileNotFound, "%.300s: could not be read", entry->fts_path);
    }
    if (walk)
        fts_close(walk);
    return good;
}

void cwl_remove(const char *path)
{
    char *paths[] = { (char *)(uintptr_t)path, NULL };
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    FTSENT *entry;

    while (walk && (entry = fts_read(walk))) {
        if (entry->fts_info == FTS_D)
            chmod(entry->fts_accpath, 0700); /* whatever its maker did to it */
        else
            remove(entry->fts_accpath);
    }
    if (walk)
        fts_close(walk);
}
