/* Tokens of CQL2's text, one ahead, with their places counted in characters from 1. */
#ifndef CQL2_LEXER_H
#define CQL2_LEXER_H

#include "cql2/tree.h"

enum token { TOKEN_END, TOKEN_NAME, TOKEN_QUOTED, TOKEN_STRING, TOKEN_NUMBER, TOKEN_SYMBOL };

struct lexer {
    struct builder builder;
    const char *next;      /* after the token */
    size_t next_character; /* its place */
    enum token token;
    const char *start;     /* of the token, in the text */
    size_t length;         /* its bytes there */
    size_t character;      /* its place */
    const char *place;     /* in words, once it was asked for */
    const char *value;     /* NAME, QUOTED, STRING: without quotes and escapes; SYMBOL: as written */
    double number;         /* NUMBER, which has no sign */
    size_t nesting;        /* of parentheses and of NOT, held by lexer_enter() */
};

/* `text` is NUL-terminated. */
bool lexer_start(struct lexer *lexer, const char *text);
bool lexer_advance(struct lexer *lexer);
bool lexer_is_symbol(const struct lexer *lexer, const char *symbol);
bool lexer_is_keyword(const struct lexer *lexer, const char *keyword); /* without case, not quoted */
bool lexer_sees(const struct lexer *lexer, char symbol); /* the character after the token and blanks */
/* Errors: "character 12: expected a closing ), found AND". */
bool lexer_refuse(struct lexer *lexer, const char *expected);
bool lexer_expect(struct lexer *lexer, const char *symbol, const char *expected);
/* "character 12" in the arena: the token's place. */
const char *lexer_place(struct lexer *lexer);
/* One level further in; lexer->nesting-- leaves it. */
bool lexer_enter(struct lexer *lexer);
/* A number that may have a sign. */
bool lexer_signed_number(struct lexer *lexer, double *ret_number);

/* The geometry of WKT whose name is the token: GEOMETRY (cql2/wkt.c). */
bool wkt_is_name(const struct lexer *lexer);
bool wkt_read(struct lexer *lexer, struct cql2_node **ret_node);

#endif
