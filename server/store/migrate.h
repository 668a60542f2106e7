/* The schema of the database: numbered migrations that are built into the program. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "store/db.h"

/* The number of the last migration in this program. */
int migrate_newest(void);
/* Applies what is missing, each in a transaction of its own, under a lock. Errors: DatabaseNewer. */
bool migrate_run(struct db *db, int *ret_applied, struct err *err) MUST_USE;
/* The schema is exactly this program's. Errors: DatabaseNewer, DatabaseFailed (older). */
bool migrate_check(struct db *db, struct err *err) MUST_USE;

#endif
