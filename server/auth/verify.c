/* The one door for credentials: looks at what was given and asks the file of that kind. Nothing given
 * is nobody, or the user 'anonymous' where a closed test set-up wants that. */
#include "auth/auth.h"
#include "auth/basic.h"
#include "auth/bearer.h"
#include "auth/secret.h"
#include "base/instant.h"
#include "base/text.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { MAX_NAME = 64 };

bool auth_init(const struct config *config, struct db *db, struct err *err)
{
    AUTO(mem) char *kept = NULL;
    char proposal[ID_SECRET_SIZE];

    if (strcmp(config->auth_anonymous, "none") && strcmp(config->auth_anonymous, "user"))
        return err_set(err, ERR_ConfigInvalid, "auth.anonymous: expected none or user, found '%s'",
                       config->auth_anonymous);
    id_secret(proposal);
    if (!*config->auth_secret && !setting_keep(db, "secret", proposal, &kept, err))
        return false;
    return secret_init(kept ? kept : config->auth_secret, err) && basic_init(err) &&
           bearer_init(config, err);
}

void auth_done(void)
{
    bearer_done();
    secret_done();
}

void auth_fingerprint(const struct credentials *credentials,
                      unsigned char ret_hash[static SECRET_HASH_SIZE])
{
    const char *authorization = credentials->authorization, *key = credentials->api_key;
    AUTO(mem) char *both = mem_printf("%s\n%s", authorization ? authorization : "", key ? key : "");

    secret_hash(both, ret_hash);
}

static bool by_api_key(struct db *db, const char *key, struct user *user, struct err *err)
{
    unsigned char hash[SECRET_HASH_SIZE];
    bool found = false;

    secret_hash(key, hash);
    if (!api_key_load(db, hash, user, &found, err))
        return false;
    return found || err_set(err, ERR_CredentialsInvalid, "The API key is not known");
}

/* "Bearer" and blanks: the rest; NULL when it is another scheme. */
static const char *after_scheme(const char *authorization, const char *scheme)
{
    size_t length = strlen(scheme);

    if (strncasecmp(authorization, scheme, length) || authorization[length] != ' ')
        return NULL;
    return authorization + length + strspn(authorization + length, " ");
}

static bool by_authorization(const struct config *config, struct db *db, const char *authorization,
                             struct user *user, struct err *err)
{
    const char *rest = after_scheme(authorization, "Bearer");

    if (rest)
        return bearer_verify(config, db, rest, user, err);
    rest = after_scheme(authorization, "Basic");
    if (rest)
        return basic_verify(db, rest, user, err);
    return err_set(err, ERR_AuthenticationSchemeInvalid,
                   "Authorization: expected Bearer or Basic, found another scheme");
}

bool auth_verify(const struct config *config, struct db *db, const struct credentials *credentials,
                 struct user *ret_user, bool *ret_known, struct err *err)
{
    *ret_known = true;
    if (credentials->authorization)
        return by_authorization(config, db, credentials->authorization, ret_user, err);
    if (credentials->api_key)
        return by_api_key(db, credentials->api_key, ret_user, err);
    if (!strcmp(config->auth_anonymous, "user"))
        return user_keep(db, "anonymous", NULL, ROLE_USER, ret_user, err);
    *ret_known = false;
    return true;
}

/* A colon would end the name in HTTP Basic, a bar is what tells users of an issuer from ours. */
static bool is_user_name(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > MAX_NAME)
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("._@+-", *name))
            return false;
    return true;
}

bool auth_user_add(struct db *db, const char *name, const char *email, const char *password,
                   enum role role, struct err *err)
{
    AUTO(mem) char *hash = NULL;
    char id[ID_UUID_SIZE];

    if (!is_user_name(name))
        return err_set(err, ERR_InvalidParameter,
                       "A user name has 1 to %d letters, digits and . _ @ + -, found '%.80s'",
                       MAX_NAME, name);
    return basic_hash(password, &hash, err) && user_add(db, name, email, hash, role, id, err);
}

bool auth_user_password(struct db *db, const char *name, const char *password, struct err *err)
{
    AUTO(mem) char *hash = NULL;

    return basic_hash(password, &hash, err) && user_set_password(db, name, hash, err);
}

bool auth_token_issue(const struct config *config, struct db *db, const struct user *user, const char *issuer,
                      char **ret_token, struct err *err)
{
    int64_t now = instant_now(), expires = now + config->auth_token_lifetime * 1000;
    unsigned char hash[SECRET_HASH_SIZE];
    AUTO(mem) char *token = session_token(issuer, user->id, now / 1000, expires / 1000);

    secret_hash(token, hash);
    if (!token_add(db, user->id, hash, expires, err))
        return false;
    *ret_token = token;
    token = NULL;
    return true;
}

bool auth_key_issue(struct db *db, const struct user *user, const char *title, unsigned scopes, int64_t expires,
                    char ret_key[static ID_SECRET_SIZE], char ret_id[static ID_UUID_SIZE],
                    struct err *err)
{
    unsigned char hash[SECRET_HASH_SIZE];

    id_secret(ret_key);
    secret_hash(ret_key, hash);
    return api_key_add(db, user->id, hash, title, scopes, expires, ret_id, err);
}
