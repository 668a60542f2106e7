/* CASEI and ACCENTI as SQL has them too (cql2_casei() and cql2_accenti() in sql/): both sides use ICU's
 * tables for letters and Unicode's normal forms, step by step the same. ASCII takes a short way. */
#include "cql2/match.h"
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

enum { DOTLESS_I = 0x131, ASIDE = 0xFDD0, SIGMA = 0x3C3, FINAL_SIGMA = 0x3C2, DAKUTEN = 0x3099,
       HANDAKUTEN = 0x309A };

struct wide { /* UTF-16, as ICU likes it */
    UChar *text;
    int32_t length;
};

typedef int32_t convert_fn(UChar *to, int32_t size, const UChar *from, int32_t length, const char *locale,
                           UErrorCode *code);

static struct wide widen(const char *text)
{
    int32_t bytes = (int32_t)strlen(text);
    struct wide wide = { mem_array((size_t)bytes + 1, sizeof(UChar)), 0 };
    UErrorCode code = U_ZERO_ERROR;

    u_strFromUTF8WithSub(wide.text, bytes + 1, &wide.length, text, bytes, 0xFFFD, NULL, &code);
    return wide;
}

static char *narrow(struct wide wide)
{
    size_t size = (size_t)wide.length * 3 + 1;
    char *text = mem_alloc(size);
    UErrorCode code = U_ZERO_ERROR;

    u_strToUTF8WithSub(text, (int32_t)size, NULL, wide.text, wide.length, 0xFFFD, NULL, &code);
    free(wide.text);
    return text;
}

/* No conversion makes text longer than this. */
static struct wide room_for(struct wide wide)
{
    return (struct wide){ mem_array((size_t)wide.length * 18 + 1, sizeof(UChar)), wide.length * 18 + 1 };
}

static struct wide convert(struct wide wide, convert_fn *fn)
{
    struct wide to = room_for(wide);
    UErrorCode code = U_ZERO_ERROR;

    to.length = fn(to.text, to.length, wide.text, wide.length, "", &code);
    free(wide.text);
    return to;
}

static void replace(struct wide wide, UChar from, UChar to)
{
    for (int32_t i = 0; i < wide.length; i++)
        if (wide.text[i] == from)
            wide.text[i] = to;
}

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

static char *convert_ascii(const char *text, char first, char last)
{
    char *copy = mem_text(text);

    for (char *p = copy; *p; p++)
        if (*p >= first && *p <= last)
            *p ^= 'a' ^ 'A';
    return copy;
}

char *cql2_casei(const char *text)
{
    struct wide wide;

    if (is_ascii(text))
        return convert_ascii(text, 'A', 'Z');
    wide = convert(widen(text), u_strToLower);
    replace(wide, DOTLESS_I, ASIDE);
    wide = convert(convert(wide, u_strToUpper), u_strToLower);
    replace(wide, ASIDE, DOTLESS_I);
    replace(wide, FINAL_SIGMA, SIGMA);
    return narrow(wide);
}

char *text_lower(const char *text)
{
    return is_ascii(text) ? convert_ascii(text, 'A', 'Z') : narrow(convert(widen(text), u_strToLower));
}

char *text_upper(const char *text)
{
    return is_ascii(text) ? convert_ascii(text, 'a', 'z') : narrow(convert(widen(text), u_strToUpper));
}

static struct wide normalize(struct wide wide, bool compose)
{
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *form = compose ? unorm2_getNFCInstance(&code) : unorm2_getNFDInstance(&code);
    struct wide to = room_for(wide);

    to.length = unorm2_normalize(form, wide.text, wide.length, to.text, to.length, &code);
    free(wide.text);
    return to;
}

char *cql2_accenti(const char *text)
{
    struct wide wide;
    int32_t kept = 0;

    if (is_ascii(text))
        return mem_text(text);
    wide = normalize(widen(text), false);
    for (int32_t i = 0; i < wide.length;) {
        int32_t start = i;
        UChar32 c;

        U16_NEXT(wide.text, i, wide.length, c);
        if (u_charType(c) == U_NON_SPACING_MARK && c != DAKUTEN && c != HANDAKUTEN)
            continue;
        for (; start < i; start++)
            wide.text[kept++] = wide.text[start];
    }
    wide.length = kept;
    return narrow(normalize(wide, true));
}
