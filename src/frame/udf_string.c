/* udf_string.c: string functions where Spark's rules differ from DuckDB's. Positions count characters (code points). */
#include "frame/io.h"
#include "frame/number_text.h"
#include "frame/udf_util.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- UTF-8 ---- */

static size_t char_len(unsigned char c)
{
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

static size_t count_chars(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) n += ((unsigned char)text[i] & 0xC0) != 0x80;
    return n;
}

/* Bytes of the first n characters. */
static size_t bytes_of(const char *text, size_t len, size_t n)
{
    size_t i = 0;
    for (; n && i < len; n--) i += char_len((unsigned char)text[i]);
    return i < len ? i : len;
}

static uint32_t decode_char(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    if (u[0] < 0x80) return u[0];
    if (u[0] < 0xE0) return (uint32_t)(u[0] & 0x1F) << 6 | (u[1] & 0x3F);
    if (u[0] < 0xF0) return (uint32_t)(u[0] & 0x0F) << 12 | (uint32_t)(u[1] & 0x3F) << 6 | (u[2] & 0x3F);
    return (uint32_t)(u[0] & 0x07) << 18 | (uint32_t)(u[1] & 0x3F) << 12 | (uint32_t)(u[2] & 0x3F) << 6 | (u[3] & 0x3F);
}

static void add_char(ch_buf *out, uint32_t c)
{
    if (c < 0x80) {
        ch_buf_char(out, (char)c);
    } else if (c < 0x800) {
        ch_buf_char(out, (char)(0xC0 | c >> 6));
        ch_buf_char(out, (char)(0x80 | (c & 0x3F)));
    } else {
        ch_buf_char(out, (char)(0xE0 | c >> 12));
        ch_buf_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
        ch_buf_char(out, (char)(0x80 | (c & 0x3F)));
    }
}

/* The frame of a function that computes a string into a buffer for each row without NULLs. */
#define EACH_ROW(in, out)                                                                                              \
    const uint64_t *mask = ch_udf_mask(in, out);                                                                       \
    idx_t rows = duckdb_data_chunk_get_size(in);                                                                       \
    for (idx_t i = 0; i < rows; i++)                                                                                   \
        if (ch_bit(mask, i))

#define TEXT(s) ch_string_data(&(s)[i]), ch_string_len(&(s)[i])

/* ---- cutting ---- */

/* UTF8String.substringSQL: position 1 is the first character, 0 counts as 1, negative ones count from the end. */
static void slice_bounds(int64_t chars, int32_t position, int32_t length, int64_t *from, int64_t *to)
{
    int64_t start = position > 0 ? position - 1 : position < 0 ? chars + position : 0;
    int64_t end = length == INT32_MAX ? INT64_MAX : start + length;
    *from = start < 0 ? 0 : start;
    *to = end > chars ? chars : end;
}

static void f_substring(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    const int32_t *position = ch_arg(in, 1), *length = ch_arg(in, 2);
    EACH_ROW(in, out)
    {
        const char *text = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]);
        int64_t from, to, chars = position[i] < 0 ? (int64_t)count_chars(text, len) : INT64_MAX / 2;
        slice_bounds(chars, position[i], length[i], &from, &to);
        if (from >= to) {
            ch_udf_string(out, i, "", 0);
            continue;
        }
        size_t start = bytes_of(text, len, (size_t)from);
        size_t size = bytes_of(text + start, len - start, (size_t)(to - from));
        ch_udf_string(out, i, text + start, size);
    }
}

static void f_substring_bytes(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    const int32_t *position = ch_arg(in, 1), *length = ch_arg(in, 2);
    EACH_ROW(in, out)
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
    EACH_ROW(in, out)
    {
        const char *text = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]), chars = count_chars(text, len);
        size_t keep = n[i] <= 0 ? 0 : (size_t)n[i] < chars ? (size_t)n[i] : chars;
        size_t start = bytes_of(text, len, chars - keep);
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
    EACH_ROW(in, out)
    {
        const char *s = ch_string_data(&a[i]), *pad = ch_string_data(&p[i]);
        size_t len = ch_string_len(&a[i]), pad_len = ch_string_len(&p[i]), chars = count_chars(s, len);
        if (wanted[i] <= 0) {
            ch_udf_string(out, i, "", 0);
            continue;
        }
        if ((size_t)wanted[i] <= chars || !pad_len) {
            ch_udf_string(out, i, s, (size_t)wanted[i] <= chars ? bytes_of(s, len, (size_t)wanted[i]) : len);
            continue;
        }
        if (wanted[i] > LONGEST_PAD) {
            duckdb_scalar_function_set_error(info, "padded strings of this length are too long");
            break;
        }
        size_t missing = (size_t)wanted[i] - chars, pad_chars = count_chars(pad, pad_len);
        ch_buf_clear(&text);
        if (!left) ch_buf_add(&text, s, len);
        for (; missing >= pad_chars; missing -= pad_chars) ch_buf_add(&text, pad, pad_len);
        ch_buf_add(&text, pad, bytes_of(pad, pad_len, missing));
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
    EACH_ROW(in, out)
    {
        const char *text = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]);
        data[i] = 0;
        if (start[i] < 1) continue;
        size_t from = bytes_of(text, len, (size_t)start[i] - 1);
        if (count_chars(text, from) < (size_t)start[i] - 1) continue;
        size_t at = find(text, len, TEXT(needle), from);
        if (at != (size_t)-1) data[i] = (int32_t)count_chars(text, at) + 1;
    }
}

static void f_find_in_set(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *word = ch_arg(in, 0), *set = ch_arg(in, 1);
    int32_t *data = duckdb_vector_get_data(out);
    EACH_ROW(in, out)
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
    EACH_ROW(in, out)
    {
        const char *s = ch_string_data(&a[i]), *f = ch_string_data(&from[i]), *t = ch_string_data(&to[i]);
        size_t len = ch_string_len(&a[i]), f_len = ch_string_len(&from[i]), t_len = ch_string_len(&to[i]);
        ch_buf_clear(&text);
        for (size_t j = 0; j < len;) {
            size_t n = char_len((unsigned char)s[j]), x = 0, y = 0;
            while (x < f_len && !(char_len((unsigned char)f[x]) == n && memcmp(f + x, s + j, n) == 0)) {
                x += char_len((unsigned char)f[x]);
                if (y < t_len) y += char_len((unsigned char)t[y]);
            }
            if (x >= f_len)
                ch_buf_add(&text, s + j, n);
            else if (y < t_len)
                ch_buf_add(&text, t + y, char_len((unsigned char)t[y]));
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
    EACH_ROW(in, out)
    {
        const char *s = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]);
        int64_t chars = (int64_t)count_chars(s, len), gone = length[i];
        if (gone < 0) gone = (int64_t)count_chars(TEXT(b));
        int64_t from, to;
        slice_bounds(chars, 1, position[i] - 1, &from, &to);
        ch_buf_clear(&text);
        if (to > from) ch_buf_add(&text, s, bytes_of(s, len, (size_t)to));
        ch_buf_add(&text, TEXT(b));
        int64_t rest = (int64_t)position[i] + gone;
        if (rest > INT32_MAX) rest = INT32_MAX;
        slice_bounds(chars, (int32_t)rest, INT32_MAX, &from, &to);
        if (to > from) {
            size_t start = bytes_of(s, len, (size_t)from);
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
    EACH_ROW(in, out)
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

static void f_initcap(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0); /* lower-cased by the engine, which knows all alphabets */
    ch_buf text = {0};
    EACH_ROW(in, out)
    {
        ch_buf_clear(&text);
        bool first = true;
        for (size_t j = 0; j < ch_string_len(&a[i]); j++) {
            char c = ch_string_data(&a[i])[j];
            ch_buf_char(&text, first ? (char)toupper((unsigned char)c) : (char)tolower((unsigned char)c));
            first = c == ' ';
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
    EACH_ROW(in, out)
    {
        size_t from, to;
        if (n[i] == 0) {
            ch_error err;
            ch_raise(&err, "INVALID_INDEX_OF_ZERO", (char *)NULL);
            ch_engine_raise(info, &err);
            return;
        }
        if (part_of(TEXT(a), TEXT(sep), n[i], &from, &to))
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
    EACH_ROW(in, out)
    {
        const char *text = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]), from, to;
        if (n[i] == 0 || !ch_string_len(&sep[i]))
            ch_udf_string(out, i, "", 0);
        else if (!part_of(TEXT(a), TEXT(sep), n[i], &from, &to))
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
    EACH_ROW(in, out)
    {
        ch_buf_clear(&text);
        bool first = true;
        for (uint64_t k = lists[i].offset; k < lists[i].offset + lists[i].length; k++) {
            bool there = ch_bit(valid, k);
            if (!there && !stand_in) continue;
            if (!first) ch_buf_add(&text, TEXT(sep));
            first = false;
            if (there)
                ch_buf_add(&text, ch_string_data(&words[k]), ch_string_len(&words[k]));
            else
                ch_buf_add(&text, TEXT(stand_in));
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
    EACH_ROW(in, out)
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
    size_t n = count_chars(a, a_len), m = count_chars(b, b_len);
    uint32_t *x = malloc((n + m + 2) * sizeof *x), *y = x ? x + n : NULL;
    int64_t *row = malloc((m + 1) * sizeof *row), result = -1;
    if (x && row) {
        size_t k = 0;
        for (size_t i = 0; i < a_len && k < n; i += char_len((unsigned char)a[i])) x[k++] = decode_char(a + i);
        k = 0;
        for (size_t i = 0; i < b_len && k < m; i += char_len((unsigned char)b[i])) y[k++] = decode_char(b + i);
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
    EACH_ROW(in, out)
    {
        int64_t distance = edit_distance(TEXT(a), TEXT(b));
        data[i] = most && distance > most[i] ? -1 : (int32_t)distance;
    }
}

/* ---- characters ---- */

static void f_ascii(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    int32_t *data = duckdb_vector_get_data(out);
    EACH_ROW(in, out) data[i] = ch_string_len(&a[i]) ? (int32_t)decode_char(ch_string_data(&a[i])) : 0;
}

static void f_char(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const int64_t *a = ch_arg(in, 0);
    ch_buf text = {0};
    EACH_ROW(in, out)
    {
        ch_buf_clear(&text);
        if (a[i] >= 0) add_char(&text, (uint32_t)(a[i] & 0xFF));
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

/* ---- numbers as text ---- */

/* Thousands separators into the digits before the point. */
static void add_grouped(ch_buf *out, const char *digits, size_t whole, const char *fraction, size_t fraction_len)
{
    for (size_t j = 0; j < whole; j++) {
        if (j && (whole - j) % 3 == 0) ch_buf_char(out, ',');
        ch_buf_char(out, digits[j]);
    }
    if (!fraction_len) return;
    ch_buf_char(out, '.');
    ch_buf_add(out, fraction, fraction_len);
}

/* format_number(x, places): java.text.DecimalFormat "#,###,###,###,###,###,##0.00", ties to even of the exact value. */
static void format_places(ch_buf *out, double x, int places)
{
    if (isnan(x)) {
        ch_buf_str(out, "NaN");
        return;
    }
    if (isinf(x)) {
        ch_buf_str(out, x < 0 ? "-∞" : "∞");
        return;
    }
    if (places > 340) places = 340;
    char text[800];
    int n = snprintf(text, sizeof text, "%.*f", places, fabs(x));
    size_t whole = strcspn(text, ".");
    if (signbit(x)) ch_buf_char(out, '-');
    add_grouped(out, text, whole, text + whole + 1, places ? (size_t)n - whole - 1 : 0);
}

static void f_format_number(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const double *a = ch_arg(in, 0);
    const int32_t *places = ch_arg(in, 1);
    ch_buf text = {0};
    EACH_ROW(in, out)
    {
        if (places[i] < 0) {
            ch_udf_null(out, i);
            continue;
        }
        ch_buf_clear(&text);
        format_places(&text, a[i], places[i]);
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

/* format_number(x, pattern): # and 0 with a comma for grouping and places behind the point. */
static void f_format_pattern(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const double *a = ch_arg(in, 0);
    const ch_string *pattern = ch_arg(in, 1);
    ch_buf text = {0};
    EACH_ROW(in, out)
    {
        const char *p = ch_string_data(&pattern[i]);
        size_t len = ch_string_len(&pattern[i]), most = 0, least = 0, j = 0;
        bool grouped = memchr(p, ',', len) != NULL;
        while (j < len && p[j] != '.') j++;
        for (j++; j < len; j++) {
            most += p[j] == '0' || p[j] == '#';
            least += p[j] == '0';
        }
        char number[800];
        if (most > 340) most = 340;
        snprintf(number, sizeof number, "%.*f", (int)most, fabs(a[i]));
        size_t whole = strcspn(number, "."), fraction = most;
        while (fraction > least && number[whole + fraction] == '0') fraction--;
        ch_buf_clear(&text);
        if (a[i] < 0) ch_buf_char(&text, '-');
        if (grouped) {
            add_grouped(&text, number, whole, number + whole + 1, fraction);
        } else {
            ch_buf_add(&text, number, whole);
            if (fraction) ch_buf_add(&text, number + whole, fraction + 1);
        }
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

/* ---- format_string: java.util.Formatter's common conversions ---- */

typedef struct directive {
    char flags[8];
    int width, precision; /* -1: none */
    char conversion;
    size_t argument; /* explicit index, from 1; 0: the next */
} directive;

static bool read_directive(const char **at, const char *end, directive *d)
{
    const char *p = *at;
    size_t nflags = 0;
    *d = (directive){.width = -1, .precision = -1};
    const char *q = p;
    size_t number = 0;
    while (q < end && isdigit((unsigned char)*q) && number < 100000) number = number * 10 + (size_t)(*q++ - '0');
    if (q < end && *q == '$' && number) {
        d->argument = number;
        p = q + 1;
    }
    while (p < end && strchr("-#+ 0,(", *p) && *p && nflags < sizeof d->flags - 1) d->flags[nflags++] = *p++;
    if (p < end && isdigit((unsigned char)*p)) d->width = 0;
    while (p < end && isdigit((unsigned char)*p) && d->width < 100000) d->width = d->width * 10 + (*p++ - '0');
    if (p < end && *p == '.') {
        d->precision = 0;
        for (p++; p < end && isdigit((unsigned char)*p) && d->precision < 1000;)
            d->precision = d->precision * 10 + (*p++ - '0');
    }
    if (p == end) return false;
    d->conversion = *p;
    *at = p + 1;
    return true;
}

static void add_padded(ch_buf *out, const directive *d, const char *text, size_t len)
{
    size_t chars = count_chars(text, len), wanted = d->width > 0 ? (size_t)d->width : 0;
    bool left = strchr(d->flags, '-') != NULL;
    for (size_t k = chars; !left && k < wanted; k++) ch_buf_char(out, ' ');
    ch_buf_add(out, text, len);
    for (size_t k = chars; left && k < wanted; k++) ch_buf_char(out, ' ');
}

/* A number with sign, grouping and zero padding by the flags. */
static void add_number(ch_buf *out, const directive *d, bool negative, const char *digits, size_t len)
{
    ch_buf text = {0};
    size_t whole = 0;
    while (whole < len && isdigit((unsigned char)digits[whole])) whole++;
    bool paren = negative && strchr(d->flags, '(');
    const char *sign = paren ? "(" : negative ? "-" : strchr(d->flags, '+') ? "+" : strchr(d->flags, ' ') ? " " : "";
    if (strchr(d->flags, ','))
        add_grouped(&text, digits, whole, NULL, 0);
    else
        ch_buf_add(&text, digits, whole);
    ch_buf_add(&text, digits + whole, len - whole);
    if (paren) ch_buf_char(&text, ')');
    ch_buf all = {0};
    ch_buf_str(&all, sign);
    size_t taken = strlen(sign) + text.len;
    if (strchr(d->flags, '0') && !strchr(d->flags, '-'))
        for (size_t k = taken; d->width > 0 && k < (size_t)d->width; k++) ch_buf_char(&all, '0');
    ch_buf_add(&all, ch_buf_text(&text), text.len);
    add_padded(out, d, ch_buf_text(&all), all.len);
    ch_buf_reset(&text);
    ch_buf_reset(&all);
}

static bool is_whole(ch_kind k)
{
    return k == CH_BYTE || k == CH_SHORT || k == CH_INT || k == CH_LONG;
}

static int64_t whole_at(const ch_column *c, size_t row)
{
    switch (c->type->kind) {
    case CH_BYTE: return ((const int8_t *)c->data)[row];
    case CH_SHORT: return ((const int16_t *)c->data)[row];
    case CH_INT: return ((const int32_t *)c->data)[row];
    default: return ((const int64_t *)c->data)[row];
    }
}

static bool format_whole(ch_buf *out, const directive *d, const ch_column *c, size_t row)
{
    int64_t v = whole_at(c, row);
    char text[32];
    int n;
    if (d->conversion == 'd') {
        n = snprintf(text, sizeof text, "%llu", v < 0 ? 0 - (unsigned long long)v : (unsigned long long)v);
        add_number(out, d, v < 0, text, (size_t)n);
        return true;
    }
    unsigned long long bits = c->type->kind == CH_LONG ? (unsigned long long)v : (unsigned long long)(uint32_t)v;
    n = snprintf(text, sizeof text, d->conversion == 'x' ? "%llx" : d->conversion == 'X' ? "%llX" : "%llo", bits);
    add_number(out, d, false, text, (size_t)n);
    return true;
}

static bool format_real(ch_buf *out, const directive *d, double v)
{
    char text[1200];
    int precision = d->precision < 0 ? 6 : d->precision;
    if (!isfinite(v)) {
        const char *name = isnan(v) ? "NaN" : v < 0 ? "-Infinity" : "Infinity";
        add_padded(out, d, name, strlen(name));
        return true;
    }
    int n;
    if (d->conversion == 'f')
        n = snprintf(text, sizeof text, "%.*f", precision, fabs(v));
    else if (d->conversion == 'g')
        n = snprintf(text, sizeof text, "%.*g", precision, fabs(v));
    else
        n = snprintf(text, sizeof text, d->conversion == 'E' ? "%.*E" : "%.*e", precision, fabs(v));
    add_number(out, d, signbit(v), text, (size_t)n);
    return true;
}

static bool format_value(ch_buf *out, const directive *d, const ch_column *c, size_t row)
{
    bool there = ch_column_valid(c, row);
    char lower = (char)tolower((unsigned char)d->conversion);
    if (lower == 's' || !there || (lower == 'b' && c->type->kind != CH_BOOLEAN)) {
        ch_buf text = {0};
        if (lower == 'b')
            ch_buf_str(&text, there ? "true" : "false");
        else if (!there)
            ch_buf_str(&text, "null");
        else
            ch_value_text(&text, c, row, CH_TEXT_CAST, ch_timezone_utc());
        size_t len = text.len;
        if (d->precision >= 0) len = bytes_of(ch_buf_text(&text), text.len, (size_t)d->precision);
        if (d->conversion == 'S')
            for (size_t k = 0; k < len; k++) text.data[k] = (char)toupper((unsigned char)text.data[k]);
        add_padded(out, d, ch_buf_text(&text), len);
        ch_buf_reset(&text);
        return true;
    }
    if (strchr("dxXo", d->conversion)) return is_whole(c->type->kind) && format_whole(out, d, c, row);
    if (strchr("feEg", d->conversion)) {
        if (c->type->kind == CH_DOUBLE) return format_real(out, d, ((const double *)c->data)[row]);
        if (c->type->kind == CH_FLOAT) return format_real(out, d, (double)((const float *)c->data)[row]);
        if (c->type->kind != CH_DECIMAL) return false;
        ch_buf text = {0};
        double v = 0;
        ch_value_text(&text, c, row, CH_TEXT_CAST, ch_timezone_utc());
        ch_parse_double(ch_buf_text(&text), text.len, &v);
        ch_buf_reset(&text);
        return format_real(out, d, v);
    }
    if (lower == 'b')
        return format_value(out, &(directive){.conversion = 's', .width = d->width, .precision = -1}, c, row);
    if (lower == 'c' && is_whole(c->type->kind)) {
        ch_buf text = {0};
        add_char(&text, (uint32_t)whole_at(c, row));
        add_padded(out, d, ch_buf_text(&text), text.len);
        ch_buf_reset(&text);
        return true;
    }
    return false;
}

static bool format_row(ch_buf *out, const char *format, size_t len, const ch_column *args, size_t n, size_t row,
                       char *bad)
{
    size_t next = 0;
    const char *end = format + len;
    for (const char *p = format; p < end;) {
        if (*p != '%') {
            ch_buf_char(out, *p++);
            continue;
        }
        p++;
        directive d;
        *bad = '%';
        if (!read_directive(&p, end, &d)) return false;
        *bad = d.conversion;
        if (d.conversion == '%') {
            add_padded(out, &d, "%", 1);
            continue;
        }
        if (d.conversion == 'n') {
            ch_buf_char(out, '\n');
            continue;
        }
        size_t index = d.argument ? d.argument - 1 : next++;
        if (index >= n || !strchr("sSdxXofeEgbBcC", d.conversion)) return false;
        if (!format_value(out, &d, &args[index], row)) return false;
    }
    return true;
}

static void f_format_string(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    idx_t columns = duckdb_data_chunk_get_column_count(in), rows = duckdb_data_chunk_get_size(in);
    ch_arena *arena = ch_arena_new();
    ch_column *args = CH_NEW_ARRAY(arena, ch_column, columns);
    for (idx_t c = 1; c < columns; c++) {
        duckdb_vector v = duckdb_data_chunk_get_vector(in, c);
        duckdb_logical_type engine_type = duckdb_vector_get_column_type(v);
        const ch_type *type = ch_type_of_engine(arena, engine_type);
        duckdb_destroy_logical_type(&engine_type);
        ch_column_wrap(arena, v, type ? type : &ch_type_null, rows, false, &args[c - 1]);
    }
    const ch_string *format = ch_arg(in, 0);
    const uint64_t *valid = ch_arg_mask(in, 0);
    ch_buf text = {0};
    for (idx_t i = 0; i < rows; i++) {
        char bad = 0;
        if (!ch_bit(valid, i)) {
            ch_udf_null(out, i);
            continue;
        }
        ch_buf_clear(&text);
        if (!format_row(&text, TEXT(format), args, (size_t)columns - 1, i, &bad)) {
            ch_error err;
            ch_failf(&err, CH_E_ILLEGAL_ARGUMENT, "Format specifier '%%%c' does not fit its argument.", bad);
            ch_engine_raise(info, &err);
            break;
        }
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
    ch_arena_free(arena);
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
        {.name = "ch_initcap", .types = "s>s", .fn = f_initcap},
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
        {.name = "ch_format_number", .types = "di>s", .fn = f_format_number},
        {.name = "ch_format_number", .types = "ds>s", .fn = f_format_pattern},
        {.name = "ch_format_string", .types = "sA*>s", .fn = f_format_string, .flags = CH_UDF_NULLS},
    };
    return ch_udf_register(con, ROWS, sizeof ROWS / sizeof *ROWS, err);
}
