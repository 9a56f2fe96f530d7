/* udf_hash.c: Spark's hash() and xxhash64(), bit for bit: Murmur3_x86_32 and XXH64 as org.apache.spark.unsafe has them,
 * value by value, each seeded by the hash so far. A NULL leaves the hash as it is. */
#include "frame/udf/udf_util.h"

#include <math.h>
#include <string.h>

/* ---- Murmur3 ---- */

static inline uint32_t rotate32(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static inline uint32_t mix_k(uint32_t k)
{
    return rotate32(k * 0xcc9e2d51U, 15) * 0x1b873593U;
}

static inline uint32_t mix_h(uint32_t h, uint32_t k)
{
    return rotate32(h ^ mix_k(k), 13) * 5 + 0xe6546b64U;
}

static inline uint32_t finish32(uint32_t h, uint32_t len)
{
    h ^= len;
    h = (h ^ (h >> 16)) * 0x85ebca6bU;
    h = (h ^ (h >> 13)) * 0xc2b2ae35U;
    return h ^ (h >> 16);
}

static uint32_t murmur_int(uint32_t v, uint32_t seed)
{
    return finish32(mix_h(seed, v), 4);
}

static uint32_t murmur_long(uint64_t v, uint32_t seed)
{
    return finish32(mix_h(mix_h(seed, (uint32_t)v), (uint32_t)(v >> 32)), 8);
}

/* hashUnsafeBytes: whole words, then each remaining byte, sign-extended, as a word of its own. */
static uint32_t murmur_bytes(const char *bytes, size_t len, uint32_t seed)
{
    uint32_t h = seed;
    size_t i = 0;
    for (; i + 4 <= len; i += 4) {
        uint32_t word;
        memcpy(&word, bytes + i, 4);
        h = mix_h(h, word);
    }
    for (; i < len; i++) h = mix_h(h, (uint32_t)(int32_t)(signed char)bytes[i]);
    return finish32(h, (uint32_t)len);
}

/* ---- XXH64 ---- */

static const uint64_t P1 = 0x9E3779B185EBCA87U, P2 = 0xC2B2AE3D27D4EB4FU, P3 = 0x165667B19E3779F9U,
                      P4 = 0x85EBCA77C2B2AE63U, P5 = 0x27D4EB2F165667C5U;

static inline uint64_t rotate64(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static inline uint64_t finish64(uint64_t h)
{
    h = (h ^ (h >> 33)) * P2;
    h = (h ^ (h >> 29)) * P3;
    return h ^ (h >> 32);
}

static uint64_t xx_int(uint32_t v, uint64_t seed)
{
    uint64_t h = seed + P5 + 4;
    h ^= (uint64_t)v * P1;
    return finish64(rotate64(h, 23) * P2 + P3);
}

static uint64_t xx_long(uint64_t v, uint64_t seed)
{
    uint64_t h = seed + P5 + 8;
    h ^= rotate64(v * P2, 31) * P1;
    return finish64(rotate64(h, 27) * P1 + P4);
}

static inline uint64_t word64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static uint64_t xx_bytes(const char *p, size_t len, uint64_t seed)
{
    size_t i = 0;
    uint64_t h;
    if (len >= 32) {
        uint64_t v[4] = {seed + P1 + P2, seed + P2, seed, seed - P1};
        for (; i + 32 <= len; i += 32)
            for (int k = 0; k < 4; k++) v[k] = rotate64(v[k] + word64(p + i + 8 * (size_t)k) * P2, 31) * P1;
        h = rotate64(v[0], 1) + rotate64(v[1], 7) + rotate64(v[2], 12) + rotate64(v[3], 18);
        for (int k = 0; k < 4; k++) h = (h ^ rotate64(v[k] * P2, 31) * P1) * P1 + P4;
    } else {
        h = seed + P5;
    }
    h += len;
    for (; i + 8 <= len; i += 8) h = rotate64(h ^ rotate64(word64(p + i) * P2, 31) * P1, 27) * P1 + P4;
    if (i + 4 <= len) {
        uint32_t word;
        memcpy(&word, p + i, 4);
        h = rotate64(h ^ (uint64_t)word * P1, 23) * P2 + P3;
        i += 4;
    }
    for (; i < len; i++) h = rotate64(h ^ (uint64_t)(unsigned char)p[i] * P5, 11) * P1;
    return finish64(h);
}

/* ---- values ---- */

static uint64_t hash_int(bool wide, int32_t v, uint64_t seed)
{
    return wide ? xx_int((uint32_t)v, seed) : murmur_int((uint32_t)v, (uint32_t)seed);
}

static uint64_t hash_long(bool wide, int64_t v, uint64_t seed)
{
    return wide ? xx_long((uint64_t)v, seed) : murmur_long((uint64_t)v, (uint32_t)seed);
}

static uint64_t hash_bytes(bool wide, const char *p, size_t len, uint64_t seed)
{
    return wide ? xx_bytes(p, len, seed) : murmur_bytes(p, len, (uint32_t)seed);
}

/* Floating point hashes its bits, -0.0 as 0.0 and every NaN as Java's one. */
static uint64_t hash_double(bool wide, double v, uint64_t seed)
{
    int64_t bits;
    if (isnan(v)) return hash_long(wide, 0x7ff8000000000000, seed);
    if (v == 0) v = 0;
    memcpy(&bits, &v, sizeof bits);
    return hash_long(wide, bits, seed);
}

static uint64_t hash_float(bool wide, float v, uint64_t seed)
{
    int32_t bits;
    if (isnan(v)) return hash_int(wide, 0x7fc00000, seed);
    if (v == 0) v = 0;
    memcpy(&bits, &v, sizeof bits);
    return hash_int(wide, bits, seed);
}

/* Up to 18 digits a decimal hashes as its unscaled long, beyond as the bytes of its BigInteger: big-endian, as few as
 * hold it. */
static uint64_t hash_decimal(bool wide, const ch_column *c, size_t row, uint64_t seed)
{
    int p = c->type->precision;
    if (p <= 4) return hash_long(wide, ((const int16_t *)c->data)[row], seed);
    if (p <= 9) return hash_long(wide, ((const int32_t *)c->data)[row], seed);
    if (p <= 18) return hash_long(wide, ((const int64_t *)c->data)[row], seed);
    ch_int128 v = ((const ch_int128 *)c->data)[row];
    char bytes[16];
    size_t n = 16;
    for (size_t i = 0; i < 16; i++) bytes[15 - i] = (char)(v >> (8 * i));
    while (n > 1) {
        char top = bytes[16 - n], next = bytes[17 - n];
        if (!((top == 0 && next >= 0) || (top == -1 && next < 0))) break;
        n--;
    }
    return hash_bytes(wide, bytes + 16 - n, n, seed);
}

static uint64_t hash_value(bool wide, const ch_column *c, size_t row, uint64_t seed)
{
    if (!ch_column_valid(c, row)) return seed;
    switch (c->type->kind) {
    case CH_NULL: return seed;
    case CH_BOOLEAN: return hash_int(wide, ((const uint8_t *)c->data)[row] ? 1 : 0, seed);
    case CH_BYTE: return hash_int(wide, ((const int8_t *)c->data)[row], seed);
    case CH_SHORT: return hash_int(wide, ((const int16_t *)c->data)[row], seed);
    case CH_INT:
    case CH_DATE: return hash_int(wide, ((const int32_t *)c->data)[row], seed);
    case CH_LONG:
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ: return hash_long(wide, ((const int64_t *)c->data)[row], seed);
    case CH_FLOAT: return hash_float(wide, ((const float *)c->data)[row], seed);
    case CH_DOUBLE: return hash_double(wide, ((const double *)c->data)[row], seed);
    case CH_DECIMAL: return hash_decimal(wide, c, row, seed);
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY: {
        const ch_string *s = &((const ch_string *)c->data)[row];
        return hash_bytes(wide, ch_string_data(s), ch_string_len(s), seed);
    }
    case CH_INTERVAL_DAY_TIME: return hash_long(wide, ((const ch_interval *)c->data)[row].micros, seed);
    case CH_INTERVAL_YEAR_MONTH: return hash_int(wide, ((const ch_interval *)c->data)[row].months, seed);
    case CH_ARRAY: {
        const ch_list *l = &((const ch_list *)c->data)[row];
        for (uint64_t i = 0; i < l->length; i++) seed = hash_value(wide, &c->child[0], l->offset + i, seed);
        return seed;
    }
    default:
        for (size_t i = 0; i < c->nchild; i++) seed = hash_value(wide, &c->child[i], row, seed);
        return seed;
    }
}

static void hash_columns(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out, bool wide)
{
    idx_t rows = duckdb_data_chunk_get_size(in);
    duckdb_vector v = duckdb_data_chunk_get_vector(in, 1);
    duckdb_logical_type engine_type = duckdb_vector_get_column_type(v);
    ch_arena *arena = ch_arena_new();
    const ch_type *type = ch_type_of_engine(arena, engine_type);
    duckdb_destroy_logical_type(&engine_type);
    if (!type) {
        ch_arena_free(arena);
        duckdb_scalar_function_set_error(info, "hash of a foreign type");
        return;
    }
    ch_column column = {0};
    ch_column_wrap(arena, v, type, rows, false, &column);
    const void *seeds = ch_arg(in, 0);
    void *data = duckdb_vector_get_data(out);
    for (idx_t i = 0; i < rows; i++) {
        if (wide)
            ((int64_t *)data)[i] = (int64_t)hash_value(true, &column, i, (uint64_t)((const int64_t *)seeds)[i]);
        else
            ((int32_t *)data)[i] = (int32_t)hash_value(false, &column, i, (uint32_t)((const int32_t *)seeds)[i]);
    }
    ch_arena_free(arena);
}

static void f_murmur3(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    hash_columns(info, in, out, false);
}

static void f_xxhash64(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    hash_columns(info, in, out, true);
}

/* ---- crc32 ---- */

static void f_crc32(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    int64_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        uint32_t crc = 0xffffffffU;
        for (size_t j = 0; j < ch_string_len(&a[i]); j++) {
            crc ^= (unsigned char)ch_string_data(&a[i])[j];
            for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
        }
        data[i] = (int64_t)(crc ^ 0xffffffffU);
    }
}

int ch_register_hash(duckdb_connection con, ch_error *err)
{
    static const ch_udf ROWS[] = {
        {.name = "ch_murmur3", .types = "iA>i", .fn = f_murmur3, .flags = CH_UDF_NULLS},
        {.name = "ch_xxhash64", .types = "lA>l", .fn = f_xxhash64, .flags = CH_UDF_NULLS},
        {.name = "ch_crc32", .types = "x>l", .fn = f_crc32},
    };
    return ch_udf_register(con, ROWS, sizeof ROWS / sizeof *ROWS, err);
}
