/* E-mail by the relay of the operator. Door: curl/curl.h. */
#ifndef NET_MAIL_H
#define NET_MAIL_H

#include "base/err.h"

/* An address that can do no harm in a header or a command: one '@', letters, digits and . _ + - =
 * before it, a name of a host with a dot after it. */
bool mail_is_address(const char *text);
/* Is its domain one of `domains` (blanks between)? */
bool mail_is_in(const char *address, const char *domains);

struct mail {
    const char *relay;           /* "smtp://host:port", "smtps://..." */
    const char *user, *password; /* empty: none */
    const char *from, *to, *subject, *text;
};
/* Plain text in UTF-8. May block for half a minute. Errors: Unreachable; InvalidParameter for an
 * address that is none. */
bool mail_send(const struct mail *mail, struct err *err) MUST_USE;

#endif
