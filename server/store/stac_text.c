/* Keeping is done once, on parsed JSON or on the text that it was parsed from; sending is a search for "\u000" and copies, so that a page of
 * items costs no parsing. */
#include "store/stac_text.h"
#include "base/mem.h"
#include "json/js.h"
#include "json/js_text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const made_here[] = { "self", "root", "parent", "collection", "items", "item",
                                         "child", "children", "next", "prev", "previous", "thumbnail",
                                         "aggregate", "aggregations", "queryables", "sortables",
                                         "http://www.opengis.net/def/rel/ogc/1.0/queryables",
                                         "http://www.opengis.net/def/rel/ogc/1.0/sortables" };

static bool is_made_here(const json_t *link)
{
    const char *rel = js_text(link, "rel");

    for (size_t i = 0; rel && i < ARRAY_LEN(made_here); i++)
        if (!strcmp(rel, made_here[i]))
            return true;
    return !rel || !json_is_string(json_object_get(link, "href"));
}

/* "/assets/a/href" or "/links/0/href" */
static bool may_begin_here(const char *pointer)
{
    const char *key = text_begins(pointer, "/assets/") ? pointer + strlen("/assets/")
                      : text_begins(pointer, "/links/") ? pointer + strlen("/links/") : NULL;

    return key && !strcmp(key + strcspn(key, "/"), "/href");
}

static bool check_string(const char *string, size_t length, bool may_begin, const char *pointer,
                         struct err *err)
{
    for (size_t i = may_begin && length && string[0] == *STAC_BASE; i < length; i++)
        if (string[i] == '\001' || string[i] == '\002')
            return err_set(err, ERR_BadRequest, "%s: the text holds control character U+%04X",
                           pointer, (unsigned)string[i]);
    return true;
}

static bool check_marks(const json_t *value, const char *pointer, bool item, struct err *err)
{
    const char *key;
    json_t *inside;
    size_t i;

    if (json_is_string(value))
        return check_string(json_string_value(value), json_string_length(value),
                            item && may_begin_here(pointer), pointer, err);
    json_object_foreach((json_t *)value, key, inside) {
        AUTO(mem) char *place = js_pointer(pointer, key);

        if (!check_string(key, strlen(key), false, place, err) || !check_marks(inside, place, item, err))
            return false;
    }
    json_array_foreach((json_t *)value, i, inside) {
        if (json_is_number(inside))
            continue;
        AUTO(mem) char *place = js_pointer_index(pointer, i);

        if (!check_marks(inside, place, item, err))
            return false;
    }
    return true;
}

static void write_members(const json_t *object, struct text *out)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value) {
        if (!strcmp(key, "links"))
            continue;
        js_text_add_string(out, key);
        text_add(out, ":");
        js_text_add(out, value);
        text_add(out, ",");
    }
}

/* Appends a value without the blanks between its tokens; the end of it. The text is known to be JSON. */
static const char *copy_value(const char *at, struct text *out)
{
    const char *run = at;
    int depth = 0;

    for (;;) {
        char c = *at;

        if (c == '"') {
            at = js_skip_string(at);
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            text_addn(out, run, (size_t)(at - run));
            run = at = js_skip_blank(at);
            continue;
        } else if (c == '{' || c == '[') {
            depth++;
            at++;
        } else if (c == '}' || c == ']') {
            if (depth-- == 0)
                break;
            at++;
        } else if (c == ',' && depth == 0) {
            break;
        } else {
            at++;
        }
    }
    text_addn(out, run, (size_t)(at - run));
    return at;
}

static void copy_members(const char *text, struct text *out)
{
    const char *at = js_skip_blank(js_skip_blank(text) + 1);

    while (*at == '"') {
        size_t before = out->length;
        bool links = text_begins(at, "\"links\"");

        at = copy_value(at, out); /* the name, its colon and its value */
        text_addn(out, ",", 1);
        if (links)
            out->length = before;
        at = js_skip_blank(at + (*at == ','));
    }
}

/* A text without an escape holds no mark, and its names are what they look like. */
static bool may_copy(const char *text)
{
    return text && !strchr(text, '\\');
}

static bool has_mark(const char *text)
{
    return strstr(text, "\\u0001") || strstr(text, "\\u0002");
}

static void write_links(const json_t *links, struct text *out)
{
    size_t i;
    json_t *link;

    json_array_foreach((json_t *)links, i, link) {
        if (is_made_here(link))
            continue;
        text_add(out, ",");
        js_text_add(out, link);
    }
    text_add(out, "]}");
}

static bool is_item(const json_t *object)
{
    const char *type = js_text(object, "type");

    return type && !strcmp(type, "Feature");
}

bool stac_text_keep(const json_t *object, const char *text, struct text *out, struct err *err)
{
    bool copied = may_copy(text), marked;
    size_t begin = out->length, links;

    text_add(out, "{");
    if (copied)
        copy_members(text, out);
    else
        write_members(object, out);
    marked = !copied && has_mark(out->data + begin);
    text_add(out, "\"links\":[\"\\u0002\"");
    links = out->length;
    write_links(json_object_get(object, "links"), out);
    /* most texts hold no mark but the one just written, and need no walk */
    return !(marked || (!copied && has_mark(out->data + links))) || check_marks(object, "", is_item(object), err);
}

/* "\\u0001" is a backslash and five letters, not an escape. */
static bool is_escape(const char *begin, const char *mark)
{
    size_t before = 0;

    while (mark - before > begin && mark[-1 - (ptrdiff_t)before] == '\\')
        before++;
    return before % 2 == 0;
}

void stac_text_send(struct text *out, const char *kept, const char *base_url, const char *links)
{
    const char *begin = kept, *mark;

    while ((mark = strstr(kept, "\\u000"))) {
        if (!is_escape(begin, mark)) {
            text_addn(out, kept, (size_t)(mark - kept) + 1);
            kept = mark + 1;
        } else if (mark[5] == '1') { /* "\u0001/data/..." */
            text_addn(out, kept, (size_t)(mark - kept));
            text_add(out, base_url);
            kept = mark + 6;
        } else if (mark[5] == '2') { /* "\u0002" with its quotes */
            text_addn(out, kept, (size_t)(mark - kept) - 1);
            text_add(out, links);
            kept = mark + 7;
        } else { /* another control character of the item's own */
            text_addn(out, kept, (size_t)(mark - kept) + 6);
            kept = mark + 6;
        }
    }
    text_add(out, kept);
}

/* FNV-1a over words of eight bytes with a fold after each. */
void stac_text_etag(const char *kept, size_t length, char ret_etag[static STAC_ETAG_SIZE])
{
    uint64_t hash = 0xcbf29ce484222325u ^ length;

    for (size_t at = 0; at < length; at += sizeof hash) {
        uint64_t word = 0;

        memcpy(&word, kept + at, length - at < sizeof word ? length - at : sizeof word);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    snprintf(ret_etag, STAC_ETAG_SIZE, "\"%016" PRIx64 "\"", hash);
}

bool stac_text_check_match(const char *kept, const char *if_match, struct err *err)
{
    char etag[STAC_ETAG_SIZE];

    stac_text_etag(kept, strlen(kept), etag);
    for (const char *at = if_match; *at;) {
        size_t length;

        at += strspn(at, ", \t");
        if (text_begins(at, "W/"))
            at += 2;
        length = strcspn(at, ", \t");
        if ((length == 1 && *at == '*') || (length == strlen(etag) && !strncmp(at, etag, length)))
            return true;
        at += length;
    }
    return err_set(err, ERR_PreconditionFailed,
                   "If-Match names %.100s, but the entity tag is now %s.", if_match, etag);
}

bool stac_text_parse(const char *kept, json_t **ret_object, struct err *err)
{
    if (!js_parse(kept, strlen(kept), JS_DEFAULT_DEPTH, ret_object, err))
        return false;
    json_array_remove(json_object_get(*ret_object, "links"), 0);
    return true;
}
