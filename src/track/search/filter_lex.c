/* filter_lex.c: text into the words of the search language. */
#include "track/search/filter_lex.h"

#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool starts_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool in_word(char c)
{
    return starts_word(c) || is_digit(c) || c == '$' || c == '#' || c == '@';
}

/* The end of what is quoted from `at` on, a doubled quote being one of the text; NULL when it is never closed. */
static const char *skip_quoted(const char *at)
{
    char quote = *at++;
    for (; *at; at++) {
        if (*at != quote) continue;
        if (at[1] != quote) return at + 1;
        at++;
    }
    return NULL;
}

static bool is_quote(char c)
{
    return c == '`' || c == '"' || c == '\'';
}

/* Words, `words`, "words" and, but for the first, 'words' with dots between them. */
static const char *skip_name(const char *at)
{
    for (;;) {
        if (is_quote(*at)) {
            at = skip_quoted(at);
            if (!at) return NULL;
        } else {
            while (in_word(*at)) at++;
        }
        if (*at != '.' || !(in_word(at[1]) || is_quote(at[1]))) return at;
        at++;
    }
}

static const char *skip_number(const char *at, ch_filter_token_kind *kind)
{
    *kind = CH_TOKEN_INTEGER;
    if (*at == '-' || *at == '+') at++;
    while (is_digit(*at)) at++;
    if (*at == '.') {
        *kind = CH_TOKEN_REAL;
        at++;
        while (is_digit(*at)) at++;
    }
    const char *exponent = at;
    if (*exponent == 'e' || *exponent == 'E') {
        exponent++;
        if (*exponent == '-' || *exponent == '+') exponent++;
        if (is_digit(*exponent)) {
            *kind = CH_TOKEN_REAL;
            while (is_digit(*exponent)) exponent++;
            at = exponent;
        }
    }
    if (in_word(*at)) *kind = CH_TOKEN_BAD; /* 12ab */
    while (in_word(*at)) at++;
    return at;
}

static bool starts_number(const char *at)
{
    if (*at == '-' || *at == '+') at++;
    return is_digit(*at) || (*at == '.' && is_digit(at[1]));
}

ch_filter_token ch_filter_next_token(const char **at)
{
    const char *start = *at + strspn(*at, " \t\r\n");
    const char *end = start + 1;
    ch_filter_token_kind kind = CH_TOKEN_BAD;
    switch (*start) {
    case '\0':
        kind = CH_TOKEN_END;
        end = start;
        break;
    case '(': kind = CH_TOKEN_OPEN; break;
    case ')': kind = CH_TOKEN_CLOSE; break;
    case ',': kind = CH_TOKEN_COMMA; break;
    case ';': kind = CH_TOKEN_SEMICOLON; break;
    case '\'':
        end = skip_quoted(start);
        kind = CH_TOKEN_TEXT;
        break;
    case '=':
    case '!':
    case '<':
    case '>':
        end = start + strspn(start, "=!<>~");
        kind = CH_TOKEN_OPERATOR;
        break;
    default:
        if (starts_word(*start) || *start == '`' || *start == '"') {
            end = skip_name(start);
            kind = CH_TOKEN_NAME;
        } else if (starts_number(start)) {
            end = skip_number(start, &kind);
        }
        break;
    }
    if (!end) {
        kind = CH_TOKEN_BAD;
        end = start + strlen(start);
    }
    *at = end;
    return (ch_filter_token){kind, start, (size_t)(end - start)};
}

bool ch_filter_token_is(const ch_filter_token *token, const char *word)
{
    return token->kind == CH_TOKEN_NAME && strlen(word) == token->len &&
           strncasecmp(token->start, word, token->len) == 0;
}
