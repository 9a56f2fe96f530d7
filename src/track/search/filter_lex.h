/* filter_lex.h: the words of MLflow's search language. Private to filter*.c. */
#ifndef CHERT_TRACK_FILTER_LEX_H
#define CHERT_TRACK_FILTER_LEX_H

#include <stdbool.h>
#include <stddef.h>

typedef enum ch_filter_token_kind {
    CH_TOKEN_END,
    CH_TOKEN_NAME, /* words and quoted words joined by dots; also "text", which may be a value */
    CH_TOKEN_TEXT, /* 'text' */
    CH_TOKEN_INTEGER,
    CH_TOKEN_REAL,
    CH_TOKEN_OPERATOR, /* = != < > ... */
    CH_TOKEN_OPEN,
    CH_TOKEN_CLOSE,
    CH_TOKEN_COMMA,
    CH_TOKEN_SEMICOLON,
    CH_TOKEN_BAD /* an unclosed quote, or a character with no meaning */
} ch_filter_token_kind;

typedef struct ch_filter_token {
    ch_filter_token_kind kind;
    const char *start; /* with its quotes */
    size_t len;
} ch_filter_token;

/* The token at *at, which is moved behind it. */
ch_filter_token ch_filter_next_token(const char **at);
/* Whether it is this word, in any case; never a quoted one. */
bool ch_filter_token_is(const ch_filter_token *token, const char *word);

#endif
