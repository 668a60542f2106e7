/* Between remote.c and remote_results.c: single calls. */
#ifndef JOBS_REMOTE_CALL_H
#define JOBS_REMOTE_CALL_H

#include "jobs/remote.h"

/* On the host of a server that is listed. */
bool remote_is_listed(const struct config *config, const char *url);
/* A call of a listed server, with what workflows.credentials has for the address; or of any public address, with nothing. */
bool remote_call(const struct config *config, const struct fetch *wish, struct fetched *ret_answer, struct err *err) MUST_USE;
/* Its answer, which must be good, as JSON (`ret_json` NULL: as it is). `body` NULL: GET, unless `method` is given. */
bool remote_json(const struct config *config, const char *method, const char *url, const char *body, json_t **ret_json,
                 struct fetched *answer, struct err *err) MUST_USE;
/* False with what the server says: Unreachable when it may be tried again, else RemoteRefused. */
bool remote_refused(const char *url, const struct fetched *answer, struct err *err);
/* An address that a server told: it must be its own (NULL, with the reason). The caller frees. */
char *remote_beside(const struct config *config, const char *base, const char *reference, struct err *err);

#endif
