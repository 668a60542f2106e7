/* Passwords of local users. */
#ifndef AUTH_BASIC_H
#define AUTH_BASIC_H

#include "store/users.h"

bool basic_init(struct err *err) MUST_USE;
/* The part of "Authorization: Basic ..." after the scheme. Errors: CredentialsInvalid,
 * TooManyRequests. */
bool basic_verify(struct db *db, const char *encoded, struct user *ret_user,
                  struct err *err) MUST_USE;
/* argon2id; the caller frees. Errors: CredentialsInvalid for a password that is too short or long. */
bool basic_hash(const char *password, char **ret_hash, struct err *err) MUST_USE;

#endif
