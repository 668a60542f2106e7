/* Where PEPS's users find the state of a job. */
#include "api/common/build.h"
#include "api/common/page.h"
#include "api/resto/resto.h"
#include "api/wps/peps_links.h"

const char *peps_state_href(struct request *rq, const struct job *job, const char *ending)
{
    return href_of(rq, RESTO_ROOT "/wps/status/pywps-%s.%s", job->id, ending);
}

void peps_add_reference(struct text *xml, struct request *rq, const struct job *job)
{
    text_add(xml, "<wps:ProcessOutputs>\n<wps:Output>\n<ows:Identifier>status</ows:Identifier>\n"
                  "<ows:Title>State and results</ows:Title>\n");
    page_add(xml, "<wps:Reference mimeType=\"application/json\" href=\"%s\"/>\n",
             peps_state_href(rq, job, "json"));
    text_add(xml, "</wps:Output>\n</wps:ProcessOutputs>\n");
}
