/* lex.h: Spark SQL text as tokens. Private to the parser (parse_*.c). */
#ifndef CHERT_FRAME_LEX_H
#define CHERT_FRAME_LEX_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum ch_token_kind {
    CH_TK_END,
    CH_TK_WORD,     /* identifier or keyword, as written */
    CH_TK_QUOTED,   /* `identifier`: text without the quotes */
    CH_TK_STRING,   /* string literal: text with the escapes done */
    CH_TK_INTEGER,  /* digits only */
    CH_TK_DECIMAL,  /* digits with a point */
    CH_TK_EXPONENT, /* with an exponent */
    CH_TK_SUFFIXED, /* number with a type suffix: text without it, suffix in `suffix` */
    CH_TK_OPERATOR, /* one of the operators and punctuation marks */
    CH_TK_PARAMETER /* :name (text = name) */
} ch_token_kind;

typedef struct ch_token {
    ch_token_kind kind;
    const char *text;  /* NUL-terminated, in the arena */
    size_t len;        /* strings may hold NULs */
    char suffix;       /* 'L' 'S' 'Y' 'F' 'D' 'B' (BD) of CH_TK_SUFFIXED */
    size_t start, end; /* bytes of the source */
} ch_token;

/* Adds to a message of an error at byte `start` of `text` where that is, as Spark's ParseException words it. */
void ch_locate_in_text(const char *text, size_t start, ch_error *err);
/* All tokens of `text`, the last one CH_TK_END. err: PARSE_SYNTAX_ERROR, UNCLOSED_BRACKETED_COMMENT. */
int ch_lex(ch_arena *arena, const char *text, ch_token **tokens, size_t *count, ch_error *err);

#endif
