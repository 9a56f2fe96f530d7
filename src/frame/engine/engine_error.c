/* engine_error.c: how errors get through DuckDB, which knows only text, and what its own errors mean to Spark's users.
 *
 * Errors of our own C functions travel as "[CONDITION] name\x1fvalue\x1f..."; a kind that is not the condition's usual
 * one goes along as a last parameter, and a message without a condition as "[] kind\x1fmessage".
 */
#include "frame/engine/engine.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define SEPARATOR  "\x1f"
#define KIND_PARAM "!kind"

static const char ANSI_CONFIG[] = "\"spark.sql.ansi.enabled\"";

/* Text without the separator, which means nothing in it anyway. */
static void add_field(ch_buf *out, const char *text)
{
    for (; *text; text++) ch_buf_char(out, *text == *SEPARATOR ? ' ' : *text);
}

void ch_engine_error_text(ch_buf *out, const ch_error *err)
{
    if (!err->condition[0]) {
        ch_buf_printf(out, "[] %d" SEPARATOR, (int)err->kind);
        add_field(out, err->message);
        return;
    }
    ch_buf_printf(out, "[%s] ", err->condition);
    for (int i = 0; i < err->nparam; i++) {
        ch_buf_printf(out, "%s" SEPARATOR, err->param_name[i]);
        add_field(out, err->param_value[i]);
        ch_buf_str(out, SEPARATOR);
    }
    ch_buf_printf(out, KIND_PARAM SEPARATOR "%d", (int)err->kind);
}

void ch_engine_raise(duckdb_function_info info, const ch_error *err)
{
    ch_buf text = {0};
    ch_engine_error_text(&text, err);
    duckdb_scalar_function_set_error(info, ch_buf_text(&text));
    ch_buf_reset(&text);
}

/* Rebuilds an error of ours from `text`, which starts at its '['. False if it is not one. */
static bool rebuild(const char *text, ch_error *err)
{
    const char *close = strchr(text, ']');
    size_t len = close ? (size_t)(close - text) - 1 : 0;
    if (!close || len >= sizeof err->condition || (close[1] && close[1] != ' ')) return false;
    if (strspn(text + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") != len) return false;
    char *copy = strdup(close[1] ? close + 2 : "");
    if (!copy) return ch_no_memory(err);
    const char *fields[2 * (CH_ERROR_PARAMS_MAX + 1)];
    size_t n = 0;
    for (char *at = copy; at && *at && n < sizeof fields / sizeof *fields;) {
        fields[n++] = at;
        at = strstr(at, SEPARATOR);
        if (at) *at++ = '\0';
    }
    if (!len && n == 2) {
        ch_failf(err, (ch_errkind)atoi(fields[0]), "%s", fields[1]);
        free(copy);
        return true;
    }
    char condition[sizeof err->condition];
    memcpy(condition, text + 1, len);
    condition[len] = '\0';
    const char *names[CH_ERROR_PARAMS_MAX], *values[CH_ERROR_PARAMS_MAX];
    int kind = 0, count = 0;
    for (size_t i = 0; i < n; i += 2) {
        const char *value = i + 1 < n ? fields[i + 1] : ""; /* an empty last value leaves no field */
        if (strcmp(fields[i], KIND_PARAM) == 0) {
            kind = atoi(value);
        } else if (count < CH_ERROR_PARAMS_MAX) {
            names[count] = fields[i];
            values[count++] = value;
        }
    }
    ch_raise_pairs(err, condition, count, names, values);
    if (kind) err->kind = (ch_errkind)kind;
    free(copy);
    return true;
}

/* --- the engine's own errors ----------------------------------------------------------------------------------------
 */

/* The engine's names of types in messages, and Spark's. */
static const char *spark_type(const char *name, size_t len, char out[64])
{
    static const char *const NAMES[][2] = {
        {"INT8", "TINYINT"},          {"INT16", "SMALLINT"},  {"INT32", "INT"},
        {"INT64", "BIGINT"},          {"TINYINT", "TINYINT"}, {"SMALLINT", "SMALLINT"},
        {"INTEGER", "INT"},           {"BIGINT", "BIGINT"},   {"FLOAT", "FLOAT"},
        {"DOUBLE", "DOUBLE"},         {"VARCHAR", "STRING"},  {"BOOL", "BOOLEAN"},
        {"BOOLEAN", "BOOLEAN"},       {"BLOB", "BINARY"},     {"TIMESTAMP", "TIMESTAMP_NTZ"},
        {"HUGEINT", "DECIMAL(38,0)"},
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strlen(NAMES[i][0]) == len && memcmp(NAMES[i][0], name, len) == 0) {
            snprintf(out, 64, "\"%s\"", NAMES[i][1]);
            return out;
        }
    }
    snprintf(out, 64, "\"%.*s\"", (int)(len < 60 ? len : 60), name);
    return out;
}

/* "Overflow in addition of INT32 (2147483647 + 1)!" */
static int overflow(const char *text, ch_error *err)
{
    const char *of = strstr(text, " of INT");
    if (of && (strncmp(of, " of INT8 ", 9) == 0 || strncmp(of, " of INT16 ", 10) == 0)) {
        long long left = 0, right = 0;
        char op = '+';
        const char *open = strchr(of, '(');
        if (open) sscanf(open, "(%lld %c %lld)", &left, &op, &right);
        char a[24], b[24], symbol[2] = {op, '\0'};
        snprintf(a, sizeof a, "%lldS", left); /* Spark shows bytes as shorts, too */
        snprintf(b, sizeof b, "%lldS", right);
        return ch_raise(err, "BINARY_ARITHMETIC_OVERFLOW", "value1", a, "symbol", symbol, "value2", b, "functionName",
                        op == '-'   ? "`try_subtract`"
                        : op == '*' ? "`try_multiply`"
                                    : "`try_add`",
                        (char *)NULL);
    }
    bool is_int = of && strncmp(of, " of INT32 ", 10) == 0;
    const char *alternative = "";
    if (strstr(text, "addition")) alternative = " Use 'try_add' to tolerate overflow and return NULL instead.";
    if (strstr(text, "subtraction")) alternative = " Use 'try_subtract' to tolerate overflow and return NULL instead.";
    if (strstr(text, "multiplication")) {
        alternative = " Use 'try_multiply' to tolerate overflow and return NULL instead.";
    }
    return ch_raise(err, "ARITHMETIC_OVERFLOW", "message", is_int ? "integer overflow" : "long overflow", "alternative",
                    alternative, "config", ANSI_CONFIG, (char *)NULL);
}

/* "Could not convert string 'abc' to INT32" */
static int bad_string(const char *text, ch_error *err)
{
    const char *start = strchr(text, '\''), *end = start ? strstr(start + 1, "' to ") : NULL;
    if (!end) return ch_failf(err, CH_E_SPARK, "%s", text);
    char value[400], type[64];
    snprintf(value, sizeof value, "%.*s'", (int)(end - start < 390 ? end - start : 390), start);
    const char *name = end + 5;
    spark_type(name, strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789(,)"), type);
    return ch_raise(err, "CAST_INVALID_INPUT", "expression", value, "sourceType", "\"STRING\"", "targetType", type,
                    "ansiConfig", ANSI_CONFIG, (char *)NULL);
}

/* "Type INT64 with value 3000000000 can't be cast because the value is out of range for the destination type INT32" */
static int out_of_range(const char *text, ch_error *err)
{
    char from[32] = "", value[200] = "";
    const char *to = strstr(text, "destination type ");
    if (sscanf(text, "Type %31s with value %199s can't", from, value) != 2 || !to) {
        return ch_failf(err, CH_E_ARITHMETIC, "%s", text);
    }
    to += strlen("destination type ");
    char source[64], target[64];
    if (strcmp(from, "INT64") == 0) strcat(value, "L");
    if (strcmp(from, "INT16") == 0) strcat(value, "S");
    if (strcmp(from, "DOUBLE") == 0) strcat(value, "D");
    spark_type(from, strlen(from), source);
    spark_type(to, strcspn(to, " \n"), target);
    return ch_raise(err, "CAST_OVERFLOW", "value", value, "sourceType", source, "targetType", target, "ansiConfig",
                    ANSI_CONFIG, (char *)NULL);
}

/* "Casting value "123.45" to type DECIMAL(3,2) failed: value is out of range!" */
static int decimal_range(const char *text, ch_error *err)
{
    char value[100] = "", precision[12] = "", scale[12] = "";
    const char *start = strchr(text, '"'), *type = strstr(text, "DECIMAL(");
    const char *end = start ? strchr(start + 1, '"') : NULL;
    if (!end || !type) return ch_failf(err, CH_E_ARITHMETIC, "%s", text);
    snprintf(value, sizeof value, "%.*s", (int)(end - start - 1), start + 1);
    sscanf(type, "DECIMAL(%11[0-9],%11[0-9])", precision, scale);
    return ch_raise(err, "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "value", value, "precision", precision, "scale",
                    scale, "config", ANSI_CONFIG, (char *)NULL);
}

static int missing_file(const char *text, ch_error *err)
{
    const char *start = strchr(text, '"'), *end = start ? strchr(start + 1, '"') : NULL;
    char path[400];
    snprintf(path, sizeof path, "%.*s", end ? (int)(end - start - 1 < 390 ? end - start - 1 : 390) : 0,
             end ? start + 1 : "");
    return ch_raise(err, "FAILED_READ_FILE.FILE_NOT_EXIST", "path", path, (char *)NULL);
}

/* "No magic bytes found at end of file '/a/b.parquet'", "Failed to read file "/a/b.parquet": Snappy decompression
 * failure" and the like: the first quoted text that begins with a slash is the file. */
static int unreadable_file(const char *text, ch_error *err)
{
    const char *start = strpbrk(text, "'\"");
    while (start && start[1] != '/') start = strpbrk(start + 1, "'\"");
    const char *end = start ? strchr(start + 1, *start) : NULL;
    if (!end) return ch_failf(err, CH_E_SPARK, "%s", text);
    char path[400];
    snprintf(path, sizeof path, "file://%.*s", (int)(end - start - 1 < 380 ? end - start - 1 : 380), start + 1);
    return ch_raise(err, "FAILED_READ_FILE.NO_HINT", "path", path, (char *)NULL);
}

static int interrupted(const char *text, ch_error *err)
{
    (void)text;
    return ch_raise(err, "OPERATION_CANCELED", (char *)NULL);
}

/* The engine's advice, which names settings of its own, follows in further lines. */
static int no_space(const char *text, ch_error *err)
{
    const int len = (int)strcspn(text, "\n");
    if (strstr(text, "offload")) {
        return ch_failf(err, CH_E_MEMORY,
                        "The work does not fit into memory, and there is no room for it in the folder for temporary "
                        "files (disk full): %.*s",
                        len, text);
    }
    if (strstr(text, "memory_limit")) {
        return ch_failf(err, CH_E_MEMORY, "The work does not fit into the server's memory limit: %.*s", len, text);
    }
    return ch_failf(err, CH_E_MEMORY, "%.*s", len, text);
}

static int many_rows(const char *text, ch_error *err)
{
    (void)text;
    return ch_raise(err, "SCALAR_SUBQUERY_TOO_MANY_ROWS", (char *)NULL);
}

static int division(const char *text, ch_error *err)
{
    (void)text;
    return ch_raise(err, "DIVIDE_BY_ZERO", "config", ANSI_CONFIG, (char *)NULL);
}

/* The engine does not say which key it is. */
static int duplicate_key(const char *text, ch_error *err)
{
    (void)text;
    return ch_raise(err, "DUPLICATED_MAP_KEY", "key", "in a map", "mapKeyDedupPolicy",
                    "\"spark.sql.mapKeyDedupPolicy\"", (char *)NULL);
}

static int null_key(const char *text, ch_error *err)
{
    (void)text;
    return ch_raise(err, "NULL_MAP_KEY", (char *)NULL);
}

static int our_bug(const char *text, ch_error *err)
{
    return ch_bug(err, "the engine: %s", text);
}

static int any_failure(const char *text, ch_error *err)
{
    return ch_failf(err, CH_E_SPARK, "%s", text);
}

/* First row whose kind starts the message and whose text is in it. */
static const struct {
    const char *kind, *part;
    int (*map)(const char *text, ch_error *err); /* text without the kind */
} ERRORS[] = {
    {"INTERRUPT Error", "", interrupted},
    {"Interrupt Error", "", interrupted},
    {"Out of Range Error", "Overflow", overflow},
    {"Out of Range Error", "out of range", overflow},
    {"Conversion Error", "Could not convert string", bad_string},
    {"Conversion Error", "Casting value", decimal_range},
    {"Conversion Error", "out of range for the destination type", out_of_range},
    {"Invalid Input Error", "More than one row returned by a subquery", many_rows},
    {"Invalid Input Error", "Division by zero", division},
    {"Invalid Input Error", "Map keys must be unique", duplicate_key},
    {"Invalid Input Error", "Map keys can not be NULL", null_key},
    {"", "No magic bytes found at end of file", unreadable_file},
    {"", "too small to be a Parquet file", unreadable_file},
    {"", "Failed to read file", unreadable_file},
    {"", "in Parquet file", unreadable_file},
    {"Out of Memory Error", "", no_space},
    {"IO Error", "No space left on device", no_space},
    {"IO Error", "No such file", missing_file},
    {"Binder Error", "", our_bug},
    {"Parser Error", "", our_bug},
    {"Catalog Error", "", our_bug},
    {"INTERNAL Error", "", our_bug},
    {"Internal Error", "", our_bug},
    {"", "", any_failure},
};

int ch_engine_error(const char *text, ch_error *err)
{
    if (!text) text = "unknown failure";
    const char *body = strstr(text, "Error: ");
    body = body ? body + strlen("Error: ") : text;
    while (isspace((unsigned char)*body)) body++;
    if (*body == '[' && rebuild(body, err)) return (int)err->kind;
    for (size_t i = 0;; i++) {
        if (strncmp(text, ERRORS[i].kind, strlen(ERRORS[i].kind)) == 0 && strstr(text, ERRORS[i].part)) {
            return ERRORS[i].map(body, err);
        }
    }
}
