/* Table users and what proves who somebody is: passwords, tokens, API keys. */
#ifndef STORE_USERS_H
#define STORE_USERS_H

#include "base/id.h"
#include "store/db.h"

enum role { ROLE_NOBODY, ROLE_USER, ROLE_OPERATOR, ROLE_ADMIN };

struct user {
    char id[ID_UUID_SIZE];
    char name[128]; /* the log-in of a local user, "issuer|sub" shortened for others */
    char email[256];
    enum role role;
};

#endif
