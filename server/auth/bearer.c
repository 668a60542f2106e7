/* Which kind of token it is. A session token is random: its hash is looked up. */
#include "auth/bearer.h"
#include "auth/secret.h"
#include "base/text.h"
#include <string.h>

bool bearer_init(const struct config *config, struct err *err)
{
    (void)config, (void)err;
    return true;
}

void bearer_done(void)
{
}

static bool by_session(struct db *db, const char *token, struct user *user, struct err *err)
{
    unsigned char hash[SECRET_HASH_SIZE];
    bool found = false;

    secret_hash(token, hash);
    if (!token_load(db, hash, user, &found, err))
        return false;
    return found || err_set(err, ERR_TokenInvalid, "The token is not known or has expired");
}

bool bearer_verify(const struct config *config, struct db *db, const char *token,
                   struct user *ret_user, struct err *err)
{
    (void)config;
    if (text_begins(token, "basic//"))
        return by_session(db, token + strlen("basic//"), ret_user, err);
    if (text_begins(token, "oidc/"))
        return err_set(err, ERR_AuthenticationSchemeInvalid, "No OpenID Connect provider is set up");
    return by_session(db, token, ret_user, err);
}
