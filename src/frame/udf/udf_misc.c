/* udf_misc.c: encodings, URLs, SHA-2, errors on demand, vectors to arrays and back. */
#include "base/utf8.h"
#include "frame/type/sha2.h"
#include "frame/udf/udf_util.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- errors ---- */

/* raise_error(text): SQLSTATE and condition are those of USER_RAISED_EXCEPTION. */
static void f_raise_error(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_string *a = ch_arg(in, 0);
    int32_t *data = duckdb_vector_get_data(out);
    CH_EACH_ROW(in, out)
    {
        char text[400];
        ch_error err;
        snprintf(text, sizeof text, "%.*s", (int)(ch_string_len(&a[i]) < 390 ? ch_string_len(&a[i]) : 390),
                 ch_string_data(&a[i]));
        data[i] = 0;
        ch_raise(&err, "USER_RAISED_EXCEPTION", "errorMessage", text, (char *)NULL);
        ch_engine_raise(info, &err);
        return;
    }
}

/* ---- hashes and encodings ---- */

static void add_hex(ch_buf *out, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) ch_buf_printf(out, "%02x", bytes[i]);
}

static void f_sha2(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    const int32_t *bits = ch_arg(in, 1);
    ch_buf text = {0};
    CH_EACH_ROW(in, out)
    {
        unsigned char hash[CH_SHA2_MAX];
        int width = bits[i] == 0 ? 256 : bits[i];
        if (!ch_sha2(width, CH_TEXT(a), hash)) {
            ch_udf_null(out, i);
            continue;
        }
        ch_buf_clear(&text);
        add_hex(&text, hash, (size_t)width / 8);
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The MIME form: characters that are no digits are passed over. */
/* java.util.Base64's MIME decoder: what is no digit is skipped. NULL, or why the text is refused. */
static const char *decode_base64(ch_buf *out, const char *text, size_t len)
{
    uint32_t value = 0;
    int have = 0; /* bits not yet written */
    for (size_t j = 0; j < len; j++) {
        int digit = base64_digit(text[j]);
        if (text[j] == '=') {
            bool alone = have == 4 && (j + 1 == len || text[j + 1] != '=');
            if (have == 0 || alone) return "Input byte array has wrong 4-byte ending unit";
            break;
        }
        if (digit < 0) continue;
        value = value << 6 | (uint32_t)digit;
        have += 6;
        if (have < 8) continue;
        have -= 8;
        ch_buf_char(out, (char)(value >> have));
    }
    return have == 6 ? "Last unit does not have enough valid bits" : NULL;
}

static void f_unbase64(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_string *a = ch_arg(in, 0);
    ch_buf bytes = {0};
    CH_EACH_ROW(in, out)
    {
        ch_buf_clear(&bytes);
        const char *why = decode_base64(&bytes, CH_TEXT(a));
        if (why) {
            ch_error err;
            ch_failf(&err, CH_E_ILLEGAL_ARGUMENT, "%s", why);
            ch_engine_raise(info, &err);
            break;
        }
        ch_udf_string(out, i, ch_buf_text(&bytes), bytes.len);
    }
    ch_buf_reset(&bytes);
}

typedef enum charset { ASCII, LATIN1, UTF8, UTF16, UTF16BE, UTF16LE, UTF32, OTHER } charset;

static charset charset_of(const char *name, size_t len)
{
    static const struct {
        const char *name;
        charset set;
    } SETS[] = {{"US-ASCII", ASCII},   {"ISO-8859-1", LATIN1}, {"UTF-8", UTF8},  {"UTF-16", UTF16},
                {"UTF-16BE", UTF16BE}, {"UTF-16LE", UTF16LE},  {"UTF-32", UTF32}};
    for (size_t i = 0; i < sizeof SETS / sizeof *SETS; i++)
        if (strlen(SETS[i].name) == len && strncasecmp(SETS[i].name, name, len) == 0) return SETS[i].set;
    return OTHER;
}

static void bad_charset(duckdb_function_info info, const ch_string *name, const char *function)
{
    ch_error err;
    char text[80], fn[24];
    snprintf(text, sizeof text, "%.*s", (int)(ch_string_len(name) < 70 ? ch_string_len(name) : 70),
             ch_string_data(name));
    snprintf(fn, sizeof fn, "`%s`", function);
    ch_raise(&err, "INVALID_PARAMETER_VALUE.CHARSET", "parameter", "`charset`", "functionName", fn, "charset", text,
             "charsets", "iso-8859-1, us-ascii, utf-16, utf-16be, utf-16le, utf-32, utf-8", (char *)NULL);
    ch_engine_raise(info, &err);
}

static void put_unit(ch_buf *out, uint32_t unit, bool big)
{
    ch_buf_char(out, (char)(big ? unit >> 8 : unit));
    ch_buf_char(out, (char)(big ? unit : unit >> 8));
}

static void malformed(duckdb_function_info info, const ch_string *name, const char *function)
{
    ch_error err;
    char text[80], fn[24];
    snprintf(text, sizeof text, "%.*s", (int)(ch_string_len(name) < 70 ? ch_string_len(name) : 70),
             ch_string_data(name));
    snprintf(fn, sizeof fn, "`%s`", function);
    ch_raise(&err, "MALFORMED_CHARACTER_CODING", "function", fn, "charset", text, (char *)NULL);
    ch_engine_raise(info, &err);
}

/* False for a character that the set does not have. */
static bool encode_char(ch_buf *out, uint32_t c, charset set)
{
    bool big = set != UTF16LE;
    if (set == ASCII || set == LATIN1) {
        if (c >= (set == ASCII ? 0x80U : 0x100U)) return false;
        ch_buf_char(out, (char)c);
    } else if (set == UTF32) {
        put_unit(out, c >> 16, true);
        put_unit(out, c & 0xFFFF, true);
    } else if (c < 0x10000) {
        put_unit(out, c, big);
    } else {
        put_unit(out, 0xD800 + ((c - 0x10000) >> 10), big);
        put_unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF), big);
    }
    return true;
}

static void f_encode(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_string *a = ch_arg(in, 0), *name = ch_arg(in, 1);
    ch_buf bytes = {0};
    CH_EACH_ROW(in, out)
    {
        charset set = charset_of(CH_TEXT(name));
        if (set == OTHER) {
            bad_charset(info, &name[i], "encode");
            break;
        }
        const char *p = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]);
        bool good = true;
        ch_buf_clear(&bytes);
        if (set == UTF8) ch_buf_add(&bytes, p, len);
        if (set == UTF16 && len) put_unit(&bytes, 0xFEFF, true);
        for (size_t at = 0; set != UTF8 && at < len && good; at += ch_utf8_len((unsigned char)p[at]))
            good = encode_char(&bytes, ch_utf8_decode(p + at), set);
        if (!good) {
            malformed(info, &name[i], "encode");
            break;
        }
        ch_udf_string(out, i, ch_buf_text(&bytes), bytes.len);
    }
    ch_buf_reset(&bytes);
}

/* False for a surrogate without its other half. */
static bool decode_units(ch_buf *out, const unsigned char *p, size_t len, charset set)
{
    size_t at = 0;
    bool big = set != UTF16LE;
    if (set == UTF16 && len >= 2 && ((p[0] == 0xFE && p[1] == 0xFF) || (p[0] == 0xFF && p[1] == 0xFE))) {
        big = p[0] == 0xFE;
        at = 2;
    }
    for (; at + 1 < len; at += 2) {
        uint32_t u = big ? (uint32_t)p[at] << 8 | p[at + 1] : (uint32_t)p[at + 1] << 8 | p[at];
        if (u >= 0xD800 && u < 0xE000) {
            if (u >= 0xDC00 || at + 3 >= len) return false;
            at += 2;
            uint32_t v = big ? (uint32_t)p[at] << 8 | p[at + 1] : (uint32_t)p[at + 1] << 8 | p[at];
            if (v < 0xDC00 || v >= 0xE000) return false;
            u = 0x10000 + ((u - 0xD800) << 10) + (v - 0xDC00);
        }
        ch_utf8_add(out, u);
    }
    return at == len;
}

/* False when the bytes are no text in that character set. */
static bool decode_text(ch_buf *text, const unsigned char *p, size_t len, charset set)
{
    switch (set) {
    case UTF8: ch_buf_add(text, p, len); return ch_utf8_valid((const char *)p, len);
    case ASCII:
    case LATIN1:
        for (size_t j = 0; j < len; j++) {
            if (set == ASCII && p[j] >= 0x80) return false;
            ch_utf8_add(text, p[j]);
        }
        return true;
    case UTF32:
        for (size_t j = 0; j + 3 < len; j += 4) {
            uint32_t c = (uint32_t)p[j] << 24 | (uint32_t)p[j + 1] << 16 | (uint32_t)p[j + 2] << 8 | p[j + 3];
            if (c >= 0x110000 || (c >= 0xD800 && c < 0xE000)) return false;
            ch_utf8_add(text, c);
        }
        return len % 4 == 0;
    default: return decode_units(text, p, len, set);
    }
}

static void f_decode(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_string *a = ch_arg(in, 0), *name = ch_arg(in, 1);
    ch_buf text = {0};
    CH_EACH_ROW(in, out)
    {
        charset set = charset_of(CH_TEXT(name));
        ch_buf_clear(&text);
        if (set == OTHER) {
            bad_charset(info, &name[i], "decode");
            break;
        }
        if (!decode_text(&text, (const unsigned char *)ch_string_data(&a[i]), ch_string_len(&a[i]), set)) {
            malformed(info, &name[i], "decode");
            break;
        }
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

/* ---- URLs: application/x-www-form-urlencoded ---- */

static void f_url_encode(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    ch_buf text = {0};
    CH_EACH_ROW(in, out)
    {
        ch_buf_clear(&text);
        for (size_t j = 0; j < ch_string_len(&a[i]); j++) {
            unsigned char c = (unsigned char)ch_string_data(&a[i])[j];
            if (c == ' ')
                ch_buf_char(&text, '+');
            else if (isalnum(c) || (c && strchr("-_.*", c)))
                ch_buf_char(&text, (char)c);
            else
                ch_buf_printf(&text, "%%%02X", c);
        }
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

static void f_url_decode(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_string *a = ch_arg(in, 0);
    ch_buf text = {0};
    CH_EACH_ROW(in, out)
    {
        const char *s = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]);
        bool good = true;
        ch_buf_clear(&text);
        for (size_t j = 0; j < len && good; j++) {
            int high = s[j] == '%' && j + 2 < len ? hex_digit(s[j + 1]) : -1,
                low = high >= 0 ? hex_digit(s[j + 2]) : -1;
            if (s[j] != '%') {
                ch_buf_char(&text, s[j] == '+' ? ' ' : s[j]);
                continue;
            }
            good = low >= 0;
            if (good) ch_buf_char(&text, (char)(high << 4 | low));
            j += 2;
        }
        if (!good) {
            ch_error err;
            char shown[200];
            snprintf(shown, sizeof shown, "%.*s", (int)(len < 190 ? len : 190), s);
            ch_raise(&err, "CANNOT_DECODE_URL", "url", shown, (char *)NULL);
            ch_engine_raise(info, &err);
            break;
        }
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

/* ---- str_to_map: the keys (part 0) or the values (part 1) of "a:1,b:2" ---- */

static void f_split_pairs(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0), *outer = ch_arg(in, 1), *inner = ch_arg(in, 2);
    const int32_t *part = ch_arg(in, 3);
    duckdb_vector child = duckdb_list_vector_get_child(out);
    ch_list *lists = duckdb_vector_get_data(out);
    uint64_t n = 0, cap = 0;
    CH_EACH_ROW(in, out)
    {
        const char *s = ch_string_data(&a[i]), *end = s + ch_string_len(&a[i]);
        lists[i] = (ch_list){n, 0};
        for (bool more = true; more;) {
            size_t width = ch_string_len(&outer[i]);
            const char *stop = width ? memmem(s, (size_t)(end - s), CH_TEXT(outer)) : NULL;
            more = stop != NULL;
            if (!stop) stop = end;
            const char *mid = ch_string_len(&inner[i]) ? memmem(s, (size_t)(stop - s), CH_TEXT(inner)) : NULL;
            if (n == cap) {
                cap = cap ? cap * 2 : 2048;
                duckdb_list_vector_reserve(out, cap);
            }
            duckdb_list_vector_set_size(out, n + 1);
            if (part[i] == 0) {
                ch_udf_string(child, n, s, (size_t)((mid ? mid : stop) - s));
            } else if (mid) {
                mid += ch_string_len(&inner[i]);
                ch_udf_string(child, n, mid, (size_t)(stop - mid));
            } else {
                ch_udf_null(child, n);
            }
            n++;
            s = stop + width;
        }
        lists[i].length = n - lists[i].offset;
    }
}

/* ---- vectors ---- */

/* VectorUDT's struct: type 0 sparse with size and indices, 1 dense. */
static void f_vector_to_array(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    duckdb_vector v = duckdb_data_chunk_get_vector(in, 0);
    const int8_t *type = duckdb_vector_get_data(duckdb_struct_vector_get_child(v, 0));
    const int32_t *size = duckdb_vector_get_data(duckdb_struct_vector_get_child(v, 1));
    duckdb_vector indices_of = duckdb_struct_vector_get_child(v, 2), values_of = duckdb_struct_vector_get_child(v, 3);
    const ch_list *index_lists = duckdb_vector_get_data(indices_of), *value_lists = duckdb_vector_get_data(values_of);
    const int32_t *indices = duckdb_vector_get_data(duckdb_list_vector_get_child(indices_of));
    const double *values = duckdb_vector_get_data(duckdb_list_vector_get_child(values_of));
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    ch_list *lists = duckdb_vector_get_data(out);
    uint64_t total = 0;
    for (idx_t i = 0; i < rows; i++) {
        lists[i] = (ch_list){total, 0};
        if (!ch_bit(mask, i)) continue;
        lists[i].length = type[i] == 1 ? value_lists[i].length : (uint64_t)(size[i] > 0 ? size[i] : 0);
        total += lists[i].length;
        if (total > UINT64_C(1) << 32) {
            duckdb_scalar_function_set_error(info, "vectors are too long to become arrays");
            return;
        }
    }
    duckdb_list_vector_reserve(out, total);
    duckdb_list_vector_set_size(out, total);
    double *data = duckdb_vector_get_data(duckdb_list_vector_get_child(out));
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        double *row = data + lists[i].offset;
        if (type[i] == 1) {
            if (lists[i].length) memcpy(row, values + value_lists[i].offset, lists[i].length * sizeof *row);
            continue;
        }
        memset(row, 0, lists[i].length * sizeof *row);
        for (uint64_t k = 0; k < index_lists[i].length && k < value_lists[i].length; k++) {
            int32_t at = indices[index_lists[i].offset + k];
            if (at >= 0 && (uint64_t)at < lists[i].length) row[at] = values[value_lists[i].offset + k];
        }
    }
}

static void f_array_to_vector(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    duckdb_vector v = duckdb_data_chunk_get_vector(in, 0), child = duckdb_list_vector_get_child(v);
    const ch_list *lists = duckdb_vector_get_data(v);
    const double *values = duckdb_vector_get_data(child);
    const uint64_t *valid = duckdb_vector_get_validity(child), *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    int8_t *type = duckdb_vector_get_data(duckdb_struct_vector_get_child(out, 0));
    duckdb_vector size = duckdb_struct_vector_get_child(out, 1), index = duckdb_struct_vector_get_child(out, 2);
    duckdb_vector value = duckdb_struct_vector_get_child(out, 3);
    ch_list *value_lists = duckdb_vector_get_data(value);
    uint64_t total = 0;
    for (idx_t i = 0; i < rows; i++) {
        ch_udf_null(size, i);
        ch_udf_null(index, i);
        value_lists[i] = (ch_list){total, ch_bit(mask, i) ? lists[i].length : 0};
        total += value_lists[i].length;
        type[i] = 1;
        if (ch_bit(mask, i)) continue;
        for (idx_t k = 0; k < 4; k++) ch_udf_null(duckdb_struct_vector_get_child(out, k), i);
    }
    duckdb_list_vector_reserve(value, total);
    duckdb_list_vector_set_size(value, total);
    double *data = duckdb_vector_get_data(duckdb_list_vector_get_child(value));
    for (idx_t i = 0; i < rows; i++) {
        for (uint64_t k = 0; k < value_lists[i].length; k++) {
            if (!ch_bit(valid, lists[i].offset + k)) {
                ch_error err;
                ch_failf(&err, CH_E_SPARK, "Cannot make a vector of an array with NULL elements.");
                ch_engine_raise(info, &err);
                return;
            }
            data[value_lists[i].offset + k] = values[lists[i].offset + k];
        }
    }
}

int ch_register_misc(duckdb_connection con, ch_error *err)
{
    static const ch_udf ROWS[] = {
        {.name = "ch_raise_error", .types = "s>i", .fn = f_raise_error, .flags = CH_UDF_VOLATILE},
        {.name = "ch_sha2", .types = "xi>s", .fn = f_sha2},
        {.name = "ch_unbase64", .types = "s>x", .fn = f_unbase64},
        {.name = "ch_encode", .types = "ss>x", .fn = f_encode},
        {.name = "ch_decode", .types = "xs>s", .fn = f_decode},
        {.name = "ch_url_encode", .types = "s>s", .fn = f_url_encode},
        {.name = "ch_url_decode", .types = "s>s", .fn = f_url_decode},
        {.name = "ch_split_pairs", .types = "sssi>[s", .fn = f_split_pairs},
        {.name = "ch_vector_to_array", .types = "v>[d", .fn = f_vector_to_array},
        {.name = "ch_array_to_vector", .types = "[d>v", .fn = f_array_to_vector},
    };
    return ch_udf_register(con, ROWS, sizeof ROWS / sizeof *ROWS, err);
}
