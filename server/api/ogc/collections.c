/* Collections of outputs: the list, and one of them with what can be asked of it. */
#include "api/ogc/collections.h"
#include "api/common/build.h"
#include "api/ogc/html.h"
#include <math.h>

#define CRS84 "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

static json_t *links_of(struct request *rq, const struct virtual_collection *row)
{
    json_t *links = json_array();

    ogc_link_both(rq, links, href_of(rq, OGC_ROOT "/collections/%s", row->id), row->title);
    if (*row->job)
        link_add(links, "monitor", href_of(rq, OGC_ROOT "/jobs/%s", row->job), "application/json", "The job that makes it");
    return links;
}

json_t *ogc_collection_summary(struct request *rq, const struct virtual_collection *row)
{
    json_t *body = json_pack("{s:s, s:s, s:s, s:o}", "id", row->id, "title", row->title, "description",
                             *row->job ? "The output of a job." : "Computed for the area and the size that are asked for.", "links",
                             links_of(rq, row));

    put_instant(body, "created", row->created);
    return body;
}

/* ---- a coverage ---- */

static const char *definition_of(enum pixel pixel)
{
    static const char *const names[] = { [PIXEL_U8] = "unsignedByte", [PIXEL_I8] = "signedByte", [PIXEL_U16] = "unsignedShort",
                                         [PIXEL_I16] = "signedShort", [PIXEL_U32] = "unsignedInt", [PIXEL_I32] = "signedInt",
                                         [PIXEL_F32] = "float32", [PIXEL_F64] = "float64", [PIXEL_BOOL] = "unsignedByte" };

    return names[pixel];
}

static json_t *range_type(struct request *rq, const struct ogc_coverage *coverage)
{
    json_t *fields = json_array();

    for (size_t i = 0; i < coverage->n_bands; i++)
        json_array_append_new(fields, json_pack("{s:s, s:s, s:s}", "type", "Quantity", "name", coverage->bands[i], "definition",
                                                arena_printf(rq->arena, "ogcType:%s", definition_of(coverage->pixel))));
    return json_pack("{s:s, s:o}", "type", "DataRecord", "field", fields);
}

static json_t *axis(const char *label, double least, double most, double resolution)
{
    return json_pack("{s:s, s:s, s:f, s:f, s:s, s:f}", "type", "RegularAxis", "axisLabel", label, "lowerBound", least, "upperBound",
                     most, "uomLabel", "deg", "resolution", resolution);
}

static void add_coverage(struct request *rq, const struct virtual_collection *row, const struct ogc_coverage *c, json_t *body)
{
    json_t *links = json_object_get(body, "links");
    double dx = (c->bbox[2] - c->bbox[0]) / (double)c->grid.width, dy = (c->bbox[3] - c->bbox[1]) / (double)c->grid.height;

    json_object_set_new(body, "extent",
                        json_pack("{s:{s:[[f, f, f, f]], s:s, s:[{s:I, s:f}, {s:I, s:f}]}}", "spatial", "bbox", c->bbox[0], c->bbox[1],
                                  c->bbox[2], c->bbox[3], "crs", CRS84, "grid", "cellsCount", (json_int_t)c->grid.width, "resolution", dx,
                                  "cellsCount", (json_int_t)c->grid.height, "resolution", dy));
    json_object_set_new(body, "crs", json_pack("[s, s]", CRS84, arena_printf(rq->arena, "http://www.opengis.net/def/crs/EPSG/0/%d", c->grid.epsg)));
    json_object_set_new(body, "storageCrs", json_string(CRS84));
    json_object_set_new(body, "dataType", json_string("coverage"));
    /* 0.28 mm are a pixel, 111319.49 m a degree */
    json_object_set_new(body, "scaleDenominator", json_real(fmin(dx, dy) * 6378137 * M_PI / 180 / 0.28e-3));
    json_object_set_new(body, "rangeType", range_type(rq, c));
    json_object_set_new(body, "domainSet",
                        json_pack("{s:s, s:{s:s, s:s, s:[s, s], s:[o, o]}}", "type", "DomainSet", "generalGrid", "type",
                                  "GeneralGridCoverage", "srsName", CRS84, "axisLabels", "Lon", "Lat", "axis",
                                  axis("Lon", c->bbox[0], c->bbox[2], dx), axis("Lat", c->bbox[1], c->bbox[3], dy)));
    link_add(links, OGC_REL "coverage", href_of(rq, OGC_ROOT "/collections/%s/coverage", row->id), "image/tiff; application=geotiff",
             "Values of an area");
    if (c->n_bands <= 4)
        link_add(links, OGC_REL "map", href_of(rq, OGC_ROOT "/collections/%s/map", row->id), "image/png", "A picture of an area");
}

/* ---- handlers ---- */

/* GET /ogc/collections/{collectionId}, and POST, which GDAL repeats where it is sent by 303 */
bool ogc_collection_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(ogc_collection) struct ogc_collection c = { 0 };
    struct ogc_coverage coverage;
    json_t *body;
    bool waits;

    if (!OGC_QUERY(rq, err) || !ogc_collection_open(rq, reply, &c, &waits, err))
        return false;
    if (waits)
        return true;
    if (c.graph && !ogc_collection_survey(rq, &c, &coverage, err))
        return false;
    body = ogc_collection_summary(rq, &c.row);
    if (c.graph)
        add_coverage(rq, &c.row, &coverage, body);
    if (!c.graph) {
        json_object_set_new(body, "itemType", json_string("feature"));
        json_object_set_new(body, "extent", json_pack("{s:{s:[[i, i, i, i]], s:s}}", "spatial", "bbox", -180, -90, 180, 90, "crs", CRS84));
        json_object_set_new(body, "crs", json_pack("[s]", CRS84));
    }
    if (c.features)
        link_add(json_object_get(body, "links"), "items", href_of(rq, OGC_ROOT "/collections/%s/items", c.row.id), "application/geo+json",
                 "Features");
    return ogc_answer(rq, reply, 200, body, html_ogc_collection, err);
}

/* GET /ogc/collections */
bool ogc_collections_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct virtual_collection *rows;
    json_t *list, *links;
    int64_t limit;
    size_t count;

    if (!OGC_QUERY(rq, err, "limit", "after") || !request_query_integer(rq, "limit", 1, 10000, 100, &limit, err))
        return false;
    rows = arena_array(rq->arena, (size_t)limit + 1, sizeof *rows);
    if (!virtual_collection_list(rq->db, rq->arena, rq->user->id, request_query(rq, "after"), limit + 1, rows, &count, err))
        return false;
    list = json_array();
    links = json_array();
    for (size_t i = 0; i < count && i < (size_t)limit; i++)
        json_array_append_new(list, ogc_collection_summary(rq, &rows[i]));
    ogc_link_both(rq, links, href_with(rq, "f", NULL), "This document");
    if (count > (size_t)limit)
        link_add(links, "next", href_with(rq, "after", rows[limit - 1].id), "application/json", "Next page");
    return ogc_answer(rq, reply, 200, json_pack("{s:o, s:o}", "collections", list, "links", links), html_ogc_collections, err);
}

/* DELETE /ogc/collections/{collectionId} */
bool ogc_collection_delete(struct request *rq, struct reply *reply, struct err *err)
{
    return OGC_QUERY(rq, err) && virtual_collection_delete(rq->db, rq->user->id, request_variable(rq, "collectionId"), err) &&
           reply_empty(reply, 204);
}
