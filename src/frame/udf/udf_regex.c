/* udf_regex.c: functions of regular expressions in Java's dialect. */
#include "frame/type/regex.h"
#include "frame/udf/udf_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS = 100 };

/* One search in a text, raised as an error of the query when it fails. */
typedef struct searcher {
    duckdb_function_info info;
    const ch_regex *regex;
    size_t spans[2 * GROUPS];
} searcher;

static bool prepare(searcher *s, const ch_string *pattern, const char *function)
{
    ch_error err;
    s->regex = ch_regex_find(ch_string_data(pattern), ch_string_len(pattern), 0, function, &err);
    if (!s->regex) ch_engine_raise(s->info, &err);
    return s->regex != NULL;
}

/* 1 found, 0 not, -1 raised. */
static int search(searcher *s, const char *text, size_t len, size_t from)
{
    ch_error err;
    int found = ch_regex_search(s->regex, text, len, from, s->spans, GROUPS, &err);
    if (found < 0) ch_engine_raise(s->info, &err);
    return found;
}

/* Where the next search starts behind a match, past an empty one by a character. */
static size_t behind(const searcher *s, const char *text, size_t len)
{
    size_t at = s->spans[1];
    if (s->spans[1] != s->spans[0]) return at;
    at++;
    while (at < len && ((unsigned char)text[at] & 0xC0) == 0x80) at++;
    return at;
}

/* A pattern that has no special character and can be searched for as it is. */
static bool is_literal(const ch_string *pattern)
{
    for (size_t i = 0; i < ch_string_len(pattern); i++)
        if (strchr("\\^$.|?*+()[]{}", ch_string_data(pattern)[i])) return false;
    return ch_string_len(pattern) > 0;
}

static void f_rlike(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_string *a = ch_arg(in, 0), *pattern = ch_arg(in, 1);
    const uint64_t *mask = ch_udf_mask(in, out);
    bool *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    searcher s = {.info = info};
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        if (is_literal(&pattern[i])) {
            data[i] = memmem(CH_TEXT(a), CH_TEXT(pattern)) != NULL;
            continue;
        }
        if (!prepare(&s, &pattern[i], "rlike")) return;
        int found = search(&s, CH_TEXT(a), 0);
        if (found < 0) return;
        data[i] = found;
    }
}

/* ---- regexp_extract, regexp_extract_all, regexp_substr ---- */

static bool check_group(searcher *s, int32_t group, const char *function)
{
    size_t groups = ch_regex_groups(s->regex);
    if (group >= 0 && (size_t)group <= groups && group < GROUPS) return true;
    ch_error err;
    char name[64], count[24], index[24];
    snprintf(name, sizeof name, "`%s`", function);
    snprintf(count, sizeof count, "%zu", groups);
    snprintf(index, sizeof index, "%d", group);
    ch_raise(&err, "INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX", "parameter", "`idx`", "functionName", name,
             "groupCount", count, "groupIndex", index, (char *)NULL);
    ch_engine_raise(s->info, &err);
    return false;
}

static void f_extract(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_string *a = ch_arg(in, 0), *pattern = ch_arg(in, 1);
    const int32_t *group = ch_arg(in, 2);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    searcher s = {.info = info};
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        if (!prepare(&s, &pattern[i], "regexp_extract")) return;
        int found = search(&s, CH_TEXT(a), 0);
        if (found < 0) return;
        if (found && !check_group(&s, group[i], "regexp_extract")) return;
        size_t from = found ? s.spans[2 * group[i]] : (size_t)-1;
        if (from == (size_t)-1)
            ch_udf_string(out, i, "", 0);
        else
            ch_udf_string(out, i, ch_string_data(&a[i]) + from, s.spans[2 * group[i] + 1] - from);
    }
}

/* ---- lists of strings as results ---- */

typedef struct string_list {
    duckdb_vector out, child;
    ch_list *lists;
    uint64_t n, cap;
} string_list;

static void open_list(string_list *l, duckdb_vector out)
{
    *l = (string_list){.out = out, .child = duckdb_list_vector_get_child(out), .lists = duckdb_vector_get_data(out)};
}

static void add_string(string_list *l, const char *bytes, size_t len)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 2048;
        duckdb_list_vector_reserve(l->out, l->cap);
        duckdb_list_vector_set_size(l->out, l->n);
    }
    ch_udf_string(l->child, l->n++, bytes, len);
}

static void f_extract_all(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_string *a = ch_arg(in, 0), *pattern = ch_arg(in, 1);
    const int32_t *group = ch_arg(in, 2);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    searcher s = {.info = info};
    string_list l;
    open_list(&l, out);
    int found = 0;
    for (idx_t i = 0; i < rows && found >= 0; i++) {
        l.lists[i] = (ch_list){l.n, 0};
        if (!ch_bit(mask, i)) continue;
        if (!prepare(&s, &pattern[i], "regexp_extract_all")) break;
        const char *text = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]);
        bool good = true;
        for (size_t at = 0; at <= len && good && (found = search(&s, text, len, at)) > 0; at = behind(&s, text, len)) {
            good = check_group(&s, group[i], "regexp_extract_all");
            if (!good) break;
            size_t from = s.spans[2 * group[i]];
            if (from == (size_t)-1)
                add_string(&l, "", 0);
            else
                add_string(&l, text + from, s.spans[2 * group[i] + 1] - from);
        }
        if (!good) break;
        l.lists[i].length = l.n - l.lists[i].offset;
    }
    duckdb_list_vector_set_size(out, l.n);
}

static void f_substr(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_string *a = ch_arg(in, 0), *pattern = ch_arg(in, 1);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    searcher s = {.info = info};
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        if (!prepare(&s, &pattern[i], "regexp_substr")) return;
        int found = search(&s, CH_TEXT(a), 0);
        if (found < 0) return;
        if (found)
            ch_udf_string(out, i, ch_string_data(&a[i]) + s.spans[0], s.spans[1] - s.spans[0]);
        else
            ch_udf_null(out, i);
    }
}

static const bool COUNT = true, PLACE = false;

/* regexp_count, and regexp_instr: the character where the first match starts, from 1. */
static void f_count(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    bool count = *(const bool *)ch_udf_extra(info);
    const ch_string *a = ch_arg(in, 0), *pattern = ch_arg(in, 1);
    const uint64_t *mask = ch_udf_mask(in, out);
    int32_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    searcher s = {.info = info};
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        if (!prepare(&s, &pattern[i], count ? "regexp_count" : "regexp_instr")) return;
        const char *text = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]);
        int found = 0;
        data[i] = 0;
        for (size_t at = 0; at <= len && (found = search(&s, text, len, at)) > 0; at = behind(&s, text, len)) {
            if (count) {
                data[i]++;
                continue;
            }
            for (size_t k = 0; k < s.spans[0]; k++) data[i] += ((unsigned char)text[k] & 0xC0) != 0x80;
            data[i]++;
            break;
        }
        if (found < 0) return;
    }
}

/* ---- regexp_replace ---- */

/* Appends a Java replacement: $1 and ${name} are groups, \ quotes. False when it names a group that is not there. */
static bool add_replacement(ch_buf *out, const searcher *s, const char *text, const char *r, size_t len)
{
    for (size_t j = 0; j < len; j++) {
        if (r[j] == '\\' && j + 1 < len) {
            ch_buf_char(out, r[++j]);
            continue;
        }
        if (r[j] != '$') {
            ch_buf_char(out, r[j]);
            continue;
        }
        if (j + 1 >= len || r[j + 1] < '0' || r[j + 1] > '9') return false;
        size_t group = (size_t)(r[++j] - '0'), groups = ch_regex_groups(s->regex);
        if (group > groups) return false;
        while (j + 1 < len && r[j + 1] >= '0' && r[j + 1] <= '9' && group * 10 + (size_t)(r[j + 1] - '0') <= groups)
            group = group * 10 + (size_t)(r[++j] - '0');
        if (group >= GROUPS || s->spans[2 * group] == (size_t)-1) continue;
        ch_buf_add(out, text + s->spans[2 * group], s->spans[2 * group + 1] - s->spans[2 * group]);
    }
    return true;
}

static void f_replace(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_string *a = ch_arg(in, 0), *pattern = ch_arg(in, 1), *with = ch_arg(in, 2);
    const int32_t *position = ch_arg(in, 3);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    searcher s = {.info = info};
    ch_buf result = {0};
    int found = 0;
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        if (!prepare(&s, &pattern[i], "regexp_replace")) break;
        const char *text = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]), start = 0, copied = 0;
        for (int32_t k = 1; k < position[i] && start < len; k++) {
            start++;
            while (start < len && ((unsigned char)text[start] & 0xC0) == 0x80) start++;
        }
        ch_buf_clear(&result);
        bool good = true;
        for (size_t at = start; at <= len && good && (found = search(&s, text, len, at)) > 0;
             at = behind(&s, text, len)) {
            ch_buf_add(&result, text + copied, s.spans[0] - copied);
            good = add_replacement(&result, &s, text, CH_TEXT(with));
            copied = s.spans[1];
        }
        if (found < 0) break;
        if (!good) {
            ch_error err;
            ch_failf(&err, CH_E_ILLEGAL_ARGUMENT, "Illegal group reference");
            ch_engine_raise(info, &err);
            break;
        }
        ch_buf_add(&result, text + copied, len - copied);
        ch_udf_string(out, i, ch_buf_text(&result), result.len);
    }
    ch_buf_reset(&result);
}

/* ---- split ---- */

/* String.split(regex, limit): a match of no width at the start cuts nothing off. Limit above 0: at most so many parts;
 * otherwise all, with the empty ones at the end. */
static int split_text(searcher *s, string_list *l, const char *text, size_t len, const ch_string *pattern,
                      int32_t limit)
{
    bool literal = is_literal(pattern);
    size_t from = 0, at = 0;
    int32_t parts = 1;
    if (len == 0) {
        add_string(l, "", 0);
        return 1;
    }
    while (at <= len && (limit <= 0 || parts < limit)) {
        if (literal) {
            const char *p = memmem(text + at, len - at, ch_string_data(pattern), ch_string_len(pattern));
            if (!p) break;
            s->spans[0] = (size_t)(p - text);
            s->spans[1] = s->spans[0] + ch_string_len(pattern);
        } else {
            int found = search(s, text, len, at);
            if (found < 0) return -1;
            if (!found) break;
        }
        bool empty = s->spans[0] == s->spans[1];
        at = behind(s, text, len);
        if (empty && (s->spans[0] == 0 || s->spans[0] >= len)) continue;
        add_string(l, text + from, s->spans[0] - from);
        from = s->spans[1];
        parts++;
    }
    add_string(l, text + from, len - from);
    return 1;
}

static void f_split(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_string *a = ch_arg(in, 0), *pattern = ch_arg(in, 1);
    const int32_t *limit = ch_arg(in, 2);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    searcher s = {.info = info};
    string_list l;
    open_list(&l, out);
    for (idx_t i = 0; i < rows; i++) {
        l.lists[i] = (ch_list){l.n, 0};
        if (!ch_bit(mask, i)) continue;
        if (!is_literal(&pattern[i]) && !prepare(&s, &pattern[i], "split")) break;
        if (split_text(&s, &l, CH_TEXT(a), &pattern[i], limit[i]) < 0) break;
        l.lists[i].length = l.n - l.lists[i].offset;
    }
    duckdb_list_vector_set_size(out, l.n);
}

int ch_register_regex(duckdb_connection con, ch_error *err)
{
    static const ch_udf ROWS[] = {
        {.name = "ch_rlike", .types = "ss>b", .fn = f_rlike},
        {.name = "ch_regexp_extract", .types = "ssi>s", .fn = f_extract},
        {.name = "ch_regexp_extract_all", .types = "ssi>[s", .fn = f_extract_all},
        {.name = "ch_regexp_substr", .types = "ss>s", .fn = f_substr},
        {.name = "ch_regexp_count", .types = "ss>i", .fn = f_count, .extra = &COUNT},
        {.name = "ch_regexp_instr", .types = "ss>i", .fn = f_count, .extra = &PLACE},
        {.name = "ch_regexp_replace", .types = "sssi>s", .fn = f_replace},
        {.name = "ch_split", .types = "ssi>[s", .fn = f_split},
    };
    return ch_udf_register(con, ROWS, sizeof ROWS / sizeof *ROWS, err);
}
