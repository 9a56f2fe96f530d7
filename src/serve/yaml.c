/* yaml.c: finding scalars in the YAML that PyYAML writes: nested block mappings of plain and quoted scalars, which may
 * go on over several lines. */
#include "base/buf.h"
#include "serve/mlmodel.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 16 };

typedef struct scan {
    const char *at, *end;
} scan;

static size_t line_length(const scan *s)
{
    if (s->at >= s->end) return 0;
    const char *newline = memchr(s->at, '\n', (size_t)(s->end - s->at));
    return newline ? (size_t)(newline - s->at) : (size_t)(s->end - s->at);
}

static void next_line(scan *s)
{
    s->at += line_length(s);
    if (s->at < s->end) s->at++;
}

static size_t indent_of(const scan *s)
{
    size_t n = 0, len = line_length(s);
    while (n < len && s->at[n] == ' ') n++;
    return n;
}

static bool is_blank(const scan *s)
{
    size_t n = indent_of(s);
    return n == line_length(s) || s->at[n] == '\r';
}

/* In quotes, a line break is a space and an empty line a line break; spaces around go. */
static void fold(scan *s, ch_buf *out)
{
    size_t breaks = 0;
    while (out->len && out->data[out->len - 1] == ' ') out->data[--out->len] = '\0';
    for (; s->at < s->end && (*s->at == '\n' || *s->at == '\r' || *s->at == ' '); s->at++) breaks += *s->at == '\n';
    if (breaks < 2) ch_buf_char(out, ' ');
    for (size_t i = 1; i < breaks; i++) ch_buf_char(out, '\n');
}

static void add_code(ch_buf *out, unsigned long code)
{
    if (code < 0x80) {
        ch_buf_char(out, (char)code);
    } else if (code < 0x800) {
        ch_buf_char(out, (char)(0xc0 | code >> 6));
        ch_buf_char(out, (char)(0x80 | (code & 63)));
    } else if (code < 0x10000) {
        ch_buf_char(out, (char)(0xe0 | code >> 12));
        ch_buf_char(out, (char)(0x80 | (code >> 6 & 63)));
        ch_buf_char(out, (char)(0x80 | (code & 63)));
    } else {
        ch_buf_char(out, (char)(0xf0 | (code >> 18 & 7)));
        ch_buf_char(out, (char)(0x80 | (code >> 12 & 63)));
        ch_buf_char(out, (char)(0x80 | (code >> 6 & 63)));
        ch_buf_char(out, (char)(0x80 | (code & 63)));
    }
}

/* What follows a backslash in double quotes. */
static void read_escape(scan *s, ch_buf *out)
{
    static const char FROM[] = "ntr0abefv", TO[] = "\n\t\r\0\a\b\033\f\v";
    char c = *s->at++;
    const char *known = c ? strchr(FROM, c) : NULL;
    size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (c == '\n') {
        while (s->at < s->end && *s->at == ' ') s->at++;
    } else if (digits && (size_t)(s->end - s->at) >= digits) {
        char text[9] = {0};
        memcpy(text, s->at, digits);
        add_code(out, strtoul(text, NULL, 16));
        s->at += digits;
    } else {
        ch_buf_char(out, known ? TO[known - FROM] : c);
    }
}

/* A quoted scalar, up to and with its closing quote. */
static void read_quoted(scan *s, ch_buf *out)
{
    char quote = *s->at++;
    while (s->at < s->end) {
        if (*s->at == quote) {
            s->at++;
            if (quote != '\'' || s->at == s->end || *s->at != '\'') return;
            ch_buf_char(out, *s->at++);
        } else if (*s->at == '\n' || *s->at == '\r') {
            fold(s, out);
        } else if (quote == '"' && *s->at == '\\' && s->end - s->at > 1) {
            s->at++;
            read_escape(s, out);
        } else {
            ch_buf_char(out, *s->at++);
        }
    }
}

/* A plain scalar: the rest of the line, and the lines that are indented more than its key. */
static void read_plain(scan *s, size_t indent, ch_buf *out)
{
    for (bool first = true;; first = false) {
        size_t from = first ? 0 : indent_of(s), len = line_length(s);
        while (len > from && (s->at[len - 1] == '\r' || s->at[len - 1] == ' ')) len--;
        if (!first) ch_buf_char(out, ' ');
        ch_buf_add(out, s->at + from, len - from);
        next_line(s);
        if (s->at >= s->end || is_blank(s) || indent_of(s) <= indent) return;
    }
}

/* The key at the cursor, up to its colon; false when the line is no member of a mapping. */
static bool read_key(scan *s, ch_buf *out)
{
    if (s->at < s->end && (*s->at == '\'' || *s->at == '"')) {
        read_quoted(s, out);
    } else {
        size_t len = line_length(s);
        if (!len || *s->at == '-' || *s->at == '#') return false;
        for (size_t i = 0; i < len; i++) {
            if (s->at[i] != ':' || (i + 1 < len && s->at[i + 1] != ' ' && s->at[i + 1] != '\r')) continue;
            ch_buf_add(out, s->at, i);
            s->at += i;
            break;
        }
    }
    if (s->at >= s->end || *s->at != ':') return false;
    s->at++;
    while (s->at < s->end && *s->at == ' ') s->at++;
    return true;
}

/* How many of the path's keys the mapping at the cursor is inside of, by the indents of those keys. */
typedef struct place {
    size_t depth;
    size_t indent[DEPTH_MAX];
    bool aside;          /* inside of another key, */
    size_t aside_indent; /* which has this indent */
} place;

const char *ch_yaml_find(ch_arena *arena, const char *text, size_t len, const char *const *path)
{
    scan s = {text, text + len};
    place p = {0};
    ch_buf key = {0}, value = {0};
    const char *found = NULL;
    while (!found && s.at < s.end) {
        size_t indent = indent_of(&s);
        p.aside = p.aside && (is_blank(&s) || indent > p.aside_indent);
        if (is_blank(&s) || p.aside) {
            next_line(&s);
            continue;
        }
        while (p.depth && indent <= p.indent[p.depth - 1]) p.depth--;
        s.at += indent;
        ch_buf_clear(&key);
        ch_buf_clear(&value);
        if (!read_key(&s, &key)) {
            next_line(&s);
            continue;
        }
        bool here = path[p.depth] && strcmp(ch_buf_text(&key), path[p.depth]) == 0;
        bool empty = s.at == s.end || *s.at == '\n' || *s.at == '\r';
        if (empty) {
            next_line(&s);
            bool enter = here && path[p.depth + 1] && p.depth + 1 < DEPTH_MAX;
            if (enter) p.indent[p.depth++] = indent;
            p.aside = !enter;
            p.aside_indent = indent;
            continue;
        }
        if (*s.at == '\'' || *s.at == '"') {
            read_quoted(&s, &value);
            next_line(&s);
        } else {
            read_plain(&s, indent, &value);
        }
        if (here && !path[p.depth + 1]) found = ch_arena_strdup(arena, ch_buf_text(&value));
    }
    ch_buf_reset(&key);
    ch_buf_reset(&value);
    return found;
}
