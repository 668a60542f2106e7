/* Reading goes along the index on (tx, seq). Clients know a change by its seq alone; the transaction is
 * looked up by the primary key. The text of what changed is read with it, as it is now: a reader who
 * comes late sees the last state once for each change that led to it. */
#include "store/changes.h"
#include "store/places.h"
#include "store/stac_text.h"
#include <inttypes.h>
#include <string.h>

static const char find_place[] =
    "SELECT c.tx, p.tx, p.seq, coalesce((SELECT max(seq) FROM changes), p.seq)"
    "  FROM changes_pruned p LEFT JOIN changes c ON c.seq = $1";

/* Where `since` stands in the order. What was removed last is a good place too: all after it is here. */
static bool find(struct db *db, int64_t since, struct arena *arena, const char **ret_tx,
                 int64_t *ret_seq, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, find_place, DB_ARGS(db_int(since)), err))
        return false;
    *ret_seq = since;
    if (row_text(rows, 0, 0)) {
        *ret_tx = arena_text(arena, row_text(rows, 0, 0));
        return true;
    }
    *ret_tx = arena_text(arena, row_text(rows, 0, 1));
    if (since == row_int(rows, 0, 2))
        return true;
    if (since == CHANGES_FIRST) {
        *ret_seq = row_int(rows, 0, 2);
        return true;
    }
    if (since >= 0 && since <= row_int(rows, 0, 3))
        return err_set(err, ERR_ChangesGone,
                       "Changes after %" PRId64 " were removed already; read the catalogue anew, then"
                       " follow from %" PRId64 " on", since, row_int(rows, 0, 3));
    return err_set(err, ERR_InvalidParameter,
                   "since: there was no change %" PRId64 "; the last one was %" PRId64, since,
                   row_int(rows, 0, 3));
}

static const char read_page[] =
    "SELECT ch.seq, ch.at, ch.kind, coalesce(c.id, g.id), ch.item, CASE WHEN ch.item IS NULL THEN c.body ELSE"
    "   (SELECT i.body FROM unnest(c.shelves) s(shelf) JOIN items i"
    "       ON i.shelf = s.shelf AND i.collection = c.number AND i.id = ch.item LIMIT 1) END,"
    "   coalesce(c.public, g.public, false), coalesce(c.owner, g.owner),"
    "   array_to_string(coalesce(g.readers,"
    "     ARRAY(SELECT reader FROM collection_readers r WHERE r.collection = ch.collection)), ' '),"
    "   coalesce(c.number, 0), " PLACES_OF("c.number", "ch.item", "NULL") ","
    "   EXISTS (SELECT 1 FROM places p JOIN endpoints e ON e.number = p.endpoint"
    "            WHERE p.collection = c.number AND p.item = ch.item AND e.access <> 'public')"
    "  FROM (SELECT * FROM changes WHERE (tx, seq) > ($1::xid8, $2::bigint)"
    "           AND tx < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY tx, seq LIMIT $3::bigint) ch"
    "  LEFT JOIN collections c ON c.number = ch.collection"
    "  LEFT JOIN collections_gone g ON g.number = ch.collection AND c.number IS NULL"
    " ORDER BY ch.tx, ch.seq";

static const char look_ahead[] =
    "SELECT EXISTS (SELECT 1 FROM changes WHERE tx >= pg_snapshot_xmin(pg_current_snapshot()))";

static struct change change_of(const PGresult *rows, int row, struct arena *arena)
{
    const char *text = row_text(rows, row, 5), *item = row_text(rows, row, 4);
    const char *owner = row_text(rows, row, 7), *collection = row_text(rows, row, 3);
    const char *places = row_text(rows, row, 10);
    struct change change = { .seq = row_int(rows, row, 0), .at = row_instant(rows, row, 1),
                             .kind = arena_text(arena, row_text(rows, row, 2)),
                             .collection = arena_text(arena, collection ? collection : ""),
                             .public = row_bool(rows, row, 6), .number = row_int(rows, row, 9),
                             .places_differ = row_bool(rows, row, 11) };

    change.item = item ? arena_text(arena, item) : NULL;
    change.text = text ? arena_text(arena, text) : NULL;
    change.owner = owner ? arena_text(arena, owner) : NULL;
    change.places = places ? arena_text(arena, places) : NULL;
    change.readers = arena_text(arena, row_text(rows, row, 8));
    return change;
}

bool changes_read(struct db *db, int64_t since, int64_t limit, struct changes *ret_changes,
                  struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    AUTO(rows) PGresult *ahead = NULL;
    AUTO(arena) struct arena *arena = arena_new();
    struct changes page = { .last = since };
    const char *tx;

    /* what is settled when this is asked may not have been for the page: then it comes again */
    if (!find(db, since, arena, &tx, &page.last, err) ||
        !db_query(db, &ahead, look_ahead, DB_NO_ARGS, err) ||
        !db_query(db, &rows, read_page, DB_ARGS(db_text(tx), db_int(page.last), db_int(limit + 1)), err))
        return false;
    page.count = (size_t)row_count(rows);
    page.more = page.count > (size_t)limit;
    page.unsettled = row_bool(ahead, 0, 0);
    page.count -= page.more;
    page.all = arena_array(arena, page.count + 1, sizeof *page.all);
    for (size_t i = 0; i < page.count; i++)
        page.all[i] = change_of(rows, (int)i, arena);
    if (page.count)
        page.last = page.all[page.count - 1].seq;
    page.arena = arena;
    arena = NULL;
    *ret_changes = page;
    return true;
}

void changes_done(struct changes *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        json_decref(changes->all[i].json);
    arena_free(changes->arena);
    *changes = (struct changes){ 0 };
}

bool changes_last(struct db *db, int64_t *ret_seq, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT coalesce((SELECT seq FROM changes WHERE tx < pg_snapshot_xmin(pg_current_snapshot())"
                  "                  ORDER BY tx DESC, seq DESC LIMIT 1), (SELECT seq FROM changes_pruned))",
                  DB_NO_ARGS, err))
        return false;
    *ret_seq = row_int(rows, 0, 0);
    return true;
}

bool change_may_be_told(const struct change *change, const char *viewer)
{
    if (change->public)
        return true;
    if (!viewer)
        return false;
    return (change->owner && !strcmp(change->owner, viewer)) || strstr(change->readers, viewer);
}

bool change_places(struct db *db, const struct change *change, const char *viewer, char **ret_places,
                   struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    const char *places = change->places;

    if (viewer && change->places_differ) {
        if (!db_query(db, &rows, "SELECT " PLACES_OF("$1::integer", "$2::text", "$3"),
                      DB_ARGS(db_int(change->number), db_text(change->item), db_text(viewer)), err))
            return false;
        places = row_text(rows, 0, 0);
    }
    *ret_places = places ? mem_text(places) : NULL;
    return true;
}

const json_t *change_json(struct change *change)
{
    struct err ignored = { 0 };

    if (!change->json && change->text && !stac_text_parse(change->text, &change->json, &ignored))
        return NULL;
    return change->json;
}

/* The last transaction of which nothing is young enough to be kept, and all before it. */
static const char prune[] =
    "WITH edge AS (SELECT coalesce("
    "    (SELECT min(tx) FROM changes WHERE at >= now() - $1::bigint * interval '1 s'),"
    "    pg_snapshot_xmin(pg_current_snapshot())) AS tx),"
    " gone AS (DELETE FROM changes USING edge"
    "   WHERE changes.tx < edge.tx AND changes.tx < pg_snapshot_xmin(pg_current_snapshot())"
    "   RETURNING changes.tx, changes.seq),"
    " noted AS (UPDATE changes_pruned p SET tx = g.tx, seq = g.seq"
    "   FROM (SELECT tx, seq FROM gone ORDER BY tx DESC, seq DESC LIMIT 1) g RETURNING 1),"
    " forgotten AS (DELETE FROM collections_gone g USING edge"
    "   WHERE g.at < now() - $1::bigint * interval '1 s'"
    "     AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.collection = g.number AND c.tx >= edge.tx))"
    " SELECT count(*) FROM gone";

bool changes_prune(struct db *db, int64_t keep_seconds, int64_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, prune, DB_ARGS(db_int(keep_seconds)), err))
        return false;
    *ret_count = row_int(rows, 0, 0);
    return true;
}
