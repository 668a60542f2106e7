/* Which process an address of a request means: one of this service (built in or deployed), or one of a server that the site
 * has listed, which is asked for its description. */
#include "api/ogc/workflow.h"
#include "api/common/build.h"
#include "ingest/remote.h"
#include "jobs/remote.h"
#include "base/text.h"
#include <string.h>

void ogc_called_drop(struct ogc_called *called)
{
    json_decref(called->description);
    json_decref(called->unit);
}

const char *ogc_own_id(struct request *rq, const char *uri)
{
    static const char root[] = OGC_ROOT "/processes/";
    const char *at = uri;

    if (text_begins(uri, rq->base_url))
        at += strlen(rq->base_url);
    if (text_begins(at, root))
        at += sizeof root - 1;
    return strchr(at, '/') ? NULL : at;
}

static bool call_here(struct request *rq, const char *id, struct ogc_called *called, struct err *err)
{
    called->id = arena_text(rq->arena, id);
    if (!(called->process = ogc_process_find(id)))
        return !ogc_process_is_missing(id, err) && ogc_deployed_find(rq, id, &called->process, &called->description, &called->unit, err);
    called->description = ogc_process_description(called->process);
    called->unit = ogc_process_graph(called->process);
    return true;
}

bool ogc_call(struct request *rq, const char *uri, const char *base, struct ogc_called *called, struct err *err)
{
    const char *id;

    if (base ? !strstr(uri, "://") : *uri == '.') { /* relative to the process that receives it */
        AUTO(mem) char *whole = remote_resolve(base ? base : href_of(rq, OGC_ROOT "/processes/"), uri);

        uri = whole ? arena_text(rq->arena, whole) : uri;
    }
    if ((id = ogc_own_id(rq, uri)))
        return call_here(rq, id, called, err);
    called->id = arena_text(rq->arena, uri);
    called->kind = remote_kind(rq->config, uri);
    if (!called->kind)
        return err_set(err, ERR_InvalidParameter,
                       "/process: expected a process of this service or of a server that this site may call, found '%.200s'", uri);
    return remote_describe(rq->config, uri, &called->description, err);
}
