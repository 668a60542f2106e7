/* Signed links and sealed texts. A link signs "path, newline, expiry"; a path that ends in a slash is
 * a prefix: it opens everything below. Checking tries the path itself and each folder above it. */
#include "auth/auth.h"
#include "auth/secret.h"
#include "base/instant.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SEAL_MAC = 16 };

static void mac_of_link(const char *path, size_t length, const char *expires,
                        unsigned char mac[static MAC_SIZE])
{
    AUTO(mem) char *text = mem_printf("%.*s\n%s", (int)length, path, expires);

    secret_mac(PURPOSE_LINK, text, mac);
}

/* "SECONDS" and the signature. */
static char *sign(const char *path, int64_t expires_ms, char expires[static 24])
{
    unsigned char mac[MAC_SIZE];

    snprintf(expires, 24, "%" PRId64, expires_ms / 1000);
    mac_of_link(path, strlen(path), expires, mac);
    return secret_encode(mac, sizeof mac);
}

char *auth_link_token(const char *path, int64_t expires_ms)
{
    char expires[24];
    AUTO(mem) char *signature = sign(path, expires_ms, expires);

    return mem_printf("%s-%s", expires, signature);
}

char *auth_link_sign(const struct config *config, const char *base_url, const char *path,
                     int64_t expires_ms)
{
    struct text url = { 0 };
    char expires[24];
    AUTO(mem) char *signature = sign(path, expires_ms, expires);

    (void)config;
    text_add(&url, base_url);
    text_add_url(&url, path, "/");
    text_printf(&url, "?expires=%s&signature=%s", expires, signature);
    return text_take(&url);
}

static bool is_signed(const char *path, size_t length, const char *expires,
                      const unsigned char given[static MAC_SIZE])
{
    unsigned char mac[MAC_SIZE];

    mac_of_link(path, length, expires, mac);
    return sodium_memcmp(mac, given, MAC_SIZE) == 0;
}

bool auth_link_check(const char *path, const char *expires, const char *signature, struct err *err)
{
    size_t size = 0, length = strlen(path);
    AUTO(mem) unsigned char *given = secret_decode(
        signature, strlen(signature), sodium_base64_VARIANT_URLSAFE_NO_PADDING, &size);
    bool good = false;
    double until;

    if (given && size == MAC_SIZE) {
        good = is_signed(path, length, expires, given);
        for (size_t at = length; !good && at > 1; at--)
            if (path[at - 1] == '/' && at < length)
                good = is_signed(path, at, expires, given);
    }
    if (!good)
        return err_set(err, ERR_PermissionsInsufficient, "The signature of the link is not valid");
    if (!text_to_number(expires, &until) || until * 1000 < (double)instant_now())
        return err_set(err, ERR_ResultLinkExpired, "The link has expired; ask for a new one");
    return true;
}

bool auth_link_check_token(const char *path, const char *token, struct err *err)
{
    AUTO(mem) char *expires = mem_text(token);
    char *dash = strchr(expires, '-');

    if (dash)
        *dash = '\0';
    return auth_link_check(path, expires, dash ? dash + 1 : "", err);
}

char *auth_seal(const char *text)
{
    unsigned char mac[MAC_SIZE];

    secret_mac(PURPOSE_SEAL, text, mac);
    AUTO(mem) char *body = secret_encode(text, strlen(text));
    AUTO(mem) char *seal = secret_encode(mac, SEAL_MAC);

    return mem_printf("%s.%s", body, seal);
}

bool auth_unseal(const char *sealed, char **ret_text, struct err *err)
{
    const char *dot = strchr(sealed, '.');
    unsigned char mac[MAC_SIZE];
    size_t text_size = 0, seal_size = 0;
    AUTO(mem) unsigned char *text = NULL, *seal = NULL;

    if (dot) {
        text = secret_decode(sealed, (size_t)(dot - sealed),
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING, &text_size);
        seal = secret_decode(dot + 1, strlen(dot + 1), sodium_base64_VARIANT_URLSAFE_NO_PADDING,
                             &seal_size);
    }
    if (text && seal && seal_size == SEAL_MAC && strlen((char *)text) == text_size) {
        secret_mac(PURPOSE_SEAL, (char *)text, mac);
        if (sodium_memcmp(mac, seal, SEAL_MAC) == 0) {
            *ret_text = (char *)text;
            text = NULL;
            return true;
        }
    }
    return err_set(err, ERR_InvalidParameter, "The token was not issued by this service");
}
