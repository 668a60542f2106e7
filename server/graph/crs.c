/* The door to PROJ. A struct crs belongs to one planner, hence to one thread: contexts are not
 * shared. The last transformations are kept, since one plan asks for few different ones. */
#include "graph/planner.h"
#include <math.h>
#include <proj.h>
#include <string.h>

enum { KEPT = 8 };

struct crs {
    PJ_CONTEXT *context;
    struct {
        char from[400], to[64];
        PJ *transformation;
    } kept[KEPT];
    size_t next;
};

DEFINE_AUTO(pj, PJ *, proj_destroy)

struct crs *crs_open(void)
{
    struct crs *crs = MEM_NEW(struct crs);

    crs->context = proj_context_create();
    proj_log_level(crs->context, PJ_LOG_NONE);
    return crs;
}

void crs_close(struct crs *crs)
{
    if (!crs)
        return;
    for (size_t i = 0; i < KEPT; i++)
        proj_destroy(crs->kept[i].transformation);
    proj_context_destroy(crs->context);
    free(crs);
}

/* Axes in the order east, north whatever the authority says: all our boxes are written so. */
static PJ *transformation(struct crs *crs, const char *from, const char *to)
{
    PJ *raw, *normal;

    for (size_t i = 0; i < KEPT; i++)
        if (crs->kept[i].transformation && !strcmp(crs->kept[i].from, from) &&
            !strcmp(crs->kept[i].to, to))
            return crs->kept[i].transformation;
    if (strlen(from) >= sizeof crs->kept[0].from || strlen(to) >= sizeof crs->kept[0].to)
        return NULL;
    raw = proj_create_crs_to_crs(crs->context, from, to, NULL);
    if (!raw)
        return NULL;
    normal = proj_normalize_for_visualization(crs->context, raw);
    proj_destroy(raw);
    if (!normal)
        return NULL;
    proj_destroy(crs->kept[crs->next].transformation);
    crs->kept[crs->next].transformation = normal;
    strcpy(crs->kept[crs->next].from, from);
    strcpy(crs->kept[crs->next].to, to);
    crs->next = (crs->next + 1) % KEPT;
    return normal;
}

bool crs_transform(struct crs *crs, const char *from, const char *to, size_t n, double *x,
                   double *y)
{
    PJ *pj;

    if (!strcmp(from, to))
        return true;
    pj = transformation(crs, from, to);
    if (!pj)
        return false;
    proj_trans_generic(pj, PJ_FWD, x, sizeof *x, n, y, sizeof *y, n, NULL, 0, 0, NULL, 0, 0);
    return true;
}

bool crs_known(struct crs *crs, const char *name, bool *ret_geographic)
{
    AUTO(pj) PJ *pj = proj_create(crs->context, name);
    PJ_TYPE type;

    if (!pj || !proj_is_crs(pj))
        return false;
    type = proj_get_type(pj);
    *ret_geographic = type == PJ_TYPE_GEOGRAPHIC_2D_CRS || type == PJ_TYPE_GEOGRAPHIC_3D_CRS;
    return true;
}

int crs_epsg(struct crs *crs, const char *name)
{
    AUTO(pj) PJ *pj = proj_create(crs->context, name);
    const char *code = pj ? proj_get_id_code(pj, 0) : NULL;
    const char *authority = pj ? proj_get_id_auth_name(pj, 0) : NULL;

    return code && authority && !strcmp(authority, "EPSG") ? atoi(code) : 0;
}

bool crs_in_metres(struct crs *crs, const char *name)
{
    AUTO(pj) PJ *pj = proj_create(crs->context, name);
    AUTO(pj) PJ *system = pj ? proj_crs_get_coordinate_system(crs->context, pj) : NULL;
    const char *unit = NULL;
    double factor = 0;

    return system &&
           proj_cs_get_axis_info(crs->context, system, 0, NULL, NULL, NULL, &factor, &unit, NULL,
                                 NULL) &&
           factor == 1 && unit && (!strcmp(unit, "metre") || !strcmp(unit, "meter"));
}
