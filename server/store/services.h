/* Tables services, service_tiles and service_logs: web services that users make of process graphs. */
#ifndef STORE_SERVICES_H
#define STORE_SERVICES_H

#include "store/jobs.h"

struct service {
    char id[ID_UUID_SIZE], owner[ID_UUID_SIZE];
    const char *type, *title, *description; /* in the arena */
    json_t *process, *configuration, *request; /* service_done() */
    bool enabled;
    int revision; /* of what its tiles show */
    int64_t created, tiles;
    double seconds, costs;
};
void service_done(struct service *service);
__attribute__((unused)) static inline void service_drop(struct service *service)
{
    service_done(service);
}

struct service_input {
    const char *owner, *type, *title, *description;
    const json_t *process, *configuration, *request;
    int enabled; /* -1: as it is */
};
/* Errors: StorageQuotaExceeded when the owner has `most`. */
bool service_insert(struct db *db, const struct service_input *in, int64_t most,
                    char ret_id[static ID_UUID_SIZE], struct err *err) MUST_USE;
/* `owner` NULL: whosever it is. Errors: ServiceNotFound. */
bool service_load(struct db *db, struct arena *arena, const char *owner, const char *id,
                  struct service *ret_service, struct err *err) MUST_USE;
/* Newest first, after the service `after` (NULL: from the start). The caller drops each. Without
 * process. */
bool service_list(struct db *db, struct arena *arena, const char *owner, const char *after, int64_t limit,
                  struct service *services, size_t *ret_count, struct err *err) MUST_USE;
/* NULL leaves a member as it is; another process or configuration makes a new revision. */
bool service_update(struct db *db, const char *owner, const char *id, const struct service_input *change,
                    struct err *err) MUST_USE;
bool service_delete(struct db *db, const char *owner, const char *id, struct err *err) MUST_USE;

struct tile {
    int z;
    int64_t x, y;
};
/* The job that makes the tile: one that is at it already, or a new one. */
bool service_tile_start(struct db *db, const struct service *service, const struct tile *tile,
                        const struct job_input *in, char ret_job[static ID_UUID_SIZE],
                        struct err *err) MUST_USE;
/* A tile was made by this job: its costs are the service's. */
bool service_tile_count(struct db *db, const char *id, const struct job *job, struct err *err) MUST_USE;

/* The latest 1000 entries are kept. */
bool service_log_add(struct db *db, const char *service, const char *level, const char *code,
                     const char *message, const json_t *data, struct err *err) MUST_USE;
/* As job_log_list(). Errors: ServiceNotFound. */
bool service_log_list(struct db *db, struct arena *arena, const char *owner, const char *id,
                      const char *level, int64_t after, size_t limit, struct job_log *logs,
                      size_t *ret_count, struct err *err) MUST_USE;

#endif
