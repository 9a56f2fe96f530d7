/* decode_json.c: JSON bodies straight into columns, in one pass and without a tree in between. */
#include "base/java_number.h"
#include "base/utf8.h"
#include "frame/text/json.h"
#include "serve/decode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ECHO_MOST = 1000 }; /* bytes of a malformed body that the answer repeats */

typedef struct decoder {
    ch_json_reader in;
    const char *text;
    ch_rows *rows;
    ch_table *table;
    ch_arena *arena;
    ch_fault *fault;
    bool malformed;
    ch_buf scratch;  /* of strings with escapes */
    double *numbers; /* of a list being read */
    size_t number_room;
} decoder;

/* Python's json module with its defaults: no liberties but NaN and the infinities. */
static const ch_json_options STRICT = {.non_numeric = true};

static int malformed_at(ch_fault *fault, const char *text, size_t len, const char *at, const char *what)
{
    size_t line = 1, column = 1, shown = len < ECHO_MOST ? len : ECHO_MOST;
    for (const char *p = text; p < at; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    return ch_fault_set(fault, CH_FAULT_BAD_REQUEST,
                        "Invalid input. Ensure that input is a valid JSON formatted string. Error: "
                        "'JSONDecodeError('%s: line %zu column %zu (char %zu)')'\nInput: \nb'%.*s'%s\n",
                        what, line, column, (size_t)(at - text), (int)shown, text, shown < len ? "..." : "");
}

static int malformed(decoder *d)
{
    d->malformed = true;
    return malformed_at(d->fault, d->text, (size_t)(d->in.end - d->text), d->in.at, "Expecting value");
}

static int invalid(decoder *d, const ch_error *err)
{
    if (err->kind == CH_E_MEMORY) return ch_fault_set(d->fault, CH_FAULT_NO_ROOM, "%s", err->message);
    return ch_fault_set(d->fault, CH_FAULT_TOO_LARGE, "Invalid input. %s", err->message);
}

/* ---- values ---- */

/* A whole number of up to 18 digits is what nearly all are. */
static void whole_number(const char *text, size_t len, ch_cell *cell)
{
    size_t i = text[0] == '-';
    cell->kind = CH_CELL_INT;
    if (len - i <= 18) {
        int64_t value = 0;
        for (; i < len; i++) value = value * 10 + (text[i] - '0');
        cell->v.integer = text[0] == '-' ? -value : value;
    } else if (!ch_java_parse_integer(text, len, INT64_MIN, INT64_MAX, &cell->v.integer)) {
        cell->kind = CH_CELL_BIG;
        ch_java_parse_double(text, len, &cell->v.real);
    }
}

static double special_number(const char *text, size_t len)
{
    if (memchr(text, 'a', len)) return (double)NAN;
    return text[0] == '-' ? -(double)INFINITY : (double)INFINITY;
}

/* A string at the cursor: a slice of the body, or a copy without its escapes. */
static int read_text(decoder *d, const char **text, size_t *len, bool name)
{
    bool plain;
    if (!(name ? ch_json_name(&d->in, text, len, &plain) : ch_json_read_string(&d->in, text, len, &plain)))
        return malformed(d);
    if (plain) return 0;
    ch_buf_clear(&d->scratch);
    ch_json_unescape(&STRICT, *text, *len, &d->scratch);
    *text = ch_arena_dup(d->arena, ch_buf_text(&d->scratch), d->scratch.len + 1);
    *len = d->scratch.len;
    return 0;
}

static int add_number(decoder *d, size_t at, double value)
{
    if (at == d->number_room) {
        size_t room = d->number_room ? 2 * d->number_room : 64;
        double *numbers = realloc(d->numbers, room * sizeof *numbers);
        if (!numbers) return ch_fault_set(d->fault, CH_FAULT_NO_ROOM, "out of memory");
        d->numbers = numbers;
        d->number_room = room;
    }
    d->numbers[at] = value;
    return 0;
}

static bool number_value(ch_json_kind kind, const char *text, size_t len, double *out)
{
    ch_cell whole;
    switch (kind) {
    case CH_JSON_INTEGER:
        whole_number(text, len, &whole);
        *out = whole.kind == CH_CELL_INT ? (double)whole.v.integer : whole.v.real;
        return true;
    case CH_JSON_REAL: return ch_java_parse_double(text, len, out);
    case CH_JSON_NAN: *out = special_number(text, len); return true;
    default: return false;
    }
}

/* A list of numbers; one with anything else in it is only passed over. */
static int read_list(decoder *d, ch_cell *cell)
{
    ch_json_reader start = d->in;
    bool more;
    size_t n = 0;
    d->in.at++;
    for (bool first = true;; first = false, n++) {
        ch_json_kind kind;
        const char *text;
        size_t len;
        double value;
        if (!ch_json_next(&d->in, ']', first, &more)) return malformed(d);
        if (!more) break;
        if (!ch_json_peek(&d->in, &kind, &text, &len)) return malformed(d);
        if (!number_value(kind, text, len, &value)) {
            d->in = start;
            cell->kind = CH_CELL_OTHER;
            return ch_json_skip(&d->in, 0) ? 0 : malformed(d);
        }
        if (add_number(d, n, value)) return (int)d->fault->kind;
    }
    cell->kind = CH_CELL_LIST;
    cell->len = (uint32_t)n;
    cell->v.list = ch_arena_dup(d->arena, d->numbers, n * sizeof *d->numbers);
    return 0;
}

/* Any value, at the cursor, as a cell. */
static int read_cell(decoder *d, ch_cell *cell)
{
    ch_json_kind kind;
    const char *text;
    size_t len;
    cell->len = 0;
    if (!ch_json_peek(&d->in, &kind, &text, &len)) return malformed(d);
    switch (kind) {
    case CH_JSON_NULL: cell->kind = CH_CELL_NULL; return 0;
    case CH_JSON_TRUE:
    case CH_JSON_FALSE:
        cell->kind = CH_CELL_BOOL;
        cell->v.boolean = kind == CH_JSON_TRUE;
        return 0;
    case CH_JSON_INTEGER: whole_number(text, len, cell); return 0;
    case CH_JSON_REAL:
    case CH_JSON_NAN: cell->kind = CH_CELL_REAL; return number_value(kind, text, len, &cell->v.real) ? 0 : malformed(d);
    case CH_JSON_STRING:
        cell->kind = CH_CELL_TEXT;
        if (read_text(d, &cell->v.text, &len, false)) return (int)d->fault->kind;
        cell->len = (uint32_t)len;
        return 0;
    case CH_JSON_ARRAY: return read_list(d, cell);
    case CH_JSON_OBJECT: break;
    }
    cell->kind = CH_CELL_OTHER;
    return ch_json_skip(&d->in, 0) ? 0 : malformed(d);
}

/* The value at the cursor into a cell of the table. */
static int read_into(decoder *d, size_t column, size_t row)
{
    ch_error err;
    ch_cell *cell;
    if (ch_table_cell(d->table, column, row, &cell, &err)) return invalid(d, &err);
    return read_cell(d, cell);
}

static int peek(decoder *d, ch_json_kind *kind)
{
    ch_json_reader look = d->in;
    const char *text;
    size_t len;
    return ch_json_peek(&look, kind, &text, &len) ? 0 : malformed(d);
}

/* Steps to the next member: its name. */
static int next_member(decoder *d, bool first, bool *more, const char **name, size_t *len)
{
    if (!ch_json_next(&d->in, '}', first, more)) return malformed(d);
    return *more ? read_text(d, name, len, true) : 0;
}

static int next_element(decoder *d, bool first, bool *more)
{
    return ch_json_next(&d->in, ']', first, more) ? 0 : malformed(d);
}

static const char *python_type(ch_json_kind kind)
{
    switch (kind) {
    case CH_JSON_NULL: return "type <class 'NoneType'>";
    case CH_JSON_TRUE:
    case CH_JSON_FALSE: return "type <class 'bool'>";
    case CH_JSON_INTEGER: return "type <class 'int'>";
    case CH_JSON_REAL:
    case CH_JSON_NAN: return "type <class 'float'>";
    case CH_JSON_STRING: return "type <class 'str'>";
    case CH_JSON_OBJECT: return "dictionary";
    case CH_JSON_ARRAY: break;
    }
    return "list";
}

/* ---- rows as lists ---- */

/* One row of a list of lists; anything but a list is a row of one value. */
static int read_row(decoder *d, size_t row)
{
    ch_json_kind kind;
    ch_error err;
    bool more;
    if (peek(d, &kind)) return (int)d->fault->kind;
    size_t at = 0;
    if (kind == CH_JSON_ARRAY) d->in.at++;
    for (bool first = true;; first = false, at++) {
        if (kind == CH_JSON_ARRAY && next_element(d, first, &more)) return (int)d->fault->kind;
        if (kind == CH_JSON_ARRAY && !more) return 0;
        size_t added;
        if (at == d->table->ncol && ch_table_add_column(d->table, NULL, 0, &added, &err)) return invalid(d, &err);
        if (read_into(d, at, row)) return (int)d->fault->kind;
        if (kind != CH_JSON_ARRAY) return 0;
    }
}

/* The elements of a list, each by `read`. */
static int read_elements(decoder *d, int (*read)(decoder *d, size_t row))
{
    bool more;
    d->in.at++;
    for (bool first = true;; first = false) {
        if (next_element(d, first, &more)) return (int)d->fault->kind;
        if (!more) return 0;
        if (read(d, d->table->nrow)) return (int)d->fault->kind;
        d->table->nrow++;
    }
}

/* ---- dataframe_split ---- */

typedef struct names {
    size_t n, room;
    const char **text;
    size_t *len;
} names;

static void add_name(decoder *d, names *list, const char *text, size_t len)
{
    if (list->n == list->room) {
        list->room = list->room ? 2 * list->room : 16;
        list->text = ch_arena_grow(d->arena, list->text, sizeof *list->text, list->n, list->room);
        list->len = ch_arena_grow(d->arena, list->len, sizeof *list->len, list->n, list->room);
    }
    list->text[list->n] = text;
    list->len[list->n++] = len;
}

/* Column names; numbers are taken by their text. */
static int read_names(decoder *d, names *list)
{
    ch_json_kind kind;
    bool more;
    list->n = 0;
    if (peek(d, &kind)) return (int)d->fault->kind;
    if (kind == CH_JSON_NULL) return ch_json_skip(&d->in, 0) ? 0 : malformed(d);
    if (kind != CH_JSON_ARRAY)
        return ch_fault_set(d->fault, CH_FAULT_BAD_REQUEST,
                            "Invalid input. Provided dataframe_split field is not a valid dataframe representation in "
                            "'split' format. Error: 'columns must be a list'");
    d->in.at++;
    for (bool first = true;; first = false) {
        const char *text;
        size_t len;
        if (next_element(d, first, &more)) return (int)d->fault->kind;
        if (!more) return 0;
        if (peek(d, &kind)) return (int)d->fault->kind;
        if (kind == CH_JSON_STRING) {
            if (read_text(d, &text, &len, false)) return (int)d->fault->kind;
        } else {
            text = d->in.at;
            if (!ch_json_skip(&d->in, 0)) return malformed(d);
            len = (size_t)(d->in.at - text);
        }
        if (list->n == CH_TABLE_COLUMNS_MAX)
            return ch_fault_set(d->fault, CH_FAULT_TOO_LARGE, "Invalid input. the data have more than %d columns",
                                CH_TABLE_COLUMNS_MAX);
        add_name(d, list, text, len);
    }
}

/* The table again with its columns named. */
static int name_columns(decoder *d, const names *list)
{
    ch_error err;
    size_t at;
    ch_table *t = d->table;
    if (t->nrow && list->n != t->ncol)
        return ch_fault_set(d->fault, CH_FAULT_BAD_REQUEST,
                            "Invalid input. Provided dataframe_split field is not a valid dataframe representation in "
                            "'split' format. Error: '%zu columns passed, passed data had %zu columns'",
                            list->n, t->ncol);
    ch_table named = {.arena = t->arena, .cells_max = t->cells_max, .nrow = t->nrow, .ncell = t->ncell};
    for (size_t i = 0; i < list->n; i++) {
        if (ch_table_add_column(&named, list->text[i], list->len[i], &at, &err)) return invalid(d, &err);
        if (i >= t->ncol) continue;
        named.columns[i].cells = t->columns[i].cells;
        named.columns[i].n = t->columns[i].n;
        named.columns[i].room = t->columns[i].room;
    }
    *t = named;
    return 0;
}

static bool is(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(text, word, len) == 0;
}

static int bad_split(decoder *d, const names *keys)
{
    ch_buf text = {0};
    for (size_t i = 0; i < keys->n; i++)
        ch_buf_printf(&text, "%s'%.*s'", i ? ", " : "", (int)keys->len[i], keys->text[i]);
    int status = ch_fault_set(d->fault, CH_FAULT_BAD_REQUEST,
                              "Invalid input. Dataframe split format must have 'data' field and optionally 'columns' "
                              "and 'index' fields. Got {%s}.'",
                              ch_buf_text(&text));
    ch_buf_reset(&text);
    return status;
}

static int read_split(decoder *d)
{
    ch_json_kind kind;
    names columns = {0}, keys = {0};
    bool data = false, more, named = false, extra = false;
    if (peek(d, &kind)) return (int)d->fault->kind;
    if (kind != CH_JSON_OBJECT)
        return ch_fault_set(d->fault, CH_FAULT_BAD_REQUEST,
                            "Invalid input. Dataframe split format must be a dictionary. Got %s.", python_type(kind));
    d->in.at++;
    for (bool first = true;; first = false) {
        const char *key;
        size_t len;
        if (next_member(d, first, &more, &key, &len)) return (int)d->fault->kind;
        if (!more) break;
        add_name(d, &keys, key, len);
        if (is(key, len, "columns")) {
            if (read_names(d, &columns)) return (int)d->fault->kind;
            named = columns.n > 0;
        } else if (is(key, len, "data")) {
            if (peek(d, &kind)) return (int)d->fault->kind;
            if (kind != CH_JSON_ARRAY)
                return ch_fault_set(d->fault, CH_FAULT_BAD_REQUEST,
                                    "Invalid input. Provided dataframe_split field is not a valid dataframe "
                                    "representation in 'split' format. Error: 'data must be a list of rows'");
            ch_table_clear(d->table);
            if (read_elements(d, read_row)) return (int)d->fault->kind;
            data = true;
        } else {
            extra |= !is(key, len, "index");
            if (!ch_json_skip(&d->in, 0)) return malformed(d);
        }
    }
    if (!data || extra) return bad_split(d, &keys);
    return named ? name_columns(d, &columns) : 0;
}

/* ---- dataframe_records ---- */

static int read_record(decoder *d, size_t row)
{
    ch_json_kind kind;
    ch_error err;
    bool more;
    size_t expected = 0; /* records usually have their members in one order */
    if (peek(d, &kind)) return (int)d->fault->kind;
    if (kind != CH_JSON_OBJECT)
        return ch_fault_set(d->fault, CH_FAULT_BAD_REQUEST,
                            "Invalid input. Provided dataframe_records field is not a valid dataframe representation "
                            "in 'records' format. Error: 'row %zu is no record, but a %s'",
                            row, python_type(kind));
    d->in.at++;
    for (bool first = true;; first = false, expected++) {
        const char *name;
        size_t len;
        if (next_member(d, first, &more, &name, &len)) return (int)d->fault->kind;
        if (!more) return 0;
        size_t at = ch_table_find(d->table, name, len, expected);
        if (at == SIZE_MAX && ch_table_add_column(d->table, name, len, &at, &err)) return invalid(d, &err);
        if (read_into(d, at, row)) return (int)d->fault->kind;
        expected = at;
    }
}

/* What the first element of the list at the cursor is; NULL for an empty one. */
static int first_kind(decoder *d, ch_json_kind *kind)
{
    ch_json_reader start = d->in;
    bool more;
    *kind = CH_JSON_NULL;
    d->in.at++;
    if (next_element(d, true, &more)) return (int)d->fault->kind;
    if (more && peek(d, kind)) return (int)d->fault->kind;
    d->in = start;
    return 0;
}

static int read_records(decoder *d)
{
    ch_json_kind kind;
    if (peek(d, &kind)) return (int)d->fault->kind;
    if (kind != CH_JSON_ARRAY)
        return ch_fault_set(d->fault, CH_FAULT_BAD_REQUEST,
                            "Invalid input. Dataframe records format must be a list of records. Got %s.",
                            python_type(kind));
    if (first_kind(d, &kind)) return (int)d->fault->kind;
    return read_elements(d, kind == CH_JSON_OBJECT || kind == CH_JSON_NULL ? read_record : read_row);
}

/* ---- instances, inputs ---- */

static int read_value(decoder *d, size_t row)
{
    return read_into(d, 0, row);
}

/* A list of records, a list of values, or one value. */
static int read_instances(decoder *d)
{
    ch_json_kind kind;
    ch_error err;
    size_t at;
    if (peek(d, &kind)) return (int)d->fault->kind;
    bool list = kind == CH_JSON_ARRAY;
    if (list && first_kind(d, &kind)) return (int)d->fault->kind;
    if (list && kind == CH_JSON_OBJECT) return read_elements(d, read_record);
    d->rows->values = true;
    if (ch_table_add_column(d->table, NULL, 0, &at, &err)) return invalid(d, &err);
    if (list) return read_elements(d, read_value);
    d->table->nrow = 1;
    return read_value(d, 0);
}

/* One column of {"inputs": {...}}: a list of its values, or a single one. */
static int read_column(decoder *d, size_t column, size_t *n)
{
    ch_json_kind kind;
    bool more;
    if (peek(d, &kind)) return (int)d->fault->kind;
    *n = 0;
    if (kind != CH_JSON_ARRAY) {
        *n = 1;
        return read_into(d, column, 0);
    }
    d->in.at++;
    for (bool first = true;; first = false, ++*n) {
        if (next_element(d, first, &more)) return (int)d->fault->kind;
        if (!more) return 0;
        if (read_into(d, column, *n)) return (int)d->fault->kind;
    }
}

static int read_inputs(decoder *d)
{
    ch_json_kind kind;
    ch_error err;
    bool more, unequal = false;
    if (peek(d, &kind)) return (int)d->fault->kind;
    if (kind != CH_JSON_OBJECT) return read_instances(d);
    d->in.at++;
    for (bool first = true;; first = false) {
        const char *name;
        size_t len, at, n;
        if (next_member(d, first, &more, &name, &len)) return (int)d->fault->kind;
        if (!more) break;
        if (ch_table_find(d->table, name, len, 0) != SIZE_MAX)
            return ch_fault_set(d->fault, CH_FAULT_BAD_REQUEST, "Invalid input. Input '%.*s' is given more than once.",
                                (int)len, name);
        if (ch_table_add_column(d->table, name, len, &at, &err)) return invalid(d, &err);
        if (read_column(d, at, &n)) return (int)d->fault->kind;
        unequal |= at && n != d->table->nrow;
        if (!at) d->table->nrow = n;
    }
    if (!unequal) return 0;
    return ch_fault_set(d->fault, CH_FAULT_SCHEMA,
                        "Failed to enforce schema of data. Error: This model contains a column-based signature, which "
                        "suggests a DataFrame input. There was an error casting the input data to a DataFrame: All "
                        "arrays must be of the same length");
}

/* ---- the envelope ---- */

static const struct {
    const char *key;
    bool dataframe;
    int (*read)(decoder *d);
} FORMATS[] = {
    {"dataframe_split", true, read_split},
    {"dataframe_records", true, read_records},
    {"instances", false, read_instances},
    {"inputs", false, read_inputs},
};
enum { FORMAT_COUNT = sizeof FORMATS / sizeof *FORMATS };

static void want_column(decoder *d, const char *text, size_t len)
{
    ch_rows *rows = d->rows;
    if (!rows->columns) rows->columns = CH_NEW_ARRAY(d->arena, const char *, CH_ROWS_COLUMNS_MOST + 1);
    if (rows->ncolumn <= CH_ROWS_COLUMNS_MOST) rows->columns[rows->ncolumn++] = ch_arena_strndup(d->arena, text, len);
}

/* params.columns: names of the columns to answer with; other params are none of ours. */
static int read_params(decoder *d)
{
    ch_json_kind kind;
    bool more, next;
    if (peek(d, &kind)) return (int)d->fault->kind;
    if (kind != CH_JSON_OBJECT) return ch_json_skip(&d->in, 0) ? 0 : malformed(d);
    d->in.at++;
    for (bool first = true;; first = false) {
        const char *text;
        size_t len;
        if (next_member(d, first, &more, &text, &len)) return (int)d->fault->kind;
        if (!more) return 0;
        if (d->in.at == d->in.end) return malformed(d);
        if (!is(text, len, "columns") || *d->in.at != '[') {
            if (!ch_json_skip(&d->in, 0)) return malformed(d);
            continue;
        }
        d->in.at++;
        d->rows->ncolumn = 0;
        for (bool one = true;; one = false) {
            if (next_element(d, one, &next) || (next && read_text(d, &text, &len, false))) return (int)d->fault->kind;
            if (!next) break;
            want_column(d, text, len);
        }
    }
}

static int wrong_formats(decoder *d, const bool *seen)
{
    ch_buf text = {0};
    for (int i = 0; i < FORMAT_COUNT; i++)
        if (seen[i]) ch_buf_printf(&text, "%s'%s'", text.len ? ", " : "", FORMATS[i].key);
    int status = ch_fault_set(d->fault, CH_FAULT_BAD_REQUEST,
                              "The input must be a JSON dictionary with exactly one of the input fields %s. Received "
                              "dictionary with input fields: [%s]. %s",
                              CH_SERVE_FORMATS, ch_buf_text(&text), CH_SERVE_PROTOCOL_CHANGE);
    ch_buf_reset(&text);
    return status;
}

static int read_member(decoder *d, const char *key, size_t len, bool *seen)
{
    for (int i = 0; i < FORMAT_COUNT; i++) {
        if (!is(key, len, FORMATS[i].key)) continue;
        seen[i] = true;
        ch_table_clear(d->table); /* of a key that comes twice the last one counts */
        d->rows->values = false;
        d->rows->dataframe = FORMATS[i].dataframe;
        return FORMATS[i].read(d);
    }
    if (is(key, len, "params")) return read_params(d);
    return ch_json_skip(&d->in, 1) ? 0 : malformed(d);
}

static int read_body(decoder *d)
{
    ch_json_kind kind;
    bool more, seen[FORMAT_COUNT] = {0};
    if (!ch_json_space(&d->in) || peek(d, &kind)) return malformed(d);
    if (kind != CH_JSON_OBJECT) {
        const char *type = python_type(kind);
        return ch_fault_set(d->fault, CH_FAULT_BAD_REQUEST,
                            "Invalid input. The input must be a JSON dictionary with exactly one of the input fields "
                            "%s. Received %s%s.",
                            CH_SERVE_FORMATS, kind == CH_JSON_ARRAY ? "a list" : "unexpected input type '",
                            kind == CH_JSON_ARRAY ? "" : type + strlen("type "));
    }
    d->in.at++;
    for (bool first = true;; first = false) {
        const char *key;
        size_t len;
        if (next_member(d, first, &more, &key, &len)) return (int)d->fault->kind;
        if (!more) break;
        if (read_member(d, key, len, seen)) return (int)d->fault->kind;
    }
    if (!ch_json_space(&d->in) || d->in.at != d->in.end) {
        d->malformed = true;
        return malformed_at(d->fault, d->text, (size_t)(d->in.end - d->text), d->in.at, "Extra data");
    }
    int formats = 0;
    for (int i = 0; i < FORMAT_COUNT; i++) formats += seen[i];
    return formats == 1 ? 0 : wrong_formats(d, seen);
}

/* Python parses all of a body before it looks at what it means: so does a malformed one come first here, too. */
static int check_rest(decoder *d)
{
    d->in.at = d->text;
    bool good = ch_json_space(&d->in) && ch_json_skip(&d->in, 0);
    if (!good) return malformed(d);
    if (ch_json_space(&d->in) && d->in.at == d->in.end) return (int)d->fault->kind;
    return malformed_at(d->fault, d->text, (size_t)(d->in.end - d->text), d->in.at, "Extra data");
}

int ch_decode_json(const char *text, size_t len, ch_rows *out, ch_fault *fault)
{
    ch_error err;
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) text += 3, len -= 3; /* a byte order mark */
    decoder d = {.in = {text, text + len, &STRICT},
                 .text = text,
                 .rows = out,
                 .table = &out->table,
                 .arena = out->table.arena,
                 .fault = fault};
    if (!ch_utf8_valid(text, len))
        return ch_fault_set(fault, CH_FAULT_BAD_REQUEST,
                            "Invalid input. Ensure that input is a valid JSON formatted string. Error: "
                            "'UnicodeDecodeError('the body is not UTF-8')'");
    int status = read_body(&d);
    if (status && !d.malformed) status = check_rest(&d);
    if (!status && ch_table_finish(d.table, &err)) status = invalid(&d, &err);
    ch_buf_reset(&d.scratch);
    free(d.numbers);
    return status;
}
