/* The command line of bubblewrap. */
#ifndef SANDBOX_WORDS_H
#define SANDBOX_WORDS_H

#include "sandbox/sandbox.h"

/* Descriptors that bubblewrap reads and writes. */
struct words_files {
    int users, groups, hosts; /* what the command finds as /etc/passwd, ... */
    int told;                 /* where bubblewrap says which process is the first one inside */
};
struct words {
    char **list; /* NULL ends */
    size_t count, capacity;
};
/* `uid`: whom the command runs as, 0: as whoever we are. The caller ends with words_done(). */
void words_make(struct words *words, const struct sandbox *s, const struct words_files *files, uid_t uid);
void words_done(struct words *words);

void words_add_all(struct words *words, const char *first, ...); /* NULL ends */
void words_add_number(struct words *words, const char *format, long long number);
/* Processes of a command: some of them are bubblewrap's and the like. */
#define WORDS_NPROC(s) ((s)->limits.processes + (s)->limits.processes / 4 + 8)

enum { SANDBOX_USER = 1000 }; /* what an ordinary user's uid is called inside */

#endif
