/* A change keeps what was there as an older version. Rows are found by one condition of who may see them. */
#include "store/deployed.h"
#include "json/js.h"
#include <stdlib.h>
#include <string.h>

/* $1: the viewer */
#define SEEN                                                                                       \
    " (p.owner = $1::uuid OR p.shared OR EXISTS (SELECT 1 FROM group_members m"                    \
    "   WHERE m.user_id = $1::uuid AND m.name = ANY(p.groups))) "

/* "evi@2": where the version begins, 0: none or none that can be. */
static int64_t version_of(const char *name, char **ret_id)
{
    const char *at = strrchr(name, '@');
    char *end;
    int64_t version;

    *ret_id = at ? mem_textn(name, (size_t)(at - name)) : mem_text(name);
    if (!at)
        return 0;
    version = strtol(at + 1, &end, 10);
    return at[1] >= '1' && at[1] <= '9' && strlen(at) < 10 && !*end ? version : -1;
}

static bool check_number(struct db *db, const char *owner, int64_t most, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT (SELECT count(*) FROM deployed_processes WHERE owner = $1::uuid)"
                  "     + (SELECT count(*) FROM deployed_versions WHERE owner = $1::uuid)",
                  DB_ARGS(db_text(owner)), err))
        return false;
    return row_int(rows, 0, 0) < most ||
           err_set(err, ERR_StorageQuotaExceeded,
                   "You have deployed %lld processes, older versions counted, and more are not kept; undeploy one first.",
                   (long long)most);
}

struct texts {
    char *groups, *description, *unit;
};

static struct texts texts_of(const struct deployed_input *in)
{
    return (struct texts){ in->groups ? json_dumps(in->groups, JSON_COMPACT) : mem_text("[]"),
                           json_dumps(in->description, JSON_COMPACT), json_dumps(in->unit, JSON_COMPACT) };
}

static void texts_drop(struct texts *texts)
{
    free(texts->groups);
    free(texts->description);
    free(texts->unit);
}

bool deployed_add(struct db *db, const char *owner, const struct deployed_input *in, int64_t most, struct err *err)
{
    AUTO(texts) struct texts texts = texts_of(in);
    AUTO(rows) PGresult *rows = NULL;

    if (!check_number(db, owner, most, err) ||
        !db_query(db, &rows,
                  "INSERT INTO deployed_processes(owner, id, mutable, shared, groups, description, unit, package,"
                  "                               package_type)"
                  " SELECT $1::uuid, $2::text, $3::boolean, $4::boolean, ARRAY(SELECT json_array_elements_text($5::json)),"
                  "        $6::json, $7::json, $8::bytea, $9::text"
                  "  WHERE NOT EXISTS (SELECT 1 FROM deployed_processes WHERE id = $2::text AND shared)"
                  " ON CONFLICT DO NOTHING RETURNING 1",
                  DB_ARGS(db_text(owner), db_text(in->id), db_bool(in->mutable_), db_bool(in->shared),
                          db_text(texts.groups), db_text(texts.description), db_text(texts.unit),
                          db_bytes(in->package, in->package_size), db_text(in->package_type)),
                  err))
        return false;
    return row_count(rows) || err_set(err, ERR_DuplicatedProcess, "There is a process '%.100s' already.", in->id);
}

/* Errors: ProcessNotFound, ImmutableProcess. */
static bool check_own(struct db *db, const char *owner, const char *id, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT p.owner = $1::uuid, p.mutable FROM deployed_processes p WHERE p.id = $2 AND" SEEN
                  " ORDER BY p.owner = $1::uuid DESC LIMIT 1",
                  DB_ARGS(db_text(owner), db_text(id)), err))
        return false;
    if (row_count(rows) == 0)
        return err_set(err, ERR_ProcessNotFound, "There is no process '%.100s'.", id);
    if (!row_bool(rows, 0, 0))
        return err_set(err, ERR_ImmutableProcess, "The process '%.100s' is somebody else's.", id);
    return row_bool(rows, 0, 1) ||
           err_set(err, ERR_ImmutableProcess, "The process '%.100s' was deployed as one that does not change.", id);
}

struct replacing {
    const char *owner;
    const struct deployed_input *in;
};

static bool replace(struct db *db, void *arg, struct err *err)
{
    const struct replacing *r = arg;
    AUTO(texts) struct texts texts = texts_of(r->in);

    return db_run(db,
                  "WITH former AS (SELECT * FROM deployed_processes WHERE owner = $1::uuid AND id = $2::text FOR UPDATE)"
                  " INSERT INTO deployed_versions SELECT owner, id, version, description, unit, package, package_type"
                  "   FROM former",
                  DB_ARGS(db_text(r->owner), db_text(r->in->id)), err) &&
           db_run(db,
                  "UPDATE deployed_processes SET version = version + 1, mutable = $3::boolean, shared = $4::boolean,"
                  "    groups = ARRAY(SELECT json_array_elements_text($5::json)), description = $6::json,"
                  "    unit = $7::json, package = $8::bytea, package_type = $9::text, updated = now()"
                  " WHERE owner = $1::uuid AND id = $2::text",
                  DB_ARGS(db_text(r->owner), db_text(r->in->id), db_bool(r->in->mutable_), db_bool(r->in->shared),
                          db_text(texts.groups), db_text(texts.description), db_text(texts.unit),
                          db_bytes(r->in->package, r->in->package_size), db_text(r->in->package_type)),
                  err);
}

bool deployed_replace(struct db *db, const char *owner, const struct deployed_input *in, int64_t most,
                      struct err *err)
{
    struct replacing arg = { owner, in };

    return check_own(db, owner, in->id, err) && check_number(db, owner, most, err) &&
           db_transact(db, replace, &arg, err);
}

bool deployed_remove(struct db *db, const char *owner, const char *id, struct err *err)
{
    return check_own(db, owner, id, err) &&
           db_run(db, "DELETE FROM deployed_processes WHERE owner = $1::uuid AND id = $2",
                  DB_ARGS(db_text(owner), db_text(id)), err);
}

/* ---- reading ---- */

void deployed_done(struct deployed *d)
{
    json_decref(d->description);
    json_decref(d->unit);
    free(d->package);
}

static int nibble(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* "\x68..." */
static char *bytes_of(const char *hex, size_t *ret_size)
{
    size_t size = (strlen(hex) - 2) / 2;
    char *bytes = mem_alloc(size + 1);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(nibble(hex[2 + 2 * i]) << 4 | nibble(hex[3 + 2 * i]));
    *ret_size = size;
    return bytes;
}

bool deployed_load(struct db *db, struct arena *arena, const char *viewer, const char *name, bool with_package,
                   struct deployed *ret_deployed, bool *ret_found, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    AUTO(mem) char *id = NULL;
    int64_t version = version_of(name, &id);

    if (!db_query(db, &rows,
                  "SELECT p.id, p.owner, coalesce(v.version, p.version), p.mutable, p.owner = $1::uuid,"
                  "       coalesce(v.description, p.description), coalesce(v.unit, p.unit),"
                  "       coalesce(v.package_type, p.package_type),"
                  "       CASE WHEN $4::boolean THEN coalesce(v.package, p.package) END"
                  "  FROM deployed_processes p LEFT JOIN deployed_versions v"
                  "    ON v.owner = p.owner AND v.id = p.id AND v.version = $3::int"
                  " WHERE p.id = $2 AND ($3::int = 0 OR p.version = $3::int OR v.version IS NOT NULL) AND" SEEN
                  " ORDER BY p.owner = $1::uuid DESC NULLS LAST, p.created, p.owner LIMIT 1",
                  DB_ARGS(db_text(viewer), db_text(id), db_int(version), db_bool(with_package)), err))
        return false;
    *ret_found = row_count(rows) > 0;
    if (!*ret_found)
        return true;
    *ret_deployed = (struct deployed){
        .id = arena_text(arena, row_text(rows, 0, 0)), .owner = arena_text(arena, row_text(rows, 0, 1)),
        .version = row_int(rows, 0, 2), .mutable_ = row_bool(rows, 0, 3), .is_own = row_bool(rows, 0, 4),
        .description = json_loads(row_text(rows, 0, 5), 0, NULL), .unit = json_loads(row_text(rows, 0, 6), 0, NULL),
        .package_type = arena_text(arena, row_text(rows, 0, 7)),
    };
    if (with_package)
        ret_deployed->package = bytes_of(row_text(rows, 0, 8), &ret_deployed->package_size);
    return true;
}

bool deployed_list(struct db *db, const char *viewer, const char *after, int64_t limit, json_t **ret_list,
                   struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT DISTINCT ON (p.id) p.description, p.mutable, p.id FROM deployed_processes p"
                  " WHERE p.id > coalesce($2, '') AND" SEEN
                  " ORDER BY p.id, p.owner = $1::uuid DESC NULLS LAST, p.created, p.owner LIMIT $3",
                  DB_ARGS(db_text(viewer), db_text(after), db_int(limit)), err))
        return false;
    *ret_list = json_array();
    for (int i = 0; i < row_count(rows); i++) {
        json_t *description = json_loads(row_text(rows, i, 0), 0, NULL);

        json_object_set_new(description, "mutable", json_boolean(row_bool(rows, i, 1)));
        json_array_append_new(*ret_list, description);
    }
    return true;
}
