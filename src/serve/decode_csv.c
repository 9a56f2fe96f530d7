/* decode_csv.c: CSV bodies as pandas.read_csv takes them: a header, fields in double quotes with quotes doubled inside,
 * pandas' words for missing values, each column a type of its own. */
#include "base/java_number.h"
#include "base/utf8.h"
#include "serve/decode.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct reader {
    const char *at, *end;
    size_t line; /* of the record being read, from 1 */
    ch_arena *arena;
    ch_buf scratch;
} reader;

typedef struct field {
    const char *text;
    size_t len;
    bool quoted, last; /* last: of its record */
} field;

/* pandas' default na_values. */
static const char *const MISSING[] = {"",     "#N/A",   "#N/A N/A", "#NA",  "-1.#IND", "-1.#QNAN", "-NaN",
                                      "-nan", "1.#IND", "1.#QNAN",  "<NA>", "N/A",     "NA",       "NULL",
                                      "NaN",  "None",   "n/a",      "nan",  "null"};

static bool is_missing(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof MISSING / sizeof *MISSING; i++)
        if (strlen(MISSING[i]) == len && memcmp(MISSING[i], text, len) == 0) return true;
    return false;
}

static bool at_newline(const reader *r)
{
    return *r->at == '\n' || *r->at == '\r';
}

static void pass_newline(reader *r)
{
    if (r->at < r->end && *r->at == '\r') r->at++;
    if (r->at < r->end && *r->at == '\n') r->at++;
    r->line++;
}

static void pass_empty_lines(reader *r)
{
    while (r->at < r->end && at_newline(r)) pass_newline(r);
}

/* A field that starts with a quote, which is passed already, up to the delimiter. What follows the closing quote is
 * part of the text, as in pandas. */
static bool read_quoted(reader *r, field *f)
{
    bool inside = true;
    ch_buf_clear(&r->scratch);
    for (; r->at < r->end; r->at++) {
        if (inside && *r->at == '"') {
            bool doubled = r->end - r->at > 1 && r->at[1] == '"';
            if (doubled)
                r->at++;
            else {
                inside = false;
                continue;
            }
        } else if (!inside && (*r->at == ',' || at_newline(r))) {
            break;
        }
        ch_buf_char(&r->scratch, *r->at);
    }
    f->text = ch_arena_dup(r->arena, ch_buf_text(&r->scratch), r->scratch.len + 1);
    f->len = r->scratch.len;
    f->quoted = true;
    return !inside;
}

/* The next field and the delimiter or newline after it; false for a quote that is never closed. */
static bool read_field(reader *r, field *f)
{
    *f = (field){.text = r->at};
    if (r->at < r->end && *r->at == '"') {
        r->at++;
        if (!read_quoted(r, f)) return false;
    } else {
        while (r->at < r->end && *r->at != ',' && !at_newline(r)) r->at++;
        f->len = (size_t)(r->at - f->text);
    }
    f->last = r->at == r->end || *r->at != ',';
    if (!f->last) {
        r->at++;
    } else if (r->at < r->end) {
        pass_newline(r);
    }
    return true;
}

static int bad_csv(ch_fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int bad_csv(ch_fault *fault, const char *format, ...)
{
    ch_buf why = {0};
    char text[500];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ch_buf_str(&why, text);
    int status = ch_fault_set(fault, CH_FAULT_BAD_REQUEST,
                              "Failed to parse input as a Pandas DataFrame. Ensure that the input is a valid "
                              "CSV-formatted Pandas DataFrame produced using the `pandas.DataFrame.to_csv()` method. "
                              "Error: '%s'",
                              ch_buf_text(&why));
    ch_buf_reset(&why);
    return status;
}

static int too_much(ch_fault *fault, const ch_error *err)
{
    return ch_fault_set(fault, err->kind == CH_E_MEMORY ? CH_FAULT_NO_ROOM : CH_FAULT_TOO_LARGE, "Invalid input. %s",
                        err->message);
}

static int read_header(reader *r, ch_table *table, ch_fault *fault)
{
    ch_error err;
    field f = {0};
    pass_empty_lines(r);
    if (r->at == r->end) return bad_csv(fault, "No columns to parse from file");
    while (!f.last) {
        size_t at;
        if (!read_field(r, &f)) return bad_csv(fault, "Error tokenizing data. C error: EOF inside string");
        if (!f.len) {
            f.text = ch_arena_printf(r->arena, "Unnamed: %zu", table->ncol);
            f.len = strlen(f.text);
        }
        if (ch_table_add_column(table, f.text, f.len, &at, &err)) return too_much(fault, &err);
    }
    return 0;
}

static int read_record(reader *r, ch_table *table, ch_fault *fault)
{
    ch_error err;
    field f = {0};
    size_t line = r->line, n = 0;
    for (; !f.last; n++) {
        ch_cell *cell;
        if (!read_field(r, &f)) return bad_csv(fault, "Error tokenizing data. C error: EOF inside string");
        if (n >= table->ncol) continue;
        if (ch_table_cell(table, n, table->nrow, &cell, &err)) return too_much(fault, &err);
        *cell = (ch_cell){.kind = is_missing(f.text, f.len) ? CH_CELL_NULL : CH_CELL_TEXT, .len = (uint32_t)f.len};
        cell->v.text = f.text;
    }
    if (n > table->ncol)
        return bad_csv(fault, "Error tokenizing data. C error: Expected %zu fields in line %zu, saw %zu", table->ncol,
                       line, n);
    table->nrow++;
    return 0;
}

/* ---- types ---- */

static bool is_word(const ch_cell *cell, const char *a, const char *b, const char *c)
{
    const char *const words[] = {a, b, c};
    for (int i = 0; i < 3; i++)
        if (strlen(words[i]) == cell->len && memcmp(words[i], cell->v.text, cell->len) == 0) return true;
    return false;
}

/* The most particular kind that a text can be read as. */
static ch_cell_kind kind_of(const ch_cell *cell)
{
    int64_t whole;
    double real;
    if (ch_java_parse_integer(cell->v.text, cell->len, INT64_MIN, INT64_MAX, &whole)) return CH_CELL_INT;
    char last = cell->len ? cell->v.text[cell->len - 1] : ' '; /* 1d and 1f are numbers to Java alone */
    bool number = isdigit((unsigned char)last) || strchr(".fFyY", last);
    if (number && ch_cell_real(cell->v.text, cell->len, &real) && (isinf(real) || !isalpha((unsigned char)last)))
        return CH_CELL_REAL;
    if (is_word(cell, "True", "TRUE", "true") || is_word(cell, "False", "FALSE", "false")) return CH_CELL_BOOL;
    return CH_CELL_TEXT;
}

/* A column is of one kind: whole numbers, real numbers, booleans; otherwise its cells stay text. */
static void give_type(ch_table_column *column)
{
    unsigned kinds = 0;
    for (size_t i = 0; i < column->n; i++)
        if (column->cells[i].kind == CH_CELL_TEXT) kinds |= 1u << kind_of(&column->cells[i]);
    bool whole = kinds == 1u << CH_CELL_INT, real = !(kinds & ~(1u << CH_CELL_INT | 1u << CH_CELL_REAL)),
         boolean = kinds == 1u << CH_CELL_BOOL;
    for (size_t i = 0; i < column->n; i++) {
        ch_cell *cell = &column->cells[i];
        const char *text = cell->v.text;
        if (cell->kind != CH_CELL_TEXT) continue;
        if (whole) {
            ch_java_parse_integer(text, cell->len, INT64_MIN, INT64_MAX, &cell->v.integer);
            cell->kind = CH_CELL_INT;
        } else if (real) {
            ch_cell_real(text, cell->len, &cell->v.real);
            cell->kind = CH_CELL_REAL;
        } else if (boolean) {
            cell->v.boolean = *text == 't' || *text == 'T';
            cell->kind = CH_CELL_BOOL;
        }
    }
}

int ch_decode_csv(const char *text, size_t len, bool (*is_text)(void *context, const char *name, size_t name_len),
                  void *context, ch_rows *out, ch_fault *fault)
{
    ch_error err;
    ch_table *table = &out->table;
    if (!ch_utf8_valid(text, len))
        return ch_fault_set(fault, CH_FAULT_BAD_REQUEST,
                            "Invalid input. Ensure that input is a valid UTF-8 encoded string. Error: "
                            "'UnicodeDecodeError('the body is not UTF-8')'");
    reader r = {.at = text, .end = text + len, .line = 1, .arena = table->arena};
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) r.at += 3;
    out->dataframe = true;
    int status = read_header(&r, table, fault);
    for (pass_empty_lines(&r); !status && r.at < r.end; pass_empty_lines(&r)) status = read_record(&r, table, fault);
    ch_buf_reset(&r.scratch);
    if (status) return status;
    for (size_t i = 0; i < table->ncol; i++) {
        ch_table_column *c = &table->columns[i];
        if (!is_text(context, c->name, c->name_len)) give_type(c);
    }
    return ch_table_finish(table, &err) ? too_much(fault, &err) : 0;
}
