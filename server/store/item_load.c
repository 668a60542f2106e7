/* Single items. */
#include "base/text.h"
#include "store/items.h"
#include "store/places.h"

bool item_load(struct db *db, struct arena *arena, const char *viewer, const char *collection,
               const char *id, const char **ret_text, const char **ret_places, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    const char *unused;

    if (!db_query(db, &rows,
                  "SELECT i.body, " PLACES_OF("i.collection", "i.id", "$3") " FROM items i JOIN collections c ON c.number = i.collection"
                  " WHERE c.id = $1 AND i.id = $2 AND " COLLECTION_VISIBLE("$3"),
                  DB_ARGS(db_text(collection), db_text(id), db_text(viewer)), err))
        return false;
    if (row_count(rows) == 0) {
        if (!collection_text(db, arena, viewer, collection, &unused, err))
            return false;
        return err_set(err, ERR_ItemNotFound, "The collection '%.200s' has no item '%.200s'.",
                       collection, id);
    }
    *ret_text = arena_text(arena, row_text(rows, 0, 0));
    *ret_places = arena_text(arena, row_text(rows, 0, 1));
    return true;
}
