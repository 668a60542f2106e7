/* Logging in, and who one is. */
#include "api/common/build.h"
#include "api/openeo/openeo.h"
#include "auth/auth.h"
#include "base/text.h"
#include "store/user_files.h"
#include <string.h>
#include <strings.h>

/* GET /credentials/basic: http/ has checked name and password; here they become a token. */
bool openeo_credentials_basic_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *header = request_header(rq, "Authorization");
    AUTO(mem) char *token = NULL;

    if (!header || strncasecmp(header, "Basic ", 6))
        return err_set(err, ERR_AuthenticationRequired,
                       "Send name and password by HTTP Basic authentication.");
    if (!auth_token_issue(rq->config, rq->db, rq->user, openeo_href(rq, "/credentials/basic"), &token, err))
        return false;
    reply_header(rq, reply, "Cache-Control", "no-store");
    return reply_json(reply, 200, json_pack("{s:s}", "access_token", token), NULL);
}

static json_t *words(const char *text)
{
    json_t *list = json_array();

    while (*text) {
        size_t length = strcspn(text, " ");

        if (length)
            json_array_append_new(list, json_stringn(text, length));
        text += length + (text[length] == ' ');
    }
    return list;
}

/* The grants that a public client (without a secret) may use. */
static json_t *default_client(struct request *rq)
{
    return json_pack("{s:s, s:[s, s, s, s], s:[s, s]}", "id", rq->config->auth_oidc_client,
                     "grant_types", "authorization_code+pkce",
                     "urn:ietf:params:oauth:grant-type:device_code",
                     "urn:ietf:params:oauth:grant-type:device_code+pkce", "refresh_token",
                     "redirect_urls", href_of(rq, "/ui/"), "https://editor.openeo.org/");
}

/* GET /credentials/oidc */
bool openeo_credentials_oidc_get(struct request *rq, struct reply *reply, struct err *err)
{
    const struct config *config = rq->config;
    AUTO(mem) char *issuer = mem_text(config->auth_oidc_issuer);
    json_t *provider;

    if (!*issuer)
        return err_set(err, ERR_FeatureUnsupported,
                       "This service has no OpenID Connect provider; log in by "
                       "/credentials/basic.");
    if (text_ends(issuer, "/")) /* the API document wants none at the end */
        issuer[strlen(issuer) - 1] = '\0';
    provider = json_pack("{s:s, s:s, s:s, s:o}", "id", config->auth_oidc_id, "issuer", issuer,
                         "title", config->auth_oidc_title, "scopes",
                         words(config->auth_oidc_scopes));
    if (*config->auth_oidc_client)
        json_object_set_new(provider, "default_clients", json_pack("[o]", default_client(rq)));
    return reply_json(reply, 200, json_pack("{s:[o]}", "providers", provider), NULL);
}

/* GET /me */
bool openeo_me_get(struct request *rq, struct reply *reply, struct err *err)
{
    static const char *const roles[] = { "nobody", "user", "operator", "admin" };
    struct user_file *files;
    int64_t bytes, free_bytes;
    size_t count;
    json_t *body;

    if (!user_files(rq->config, rq->user->id, rq->arena, &files, &count, &bytes, err))
        return false;
    free_bytes = bytes < rq->config->files_quota ? rq->config->files_quota - bytes : 0;
    body = json_pack("{s:s, s:s, s:[s], s:{s:I, s:I}, s:[]}", "user_id", rq->user->id, "name",
                     rq->user->name, "roles", roles[rq->user->role], "storage", "quota",
                     (json_int_t)rq->config->files_quota, "free", (json_int_t)free_bytes, "links");
    put_text(body, "email", rq->user->email);
    put_text(body, "default_plan", *rq->config->billing_currency ? OPENEO_PLAN : NULL);
    reply_header(rq, reply, "Cache-Control", "no-store");
    return reply_json(reply, 200, body, NULL);
}
