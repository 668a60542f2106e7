/* Languages are matched by their primary subtag ("fr-CA" is served French); of several that are liked
 * equally the first that is named wins. */
#include "api/stac/language.h"
#include "base/text.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

const struct language_row languages[LANGUAGES] = {
    [ENGLISH] = { "en", "English", "English" },
    [FRENCH] = { "fr", "Français", "French" },
};

static const char *const texts[SAYINGS][LANGUAGES] = {
#define TEXT(name, english, french) [SAY_##name] = { english, french },
#include "api/stac/texts.def"
#undef TEXT
};

/* RFC 4647: "*" or subtags of 1 to 8 letters and digits, the first of letters alone. */
static bool is_tag(const char *tag, size_t length)
{
    size_t subtag = 0;
    bool first = true;

    if (length == 1 && *tag == '*')
        return true;
    for (size_t i = 0; i < length; i++) {
        if (tag[i] == '-') {
            if (subtag == 0)
                return false;
            subtag = 0;
            first = false;
        } else if (!(first ? isalpha((unsigned char)tag[i]) : isalnum((unsigned char)tag[i])) ||
                   ++subtag > 8) {
            return false;
        }
    }
    return subtag > 0;
}

/* ";q=0.8" */
static bool read_quality(const char *text, size_t length, double *ret_quality)
{
    AUTO(mem) char *copy = mem_textn(text, length);
    char *number = copy + strspn(copy, " \t");

    *ret_quality = 1;
    if (!*number)
        return true;
    if (*number++ != ';')
        return false;
    number += strspn(number, " \t");
    if (strncasecmp(number, "q=", 2))
        return false;
    for (char *end = number + strlen(number); end > number && strchr(" \t", end[-1]);)
        *--end = '\0';
    return text_to_number(number + 2, ret_quality) && *ret_quality >= 0 && *ret_quality <= 1;
}

bool language_choose(const char *list, enum language *ret_language)
{
    double best = 0, quality;
    bool any = false;

    *ret_language = ENGLISH;
    while (*list) {
        size_t length, tag;

        list += strspn(list, ", \t");
        length = strcspn(list, ",");
        tag = strcspn(list, ",; \t");
        if (length == 0)
            break;
        if (!is_tag(list, tag) || !read_quality(list + tag, length - tag, &quality))
            return false;
        for (int i = 0; i < LANGUAGES; i++) {
            size_t primary = strcspn(list, ",;- \t");

            if (quality > best && strlen(languages[i].code) == primary &&
                !strncasecmp(list, languages[i].code, primary)) {
                best = quality;
                *ret_language = (enum language)i;
            }
        }
        any = true;
        list += length;
    }
    return any;
}

enum language language_of(const struct request *rq)
{
    const char *wanted = request_query(rq, "language"), *header = request_header(rq, "Accept-Language");
    enum language language = ENGLISH;

    if (wanted && language_choose(wanted, &language))
        return language;
    if (header && language_choose(header, &language))
        return language;
    return ENGLISH;
}

const char *say(const struct request *rq, enum say what)
{
    return texts[what][language_of(rq)];
}

void language_reply(struct request *rq, struct reply *reply)
{
    reply_header(rq, reply, "Content-Language", "%s", languages[language_of(rq)].code);
    reply_header(rq, reply, "Vary", "Accept-Language");
}

static json_t *row(const struct language_row *language)
{
    return json_pack("{s:s,s:s,s:s}", "code", language->code, "name", language->name, "alternate",
                     language->alternate);
}

void language_put(json_t *object, const struct request *rq)
{
    enum language chosen = language_of(rq);
    json_t *others = json_array();

    for (int i = 0; i < LANGUAGES; i++)
        if (i != (int)chosen)
            json_array_append_new(others, row(&languages[i]));
    json_object_set_new(object, "language", row(&languages[chosen]));
    json_object_set_new(object, "languages", others);
}
