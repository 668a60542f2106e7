/* sentier user: who may use the service. One row a verb; passwords come from standard input, so that
 * they stand in no process list and no shell history. */
#include "auth/auth.h"
#include "base/instant.h"
#include "commands/command.h"
#include "store/cluster.h"
#include "store/endpoints.h"
#include "store/user_files.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 2048, MAX_ARGUMENTS = 2 };

struct call {
    struct db *db;
    const struct config *config;
    const char *argument[MAX_ARGUMENTS];
    enum role role;
    const char *email, *scopes, *expires;
};

static bool read_password(char line[static LINE_SIZE], struct err *err)
{
    if (isatty(STDIN_FILENO))
        fprintf(stderr, "Password: ");
    if (!fgets(line, LINE_SIZE, stdin))
        return err_set(err, ERR_UsageInvalid, "expected the password on standard input");
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

static bool add(struct call *call, struct err *err)
{
    char password[LINE_SIZE];

    if (!read_password(password, err) ||
        !auth_user_add(call->db, call->argument[0], call->email, password, call->role, err))
        return false;
    printf("added %s (%s)\n", call->argument[0], role_name(call->role));
    return true;
}

static bool set_password(struct call *call, struct err *err)
{
    char password[LINE_SIZE];

    if (!read_password(password, err) ||
        !auth_user_password(call->db, call->argument[0], password, err))
        return false;
    printf("changed the password of %s; sessions have ended\n", call->argument[0]);
    return true;
}

static bool list(struct call *call, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct user_row *rows;
    size_t count;
    char when[INSTANT_TEXT_SIZE];

    if (!user_list(call->db, arena, &rows, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        printf("%s\t%s\t%s\t%s\t%lld keys\t%lld jobs\t%s\n", rows[i].user.name,
               role_name(rows[i].user.role), rows[i].user.email,
               rows[i].has_password ? "password" : "no password", (long long)rows[i].keys,
               (long long)rows[i].jobs, instant_format(rows[i].created, when));
    return true;
}

static bool find(struct call *call, struct user *user, struct err *err)
{
    AUTO(mem) char *password = NULL;
    bool found;

    if (!user_load(call->db, call->argument[0], user, &password, &found, err))
        return false;
    return found || err_set(err, ERR_NotFound, "There is no user '%s'", call->argument[0]);
}

static bool make_key(struct call *call, struct err *err)
{
    struct user user;
    char key[ID_SECRET_SIZE], id[ID_UUID_SIZE];
    int64_t expires = 0;
    unsigned scopes = 0;

    if (call->expires && (!instant_parse_date(call->expires, &expires) || expires <= instant_now()))
        return err_set(err, ERR_UsageInvalid, "--expires: expected a date to come, found '%s'",
                       call->expires);
    if ((call->scopes && !key_scopes_read(call->scopes, &scopes, err)) || !find(call, &user, err) ||
        !auth_key_issue(call->db, &user, call->argument[1], scopes, expires, key, id, err))
        return false;
    fprintf(stderr, "key %s of %s; it is shown this once:\n", id, user.name);
    printf("%s\n", key);
    return true;
}

static bool list_keys(struct call *call, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct user user;
    struct api_key *keys;
    size_t count;
    char made[INSTANT_TEXT_SIZE], used[INSTANT_TEXT_SIZE];

    if (!find(call, &user, err) || !api_key_list(call->db, arena, user.id, &keys, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        printf("%s\t%s\t%s\t%s\n", keys[i].id, keys[i].title, instant_format(keys[i].created, made),
               keys[i].used ? instant_format(keys[i].used, used) : "never used");
    return true;
}

static bool revoke_key(struct call *call, struct err *err)
{
    if (!api_key_remove(call->db, NULL, call->argument[0], err))
        return false;
    printf("revoked %s\n", call->argument[0]);
    return true;
}

static bool remove_user(struct call *call, struct err *err)
{
    struct user user;
    AUTO(mem) char *password = NULL;
    bool found;

    /* the row first: nobody can then put files where they were removed */
    if (!user_load(call->db, call->argument[0], &user, &password, &found, err) ||
        !user_remove(call->db, call->argument[0], err) || !user_files_remove_all(call->config, user.id, err))
        return false;
    printf("removed %s\n", call->argument[0]);
    return true;
}

static bool join(struct call *call, struct err *err)
{
    if (!group_join(call->db, call->argument[0], call->argument[1], err))
        return false;
    printf("%s is in %s\n", call->argument[0], call->argument[1]);
    return true;
}

static bool leave(struct call *call, struct err *err)
{
    if (!group_leave(call->db, call->argument[0], call->argument[1], err))
        return false;
    printf("%s is not in %s\n", call->argument[0], call->argument[1]);
    return true;
}

static const struct verb {
    const char *name;
    int arguments;
    bool (*run)(struct call *call, struct err *err);
} verbs[] = {
    { "add", 1, add },         { "list", 0, list },        { "password", 1, set_password },
    { "key", 2, make_key },    { "keys", 1, list_keys },   { "revoke", 1, revoke_key },
    { "remove", 1, remove_user }, { "join", 2, join },         { "leave", 2, leave },
};

static bool read_options(int *argc, char **argv, struct call *call, struct err *err)
{
    const char *role;

    call->role = ROLE_USER;
    if (!command_take(argc, argv, "--role", &role, err) ||
        !command_take(argc, argv, "--email", &call->email, err) ||
        !command_take(argc, argv, "--scopes", &call->scopes, err) ||
        !command_take(argc, argv, "--expires", &call->expires, err))
        return false;
    return !role || role_find(role, &call->role) ||
           err_set(err, ERR_UsageInvalid, "--role: expected user, operator or admin, found '%s'", role);
}

static bool run_verb(int argc, char **argv, struct call *call, struct err *err)
{
    for (size_t i = 0; argc >= 2 && i < ARRAY_LEN(verbs); i++) {
        if (strcmp(argv[1], verbs[i].name))
            continue;
        if (argc - 2 != verbs[i].arguments)
            return err_set(err, ERR_UsageInvalid, "user %s takes %d arguments, found %d", argv[1],
                           verbs[i].arguments, argc - 2);
        for (int k = 0; k < verbs[i].arguments; k++)
            call->argument[k] = argv[2 + k];
        AUTO(store) struct store *store = NULL;
        AUTO(db) struct db *db = NULL;

        if (!store_open(call->config, &store, err) || !db_open(store_url(store), &db, err) ||
            !auth_init(call->config, db, err))
            return false;
        call->db = db;
        return verbs[i].run(call, err);
    }
    return err_set(err, ERR_UsageInvalid,
                   "user: expected add, list, password, key, keys, revoke, remove, join or leave%s%s",
                   argc >= 2 ? ", found " : "", argc >= 2 ? argv[1] : "");
}

static int run(int argc, char **argv)
{
    struct err err = { 0 };
    struct common_options options = { 0 };
    struct call call = { 0 };
    bool good;

    if (!command_options(&argc, argv, &options, &err))
        return command_fail(&err);
    AUTO(config) struct config *config = options.config;

    call.config = config;
    good = read_options(&argc, argv, &call, &err) && run_verb(argc, argv, &call, &err);
    return good ? 0 : command_fail(&err);
}

const struct command command_user = {
    .name = "user",
    .synopsis = "add|list|password|key|keys|revoke|remove|join|leave ...",
    .summary = "who may use the service: users and API keys",
    .help =
        "  add NAME [--role user|operator|admin] [--email ADDRESS]\n"
        "                           makes a user; the password is read from standard input\n"
        "  list                     all users: name, role, e-mail, password, keys, jobs, since\n"
        "  password NAME            a new password from standard input; ends all sessions\n"
        "  key NAME TITLE [--scopes read,process,catalog] [--expires DATE]\n"
        "                           makes an API key and prints it, this once\n"
        "  keys NAME                the keys of a user: id, title, made, last used\n"
        "  revoke KEYID             ends a key\n"
        "  remove NAME              removes a user with all jobs, keys and sessions\n"
        "  join NAME GROUP          puts a user into a group, which is made with its first member\n"
        "  leave NAME GROUP         takes a user out of a group\n",
    .run = run,
};
