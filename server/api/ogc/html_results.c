/* Results of a job for people: a map of what has a place (pictures of rasters, features), then each output as a link, a picture, a film,
 * a table of features, or a value. */
#include "api/common/build.h"
#include "api/common/map.h"
#include "api/common/page.h"
#include "api/common/results.h"
#include "api/ogc/html.h"
#include "base/text.h"
#include "json/js.h"
#include <string.h>

enum { MOST_AREAS = 1000, MOST_ROWS = 100, MOST_COLUMNS = 12, LARGEST_FILE = 8 << 20 };

/* ---- the map ---- */

struct places {
    struct request *rq;
    struct map_area *areas;
    size_t count;
    const char *href; /* where they lead, or NULL */
};

static bool is_collection(const json_t *value)
{
    return !strcmp(js_text_in(value, "type"), "FeatureCollection") && json_is_array(json_object_get(value, "features"));
}

static bool is_geometry(const json_t *value)
{
    return json_is_array(json_object_get(value, "coordinates")) || json_is_array(json_object_get(value, "geometries"));
}

static const char *name_of(struct request *rq, const json_t *feature, const char *otherwise)
{
    const json_t *id = json_object_get(feature, "id"), *name = json_object_get(json_object_get(feature, "properties"), "name");

    if (json_is_string(name))
        return json_string_value(name);
    if (json_is_integer(id))
        return arena_printf(rq->arena, "%s %" JSON_INTEGER_FORMAT, otherwise, json_integer_value(id));
    return json_is_string(id) ? json_string_value(id) : otherwise;
}

/* Whatever of GeoJSON has a place. */
static void add_geojson(struct places *p, const json_t *value, const char *id)
{
    const json_t *geometry = is_geometry(value) ? value : json_object_get(value, "geometry"), *feature;
    size_t i;

    if (is_collection(value)) {
        json_array_foreach(json_object_get(value, "features"), i, feature)
            if (!is_collection(feature)) /* cannot be inside one */
                add_geojson(p, feature, id);
    } else if (is_geometry(geometry) && p->count < MOST_AREAS) {
        p->areas[p->count++] = (struct map_area){ .geometry = geometry, .title = name_of(p->rq, value, id), .href = p->href };
    }
}

/* Rasters of the same place are drawn once: the first that has a picture. */
static void add_file(struct places *p, const struct job_asset *file, const char *id, const char *picture)
{
    const json_t *bbox = json_object_get(file->fields, "bbox");
    size_t i = 0;

    while (i < p->count && !json_equal(p->areas[i].bbox, bbox))
        i++;
    if (!bbox || i == MOST_AREAS)
        return;
    if (i < p->count && (p->areas[i].picture || !picture))
        return;
    p->areas[i] = (struct map_area){ .bbox = bbox, .title = id, .href = p->href, .picture = picture };
    p->count += i == p->count;
}

static json_t *load_geojson(const struct job_asset *file)
{
    if (!text_begins(file->media_type, "application/geo+json") || file->size_bytes > LARGEST_FILE)
        return NULL;
    return json_load_file(file->path, 0, NULL);
}

void html_ogc_map(struct request *rq, const struct job *job, const struct ogc_products *products, const char *href, struct text *page)
{
    struct places p = { .rq = rq, .areas = arena_array(rq->arena, MOST_AREAS, sizeof *p.areas), .href = href };
    int64_t expires = job ? results_links_expire(rq, job) : 0;
    AUTO(json) json_t *files = json_array(); /* keeps what is drawn */

    for (size_t i = 0; i < products->count; i++) {
        const struct ogc_product *product = &products->list[i];
        json_t *geojson = product->file ? load_geojson(product->file) : NULL;

        if (geojson) {
            json_array_append_new(files, geojson);
            add_geojson(&p, geojson, product->id);
        } else if (product->file) {
            add_file(&p, product->file, product->id, job ? results_placed_href(rq, job->id, product->file, expires) : NULL);
        } else {
            add_geojson(&p, product->value, product->id);
        }
    }
    map_add(page, "Where the results lie", p.areas, p.count);
    if (p.count == MOST_AREAS)
        text_add(page, "<p class=\"message\">More would be too many to draw.</p>\n");
}

/* ---- features ---- */

/* The names of what they tell, of the first of them. */
static json_t *columns_of(const json_t *features)
{
    json_t *columns = json_object(), *feature, *value;
    const char *name;
    size_t i;

    json_array_foreach((json_t *)features, i, feature) {
        if (i == MOST_ROWS)
            break;
        json_object_foreach(json_object_get(feature, "properties"), name, value)
            if (json_object_size(columns) < MOST_COLUMNS)
                json_object_set_new(columns, name, json_true());
    }
    return columns;
}

static void add_features(struct text *page, const json_t *collection)
{
    const json_t *features = json_object_get(collection, "features");
    AUTO(json) json_t *columns = columns_of(features);
    json_t *feature, *value;
    const char *name;
    size_t i;

    text_add(page, "<div class=\"scroll\"><table><tr>");
    json_object_foreach(columns, name, value)
        page_add(page, "<th>%s</th>", name);
    text_add(page, "</tr>\n");
    json_array_foreach(features, i, feature) {
        if (i == MOST_ROWS)
            break;
        text_add(page, "<tr>");
        json_object_foreach(columns, name, value) {
            json_t *cell = json_object_get(json_object_get(feature, "properties"), name);

            text_add(page, "<td>");
            if (json_is_real(cell))
                text_printf(page, "%.7g", json_real_value(cell));
            else if (cell)
                page_add_json(page, cell);
            text_add(page, "</td>");
        }
        text_add(page, "</tr>\n");
    }
    text_add(page, "</table></div>\n");
    if (json_array_size(features) > MOST_ROWS)
        text_printf(page, "<p class=\"message\">%d of %zu features</p>\n", MOST_ROWS, json_array_size(features));
}

/* ---- the outputs ---- */

/* What browsers show. */
static bool is_picture(const char *media)
{
    static const char *const all[] = { "image/png", "image/jpeg", "image/gif", "image/webp" };

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (!strcmp(media, all[i]))
            return true;
    return false;
}

/* A file of pixels comes as a link, with a small picture where there is one (`preview`, or NULL); pictures and films are shown. */
static void add_product(struct text *page, const struct ogc_product *product, const json_t *member, const char *preview)
{
    AUTO(json) json_t *geojson = product->file ? load_geojson(product->file) : json_incref((json_t *)product->value);
    const char *href = js_text_in(member, "href");

    page_add(page, "<tr><th>%s</th><td>", product->id);
    if (*href)
        page_add(page, "<a href=\"%s\">%s</a> %s", href, product->file ? product->file->name : product->id, js_text_in(member, "type"));
    else if (!is_collection(geojson))
        page_add_json(page, member);
    if (is_collection(geojson))
        add_features(page, geojson);
    if (*href && is_picture(js_text_in(member, "type")))
        page_add(page, "<br><img class=\"shown\" src=\"%s\" alt=\"%s\">", href, product->id);
    else if (*href && preview)
        page_add(page, "<br><img class=\"shown\" loading=\"lazy\" src=\"%s\" alt=\"Preview of %s\">", preview, product->file->name);
    else if (*href && text_begins(js_text_in(member, "type"), "video/"))
        page_add(page, "<br><video class=\"shown\" controls loop muted src=\"%s\"></video>", href);
    text_add(page, "</td></tr>\n");
}

void html_ogc_results(struct request *rq, const struct job *job, const struct ogc_products *products, const json_t *body,
                      struct text *page)
{
    int64_t expires = job ? results_links_expire(rq, job) : 0;
    size_t nth = 0; /* file of an output */

    html_ogc_begin(rq, page, job && job->title ? job->title : "Results");
    html_ogc_map(rq, job, products, NULL, page);
    text_add(page, "<table>\n");
    for (size_t i = 0; i < products->count; i++) {
        const struct ogc_product *product = &products->list[i];
        const json_t *member = json_object_get(body, product->id);

        nth = i && !strcmp(product->id, product[-1].id) ? nth + 1 : 0;
        add_product(page, product, product->file && json_is_array(member) ? json_array_get(member, nth) : member,
                    job && product->file ? results_preview_href(rq, job->id, product->file, expires) : NULL);
    }
    text_add(page, "</table>\n");
    if (job)
        page_add(page, "<p><a href=\"%s\">The job</a> <a href=\"%s\">The results as JSON</a></p>\n",
                 href_of(rq, OGC_ROOT "/jobs/%s", job->id), href_of(rq, OGC_ROOT "/jobs/%s/results?profile=ogc-results&f=json", job->id));
    page_end(page);
}
