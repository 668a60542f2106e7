/* Migrations. Table schema_version has a row for each one applied; an advisory lock keeps two
 * programs from applying the same one. A migration and its row are one transaction, so that a crash
 * leaves all of it or nothing. */
#include "store/migrate.h"
#include "base/mem.h"

/* Any number, the same in all programs: "Sentier" in ASCII. */
#define LOCK_KEY "23473948140856690"

#define MIGRATION(number, file) extern const char sql_migration_##number[];
#include "sql/migrations.def"
#undef MIGRATION

static const struct migration {
    int number;
    const char *file, *sql;
} migrations[] = {
#define MIGRATION(number_, file_) { number_, file_, sql_migration_##number_ },
#include "sql/migrations.def"
#undef MIGRATION
};

int migrate_newest(void)
{
    return migrations[ARRAY_LEN(migrations) - 1].number;
}

/* 0 for an empty database. */
static bool current_version(struct db *db, int *ret_number, struct err *err)
{
    AUTO(rows) PGresult *exists = NULL, *rows = NULL;

    *ret_number = 0;
    if (!db_query(db, &exists, "SELECT to_regclass('public.schema_version') IS NOT NULL", DB_NO_ARGS,
                  err))
        return false;
    if (!row_bool(exists, 0, 0))
        return true;
    if (!db_query(db, &rows, "SELECT coalesce(max(number), 0) FROM schema_version", DB_NO_ARGS, err))
        return false;
    *ret_number = (int)row_int(rows, 0, 0);
    return true;
}

static bool refuse_newer(int version, struct err *err)
{
    return err_set(err, ERR_DatabaseNewer,
                   "The database has version %d, this program knows only %d: use the newer program.",
                   version, migrate_newest());
}

bool migrate_check(struct db *db, struct err *err)
{
    int version;

    if (!current_version(db, &version, err))
        return false;
    if (version > migrate_newest())
        return refuse_newer(version, err);
    if (version < migrate_newest())
        return err_set(err, ERR_DatabaseFailed,
                       "The database has version %d, this program needs %d: run 'sentier migrate'.",
                       version, migrate_newest());
    return true;
}

static bool apply(struct db *db, void *arg, struct err *err)
{
    const struct migration *m = arg;

    if (!db_script(db, m->sql, err))
        return err_prefix(err, "%s", m->file);
    return db_run(db, "INSERT INTO schema_version(number, file) VALUES ($1, $2)",
                  DB_ARGS(db_int(m->number), db_text(m->file)), err);
}

static bool apply_missing(struct db *db, int *ret_applied, struct err *err)
{
    int version;

    if (!db_script(db,
                   "CREATE TABLE IF NOT EXISTS schema_version("
                   "  number int PRIMARY KEY, file text NOT NULL,"
                   "  applied timestamptz NOT NULL DEFAULT now())",
                   err))
        return false;
    if (!current_version(db, &version, err))
        return false;
    if (version > migrate_newest())
        return refuse_newer(version, err);
    for (size_t i = 0; i < ARRAY_LEN(migrations); i++) {
        struct migration m = migrations[i];

        if (m.number <= version)
            continue;
        if (!db_transact(db, apply, &m, err))
            return false;
        ++*ret_applied;
    }
    return true;
}

bool migrate_run(struct db *db, int *ret_applied, struct err *err)
{
    struct err ignored = { 0 };
    int version;
    bool good;

    *ret_applied = 0;
    if (!current_version(db, &version, err))
        return false;
    if (version == migrate_newest())
        return true;
    if (version > migrate_newest())
        return refuse_newer(version, err);
    if (!db_script(db, "SELECT pg_advisory_lock(" LOCK_KEY ")", err))
        return false;
    good = apply_missing(db, ret_applied, err);
    if (!db_script(db, "SELECT pg_advisory_unlock(" LOCK_KEY ")", &ignored))
        return good; /* the lock ends with the session */
    return good;
}
