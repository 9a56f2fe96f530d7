/* convert.c: one cell at a time. Source: pandas' astype as MLflow's scoring server calls it
 * (cast_df_types_according_to_ schema), but that numbers which would lose a fraction or their high bits are refused. */
#include "serve/convert.h"

#include "base/java_number.h"
#include "ml/vector.h"

#include <math.h>
#include <stdio.h>

static const char *type_text(ch_input_type type)
{
    switch (type) {
    case CH_INPUT_BOOLEAN: return "bool";
    case CH_INPUT_INTEGER: return "int32";
    case CH_INPUT_LONG: return "int64";
    case CH_INPUT_FLOAT: return "float32";
    case CH_INPUT_DOUBLE: return "float64";
    case CH_INPUT_VECTOR: return "SparkML vector";
    default: return "str";
    }
}

static const char *cell_class(const ch_cell *cell)
{
    switch (cell->kind) {
    case CH_CELL_ABSENT:
    case CH_CELL_NULL: return "NoneType";
    case CH_CELL_BOOL: return "bool";
    case CH_CELL_INT:
    case CH_CELL_BIG: return "int";
    case CH_CELL_REAL: return "float";
    case CH_CELL_TEXT: return "str";
    case CH_CELL_LIST: return "list";
    default: return "dict";
    }
}

static int refuse(ch_fault *fault, const char *name, ch_input_type type, const char *why)
{
    return ch_fault_set(fault, CH_FAULT_BAD_REQUEST,
                        "Invalid input. Data is not compatible with model signature. Failed to convert column %s to "
                        "type '%s'. Error: '%s'",
                        name, type_text(type), why);
}

static int refuse_class(ch_fault *fault, const char *name, ch_input_type type, const ch_cell *cell)
{
    char why[200];
    bool whole = type == CH_INPUT_INTEGER || type == CH_INPUT_LONG;
    if (type == CH_INPUT_VECTOR)
        snprintf(why, sizeof why, "MlflowException('Expected data to be list or numpy array, got %s')",
                 cell_class(cell));
    else
        snprintf(why, sizeof why, "TypeError(\"%s argument must be a string, %sa real number, not '%s'\")",
                 whole ? "int()" : "float()", whole ? "a bytes-like object or " : "or ", cell_class(cell));
    return refuse(fault, name, type, why);
}

static int refuse_text(ch_fault *fault, const char *name, ch_input_type type, const ch_cell *cell)
{
    char why[300];
    bool whole = type == CH_INPUT_INTEGER || type == CH_INPUT_LONG;
    snprintf(why, sizeof why, "ValueError(\"%s: '%.*s'\")",
             whole ? "invalid literal for int() with base 10" : "could not convert string to float",
             cell->len < 100 ? (int)cell->len : 100, cell->v.text);
    return refuse(fault, name, type, why);
}

static void trim(const char **text, size_t *len)
{
    while (*len && (**text == ' ' || **text == '\t')) ++*text, --*len;
    while (*len && ((*text)[*len - 1] == ' ' || (*text)[*len - 1] == '\t')) --*len;
}

static int whole_value(const ch_cell *cell, ch_input_type type, const char *name, int64_t *out, ch_fault *fault)
{
    const char *text = cell->v.text;
    size_t len = cell->len;
    switch (cell->kind) {
    case CH_CELL_INT: *out = cell->v.integer; break;
    case CH_CELL_BOOL: *out = cell->v.boolean; break;
    case CH_CELL_BIG: return refuse(fault, name, type, "OverflowError('Python int too large to convert to C long')");
    case CH_CELL_REAL:
        if (!isfinite(cell->v.real))
            return refuse(fault, name, type,
                          "IntCastingNaNError(\"Cannot convert non-finite values (NA or inf) to integer\")");
        if (cell->v.real != floor(cell->v.real) || fabs(cell->v.real) >= 0x1p63)
            return refuse(fault, name, type, "Can not safely convert float64 to an integer");
        *out = (int64_t)cell->v.real;
        break;
    case CH_CELL_TEXT:
        trim(&text, &len);
        if (!ch_java_parse_integer(text, len, INT64_MIN, INT64_MAX, out)) return refuse_text(fault, name, type, cell);
        break;
    default: return refuse_class(fault, name, type, cell);
    }
    if (type == CH_INPUT_INTEGER && (*out < INT32_MIN || *out > INT32_MAX))
        return refuse(fault, name, type, "OverflowError('Python integer out of bounds for int32')");
    return 0;
}

/* Not of NULL and absent cells. */
static int real_value(const ch_cell *cell, ch_input_type type, const char *name, double *out, ch_fault *fault)
{
    const char *text = cell->v.text;
    size_t len = cell->len;
    switch (cell->kind) {
    case CH_CELL_INT: *out = (double)cell->v.integer; return 0;
    case CH_CELL_BOOL: *out = cell->v.boolean; return 0;
    case CH_CELL_BIG:
    case CH_CELL_REAL: *out = cell->v.real; return 0;
    case CH_CELL_TEXT:
        trim(&text, &len);
        return ch_cell_real(text, len, out) ? 0 : refuse_text(fault, name, type, cell);
    default: return refuse_class(fault, name, type, cell);
    }
}

/* Text stays, other simple values are written as Spark would cast them. */
static int set_text(ch_column *out, size_t row, const ch_cell *cell, const char *name, ch_fault *fault)
{
    char text[32];
    int len = 0;
    switch (cell->kind) {
    case CH_CELL_TEXT: ch_column_set_string(out, row, cell->v.text, cell->len); return 0;
    case CH_CELL_BOOL: len = snprintf(text, sizeof text, "%s", cell->v.boolean ? "true" : "false"); break;
    case CH_CELL_INT: len = snprintf(text, sizeof text, "%lld", (long long)cell->v.integer); break;
    case CH_CELL_BIG:
    case CH_CELL_REAL: len = (int)ch_java_double(cell->v.real, text); break;
    default: {
        char why[80];
        snprintf(why, sizeof why, "TypeError(\"expected a string, not '%s'\")", cell_class(cell));
        return refuse(fault, name, CH_INPUT_STRING, why);
    }
    }
    ch_column_set_string(out, row, text, (size_t)len);
    return 0;
}

static bool is_nothing(const ch_cell *cell)
{
    return cell->kind == CH_CELL_NULL || cell->kind == CH_CELL_ABSENT;
}

/* NULL where the type has it: whole numbers have not, in pandas. */
static int convert_cell(ch_input_type type, const char *name, const ch_cell *cell, ch_column *out, size_t row,
                        ch_fault *fault)
{
    int64_t whole = 0;
    double real = 0;
    bool is_whole = type == CH_INPUT_INTEGER || type == CH_INPUT_LONG;
    if (is_nothing(cell) && !is_whole) {
        ch_column_set_null(out, row);
        return 0;
    }
    switch (type) {
    case CH_INPUT_INTEGER:
        if (whole_value(cell, type, name, &whole, fault)) return (int)fault->kind;
        ((int32_t *)out->data)[row] = (int32_t)whole;
        return 0;
    case CH_INPUT_LONG:
        if (whole_value(cell, type, name, &whole, fault)) return (int)fault->kind;
        ((int64_t *)out->data)[row] = whole;
        return 0;
    case CH_INPUT_FLOAT:
        if (real_value(cell, type, name, &real, fault)) return (int)fault->kind;
        ((float *)out->data)[row] = (float)real;
        return 0;
    case CH_INPUT_DOUBLE: return real_value(cell, type, name, &((double *)out->data)[row], fault);
    case CH_INPUT_BOOLEAN:
        if (cell->kind == CH_CELL_TEXT) return refuse_text(fault, name, type, cell);
        if (real_value(cell, type, name, &real, fault)) return (int)fault->kind;
        ((uint8_t *)out->data)[row] = real != 0;
        return 0;
    default: return set_text(out, row, cell, name, fault);
    }
}

static int convert_vectors(const char *name, const ch_cell *cells, size_t rows, ch_column *out, ch_fault *fault)
{
    ch_error err;
    ch_vector_writer w;
    size_t width = 0;
    for (size_t i = 0; i < rows && !width; i++)
        if (cells[i].kind == CH_CELL_LIST) width = cells[i].len;
    int status = ch_vector_writer_init(&w, out, rows, width, &err);
    for (size_t i = 0; i < rows && !status; i++) {
        double *values;
        if (is_nothing(&cells[i])) {
            ch_vector_writer_null(&w);
        } else if (cells[i].kind == CH_CELL_LIST) {
            status = ch_vector_writer_dense(&w, cells[i].len, &values, &err);
            if (!status) memcpy(values, cells[i].v.list, cells[i].len * sizeof *values);
        } else {
            return refuse_class(fault, name, CH_INPUT_VECTOR, &cells[i]);
        }
    }
    if (!status) status = ch_vector_writer_finish(&w, &err);
    return status ? ch_fault_from_model(fault, &err) : 0;
}

int ch_convert_cells(ch_input_type type, const char *name, const ch_cell *cells, size_t rows, ch_column *out,
                     ch_fault *fault)
{
    if (type == CH_INPUT_VECTOR) return convert_vectors(name, cells, rows, out, fault);
    for (size_t i = 0; i < rows; i++)
        if (convert_cell(type, name, &cells[i], out, i, fault)) return (int)fault->kind;
    return 0;
}

int ch_convert_unused(const ch_mlmodel *model, const ch_table *table, ch_fault *fault)
{
    int64_t whole;
    double real;
    for (size_t i = 0; i < model->ninput; i++) {
        const ch_input *input = &model->inputs[i];
        size_t at = ch_table_find(table, input->name, strlen(input->name), i);
        bool is_whole = input->type == CH_INPUT_INTEGER || input->type == CH_INPUT_LONG,
             is_real = input->type == CH_INPUT_FLOAT || input->type == CH_INPUT_DOUBLE;
        if (at == SIZE_MAX || (!is_whole && !is_real)) continue;
        const ch_table_column *c = &table->columns[at];
        if (!(c->kinds & ~(1u << CH_CELL_INT | (is_real ? 1u << CH_CELL_REAL : 0))) && input->type != CH_INPUT_INTEGER)
            continue; /* the usual case needs no look at each value */
        for (size_t row = 0; row < c->n; row++) {
            const ch_cell *cell = &c->cells[row];
            int status = is_whole           ? whole_value(cell, input->type, input->name, &whole, fault)
                         : is_nothing(cell) ? 0
                                            : real_value(cell, input->type, input->name, &real, fault);
            if (status) return status;
        }
    }
    return 0;
}
