/* Who a request is counted for before anybody has looked at its credentials: the user that the same
 * credentials were found to be before, else the address. */
#ifndef HTTP_CALLER_H
#define HTTP_CALLER_H

#include "http/exchange.h"

struct callers;

struct callers *callers_new(void);
void callers_free(struct callers *callers);
/* Sets ex->client. On any thread. */
void caller_find(struct callers *callers, struct exchange *ex);
/* The credentials of this request are ex->rq.user's. */
void caller_learn(struct callers *callers, const struct exchange *ex);

#endif
