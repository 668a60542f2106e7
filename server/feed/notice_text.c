/* Files are told as signed links, which end as those of /ogc do; values that are no file stand in
 * the message. */
#include "feed/notice_text.h"
#include "auth/auth.h"
#include "base/instant.h"
#include "base/text.h"
#include "json/js.h"
#include "store/jobs.h"
#include <inttypes.h>
#include <string.h>

/* In the order of enum job_state. */
static const char *const states[] = {"accepted",   "accepted", "running",
                                     "successful", "failed",   "dismissed"};

struct told {
    struct arena *arena;
    struct job job;
    struct job_asset *assets;
    size_t count;
};

static void told_drop(struct told *told)
{
    for (size_t i = 0; i < told->count; i++)
        json_decref(told->assets[i].fields);
    job_done(&told->job);
    arena_free(told->arena);
}

static bool load(struct db *db, const struct notice *notice, struct told *told, struct err *err)
{
    told->arena = arena_new();
    if (!job_load(db, told->arena, NULL, notice->job, &told->job, err))
        return false;
    return told->job.state != JOB_FINISHED ||
           job_asset_list(db, told->arena, NULL, notice->job, &told->assets, &told->count, err);
}

/* The caller frees. */
static char *link_to(const struct config *config, const struct notice *notice,
                     const struct told *told, const struct job_asset *asset)
{
    int64_t ends = instant_now() + config->auth_link_lifetime * 1000;
    AUTO(text) struct text path = {0};

    if (told->job.expires && told->job.expires < ends)
        ends = told->job.expires;
    text_printf(&path, "/results/%s/", notice->job);
    text_add_url(&path, asset->name, "");
    return auth_link_sign(config, notice->base_url, path.data, ends);
}

static bool is_openeo(const struct job *job)
{
    return text_begins(job->face, "openeo");
}

/* Where the job is looked at; the caller frees. */
static char *address_of(const struct notice *notice, const struct job *job)
{
    return mem_printf("%s%s/jobs/%s", notice->base_url, is_openeo(job) ? "/openeo/1.2" : "/ogc", notice->job);
}

/* ---- calls ---- */

static void put_instant(json_t *object, const char *name, int64_t ms)
{
    char text[INSTANT_TEXT_SIZE];

    if (ms)
        json_object_set_new(object, name, json_string(instant_format(ms, text)));
}

static json_t *status_of(const struct notice *notice, const struct job *job)
{
    AUTO(mem) char *self = address_of(notice, job);
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:[{s:s, s:s, s:s}]}", "jobID", job->id, "id",
                  job->id, "type", is_openeo(job) ? "openeo" : "process", "processingEntityType",
                  is_openeo(job) ? "openeo-api" : "ogc-api-processes", "status",
                  states[job->state], "progress", (int)job->progress, "links", "href", self, "rel",
                  "self", "type", "application/json");

    if (job->process_id)
        json_object_set_new(body, "processID", json_string(job->process_id));
    if (job->error_message)
        json_object_set_new(body, "message", json_string(job->error_message));
    put_instant(body, "created", job->created);
    put_instant(body, "started", job->started);
    put_instant(body, "finished", job->finished);
    put_instant(body, "updated", job->updated);
    return body;
}

/* The members of a result that is no file, as far as they were asked for. */
static void put_values(json_t *body, const struct job *job, const struct job_asset *asset)
{
    AUTO(json) json_t *values = json_load_file(asset->path, JSON_DECODE_ANY, NULL);
    const char *id;
    json_t *wish, *value;

    json_object_foreach(json_object_get(job->request, "outputs"), id,
                        wish) if ((value = json_object_get(values, id)) && !json_is_null(value))
        json_object_set_new(body, id,
                            json_is_object(value) && !json_object_get(value, "bbox")
                                ? json_pack("{s:O}", "value", value)
                                : json_incref(value));
}

static json_t *results_of(const struct config *config, const struct notice *notice,
                          const struct told *told)
{
    json_t *body = json_object();
    bool values = told->count == 1 && !strcmp(told->assets[0].media_type, "application/json");

    for (size_t i = 0; i < told->count; i++) {
        const struct job_asset *asset = &told->assets[i];
        AUTO(mem) char *href = link_to(config, notice, told, asset);

        if (values)
            put_values(body, &told->job, asset);
        if (!values || json_object_size(body) == 0)
            json_object_set_new(body, asset->output ? asset->output : asset->name,
                                json_pack("{s:s, s:s}", "href", href, "type", asset->media_type));
    }
    return body;
}

bool notice_body(const struct config *config, struct db *db, const struct notice *notice,
                 char **ret_body, struct err *err)
{
    AUTO(told) struct told told = {0};
    AUTO(json) json_t *body = NULL;

    if (!load(db, notice, &told, err))
        return false;
    body = told.job.state == JOB_FINISHED ? results_of(config, notice, &told)
                                             : status_of(notice, &told.job);
    *ret_body = json_dumps(body, JSON_COMPACT);
    return true;
}

/* ---- e-mail ---- */

static const char *name_of(const struct job *job)
{
    return job->title ? job->title : job->process_id ? job->process_id : "A job";
}

bool notice_mail(const struct config *config, struct db *db, const struct notice *notice,
                 char **ret_subject, char **ret_text, struct err *err)
{
    AUTO(told) struct told told = {0};
    AUTO(mem) char *address = NULL;
    struct text text = {0};
    char when[INSTANT_TEXT_SIZE];
    bool good;

    if (!load(db, notice, &told, err))
        return false;
    good = told.job.state == JOB_FINISHED;
    text_printf(&text, "Your job \"%s\" has %s at %s.\n\n", name_of(&told.job),
                good ? "finished" : "failed",
                instant_format(told.job.finished ? told.job.finished : told.job.updated, when));
    if (!good)
        text_printf(&text, "The reason: %s\n\n",
                    told.job.error_message ? told.job.error_message : "unknown");
    address = address_of(notice, &told.job);
    text_printf(&text, "The job: %s\n", address);
    if (good && told.count)
        text_printf(&text, "\nIts results, by links that hold for some days:\n");
    for (size_t i = 0; good && i < told.count; i++) {
        AUTO(mem) char *href = link_to(config, notice, &told, &told.assets[i]);

        text_printf(&text, "\n%s\n%s\n", told.assets[i].name, href);
    }
    text_add(&text, "\nThis message was sent because the job was to tell of its end.\n");
    *ret_subject = mem_printf("%s: %s", name_of(&told.job), good ? "finished" : "failed");
    *ret_text = text_take(&text);
    return true;
}
