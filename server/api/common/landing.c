/* The home page and the API documents. The page is one self-contained piece of HTML that works
 * without scripts; programs that ask for JSON get the same links. */
#include "api/common/landing.h"
#include "api/common/apidoc.h"
#include "api/common/build.h"
#include "api/common/documents.h"
#include "api/common/page.h"
#include "api/ogc/openapi.h"
#include "base/text.h"
#include "config.h"
#include "json/js.h"
#include <string.h>

#define OPENAPI_MEDIA "application/vnd.oai.openapi+json;version=3.0"

/* What the home page leads to. */
static const struct door { const char *title, *path, *what, *rel, *media; } doors[] = {
    { "STAC API", "/stac", "Search the catalogue: collections and scenes by place, time and property.",
      "data", "application/json" },
    { "openEO", "/openeo/1.2", "Describe a computation as a process graph and run it next to the data.",
      "service", "application/json" },
    { "OGC API - Processes", "/ogc", "Ready-made processings with a few inputs each.", "service",
      "application/json" },
    { "Your jobs", "/ui", "Log in, run a composite, watch its progress, download the result.", "about",
      "text/html" },
    { "API keys", "/api/keys", "Make a key for a program, and take it back.", "about", "text/html" },
    { "API documents", "/api", "Every address, described in OpenAPI.", "service-desc",
      "application/json" },
};

static const char page_head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>Sentier</title>\n<style>\n"
    ":root{--ink:#15202b;--soft:#51606f;--line:#d9e0e6;--paper:#fbfcfd;--card:#fff;--accent:#0b6e4f}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8edf2;--soft:#9fb0c0;--line:#2a3743;"
    "--paper:#0f161c;--card:#17212a;--accent:#5fd0a5}}\n"
    "*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);"
    "font:17px/1.55 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}\n"
    "header{padding:4.5rem 0 3rem;background:linear-gradient(135deg,#0b3d2e,#0b6e4f 55%,#c9a227);"
    "color:#fff}\nmain,header div{max-width:58rem;margin:0 auto;padding:0 1.5rem}"
    "main{padding-top:2rem;padding-bottom:4rem}\n"
    "h1{margin:0;font-size:2.8rem;letter-spacing:-.02em}header p{margin:.4rem 0 0;max-width:40rem;"
    "font-size:1.15rem;opacity:.93}\n"
    ".doors{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:1rem;"
    "margin:0;padding:0;list-style:none}\n"
    ".doors a{display:block;height:100%;padding:1.2rem 1.3rem;border:1px solid var(--line);"
    "border-radius:.7rem;background:var(--card);color:inherit;text-decoration:none}\n"
    ".doors a:hover,.doors a:focus-visible{border-color:var(--accent)}.doors b{color:var(--accent)}\n"
    ".doors span{display:block;color:var(--soft);font-size:.95rem;margin-top:.2rem}\n"
    "h2{margin:2.6rem 0 .8rem;font-size:1.3rem}pre{overflow:auto;padding:1rem 1.2rem;"
    "border:1px solid var(--line);border-radius:.7rem;background:var(--card);font-size:.9rem}\n"
    "footer{color:var(--soft);font-size:.9rem;margin-top:3rem}a{color:var(--accent)}\n"
    "</style>\n</head>\n<body>\n";

static void add_page(struct request *rq, struct text *page)
{
    AUTO(text) struct text base = { 0 };

    text_add_html(&base, rq->base_url);
    text_add(page, page_head);
    text_add(page, "<header><div><h1>Sentier</h1>\n<p>Earth-observation processing: find Sentinel "
                   "scenes, compute with them where they lie, and take home cloud-optimised "
                   "results.</p></div></header>\n<main>\n<ul class=\"doors\">\n");
    for (size_t i = 0; i < ARRAY_LEN(doors); i++)
        text_printf(page, "<li><a href=\"%s%s\"><b>%s</b><span>%s</span></a></li>\n", base.data,
                    doors[i].path, doors[i].title, doors[i].what);
    text_printf(page,
                "</ul>\n<h2>First steps</h2>\n<p>With the openEO client for Python "
                "(<code>pip install openeo</code>):</p>\n<pre>import openeo\n\n"
                "connection = openeo.connect(\"%s\")\n"
                "connection.authenticate_basic(\"NAME\", \"PASSWORD\")\n"
                "cube = connection.load_collection(\"sentinel-2-l2a\", bands=[\"B04\", \"B08\"],\n"
                "                                  temporal_extent=[\"2023-08-01\", \"2023-09-01\"])\n"
                "cube.ndvi(nir=\"B08\", red=\"B04\").max_time().download(\"ndvi.tif\")</pre>\n"
                "<p>With nothing but curl:</p>\n<pre>curl -u NAME:PASSWORD \\\n"
                "  -H 'Content-Type: application/json' -H 'Prefer: respond-async' \\\n"
                "  -d '{\"inputs\": {\"datetime\": [\"2023-08-01\", \"2023-09-01\"]}}' \\\n"
                "  %s/ogc/processes/ndvi-composite/execution</pre>\n",
                base.data, base.data);
    text_add(page, "<footer>Sentier " PACKAGE_VERSION "</footer>\n</main>\n</body>\n</html>\n");
}

static json_t *landing_json(struct request *rq)
{
    json_t *links = json_array();

    link_add(links, "self", href_of(rq, "/"), "application/json", "This document");
    link_add(links, "alternate", href_of(rq, "/?f=html"), "text/html", "Home page");
    for (size_t i = 0; i < ARRAY_LEN(doors); i++)
        link_add(links, doors[i].rel, href_of(rq, "%s", doors[i].path), doors[i].media,
                 doors[i].title);
    return json_pack("{s:s, s:s, s:s, s:o}", "title", "Sentier", "description",
                     "Earth-observation processing: openEO, OGC API - Processes and STAC API.",
                     "version", PACKAGE_VERSION, "links", links);
}

/* GET / */
bool landing_get(struct request *rq, struct reply *reply, struct err *err)
{
    static const char *const offers[] = { "application/json", "text/html", NULL };
    AUTO(text) struct text page = { 0 };
    size_t size;

    reply_header(rq, reply, "Vary", "Accept");
    switch (request_accepts(rq, offers)) {
    case 0: return reply_json(reply, 200, landing_json(rq), NULL);
    case 1: break;
    default:
        return err_set(err, ERR_NotAcceptable, "This page comes as application/json or text/html.");
    }
    add_page(rq, &page);
    size = page.length;
    return reply_bytes(reply, 200, text_take(&page), size, "text/html; charset=utf-8");
}

/* GET /api */
bool api_get(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *links = json_array();

    (void)err;
    for (const char *const *face = api_faces; *face; face++)
        link_add(links, "service-desc", href_of(rq, "/api/%s", *face),
                 OPENAPI_MEDIA, *face);
    return reply_json(reply, 200, json_pack("{s:o}", "links", links), NULL);
}

/* What the configuration decides. */
static void put_limit(json_t *document, const char *parameter, const char *name, int64_t number)
{
    json_t *components = json_object_get(document, "components"),
           *schema = json_object_get(
               json_object_get(json_object_get(components, "parameters"), parameter), "schema");

    json_object_set_new(schema, name, json_integer(number));
}

/* Addresses in "servers" of the document, or of one path, become those of this server. */
static void place_servers(struct request *rq, json_t *owner)
{
    json_t *server;
    size_t i;

    json_array_foreach(json_object_get(owner, "servers"), i, server)
        json_object_set_new(
            server, "url",
            json_string(href_of(rq, "%s", js_text(server, "url"))));
}

static json_t *document_of(struct request *rq, const char *face, const char *text, struct err *err)
{
    json_t *body, *item;
    const char *path;

    if (!js_parse(text, strlen(text), JS_DEFAULT_DEPTH, &body, err))
        return NULL;
    place_servers(rq, body);
    json_object_foreach(json_object_get(body, "paths"), path, item)
        place_servers(rq, item);
    if (!strcmp(face, "ogc"))
        ogc_document_add(body);
    put_limit(body, "limit", "default", rq->config->catalog_page);
    put_limit(body, "limit", "maximum", rq->config->catalog_max_page);
    put_limit(body, "limitCollections", "maximum", rq->config->catalog_max_page);
    return body;
}

/* GET /api/{face}: the document with the addresses of this server, or a page made of it. */
bool api_document_get(struct request *rq, struct reply *reply, struct err *err)
{
    static const char *const offers[] = { OPENAPI_MEDIA, "application/json", "text/html", NULL };
    const char *face = request_variable(rq, "face"), *text = api_document(face);
    AUTO(json) json_t *body = NULL;
    AUTO(text) struct text page = { 0 };
    int offer = request_accepts(rq, offers);

    if (!text)
        return err_set(err, ERR_NotFound, "There is no API document '%.40s'; see /api.", face);
    if (offer < 0)
        return err_set(err, ERR_NotAcceptable, "This document comes as %s, application/json or text/html.",
                       OPENAPI_MEDIA);
    if (!(body = document_of(rq, face, text, err)))
        return false;
    if (offer < 2)
        return reply_json(reply, 200, json_incref(body), offers[offer]);
    apidoc_page(rq, body, &page);
    return page_reply(rq, reply, &page);
}
