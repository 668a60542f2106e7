/* sentier catalog endpoint and sentier catalog place: where products lie. Rows come on standard input or
 * from files, a line each: an object of JSON, or fields parted by tabs. */
#include "base/text.h"
#include "commands/catalog.h"
#include "store/endpoints.h"
#include "store/places.h"
#include "store/stagings.h"
#include "store/users.h"
#include <stdio.h>
#include <string.h>

enum { BATCH = 1000, MAX_ARGUMENTS = 4 };

struct call {
    struct db *db;
    const char *argument[MAX_ARGUMENTS];
    json_t *options; /* of endpoint set */
    const char *user, *endpoint;
};

static void print_json(const json_t *value)
{
    AUTO(mem) char *text = json_dumps(value, JSON_COMPACT);

    printf("%s\n", text);
}

/* ---- endpoints ---- */

static json_t *split_names(const char *list)
{
    json_t *names = json_array();

    while (*list) {
        size_t length = strcspn(list, ",");

        if (length)
            json_array_append_new(names, json_stringn(list, length));
        list += length + (list[length] == ',');
    }
    return names;
}

/* "--title X" sets, "--title ''" takes away. */
static bool take_options(int *argc, char **argv, struct call *call, struct err *err)
{
    static const char *const texts[] = { "kind", "title", "site", "access", "root", "url" };
    static const char *const lists[] = { "users", "groups" };
    const char *value, *priority, *scheme;

    call->options = json_object();
    for (size_t i = 0; i < ARRAY_LEN(texts) + ARRAY_LEN(lists); i++) {
        bool list = i >= ARRAY_LEN(texts);
        const char *name = list ? lists[i - ARRAY_LEN(texts)] : texts[i];
        AUTO(mem) char *option = mem_printf("--%s", name);

        if (!command_take(argc, argv, option, &value, err))
            return false;
        if (value)
            json_object_set_new(call->options, name, list     ? split_names(value)
                                                     : *value ? json_string(value)
                                                              : json_null());
    }
    if (!command_take(argc, argv, "--priority", &priority, err) ||
        !command_take(argc, argv, "--scheme", &scheme, err))
        return false;
    if (priority) {
        double number;

        if (!text_to_number(priority, &number))
            return err_set(err, ERR_UsageInvalid, "--priority: expected a number, found '%.60s'", priority);
        json_object_set_new(call->options, "priority", json_integer((json_int_t)number));
    }
    if (scheme) {
        json_t *json = NULL;

        if (*scheme && !js_parse(scheme, strlen(scheme), JS_DEFAULT_DEPTH, &json, err))
            return err_prefix(err, "--scheme");
        json_object_set_new(call->options, "scheme", json ? json : json_null());
    }
    return true;
}

static bool endpoint_set_one(struct call *call, struct err *err)
{
    bool made;

    if (!endpoint_set(call->db, call->argument[0], call->options, &made, err))
        return false;
    printf("%s %s\n", made ? "made" : "changed", call->argument[0]);
    return true;
}

static bool endpoint_remove_one(struct call *call, struct err *err)
{
    if (!endpoint_remove(call->db, call->argument[0], err))
        return false;
    printf("removed %s\n", call->argument[0]);
    return true;
}

static bool endpoint_print(struct call *call, struct err *err)
{
    AUTO(json) json_t *list = NULL;
    const json_t *endpoint;
    size_t i;

    if (!endpoint_list(call->db, &list, err))
        return false;
    json_array_foreach(list, i, endpoint)
        print_json(endpoint);
    return true;
}

/* ---- places ---- */

struct reading {
    struct db *db;
    const char *name;
    json_t *rows;
    size_t lines[BATCH];
    size_t line, bad, set;
};

static void say_problem(void *context, size_t index, const struct err *problem)
{
    struct reading *r = context;

    r->bad++;
    fprintf(stderr, "sentier: %s:%zu: %s\n", r->name, r->lines[index], problem->message);
}

/* collection, item, endpoint, state, href, size, expires; what is empty is left as it is. */
static bool read_fields(char *line, json_t **ret_row, struct err *err)
{
    static const char *const names[] = { "collection", "item", "endpoint", "state",
                                         "href",       "size", "expires" };
    AUTO(json) json_t *row = json_object();
    char *rest = line, *field;

    for (size_t i = 0; (field = strsep(&rest, "\t")); i++) {
        double number;

        if (i == ARRAY_LEN(names))
            return err_set(err, ERR_BadRequest, "expected at most %zu fields", ARRAY_LEN(names));
        if (!*field)
            continue;
        if (strcmp(names[i], "size"))
            json_object_set_new(row, names[i], json_string(field));
        else if (text_to_number(field, &number))
            json_object_set_new(row, names[i], json_integer((json_int_t)number));
        else
            return err_set(err, ERR_BadRequest, "/size: expected a number, found '%.60s'", field);
    }
    *ret_row = row;
    row = NULL;
    return true;
}

static bool send_rows(struct reading *r, struct err *err)
{
    size_t set;

    if (!places_set(r->db, r->rows, say_problem, r, &set, err))
        return false;
    r->set += set;
    json_array_clear(r->rows);
    return true;
}

static bool add_line(struct reading *r, char *line, struct err *err)
{
    json_t *row = NULL;
    struct err problem = { 0 };
    size_t at = json_array_size(r->rows);
    bool good;

    r->line++;
    line[strcspn(line, "\r\n")] = '\0';
    if (!*line || *line == '#')
        return true;
    good = *line == '{' ? js_parse(line, strlen(line), JS_DEFAULT_DEPTH, &row, &problem)
                        : read_fields(line, &row, &problem);
    r->lines[at] = r->line;
    if (!good) {
        say_problem(r, at, &problem);
        return true;
    }
    json_array_append_new(r->rows, row);
    return at + 1 < BATCH || send_rows(r, err);
}

static bool read_file(struct reading *r, const char *name, struct err *err)
{
    FILE *file = strcmp(name, "-") ? fopen(name, "re") : stdin;
    char *line = NULL;
    size_t size = 0;
    bool good = true;

    if (!file)
        return err_set(err, ERR_FileNotFound, "%s: %m", name);
    r->name = strcmp(name, "-") ? name : "standard input";
    r->line = 0;
    while (good && getline(&line, &size, file) >= 0)
        good = add_line(r, line, err);
    good = good && send_rows(r, err);
    free(line);
    if (file != stdin)
        fclose(file);
    return good;
}

static bool place_set_all(struct call *call, struct err *err)
{
    struct reading r = { .db = call->db, .rows = json_array() };
    bool good = read_file(&r, call->argument[0] ? call->argument[0] : "-", err);

    json_decref(r.rows);
    printf("%zu places set, %zu refused\n", r.set, r.bad);
    return good && (r.bad == 0 || err_set(err, ERR_BadRequest, "%zu lines were refused", r.bad));
}

static bool place_show(struct call *call, struct err *err)
{
    AUTO(json) json_t *places = NULL;
    const json_t *place;
    size_t i;

    if (!places_load(call->db, call->argument[0], call->argument[1], &places, err))
        return false;
    json_array_foreach(places, i, place)
        print_json(place);
    return true;
}

static bool place_order(struct call *call, struct err *err)
{
    AUTO(place_list) struct place_list list = { 0 };
    AUTO(mem) char *password = NULL;
    struct user user;
    bool found, ordered;

    if (!call->user)
        return err_set(err, ERR_UsageInvalid, "catalog place order: expected --user NAME");
    if (!user_load(call->db, call->user, &user, &password, &found, err) ||
        (!found && !err_set(err, ERR_NotFound, "There is no user '%s'", call->user)) ||
        !places_of_item(call->db, user.id, NULL, call->argument[0], call->argument[1], &list, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        struct product product = { list.collection, list.endpoints[i], call->argument[1] };

        if (call->endpoint ? strcmp(call->endpoint, list.places[i].endpoint) != 0
                           : list.places[i].state == PLACE_ONLINE)
            continue;
        if (!staging_order(call->db, user.id, &product, 0, &ordered, err))
            return false;
        printf("%s %s\n", list.places[i].endpoint, ordered ? "ordered" : "nothing to order");
        return true;
    }
    printf("nothing to order\n");
    return true;
}

/* ---- verbs ---- */

static const struct verb {
    const char *part, *name;
    int least, most; /* arguments */
    bool (*run)(struct call *call, struct err *err);
} verbs[] = {
    { "endpoint", "list", 0, 0, endpoint_print },
    { "endpoint", "set", 1, 1, endpoint_set_one },
    { "endpoint", "remove", 1, 1, endpoint_remove_one },
    { "place", "set", 0, 1, place_set_all },
    { "place", "show", 2, 2, place_show },
    { "place", "order", 2, 2, place_order },
};

static bool run_verb(const struct config *config, int argc, char **argv, struct call *call,
                     struct err *err)
{
    AUTO(store) struct store *store = NULL;
    AUTO(db) struct db *db = NULL;

    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(verbs); i++) {
        const struct verb *v = &verbs[i];

        if (strcmp(argv[0], v->part) || strcmp(argv[1], v->name))
            continue;
        if (argc - 2 < v->least || argc - 2 > v->most)
            return err_set(err, ERR_UsageInvalid, "catalog %s %s takes %d argument%s, found %d", v->part,
                           v->name, v->most, v->most == 1 ? "" : "s", argc - 2);
        for (int k = 2; k < argc; k++)
            call->argument[k - 2] = argv[k];
        if (!store_open(config, &store, err) || !db_open(store_url(store), &db, err))
            return false;
        call->db = db;
        return v->run(call, err);
    }
    return err_set(err, ERR_UsageInvalid, "catalog %s: expected %s, found %s", argv[0],
                   strcmp(argv[0], "place") ? "list, set or remove" : "set, show or order",
                   argc > 1 ? argv[1] : "nothing");
}

int catalog_place(int argc, char **argv)
{
    struct common_options options = { 0 };
    struct call call = { 0 };
    struct err err = { 0 };
    bool good;

    if (!command_options(&argc, argv, &options, &err))
        return command_fail(&err);
    AUTO(config) struct config *config = options.config;

    good = take_options(&argc, argv, &call, &err) &&
           command_take(&argc, argv, "--user", &call.user, &err) &&
           command_take(&argc, argv, "--endpoint", &call.endpoint, &err) &&
           run_verb(config, argc, argv, &call, &err);
    json_decref(call.options);
    return good ? 0 : command_fail(&err);
}
