/* The pages of this face, made of the JSON that programs get. */
#ifndef API_OGC_HTML_H
#define API_OGC_HTML_H

#include "api/ogc/products.h"

ogc_page_fn html_ogc_landing, html_ogc_conformance, html_ogc_processes, html_ogc_process, html_ogc_jobs, html_ogc_job,
    html_ogc_collections, html_ogc_collection;
/* Any other resource of a job: all its members. */
ogc_page_fn html_ogc_other;
/* The page as far as its heading and what leads elsewhere. */
void html_ogc_begin(struct request *rq, struct text *page, const char *title);
/* html_results.c: a map of the results that have a place, which lead to `href` (NULL: nowhere); nothing when none has. `job` NULL: as below. */
void html_ogc_map(struct request *rq, const struct job *job, const struct ogc_products *products, const char *href, struct text *page);
/* `job` NULL: values for which there was none. `body` is the document of the results. */
void html_ogc_results(struct request *rq, const struct job *job, const struct ogc_products *products, const json_t *body,
                      struct text *page);
/* html_form.c: what runs a process, with a field for each input of its description. */
void html_ogc_form(struct request *rq, const json_t *process, struct text *page);

#endif
