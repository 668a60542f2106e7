/* A small product that tests make, in a folder that goes away at the end: real documents that were cut down, and a
 * measurement of LINES x SAMPLES. */
#ifndef TESTS_SAR_SAFE_H
#define TESTS_SAR_SAFE_H

#include "tests/sar/given.h"
#include <archive.h>
#include <archive_entry.h>
#include <gdal.h>
#include <sys/stat.h>

enum { LINES = 400, SAMPLES = 3000 };
#define STEM(pol) "s1a-iw-grd-" pol "-20210119t031653-20210119t031718-036201-043ed0-001"

static char safe_folder[] = "/tmp/test_sar.XXXXXX";

static inline char *safe_path(const char *name)
{
    return mem_printf("%s/%s", safe_folder, name);
}

static inline int safe_begin(void **state)
{
    (void)state;
    return mkdtemp(safe_folder) ? 0 : -1;
}

static inline int safe_end(void **state)
{
    AUTO(mem) char *command = mem_printf("rm -r '%s'", safe_folder);

    (void)state;
    return system(command);
}

/* Folders on the way are made. */
static inline void safe_write(const char *name, const void *bytes, size_t size)
{
    AUTO(mem) char *path = safe_path(name);
    FILE *file;

    for (char *slash = strchr(path + strlen(safe_folder) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
        abort();
}

static inline void safe_write_text(const char *name, const char *text)
{
    safe_write(name, text, strlen(text));
}

/* The annotation of an image of LINES x SAMPLES. The caller frees. */
static inline char *safe_annotation(const char *polarisation)
{
    AUTO(mem) char *whole = given_document("annotation_331.xml"), *word = mem_printf("<polarisation>%s", polarisation);
    AUTO(mem) char *lines = given_changed(whole, "<numberOfLines>16854", "<numberOfLines>400");
    AUTO(mem) char *samples = given_changed(lines, "<numberOfSamples>25931", "<numberOfSamples>3000");
    AUTO(mem) char *pol = given_changed(samples, "<polarisation>VV", word);

    return given_changed(pol, "<productLastLineUtcTime>2021-01-19T03:17:18.797132", "<productLastLineUtcTime>2021-01-19T03:16:54.391175");
}

/* DN by a rule. */
typedef uint16_t safe_rule(int64_t line, int64_t pixel);

static inline void safe_write_tiff(const char *name, safe_rule *rule, const char *const *options)
{
    AUTO(mem) char *path = safe_path(name);
    AUTO(mem) uint16_t *dn = mem_array((size_t)LINES * SAMPLES, sizeof *dn);
    GDALDatasetH made;

    safe_write_text(name, ""); /* its folder */
    for (int64_t y = 0; y < LINES; y++)
        for (int64_t x = 0; x < SAMPLES; x++)
            dn[y * SAMPLES + x] = rule(y, x);
    made = GDALCreate(GDALGetDriverByName("GTiff"), path, SAMPLES, LINES, 1, GDT_UInt16, (char **)options);
    if (GDALRasterIO(GDALGetRasterBand(made, 1), GF_Write, 0, 0, SAMPLES, LINES, dn, SAMPLES, LINES, GDT_UInt16, 0, 0) != CE_None)
        abort();
    GDALClose(made);
}

/* "X.SAFE" with one image in the folder `root`; files are called `stem` and something, which ends with `end` ("", "-cog"). */
static inline void safe_make(const char *root, const char *stem, const char *end, safe_rule *rule, const char *const *options)
{
    static const char *const kinds[] = { "calibration", "noise" };
    AUTO(mem) char *manifest = given_document("manifest_331.safe"), *annotation = safe_annotation("VV");
    AUTO(mem) char *manifest_name = mem_printf("%s/manifest.safe", root);
    AUTO(mem) char *annotation_name = mem_printf("%s/annotation/%s.xml", root, stem);
    AUTO(mem) char *tiff_name = mem_printf("%s/measurement/%s%s.tiff", root, stem, end);

    safe_write_text(manifest_name, manifest);
    safe_write_text(annotation_name, annotation);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        AUTO(mem) char *name = mem_printf("%s/annotation/calibration/%s-%s.xml", root, kinds[i], stem);
        AUTO(mem) char *document = mem_printf("%s_331.xml", kinds[i]), *text = given_document(document);

        safe_write_text(name, text);
    }
    safe_write_tiff(tiff_name, rule, options);
}

static inline void safe_add_to_zip(struct archive *zip, const char *name, const char *bytes, size_t size)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (int64_t)size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    if (archive_write_header(zip, entry) != ARCHIVE_OK || archive_write_data(zip, bytes, size) != (la_ssize_t)size)
        abort();
    archive_entry_free(entry);
}

/* The files of a folder below safe_folder, and one more when `name` is not NULL. Packed or stored. */
static inline char *safe_zip(const char *root, const char *zip_name, const char *compression, const char *name, const char *text)
{
    AUTO(mem) char *folder = safe_path(root);
    char *path = safe_path(zip_name);
    AUTO(container) struct container *container = NULL;
    struct archive *zip = archive_write_new();
    struct err err = { 0 };

    archive_write_set_format_zip(zip);
    archive_write_set_format_option(zip, "zip", "compression", compression);
    if (archive_write_open_filename(zip, path) != ARCHIVE_OK || !container_open(folder, &container, &err))
        abort();
    for (size_t i = 0; i < container->n_files; i++) {
        AUTO(mem) char *inside = mem_printf("%s/%s", root, container->files[i]), *bytes = NULL;
        size_t size = 0;

        if (!container_read(container, container->files[i], 64 << 20, &bytes, &size, &err))
            abort();
        safe_add_to_zip(zip, inside, bytes, size);
    }
    if (name)
        safe_add_to_zip(zip, name, text, strlen(text));
    if (archive_write_close(zip) != ARCHIVE_OK)
        abort();
    archive_write_free(zip);
    return path;
}

#endif
