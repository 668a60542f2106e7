/* Folders are walked once, zips are listed from their directory; either way the names are checked
 * before anything uses them, so that a hostile archive cannot point outside itself. */
#include "ingest/container.h"
#include "base/text.h"
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

DEFINE_AUTO(archive, struct archive *, archive_read_free)
DEFINE_AUTO(file, FILE *, fclose)

/* No empty part, no "..", nothing absolute, no backslash, no control character. */
static bool name_is_safe(const char *name)
{
    for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
        size_t length = strcspn(part, "/");

        if (length == 0 || (length == 1 && *part == '.') ||
            (length == 2 && part[0] == '.' && part[1] == '.'))
            return false;
    }
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == '\\' || *c == 0x7f)
            return false;
    return strlen(name) < 1024;
}

static bool add_file(struct container *c, size_t *capacity, const char *name, struct err *err)
{
    if (!name_is_safe(name))
        return err_set(err, ERR_FileContentInvalid, "%s: holds a file with the unsafe name '%.200s'",
                       c->path, name);
    if (c->n_files >= CONTAINER_MAX_FILES)
        return err_set(err, ERR_FileContentInvalid, "%s: holds more than %d files", c->path,
                       CONTAINER_MAX_FILES);
    c->files = mem_grow(c->files, capacity, c->n_files + 1, sizeof *c->files);
    c->files[c->n_files++] = arena_text(c->arena, name);
    return true;
}

static bool list_folder(struct container *c, struct err *err)
{
    char *roots[] = { (char *)c->path, NULL };
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    size_t capacity = 0, skip = strlen(c->path) + 1;
    bool good = true;

    if (!walk)
        return err_set(err, ERR_FileNotFound, "%s: %m", c->path);
    for (FTSENT *e; good && (e = fts_read(walk));) {
        if (e->fts_info == FTS_D && (e->fts_level > CONTAINER_MAX_DEPTH ||
                                     (e->fts_level > 0 && e->fts_name[0] == '.')))
            fts_set(walk, e, FTS_SKIP);
        else if (e->fts_info == FTS_F)
            good = add_file(c, &capacity, e->fts_path + skip, err);
    }
    fts_close(walk);
    return good;
}

static bool open_zip(const char *path, struct archive **ret_archive, struct err *err)
{
    AUTO(archive) struct archive *zip = archive_read_new();

    archive_read_support_format_zip_seekable(zip);
    if (archive_read_open_filename(zip, path, 65536) != ARCHIVE_OK)
        return err_set(err, ERR_FileContentInvalid, "%s: cannot be read as a zip archive: %s", path,
                       archive_error_string(zip));
    *ret_archive = zip;
    zip = NULL;
    return true;
}

static bool list_zip(struct container *c, struct err *err)
{
    AUTO(archive) struct archive *zip = NULL;
    struct archive_entry *entry;
    size_t capacity = 0;
    int status;

    if (!open_zip(c->path, &zip, err))
        return false;
    while ((status = archive_read_next_header(zip, &entry)) == ARCHIVE_OK) {
        const char *name = archive_entry_pathname(entry);

        if (archive_entry_filetype(entry) == AE_IFREG && !add_file(c, &capacity, name ? name : "", err))
            return false;
        if (archive_entry_filetype(entry) == AE_IFLNK)
            return err_set(err, ERR_FileContentInvalid, "%s: holds a symbolic link, '%.200s'", c->path,
                           name ? name : "");
    }
    if (status != ARCHIVE_EOF)
        return err_set(err, ERR_FileContentInvalid, "%s: cannot be read as a zip archive: %s", c->path,
                       archive_error_string(zip));
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool container_open(const char *path, struct container **ret_container, struct err *err)
{
    AUTO(container) struct container *c = MEM_NEW(struct container);
    char absolute[PATH_MAX];
    struct stat st;

    c->arena = arena_new();
    if (!realpath(path, absolute) || stat(absolute, &st) != 0)
        return err_set(err, ERR_FileNotFound, "%s: %m", path);
    c->path = arena_text(c->arena, absolute);
    c->zip = S_ISREG(st.st_mode);
    if (!(c->zip ? list_zip(c, err) : list_folder(c, err)))
        return false;
    if (c->n_files)
        qsort(c->files, c->n_files, sizeof *c->files, by_name);
    *ret_container = c;
    c = NULL;
    return true;
}

void container_free(struct container *container)
{
    if (!container)
        return;
    free(container->files);
    arena_free(container->arena);
    free(container);
}

bool container_has(const struct container *c, const char *name)
{
    return c->n_files && bsearch(&name, c->files, c->n_files, sizeof *c->files, by_name);
}

static bool too_big(const char *path, const char *name, size_t max_bytes, struct err *err)
{
    return err_set(err, ERR_FileContentInvalid, "%s: '%s' is larger than %zu MB", path, name,
                   max_bytes >> 20);
}

static bool read_file(const struct container *c, const char *name, size_t max_bytes,
                      struct text *bytes, struct err *err)
{
    AUTO(mem) char *path = mem_printf("%s/%s", c->path, name);
    AUTO(file) FILE *file = fopen(path, "rbe");
    char buffer[65536];
    size_t got;

    if (!file)
        return err_set(err, ERR_FileNotFound, "%s: %m", path);
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0) {
        text_addn(bytes, buffer, got);
        if (bytes->length > max_bytes)
            return too_big(c->path, name, max_bytes, err);
    }
    return !ferror(file) || err_set(err, ERR_FileNotFound, "%s: %m", path);
}

static bool find_member(struct archive *zip, const char *path, const char *name, struct err *err)
{
    struct archive_entry *entry;

    while (archive_read_next_header(zip, &entry) == ARCHIVE_OK) {
        const char *found = archive_entry_pathname(entry);

        if (found && !strcmp(found, name))
            return true;
    }
    return err_set(err, ERR_FileNotFound, "%s: holds no file '%.200s'", path, name);
}

static bool read_member(const struct container *c, const char *name, size_t max_bytes,
                        struct text *bytes, struct err *err)
{
    AUTO(archive) struct archive *zip = NULL;
    char buffer[65536];
    la_ssize_t got;

    if (!open_zip(c->path, &zip, err) || !find_member(zip, c->path, name, err))
        return false;
    while ((got = archive_read_data(zip, buffer, sizeof buffer)) > 0) {
        text_addn(bytes, buffer, (size_t)got);
        if (bytes->length > max_bytes)
            return too_big(c->path, name, max_bytes, err);
    }
    return got == 0 || err_set(err, ERR_FileContentInvalid, "%s: '%s': %s", c->path, name,
                               archive_error_string(zip));
}

bool container_read(const struct container *c, const char *name, size_t max_bytes, char **ret_bytes,
                    size_t *ret_size, struct err *err)
{
    AUTO(text) struct text bytes = { 0 };

    if (!(c->zip ? read_member(c, name, max_bytes, &bytes, err)
                 : read_file(c, name, max_bytes, &bytes, err)))
        return false;
    *ret_size = bytes.length;
    *ret_bytes = text_take(&bytes);
    return true;
}

bool container_extract(const char *zip_path, const char *name, int fd, struct err *err)
{
    AUTO(archive) struct archive *zip = NULL;

    if (!open_zip(zip_path, &zip, err) || !find_member(zip, zip_path, name, err))
        return false;
    return archive_read_data_into_fd(zip, fd) == ARCHIVE_OK ||
           err_set(err, ERR_StorageFailure, "%s: '%s': %s", zip_path, name, archive_error_string(zip));
}

const char *container_href(const struct container *c, const char *name, struct arena *arena)
{
    return c->zip ? arena_printf(arena, "/vsizip/%s/%s", c->path, name)
                  : arena_printf(arena, "%s/%s", c->path, name);
}
