/* Another server, asked politely: so many requests a second at most, patience when it says that it is
 * busy, and no address outside of it unless that is allowed. */
#ifndef INGEST_REMOTE_H
#define INGEST_REMOTE_H

#include "base/err.h"
#include <jansson.h>

struct remote_options {
    const char *url;       /* of the first document; others must have its scheme, host and port */
    bool other_hosts;      /* unless they need not */
    double per_second;     /* requests */
    int tries;             /* of each request */
};

struct remote;
struct remote *remote_new(const struct remote_options *options);
void remote_free(struct remote *remote);

/* GET, or POST when there is a body. `etag` is the entity tag of what is known already (NULL: nothing);
 * *ret_json is NULL when it is still the same. *ret_etag (may be NULL) is the caller's, NULL when there is
 * none. Errors: Unreachable, NotFound, BadRequest (no JSON), PermissionsInsufficient (another host). */
bool remote_ask(struct remote *remote, const char *url, const json_t *body, const char *etag,
                json_t **ret_json, char **ret_etag, struct err *err) MUST_USE;
/* A link of a document as an absolute address; the caller frees. NULL when it is none. */
char *remote_resolve(const char *document, const char *href);
/* Makes the addresses of an item's assets absolute. Assets that are not on the web are taken out. */
void remote_complete(json_t *item, const char *document);
/* The next link of a document with this relation, from *at on; NULL when there is none. */
const json_t *remote_link(const json_t *document, const char *rel, size_t *at);

#endif
