/* export_workspace: what save_result made is to be copied to a workspace as well. That the user may write there is
 * asked here, so that nobody computes for nothing; the copying is done when the files are there (jobs/workspace.c). */
#include "graph/planner.h"
#include "json/js.h"
#include <string.h>

/* A path below the workspace: names with single slashes between, none hidden or above. */
static bool is_path(const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.~";
    size_t n;

    for (;; path += n + 1) {
        n = strspn(path, plain);
        if (n == 0 || n > 100 || path[0] == '.' || (path[n] && path[n] != '/'))
            return false;
        if (!path[n])
            return true;
    }
}

bool run_export_workspace(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    const struct value *data = &call->arguments[0];
    const char *workspace = call_text(call, "workspace"), *merge = call_text(call, "merge");
    struct sink *sink = data->sink ? &p->sinks[data->sink - 1] : NULL;

    if (merge && (strlen(merge) > 500 || !is_path(merge)))
        return call_fail(call, err, ERR_ProcessParameterInvalid, "merge",
                         "'%.100s': expected a path like 'ndvi/2023' of letters, digits and _-.~", merge);
    if (!p->catalog || !p->catalog->workspace)
        return call_fail(call, err, ERR_WorkspaceNotFound, "workspace", "There are none here.");
    if (!p->catalog->workspace(p->catalog->context, workspace, err))
        return call_place(call, "workspace", err);
    *ret = *data;
    if (!sink)
        return true;
    sink->args.primary |= call->node->is_result;
    if (!p->exports)
        p->exports = json_array();
    json_array_append_new(p->exports, json_pack("{s:s, s:s, s:o}", "node", sink->node->id, "workspace", workspace,
                                                "merge", js_text_or_null(merge)));
    return true;
}
