/* A file is served to whoever holds a signed link (http/ has checked it) or to the job's owner. */
#include "api/common/results.h"
#include "auth/auth.h"
#include "base/instant.h"
#include "base/text.h"

int64_t results_links_expire(const struct request *rq, const struct job *job)
{
    int64_t at = instant_now() + rq->config->auth_link_lifetime * 1000;

    return job->expires && job->expires < at ? job->expires : at;
}

const char *results_sign(struct request *rq, const char *path, int64_t expires_ms)
{
    AUTO(mem) char *href = auth_link_sign(rq->config, rq->base_url, path, expires_ms);

    return arena_text(rq->arena, href);
}

const char *results_href(struct request *rq, const char *job, const char *file, int64_t expires_ms)
{
    return results_sign(rq, arena_printf(rq->arena, "/results/%s/%s", job, file), expires_ms);
}

/* A link outlives its job when the job is deleted: the link is then told to be revoked. */
bool results_file_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "job_id"), *name = request_variable(rq, "file");
    bool is_signed = request_query(rq, "signature") != NULL;
    struct job_asset asset = { 0 };
    struct job job = { 0 };

    if (!id_is_uuid(id) || !text_is_plain_name(name, 255))
        return err_set(err, ERR_FileNotFound, "There is no such result file.");
    if (!is_signed) {
        if (!job_load(rq->db, rq->arena, rq->user->id, id, &job, err))
            return false;
        job_done(&job);
    }
    if (!job_asset_load(rq->db, rq->arena, id, name, &asset, err)) {
        if (is_signed && (err->code == ERR_JobNotFound || err->code == ERR_FileNotFound)) {
            err_clear(err);
            err_set(err, ERR_ResultLinkExpired,
                    "The result behind this link was deleted or made anew.");
        }
        return false;
    }
    json_decref(asset.fields);
    return reply_file(rq, reply, asset.path, asset.media_type, NULL, err);
}
