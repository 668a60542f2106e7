/* What differs: the classes \d, \w and \s, groups that are not captured, escaped characters that are
 * special nowhere else, and brackets, in which POSIX knows no escapes: there "]" must come first, "-"
 * last and "^" not first. */
#include "json/pattern.h"
#include "base/mem.h"
#include "base/text.h"
#include <stdbool.h>
#include <string.h>

static const char special[] = "\\^$.|?*+()[]{}";

/* What a class stands for within brackets; NULL: it is none. */
static const char *class_of(char letter)
{
    switch (letter) {
    case 'd': case 'D': return "0-9";
    case 'w': case 'W': return "a-zA-Z0-9_";
    case 's': case 'S': return " \t\r\n\f\v";
    default: return NULL;
    }
}

static char control_of(char letter)
{
    static const char letters[] = "tnrfv", controls[] = "\t\n\r\f\v";
    const char *at = letter ? strchr(letters, letter) : NULL;

    return at ? controls[at - letters] : letter;
}

static bool is_plain(char letter) /* escaped it stands for itself */
{
    return letter && (strchr(special, letter) || strchr("/-tnrfv\"'", letter) || (unsigned char)letter < '0');
}

/* After a backslash outside brackets. */
static bool add_escaped(struct text *to, char letter)
{
    const char *class = class_of(letter);

    if (class) {
        text_printf(to, letter >= 'a' ? "[%s]" : "[^%s]", class);
        return true;
    }
    if (!is_plain(letter))
        return false;
    letter = control_of(letter);
    text_printf(to, strchr(special, letter) ? "\\%c" : "%c", letter);
    return true;
}

/* From after "[" to after "]". NULL: it cannot be said. */
static const char *add_brackets(struct text *to, const char *at)
{
    AUTO(text) struct text inside = { 0 };
    bool not = *at == '^', closing = false, dash = false, hat = false, after_class = false;

    for (at += not; *at && *at != ']'; at++) {
        const char *class;
        bool escaped = *at == '\\';

        if (escaped && !*++at)
            return NULL;
        class = escaped ? class_of(*at) : NULL;
        if (escaped && (class ? *at < 'a' : !is_plain(*at)))
            return NULL;
        if (class)
            text_add(&inside, class);
        else if (*at == ']')
            closing = true;
        else if (*at == '^')
            hat = true;
        else if (*at == '-' && (escaped || after_class || !inside.length || at[1] == ']'))
            dash = true;
        else if (*at == '[' && strchr(".:=", at[1]))
            return NULL; /* POSIX would begin a class of its own */
        else
            text_printf(&inside, "%c", escaped ? control_of(*at) : *at);
        after_class = class != NULL;
    }
    if (!*at || (!inside.length && !closing && !dash && (!hat || !not)))
        return NULL;
    text_printf(to, "[%s%s%s%s]", not ? "^" : "", closing ? "]" : "", inside.length ? inside.data : "",
                !hat ? (dash ? "-" : "") : !dash ? "^" : !inside.length && !closing ? "-^" : "^-");
    return at + 1;
}

char *pattern_posix(const char *pattern)
{
    AUTO(text) struct text to = { 0 };

    for (const char *at = pattern; *at;) {
        if (*at == '\\') {
            if (!add_escaped(&to, at[1]))
                return NULL;
            at += 2;
        } else if (*at == '[') {
            at = add_brackets(&to, at + 1);
            if (!at)
                return NULL;
        } else if (!strncmp(at, "(?", 2)) {
            if (at[2] != ':')
                return NULL;
            text_add(&to, "(");
            at += 3;
        } else if (strchr("?*+}", *at) && at[1] == '?') {
            text_printf(&to, "%c", *at); /* how much it takes does not matter for whether it fits */
            at += 2;
        } else {
            text_printf(&to, "%c", *at++);
        }
    }
    text_add(&to, "");
    return text_take(&to);
}
