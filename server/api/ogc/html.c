/* Each page begins with what people look for first; then come all links and all members, so that nothing that programs are
 * told is missing. */
#include "api/ogc/html.h"
#include "api/common/build.h"
#include "api/common/page.h"
#include "api/common/run.h"
#include "api/common/map.h"
#include "json/js.h"
#include "json/js_text.h"
#include <stdio.h>
#include <string.h>

void html_ogc_begin(struct request *rq, struct text *page, const char *title)
{
    page_begin(page, rq, "en", title);
    page_add(page, "<nav><a href=\"%s\">Start</a> <a href=\"%s\">Processes</a> <a href=\"%s\">Jobs</a> ",
             href_of(rq, OGC_ROOT), href_of(rq, OGC_ROOT "/processes"), href_of(rq, OGC_ROOT "/jobs"));
    page_add(page, "<a href=\"%s\">Collections</a> <a href=\"%s\">API keys</a> <a href=\"%s\">API</a></nav>\n", href_of(rq, OGC_ROOT "/collections"),
             href_of(rq, "/api/keys?f=html"), href_of(rq, "/api/ogc?f=html"));
}

static void add_links(struct text *page, const json_t *body)
{
    json_t *link;
    size_t i;

    if (!json_array_size(json_object_get(body, "links")))
        return;
    text_add(page, "<h2>Links</h2>\n<ul class=\"inside\">\n");
    json_array_foreach(json_object_get(body, "links"), i, link) {
        page_add(page, "<li><a href=\"%s\" type=\"%s\"", js_text_in(link, "href"), js_text_in(link, "type"));
        page_add(page, " rel=\"%s\">%s</a> <code>%s</code> %s</li>\n", js_text_in(link, "rel"),
                 *js_text_in(link, "title") ? js_text_in(link, "title") : js_text_in(link, "href"), js_text_in(link, "rel"), js_text_in(link, "type"));
    }
    text_add(page, "</ul>\n");
}

/* The same in a line, with their media types: what comes as JSON and as a page is named alike. */
static void add_inline_links(struct text *page, const json_t *body)
{
    json_t *link;
    size_t i;

    json_array_foreach(json_object_get(body, "links"), i, link) {
        page_add(page, "<a href=\"%s\">%s</a>", js_text_in(link, "href"), *js_text_in(link, "title") ? js_text_in(link, "title") : js_text_in(link, "rel"));
        page_add(page, " <small class=\"message\">%s</small> ", js_text_in(link, "type"));
    }
}

/* Where people read of it. */
static const char *page_of(const json_t *body)
{
    json_t *link;
    size_t i;

    json_array_foreach(json_object_get(body, "links"), i, link)
        if (!strcmp(js_text_in(link, "type"), "text/html"))
            return js_text_in(link, "href");
    return "";
}

/* Members but the links, and but those that `shown` (ended by NULL) names; folded where people have seen what they want. */
static void add_members(struct text *page, const json_t *body, const char *const *shown, bool folded)
{
    AUTO(json) json_t *rest = json_copy((json_t *)body);

    json_object_del(rest, "links");
    for (; *shown; shown++)
        json_object_del(rest, *shown);
    if (!json_object_size(rest))
        return;
    page_add(page, folded ? "<details class=\"card\"><summary>All that programs are told</summary>" : "<section class=\"card\">");
    page_add_json(page, rest);
    page_add(page, folded ? "</details>\n" : "</section>\n");
}

static void end(struct text *page, const json_t *body, const char *const *shown, bool folded)
{
    add_members(page, body, shown, folded);
    add_links(page, body);
    page_end(page);
}

void html_ogc_landing(struct request *rq, const json_t *body, struct text *page)
{
    static const char *const shown[] = { "title", "description", NULL };

    html_ogc_begin(rq, page, js_text_in(body, "title"));
    page_add(page, "<p>%s</p>\n", js_text_in(body, "description"));
    end(page, body, shown, false);
}

void html_ogc_conformance(struct request *rq, const json_t *body, struct text *page)
{
    static const char *const shown[] = { "conformsTo", NULL };
    json_t *one;
    size_t i;

    html_ogc_begin(rq, page, "Conformance classes");
    text_add(page, "<ul class=\"inside\">\n");
    json_array_foreach(json_object_get(body, "conformsTo"), i, one) {
        text_add(page, "<li>");
        page_add_link(page, json_string_value(one), json_string_value(one));
        text_add(page, "</li>\n");
    }
    text_add(page, "</ul>\n");
    end(page, body, shown, false);
}

void html_ogc_other(struct request *rq, const json_t *body, struct text *page)
{
    static const char *const shown[] = { NULL };

    html_ogc_begin(rq, page, request_variable(rq, "jobId"));
    end(page, body, shown, false);
}

/* ---- processes ---- */

static void add_entry(struct text *page, const json_t *process)
{
    static const char *const shown[] = { "title", "description", NULL };
    const char *title = js_text_in(process, "title");

    page_add(page, "<li class=\"card\"><h2><a href=\"%s\">%s</a></h2>", page_of(process), *title ? title : js_text_in(process, "id"));
    page_add(page, "<p>%s</p><p>", js_text_in(process, "description"));
    add_inline_links(page, process);
    text_add(page, "</p>");
    add_members(page, process, shown, true);
    text_add(page, "</li>\n");
}

/* Of what has a title, a description and a page of its own. */
static void add_entries(struct request *rq, const json_t *body, const char *title, const char *list, struct text *page)
{
    const char *const shown[] = { list, NULL };
    json_t *one;
    size_t i;

    html_ogc_begin(rq, page, title);
    text_add(page, "<ul>\n");
    json_array_foreach(json_object_get(body, list), i, one)
        add_entry(page, one);
    text_add(page, "</ul>\n");
    end(page, body, shown, false);
}

void html_ogc_processes(struct request *rq, const json_t *body, struct text *page)
{
    add_entries(rq, body, "Processes", "processes", page);
}

void html_ogc_collections(struct request *rq, const json_t *body, struct text *page)
{
    add_entries(rq, body, "Collections", "collections", page);
}

void html_ogc_collection(struct request *rq, const json_t *body, struct text *page)
{
    static const char *const shown[] = { "title", "description", NULL };

    const json_t *bbox = json_array_get(json_object_get(json_object_get(json_object_get(body, "extent"), "spatial"), "bbox"), 0);
    const struct map_area area = { .bbox = bbox, .title = js_text_in(body, "title") };

    html_ogc_begin(rq, page, js_text_in(body, "title"));
    page_add(page, "<p>%s</p>\n", js_text_in(body, "description"));
    map_add(page, "Where the collection lies", &area, 1);
    end(page, body, shown, false);
}

void html_ogc_process(struct request *rq, const json_t *body, struct text *page)
{
    static const char *const shown[] = { "title", "description", NULL };

    html_ogc_begin(rq, page, *js_text_in(body, "title") ? js_text_in(body, "title") : js_text_in(body, "id"));
    page_add(page, "<p>%s</p>\n", js_text_in(body, "description"));
    html_ogc_form(rq, body, page);
    end(page, body, shown, true);
}

/* ---- jobs ---- */

static void add_progress(struct text *page, const json_t *job)
{
    AUTO(text) struct text percent = { 0 };

    js_text_add(&percent, json_object_get(job, "progress"));
    page_add(page, "<progress max=\"100\" value=\"%s\" aria-label=\"Progress\">%s %%</progress>\n", percent.data, percent.data);
}

static void add_job(struct text *page, const json_t *job)
{
    const char *const shown[] = { "title", "status", "progress", "message", NULL };

    page_add(page, "<li class=\"card %s\"><div class=\"line\"><b><a href=\"%s\">%s</a></b> <span class=\"status\">%s</span></div>", js_text_in(job, "status"),
             page_of(job), *js_text_in(job, "title") ? js_text_in(job, "title") : js_text_in(job, "jobID"), js_text_in(job, "status"));
    add_progress(page, job);
    page_add(page, "<p class=\"message\">%s</p><p>", js_text_in(job, "message"));
    add_inline_links(page, job);
    text_add(page, "</p>");
    add_members(page, job, shown, true);
    text_add(page, "</li>\n");
}

static void add_filter(struct request *rq, struct text *page)
{
    static const char *const names[] = { "", "accepted", "running", "successful", "failed", "dismissed" };
    const char *status = request_query(rq, "status"), *process = request_query(rq, "processID"), *time = request_query(rq, "datetime");

    text_add(page, "<form class=\"card search\"><input type=\"hidden\" name=\"f\" value=\"html\">\n<label>Status <select name=\"status\">");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        page_add(page, "<option%s>%s</option>", status && !strcmp(status, names[i]) ? " selected" : "", names[i]);
    page_add(page, "</select></label>\n<label>Process <input name=\"processID\" value=\"%s\"></label>\n", process ? process : "");
    page_add(page, "<label>Created <input name=\"datetime\" value=\"%s\" placeholder=\"2026-01-01T00:00:00Z/..\"></label>\n"
                   "<p><button>Show</button></p>\n</form>\n", time ? time : "");
}

void html_ogc_jobs(struct request *rq, const json_t *body, struct text *page)
{
    static const char *const shown[] = { "jobs", NULL };
    json_t *job;
    size_t i;

    html_ogc_begin(rq, page, "Jobs");
    add_filter(rq, page);
    if (!json_array_size(json_object_get(body, "jobs")))
        text_add(page, "<p>There is none.</p>\n");
    text_add(page, "<ul>\n");
    json_array_foreach(json_object_get(body, "jobs"), i, job)
        add_job(page, job);
    text_add(page, "</ul>\n");
    end(page, body, shown, false);
}

/* A form, since a page has no scripts. Not on the page that tells of the dismissal itself. */
static void add_dismissal(struct request *rq, const json_t *job, struct text *page)
{
    const char *status = js_text_in(job, "status");
    bool active = !strcmp(status, "accepted") || !strcmp(status, "running");

    if (rq->method == POST && !strcmp(status, "dismissed"))
        return;
    page_add(page, "<form method=\"post\" action=\"%s\"><button>%s</button></form>\n",
             href_of(rq, OGC_ROOT "/jobs/%s/dismissal?f=html", js_text_in(job, "jobID")), active ? "Dismiss" : "Remove");
}

/* Where they lie, and what they look like; all of them have a page of their own. */
static void add_results(struct request *rq, const json_t *body, struct text *page)
{
    const char *href = href_of(rq, OGC_ROOT "/jobs/%s/results?f=html", js_text_in(body, "jobID"));
    AUTO(ogc_products) struct ogc_products products = { 0 };
    AUTO(job_value) struct job job = { 0 };
    struct err gone = { 0 };

    page_add(page, "<p><a href=\"%s\" class=\"results\">Results</a></p>\n", href);
    if (rq->user && job_load(rq->db, rq->arena, rq->user->id, js_text_in(body, "jobID"), &job, &gone) && ogc_products_read(rq, &job, &products, &gone))
        html_ogc_map(rq, &job, &products, href, page);
    err_clear(&gone);
}

void html_ogc_job(struct request *rq, const json_t *body, struct text *page)
{
    static const char *const shown[] = { "title", "progress", "message", NULL };

    html_ogc_begin(rq, page, *js_text_in(body, "title") ? js_text_in(body, "title") : js_text_in(body, "jobID"));
    page_add(page, "<div class=\"%s\"><p class=\"status\">%s</p>", js_text_in(body, "status"), js_text_in(body, "status"));
    add_progress(page, body);
    page_add(page, "<p class=\"message\">%s</p></div>\n", js_text_in(body, "message"));
    if (!strcmp(js_text_in(body, "status"), "successful"))
        add_results(rq, body, page);
    add_dismissal(rq, body, page);
    end(page, body, shown, true);
}
