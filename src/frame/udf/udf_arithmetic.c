/* udf_arithmetic.c: the operators of arithmetic, as Spark's checked and unchecked modes have them. Sums, differences
 * and products of whole numbers are ours although the engine has them: its optimizer takes constants out of its own
 * ones (sum(x + 1) becomes sum(x) + count(x), x + 1 > 5 becomes x > 4), and then nobody sees that a row overflows. */
#include "frame/udf/udf_util.h"

#include <math.h>
#include <stdio.h>

static const char ANSI[] = "\"spark.sql.ansi.enabled\"";

/* ---- sums, differences and products of whole numbers ---- */

typedef struct checked_op {
    char symbol;
    const char *try_name;
} checked_op;

static const checked_op ADD = {'+', "try_add"}, SUB = {'-', "try_subtract"}, MUL = {'*', "try_multiply"};

/* Spark names the operands of the two small types only, and writes bytes as shorts. */
static void raise_overflow(duckdb_function_info info, const checked_op *op, size_t size, int64_t x, int64_t y)
{
    ch_error err;
    char a[24], b[24], name[32];
    if (size >= sizeof(int32_t)) {
        char alternative[80];
        snprintf(alternative, sizeof alternative, " Use '%s' to tolerate overflow and return NULL instead.",
                 op->try_name);
        ch_raise(&err, "ARITHMETIC_OVERFLOW", "message", size == sizeof(int32_t) ? "integer overflow" : "long overflow",
                 "alternative", alternative, "config", ANSI, (char *)NULL);
    } else {
        snprintf(a, sizeof a, "%lldS", (long long)x);
        snprintf(b, sizeof b, "%lldS", (long long)y);
        snprintf(name, sizeof name, "`%s`", op->try_name);
        ch_raise(&err, "BINARY_ARITHMETIC_OVERFLOW", "value1", a, "symbol", (char[]){op->symbol, '\0'}, "value2", b,
                 "functionName", name, (char *)NULL);
    }
    ch_engine_raise(info, &err);
}

/* What overflows raises, or is NULL. Rows that are NULL hold anything, so a block that overflowed is looked at again.
 */
#define CHECKED(fn_, type, builtin, op, raises)                                                                        \
    static void fn_(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)                                \
    {                                                                                                                  \
        (void)info;                                                                                                    \
        const type *a = ch_arg(in, 0), *b = ch_arg(in, 1);                                                             \
        type *data = duckdb_vector_get_data(out);                                                                      \
        const uint64_t *mask = ch_udf_mask(in, out);                                                                   \
        idx_t rows = duckdb_data_chunk_get_size(in);                                                                   \
        bool over = false;                                                                                             \
        for (idx_t i = 0; i < rows; i++) over |= builtin(a[i], b[i], &data[i]);                                        \
        for (idx_t i = 0; over && i < rows; i++) {                                                                     \
            type result;                                                                                               \
            if (!ch_bit(mask, i) || !builtin(a[i], b[i], &result)) continue;                                           \
            if (raises) {                                                                                              \
                raise_overflow(info, &(op), sizeof(type), a[i], b[i]);                                                 \
                return;                                                                                                \
            }                                                                                                          \
            ch_udf_null(out, i);                                                                                       \
        }                                                                                                              \
    }
#define CHECKED_TYPE(suffix, type)                                                                                     \
    CHECKED(add_##suffix, type, __builtin_add_overflow, ADD, true)                                                     \
    CHECKED(sub_##suffix, type, __builtin_sub_overflow, SUB, true)                                                     \
    CHECKED(mul_##suffix, type, __builtin_mul_overflow, MUL, true)                                                     \
    CHECKED(try_add_##suffix, type, __builtin_add_overflow, ADD, false)                                                \
    CHECKED(try_sub_##suffix, type, __builtin_sub_overflow, SUB, false)                                                \
    CHECKED(try_mul_##suffix, type, __builtin_mul_overflow, MUL, false)

CHECKED_TYPE(byte, int8_t)
CHECKED_TYPE(short, int16_t)
CHECKED_TYPE(int, int32_t)
CHECKED_TYPE(long, int64_t)

/* Negation and absolute value of whole numbers: the smallest has none. */
#define SIGNED(fn_, type, least, name, expr)                                                                           \
    static void fn_(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)                                \
    {                                                                                                                  \
        const type *a = ch_arg(in, 0);                                                                                 \
        const uint64_t *mask = ch_udf_mask(in, out);                                                                   \
        type *data = duckdb_vector_get_data(out);                                                                      \
        idx_t rows = duckdb_data_chunk_get_size(in);                                                                   \
        for (idx_t i = 0; i < rows; i++) {                                                                             \
            type x = a[i];                                                                                             \
            if (x == (least)) {                                                                                        \
                if (!ch_bit(mask, i)) continue;                                                                        \
                ch_error err;                                                                                          \
                ch_raise(&err, "ARITHMETIC_OVERFLOW", "message", name " overflow", "alternative", "", "config", ANSI,  \
                         (char *)NULL);                                                                                \
                ch_engine_raise(info, &err);                                                                           \
                return;                                                                                                \
            }                                                                                                          \
            data[i] = (type)(expr);                                                                                    \
        }                                                                                                              \
    }

SIGNED(negate_byte, int8_t, INT8_MIN, "byte", -x)
SIGNED(negate_short, int16_t, INT16_MIN, "short", -x)
SIGNED(negate_int, int32_t, INT32_MIN, "integer", -x)
SIGNED(negate_long, int64_t, INT64_MIN, "long", -x)
SIGNED(abs_byte, int8_t, INT8_MIN, "byte", x < 0 ? -x : x)
SIGNED(abs_short, int16_t, INT16_MIN, "short", x < 0 ? -x : x)
SIGNED(abs_int, int32_t, INT32_MIN, "integer", x < 0 ? -x : x)
SIGNED(abs_long, int64_t, INT64_MIN, "long", x < 0 ? -x : x)

/* ---- whole numbers as Java has them: what overflows wraps ---- */

#define WRAP(fn_, type, wide, expr)                                                                                    \
    static void fn_(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)                                \
    {                                                                                                                  \
        (void)info;                                                                                                    \
        const type *a = ch_arg(in, 0), *b = ch_arg(in, 1);                                                             \
        type *data = duckdb_vector_get_data(out);                                                                      \
        ch_udf_mask(in, out);                                                                                          \
        idx_t rows = duckdb_data_chunk_get_size(in);                                                                   \
        for (idx_t i = 0; i < rows; i++) {                                                                             \
            wide x = (wide)a[i], y = (wide)b[i];                                                                       \
            data[i] = (type)(expr);                                                                                    \
        }                                                                                                              \
    }
#define WRAP_ONE(fn_, type, wide, expr)                                                                                \
    static void fn_(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)                                \
    {                                                                                                                  \
        (void)info;                                                                                                    \
        const type *a = ch_arg(in, 0);                                                                                 \
        type *data = duckdb_vector_get_data(out);                                                                      \
        ch_udf_mask(in, out);                                                                                          \
        idx_t rows = duckdb_data_chunk_get_size(in);                                                                   \
        for (idx_t i = 0; i < rows; i++) {                                                                             \
            type x = a[i];                                                                                             \
            data[i] = (type)(expr);                                                                                    \
        }                                                                                                              \
    }
#define WRAP_TYPE(suffix, type, wide)                                                                                  \
    WRAP(wrap_add_##suffix, type, wide, x + y)                                                                         \
    WRAP(wrap_sub_##suffix, type, wide, x - y)                                                                         \
    WRAP(wrap_mul_##suffix, type, wide, x *y)                                                                          \
    WRAP_ONE(wrap_negate_##suffix, type, wide, 0 - (wide)x)                                                            \
    WRAP_ONE(wrap_abs_##suffix, type, wide, x < 0 ? 0 - (wide)x : (wide)x)

/* clang-format off */
#define TYPE_ROWS(op, b, s, i, l) \
    {.name = "ch_" #op, .types = b, .fn = op##_byte}, \
    {.name = "ch_" #op, .types = s, .fn = op##_short}, \
    {.name = "ch_" #op, .types = i, .fn = op##_int}, \
    {.name = "ch_" #op, .types = l, .fn = op##_long}
#define BINARY_ROWS(op) TYPE_ROWS(op, "yy>y", "hh>h", "ii>i", "ll>l")
#define UNARY_ROWS(op)  TYPE_ROWS(op, "y>y", "h>h", "i>i", "l>l")
/* clang-format on */

WRAP_TYPE(byte, int8_t, uint32_t)
WRAP_TYPE(short, int16_t, uint32_t)
WRAP_TYPE(int, int32_t, uint32_t)
WRAP_TYPE(long, int64_t, uint64_t)

/* The low 64 bits of a sum. */
static void f_wrap_long(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_int128 *a = ch_arg(in, 0);
    int64_t *data = duckdb_vector_get_data(out);
    ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) data[i] = (int64_t)(uint64_t)a[i];
}

/* NULL for a divisor of zero */
static void f_wrap_div(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const int64_t *a = ch_arg(in, 0), *b = ch_arg(in, 1);
    const uint64_t *mask = ch_udf_mask(in, out);
    int64_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        if (b[i] == 0)
            ch_udf_null(out, i);
        else
            data[i] = b[i] == -1 ? (int64_t)(0 - (uint64_t)a[i]) : a[i] / b[i];
    }
}

/* sum of whole numbers comes from the engine as a hugeint. */
static void f_sum_long(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_int128 *a = ch_arg(in, 0);
    int64_t *data = duckdb_vector_get_data(out);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        data[i] = (int64_t)a[i];
        if (a[i] == data[i]) continue;
        ch_error err;
        ch_raise(&err, "ARITHMETIC_OVERFLOW", "message", "long overflow", "alternative",
                 " Use 'try_add' to tolerate overflow and return NULL instead.", "config", ANSI, (char *)NULL);
        ch_engine_raise(info, &err);
        return;
    }
}

/* ---- division ---- */

static void raise_zero(duckdb_function_info info, const char *condition)
{
    ch_error err;
    ch_raise(&err, condition, "config", ANSI, (char *)NULL);
    ch_engine_raise(info, &err);
}
static void f_div(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const double *a = ch_arg(in, 0), *b = ch_arg(in, 1);
    double *data = duckdb_vector_get_data(out);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    bool zero = false;
    for (idx_t i = 0; i < rows; i++) {
        data[i] = a[i] / b[i];
        zero |= b[i] == 0;
    }
    for (idx_t i = 0; zero && i < rows; i++) {
        if (b[i] != 0 || !ch_bit(mask, i)) continue;
        raise_zero(info, "DIVIDE_BY_ZERO");
        return;
    }
}

static void f_idiv(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const int64_t *a = ch_arg(in, 0), *b = ch_arg(in, 1);
    int64_t *data = duckdb_vector_get_data(out);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        if (b[i] == 0) {
            raise_zero(info, "DIVIDE_BY_ZERO");
            return;
        }
        if (b[i] == -1 && a[i] == INT64_MIN) {
            ch_error err;
            ch_raise(&err, "ARITHMETIC_OVERFLOW", "message", "Overflow in integral divide", "alternative",
                     " Use 'try_divide' to tolerate overflow and return NULL instead.", "config", ANSI, (char *)NULL);
            ch_engine_raise(info, &err);
            return;
        }
        data[i] = a[i] / b[i];
    }
}

/* a % b and pmod(a, b), for each type. */
#define REMAINDER(fn_, type, body, zero)                                                                               \
    static void fn_(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)                                \
    {                                                                                                                  \
        const type *a = ch_arg(in, 0), *b = ch_arg(in, 1);                                                             \
        type *data = duckdb_vector_get_data(out);                                                                      \
        const uint64_t *mask = ch_udf_mask(in, out);                                                                   \
        idx_t rows = duckdb_data_chunk_get_size(in);                                                                   \
        for (idx_t i = 0; i < rows; i++) {                                                                             \
            if (!ch_bit(mask, i)) continue;                                                                            \
            type x = a[i], y = b[i];                                                                                   \
            if (zero) {                                                                                                \
                raise_zero(info, "REMAINDER_BY_ZERO");                                                                 \
                return;                                                                                                \
            }                                                                                                          \
            data[i] = (type)(body);                                                                                    \
        }                                                                                                              \
    }

static int64_t int_mod(int64_t x, int64_t y)
{
    return y == -1 ? 0 : x % y;
}

static int64_t int_pmod(int64_t x, int64_t y)
{
    int64_t r = int_mod(x, y);
    return r < 0 ? int_mod((int64_t)((uint64_t)r + (uint64_t)y), y) : r;
}

static double real_pmod(double x, double y)
{
    double r = fmod(x, y);
    return r < 0 ? fmod(r + y, y) : r;
}

REMAINDER(mod_byte, int8_t, int_mod(x, y), y == 0)
REMAINDER(mod_short, int16_t, int_mod(x, y), y == 0)
REMAINDER(mod_int, int32_t, int_mod(x, y), y == 0)
REMAINDER(mod_long, int64_t, int_mod(x, y), y == 0)
REMAINDER(mod_float, float, fmodf(x, y), y == 0)
REMAINDER(mod_double, double, fmod(x, y), y == 0)
REMAINDER(pmod_byte, int8_t, int_pmod(x, y), y == 0)
REMAINDER(pmod_short, int16_t, int_pmod(x, y), y == 0)
REMAINDER(pmod_int, int32_t, int_pmod(x, y), y == 0)
REMAINDER(pmod_long, int64_t, int_pmod(x, y), y == 0)
REMAINDER(pmod_float, float, real_pmod((double)x, (double)y), y == 0)
REMAINDER(pmod_double, double, real_pmod(x, y), y == 0)

int ch_register_arithmetic(duckdb_connection con, ch_error *err)
{
    static const ch_udf ROWS[] = {
        BINARY_ROWS(add),
        BINARY_ROWS(sub),
        BINARY_ROWS(mul),
        BINARY_ROWS(try_add),
        BINARY_ROWS(try_sub),
        BINARY_ROWS(try_mul),
        BINARY_ROWS(wrap_add),
        BINARY_ROWS(wrap_sub),
        BINARY_ROWS(wrap_mul),
        UNARY_ROWS(negate),
        UNARY_ROWS(abs),
        UNARY_ROWS(wrap_negate),
        UNARY_ROWS(wrap_abs),
        {.name = "ch_wrap_div", .types = "ll>l", .fn = f_wrap_div},
        {.name = "ch_wrap_long", .types = "g>l", .fn = f_wrap_long},
        {.name = "ch_sum_long", .types = "g>l", .fn = f_sum_long},
        {.name = "ch_div", .types = "dd>d", .fn = f_div},
        {.name = "ch_idiv", .types = "ll>l", .fn = f_idiv},
        {.name = "ch_mod", .types = "yy>y", .fn = mod_byte},
        {.name = "ch_mod", .types = "hh>h", .fn = mod_short},
        {.name = "ch_mod", .types = "ii>i", .fn = mod_int},
        {.name = "ch_mod", .types = "ll>l", .fn = mod_long},
        {.name = "ch_mod", .types = "ff>f", .fn = mod_float},
        {.name = "ch_mod", .types = "dd>d", .fn = mod_double},
        {.name = "ch_pmod", .types = "yy>y", .fn = pmod_byte},
        {.name = "ch_pmod", .types = "hh>h", .fn = pmod_short},
        {.name = "ch_pmod", .types = "ii>i", .fn = pmod_int},
        {.name = "ch_pmod", .types = "ll>l", .fn = pmod_long},
        {.name = "ch_pmod", .types = "ff>f", .fn = pmod_float},
        {.name = "ch_pmod", .types = "dd>d", .fn = pmod_double},
    };
    return ch_udf_register(con, ROWS, sizeof ROWS / sizeof *ROWS, err);
}
