/* The manifest tells of mission, orbit and processor. The images are found among the files: each "measurement/X.tiff" has
 * "annotation/X.xml" and, in "annotation/calibration/", "calibration-X.xml" and "noise-X.xml". In products with
 * cloud-optimised measurements X ends with "-cog", with or without the other files doing so, too. */
#include "sar/product.h"
#include "base/instant.h"
#include "base/text.h"
#include "ingest/xml.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- the manifest ---- */

static bool refuse(const char *name, const char *what, struct err *err)
{
    return err_set(err, ERR_FileContentInvalid, "%s: %s", name, what);
}

/* Of the processor of this product, not of those that made its inputs: the first one below "processing". */
static int processor_version(xmlNode *root, struct arena *arena)
{
    xmlNode *software = xml_find(xml_find(root, "processing", NULL), "software", NULL);
    const char *name = xml_attribute(software, "name", arena), *version = xml_attribute(software, "version", arena);
    double number;

    if (!name || !strstr(name, "Sentinel-1 IPF") || !version || !text_to_number(version, &number) || number < 0 ||
        number > 99)
        return 0;
    return (int)(number * 100 + 0.5);
}

static bool read_whole(xmlNode *within, const char *name, double most, int64_t *ret_number)
{
    double number;

    if (!xml_number(within, name, &number) || number < 1 || number > most || number != (double)(int64_t)number)
        return false;
    *ret_number = (int64_t)number;
    return true;
}

static bool read_period(xmlNode *root, struct sar_product *p, struct arena *arena)
{
    xmlNode *period = xml_find(root, "acquisitionPeriod", NULL);
    const char *start = xml_text(period, "startTime", arena), *stop = xml_text(period, "stopTime", arena);

    return start && stop && instant_parse_utc_ns(start, &p->start_ns) && instant_parse_utc_ns(stop, &p->stop_ns) &&
           p->stop_ns > p->start_ns;
}

static bool read_platform(xmlNode *root, struct sar_product *p, struct arena *arena)
{
    xmlNode *platform = xml_find(root, "platform", NULL);
    const char *family = xml_text(platform, "familyName", arena), *number = xml_text(platform, "number", arena);

    if (!family || strcmp(family, "SENTINEL-1") || !number || !isupper((unsigned char)number[0]) || number[1])
        return false;
    snprintf(p->mission, sizeof p->mission, "S1%c", number[0]);
    return true;
}

static bool read_manifest(xmlNode *root, const char *name, struct sar_product *p, struct arena *arena, struct err *err)
{
    xmlNode *orbit = xml_find(root, "orbitReference", NULL);
    const char *type = xml_text(root, "productType", arena), *pass = xml_text(orbit, "pass", arena);
    const char *mode = xml_text(xml_find(root, "instrumentMode", NULL), "mode", arena);

    if (!type || strcmp(type, "GRD"))
        return err_set(err, ERR_FileContentInvalid, "%s: the product is of type %.20s, expected GRD", name,
                       type ? type : "unknown");
    if (!read_platform(root, p, arena))
        return refuse(name, "the platform is no Sentinel-1 of one letter", err);
    if (!mode || strlen(mode) >= sizeof p->mode)
        return refuse(name, "has no mode of the instrument", err);
    strcpy(p->mode, mode);
    if (!pass || (strcmp(pass, "ASCENDING") && strcmp(pass, "DESCENDING")))
        return refuse(name, "has no pass, expected ASCENDING or DESCENDING", err);
    p->ascending = pass[0] == 'A';
    if (!read_whole(orbit, "orbitNumber", 1e6, &p->absolute_orbit))
        return refuse(name, "has no orbitNumber, expected a whole number from 1", err);
    if (!read_whole(orbit, "relativeOrbitNumber", 175, &p->relative_orbit))
        return refuse(name, "has no relativeOrbitNumber, expected a whole number from 1 to 175", err);
    if (!read_period(root, p, arena))
        return refuse(name, "has no acquisitionPeriod with a start and a later end", err);
    p->ipf = processor_version(root, arena);
    return true;
}

bool sar_manifest_read(const char *bytes, size_t size, const char *name, struct sar_product *product, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(xmlDocPtr) xmlDocPtr doc = NULL;

    return xml_parse(bytes, size, name, &doc, err) &&
           read_manifest(xmlDocGetRootElement(doc), name, product, arena, err);
}

/* ---- the files ---- */

/* "s1a-iw-grd-vv-20210119t031653-...": the polarisation is the fourth part. */
static bool polarisation_of(const char *base, char ret_pol[static 4])
{
    char two[3];

    if (sscanf(base, "s1%*[a-z]-%*[^-]-grd-%2[a-z]-", two) != 1 || !strchr("vh", two[0]) || !strchr("vh", two[1]) || !two[1])
        return false;
    snprintf(ret_pol, 4, "%c%c", toupper((unsigned char)two[0]), toupper((unsigned char)two[1]));
    return true;
}

/* "ROOT FOLDER PREFIX stem .xml", the stem as it is or without "-cog"; NULL when neither lies there. */
static const char *partner(const struct sar_product *p, const char *root, const char *before, const char *stem)
{
    const char *same = arena_printf(p->arena, "%s%s%s.xml", root, before, stem), *bare;

    if (container_has(p->container, same))
        return same;
    if (!text_ends(stem, "-cog"))
        return NULL;
    bare = arena_printf(p->arena, "%s%s%.*s.xml", root, before, (int)(strlen(stem) - 4), stem);
    return container_has(p->container, bare) ? bare : NULL;
}

static bool add_image(struct sar_product *p, size_t *capacity, const char *root, const char *file, struct err *err)
{
    const char *base = strrchr(file, '/') + 1;
    const char *stem = arena_printf(p->arena, "%.*s", (int)(strrchr(base, '.') - base), base);
    struct sar_image image = { .measurement = file };

    if (!polarisation_of(base, image.polarisation))
        return true; /* no measurement of a GRD */
    if (sar_product_image(p, image.polarisation))
        return err_set(err, ERR_FileContentInvalid, "%s: holds two measurements of %s, '%s' is the second",
                       p->container->path, image.polarisation, file);
    image.annotation = partner(p, root, "annotation/", stem);
    if (!image.annotation)
        return err_set(err, ERR_FileContentInvalid, "%s: '%s' has no annotation, expected '%sannotation/%s.xml'",
                       p->container->path, file, root, stem);
    image.calibration = partner(p, root, "annotation/calibration/calibration-", stem);
    image.noise = partner(p, root, "annotation/calibration/noise-", stem);
    p->images = mem_grow(p->images, capacity, p->n_images + 1, sizeof *p->images);
    p->images[p->n_images++] = image;
    return true;
}

static int by_polarisation(const void *a, const void *b)
{
    return strcmp(((const struct sar_image *)a)->polarisation, ((const struct sar_image *)b)->polarisation);
}

static bool find_images(struct sar_product *p, const char *root, struct err *err)
{
    const char *folder = arena_printf(p->arena, "%smeasurement/", root);
    size_t capacity = 0;

    for (size_t i = 0; i < p->container->n_files; i++) {
        const char *file = p->container->files[i];

        if (text_begins(file, folder) && !strchr(file + strlen(folder), '/') &&
            (text_ends(file, ".tiff") || text_ends(file, ".tif")) && !add_image(p, &capacity, root, file, err))
            return false;
    }
    if (p->n_images == 0)
        return err_set(err, ERR_FileContentInvalid, "%s: holds no measurement in '%s'", p->container->path, folder);
    qsort(p->images, p->n_images, sizeof *p->images, by_polarisation);
    return true;
}

/* The only "manifest.safe", at the top or one folder below. */
static bool find_manifest(const struct container *container, const char **ret_manifest, struct err *err)
{
    const char *found = NULL;

    for (size_t i = 0; i < container->n_files; i++) {
        const char *file = container->files[i], *slash = strchr(file, '/');

        if (strcmp(slash ? slash + 1 : file, "manifest.safe"))
            continue;
        if (found)
            return err_set(err, ERR_FileContentInvalid, "%s: holds several products: '%s' and '%s'", container->path,
                           found, file);
        found = file;
    }
    *ret_manifest = found;
    return found || err_set(err, ERR_FileContentInvalid, "%s: holds no 'manifest.safe', which a SAFE product has",
                            container->path);
}

/* The folder that holds the manifest is called after the product: "X.SAFE/manifest.safe", or the container itself is. */
static const char *id_of(const struct sar_product *p, const char *root)
{
    const char *name = *root ? root : strrchr(p->container->path, '/') + 1;
    size_t length = strcspn(name, "/.");

    return arena_printf(p->arena, "%.*s", (int)length, name);
}

static bool open_container(struct sar_product *p, const char *path, struct err *err)
{
    AUTO(mem) char *bytes = NULL;
    const char *manifest = NULL, *root;
    size_t size = 0;

    if (!container_open(path, &p->container, err) || !find_manifest(p->container, &manifest, err) ||
        !container_read(p->container, manifest, XML_MAX_BYTES, &bytes, &size, err))
        return false;
    root = arena_printf(p->arena, "%.*s", (int)(strlen(manifest) - strlen("manifest.safe")), manifest);
    p->id = id_of(p, root);
    if (!text_is_plain_name(p->id, 100))
        return err_set(err, ERR_FileContentInvalid, "%s: '%.100s' is no name of a product", path, p->id);
    return sar_manifest_read(bytes, size, manifest, p, err) && find_images(p, root, err);
}

bool sar_product_open(const char *path, struct sar_product **ret_product, struct err *err)
{
    AUTO(sar_product) struct sar_product *p = MEM_NEW(struct sar_product);

    p->arena = arena_new();
    if (!open_container(p, path, err))
        return false;
    *ret_product = p;
    p = NULL;
    return true;
}

void sar_product_free(struct sar_product *product)
{
    if (!product)
        return;
    container_free(product->container);
    arena_free(product->arena);
    free(product->images);
    free(product);
}

const struct sar_image *sar_product_image(const struct sar_product *product, const char *polarisation)
{
    for (size_t i = 0; i < product->n_images; i++)
        if (!strcasecmp(product->images[i].polarisation, polarisation))
            return &product->images[i];
    return NULL;
}

/* ---- what belongs to an image ---- */

static bool read_document(const struct sar_product *p, const struct sar_image *image, const char *what, const char *file,
                          char **ret_bytes, size_t *ret_size, struct err *err)
{
    if (!file)
        return err_set(err, ERR_FileNotFound, "%s: has no %s of %s", p->id, what, image->polarisation);
    return container_read(p->container, file, XML_MAX_BYTES, ret_bytes, ret_size, err);
}

/* A name that was given to another image's content is noticed. */
static bool is_of_image(const struct sar_image *image, const char *polarisation, const char *file, struct err *err)
{
    return !strcmp(image->polarisation, polarisation) ||
           err_set(err, ERR_FileContentInvalid, "%s: is of %s, expected %s", file, polarisation, image->polarisation);
}

bool sar_image_annotation(const struct sar_product *p, const struct sar_image *image, struct arena *arena,
                          struct sar_annotation *ret_annotation, struct err *err)
{
    AUTO(mem) char *bytes = NULL;
    size_t size = 0;

    if (!read_document(p, image, "annotation", image->annotation, &bytes, &size, err) ||
        !sar_annotation_read(bytes, size, image->annotation, arena, ret_annotation, err) ||
        !is_of_image(image, ret_annotation->polarisation, image->annotation, err))
        return false;
    if (strcmp(ret_annotation->mission, p->mission) || ret_annotation->absolute_orbit != p->absolute_orbit)
        return err_set(err, ERR_FileContentInvalid, "%s: is of %s, orbit %lld, but the product is of %s, orbit %lld",
                       image->annotation, ret_annotation->mission, (long long)ret_annotation->absolute_orbit, p->mission,
                       (long long)p->absolute_orbit);
    return !strcmp(ret_annotation->product_type, "GRD") ||
           err_set(err, ERR_FileContentInvalid, "%s: is of type %s, expected GRD", image->annotation,
                   ret_annotation->product_type);
}

bool sar_image_calibration(const struct sar_product *p, const struct sar_image *image, struct arena *arena,
                           struct sar_calibration *ret_calibration, struct err *err)
{
    AUTO(mem) char *bytes = NULL;
    size_t size = 0;

    return read_document(p, image, "calibration", image->calibration, &bytes, &size, err) &&
           sar_calibration_read(bytes, size, image->calibration, arena, ret_calibration, err) &&
           is_of_image(image, ret_calibration->polarisation, image->calibration, err);
}

bool sar_image_noise(const struct sar_product *p, const struct sar_image *image, struct arena *arena,
                     struct sar_noise *ret_noise, struct err *err)
{
    AUTO(mem) char *bytes = NULL;
    size_t size = 0;

    return read_document(p, image, "noise", image->noise, &bytes, &size, err) &&
           sar_noise_read(bytes, size, image->noise, arena, ret_noise, err) &&
           is_of_image(image, ret_noise->polarisation, image->noise, err);
}

const char *sar_image_noise_obstacle(const struct sar_product *p, const struct sar_image *image)
{
    if (!image->noise)
        return "the product has no noise file";
    if (p->ipf == 0)
        return "the product does not tell the version of its processor";
    return p->ipf < SAR_NOISE_SINCE ? "noise vectors of processors before 2.50 are in another scale" : NULL;
}
