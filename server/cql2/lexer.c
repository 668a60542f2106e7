/* The text is UTF-8; names follow the BNF's identifier, blanks its whitespace. A string ends at a
 * single quote; '' and \' are a quote in it, \\ is a backslash, \a \b \t \n \v \f \r are control
 * characters, and a backslash before anything else stays, so that LIKE's \% can be written plainly. */
#include "cql2/lexer.h"
#include <math.h>
#include <string.h>
#include <strings.h>

static bool refuse_at(struct lexer *lexer, size_t character, const char *expected, const char *found)
{
    return err_set(lexer->builder.err, ERR_InvalidParameter, "character %zu: expected %s, found %s",
                   character, expected, found);
}

static bool is_blank(uint32_t c)
{
    return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
           c == 0x3000;
}

static void skip_blanks(const char **text, size_t *character)
{
    uint32_t c;

    while (**text && is_blank((text_decode(*text, &c), c))) {
        *text += text_decode(*text, &c);
        ++*character;
    }
}

static size_t characters(const char *from, const char *to)
{
    size_t count = 0;

    for (; from < to; from++)
        count += ((unsigned char)*from & 0xc0) != 0x80;
    return count;
}

/* What a backslash and this character stand for; 0: themselves. */
static char escaped(char c)
{
    static const char names[] = "abtnvfr'\\", meanings[] = "\a\b\t\n\v\f\r'\\";
    const char *found = c ? strchr(names, c) : NULL;

    return found ? meanings[found - names] : '\0';
}

static bool read_quoted(struct lexer *lexer, const char *p, char quote)
{
    AUTO(text) struct text value = { 0 };

    for (; *p; p++) {
        if (*p == quote && p[1] != quote) {
            lexer->value = arena_text(lexer->builder.arena, value.data ? value.data : "");
            lexer->next = p + 1;
            return true;
        }
        if (*p == quote || (quote == '\'' && *p == '\\' && escaped(p[1]))) {
            char c = *p == quote ? quote : escaped(p[1]);

            text_addn(&value, &c, 1);
            p++;
        } else {
            text_addn(&value, p, 1);
        }
    }
    return refuse_at(lexer, lexer->character + characters(lexer->start, p),
                     quote == '\'' ? "a closing '" : "a closing \"", "the end");
}

static size_t digits(const char *p)
{
    return strspn(p, "0123456789");
}

/* BNF: digits with at most one point among or around them, and an exponent. */
static bool read_number(struct lexer *lexer)
{
    const char *p = lexer->start;

    p += digits(p);
    if (*p == '.')
        p += 1 + digits(p + 1);
    if (*p == 'e' || *p == 'E') {
        size_t sign = p[1] == '+' || p[1] == '-';

        if (digits(p + 1 + sign))
            p += 1 + sign + digits(p + 1 + sign);
    }
    lexer->next = p;
    lexer->number = strtod(lexer->start, NULL);
    if (!isfinite(lexer->number))
        return refuse_at(lexer, lexer->character, "a number that a double can hold", "a greater one");
    return true;
}

static bool read_symbol(struct lexer *lexer)
{
    static const char *const symbols[] = { "<>", "<=", ">=", "<", ">", "=", "(", ")", ",",
                                           "+",  "-",  "*",  "/", "%", "^" };
    char found[8] = "";
    uint32_t c;

    for (size_t i = 0; i < ARRAY_LEN(symbols); i++)
        if (text_begins(lexer->start, symbols[i])) {
            lexer->value = symbols[i];
            lexer->next = lexer->start + strlen(symbols[i]);
            return true;
        }
    memcpy(found, lexer->start, text_decode(lexer->start, &c));
    return refuse_at(lexer, lexer->character, "a name, a value or an operator", found);
}

static bool read_token(struct lexer *lexer)
{
    char c = *lexer->start;
    size_t name = identifier_length(lexer->start);

    if (c == '\0') {
        lexer->token = TOKEN_END;
        lexer->next = lexer->start;
        return true;
    }
    if (name) {
        char *value = arena_alloc(lexer->builder.arena, name + 1);

        memcpy(value, lexer->start, name);
        lexer->value = value;
        lexer->next = lexer->start + name;
        lexer->token = TOKEN_NAME;
        return true;
    }
    lexer->token = c == '\'' ? TOKEN_STRING : c == '"' ? TOKEN_QUOTED
                 : digits(lexer->start) || (c == '.' && digits(lexer->start + 1)) ? TOKEN_NUMBER
                                                                                : TOKEN_SYMBOL;
    if (lexer->token == TOKEN_NUMBER)
        return read_number(lexer);
    return lexer->token == TOKEN_SYMBOL ? read_symbol(lexer) : read_quoted(lexer, lexer->start + 1, c);
}

bool lexer_advance(struct lexer *lexer)
{
    skip_blanks(&lexer->next, &lexer->next_character);
    lexer->start = lexer->next;
    lexer->character = lexer->next_character;
    lexer->place = NULL;
    if (!read_token(lexer))
        return false;
    lexer->length = (size_t)(lexer->next - lexer->start);
    lexer->next_character += characters(lexer->start, lexer->next);
    return true;
}

bool lexer_start(struct lexer *lexer, const char *text)
{
    lexer->next = text;
    lexer->next_character = 1;
    return lexer_advance(lexer);
}

bool lexer_is_symbol(const struct lexer *lexer, const char *symbol)
{
    return lexer->token == TOKEN_SYMBOL && !strcmp(lexer->value, symbol);
}

bool lexer_is_keyword(const struct lexer *lexer, const char *keyword)
{
    return lexer->token == TOKEN_NAME && !strcasecmp(lexer->value, keyword);
}

bool lexer_sees(const struct lexer *lexer, char symbol)
{
    const char *p = lexer->next;
    size_t character = 0;

    skip_blanks(&p, &character);
    return *p == symbol;
}

bool lexer_refuse(struct lexer *lexer, const char *expected)
{
    AUTO(mem) char *found = mem_printf("%.*s", (int)(lexer->length < 60 ? lexer->length : 60), lexer->start);

    text_repair_utf8(found); /* it may be cut within a character */
    return refuse_at(lexer, lexer->character, expected, lexer->token == TOKEN_END ? "the end" : found);
}

bool lexer_expect(struct lexer *lexer, const char *symbol, const char *expected)
{
    return lexer_is_symbol(lexer, symbol) ? lexer_advance(lexer) : lexer_refuse(lexer, expected);
}

const char *lexer_place(struct lexer *lexer)
{
    if (!lexer->place)
        lexer->place = arena_printf(lexer->builder.arena, "character %zu", lexer->character);
    return lexer->place;
}

bool lexer_enter(struct lexer *lexer)
{
    if (++lexer->nesting <= 2 * CQL2_MAX_DEPTH)
        return true;
    return err_set(lexer->builder.err, ERR_InvalidParameter,
                   "character %zu: expected at most %d parentheses in one another, found more",
                   lexer->character, 2 * CQL2_MAX_DEPTH);
}

bool lexer_signed_number(struct lexer *lexer, double *ret_number)
{
    bool negative = lexer_is_symbol(lexer, "-");

    if ((negative || lexer_is_symbol(lexer, "+")) && !lexer_advance(lexer))
        return false;
    if (lexer->token != TOKEN_NUMBER)
        return lexer_refuse(lexer, "a number");
    *ret_number = negative ? -lexer->number : lexer->number;
    return lexer_advance(lexer);
}
