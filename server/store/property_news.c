/* The process remembers what it has told the database: for each collection a table of names and the
 * types they were seen with. An item whose properties are all in there costs a look-up each and no
 * statement; that is nearly every item. What the table was told by others does not matter: telling it
 * again changes nothing there. A collection has a bounded number of names: every server holds them all. */
#include "base/instant.h"
#include "base/text.h"
#include "json/js.h"
#include "store/collections.h"
#include "store/queryables.h"
#include "store/seen.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <uthash.h>

enum { NAME_MAX_BYTES = 200, MAX_NAMES = 2000 };

struct name {
    char *name;
    unsigned types;
    UT_hash_handle hh;
};

struct told {
    char *collection;
    struct name *names;
    UT_hash_handle hh;
};

struct news {
    char *collection, *name;
    unsigned types;
};

struct property_news {
    struct news *all;
    size_t count, capacity;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct told *told;

struct property_news *property_news_new(void)
{
    return MEM_NEW(struct property_news);
}

void property_news_clear(struct property_news *news)
{
    for (size_t i = 0; i < news->count; i++) {
        free(news->all[i].collection);
        free(news->all[i].name);
    }
    news->count = 0;
}

void property_news_free(struct property_news *news)
{
    if (!news)
        return;
    property_news_clear(news);
    free(news->all);
    free(news);
}

static bool may_be_time(const char *text, size_t length)
{
    int64_t us;

    return length >= 10 && text[4] == '-' && text[7] == '-' && instant_parse_us(text, &us);
}

static unsigned type_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_TRUE:
    case JSON_FALSE:
        return SEEN_BOOLEAN;
    case JSON_INTEGER:
    case JSON_REAL:
        return SEEN_NUMBER;
    case JSON_STRING:
        return may_be_time(json_string_value(value), json_string_length(value)) ? SEEN_TIME : SEEN_STRING;
    case JSON_ARRAY:
        return SEEN_ARRAY;
    case JSON_OBJECT:
        return SEEN_OBJECT;
    default:
        return 0; /* null says nothing */
    }
}

static struct told *told_of(const char *collection)
{
    struct told *t;

    HASH_FIND_STR(told, collection, t);
    if (!t) {
        t = MEM_NEW(struct told);
        t->collection = mem_text(collection);
        HASH_ADD_KEYPTR(hh, told, t->collection, strlen(t->collection), t);
    }
    return t;
}

static bool is_told(const struct told *t, const char *key, unsigned types)
{
    struct name *name;

    HASH_FIND_STR(t->names, key, name);
    return name && (name->types & types) == types;
}

/* Items of a batch share their properties: the same news is kept once. A batch that has told this many
 * is not looked through for each further one. */
static void add(struct property_news *news, const char *collection, const char *name, unsigned types)
{
    if (news->count == MAX_NAMES)
        return;
    for (size_t i = news->count; i-- > 0;)
        if (!strcmp(news->all[i].name, name) && !strcmp(news->all[i].collection, collection)) {
            news->all[i].types |= types;
            return;
        }
    news->all = mem_grow(news->all, &news->capacity, news->count + 1, sizeof *news->all);
    news->all[news->count++] = (struct news){ mem_text(collection), mem_text(name), types };
}

void property_news_add(struct property_news *news, const json_t *item)
{
    const char *collection = js_text(item, "collection"), *key;
    json_t *properties = json_object_get(item, "properties"), *value;
    const struct told *t;

    if (!collection)
        return;
    pthread_mutex_lock(&lock);
    t = told_of(collection);
    json_object_foreach(properties, key, value) {
        unsigned types = type_of(value);

        if (types && !is_told(t, key, types) && strlen(key) <= NAME_MAX_BYTES)
            add(news, collection, key, types);
    }
    pthread_mutex_unlock(&lock);
}

static void remember(const struct news *n)
{
    struct told *t = told_of(n->collection);
    struct name *name;

    HASH_FIND_STR(t->names, n->name, name);
    if (!name && HASH_COUNT(t->names) < MAX_NAMES) {
        name = MEM_NEW(struct name);
        name->name = mem_text(n->name);
        HASH_ADD_KEYPTR(hh, t->names, name->name, strlen(name->name), name);
    }
    if (name)
        name->types |= n->types;
}

static bool insert(struct db *db, const struct property_news *news, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    const char **collections = arena_array(arena, news->count, sizeof *collections);
    const char **names = arena_array(arena, news->count, sizeof *names);
    const char **types = arena_array(arena, news->count, sizeof *types);

    for (size_t i = 0; i < news->count; i++) {
        collections[i] = news->all[i].collection;
        names[i] = news->all[i].name;
        types[i] = arena_printf(arena, "%u", news->all[i].types);
    }
    return db_run(db,
                  "WITH put AS (INSERT INTO properties AS p (collection, name, types)"
                  "  SELECT c.number, n.name, n.types"
                  "    FROM unnest($1::text[], $2::text[], $3::integer[]) AS n(collection, name, types)"
                  "    JOIN collections c ON c.id = n.collection"
                  "   WHERE $4::bigint > (SELECT count(*) FROM properties q WHERE q.collection = c.number)"
                  "      OR EXISTS (SELECT FROM properties q WHERE q.collection = c.number AND q.name = n.name)"
                  "   ORDER BY 1, 2"
                  "  ON CONFLICT (collection, name) DO UPDATE SET types = p.types | excluded.types"
                  "   WHERE p.types | excluded.types <> p.types RETURNING 1)"
                  " UPDATE catalog_version SET properties = properties + 1 WHERE EXISTS (SELECT FROM put)",
                  DB_ARGS(db_text(store_array(arena, news->count, collections)),
                          db_text(store_array(arena, news->count, names)),
                          db_text(store_array(arena, news->count, types)), db_int(MAX_NAMES)),
                  err);
}

bool property_news_store(struct db *db, struct property_news *news, struct err *err)
{
    if (news->count == 0)
        return true;
    if (!insert(db, news, err))
        return false;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < news->count; i++)
        remember(&news->all[i]);
    pthread_mutex_unlock(&lock);
    property_news_clear(news);
    return true;
}
