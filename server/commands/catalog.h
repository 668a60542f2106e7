/* The parts of `sentier catalog`: one file each. argv[0] is the part's name. */
#ifndef COMMANDS_CATALOG_H
#define COMMANDS_CATALOG_H

#include "commands/command.h"
#include "ingest/intake.h"
#include "store/cluster.h"

/* What every part that writes has open. */
struct catalog_session {
    struct config *config;
    struct store *store;
    struct db *db;
    char *folders;         /* of the intake */
    struct intake *intake; /* problems go to standard error */
    size_t unread;         /* products and lines that gave no item */
};
bool catalog_session_open(int *argc, char **argv, struct catalog_session *ret_session,
                          struct err *err) MUST_USE;
void catalog_session_close(struct catalog_session *session);
/* Finishes the intake, says what was stored; the exit status. */
int catalog_session_end(struct catalog_session *session);

int catalog_add(int argc, char **argv);
int catalog_import(int argc, char **argv);
int catalog_list(int argc, char **argv);
int catalog_synthesize(int argc, char **argv);
int catalog_harvest(int argc, char **argv);
int catalog_place(int argc, char **argv); /* endpoint and place */

#endif
