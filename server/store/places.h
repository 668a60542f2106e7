/* Tables endpoints and places: where the bytes of products lie, and whether they can be read now. A
 * place is a product at an endpoint; its state changes without touching the item. What clients see
 * is put into the item's text on the way out (store/places_text.h). */
#ifndef STORE_PLACES_H
#define STORE_PLACES_H

#include "store/db.h"
#include "store/place.h"

/* --- for statements that read items: `collection` (its number), `item` (its id) and `viewer` (a user's
 * id as uuid, may be NULL) are SQL expressions ------------------------------------------------------- */

/* Whether the viewer may use endpoint e. */
#define ENDPOINT_USABLE(viewer)                                                                    \
    "(e.access = 'public' OR e.access = 'users' AND " viewer "::uuid IS NOT NULL"                  \
    " OR EXISTS (SELECT 1 FROM endpoint_users u WHERE u.endpoint = e.number"                       \
    "             AND u.user_id = " viewer "::uuid)"                                               \
    " OR EXISTS (SELECT 1 FROM endpoint_groups g JOIN group_members m ON m.name = g.name"          \
    "             WHERE g.endpoint = e.number AND m.user_id = " viewer "::uuid))"

/* order:status of an item as the viewer sees it; NULL when nothing has to be ordered. */
#define PLACES_STATUS_EXPRESSION                                                                   \
    "CASE WHEN NOT bool_or(e.kind = 'tape' OR p.state <> 'o') THEN NULL"                           \
    "     WHEN bool_or(p.state = 'o') THEN 'succeeded'"                                            \
    "     WHEN bool_or(p.state = 's') THEN 'shipping'"                                             \
    "     WHEN bool_or(p.state = 'r') THEN 'ordered' ELSE 'orderable' END"
#define PLACES_FROM(collection, item, viewer)                                                      \
    " FROM places p JOIN endpoints e ON e.number = p.endpoint"                                     \
    " WHERE p.collection = " collection " AND p.item = " item " AND " ENDPOINT_USABLE(viewer)
#define PLACES_STATUS(collection, item, viewer)                                                    \
    "(SELECT " PLACES_STATUS_EXPRESSION PLACES_FROM(collection, item, viewer) ")"

/* item_row.places: what places_text_send() takes; NULL for the many items that need no word. */
#define PLACES_OF(collection, item, viewer)                                                        \
    "(SELECT CASE WHEN bool_or(NOT e.plain OR p.state <> 'o') THEN json_build_object("             \
    "   'status', " PLACES_STATUS_EXPRESSION ","                                                   \
    "   'date', to_char(max(p.since) FILTER (WHERE p.state IN ('r', 's')),"                        \
    "                   'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"                                        \
    "   'expires', to_char(min(p.expires) FILTER (WHERE p.state = 'o'),"                           \
    "                      'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"                                     \
    "   'places', json_agg(" PLACE_OBJECT " ORDER BY (p.state = 'o') DESC, e.priority, e.number)"  \
    "   )::text END" PLACES_FROM(collection, item, viewer) ")"
#define PLACE_OBJECT                                                                               \
    "json_build_object('endpoint', e.name, 'kind', e.kind, 'title', e.title, 'plain', e.plain,"    \
    " 'root', e.root, 'url', e.url, 'scheme', e.scheme, 'state', p.state, 'href', p.href,"         \
    " 'staged', p.staged, 'size', p.size_bytes, 'since', p.since, 'expires', p.expires,"            \
    " 'problem', p.problem, 'number', e.number, 'assets', p.assets, 'types', p.types)"

/* --- places of an item ------------------------------------------------------------------------------ */

struct place_list {
    json_t *json;          /* what the places borrow from */
    int64_t collection;    /* its number */
    size_t count;
    struct place places[16];
    int64_t endpoints[16]; /* their numbers */
};
void place_list_done(struct place_list *list);
__attribute__((unused)) static inline void place_list_drop(struct place_list *list)
{
    place_list_done(list);
}

/* Best first: online before the rest, those of `site` (NULL: none) before others, then by priority.
 * Errors: CollectionNotFound, ItemNotFound when the viewer (a user's id, NULL: nobody) may not see it. */
bool places_of_item(struct db *db, const char *viewer, const char *site, const char *collection,
                    const char *item, struct place_list *ret_list, struct err *err) MUST_USE;

/* All places of an item as a JSON array of rows as places_set() takes them, with "since", "staged" and
 * "problem": for operators. Errors: ItemNotFound. */
bool places_load(struct db *db, const char *collection, const char *item, json_t **ret_places,
                 struct err *err) MUST_USE;

/* All that these items of one collection have: {item: [place object, best first]}. Items without places
 * are left out. */
bool places_of_items(struct db *db, const char *viewer, const char *site, int64_t collection,
                     size_t n_items, const char *const *items, json_t **ret_places,
                     struct err *err) MUST_USE;

/* --- writing ---------------------------------------------------------------------------------------- */

/* Within the transaction that stores items. `rows` is a JSON array of {"place": ordinal, "collection",
 * "item", "assets": {asset: href}, "types": {asset: media type}}: the files of this server behind their
 * assets. Of two for the same item the later counts. */
bool places_put_local(struct db *db, const char *rows, struct err *err) MUST_USE;

typedef void place_problem_fn(void *context, size_t index, const struct err *problem);

/* Each of `rows` is {"collection", "item", "endpoint", "state", "href", "size", "expires", "assets",
 * "types"}; what is left out stays as it is ("state" of a new place: online). {"remove": true} takes the
 * place away. Rows that cannot be are told to `problem` and left out. Jobs that wait for a product go on
 * when it is online. */
bool places_set(struct db *db, const json_t *rows, place_problem_fn *problem, void *context,
                size_t *ret_set, struct err *err) MUST_USE;

/* A product's state is offline again when its time is over (and no job is at it), or when whoever was to
 * stage it is gone. `remove` is called with the path of each copy that is not needed any more. */
bool places_expire(struct db *db, void (*remove)(void *context, const char *staged), void *context,
                   int64_t *ret_count, struct err *err) MUST_USE;
bool places_tidy(struct db *db, struct err *err) MUST_USE;
/* Whether the copy that try `token` made or is making counts. */
bool places_staged_is_known(struct db *db, const char *collection, const char *item,
                            const char *endpoint, int64_t token, bool *ret_known,
                            struct err *err) MUST_USE;

#endif
