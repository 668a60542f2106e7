/* One place of a product: what the database says of it (PLACE_OBJECT in places.h), and what that makes of
 * its assets. Nothing here asks the database. */
#ifndef STORE_PLACE_H
#define STORE_PLACE_H

#include "base/mem.h"
#include "json/js.h"

enum place_state { PLACE_ONLINE = 'o', PLACE_STAGING = 's', PLACE_ORDERED = 'r', PLACE_OFFLINE = 'f' };
/* "online", "staging", "ordered", "offline" */
const char *place_state_name(enum place_state state);
bool place_state_find(const char *name, enum place_state *ret_state);

struct place { /* borrowed from the JSON it was read from */
    const char *endpoint, *kind, *title;
    const char *root, *url;     /* hrefs that begin with root are told as url and the rest */
    const char *href, *staged;  /* of the product; staged: the copy that staging made */
    enum place_state state;
    bool plain;                 /* files of this server, and nothing more to tell */
    int64_t size_bytes;         /* -1: unknown */
    json_t *assets, *scheme;
};
struct place place_read(const json_t *json);

/* Where an asset is there: an absolute path, /vsizip/..., or a URL. NULL: it is not there. The caller
 * frees. A copy that was staged is meant when there is one. */
char *place_asset(const struct place *place, const char *asset);
/* As a client outside reads it; NULL when it is this server that sends the bytes (/data). */
char *place_public_url(const struct place *place, const char *href);
/* As a worker reads it: a path or an http(s) URL; NULL: it cannot. */
char *place_worker_href(const struct place *place, const char *href);
/* The path of the product as a whole: an archive, a folder (what its assets have in common when nobody
 * said it), or a URL. NULL: unknown. The caller frees. */
char *place_product(const struct place *place);
/* The last part of a path or URL. */
const char *place_file_name(const char *href);

#endif
