/* Web services: what their files share. */
#ifndef API_OPENEO_SERVICES_H
#define API_OPENEO_SERVICES_H

#include "graph/graph.h"
#include "http/route.h"
#include "store/services.h"

enum { TILE_PIXELS = 256, TILE_ZOOMS = 25 /* 0 to 24 */ };
#define TILE_HALF 20037508.342789244 /* metres from the middle of the world to its edge (EPSG:3857) */

/* {"spatial_extent": ...} for a process that takes it: the box of a tile in degrees. The caller owns it. */
json_t *service_arguments(const json_t *process, const struct tile *tile);
struct grid service_tile_grid(const struct tile *tile);
/* Errors: NotFound for what is outside of the world. */
bool service_tile_read(const char *z, const char *x, const char *y, struct tile *ret_tile,
                       struct err *err) MUST_USE;
bool service_path_tile(struct request *rq, struct tile *ret_tile, struct err *err) MUST_USE;
/* What a configuration says about pictures: options of PNG, or NULL when nothing. The caller owns it. */
json_t *service_picture_options(const json_t *configuration);
/* "?key=.." where addresses of this service need a key; else "". In the arena. */
const char *service_key_query(struct request *rq, const struct service *service);
/* How long who may keep its tiles. */
const char *service_cache_control(const struct service *service);
/* The enabled service of this type in the address, if whoever asks may see it. Errors: ServiceNotFound,
 * AuthenticationRequired, PermissionsInsufficient. */
bool service_visit(struct request *rq, const char *type, struct service *ret_service, struct err *err) MUST_USE;
bool service_tile_reply(struct request *rq, struct reply *reply, const char *type, const struct tile *tile,
                        struct err *err) MUST_USE;

#endif
