/* What the catalogue answered is written down as JSON beside the plan, and a catalogue made of that
 * JSON answers the same again: {"collections": {id: ...}, "queries": {canonical query: [scenes]},
 * "processes": {namespace: {id: ...}}, "urls": {URL: content}, "stac": {canonical query: what was found},
 * "uploaded": {format and path: item or features}, "surveys": {which trim_cube: what its pixels told}}.
 * Numbers that JSON lacks (NaN as no-data) are texts. */
#include "graph/planner.h"
#include "base/id.h"
#include "base/instant.h"
#include "json/js.h"
#include <math.h>
#include <string.h>

static const char *const dialects[] = { [DIALECT_OPENEO] = "openeo", [DIALECT_CDSE] = "cdse" };

const char *dialect_name(enum dialect dialect)
{
    return dialects[dialect];
}

bool dialect_find(const char *name, enum dialect *ret_dialect)
{
    for (size_t i = 0; i < ARRAY_LEN(dialects); i++) {
        *ret_dialect = (enum dialect)i;
        if (!strcmp(name, dialects[i]))
            return true;
    }
    return false;
}

/* To JSON */
static json_t *number_out(double number)
{
    if (isnan(number))
        return json_string("nan");
    if (isinf(number))
        return json_string(number > 0 ? "inf" : "-inf");
    return json_real(number);
}

static json_t *info_out(const struct band_info *info)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:b}", "common_name",
                     js_text_or_null(info->common_name), "wavelength",
                     number_out(info->center_wavelength), "scale", number_out(info->scale),
                     "offset", number_out(info->offset), "categorical", info->categorical);
}

static json_t *grid_out(const struct grid *g)
{
    return json_pack("[i, o, o, o, o, I, I]", g->epsg, number_out(g->x0), number_out(g->y0),
                     number_out(g->dx), number_out(g->dy), (json_int_t)g->width,
                     (json_int_t)g->height);
}

static json_t *band_out(const struct scene_band *b)
{
    return json_pack("{s:s, s:o, s:s, s:i, s:o, s:i, s:o, s:b, s:b, s:b}", "name", b->name, "info",
                     info_out(&b->info), "href", b->href, "index", b->index, "grid",
                     grid_out(&b->grid), "pixel", (int)b->pixel, "nodata",
                     number_out(b->has_nodata ? b->nodata : 0), "has_nodata", b->has_nodata, "overviews", b->has_overviews, "radar",
                     b->is_radar);
}

static json_t *scene_out(const struct scene *s)
{
    json_t *bands = json_array();

    for (size_t i = 0; i < s->n_bands; i++)
        json_array_append_new(bands, band_out(&s->bands[i]));
    return json_pack("{s:s, s:s, s:I, s:o, s:I, s:[o,o,o,o], s:o}", "id", s->id, "collection",
                     s->collection, "instant", (json_int_t)s->instant_ms, "platform",
                     js_text_or_null(s->platform), "orbit", (json_int_t)s->orbit, "bbox",
                     number_out(s->bbox[0]), number_out(s->bbox[1]), number_out(s->bbox[2]),
                     number_out(s->bbox[3]), "bands", bands);
}

static json_t *collection_out(const struct collection_info *c)
{
    json_t *bands = json_array();

    for (size_t i = 0; i < c->n_bands; i++)
        json_array_append_new(bands, json_pack("{s:s, s:o}", "name", c->band_names[i], "info",
                                               c->bands ? info_out(&c->bands[i]) : json_null()));
    return json_pack("{s:s, s:b, s:o}", "id", c->id, "overpass", c->overpass, "bands", bands);
}

static char *query_key(const struct scene_query *q)
{
    AUTO(json) json_t *key = json_array();

    json_array_append_new(key, json_string(q->collection));
    json_array_append_new(key, json_integer(q->start));
    json_array_append_new(key, json_integer(q->end));
    for (size_t i = 0; q->has_bbox && i < 4; i++)
        json_array_append_new(key, number_out(q->bbox[i]));
    for (size_t i = 0; i < q->n_bands; i++)
        json_array_append_new(key, json_string(q->bands[i]));
    if (q->properties)
        json_array_append(key, (json_t *)q->properties);
    return js_canonical(key);
}

static json_t *section(json_t *root, const char *name)
{
    json_t *member = json_object_get(root, name);

    if (!member) {
        member = json_object();
        json_object_set_new(root, name, member);
    }
    return member;
}

static void tell_before(const struct planner *p)
{
    if (p->catalog->before)
        p->catalog->before(p->catalog->before_context);
}

bool catalog_describe(struct planner *p, const char *id, const struct collection_info **ret,
                      struct err *err)
{
    json_t *known;

    if (!p->catalog || !p->catalog->collection)
        return err_set(err, ERR_CollectionNotFound, "Collection '%.100s' does not exist.", id);
    tell_before(p);
    if (!p->catalog->collection(p->catalog->context, id, p->arena, ret, err))
        return false;
    known = section(p->scenes, "collections");
    if (!json_object_get(known, id))
        json_object_set_new(known, id, collection_out(*ret));
    return true;
}

bool catalog_ask(struct planner *p, const struct scene_query *query, struct scene_list *ret,
                 struct err *err)
{
    AUTO(mem) char *key = query_key(query);
    json_t *scenes;

    tell_before(p);
    if (!p->catalog->scenes(p->catalog->context, query, p->arena, ret, err))
        return false;
    scenes = json_array();
    for (size_t i = 0; i < ret->count; i++)
        json_array_append_new(scenes, scene_out(&ret->scenes[i]));
    json_object_set_new(section(p->scenes, "queries"), key, scenes);
    return true;
}

/* Which processes a namespace has is asked once. */
static bool space_ids(struct planner *p, const char *space, const json_t **ret_ids, struct err *err)
{
    json_t *ids = NULL;

    *ret_ids = json_object_get(p->process_ids, space);
    if (*ret_ids)
        return true;
    if (!p->catalog->process_ids(p->catalog->context, space, &ids, err))
        return false;
    if (!p->process_ids)
        p->process_ids = json_object();
    json_object_set_new(p->process_ids, space, ids);
    *ret_ids = ids;
    return true;
}

bool catalog_process(struct planner *p, const char *space, const char *id, const json_t **ret_process,
                     struct err *err)
{
    AUTO(mem) char *name = mem_printf("%.*s", (int)strcspn(id, "@"), id); /* "evi@2" is a version of "evi" */
    json_t *known, *process = NULL;
    const json_t *ids;

    *ret_process = NULL;
    if (!p->catalog || !p->catalog->process)
        return true;
    *ret_process = json_object_get(json_object_get(json_object_get(p->scenes, "processes"), space), id);
    if (*ret_process)
        return true;
    if (!space_ids(p, space, &ids, err))
        return false;
    if (!json_object_get(ids, name))
        return true;
    tell_before(p);
    if (!p->catalog->process(p->catalog->context, space, id, &process, err))
        return false;
    if (!process) /* deleted in between */
        return true;
    known = section(section(p->scenes, "processes"), space);
    json_object_set_new(known, id, process);
    *ret_process = process;
    return true;
}

bool catalog_fetch(struct planner *p, const char *url, const json_t **ret, struct err *err)
{
    json_t *known = section(p->scenes, "urls"), *json;

    *ret = json_object_get(known, url);
    if (*ret)
        return true;
    if (!p->catalog->fetch)
        return err_set(err, ERR_FeatureUnsupported, "files are not fetched here");
    tell_before(p);
    if (!p->catalog->fetch(p->catalog->fetch_context, url, &json, err))
        return false;
    json_object_set_new(known, url, json);
    *ret = json;
    return true;
}

bool catalog_udf_code(struct planner *p, const char *udf, const char **ret_code, struct err *err)
{
    json_t *known = section(p->scenes, "udfs");
    const char *told = js_text(known, udf);
    AUTO(mem) char *code = NULL;

    if (!told && !p->catalog->udf.code)
        return err_set(err, ERR_FeatureUnsupported, "files are not fetched here");
    if (!told) {
        tell_before(p);
        if (!p->catalog->udf.code(p->catalog->udf.context, udf, &code, err))
            return false;
        if (json_object_set_new(known, udf, json_string(code)))
            return err_set(err, ERR_FileContentInvalid, "the file is not text in UTF-8");
        told = js_text(known, udf);
    }
    *ret_code = arena_text(p->arena, told);
    return true;
}

uint64_t catalog_chance(struct planner *p, const struct node *node)
{
    json_t *known = section(p->scenes, "chances");
    const json_t *told = json_object_get(known, node->pointer);
    uint64_t number = (uint64_t)json_integer_value(told);

    if (told)
        return number;
    if (!p->catalog->chance || !p->catalog->chance(p->catalog->context, node->pointer, &number)) {
        id_random(&number, sizeof number);
        number >>= 1; /* JSON's integers have a sign */
    }
    json_object_set_new(known, node->pointer, json_integer((json_int_t)number));
    return number;
}

static char *udf_key(const char *pointer, const char *request)
{
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a: nobody gains by two that meet */

    for (const char *c = request; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
    return mem_printf("%s %016llx", pointer, (unsigned long long)hash);
}

bool catalog_udf_probe(struct planner *p, const struct node *node, const char *request, json_t **ret_axes,
                       struct err *err)
{
    json_t *known = section(p->scenes, "udf_results");
    AUTO(mem) char *key = udf_key(node->pointer, request);
    json_t *axes = json_incref(json_object_get(known, key));

    if (!axes && !p->catalog->udf.probe)
        return err_set(err, ERR_EstimateComplexity,
                       "Which labels the UDF of node '%.100s' gives is only known when it runs.", node->id);
    if (!axes)
        tell_before(p);
    if (!axes && !p->catalog->udf.probe(p->catalog->udf.context, node->id, node->pointer, request, &axes, err))
        return false;
    json_object_set(known, key, axes);
    *ret_axes = axes;
    return true;
}

json_t *catalog_surveyed(struct planner *p, const char *key)
{
    json_t *known = section(p->scenes, "surveys"), *told = json_object_get(known, key);

    if (!told && p->catalog && p->catalog->surveyed) {
        told = p->catalog->surveyed(p->catalog->context, key);
        json_object_set(known, key, told);
    }
    return told;
}

void catalog_note_survey(struct planner *p, const char *key, json_t *told_taken)
{
    json_object_set_new(section(p->scenes, "surveys"), key, told_taken);
}

bool catalog_stac(struct planner *p, const char *url, const struct scene_query *query, const json_t **ret,
                  struct err *err)
{
    json_t *known = section(p->scenes, "stac"), *json;
    AUTO(mem) char *key = NULL;
    struct scene_query of_url = *query;

    of_url.collection = url;
    key = query_key(&of_url);
    *ret = json_object_get(known, key);
    if (*ret)
        return true;
    if (!p->catalog->stac)
        return err_set(err, ERR_FeatureUnsupported, "nothing is fetched here");
    tell_before(p);
    if (!p->catalog->stac(p->catalog->fetch_context, url, &of_url, &json, err))
        return false;
    json_object_set_new(known, key, json);
    *ret = json;
    return true;
}

bool catalog_uploaded(struct planner *p, const char *path, const char *format, const json_t **ret, struct err *err)
{
    AUTO(mem) char *key = mem_printf("%s:%s", format, path);
    json_t *known = section(p->scenes, "uploaded"), *json;

    *ret = json_object_get(known, key);
    if (*ret)
        return true;
    if (!p->catalog->uploaded)
        return err_set(err, ERR_FileNotFound, "There are no uploaded files here");
    tell_before(p);
    if (!p->catalog->uploaded(p->catalog->fetch_context, path, format, &json, err))
        return false;
    json_object_set_new(known, key, json);
    *ret = json;
    return true;
}

bool catalog_remote_process(struct planner *p, const char *url, const char *id, const json_t **ret_process,
                            struct err *err)
{
    const json_t *document, *one;
    struct err reason = { 0 };
    size_t i;

    *ret_process = NULL;
    if (!p->catalog || !catalog_fetch(p, url, &document, &reason))
        return err_set(err, ERR_ProcessNamespaceInvalid,
                       "The value passed for namespace '%.300s' in process '%.100s' is invalid: %s", url, id,
                       reason.message);
    if (json_is_object(json_object_get(document, "process_graph"))) {
        const char *its = js_text(document, "id");

        *ret_process = its && !strcmp(its, id) ? document : NULL;
        return true;
    }
    json_array_foreach(json_object_get(document, "processes"), i, one) {
        const char *its = js_text(one, "id");

        if (its && !strcmp(its, id))
            *ret_process = one;
    }
    return true;
}

/* And back */
static double number_in(const json_t *json)
{
    const char *text = json_string_value(json);

    if (!text)
        return json_number_value(json);
    return !strcmp(text, "nan") ? NAN : !strcmp(text, "inf") ? INFINITY : -INFINITY;
}

static const char *text_in(struct arena *arena, const json_t *object, const char *key)
{
    return arena_text(arena, js_text(object, key));
}

static struct band_info info_in(struct arena *arena, const json_t *json)
{
    return (struct band_info){
        .common_name = text_in(arena, json, "common_name"),
        .center_wavelength = number_in(json_object_get(json, "wavelength")),
        .scale = number_in(json_object_get(json, "scale")),
        .offset = number_in(json_object_get(json, "offset")),
        .categorical = json_is_true(json_object_get(json, "categorical")),
    };
}

static struct grid grid_in(const json_t *json)
{
    return (struct grid){
        .epsg = (int)json_integer_value(json_array_get(json, 0)),
        .x0 = number_in(json_array_get(json, 1)),
        .y0 = number_in(json_array_get(json, 2)),
        .dx = number_in(json_array_get(json, 3)),
        .dy = number_in(json_array_get(json, 4)),
        .width = json_integer_value(json_array_get(json, 5)),
        .height = json_integer_value(json_array_get(json, 6)),
    };
}

static struct scene_band band_in(struct arena *arena, const json_t *json)
{
    return (struct scene_band){
        .name = text_in(arena, json, "name"),
        .info = info_in(arena, json_object_get(json, "info")),
        .href = text_in(arena, json, "href"),
        .index = (int)json_integer_value(json_object_get(json, "index")),
        .grid = grid_in(json_object_get(json, "grid")),
        .pixel = (enum pixel)json_integer_value(json_object_get(json, "pixel")),
        .nodata = number_in(json_object_get(json, "nodata")),
        .has_nodata = json_is_true(json_object_get(json, "has_nodata")),
        .has_overviews = json_is_true(json_object_get(json, "overviews")),
        .is_radar = json_is_true(json_object_get(json, "radar")),
    };
}

static struct scene scene_in(struct arena *arena, const json_t *json)
{
    const json_t *bands = json_object_get(json, "bands"), *bbox = json_object_get(json, "bbox");
    struct scene_band *list = arena_array(arena, json_array_size(bands), sizeof *list);
    struct scene scene = {
        .id = text_in(arena, json, "id"),
        .collection = text_in(arena, json, "collection"),
        .instant_ms = json_integer_value(json_object_get(json, "instant")),
        .platform = text_in(arena, json, "platform"),
        .orbit = json_integer_value(json_object_get(json, "orbit")),
        .n_bands = json_array_size(bands),
        .bands = list,
    };

    for (size_t i = 0; i < 4; i++)
        scene.bbox[i] = number_in(json_array_get(bbox, i));
    for (size_t i = 0; i < scene.n_bands; i++)
        list[i] = band_in(arena, json_array_get(bands, i));
    return scene;
}

static bool replay_collection(void *context, const char *id, struct arena *arena,
                              const struct collection_info **ret_info, struct err *err)
{
    const json_t *json = json_object_get(json_object_get(context, "collections"), id);
    const json_t *bands = json_object_get(json, "bands");
    struct collection_info *info = arena_alloc(arena, sizeof *info);
    const char **names = arena_array(arena, json_array_size(bands), sizeof *names);
    struct band_info *infos = arena_array(arena, json_array_size(bands), sizeof *infos);

    if (!json)
        return err_set(err, ERR_CollectionNotFound, "Collection '%.100s' does not exist.", id);
    info->id = arena_text(arena, id);
    info->n_bands = json_array_size(bands);
    info->overpass = json_is_true(json_object_get(json, "overpass"));
    info->band_names = names;
    info->bands = infos;
    for (size_t i = 0; i < info->n_bands; i++) {
        const json_t *band = json_array_get(bands, i);

        names[i] = text_in(arena, band, "name");
        if (json_is_object(json_object_get(band, "info")))
            infos[i] = info_in(arena, json_object_get(band, "info"));
        else
            info->bands = NULL;
    }
    *ret_info = info;
    return true;
}

static bool replay_scenes(void *context, const struct scene_query *query, struct arena *arena,
                          struct scene_list *ret_scenes, struct err *err)
{
    AUTO(mem) char *key = query_key(query);
    const json_t *json = json_object_get(json_object_get(context, "queries"), key);
    struct scene *scenes = arena_array(arena, json_array_size(json), sizeof *scenes);

    if (!json)
        return err_set(err, ERR_Internal, "The recorded scenes do not answer the query %.300s",
                       key);
    for (size_t i = 0; i < json_array_size(json); i++)
        scenes[i] = scene_in(arena, json_array_get(json, i));
    *ret_scenes = (struct scene_list){ .count = json_array_size(json), .scenes = scenes };
    return true;
}

static bool replay_process_ids(void *context, const char *space, json_t **ret_ids, struct err *err)
{
    const json_t *known = json_object_get(json_object_get(context, "processes"), space);
    const char *id;
    json_t *unused;

    (void)err;
    *ret_ids = json_object();
    json_object_foreach((json_t *)known, id, unused)
        json_object_setn_new(*ret_ids, id, strcspn(id, "@"), json_true());
    return true;
}

static bool replay_process(void *context, const char *space, const char *id, json_t **ret_process,
                           struct err *err)
{
    json_t *known = json_object_get(json_object_get(context, "processes"), space);

    (void)err;
    *ret_process = json_incref(json_object_get(known, id));
    return true;
}

static bool replay_url(void *context, const char *url, json_t **ret_json, struct err *err)
{
    json_t *json = json_object_get(json_object_get(context, "urls"), url);

    *ret_json = json_incref(json);
    return json || err_set(err, ERR_Internal, "The recorded files lack %.300s", url);
}

static bool replay_stac(void *context, const char *url, const struct scene_query *query, json_t **ret_found,
                        struct err *err)
{
    AUTO(mem) char *key = query_key(query);
    json_t *json = json_object_get(json_object_get(context, "stac"), key);

    *ret_found = json_incref(json);
    return json || err_set(err, ERR_Internal, "The recorded scenes lack %.300s", url);
}

static bool replay_uploaded(void *context, const char *path, const char *format, json_t **ret_document, struct err *err)
{
    AUTO(mem) char *key = mem_printf("%s:%s", format, path);
    json_t *json = json_object_get(json_object_get(context, "uploaded"), key);

    *ret_document = json_incref(json);
    return json || err_set(err, ERR_Internal, "The recorded files lack %.300s", path);
}

static bool replay_workspace(void *context, const char *id, struct err *err)
{
    (void)context, (void)id, (void)err; /* asked again when it is written to */
    return true;
}

static bool replay_chance(void *context, const char *key, uint64_t *ret_number)
{
    const json_t *told = json_object_get(json_object_get(context, "chances"), key);

    *ret_number = (uint64_t)json_integer_value(told);
    return told != NULL;
}

static json_t *replay_survey(void *context, const char *key)
{
    return json_object_get(json_object_get(context, "surveys"), key);
}

static const char *const *replay_udf_versions(void *context)
{
    static const char *const any[] = { NULL }; /* it was asked for the version when the job was planned */

    (void)context;
    return any;
}

static bool replay_udf_probe(void *context, const char *node, const char *pointer, const char *request, json_t **ret_axes,
                             struct err *err)
{
    AUTO(mem) char *key = udf_key(pointer, request);
    json_t *axes = json_object_get(json_object_get(context, "udf_results"), key);

    *ret_axes = json_incref(axes);
    return axes || err_set(err, ERR_Internal, "The recorded plan lacks what the UDF of node '%.100s' makes", node);
}

static bool replay_udf_code(void *context, const char *udf, char **ret_code, struct err *err)
{
    const char *code = js_text(json_object_get(context, "udfs"), udf);

    *ret_code = mem_text(code);
    return code || err_set(err, ERR_Internal, "The recorded files lack %.300s", udf);
}

struct catalog catalog_replay(json_t *scenes)
{
    return (struct catalog){ .context = scenes, .collection = replay_collection, .scenes = replay_scenes,
                             .process_ids = replay_process_ids, .process = replay_process,
                             .fetch = replay_url, .fetch_context = scenes,
                             .stac = replay_stac, .uploaded = replay_uploaded, .workspace = replay_workspace,
                             .chance = replay_chance, .surveyed = replay_survey,
                             .udf = { .context = scenes, .versions = replay_udf_versions,
                                      .code = replay_udf_code, .probe = replay_udf_probe } };
}
