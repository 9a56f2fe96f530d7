/* type.h: Spark SQL's data types, fields and schemas, and their spellings (JSON, DDL, simple string, DuckDB).
 *
 * Types are immutable. The simple ones are the shared constants below; the others live in an arena. Pointers are
 * borrowed: whoever needs a type beyond its arena copies it with ch_type_copy.
 */
#ifndef CHERT_FRAME_TYPE_H
#define CHERT_FRAME_TYPE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Unscaled value of a wide decimal. The engine puts them wherever eight bytes may start. */
__extension__ typedef __int128 ch_int128 __attribute__((aligned(8)));

typedef enum ch_kind {
    CH_NULL, /* Spark's void: the type of a bare NULL */
    CH_BOOLEAN,
    CH_BYTE,
    CH_SHORT,
    CH_INT,
    CH_LONG,
    CH_FLOAT,
    CH_DOUBLE,
    CH_DECIMAL, /* precision 1..38, scale 0..precision */
    CH_STRING,
    CH_CHAR,    /* precision = length */
    CH_VARCHAR, /* precision = length */
    CH_BINARY,
    CH_DATE,                /* days since 1970-01-01 */
    CH_TIMESTAMP,           /* with session time zone (LTZ): microseconds since the epoch, UTC */
    CH_TIMESTAMP_NTZ,       /* without time zone: microseconds */
    CH_INTERVAL_DAY_TIME,   /* microseconds; precision, scale = start and end field 0 DAY .. 3 SECOND */
    CH_INTERVAL_YEAR_MONTH, /* months; precision, scale = start and end field 0 YEAR, 1 MONTH */
    CH_INTERVAL_CALENDAR,
    CH_ARRAY,  /* fields[0]: "element", nullable = containsNull */
    CH_MAP,    /* fields[0]: "key", fields[1]: "value", nullable = valueContainsNull */
    CH_STRUCT, /* fields[0..nfield) */
    CH_VECTOR, /* org.apache.spark.ml.linalg.VectorUDT; stored as struct<type,size,indices,values> */
    CH_MATRIX  /* org.apache.spark.ml.linalg.MatrixUDT; stored as struct of seven fields */
} ch_kind;

enum { CH_TYPE_DEPTH_MAX = 100 }; /* nesting of a type that comes from outside */

typedef struct ch_type ch_type;

typedef struct ch_field {
    const char *name;
    const ch_type *type;
    bool nullable;
    const char *metadata; /* JSON object text, e.g. {"ml_attr":{...}}; NULL for none */
} ch_field;

struct ch_type {
    ch_kind kind;
    int precision, scale;
    size_t nfield;
    const ch_field *fields;
};

typedef struct ch_schema {
    size_t n;
    ch_field *fields;
} ch_schema;

/* The types without parameters. */
extern const ch_type ch_type_null, ch_type_boolean, ch_type_byte, ch_type_short, ch_type_int, ch_type_long,
    ch_type_float, ch_type_double, ch_type_string, ch_type_binary, ch_type_date, ch_type_timestamp,
    ch_type_timestamp_ntz, ch_type_day_time, ch_type_year_month, ch_type_calendar, ch_type_vector, ch_type_matrix;

/* The struct that stores a VectorUDT / MatrixUDT (SPARK's sqlType). */
extern const ch_type ch_type_vector_storage, ch_type_matrix_storage;

const ch_type *ch_type_decimal(ch_arena *arena, int precision, int scale);
/* Any kind whose parameters are two numbers: CHAR and VARCHAR (length, 0), INTERVAL_* (start field, end field). */
const ch_type *ch_type_sized(ch_arena *arena, ch_kind kind, int precision, int scale);
const ch_type *ch_type_array(ch_arena *arena, const ch_type *element, bool contains_null);
const ch_type *ch_type_map(ch_arena *arena, const ch_type *key, const ch_type *value, bool value_contains_null);
/* Copies the field array (names and types stay borrowed). */
const ch_type *ch_type_struct(ch_arena *arena, const ch_field *fields, size_t n);

/* Deep copies into `arena`; the shared constants stay themselves. */
const ch_type *ch_type_copy(ch_arena *arena, const ch_type *type);
ch_schema ch_schema_copy(ch_arena *arena, const ch_schema *schema);

/* Equality: `exact` also compares nullability and field names case-sensitively (DataType ==); otherwise nullability is
 * ignored (sameType). Metadata is never compared. */
bool ch_type_equal(const ch_type *a, const ch_type *b, bool exact);

bool ch_type_is_integral(const ch_type *t); /* byte .. long */
bool ch_type_is_numeric(const ch_type *t);  /* byte .. decimal */
bool ch_type_is_string(const ch_type *t);   /* string, char, varchar */
bool ch_type_is_atomic(const ch_type *t);
/* The physical type: VECTOR and MATRIX become their storage struct, everything else itself. */
const ch_type *ch_type_storage(const ch_type *t);

/* Spellings. name: "long", "array", "vector" (typeName, in printSchema and messages); simple: "bigint", "array<int>",
 * "struct<a:int>" cut after 25 fields, "vector"; catalog: simple in full, UDTs as what stores them (typeof()); sql:
 * "BIGINT", "ARRAY<INT>", "STRUCT<a: INT NOT NULL>"; duckdb: "BIGINT", "INTEGER[]", STRUCT("a" INTEGER). */
void ch_type_name(ch_buf *buf, const ch_type *t);
void ch_type_simple(ch_buf *buf, const ch_type *t);
void ch_type_catalog(ch_buf *buf, const ch_type *t);
void ch_type_sql(ch_buf *buf, const ch_type *t);
void ch_type_duckdb(ch_buf *buf, const ch_type *t);
/* The engine's name, quoted, of a struct's field: its own unless an earlier field has that already. */
void ch_field_duckdb(ch_buf *buf, const ch_type *t, size_t index);
/* Spark's schema JSON, as Python and Parquet footers use it: {"type":"struct","fields":[...]}. */
void ch_schema_json(ch_buf *buf, const ch_schema *schema);
void ch_type_json(ch_buf *buf, const ch_type *t);
/* "a BIGINT NOT NULL,b STRING COMMENT 'x'": StructType.toDDL */
void ch_schema_ddl(ch_buf *buf, const ch_schema *schema);
/* A name in backquotes unless it is a plain identifier (quoteIfNeeded). */
void ch_quote_name(ch_buf *buf, const char *name);
/* df.printSchema()'s text, nested to `level` (0 = all). */
void ch_schema_tree(ch_buf *buf, const ch_schema *schema, int level);

/* Parses schema JSON (a struct) or type JSON. Nesting is limited to CH_TYPE_DEPTH_MAX.
 * err: INVALID_JSON_DATA_TYPE, DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION, UNSUPPORTED_DATATYPE for foreign UDTs. */
int ch_type_from_json(ch_arena *arena, const char *json, size_t len, const ch_type **out, ch_error *err);

#endif
