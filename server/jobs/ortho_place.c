/* Where the product of a scene lies: on this site, on tape here, or on another server, from where it is fetched first. Credentials
 * of the site are only used for what its operators have put into the catalogue: what users name is fetched as by a stranger. */
#include "base/digest.h"
#include "base/text.h"
#include "jobs/ortho.h"
#include "jobs/product_files.h"
#include "json/js.h"
#include "raster/access.h"
#include "store/collections.h"
#include "store/places.h"
#include <string.h>

void ortho_places_done(struct ortho_places *places)
{
    free(places->offline);
    free(places->away);
}

static bool refuse_tape(const struct ortho_scene *scene, struct err *err)
{
    return err_set(err, ERR_InvalidParameter, "The product '%.200s' lies on tape; with \"restoration\": true it is fetched first",
                   scene->item);
}

/* Addresses and checksums, and whether they are called with credentials: what others fetched without them is another source. */
static void name_source(const json_t *what, char ret_source[static COPY_KEY_SIZE])
{
    AUTO(json) json_t *named = json_pack("{s:O, s:O}", "files", json_object_get(what, "files"), "credentials",
                                         json_object_get(what, "credentials"));
    AUTO(mem) char *text = js_canonical(named);

    digest_sha256(text, strlen(text), ret_source);
}

/* Once, if several scenes mean it. */
static void add_wish(struct ortho_places *p, const struct fetch_wish *wish)
{
    for (size_t i = 0; i < p->n_away; i++)
        if (!strcmp(p->away[i].source, wish->source))
            return;
    p->away = mem_grow(p->away, &p->room_away, p->n_away + 1, sizeof *p->away);
    p->away[p->n_away++] = *wish;
}

/* The copy that a task of this job has fetched, or the wish for one. Takes the files. */
static bool away(struct ortho_places *p, json_t *files_taken, bool trusted, struct ortho_scene *scene, struct err *err)
{
    AUTO(json) json_t *what = json_pack("{s:o, s:b, s:b}", "files", files_taken, "restoration", p->inputs->restoration, "credentials",
                                        trusted);
    AUTO(mem) char *text = json_dumps(what, JSON_COMPACT), *root = product_files_root(json_object_get(what, "files"));
    struct fetch_wish wish = { .item = scene->item, .what = arena_text(p->arena, text) };
    const char *folder;

    name_source(what, wish.source);
    if (!copy_of_job(p->performer->db, p->performer->work.id, wish.source, p->arena, &folder, err))
        return false;
    if (folder)
        scene->path = arena_printf(p->arena, "%s/%s", folder, root);
    else
        add_wish(p, &wish);
    return true;
}

static bool on_tape(struct ortho_places *p, const struct place_list *list, const struct ortho_scene *scene, struct err *err)
{
    if (!p->inputs->restoration)
        return refuse_tape(scene, err);
    p->offline = mem_grow(p->offline, &p->room_offline, p->n_offline + 1, sizeof *p->offline);
    p->offline[p->n_offline++] = (struct product){ list->collection, list->endpoints[0], scene->item };
    return true;
}

/* As its item says, which has no place. */
static bool by_item(struct ortho_places *p, const json_t *item, bool trusted, struct ortho_scene *scene, struct err *err)
{
    const char *document = scene->url && *scene->url ? scene->url : NULL;
    json_t *files;

    if (!product_files(item, document, &files, err))
        return false;
    if (!p->inputs->restoration && product_is_on_tape(item)) {
        json_decref(files);
        return refuse_tape(scene, err);
    }
    return away(p, files, trusted, scene, err);
}

static bool by_place(struct ortho_places *p, const struct place_list *list, struct ortho_scene *scene, struct err *err)
{
    const struct place *place = &list->places[0];
    struct raster_options options = perform_options(p->performer, p->performer->task, NULL);
    AUTO(mem) char *path = NULL, *name = NULL;
    json_t *files;

    if (place->state != PLACE_ONLINE)
        return on_tape(p, list, scene, err);
    path = place_product(place);
    if (path && *path == '/') {
        if (!access_check(&options, path, &name, err))
            return false;
        scene->path = arena_text(p->arena, name);
        return true;
    }
    return product_files_at(place, scene->item, &files, err) && away(p, files, true, scene, err);
}

bool ortho_place(struct ortho_places *p, const json_t *item, struct ortho_scene *scene, struct err *err)
{
    AUTO(place_list) struct place_list list = { 0 };
    struct performer *performer = p->performer;
    bool trusted = false;

    if (scene->url) /* none of ours */
        return by_item(p, item, false, scene, err);
    if (!places_of_item(performer->db, performer->work.owner, performer->config->catalog_site, scene->collection, scene->item, &list, err))
        return false;
    if (list.count > 0)
        return by_place(p, &list, scene, err);
    return collection_is_of_service(performer->db, scene->collection, &trusted, err) && by_item(p, item, trusted, scene, err);
}
