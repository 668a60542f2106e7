/* A token is a sealed JSON array: direction, digest of the search it belongs to, and the cursor. The
 * digest is over conditions and order, not over limit and fields: a client may change those between
 * pages. */
#include "api/stac/params.h"
#include "auth/auth.h"
#include "json/js.h"
#include "json/js_text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* FNV-1a over texts, each with its end; NULL is unlike "". */
static uint64_t mix(uint64_t hash, const char *text)
{
    if (!text)
        return (hash ^ 0xff) * 0x100000001b3u;
    for (size_t i = 0;; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
        if (!text[i])
            return hash;
    }
}

static uint64_t mix_list(uint64_t hash, size_t count, const char *const *list)
{
    for (size_t i = 0; i < count; i++)
        hash = mix(hash, list[i]);
    return mix(hash, NULL);
}

static uint64_t mix_tree(uint64_t hash, const struct cql2_node *tree)
{
    AUTO(text) struct text text = { 0 };

    if (tree)
        cql2_write_text(tree, &text);
    return mix(hash, text.data);
}

/* Before the filter is checked, which may change how it is written. */
void params_digest(struct search_params *p)
{
    const struct item_search *s = &p->search;
    uint64_t hash = 0xcbf29ce484222325u ^ p->where;

    hash = mix_list(hash, s->where.n_collections, s->where.collections);
    hash = mix_list(hash, s->where.n_ids, s->where.ids);
    hash = mix(mix(mix(hash, s->where.start), s->where.end), s->where.geometry);
    hash = mix_tree(mix_tree(hash, s->where.words), p->filter);
    for (size_t i = 0; i < s->n_sorts; i++)
        hash = mix(mix(hash, s->sorts[i].property), s->sorts[i].descending ? "-" : "+");
    snprintf(p->digest, sizeof p->digest, "%016" PRIx64, hash);
}

const char *params_token(const struct search_params *params, const struct item_cursor *cursor,
                         bool backwards)
{
    AUTO(json) json_t *values = json_array(), *token = NULL;
    AUTO(text) struct text text = { 0 };

    for (size_t i = 0; i < params->search.n_sorts; i++)
        json_array_append_new(values, js_text_or_null(cursor->values[i]));
    token = json_pack("[b,s,O,s,s,I]", backwards, params->digest, values,
                      cursor->datetime ? cursor->datetime : "", cursor->id,
                      (json_int_t)cursor->collection);
    js_text_add(&text, token);
    AUTO(mem) char *sealed = auth_seal(text.data);

    return arena_text(params->arena, sealed);
}

static bool read_values(struct search_params *p, const json_t *values, struct item_cursor *cursor)
{
    json_t *value;
    size_t i;

    if (json_array_size(values) != p->search.n_sorts)
        return false;
    json_array_foreach((json_t *)values, i, value)
        cursor->values[i] = arena_text(p->arena, json_string_value(value));
    return true;
}

bool params_read_token(struct search_params *params, struct err *err)
{
    AUTO(mem) char *text = NULL;
    AUTO(json) json_t *token = NULL;
    struct item_cursor *cursor = arena_alloc(params->arena, sizeof *cursor);
    const char *place = "token", *found, *datetime, *id;
    struct err ignored = { 0 };
    json_t *values;
    json_int_t collection;
    int backwards;

    if (!auth_unseal(params->token, &text, &ignored) ||
        !js_parse(text, strlen(text), 4, &token, &ignored) ||
        json_unpack(token, "[b,s,o,s,s,I!]", &backwards, &found, &values, &datetime, &id, &collection))
        return err_set(err, ERR_InvalidParameter, "%s: was not given by this service", place);
    if (strcmp(params->digest, found) || !read_values(params, values, cursor))
        return err_set(err, ERR_InvalidParameter,
                       "%s: belongs to a search with other parameters; only limit, fields and count may "
                       "change between pages", place);
    cursor->datetime = arena_text(params->arena, datetime);
    cursor->id = arena_text(params->arena, id);
    cursor->collection = collection;
    params->search.after = cursor;
    params->search.backwards = backwards;
    return true;
}
