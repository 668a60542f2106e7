/* What notices say about a job. */
#ifndef FEED_NOTICE_TEXT_H
#define FEED_NOTICE_TEXT_H

#include "config/config.h"
#include "store/notices.h"

/* The JSON of a call: results for "success" (links, or values as they are), else a status. The
 * caller frees. Errors: JobNotFound when it was deleted. */
bool notice_body(const struct config *config, struct db *db, const struct notice *notice,
                 char **ret_body, struct err *err) MUST_USE;
/* An e-mail in plain words. The caller frees both. Errors: JobNotFound. */
bool notice_mail(const struct config *config, struct db *db, const struct notice *notice,
                 char **ret_subject, char **ret_text, struct err *err) MUST_USE;

#endif
