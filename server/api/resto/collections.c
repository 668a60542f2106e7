/* Which of our collections a collection of resto stands for, and its OpenSearch description. */
#include "api/common/build.h"
#include "api/resto/resto.h"
#include "base/text.h"
#include "store/collections.h"
#include <fnmatch.h>
#include <string.h>

enum { MANY = 100000 };

const char *resto_named(struct arena *arena, const char *setting, const char *name)
{
    char *rest = arena_text(arena, setting), *entry;
    size_t length = strlen(name);

    while ((entry = strsep(&rest, " ")))
        if (!strncmp(entry, name, length) && entry[length] == '=')
            return entry + length + 1;
    return NULL;
}

/* A pattern that begins with ! takes away what others took in. */
static bool matches(const char *patterns, const char *id)
{
    bool in = false;

    while (*patterns) {
        size_t length = strcspn(patterns, ",");
        AUTO(mem) char *pattern = mem_textn(patterns, length);

        if (*pattern == '!' && fnmatch(pattern + 1, id, 0) == 0)
            return false;
        in |= *pattern != '!' && fnmatch(pattern, id, 0) == 0;
        patterns += length + (patterns[length] == ',');
    }
    return in;
}

bool resto_collections(struct request *rq, const char *name, const char *const **ret_ids, size_t *ret_count,
                       struct err *err)
{
    const char *patterns = resto_named(rq->arena, rq->config->resto_collections, name), **ids; /* "S1=a-*,!*b S2=c" */
    struct collection_row *rows;
    size_t count, n = 0;

    if (!patterns)
        return err_set(err, ERR_CollectionNotFound, "There is no collection '%.60s'.", name);
    if (!collection_list(rq->db, rq->arena, rq->user ? rq->user->id : NULL, NULL, MANY, &rows, &count, err))
        return false;
    ids = arena_array(rq->arena, count + 1, sizeof *ids);
    for (size_t i = 0; i < count; i++)
        if (matches(patterns, rows[i].id))
            ids[n++] = rows[i].id;
    *ret_ids = ids;
    *ret_count = n;
    return true;
}

static const struct {
    const char *name, *element, *title;
} described[] = {
    { "q", "searchTerms?", "Words in the texts of products" },
    { "maxRecords", "count?", "Features in a page, at most 500" },
    { "index", "startIndex?", "Number of the first feature" },
    { "page", "startPage?", "Number of the page, from 1" },
    { "lang", "language?", "Is taken and has no effect" },
    { "startDate", "time:start?", "Beginning, RFC 3339 or YYYY-MM-DD" },
    { "completionDate", "time:end?", "End, RFC 3339 or YYYY-MM-DD (midnight)" },
    { "box", "geo:box?", "lonmin,latmin,lonmax,latmax" },
    { "geometry", "geo:geometry?", "WKT" },
    { "lon", "geo:lon?", "Longitude of a point" },
    { "lat", "geo:lat?", "Latitude of a point" },
    { "radius", "geo:radius?", "Metres around the point" },
    { "productIdentifier", "eo:productIdentifier?", "Name of a product; % stands for anything" },
    { "productType", "eo:productType?", "GRD, SLC, OCN, S2MSI1C, S2MSI2A ..." },
    { "processingLevel", "eo:processingLevel?", "LEVEL1C, LEVEL2A ..." },
    { "platform", "eo:platform?", "S1A, S2B ..." },
    { "instrument", "eo:instrument?", "MSI, SAR-C ..." },
    { "sensorMode", "eo:sensorMode?", "IW, EW, SM, WV, INS-NOBS ..." },
    { "polarisation", "eo:polarisation?", "VV, VV VH ..." },
    { "orbitNumber", "eo:orbitNumber?", "Absolute orbit" },
    { "relativeOrbitNumber", "eo:relativeOrbitNumber?", "Relative orbit" },
    { "orbitDirection", "eo:orbitDirection?", "ascending or descending" },
    { "resolution", "eo:resolution?", "Metres" },
    { "cloudCover", "eo:cloudCover?", "Per cent: 10, [0,20], [0,20[ ..." },
    { "snowCover", "eo:snowCover?", "Per cent, as cloudCover" },
    { "tileid", "eo:tileid?", "MGRS tile, 31TCJ" },
};

static void add_url(struct text *xml, struct request *rq, const char *name)
{
    text_add(xml, "  <Url type=\"application/json\" rel=\"results\" template=\"");
    text_add_html(xml, href_of(rq, RESTO_ROOT "/api/collections/%s/search.json?", name));
    for (size_t i = 0; i < ARRAY_LEN(described); i++)
        text_printf(xml, "%s%s={%s}", i ? "&amp;" : "", described[i].name, described[i].element);
    text_add(xml, "\">\n");
    for (size_t i = 0; i < ARRAY_LEN(described); i++) {
        text_printf(xml, "    <parameters:Parameter name=\"%s\" value=\"{%.*s}\" minimum=\"0\" title=\"",
                    described[i].name, (int)strlen(described[i].element) - 1, described[i].element);
        text_add_html(xml, described[i].title);
        text_add(xml, "\"/>\n");
    }
    text_add(xml, "  </Url>\n");
}

bool resto_describe_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *name = request_variable(rq, "collection");
    const char *const *unused;
    struct text xml = { 0 };
    size_t count, size;

    if (!resto_collections(rq, name, &unused, &count, err))
        return false;
    text_add(&xml,
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
             "<OpenSearchDescription xmlns=\"http://a9.com/-/spec/opensearch/1.1/\""
             " xmlns:time=\"http://a9.com/-/opensearch/extensions/time/1.0/\""
             " xmlns:geo=\"http://a9.com/-/opensearch/extensions/geo/1.0/\""
             " xmlns:eo=\"http://a9.com/-/opensearch/extensions/eo/1.0/\""
             " xmlns:parameters=\"http://a9.com/-/spec/opensearch/extensions/parameters/1.0/\">\n");
    text_printf(&xml, "  <ShortName>%s</ShortName>\n  <Description>Products of %s</Description>\n", name,
                name);
    text_add(&xml, "  <InputEncoding>UTF-8</InputEncoding>\n  <OutputEncoding>UTF-8</OutputEncoding>\n");
    add_url(&xml, rq, name);
    text_add(&xml, "</OpenSearchDescription>\n");
    size = xml.length;
    return reply_bytes(reply, 200, text_take(&xml), size, "application/opensearchdescription+xml");
}
