/* partition.c: what key=value folders mean (Spark's PartitioningUtils and ExternalCatalogUtils). */
#include "frame/io/partition.h"

#include "base/java_number.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char NULL_FOLDER[] = "__HIVE_DEFAULT_PARTITION__";

/* --- names of folders ------------------------------------------------------------------------------------ */

void ch_escape_path(ch_buf *out, const char *text)
{
    static const char SPECIAL[] = "\"#%'*/:=?\\\x7F{[]^";
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at < 0x20 || strchr(SPECIAL, *at)) {
            ch_buf_printf(out, "%%%02X", *at);
        } else {
            ch_buf_char(out, (char)*at);
        }
    }
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

char *ch_unescape_path(ch_arena *arena, const char *text, size_t len)
{
    char *out = ch_arena_alloc(arena, len + 1), *to = out;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '%' && i + 2 < len && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            char c = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            *to++ = c ? c : '?';
            i += 2;
        } else {
            *to++ = text[i];
        }
    }
    return out;
}

/* --- from folders to columns ----------------------------------------------------------------------------- */

/* One distinct folder with data files: its keys and raw values, outermost first. */
typedef struct leaf {
    const char *folder;
    const char *base; /* what remains of the path without its partitions */
    size_t n;
    const char **names, **values;
} leaf;

/* Splits the end of a folder's path into key=value parts, as far as they go and not above `stop`. */
static int split_folder(ch_arena *arena, const char *folder, const char *stop, leaf *out, ch_error *err)
{
    enum { DEPTH_MAX = 64 };
    const char *names[DEPTH_MAX], *values[DEPTH_MAX];
    size_t n = 0, end = strlen(folder), floor = strlen(stop);
    if (strncmp(folder, stop, floor) != 0) floor = 0;
    while (end > floor && n < DEPTH_MAX) {
        size_t start = end;
        while (start > 0 && folder[start - 1] != '/') start--;
        const char *equals = memchr(folder + start, '=', end - start);
        if (!equals || start <= floor) break;
        size_t key = (size_t)(equals - (folder + start)), value = end - start - key - 1;
        if (!key || !value) {
            return ch_failf(err, CH_E_INTERNAL, "Empty partition column %s in '%.*s'", key ? "value" : "name",
                            (int)(end - start), folder + start);
        }
        names[n] = ch_unescape_path(arena, folder + start, key);
        values[n++] = ch_arena_strndup(arena, equals + 1, value);
        end = start - 1;
    }
    *out = (leaf){.folder = folder, .n = n, .base = ch_arena_strndup(arena, folder, end)};
    out->names = CH_NEW_ARRAY(arena, const char *, n);
    out->values = CH_NEW_ARRAY(arena, const char *, n);
    for (size_t i = 0; i < n; i++) {
        out->names[i] = names[n - 1 - i];
        out->values[i] = values[n - 1 - i];
    }
    return 0;
}

static void list_names(ch_buf *out, const leaf *l)
{
    for (size_t i = 0; i < l->n; i++) ch_buf_printf(out, "%s%s", i ? ", " : "", l->names[i]);
}

static bool same_names(const leaf *a, const leaf *b)
{
    if (a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++) {
        if (strcasecmp(a->names[i], b->names[i]) != 0) return false;
    }
    return true;
}

/* All partitioned leaves must have the same columns and hang on the same base. */
static int check_leaves(const leaf *leaves, size_t n, ch_error *err)
{
    ch_buf text = {0};
    int status = 0;
    for (size_t i = 1; i < n && !status; i++) {
        if (strcmp(leaves[0].base, leaves[i].base) != 0) {
            ch_buf_printf(&text, "\n\tfile:%s\n\tfile:%s\n", leaves[0].base, leaves[i].base);
            status = ch_raise(err, "CONFLICTING_DIRECTORY_STRUCTURES", "discoveredBasePaths", ch_buf_text(&text),
                              (char *)NULL);
        } else if (!same_names(&leaves[0], &leaves[i])) {
            ch_buf folders = {0};
            ch_buf_str(&text, "\n\tPartition column name list #0: ");
            list_names(&text, &leaves[0]);
            ch_buf_str(&text, "\n\tPartition column name list #1: ");
            list_names(&text, &leaves[i]);
            ch_buf_char(&text, '\n');
            ch_buf_printf(&folders, "\n\tfile:%s\n\tfile:%s", leaves[0].folder, leaves[i].folder);
            status = ch_raise(err, "CONFLICTING_PARTITION_COLUMN_NAMES", "distinctPartColLists", ch_buf_text(&text),
                              "suspiciousPaths", ch_buf_text(&folders), (char *)NULL);
            ch_buf_reset(&folders);
        }
    }
    for (size_t i = 0; n && i < leaves[0].n && !status; i++) {
        for (size_t j = 0; j < i && !status; j++) {
            if (strcasecmp(leaves[0].names[i], leaves[0].names[j]) != 0) continue;
            ch_quote_name(&text, leaves[0].names[i]);
            status = ch_raise(err, "COLUMN_ALREADY_EXISTS", "columnName", ch_buf_text(&text), (char *)NULL);
        }
    }
    ch_buf_reset(&text);
    return status;
}

/* --- types and values ------------------------------------------------------------------------------------ */

static const char TIMESTAMP_PATTERN[] = "yyyy-MM-dd HH:mm:ss[.S]";

typedef struct typer {
    ch_arena *arena;
    const ch_timezone *zone;
    const ch_pattern *timestamp;
    bool infer, ntz;
} typer;

static bool parse_time(const typer *t, const char *raw, int64_t *micros)
{
    const char *text = ch_unescape_path(t->arena, raw, strlen(raw));
    return ch_pattern_parse_timestamp(t->timestamp, text, strlen(text), t->zone, micros, NULL);
}

/* What one value is by itself; NULL for the null folder. */
static const ch_type *type_of(const typer *t, const char *raw)
{
    size_t len = strlen(raw);
    int64_t number;
    double real;
    ch_java_int128 unscaled;
    int digits, scale;
    ch_text_options dates = {0};
    if (strcmp(raw, NULL_FOLDER) == 0) return NULL;
    if (!t->infer) return &ch_type_string;
    if (ch_java_parse_integer(raw, len, INT32_MIN, INT32_MAX, &number)) return &ch_type_int;
    if (ch_java_parse_integer(raw, len, INT64_MIN, INT64_MAX, &number)) return &ch_type_long;
    if (ch_java_parse_decimal(raw, len, &unscaled, &digits, &scale) && scale == 0 && digits <= 38) {
        return ch_type_decimal(t->arena, digits, 0);
    }
    if (ch_java_parse_double(raw, len, &real)) return &ch_type_double;
    if (parse_time(t, raw, &number)) return t->ntz ? &ch_type_timestamp_ntz : &ch_type_timestamp;
    return ch_text_date(&dates, raw, len, &(int32_t){0}) ? &ch_type_date : &ch_type_string;
}

/* findWiderTypeForPartitionColumn */
static const ch_type *wider(const typer *t, const ch_type *a, const ch_type *b)
{
    if (!a) return b;
    if (!b || a->kind == b->kind) {
        if (b && a->kind == CH_DECIMAL && b->precision > a->precision) return b;
        return a;
    }
    if (a->kind > b->kind) {
        const ch_type *swap = a;
        a = b;
        b = swap;
    }
    if (a->kind == CH_INT && b->kind == CH_LONG) return b;
    if (a->kind == CH_INT && b->kind == CH_DOUBLE) return b;
    if (b->kind == CH_DECIMAL && (a->kind == CH_INT || a->kind == CH_LONG)) {
        int digits = a->kind == CH_INT ? 10 : 20;
        return ch_type_decimal(t->arena, digits > b->precision ? digits : b->precision, 0);
    }
    if (a->kind == CH_DATE && (b->kind == CH_TIMESTAMP || b->kind == CH_TIMESTAMP_NTZ)) return b;
    return &ch_type_string;
}

static int bad_value(const ch_type *type, const char *name, const char *raw, ch_error *err)
{
    ch_buf text = {0};
    ch_type_sql(&text, type);
    int status = ch_failf(err, CH_E_RUNTIME, "Failed to cast value `%s` to `%s` for partition column `%s`.", raw,
                          ch_buf_text(&text), name);
    ch_buf_reset(&text);
    return status;
}

/* The value of a folder in the column's type. */
static int make_value(const typer *t, const ch_field *field, const char *raw, ch_literal *out, ch_error *err)
{
    const char *text = ch_unescape_path(t->arena, raw, strlen(raw));
    size_t len = strlen(text);
    ch_java_int128 unscaled = 0;
    int digits, scale;
    int32_t days;
    int64_t low = INT64_MIN, high = INT64_MAX;
    *out = (ch_literal){.type = field->type, .is_null = strcmp(raw, NULL_FOLDER) == 0};
    if (out->is_null) return 0;
    bool ok = true;
    switch (field->type->kind) {
    case CH_BYTE: low = INT8_MIN, high = INT8_MAX; break;
    case CH_SHORT: low = INT16_MIN, high = INT16_MAX; break;
    case CH_INT: low = INT32_MIN, high = INT32_MAX; break;
    default: break;
    }
    switch (field->type->kind) {
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG: ok = ch_java_parse_integer(text, len, low, high, &out->v.integer); break;
    case CH_FLOAT:
    case CH_DOUBLE: ok = ch_java_parse_double(text, len, &out->v.real); break;
    case CH_BOOLEAN:
        out->v.boolean = strcasecmp(text, "true") == 0;
        ok = out->v.boolean || strcasecmp(text, "false") == 0;
        break;
    case CH_DECIMAL:
        ok = ch_java_parse_decimal(text, len, &unscaled, &digits, &scale) && digits <= field->type->precision &&
             scale <= field->type->scale;
        for (; ok && scale < field->type->scale; scale++)
            ok = !__builtin_mul_overflow(unscaled, (ch_java_int128)10, &unscaled);
        out->v.decimal = unscaled;
        break;
    case CH_DATE:
        ok = ch_parse_date(text, len, &days);
        out->v.integer = ok ? days : 0;
        break;
    case CH_TIMESTAMP: ok = ch_parse_timestamp(text, len, t->zone, &out->v.integer); break;
    case CH_TIMESTAMP_NTZ: ok = ch_parse_timestamp_ntz(text, len, true, &out->v.integer); break;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY:
        out->v.bytes.data = text;
        out->v.bytes.len = len;
        break;
    default: ok = false;
    }
    return ok ? 0 : bad_value(field->type, field->name, text, err);
}

static const ch_field *user_field(const ch_schema *schema, const char *name)
{
    for (size_t i = 0; schema && i < schema->n; i++) {
        if (strcasecmp(schema->fields[i].name, name) == 0) return &schema->fields[i];
    }
    return NULL;
}

static void make_columns(const typer *t, const leaf *leaves, size_t n, const ch_schema *schema, ch_schema *out)
{
    out->n = leaves[0].n;
    out->fields = CH_NEW_ARRAY(t->arena, ch_field, out->n);
    for (size_t c = 0; c < out->n; c++) {
        const ch_field *user = user_field(schema, leaves[0].names[c]);
        const ch_type *type = user ? user->type : NULL;
        for (size_t i = 0; i < n && !user; i++) type = wider(t, type, type_of(t, leaves[i].values[c]));
        out->fields[c] = (ch_field){
            .name = user ? user->name : leaves[0].names[c], .type = type ? type : &ch_type_string, .nullable = true};
    }
}

int ch_partitions_find(ch_session *s, ch_arena *arena, size_t n, ch_file *files, const char *const *folders,
                       size_t nroot, const char *const *roots, const char *base, const ch_schema *schema,
                       ch_schema *out, ch_error *err)
{
    leaf *leaves = CH_NEW_ARRAY(arena, leaf, n);
    size_t *leaf_of = CH_NEW_ARRAY(arena, size_t, n), count = 0;
    *out = (ch_schema){0};
    for (size_t i = 0; i < n; i++) { /* the files of a folder lie together */
        leaf_of[i] = SIZE_MAX;
        if (i && strcmp(folders[i], folders[i - 1]) == 0) {
            leaf_of[i] = leaf_of[i - 1];
            continue;
        }
        const char *stop = base ? base : folders[i];
        for (size_t r = 0; r < nroot && !base; r++) {
            size_t len = strlen(roots[r]);
            if (strncmp(folders[i], roots[r], len) == 0 && (folders[i][len] == '/' || !folders[i][len]))
                stop = roots[r];
        }
        leaf found;
        CH_TRY(split_folder(arena, folders[i], stop, &found, err));
        if (!found.n) continue;
        leaf_of[i] = count;
        leaves[count++] = found;
    }
    if (!count) return 0;
    CH_TRY(check_leaves(leaves, count, err));
    typer t = {.arena = arena};
    const char *zone = ch_config_find(s, arena, "spark.sql.session.timeZone");
    const char *infer = ch_config_find(s, arena, "spark.sql.sources.partitionColumnTypeInference.enabled");
    const char *time = ch_config_find(s, arena, "spark.sql.timestampType");
    t.zone = zone ? ch_timezone_find(zone) : NULL;
    if (!t.zone) t.zone = ch_timezone_utc();
    t.infer = !infer || strcasecmp(infer, "false") != 0;
    t.ntz = time && strcasecmp(time, "TIMESTAMP_NTZ") == 0;
    CH_TRY(ch_pattern_compile(arena, TIMESTAMP_PATTERN, true, &t.timestamp, err));
    make_columns(&t, leaves, count, schema, out);
    for (size_t i = 0; i < n; i++) {
        if (leaf_of[i] == SIZE_MAX) continue;
        ch_literal *values = CH_NEW_ARRAY(arena, ch_literal, out->n);
        for (size_t c = 0; c < out->n; c++) {
            CH_TRY(make_value(&t, &out->fields[c], leaves[leaf_of[i]].values[c], &values[c], err));
        }
        files[i].values = values;
    }
    return 0;
}
