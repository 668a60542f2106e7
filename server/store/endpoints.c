/* SQL on table endpoints and group_members. A change is merged with what is there as JSON, checked as a
 * whole, and written back. */
#include "store/endpoints.h"
#include "base/text.h"
#include "json/js.h"
#include <string.h>

enum { NAME_MAX_BYTES = 64 };

struct input {
    const char *kind, *title, *site, *access, *root, *url;
    int64_t priority;
    json_t *users, *groups, *scheme;
};

static const char *const kinds[] = { "file", "http", "s3", "tape", NULL };
static const char *const accesses[] = { "public", "users", "listed", NULL };

static const struct js_field fields[] = {
    JS_STRING(struct input, kind, .choice = kinds),
    JS_STRING(struct input, title, .optional = true, .nullable = true, .max_len = 200),
    JS_STRING(struct input, site, .optional = true, .nullable = true, .max_len = 100),
    JS_STRING(struct input, access, .optional = true, .fallback = "public", .choice = accesses),
    JS_STRING(struct input, root, .optional = true, .nullable = true, .max_len = 1000),
    JS_STRING(struct input, url, .optional = true, .nullable = true, .max_len = 1000),
    JS_INTEGER(struct input, priority, 0, 1000000, .optional = true, .fallback_number = 100),
    JS_ARRAY(struct input, users, .optional = true, .max_len = 1000),
    JS_ARRAY(struct input, groups, .optional = true, .max_len = 1000),
    JS_OBJECT(struct input, scheme, .optional = true, .nullable = true),
    JS_END,
};

#define AS_JSON                                                                                    \
    "json_build_object('name', name, 'kind', kind, 'title', title, 'priority', priority,"          \
    " 'site', site, 'access', access, 'root', root, 'url', url, 'scheme', scheme,"                 \
    " 'users', (SELECT coalesce(json_agg(u.name ORDER BY u.name), '[]') FROM endpoint_users x"     \
    "            JOIN users u ON u.id = x.user_id WHERE x.endpoint = number),"                     \
    " 'groups', (SELECT coalesce(json_agg(g.name ORDER BY g.name), '[]') FROM endpoint_groups g"   \
    "             WHERE g.endpoint = number))"

static bool check_names(const json_t *list, const char *pointer, struct err *err)
{
    const json_t *name;
    size_t i;

    json_array_foreach((json_t *)list, i, name) {
        AUTO(mem) char *place = js_pointer_index(pointer, i);

        if (!json_is_string(name) || !*json_string_value(name))
            return js_refuse(name, place, "a name", err);
    }
    return true;
}

/* storage:schemes asks for a type and for the platform's address. */
static bool check_scheme(const json_t *scheme, struct err *err)
{
    const char *platform = js_text(scheme, "platform");

    if (!scheme)
        return true;
    if (!json_is_string(json_object_get(scheme, "type")))
        return js_refuse(json_object_get(scheme, "type"), "/scheme/type", "a string", err);
    if (!platform || !strstr(platform, "://"))
        return js_refuse(json_object_get(scheme, "platform"), "/scheme/platform",
                         "an address like https://host or https://{bucket}.host", err);
    return true;
}

static bool check(const json_t *whole, struct input *in, struct err *err)
{
    if (!js_read(whole, "", fields, JS_REFUSE_UNKNOWN, in, err) ||
        !check_names(in->users, "/users", err) || !check_names(in->groups, "/groups", err) ||
        !check_scheme(in->scheme, err))
        return false;
    if (!in->root != !in->url)
        return err_set(err, ERR_BadRequest, "/%s: root and url are given together",
                       in->root ? "url" : "root");
    if (in->url && !text_is_remote(in->url))
        return err_set(err, ERR_BadRequest, "/url: expected an address like https://host/, found '%.100s'",
                       in->url);
    return true;
}

struct change {
    const char *name;
    const json_t *members;
    bool made;
};

/* Locks the row, so that of two changes at once none is lost. */
static bool load(struct db *db, const char *name, json_t **ret_whole, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    *ret_whole = NULL;
    if (!db_query(db, &rows, "SELECT " AS_JSON "::text FROM endpoints WHERE name = $1 FOR UPDATE",
                  DB_ARGS(db_text(name)), err))
        return false;
    if (row_count(rows))
        *ret_whole = json_loads(row_text(rows, 0, 0), 0, NULL);
    return true;
}

static bool write_members(struct db *db, const char *name, const struct input *in, struct err *err)
{
    AUTO(mem) char *users = in->users ? json_dumps(in->users, 0) : mem_text("[]");
    AUTO(mem) char *groups = in->groups ? json_dumps(in->groups, 0) : mem_text("[]");
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT n FROM json_array_elements_text($1::json) n"
                  " WHERE NOT EXISTS (SELECT 1 FROM users WHERE name = n)",
                  DB_ARGS(db_text(users)), err))
        return false;
    if (row_count(rows))
        return err_set(err, ERR_BadRequest, "/users: there is no user '%.100s'", row_text(rows, 0, 0));
    return db_run(db,
                  "DELETE FROM endpoint_users USING endpoints e WHERE endpoint = e.number AND e.name = $1",
                  DB_ARGS(db_text(name)), err) &&
           db_run(db,
                  "DELETE FROM endpoint_groups USING endpoints e WHERE endpoint = e.number AND e.name = $1",
                  DB_ARGS(db_text(name)), err) &&
           db_run(db,
                  "INSERT INTO endpoint_users SELECT DISTINCT e.number, u.id FROM endpoints e, users u,"
                  "  json_array_elements_text($2::json) n WHERE e.name = $1 AND u.name = n",
                  DB_ARGS(db_text(name), db_text(users)), err) &&
           db_run(db,
                  "INSERT INTO endpoint_groups SELECT DISTINCT e.number, n FROM endpoints e,"
                  "  json_array_elements_text($2::json) n WHERE e.name = $1",
                  DB_ARGS(db_text(name), db_text(groups)), err);
}

static bool set(struct db *db, void *arg, struct err *err)
{
    struct change *c = arg;
    AUTO(json) json_t *whole = NULL;
    AUTO(mem) char *scheme = NULL;
    struct input in = { 0 };

    if (!load(db, c->name, &whole, err))
        return false;
    c->made = !whole;
    if (!whole)
        whole = json_object();
    json_object_update(whole, (json_t *)c->members);
    json_object_del(whole, "name");
    if (!check(whole, &in, err))
        return false;
    scheme = in.scheme ? json_dumps(in.scheme, JSON_COMPACT) : NULL;
    return db_run(db,
                  "INSERT INTO endpoints(name, kind, title, priority, site, access, root, url, scheme)"
                  " VALUES ($1, $2, $3, $4::integer, $5, $6, $7, $8, $9::json)"
                  " ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, title = excluded.title,"
                  "   priority = excluded.priority, site = excluded.site, access = excluded.access,"
                  "   root = excluded.root, url = excluded.url, scheme = excluded.scheme",
                  DB_ARGS(db_text(c->name), db_text(in.kind), db_text(in.title), db_int(in.priority),
                          db_text(in.site), db_text(in.access), db_text(in.root), db_text(in.url),
                          db_text(scheme)),
                  err) &&
           write_members(db, c->name, &in, err);
}

bool endpoint_set(struct db *db, const char *name, const json_t *change, bool *ret_made,
                  struct err *err)
{
    struct change c = { .name = name, .members = change };

    if (!text_is_plain_name(name, NAME_MAX_BYTES))
        return err_set(err, ERR_BadRequest,
                       "The name of an endpoint has 1 to %d letters, digits and . _ ~ -, found '%.100s'",
                       NAME_MAX_BYTES, name);
    if (!json_is_object(change))
        return js_refuse(change, "", "an object", err);
    if (!db_transact(db, set, &c, err))
        return false;
    *ret_made = c.made;
    return true;
}

bool endpoint_remove(struct db *db, const char *name, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!strcmp(name, "local"))
        return err_set(err, ERR_Conflict, "The endpoint 'local' stands for this server's own files.");
    if (!db_query(db, &rows, "DELETE FROM endpoints WHERE name = $1 RETURNING 1",
                  DB_ARGS(db_text(name)), err))
        return false;
    return row_count(rows) || err_set(err, ERR_NotFound, "There is no endpoint '%.100s'.", name);
}

bool endpoint_list(struct db *db, json_t **ret_endpoints, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT json_agg(" AS_JSON " ORDER BY priority, number)::text FROM endpoints",
                  DB_NO_ARGS, err))
        return false;
    *ret_endpoints = json_loads(row_text(rows, 0, 0), 0, NULL);
    return true;
}

/* ---- groups ---- */

static bool member(struct db *db, const char *sql, const char *user, const char *group,
                   struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!text_is_plain_name(group, NAME_MAX_BYTES))
        return err_set(err, ERR_InvalidParameter,
                       "The name of a group has 1 to %d letters, digits and . _ ~ -, found '%.100s'",
                       NAME_MAX_BYTES, group);
    if (!db_query(db, &rows, sql, DB_ARGS(db_text(user), db_text(group)), err))
        return false;
    return row_int(rows, 0, 0) || err_set(err, ERR_NotFound, "There is no user '%.100s'", user);
}

bool group_join(struct db *db, const char *user, const char *group, struct err *err)
{
    return member(db,
                  "WITH u AS (SELECT id FROM users WHERE name = $1),"
                  " added AS (INSERT INTO group_members(user_id, name) SELECT id, $2 FROM u"
                  "           ON CONFLICT DO NOTHING)"
                  " SELECT count(*) FROM u",
                  user, group, err);
}

bool group_leave(struct db *db, const char *user, const char *group, struct err *err)
{
    return member(db,
                  "WITH u AS (SELECT id FROM users WHERE name = $1),"
                  " gone AS (DELETE FROM group_members USING u WHERE user_id = id"
                  "          AND group_members.name = $2)"
                  " SELECT count(*) FROM u",
                  user, group, err);
}
