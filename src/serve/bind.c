/* bind.c: finding columns and their types. What the values become is in convert.c. */
#include "serve/bind.h"

#include "ml/metadata.h"
#include "serve/convert.h"

#include <string.h>
#include <strings.h>

/* ---- which columns ---- */

static const ch_table_column *find_column(const ch_table *table, const char *name, size_t len, size_t guess,
                                          bool any_case)
{
    size_t at = ch_table_find(table, name, len, guess);
    for (size_t i = 0; at == SIZE_MAX && any_case && i < table->ncol; i++) {
        const ch_table_column *c = &table->columns[i];
        if (c->name && c->name_len == len && strncasecmp(c->name, name, len) == 0) at = i;
    }
    return at == SIZE_MAX ? NULL : &table->columns[at];
}

static void list_name(ch_buf *out, const char *name, size_t len)
{
    ch_buf_printf(out, "%s'%.*s'", out->len ? ", " : "", (int)len, name);
}

static bool in_signature(const ch_mlmodel *model, const ch_table_column *c)
{
    for (size_t i = 0; i < model->ninput; i++)
        if (c->name && strlen(model->inputs[i].name) == c->name_len &&
            memcmp(model->inputs[i].name, c->name, c->name_len) == 0)
            return true;
    return false;
}

/* Names of the request's columns that the signature does not know; some of them, when there are many. */
static void list_extra(const ch_mlmodel *model, const ch_table *table, ch_buf *out)
{
    enum { MOST = 20 };
    size_t listed = 0;
    for (size_t i = 0; i < table->ncol && listed < MOST; i++) {
        const ch_table_column *c = &table->columns[i];
        if (in_signature(model, c)) continue;
        listed++;
        if (c->name)
            list_name(out, c->name, c->name_len);
        else
            ch_buf_printf(out, "%s%zu", out->len ? ", " : "", i);
    }
}

static int missing_inputs(const ch_mlmodel *model, const ch_table *table, const ch_buf *missing, ch_fault *fault)
{
    ch_buf extra = {0};
    int status;
    list_extra(model, table, &extra);
    if (!model->signature) {
        status = ch_fault_set(fault, CH_FAULT_BAD_REQUEST, CH_FAULT_EVALUATING "Model is missing inputs [%s].",
                              ch_buf_text(missing));
    } else {
        status =
            ch_fault_set(fault, CH_FAULT_SCHEMA,
                         "Failed to enforce schema of data with schema '%s'. Error: Model is missing inputs "
                         "[%s].%s%s%s",
                         model->schema, ch_buf_text(missing), extra.len ? " Note that there were extra inputs: [" : "",
                         ch_buf_text(&extra), extra.len ? "]." : "");
    }
    ch_buf_reset(&extra);
    return status;
}

/* All that the signature requires must be there, wanted by a stage or not. */
static int check_required(const ch_mlmodel *model, const ch_table *table, ch_fault *fault)
{
    ch_buf missing = {0};
    for (size_t i = 0; i < model->ninput; i++) {
        const ch_input *input = &model->inputs[i];
        size_t len = strlen(input->name);
        if (input->required && ch_table_find(table, input->name, len, i) == SIZE_MAX)
            list_name(&missing, input->name, len);
    }
    int status = missing.len ? missing_inputs(model, table, &missing, fault) : 0;
    ch_buf_reset(&missing);
    return status;
}

static int find_columns(const ch_served *model, const ch_rows *rows, ch_bound_table *out, ch_fault *fault)
{
    const ch_mlmodel *mlmodel = ch_served_mlmodel(model);
    const ch_wanted_input *wanted = ch_served_inputs(model, &out->n);
    ch_buf missing = {0};
    bool alone = rows->values && (mlmodel->signature ? mlmodel->ninput : out->n) == 1 && out->n == 1;
    if (mlmodel->signature && !alone && check_required(mlmodel, out->table, fault)) return (int)fault->kind;
    for (size_t i = 0; i < out->n; i++) {
        ch_bound_input *to = &out->inputs[i];
        const ch_input *input = mlmodel->signature ? &mlmodel->inputs[wanted[i].signed_as] : NULL;
        const char *name = input ? input->name : wanted[i].name; /* they may differ in case */
        to->name = wanted[i].name;
        to->type = input ? input->type : CH_INPUT_ANY;
        to->column =
            alone ? &out->table->columns[0] : find_column(out->table, name, strlen(name), i, !mlmodel->signature);
        if (!to->column) list_name(&missing, name, strlen(name));
    }
    int status = missing.len ? missing_inputs(mlmodel, out->table, &missing, fault) : 0;
    ch_buf_reset(&missing);
    return status;
}

/* Two columns of one name: which one is meant is not said. */
static int check_unique(const ch_bound_table *bound, ch_fault *fault)
{
    const ch_table *t = bound->table;
    for (size_t i = 0; i < t->ncol; i++) {
        const ch_table_column *c = &t->columns[i];
        if (!c->name || ch_table_find(t, c->name, c->name_len, SIZE_MAX) == i) continue;
        for (size_t k = 0; k < bound->n; k++)
            if (bound->inputs[k].column->name && bound->inputs[k].column->name_len == c->name_len &&
                memcmp(bound->inputs[k].column->name, c->name, c->name_len) == 0)
                return ch_fault_set(fault, CH_FAULT_SCHEMA,
                                    "Failed to enforce schema of data. Error: column '%.*s' is given more than once",
                                    (int)c->name_len, c->name);
    }
    return 0;
}

/* ---- which types ---- */

enum {
    NOTHING = 1u << CH_CELL_ABSENT | 1u << CH_CELL_NULL,
    WHOLE = 1u << CH_CELL_INT,
    NUMBER = WHOLE | 1u << CH_CELL_BIG | 1u << CH_CELL_REAL
};

static int mixed_types(const ch_bound_input *input, ch_fault *fault)
{
    return ch_fault_set(fault, CH_FAULT_BAD_REQUEST, CH_FAULT_EVALUATING "column '%s' holds %s", input->name,
                        input->column->kinds & 1u << CH_CELL_OTHER ? "values that are neither numbers, text nor "
                                                                     "lists of numbers"
                                                                   : "values of several types");
}

/* The type of a column as its values tell; a missing whole number makes them real ones, as in pandas. */
static int infer_type(ch_bound_input *input, ch_fault *fault)
{
    unsigned kinds = input->column->kinds, values = kinds & ~(unsigned)NOTHING;
    if (values == WHOLE && kinds == WHOLE)
        input->type = CH_INPUT_LONG;
    else if (!(values & ~(unsigned)NUMBER))
        input->type = CH_INPUT_DOUBLE;
    else if (values == 1u << CH_CELL_BOOL)
        input->type = CH_INPUT_BOOLEAN;
    else if (values == 1u << CH_CELL_TEXT)
        input->type = CH_INPUT_STRING;
    else if (values == 1u << CH_CELL_LIST)
        input->type = CH_INPUT_VECTOR;
    else
        return mixed_types(input, fault);
    return 0;
}

/* Dimensions of a vector column: those of its first vector. */
static uint32_t vector_size(const ch_table_column *column)
{
    for (size_t i = 0; i < column->n; i++)
        if (column->cells[i].kind == CH_CELL_LIST) return column->cells[i].len;
    return 0;
}

static const ch_type *column_type(ch_input_type type)
{
    switch (type) {
    case CH_INPUT_BOOLEAN: return &ch_type_boolean;
    case CH_INPUT_INTEGER: return &ch_type_int;
    case CH_INPUT_LONG: return &ch_type_long;
    case CH_INPUT_FLOAT: return &ch_type_float;
    case CH_INPUT_STRING: return &ch_type_string;
    case CH_INPUT_VECTOR: return &ch_type_vector;
    default: return &ch_type_double;
    }
}

static void give_types(ch_bound_table *out, ch_arena *arena)
{
    static const char LETTERS[] = {
        [CH_INPUT_BOOLEAN] = 'b', [CH_INPUT_INTEGER] = 'i', [CH_INPUT_LONG] = 'l',  [CH_INPUT_FLOAT] = 'f',
        [CH_INPUT_DOUBLE] = 'd',  [CH_INPUT_STRING] = 's',  [CH_INPUT_VECTOR] = 'v'};
    char *key = ch_arena_alloc(arena, out->n * 12 + 1), *at = key;
    out->key = key;
    for (size_t i = 0; i < out->n; i++) {
        const ch_bound_input *input = &out->inputs[i];
        out->fields[i] = (ch_field){.name = input->name, .type = column_type(input->type), .nullable = true};
        *at++ = LETTERS[input->type];
        if (input->type != CH_INPUT_VECTOR) continue;
        uint32_t size = vector_size(input->column);
        out->fields[i].metadata = ch_ml_size_metadata(arena, size);
        for (uint32_t rest = size; rest; rest /= 10) *at++ = (char)('0' + rest % 10);
    }
}

int ch_bind_table(const ch_served *model, const ch_rows *rows, ch_bound_table *out, ch_fault *fault)
{
    ch_arena *arena = rows->table.arena;
    out->table = &rows->table;
    ch_served_inputs(model, &out->n);
    out->inputs = CH_NEW_ARRAY(arena, ch_bound_input, out->n);
    out->fields = CH_NEW_ARRAY(arena, ch_field, out->n);
    if (find_columns(model, rows, out, fault) || check_unique(out, fault)) return (int)fault->kind;
    for (size_t i = 0; i < out->n; i++)
        if (out->inputs[i].type == CH_INPUT_ANY && infer_type(&out->inputs[i], fault)) return (int)fault->kind;
    give_types(out, arena);
    return ch_convert_unused(ch_served_mlmodel(model), out->table, fault);
}

int ch_bind_rows(const ch_bound_table *bound, size_t first, ch_scoring *s, ch_fault *fault)
{
    for (size_t i = 0; i < bound->n; i++) {
        const ch_bound_input *input = &bound->inputs[i];
        if (ch_convert_cells(input->type, input->name, input->column->cells + first, s->rows, &s->columns[i], fault))
            return (int)fault->kind;
    }
    return 0;
}
