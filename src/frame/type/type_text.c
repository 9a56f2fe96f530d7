/* type_text.c: types as people and SQL read them. Spellings follow Spark's DataType.typeName, simpleString,
 * catalogString and sql, StructType.toDDL and treeString. */
#include "frame/type/type.h"

#include <string.h>
#include <strings.h>

/* One row a kind; parameters and fields are added by the writers. */
static const struct {
    const char *name, *simple, *sql, *duckdb;
} SPELLING[] = {
    [CH_NULL] = {"void", "void", "VOID", "INTEGER"},
    [CH_BOOLEAN] = {"boolean", "boolean", "BOOLEAN", "BOOLEAN"},
    [CH_BYTE] = {"byte", "tinyint", "TINYINT", "TINYINT"},
    [CH_SHORT] = {"short", "smallint", "SMALLINT", "SMALLINT"},
    [CH_INT] = {"integer", "int", "INT", "INTEGER"},
    [CH_LONG] = {"long", "bigint", "BIGINT", "BIGINT"},
    [CH_FLOAT] = {"float", "float", "FLOAT", "FLOAT"},
    [CH_DOUBLE] = {"double", "double", "DOUBLE", "DOUBLE"},
    [CH_DECIMAL] = {"decimal", "decimal", "DECIMAL", "DECIMAL"},
    [CH_STRING] = {"string", "string", "STRING", "VARCHAR"},
    [CH_CHAR] = {"char", "char", "CHAR", "VARCHAR"},
    [CH_VARCHAR] = {"varchar", "varchar", "VARCHAR", "VARCHAR"},
    [CH_BINARY] = {"binary", "binary", "BINARY", "BLOB"},
    [CH_DATE] = {"date", "date", "DATE", "DATE"},
    [CH_TIMESTAMP] = {"timestamp", "timestamp", "TIMESTAMP", "TIMESTAMPTZ"},
    [CH_TIMESTAMP_NTZ] = {"timestamp_ntz", "timestamp_ntz", "TIMESTAMP_NTZ", "TIMESTAMP"},
    [CH_INTERVAL_DAY_TIME] = {"interval", "interval", "INTERVAL", "INTERVAL"},
    [CH_INTERVAL_YEAR_MONTH] = {"interval", "interval", "INTERVAL", "INTERVAL"},
    [CH_INTERVAL_CALENDAR] = {"interval", "interval", "INTERVAL", "INTERVAL"},
    [CH_ARRAY] = {"array", "array", "ARRAY", NULL},
    [CH_MAP] = {"map", "map", "MAP", NULL},
    [CH_STRUCT] = {"struct", "struct", "STRUCT", NULL},
    [CH_VECTOR] = {"vector", "vector", NULL, NULL},
    [CH_MATRIX] = {"matrix", "matrix", NULL, NULL},
};

static const char *const DAY_TIME_FIELDS[2][4] = {{"day", "hour", "minute", "second"},
                                                  {"DAY", "HOUR", "MINUTE", "SECOND"}};
static const char *const YEAR_MONTH_FIELDS[2][4] = {{"year", "month"}, {"YEAR", "MONTH"}};

/* " day to second" after "interval"; one field only when both ends are the same. */
static void add_interval_fields(ch_buf *buf, const ch_type *t, bool upper)
{
    const char *const *fields = t->kind == CH_INTERVAL_DAY_TIME ? DAY_TIME_FIELDS[upper] : YEAR_MONTH_FIELDS[upper];
    ch_buf_printf(buf, " %s", fields[t->precision]);
    if (t->scale != t->precision) ch_buf_printf(buf, " %s %s", upper ? "TO" : "to", fields[t->scale]);
}

/* What follows the word for a type without fields: "(10,2)", " day to second". */
static void add_parameters(ch_buf *buf, const ch_type *t, bool upper)
{
    switch (t->kind) {
    case CH_DECIMAL: ch_buf_printf(buf, "(%d,%d)", t->precision, t->scale); break;
    case CH_CHAR:
    case CH_VARCHAR: ch_buf_printf(buf, "(%d)", t->precision); break;
    case CH_INTERVAL_DAY_TIME:
    case CH_INTERVAL_YEAR_MONTH: add_interval_fields(buf, t, upper); break;
    default: break;
    }
}

void ch_type_name(ch_buf *buf, const ch_type *t)
{
    ch_buf_str(buf, SPELLING[t->kind].name);
    add_parameters(buf, t, false);
}

/* Spark's spark.sql.debug.maxToStringFields */
enum { SIMPLE_FIELDS_MAX = 25 };

static void add_simple(ch_buf *buf, const ch_type *t, size_t max_fields)
{
    ch_buf_str(buf, SPELLING[t->kind].simple);
    add_parameters(buf, t, false);
    if (t->kind != CH_ARRAY && t->kind != CH_MAP && t->kind != CH_STRUCT) return;
    ch_buf_char(buf, '<');
    size_t shown = t->nfield < max_fields ? t->nfield : max_fields;
    for (size_t i = 0; i < shown; i++) {
        if (i) ch_buf_char(buf, ',');
        if (t->kind == CH_STRUCT) {
            ch_buf_str(buf, t->fields[i].name);
            ch_buf_char(buf, ':');
        }
        add_simple(buf, t->fields[i].type, max_fields);
    }
    if (shown < t->nfield) ch_buf_printf(buf, ",... %zu more fields", t->nfield - shown);
    ch_buf_char(buf, '>');
}

void ch_type_simple(ch_buf *buf, const ch_type *t)
{
    add_simple(buf, t, SIMPLE_FIELDS_MAX);
}

void ch_type_catalog(ch_buf *buf, const ch_type *t)
{
    t = ch_type_storage(t);
    ch_buf_str(buf, SPELLING[t->kind].simple);
    add_parameters(buf, t, false);
    if (!t->nfield && t->kind != CH_STRUCT) return;
    ch_buf_char(buf, '<');
    for (size_t i = 0; i < t->nfield; i++) {
        if (i) ch_buf_char(buf, ',');
        if (t->kind == CH_STRUCT) {
            ch_buf_str(buf, t->fields[i].name);
            ch_buf_char(buf, ':');
        }
        ch_type_catalog(buf, t->fields[i].type);
    }
    ch_buf_char(buf, '>');
}

void ch_quote_name(ch_buf *buf, const char *name)
{
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    bool digit_first = name[0] >= '0' && name[0] <= '9';
    if (name[0] && !digit_first && name[strspn(name, LETTERS)] == '\0') {
        ch_buf_str(buf, name);
        return;
    }
    ch_buf_char(buf, '`');
    for (const char *at = name; *at; at++) {
        if (*at == '`') ch_buf_char(buf, '`');
        ch_buf_char(buf, *at);
    }
    ch_buf_char(buf, '`');
}

/* Text of the "comment" key of a metadata object, if it is a string: found without a parser because the text is our
 * own compact spelling (type_json.c). */
static void add_comment(ch_buf *buf, const char *metadata)
{
    static const char KEY[] = "\"comment\":\"";
    const char *at = metadata ? strstr(metadata, KEY) : NULL;
    if (!at || (at != metadata + 1 && at[-1] != ',')) return;
    ch_buf_str(buf, " COMMENT '");
    for (at += strlen(KEY); *at && *at != '"'; at++) {
        if (*at == '\\' && at[1] == '"') {
            ch_buf_char(buf, *++at);
        } else if (*at == '\\' && at[1]) {
            ch_buf_char(buf, *at++);
            ch_buf_char(buf, *at);
        } else {
            if (*at == '\'') ch_buf_char(buf, '\\');
            ch_buf_char(buf, *at);
        }
    }
    ch_buf_char(buf, '\'');
}

static void add_sql_field(ch_buf *buf, const ch_field *field, const char *separator)
{
    ch_quote_name(buf, field->name);
    ch_buf_str(buf, separator);
    ch_type_sql(buf, field->type);
    if (!field->nullable) ch_buf_str(buf, " NOT NULL");
    add_comment(buf, field->metadata);
}

void ch_type_sql(ch_buf *buf, const ch_type *t)
{
    t = ch_type_storage(t);
    ch_buf_str(buf, SPELLING[t->kind].sql);
    add_parameters(buf, t, true);
    if (!t->nfield && t->kind != CH_STRUCT) return;
    ch_buf_char(buf, '<');
    for (size_t i = 0; i < t->nfield; i++) {
        if (i) ch_buf_str(buf, ", ");
        if (t->kind == CH_STRUCT) {
            add_sql_field(buf, &t->fields[i], ": ");
        } else {
            ch_type_sql(buf, t->fields[i].type);
        }
    }
    ch_buf_char(buf, '>');
}

void ch_field_duckdb(ch_buf *buf, const ch_type *t, size_t index)
{
    const char *name = t->fields[index].name;
    size_t same = 0;
    for (size_t i = 0; i < index; i++) same += strcasecmp(t->fields[i].name, name) == 0;
    if (!same) {
        ch_buf_sql_name(buf, name);
        return;
    }
    ch_buf unique = {0};
    ch_buf_printf(&unique, "%s\x1f%zu", name, same);
    ch_buf_sql_name(buf, ch_buf_text(&unique));
    ch_buf_reset(&unique);
}

void ch_type_duckdb(ch_buf *buf, const ch_type *t)
{
    t = ch_type_storage(t);
    switch (t->kind) {
    case CH_DECIMAL: ch_buf_printf(buf, "DECIMAL(%d,%d)", t->precision, t->scale); break;
    case CH_ARRAY:
        ch_type_duckdb(buf, t->fields[0].type);
        ch_buf_str(buf, "[]");
        break;
    case CH_MAP:
        ch_buf_str(buf, "MAP(");
        ch_type_duckdb(buf, t->fields[0].type);
        ch_buf_str(buf, ", ");
        ch_type_duckdb(buf, t->fields[1].type);
        ch_buf_char(buf, ')');
        break;
    case CH_STRUCT:
        ch_buf_str(buf, "STRUCT(");
        for (size_t i = 0; i < t->nfield; i++) {
            if (i) ch_buf_str(buf, ", ");
            ch_field_duckdb(buf, t, i);
            ch_buf_char(buf, ' ');
            ch_type_duckdb(buf, t->fields[i].type);
        }
        ch_buf_char(buf, ')');
        break;
    default: ch_buf_str(buf, SPELLING[t->kind].duckdb);
    }
}

void ch_schema_ddl(ch_buf *buf, const ch_schema *schema)
{
    for (size_t i = 0; i < schema->n; i++) {
        if (i) ch_buf_char(buf, ',');
        add_sql_field(buf, &schema->fields[i], " ");
    }
}

/* A field name on one line: Spark's escapeMetaCharacters. */
static void add_escaped(ch_buf *buf, const char *name)
{
    static const char FROM[] = "\n\r\t\f\b\v\a", TO[] = "nrtfbva";
    for (; *name; name++) {
        const char *meta = strchr(FROM, *name);
        if (meta) {
            ch_buf_char(buf, '\\');
            ch_buf_char(buf, TO[meta - FROM]);
        } else {
            ch_buf_char(buf, *name);
        }
    }
}

/* The lines below a field of type t, each starting with `prefix`; depth 0 ends it, -1 never does. */
static void add_tree(ch_buf *buf, const ch_type *t, ch_buf *prefix, int depth)
{
    if (depth == 0 || (t->kind != CH_ARRAY && t->kind != CH_MAP && t->kind != CH_STRUCT)) return;
    size_t prefix_len = prefix->len;
    for (size_t i = 0; i < t->nfield; i++) {
        const ch_field *field = &t->fields[i];
        ch_buf_str(buf, ch_buf_text(prefix));
        ch_buf_str(buf, "-- ");
        add_escaped(buf, field->name);
        ch_buf_str(buf, ": ");
        ch_type_name(buf, field->type);
        const char *flag = t->kind == CH_STRUCT  ? "nullable"
                           : t->kind == CH_ARRAY ? "containsNull"
                           : i == 1              ? "valueContainsNull"
                                                 : NULL;
        if (flag) ch_buf_printf(buf, " (%s = %s)", flag, field->nullable ? "true" : "false");
        ch_buf_char(buf, '\n');
        ch_buf_str(prefix, "    |");
        add_tree(buf, field->type, prefix, depth - 1);
        prefix->len = prefix_len;
        prefix->data[prefix_len] = '\0';
    }
}

void ch_schema_tree(ch_buf *buf, const ch_schema *schema, int level)
{
    ch_type root = {.kind = CH_STRUCT, .nfield = schema->n, .fields = schema->fields};
    ch_buf prefix = {0};
    ch_buf_str(&prefix, " |");
    ch_buf_str(buf, "root\n");
    add_tree(buf, &root, &prefix, level <= 0 ? -1 : level);
    ch_buf_reset(&prefix);
}
