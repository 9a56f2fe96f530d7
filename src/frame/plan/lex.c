/* lex.c: the lexer of Spark's SQL dialect (the lexer rules of SqlBaseLexer.g4 are the reference). */
#include "frame/plan/lex.h"

#include "base/buf.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

typedef struct lexer {
    ch_arena *arena;
    const char *text;
    size_t at, len;
    ch_token *tokens;
    size_t count, cap;
    ch_buf scratch; /* text of the literal being read */
} lexer;

static ch_token *push(lexer *lx, ch_token_kind kind, size_t start, const char *text, size_t len)
{
    if (lx->count == lx->cap) {
        size_t cap = lx->cap ? lx->cap * 2 : 64;
        lx->tokens = ch_arena_grow(lx->arena, lx->tokens, sizeof *lx->tokens, lx->count, cap);
        lx->cap = cap;
    }
    ch_token *t = &lx->tokens[lx->count++];
    t->kind = kind;
    t->text = text;
    t->len = len;
    t->start = start;
    t->end = lx->at;
    return t;
}

static void push_scratch(lexer *lx, ch_token_kind kind, size_t start)
{
    push(lx, kind, start, ch_arena_strndup(lx->arena, ch_buf_text(&lx->scratch), lx->scratch.len), lx->scratch.len);
}

static bool is_word_start(unsigned char c)
{
    return isalpha(c) || c == '_' || c >= 0x80;
}

static bool is_word(unsigned char c)
{
    return isalnum(c) || c == '_' || c >= 0x80;
}

static char peek(const lexer *lx, size_t ahead)
{
    return lx->at + ahead < lx->len ? lx->text[lx->at + ahead] : '\0';
}

void ch_locate_in_text(const char *text, size_t start, ch_error *err)
{
    size_t line = 1, line_start = 0, line_end;
    for (size_t i = 0; i < start && text[i]; i++)
        if (text[i] == '\n') line++, line_start = i + 1;
    size_t pos = start - line_start;
    line_end = line_start + strcspn(text + line_start, "\n");
    ch_buf out = {0};
    ch_buf_printf(&out, "\n%s (line %zu, pos %zu)\n\n== SQL ==\n", err->message, line, pos);
    ch_buf_add(&out, text, line_end);
    ch_buf_char(&out, '\n');
    for (size_t i = 0; i < pos; i++) ch_buf_char(&out, '-');
    ch_buf_str(&out, "^^^\n");
    if (text[line_end]) ch_buf_str(&out, text + line_end + 1);
    snprintf(err->message, sizeof err->message, "%s", ch_buf_text(&out));
    ch_buf_reset(&out);
}

/* At the character nothing can be made of. */
static int syntax_error(const lexer *lx, size_t at, ch_error *err)
{
    size_t n = at < lx->len;
    while (at + n < lx->len && ((unsigned char)lx->text[at + n] & 0xC0) == 0x80) n++; /* the rest of it, in UTF-8 */
    char *near = ch_arena_strndup(lx->arena, lx->text + at, n);
    int status = ch_raise(err, "PARSE_SYNTAX_ERROR", "error", ch_arena_printf(lx->arena, "'%s'", near), "hint", "",
                          (char *)NULL);
    ch_locate_in_text(lx->text, at, err);
    return status;
}

/* Skips blanks and comments; bracketed comments nest. */
static int skip_blanks(lexer *lx, ch_error *err)
{
    for (;;) {
        while (lx->at < lx->len && isspace((unsigned char)lx->text[lx->at])) lx->at++;
        if (peek(lx, 0) == '-' && peek(lx, 1) == '-') {
            while (lx->at < lx->len && lx->text[lx->at] != '\n') lx->at++;
        } else if (peek(lx, 0) == '/' && peek(lx, 1) == '*') {
            int depth = 0;
            do {
                if (lx->at >= lx->len) return ch_raise(err, "UNCLOSED_BRACKETED_COMMENT", (char *)NULL);
                if (peek(lx, 0) == '/' && peek(lx, 1) == '*')
                    depth++, lx->at += 2;
                else if (peek(lx, 0) == '*' && peek(lx, 1) == '/')
                    depth--, lx->at += 2;
                else
                    lx->at++;
            } while (depth > 0);
        } else {
            return 0;
        }
    }
}

static size_t put_utf8(char *out, unsigned long code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | (code >> 6));
        out[1] = (char)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | (code >> 12));
        out[1] = (char)(0x80 | (code >> 6 & 63));
        out[2] = (char)(0x80 | (code & 63));
        return 3;
    }
    out[0] = (char)(0xF0 | (code >> 18 & 7));
    out[1] = (char)(0x80 | (code >> 12 & 63));
    out[2] = (char)(0x80 | (code >> 6 & 63));
    out[3] = (char)(0x80 | (code & 63));
    return 4;
}

static bool read_digits(const char *s, size_t n, int base, unsigned long *value)
{
    *value = 0;
    for (size_t i = 0; i < n; i++) {
        int c = (unsigned char)s[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : 99;
        if (digit >= base) return false;
        *value = *value * (unsigned long)base + (unsigned long)digit;
    }
    return true;
}

/* One escape sequence at s (after the backslash, `left` bytes follow); returns the bytes it took. */
static size_t unescape(const char *s, size_t left, char *out, size_t *written)
{
    unsigned long code;
    if (s[0] == 'u' && left >= 5 && read_digits(s + 1, 4, 16, &code)) {
        *written = put_utf8(out, code);
        return 5;
    }
    if (s[0] == 'U' && left >= 9 && read_digits(s + 1, 8, 16, &code) && code <= 0x10FFFF) {
        *written = put_utf8(out, code);
        return 9;
    }
    if (s[0] >= '0' && s[0] <= '1' && left >= 3 && read_digits(s, 3, 8, &code)) {
        out[0] = (char)code;
        *written = 1;
        return 3;
    }
    static const char from[] = "0bnrtZ", to[] = {'\0', '\b', '\n', '\r', '\t', '\x1A'};
    const char *hit = memchr(from, s[0], sizeof from - 1);
    if (hit) {
        out[0] = to[hit - from];
        *written = 1;
        return 1;
    }
    /* LIKE patterns keep the backslash before their wildcards. */
    if (s[0] == '%' || s[0] == '_') {
        out[0] = '\\';
        out[1] = s[0];
        *written = 2;
        return 1;
    }
    out[0] = s[0];
    *written = 1;
    return 1;
}

static int lex_string(lexer *lx, bool raw, ch_error *err)
{
    size_t start = lx->at;
    if (raw) lx->at++;
    char quote = lx->text[lx->at++];
    ch_buf_clear(&lx->scratch);
    for (;;) {
        const char *s = lx->text + lx->at;
        if (lx->at >= lx->len) return syntax_error(lx, start, err);
        if (s[0] == quote) {
            if (raw || peek(lx, 1) != quote) break;
            ch_buf_char(&lx->scratch, quote); /* doubled */
            lx->at += 2;
        } else if (raw || s[0] != '\\' || lx->at + 1 >= lx->len) {
            ch_buf_char(&lx->scratch, s[0]);
            lx->at++;
        } else {
            char out[4];
            size_t written;
            lx->at += 1 + unescape(s + 1, lx->len - lx->at - 1, out, &written);
            ch_buf_add(&lx->scratch, out, written);
        }
    }
    lx->at++;
    push_scratch(lx, CH_TK_STRING, start);
    return 0;
}

static int lex_quoted(lexer *lx, ch_error *err)
{
    size_t start = lx->at++;
    ch_buf_clear(&lx->scratch);
    for (;; lx->at++) {
        if (lx->at >= lx->len) return syntax_error(lx, start, err);
        if (lx->text[lx->at] == '`') {
            if (peek(lx, 1) != '`') break;
            lx->at++;
        }
        ch_buf_char(&lx->scratch, lx->text[lx->at]);
    }
    lx->at++;
    push_scratch(lx, CH_TK_QUOTED, start);
    return 0;
}

/* 12, 1.5, .5, 1e3, 10L, 1.5BD ... A digit run that goes on as a word ("1abc") is an identifier in Spark. */
static void lex_number(lexer *lx)
{
    size_t start = lx->at;
    ch_token_kind kind = CH_TK_INTEGER;
    while (isdigit((unsigned char)peek(lx, 0))) lx->at++;
    if (peek(lx, 0) == '.' && (isdigit((unsigned char)peek(lx, 1)) ||
                               (lx->at > start && !is_word_start((unsigned char)peek(lx, 1)) && peek(lx, 1) != '.'))) {
        kind = CH_TK_DECIMAL;
        lx->at++;
        while (isdigit((unsigned char)peek(lx, 0))) lx->at++;
    }
    size_t sign = peek(lx, 1) == '+' || peek(lx, 1) == '-';
    if ((peek(lx, 0) == 'e' || peek(lx, 0) == 'E') && isdigit((unsigned char)peek(lx, 1 + sign))) {
        kind = CH_TK_EXPONENT;
        lx->at += 1 + sign;
        while (isdigit((unsigned char)peek(lx, 0))) lx->at++;
    }
    size_t digits_end = lx->at;
    char c = (char)toupper((unsigned char)peek(lx, 0)), suffix = 0;
    size_t taken = 0;
    if (c == 'B' && toupper((unsigned char)peek(lx, 1)) == 'D')
        suffix = 'B', taken = 2;
    else if (c == 'D' || c == 'F')
        suffix = c, taken = 1;
    else if ((c == 'L' || c == 'S' || c == 'Y') && kind == CH_TK_INTEGER)
        suffix = c, taken = 1;
    if (suffix && !is_word((unsigned char)peek(lx, taken))) {
        lx->at += taken;
        push(lx, CH_TK_SUFFIXED, start, ch_arena_strndup(lx->arena, lx->text + start, digits_end - start),
             digits_end - start)
            ->suffix = suffix;
        return;
    }
    if (kind == CH_TK_INTEGER && is_word((unsigned char)peek(lx, 0))) {
        while (is_word((unsigned char)peek(lx, 0))) lx->at++;
        kind = CH_TK_WORD;
    }
    push(lx, kind, start, ch_arena_strndup(lx->arena, lx->text + start, lx->at - start), lx->at - start);
}

static int lex_operator(lexer *lx, ch_error *err)
{
    static const char *const operators[] = {
        ">>>", "<=>", "<=", ">=", "<>", "!=", "==", "||", "->", "=>", "::", "<<", ">>", "(", ")", "[", "]", "{", "}",
        ",",   ".",   ";",  "+",  "-",  "*",  "/",  "%",  "=",  "<",  ">",  "!",  "&",  "|", "^", "~", "?", ":"};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        size_t n = strlen(operators[i]);
        if (lx->at + n <= lx->len && !memcmp(lx->text + lx->at, operators[i], n)) {
            size_t start = lx->at;
            lx->at += n;
            push(lx, CH_TK_OPERATOR, start, operators[i], n);
            return 0;
        }
    }
    return syntax_error(lx, lx->at, err);
}

static int lex_all(lexer *lx, ch_error *err)
{
    for (;;) {
        CH_TRY(skip_blanks(lx, err));
        if (lx->at >= lx->len) break;
        unsigned char c = (unsigned char)lx->text[lx->at];
        char next = peek(lx, 1);
        if (c == '\'' || c == '"') {
            CH_TRY(lex_string(lx, false, err));
        } else if ((c == 'r' || c == 'R') && (next == '\'' || next == '"')) {
            CH_TRY(lex_string(lx, true, err));
        } else if (c == '`') {
            CH_TRY(lex_quoted(lx, err));
        } else if (isdigit(c) || (c == '.' && isdigit((unsigned char)next) &&
                                  !(lx->count && lx->tokens[lx->count - 1].end == lx->at &&
                                    lx->tokens[lx->count - 1].kind != CH_TK_OPERATOR))) {
            lex_number(lx);
        } else if (is_word_start(c)) {
            size_t start = lx->at;
            while (is_word((unsigned char)peek(lx, 0))) lx->at++;
            push(lx, CH_TK_WORD, start, ch_arena_strndup(lx->arena, lx->text + start, lx->at - start), lx->at - start);
        } else if (c == ':' && is_word_start((unsigned char)next)) {
            size_t start = lx->at++;
            while (is_word((unsigned char)peek(lx, 0))) lx->at++;
            push(lx, CH_TK_PARAMETER, start, ch_arena_strndup(lx->arena, lx->text + start + 1, lx->at - start - 1),
                 lx->at - start - 1);
        } else {
            CH_TRY(lex_operator(lx, err));
        }
    }
    push(lx, CH_TK_END, lx->len, "", 0);
    return 0;
}

int ch_lex(ch_arena *arena, const char *text, ch_token **tokens, size_t *count, ch_error *err)
{
    lexer lx = {.arena = arena, .text = text, .len = strlen(text)};
    int status = lex_all(&lx, err);
    ch_buf_reset(&lx.scratch);
    *tokens = lx.tokens;
    *count = lx.count;
    return status;
}
