/* WMTS 1.0.0 over the tiles of a service: capabilities and tiles, by query (KVP) and by path. Names of query
 * parameters are compared without regard to case, as OGC wants; what is wrong with them is an ExceptionReport. */
#include "api/common/build.h"
#include "api/openeo/openeo.h"
#include "api/openeo/services.h"
#include "base/text.h"
#include <string.h>
#include <strings.h>

#define MATRIX_SET "WebMercatorQuad"
#define PIXEL_M 0.00028 /* what OGC takes a pixel of a screen for */

/* ---- capabilities ---- */

static void add_operation(struct text *xml, const char *name, const char *href, const char *key)
{
    text_printf(xml, "    <ows:Operation name=\"%s\"><ows:DCP><ows:HTTP><ows:Get xlink:href=\"", name);
    text_add_html(xml, href);
    text_printf(xml, "%s%s\"><ows:Constraint name=\"GetEncoding\"><ows:AllowedValues><ows:Value>KVP</ows:Value>"
                  "</ows:AllowedValues></ows:Constraint></ows:Get></ows:HTTP></ows:DCP></ows:Operation>\n",
                *key ? key : "?", *key ? "&amp;" : "");
}

static void add_service(struct text *xml, struct request *rq, const struct service *service)
{
    const char *href = href_of(rq, "/wmts/%s", service->id);

    text_add(xml, "  <ows:ServiceIdentification>\n    <ows:Title>");
    text_add_html(xml, service->title && *service->title ? service->title : "Web service");
    text_add(xml, "</ows:Title>\n    <ows:ServiceType>OGC WMTS</ows:ServiceType>\n"
                  "    <ows:ServiceTypeVersion>1.0.0</ows:ServiceTypeVersion>\n  </ows:ServiceIdentification>\n"
                  "  <ows:OperationsMetadata>\n");
    add_operation(xml, "GetCapabilities", href, service_key_query(rq, service));
    add_operation(xml, "GetTile", href, service_key_query(rq, service));
    text_add(xml, "  </ows:OperationsMetadata>\n");
}

static void add_layer(struct text *xml, struct request *rq, const struct service *service)
{
    text_add(xml, "    <Layer>\n      <ows:Title>");
    text_add_html(xml, service->title && *service->title ? service->title : "Result");
    text_add(xml, "</ows:Title>\n      <ows:Abstract>");
    text_add_html(xml, service->description ? service->description : "");
    text_printf(xml,
                "</ows:Abstract>\n      <ows:WGS84BoundingBox><ows:LowerCorner>-180 -85.0511287798066</ows:LowerCorner>"
                "<ows:UpperCorner>180 85.0511287798066</ows:UpperCorner></ows:WGS84BoundingBox>\n"
                "      <ows:Identifier>result</ows:Identifier>\n"
                "      <Style isDefault=\"true\"><ows:Identifier>default</ows:Identifier></Style>\n"
                "      <Format>image/png</Format>\n"
                "      <TileMatrixSetLink><TileMatrixSet>" MATRIX_SET "</TileMatrixSet></TileMatrixSetLink>\n"
                "      <ResourceURL format=\"image/png\" resourceType=\"tile\" template=\"");
    text_add_html(xml, href_of(rq, "/wmts/%s/{TileMatrix}/{TileCol}/{TileRow}.png%s", service->id,
                               service_key_query(rq, service)));
    text_add(xml, "\"/>\n    </Layer>\n");
}

static void add_matrices(struct text *xml)
{
    text_add(xml, "    <TileMatrixSet>\n      <ows:Identifier>" MATRIX_SET "</ows:Identifier>\n"
                  "      <ows:SupportedCRS>urn:ogc:def:crs:EPSG::3857</ows:SupportedCRS>\n"
                  "      <WellKnownScaleSet>urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible</WellKnownScaleSet>\n");
    for (int z = 0; z < TILE_ZOOMS; z++) {
        struct grid grid = service_tile_grid(&(struct tile){ z, 0, 0 });

        text_printf(xml,
                    "      <TileMatrix><ows:Identifier>%d</ows:Identifier><ScaleDenominator>%.15g</ScaleDenominator>"
                    "<TopLeftCorner>%.9f %.9f</TopLeftCorner><TileWidth>256</TileWidth><TileHeight>256</TileHeight>"
                    "<MatrixWidth>%lld</MatrixWidth><MatrixHeight>%lld</MatrixHeight></TileMatrix>\n",
                    z, grid.dx / PIXEL_M, grid.x0, grid.y0, 1LL << z, 1LL << z);
    }
    text_add(xml, "    </TileMatrixSet>\n");
}

static bool reply_capabilities(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(service) struct service service = { 0 };
    struct text xml = { 0 };
    size_t size;

    if (!service_visit(rq, "wmts", &service, err))
        return false;
    text_add(&xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                   "<Capabilities xmlns=\"http://www.opengis.net/wmts/1.0\" xmlns:ows=\"http://www.opengis.net/ows/1.1\""
                   " xmlns:xlink=\"http://www.w3.org/1999/xlink\" version=\"1.0.0\">\n");
    add_service(&xml, rq, &service);
    text_add(&xml, "  <Contents>\n");
    add_layer(&xml, rq, &service);
    add_matrices(&xml);
    text_add(&xml, "  </Contents>\n  <ServiceMetadataURL xlink:href=\"");
    text_add_html(&xml, href_of(rq, "/wmts/%s/1.0.0/WMTSCapabilities.xml%s", service.id, service_key_query(rq, &service)));
    text_add(&xml, "\"/>\n</Capabilities>\n");
    size = xml.length;
    return reply_bytes(reply, 200, text_take(&xml), size, "application/xml");
}

/* GET /wmts/{service_id}/1.0.0/WMTSCapabilities.xml */
bool openeo_wmts_capabilities_get(struct request *rq, struct reply *reply, struct err *err)
{
    return reply_capabilities(rq, reply, err);
}

/* GET /wmts/{service_id}/{z}/{x}/{file} */
bool openeo_wmts_tile_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct tile tile;

    return service_path_tile(rq, &tile, err) && service_tile_reply(rq, reply, "wmts", &tile, err);
}

/* ---- by query ---- */

static const char *parameter(const struct request *rq, const char *name)
{
    const char *key, *value;

    for (size_t i = 0; request_query_at(rq, i, &key, &value); i++)
        if (!strcasecmp(key, name))
            return value ? value : "";
    return NULL;
}

static bool reply_exception(struct reply *reply, const char *code, const char *locator, const char *text)
{
    struct text xml = { 0 };
    size_t size;

    text_printf(&xml,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<ExceptionReport xmlns=\"http://www.opengis.net/ows/1.1\" version=\"1.1.0\">"
                "<Exception exceptionCode=\"%s\" locator=\"%s\"><ExceptionText>", code, locator);
    text_add_html(&xml, text);
    text_add(&xml, "</ExceptionText></Exception></ExceptionReport>\n");
    size = xml.length;
    return reply_bytes(reply, 400, text_take(&xml), size, "application/xml");
}

/* What a tile must be asked for by; NULL: any value. */
static const struct {
    const char *name, *value;
} wanted[] = {
    { "version", "1.0.0" },  { "layer", "result" },           { "style", "default" },
    { "format", "image/png" }, { "tilematrixset", MATRIX_SET }, { "tilematrix", NULL },
    { "tilerow", NULL },     { "tilecol", NULL },
};

static bool reply_tile(struct request *rq, struct reply *reply, struct err *err)
{
    struct tile tile;

    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        const char *value = parameter(rq, wanted[i].name);

        if (!value)
            return reply_exception(reply, "MissingParameterValue", wanted[i].name, "The parameter is missing.");
        if (wanted[i].value && *value && strcmp(value, wanted[i].value))
            return reply_exception(reply, "InvalidParameterValue", wanted[i].name,
                                   arena_printf(rq->arena, "There is only '%s'.", wanted[i].value));
    }
    if (!service_tile_read(parameter(rq, "tilematrix"), parameter(rq, "tilecol"), parameter(rq, "tilerow"), &tile,
                           err)) {
        const char *message = arena_text(rq->arena, err->message);

        err_clear(err);
        return reply_exception(reply, "TileOutOfRange", "tilematrix", message);
    }
    return service_tile_reply(rq, reply, "wmts", &tile, err);
}

/* GET /wmts/{service_id} */
bool openeo_wmts_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *request = parameter(rq, "request"), *service = parameter(rq, "service");

    if (service && strcasecmp(service, "wmts"))
        return reply_exception(reply, "InvalidParameterValue", "service", "There is only WMTS.");
    if (!request || !strcasecmp(request, "GetCapabilities"))
        return reply_capabilities(rq, reply, err);
    if (!strcasecmp(request, "GetTile"))
        return reply_tile(rq, reply, err);
    return reply_exception(reply, "OperationNotSupported", "request", "There are GetCapabilities and GetTile.");
}
