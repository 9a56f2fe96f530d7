/* json.h: JSON as Spark's reader takes it: Jackson's syntax with Spark's options, schema inference (JsonInferSchema)
 * and conversion into columns (JacksonParser). No I/O here: records come from source_json.c. */
#ifndef CHERT_FRAME_JSON_H
#define CHERT_FRAME_JSON_H

#include "frame/text/text_column.h"
#include "frame/text/text_options.h"

typedef struct ch_json_options {
    ch_text_options text;
    bool comments, unquoted_names, single_quotes, leading_zeros, escape_any, control_chars, non_numeric;
    bool primitives_as_string, prefers_decimal, drop_all_null, infer_timestamp;
} ch_json_options;

/* err: as JSONOptions raises. */
int ch_json_options_read(ch_session *s, ch_arena *arena, const ch_options *options, ch_json_options *out,
                         ch_error *err);

/* --- syntax (json_parse.c) --- */

enum { CH_JSON_DEPTH = 200 }; /* deeper nesting is malformed */

/* Where a text is being read. All functions give false on malformed input and leave the cursor anywhere. */
typedef struct ch_json_reader {
    const char *at, *end;
    const ch_json_options *options;
} ch_json_reader;

/* Passes over spaces (and comments, where allowed). */
bool ch_json_space(ch_json_reader *j);
/* Passes over one value of any kind, checking it. */
bool ch_json_skip(ch_json_reader *j, int depth);
/* A string at the cursor: its inside as it stands; *plain: nothing in it is escaped. */
bool ch_json_read_string(ch_json_reader *j, const char **text, size_t *len, bool *plain);
/* A field name, which may be unquoted, and the colon after it. */
bool ch_json_name(ch_json_reader *j, const char **text, size_t *len, bool *plain);
/* The text of a string without its escapes. */
void ch_json_unescape(const ch_json_options *o, const char *text, size_t len, ch_buf *out);

typedef enum ch_json_kind {
    CH_JSON_NULL,
    CH_JSON_TRUE,
    CH_JSON_FALSE,
    CH_JSON_INTEGER,
    CH_JSON_REAL,
    CH_JSON_NAN, /* NaN and the infinities */
    CH_JSON_STRING,
    CH_JSON_OBJECT,
    CH_JSON_ARRAY
} ch_json_kind;

/* What stands at the cursor. Scalars but strings are read: text and len are theirs; strings, objects and arrays stay.
 */
bool ch_json_peek(ch_json_reader *j, ch_json_kind *kind, const char **text, size_t *len);
/* Steps through an object or array whose opening bracket was passed: *more tells whether a member follows. `first` says
 * that none was read yet. */
bool ch_json_next(ch_json_reader *j, char close, bool first, bool *more);

/* Is the array at the cursor well-formed, and are all its elements objects? */
bool ch_json_is_rows(ch_json_reader j);

/* --- schema (json_infer.c) --- */

typedef struct ch_json_shape ch_json_shape; /* the type of what was seen so far */
ch_json_shape *ch_json_shape_new(ch_arena *arena);
/* Adds one record: an object, or an array of objects. False if it is malformed or anything else; nothing is added. */
bool ch_json_observe(ch_arena *arena, ch_json_shape *shape, const ch_json_options *o, const char *text, size_t len);
/* Adds what another part of the files showed. */
void ch_json_merge(ch_arena *arena, ch_json_shape *shape, const ch_json_shape *other);
/* The columns, by name, with `corrupt` (may be NULL) among them. err: COLUMN_ALREADY_EXISTS for a repeated key. */
int ch_json_schema(ch_arena *arena, const ch_json_shape *shape, const ch_json_options *o, const char *corrupt,
                   ch_schema *out, ch_error *err);

/* --- values (json_column.c) --- */

bool ch_json_supports(const ch_type *type);

typedef enum ch_json_result {
    CH_JSON_GOOD,
    CH_JSON_PARTIAL,  /* some fields were not of their type and are NULL */
    CH_JSON_MALFORMED /* no JSON, or no object: all columns are NULL */
} ch_json_result;

/* Converts the object at the cursor into a row of columns named as `fields` says. err: no memory; *result otherwise. */
int ch_json_convert(ch_json_reader *j, const ch_field *fields, size_t n, ch_column *cols, size_t row, ch_buf *scratch,
                    ch_json_result *result, ch_error *err);

#endif
