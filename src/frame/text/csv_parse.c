/* csv_parse.c: one CSV record into fields, character for character as the uniVocity parser does it with Spark's
 * settings. Plain fields are slices of the record; only quoted ones that need changes are copied.
 *
 * Inside quotes the parser looks at two characters at a time, `prev` and `ch`. What it does with quotes that are not
 * where they should be is the greater part of the work, and decides whether users see Spark's rows: the rules below
 * were checked against a Spark server for all records of up to six characters out of a " , \ and space. */
#include "frame/text/csv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void ch_csv_parser_init(ch_csv_parser *p, const ch_csv_options *options)
{
    *p = (ch_csv_parser){.options = options};
}

void ch_csv_parser_reset(ch_csv_parser *p)
{
    free(p->fields);
    ch_buf_reset(&p->scratch);
    *p = (ch_csv_parser){0};
}

/* The record being read. `at` is the next character; functions give false at the end, where `ch` keeps the last one. */
typedef struct input {
    const ch_csv_options *o;
    ch_buf *out; /* the field being copied starts at out->data + start */
    size_t start;
    const char *at, *end;
    char newline; /* ends a record; '\0': the record ends with its line */
    char ch, prev;
    bool trim; /* the field counts as unquoted: spaces at its end go if the options say so */
} input;

static bool next_char(input *in)
{
    if (in->at == in->end) return false;
    in->ch = *in->at++;
    return true;
}

static bool at_newline(const input *in)
{
    return in->newline && in->ch == in->newline;
}

/* Does a delimiter start at `at`? */
static bool is_delimiter(const ch_csv_options *o, const char *at, const char *end)
{
    if (*at != o->delimiter[0]) return false;
    size_t len = o->delimiter_len;
    return len == 1 || ((size_t)(end - at) >= len && memcmp(at, o->delimiter, len) == 0);
}

static bool at_delimiter(const input *in)
{
    return is_delimiter(in->o, in->at - 1, in->end);
}

static bool is_space(char c)
{
    return (unsigned char)c <= ' ';
}

static bool is_quote(const input *in, char c)
{
    return in->o->quote && c == in->o->quote;
}

static bool is_escape(const input *in, char c)
{
    return in->o->escape && c == in->o->escape;
}

static void append(input *in, char c)
{
    ch_buf_char(in->out, c);
}

/* Appends ch and all that follows up to a delimiter or newline, which becomes ch. */
static bool append_to_delimiter(input *in)
{
    const char *from = in->at - 1, *at = from;
    while (at < in->end && !is_delimiter(in->o, at, in->end) && !(in->newline && *at == in->newline)) at++;
    ch_buf_add(in->out, from, (size_t)(at - from));
    in->at = at;
    return next_char(in);
}

/* Appends ch and what follows up to a quote or escape character, which becomes ch. */
static bool append_to_quote(input *in)
{
    const ch_csv_options *o = in->o;
    const char *from = in->at - 1, *at = from;
    while (at < in->end && !is_quote(in, *at) && !is_escape(in, *at) &&
           !(o->escape_escape && *at == o->escape_escape)) {
        at++;
    }
    ch_buf_add(in->out, from, (size_t)(at - from));
    in->at = at;
    return next_char(in);
}

static bool parse_escapes(input *in);

/* A quote or escape character, judged by the one before it. */
static bool process_quote_escape(input *in)
{
    const ch_csv_options *o = in->o;
    if (is_escape(in, in->ch) && o->escape_escape && in->prev == o->escape_escape) {
        append(in, o->escape);
        in->ch = '\0';
    } else if (is_escape(in, in->prev)) {
        if (is_quote(in, in->ch)) {
            append(in, o->quote);
            in->ch = '\0';
        } else {
            append(in, in->prev);
        }
    } else if (is_quote(in, in->ch) && is_quote(in, in->prev)) {
        append(in, o->quote);
    } else if (is_quote(in, in->prev)) {
        append(in, o->quote);
        in->prev = in->ch;
        return parse_escapes(in);
    }
    return true;
}

/* The rest of a field up to its delimiter, escapes undone. */
static bool parse_escapes(input *in)
{
    while (!at_delimiter(in) && !at_newline(in)) {
        if (is_quote(in, in->ch) || is_escape(in, in->ch)) {
            if (!process_quote_escape(in)) return false;
        } else if (is_quote(in, in->prev)) {
            append(in, in->o->quote);
            in->prev = in->ch;
            return parse_escapes(in);
        } else {
            append(in, in->ch);
        }
        in->prev = in->ch;
        if (!next_char(in)) return false;
    }
    return true;
}

/* After a quote that closes nothing: with STOP_AT_DELIMITER the whole field counts as unquoted from its first quote on.
 * What was copied so far is kept. */
static bool parse_unescaped(input *in)
{
    ch_buf *out = in->out;
    in->trim = in->o->ignore_trailing;
    ch_buf_char(out, ' '); /* room for the opening quote */
    memmove(out->data + in->start + 1, out->data + in->start, out->len - in->start - 1);
    out->data[in->start] = in->o->quote;
    return next_char(in) && append_to_delimiter(in);
}

/* The characters after a closing quote: spaces are dropped up to a delimiter; anything else makes the quote one that
 * closed nothing. */
static bool after_closing_quote(input *in)
{
    const char *spaces = in->at - 1;
    do {
        if (!next_char(in)) return false;
        if (at_newline(in)) return true;
    } while (is_space(in->ch) && !at_delimiter(in));
    if (at_delimiter(in)) return true;
    append(in, in->o->quote);
    ch_buf_add(in->out, spaces, (size_t)(in->at - spaces));
    in->prev = in->ch;
    return parse_unescaped(in);
}

/* A field that starts with a quote, ch being that quote; afterwards ch is the delimiter or newline after it. */
static bool parse_quoted(input *in)
{
    in->prev = '\0';
    in->trim = false;
    if (!next_char(in)) return false;
    for (;;) {
        bool closed = is_quote(in, in->prev);
        if (closed && (is_space(in->ch) || at_delimiter(in) || at_newline(in))) break;
        if (is_quote(in, in->ch) || is_escape(in, in->ch)) {
            if (!process_quote_escape(in)) return false;
            in->prev = in->ch;
            if (!next_char(in)) return false;
            continue;
        }
        if (closed) {
            append(in, in->o->quote);
            append(in, in->ch);
            return parse_unescaped(in);
        }
        if (is_escape(in, in->prev)) append(in, in->o->escape);
        if (!append_to_quote(in)) return false;
        in->prev = in->ch;
        if (!next_char(in)) return false;
    }
    if (!at_delimiter(in) && !at_newline(in) && is_space(in->ch)) return after_closing_quote(in);
    return true;
}

static int add_field(ch_csv_parser *p, ch_csv_field field, ch_error *err)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 32;
        ch_csv_field *fields = realloc(p->fields, cap * sizeof *fields);
        if (!fields) return ch_no_memory(err);
        p->fields = fields;
        p->cap = cap;
    }
    if (p->n >= (size_t)p->options->max_columns) {
        return ch_failf(err, CH_E_SPARK,
                        "java.lang.ArrayIndexOutOfBoundsException - Index %zu out of bounds for length %d\n"
                        "Hint: Number of columns processed may have exceeded limit of %d columns.",
                        p->n, p->options->max_columns, p->options->max_columns);
    }
    p->fields[p->n++] = field;
    return 0;
}

/* A field without quotes: a slice of the record. ch is its first character, then the delimiter after it. */
static bool parse_plain(input *in, ch_csv_field *field)
{
    const char *from = in->at - 1, *at = from;
    const char d = in->o->delimiter[0];
    if (in->o->delimiter_len == 1 && !in->newline) {
        while (at < in->end && *at != d) at++;
    } else {
        while (at < in->end && !is_delimiter(in->o, at, in->end) && !(in->newline && *at == in->newline)) at++;
    }
    size_t len = (size_t)(at - from);
    bool more = at < in->end;
    if (in->o->ignore_trailing) {
        while (len && is_space(from[len - 1])) len--;
    }
    *field = (ch_csv_field){.text = from, .len = len, .absent = !len};
    in->at = at;
    return more && next_char(in);
}

/* The usual quoted field, with nothing special inside and its delimiter right behind it, is a slice too. */
static bool parse_simple_quoted(input *in, ch_csv_field *field, bool *more)
{
    const char *from = in->at, *at = from;
    while (at < in->end && !is_quote(in, *at)) {
        bool escapes = is_escape(in, *at) && (at + 1 == in->end || is_quote(in, at[1]) || is_escape(in, at[1]));
        if (escapes) return false;
        at++;
    }
    if (at == in->end || (at == from && in->o->quote == in->o->escape)) return false;
    const char *behind = at + 1;
    bool last = behind == in->end;
    if (!last && !is_delimiter(in->o, behind, in->end) && !(in->newline && *behind == in->newline)) return false;
    *field = (ch_csv_field){.text = from, .len = (size_t)(at - from)};
    in->at = behind;
    *more = next_char(in);
    return true;
}

/* Any other field that starts with a quote, copied. At the end of the input, what there is of it counts. */
static bool parse_copied(input *in, ch_csv_field *field)
{
    in->start = in->out->len;
    bool more = parse_quoted(in);
    bool closed = !more && is_quote(in, in->ch) && is_quote(in, in->prev);
    if (!more && !closed && is_quote(in, in->ch)) append(in, in->o->quote);
    size_t len = in->out->len - in->start;
    while (in->trim && len && is_space(in->out->data[in->start + len - 1])) len--;
    *field = (ch_csv_field){.text = (const char *)(uintptr_t)in->start, .len = len, .copied = true};
    return more;
}

/* Bytes of `word` that are equal to `pattern`'s have their highest bit set, all other bits are zero. */
static uint64_t equal_bytes(uint64_t word, uint64_t pattern)
{
    const uint64_t low = UINT64_C(0x7F7F7F7F7F7F7F7F);
    uint64_t x = word ^ pattern;
    return ~(((x & low) + low) | x | low);
}

/* The usual record, a line without a quote, whose fields are all that stands between delimiters of one character.
 * False if it has a quote, or more fields than there is room for; p->n is undefined then. */
static bool split_plain(ch_csv_parser *p, const char *at, const char *end)
{
    const ch_csv_options *o = p->options;
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t delimiters = ones * (unsigned char)o->delimiter[0], quotes = ones * (unsigned char)o->quote;
    ch_csv_field *field = p->fields,
                 *last = p->fields + (p->cap < (size_t)o->max_columns ? p->cap : (size_t)o->max_columns);
    const char *from = at;
    for (; at < end; at += 8) {
        uint64_t word = 0;
        size_t left = (size_t)(end - at);
        if (left >= 8) {
            memcpy(&word, at, 8);
        } else {
            memcpy(&word, at, left);
        }
        if (o->quote && equal_bytes(word, quotes)) return false;
        for (uint64_t hits = equal_bytes(word, delimiters); hits; hits &= hits - 1) {
            const char *hit = at + (__builtin_ctzll(hits) >> 3);
            if (hit >= end) break; /* of a delimiter that is the padding */
            if (field == last) return false;
            *field++ = (ch_csv_field){.text = from, .len = (size_t)(hit - from), .absent = hit == from};
            from = hit + 1;
        }
    }
    if (field == last) return false;
    *field++ = (ch_csv_field){.text = from, .len = (size_t)(end - from), .absent = from == end};
    p->n = (size_t)(field - p->fields);
    return true;
}

int ch_csv_parse(ch_csv_parser *p, const char *at, const char *end, const char **next, ch_error *err)
{
    const ch_csv_options *o = p->options;
    bool plain = o->delimiter_len == 1 && !o->text.multi_line && !o->ignore_leading && !o->ignore_trailing;
    if (plain && p->cap && at < end && split_plain(p, at, end)) {
        *next = end;
        return 0;
    }
    input in = {.o = o, .out = &p->scratch, .at = at, .end = end, .newline = o->text.multi_line ? '\n' : '\0'};
    ch_buf_clear(&p->scratch);
    p->n = 0;
    bool more = next_char(&in), copied = false;
    while (more && !at_newline(&in)) {
        ch_csv_field field = {.text = "", .absent = true};
        while (o->ignore_leading && more && is_space(in.ch) && !at_delimiter(&in) && !at_newline(&in)) {
            more = next_char(&in);
        }
        if (!more) {
            field.absent = !copied; /* uniVocity's state of the field before shines through here */
        } else if (!at_delimiter(&in) && !at_newline(&in)) {
            copied = is_quote(&in, in.ch) && !parse_simple_quoted(&in, &field, &more);
            if (copied) {
                more = parse_copied(&in, &field);
            } else if (field.absent) {
                more = parse_plain(&in, &field);
            }
        }
        CH_TRY(add_field(p, field, err));
        if (!more || at_newline(&in)) break;
        in.at += o->delimiter_len - 1;
        more = next_char(&in);
        if (!more || at_newline(&in)) { /* nothing after the last delimiter */
            CH_TRY(add_field(p, (ch_csv_field){.text = "", .absent = true}, err));
        }
    }
    for (size_t i = 0; i < p->n; i++) {
        if (p->fields[i].copied) p->fields[i].text = ch_buf_text(&p->scratch) + (uintptr_t)p->fields[i].text;
    }
    *next = in.at;
    return 0;
}
