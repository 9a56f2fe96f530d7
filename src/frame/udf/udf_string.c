/* udf_string.c: string functions where Spark's rules differ from DuckDB's. Positions count characters (code points). */
#include "base/utf8.h"
#include "frame/io/io.h"
#include "frame/type/number_text.h"
#include "frame/udf/udf_util.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- cutting ---- */

/* UTF8String.substringSQL: position 1 is the first character, 0 counts as 1, negative ones count from the end. */
static void slice_bounds(int64_t chars, int32_t position, int32_t length, int64_t *from, int64_t *to)
{
    int64_t start = position > 0 ? position - 1 : position < 0 ? chars + position : 0;
    int64_t end = start + length;
    *from = start < 0 ? 0 : start;
    *to = end > chars ? chars : end;
}

static void f_substring(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    const int32_t *position = ch_arg(in, 1), *length = ch_arg(in, 2);
    CH_EACH_ROW(in, out)
    {
        const char *text = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]);
        int64_t from, to, chars = position[i] < 0 ? (int64_t)ch_utf8_count(text, len) : INT64_MAX / 2;
        slice_bounds(chars, position[i], length[i], &from, &to);
        if (from >= to) {
            ch_udf_string(out, i, "", 0);
            continue;
        }
        size_t start = ch_utf8_bytes(text, len, (size_t)from);
        size_t size = ch_utf8_bytes(text + start, len - start, (size_t)(to - from));
        ch_udf_string(out, i, text + start, size);
    }
}

static void f_substring_bytes(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    const int32_t *position = ch_arg(in, 1), *length = ch_arg(in, 2);
    CH_EACH_ROW(in, out)
    {
        int64_t from, to;
        slice_bounds((int64_t)ch_string_len(&a[i]), position[i], length[i], &from, &to);
        if (from >= to)
            ch_udf_string(out, i, "", 0);
        else
            ch_udf_string(out, i, ch_string_data(&a[i]) + from, (size_t)(to - from));
    }
}

static void f_right(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    const int32_t *n = ch_arg(in, 1);
    CH_EACH_ROW(in, out)
    {
        const char *text = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]), chars = ch_utf8_count(text, len);
        size_t keep = n[i] <= 0 ? 0 : (size_t)n[i] < chars ? (size_t)n[i] : chars;
        size_t start = ch_utf8_bytes(text, len, chars - keep);
        ch_udf_string(out, i, text + start, len - start);
    }
}

/* ---- padding ---- */

enum { LONGEST_PAD = 1 << 28 };

static const bool LEFT = true, RIGHT = false;

static void f_pad(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    bool left = *(const bool *)ch_udf_extra(info);
    const ch_string *a = ch_arg(in, 0), *p = ch_arg(in, 2);
    const int32_t *wanted = ch_arg(in, 1);
    ch_buf text = {0};
    CH_EACH_ROW(in, out)
    {
        const char *s = ch_string_data(&a[i]), *pad = ch_string_data(&p[i]);
        size_t len = ch_string_len(&a[i]), pad_len = ch_string_len(&p[i]), chars = ch_utf8_count(s, len);
        if (wanted[i] <= 0) {
            ch_udf_string(out, i, "", 0);
            continue;
        }
        if ((size_t)wanted[i] <= chars || !pad_len) {
            ch_udf_string(out, i, s, (size_t)wanted[i] <= chars ? ch_utf8_bytes(s, len, (size_t)wanted[i]) : len);
            continue;
        }
        if (wanted[i] > LONGEST_PAD) {
            duckdb_scalar_function_set_error(info, "padded strings of this length are too long");
            break;
        }
        size_t missing = (size_t)wanted[i] - chars, pad_chars = ch_utf8_count(pad, pad_len);
        ch_buf_clear(&text);
        if (!left) ch_buf_add(&text, s, len);
        for (; missing >= pad_chars; missing -= pad_chars) ch_buf_add(&text, pad, pad_len);
        ch_buf_add(&text, pad, ch_utf8_bytes(pad, pad_len, missing));
        if (left) ch_buf_add(&text, s, len);
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

/* ---- searching ---- */

/* First occurrence at or after byte `from`; len when there is none. */
static size_t find(const char *text, size_t len, const char *what, size_t what_len, size_t from)
{
    const char *at = from <= len ? memmem(text + from, len - from, what, what_len) : NULL;
    return at ? (size_t)(at - text) : (size_t)-1;
}

/* ch_locate(needle, text, start): 1-based, 0 when not there; start 0 finds nothing. */
static void f_locate(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *needle = ch_arg(in, 0), *a = ch_arg(in, 1);
    const int32_t *start = ch_arg(in, 2);
    int32_t *data = duckdb_vector_get_data(out);
    CH_EACH_ROW(in, out)
    {
        const char *text = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]);
        data[i] = 0;
        if (start[i] < 1) continue;
        if (ch_string_len(&needle[i]) == 0) {
            data[i] = 1; /* UTF8String.indexOf finds nothing at the start, wherever it looks from */
            continue;
        }
        size_t from = ch_utf8_bytes(text, len, (size_t)start[i] - 1);
        if (ch_utf8_count(text, from) < (size_t)start[i] - 1) continue;
        size_t at = find(text, len, CH_TEXT(needle), from);
        if (at != (size_t)-1) data[i] = (int32_t)ch_utf8_count(text, at) + 1;
    }
}

static void f_find_in_set(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *word = ch_arg(in, 0), *set = ch_arg(in, 1);
    int32_t *data = duckdb_vector_get_data(out);
    CH_EACH_ROW(in, out)
    {
        const char *text = ch_string_data(&set[i]), *w = ch_string_data(&word[i]);
        size_t len = ch_string_len(&set[i]), w_len = ch_string_len(&word[i]), at = 0;
        data[i] = 0;
        if (memchr(w, ',', w_len)) continue;
        for (int32_t n = 1; at <= len; n++) {
            const char *comma = memchr(text + at, ',', len - at);
            size_t end = comma ? (size_t)(comma - text) : len;
            if (end - at == w_len && memcmp(text + at, w, w_len) == 0) {
                data[i] = n;
                break;
            }
            at = end + 1;
        }
    }
}

/* ---- replacing ---- */

static void f_translate(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0), *from = ch_arg(in, 1), *to = ch_arg(in, 2);
    ch_buf text = {0};
    CH_EACH_ROW(in, out)
    {
        const char *s = ch_string_data(&a[i]), *f = ch_string_data(&from[i]), *t = ch_string_data(&to[i]);
        size_t len = ch_string_len(&a[i]), f_len = ch_string_len(&from[i]), t_len = ch_string_len(&to[i]);
        ch_buf_clear(&text);
        for (size_t j = 0; j < len;) {
            size_t n = ch_utf8_len((unsigned char)s[j]), x = 0, y = 0;
            while (x < f_len && !(ch_utf8_len((unsigned char)f[x]) == n && memcmp(f + x, s + j, n) == 0)) {
                x += ch_utf8_len((unsigned char)f[x]);
                if (y < t_len) y += ch_utf8_len((unsigned char)t[y]);
            }
            if (x >= f_len)
                ch_buf_add(&text, s + j, n);
            else if (y < t_len)
                ch_buf_add(&text, t + y, ch_utf8_len((unsigned char)t[y]));
            j += n;
        }
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

static void f_overlay(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0), *b = ch_arg(in, 1);
    const int32_t *position = ch_arg(in, 2), *length = ch_arg(in, 3);
    ch_buf text = {0};
    CH_EACH_ROW(in, out)
    {
        const char *s = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]);
        int64_t chars = (int64_t)ch_utf8_count(s, len), gone = length[i];
        if (gone < 0) gone = (int64_t)ch_utf8_count(CH_TEXT(b));
        int64_t from, to;
        slice_bounds(chars, 1, position[i] - 1, &from, &to);
        ch_buf_clear(&text);
        if (to > from) ch_buf_add(&text, s, ch_utf8_bytes(s, len, (size_t)to));
        ch_buf_add(&text, CH_TEXT(b));
        int64_t rest = (int64_t)position[i] + gone;
        if (rest > INT32_MAX) rest = INT32_MAX;
        slice_bounds(chars, (int32_t)rest, INT32_MAX, &from, &to);
        if (to > from) {
            size_t start = ch_utf8_bytes(s, len, (size_t)from);
            ch_buf_add(&text, s + start, len - start);
        }
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

static void f_reverse(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    ch_buf text = {0};
    CH_EACH_ROW(in, out)
    {
        const char *s = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]);
        ch_buf_clear(&text);
        for (size_t end = len; end > 0;) {
            size_t start = end - 1;
            while (start > 0 && ((unsigned char)s[start] & 0xC0) == 0x80) start--;
            ch_buf_add(&text, s + start, end - start);
            end = start;
        }
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

/* ---- parts ---- */

/* Byte range of the part number `n` (from 1, from the end when negative); false when there is none. */
static bool part_of(const char *text, size_t len, const char *sep, size_t sep_len, int32_t n, size_t *from, size_t *to)
{
    size_t count = 1, at = 0;
    if (sep_len)
        for (size_t p; (p = find(text, len, sep, sep_len, at)) != (size_t)-1; at = p + sep_len) count++;
    int64_t wanted = n > 0 ? n : (int64_t)count + n + 1;
    if (wanted < 1 || wanted > (int64_t)count) return false;
    at = 0;
    for (int64_t k = 1; k < wanted; k++) at = find(text, len, sep, sep_len, at) + sep_len;
    size_t end = sep_len ? find(text, len, sep, sep_len, at) : (size_t)-1;
    *from = at;
    *to = end == (size_t)-1 ? len : end;
    return true;
}

static void f_split_part(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_string *a = ch_arg(in, 0), *sep = ch_arg(in, 1);
    const int32_t *n = ch_arg(in, 2);
    CH_EACH_ROW(in, out)
    {
        size_t from, to;
        if (n[i] == 0) {
            ch_error err;
            ch_raise(&err, "INVALID_INDEX_OF_ZERO", (char *)NULL);
            ch_engine_raise(info, &err);
            return;
        }
        if (part_of(CH_TEXT(a), CH_TEXT(sep), n[i], &from, &to))
            ch_udf_string(out, i, ch_string_data(&a[i]) + from, to - from);
        else
            ch_udf_string(out, i, "", 0);
    }
}

static void f_substring_index(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0), *sep = ch_arg(in, 1);
    const int32_t *n = ch_arg(in, 2);
    CH_EACH_ROW(in, out)
    {
        const char *text = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]), from, to;
        if (n[i] == 0 || !ch_string_len(&sep[i]))
            ch_udf_string(out, i, "", 0);
        else if (!part_of(CH_TEXT(a), CH_TEXT(sep), n[i], &from, &to))
            ch_udf_string(out, i, text, len);
        else if (n[i] > 0)
            ch_udf_string(out, i, text, to);
        else
            ch_udf_string(out, i, text + from, len - from);
    }
}

/* ch_concat_ws(separator, list): the list's NULLs are left out, unless there is a third argument to stand for them. */
static void f_join(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    bool list_first = *(const bool *)ch_udf_extra(info);
    idx_t at = list_first ? 0 : 1;
    duckdb_vector v = duckdb_data_chunk_get_vector(in, at), child = duckdb_list_vector_get_child(v);
    const ch_list *lists = duckdb_vector_get_data(v);
    const ch_string *words = duckdb_vector_get_data(child), *sep = ch_arg(in, 1 - at);
    const uint64_t *valid = duckdb_vector_get_validity(child);
    const ch_string *stand_in = duckdb_data_chunk_get_column_count(in) > 2 ? ch_arg(in, 2) : NULL;
    ch_buf text = {0};
    CH_EACH_ROW(in, out)
    {
        ch_buf_clear(&text);
        bool first = true;
        for (uint64_t k = lists[i].offset; k < lists[i].offset + lists[i].length; k++) {
            bool there = ch_bit(valid, k);
            if (!there && !stand_in) continue;
            if (!first) ch_buf_add(&text, CH_TEXT(sep));
            first = false;
            if (there)
                ch_buf_add(&text, ch_string_data(&words[k]), ch_string_len(&words[k]));
            else
                ch_buf_add(&text, CH_TEXT(stand_in));
        }
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

/* ---- sounds and distances ---- */

static void f_soundex(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    static const char CODES[] =
        "01230127022455012623017202"; /* of A..Z; 7 is H and W, which do not separate equal codes */
    const ch_string *a = ch_arg(in, 0);
    CH_EACH_ROW(in, out)
    {
        const char *s = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]);
        if (!len || !isalpha((unsigned char)s[0])) {
            ch_udf_string(out, i, s, len);
            continue;
        }
        char code[4] = {(char)toupper((unsigned char)s[0]), '0', '0', '0'};
        char last = CODES[code[0] - 'A'];
        size_t n = 1;
        for (size_t j = 1; j < len && n < 4; j++) {
            if (!isalpha((unsigned char)s[j])) {
                last = '0';
                continue;
            }
            char c = CODES[toupper((unsigned char)s[j]) - 'A'];
            if (c == '7') continue;
            if (c != '0' && c != last) code[n++] = c;
            last = c;
        }
        ch_udf_string(out, i, code, 4);
    }
}

static int64_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t n = ch_utf8_count(a, a_len), m = ch_utf8_count(b, b_len);
    uint32_t *x = malloc((n + m + 2) * sizeof *x), *y = x ? x + n : NULL;
    int64_t *row = malloc((m + 1) * sizeof *row), result = -1;
    if (x && row) {
        size_t k = 0;
        for (size_t i = 0; i < a_len && k < n; i += ch_utf8_len((unsigned char)a[i])) x[k++] = ch_utf8_decode(a + i);
        k = 0;
        for (size_t i = 0; i < b_len && k < m; i += ch_utf8_len((unsigned char)b[i])) y[k++] = ch_utf8_decode(b + i);
        for (size_t j = 0; j <= m; j++) row[j] = (int64_t)j;
        for (size_t i = 1; i <= n; i++) {
            int64_t diagonal = row[0];
            row[0] = (int64_t)i;
            for (size_t j = 1; j <= m; j++) {
                int64_t change = diagonal + (x[i - 1] != y[j - 1]), add = row[j] + 1, drop = row[j - 1] + 1;
                diagonal = row[j];
                row[j] = change < add ? (change < drop ? change : drop) : (add < drop ? add : drop);
            }
        }
        result = row[m];
    }
    free(x);
    free(row);
    return result;
}

static void f_levenshtein(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0), *b = ch_arg(in, 1);
    const int32_t *most = duckdb_data_chunk_get_column_count(in) > 2 ? ch_arg(in, 2) : NULL;
    int32_t *data = duckdb_vector_get_data(out);
    CH_EACH_ROW(in, out)
    {
        int64_t distance = edit_distance(CH_TEXT(a), CH_TEXT(b));
        data[i] = most && distance > most[i] ? -1 : (int32_t)distance;
    }
}

/* ---- characters ---- */

static void f_ascii(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    int32_t *data = duckdb_vector_get_data(out);
    CH_EACH_ROW(in, out) data[i] = ch_string_len(&a[i]) ? (int32_t)ch_utf8_decode(ch_string_data(&a[i])) : 0;
}

static void f_char(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const int64_t *a = ch_arg(in, 0);
    ch_buf text = {0};
    CH_EACH_ROW(in, out)
    {
        ch_buf_clear(&text);
        if (a[i] >= 0) ch_utf8_add(&text, (uint32_t)(a[i] & 0xFF));
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

int ch_register_string(duckdb_connection con, ch_error *err)
{
    static const ch_udf ROWS[] = {
        {.name = "ch_substring", .types = "sii>s", .fn = f_substring},
        {.name = "ch_substring", .types = "xii>x", .fn = f_substring_bytes},
        {.name = "ch_right", .types = "si>s", .fn = f_right},
        {.name = "ch_lpad", .types = "sis>s", .fn = f_pad, .extra = &LEFT},
        {.name = "ch_rpad", .types = "sis>s", .fn = f_pad, .extra = &RIGHT},
        {.name = "ch_locate", .types = "ssi>i", .fn = f_locate},
        {.name = "ch_find_in_set", .types = "ss>i", .fn = f_find_in_set},
        {.name = "ch_translate", .types = "sss>s", .fn = f_translate},
        {.name = "ch_overlay", .types = "ssii>s", .fn = f_overlay},
        {.name = "ch_reverse", .types = "s>s", .fn = f_reverse},
        {.name = "ch_split_part", .types = "ssi>s", .fn = f_split_part},
        {.name = "ch_substring_index", .types = "ssi>s", .fn = f_substring_index},
        {.name = "ch_concat_ws", .types = "s[s>s", .fn = f_join, .extra = &RIGHT},
        {.name = "ch_array_join", .types = "[ss>s", .fn = f_join, .extra = &LEFT},
        {.name = "ch_array_join", .types = "[sss>s", .fn = f_join, .extra = &LEFT},
        {.name = "ch_soundex", .types = "s>s", .fn = f_soundex},
        {.name = "ch_levenshtein", .types = "ss>i", .fn = f_levenshtein},
        {.name = "ch_levenshtein", .types = "ssi>i", .fn = f_levenshtein},
        {.name = "ch_ascii", .types = "s>i", .fn = f_ascii},
        {.name = "ch_char", .types = "l>s", .fn = f_char},
    };
    return ch_udf_register(con, ROWS, sizeof ROWS / sizeof *ROWS, err);
}
