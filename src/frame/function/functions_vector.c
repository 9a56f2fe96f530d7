/* functions_vector.c: pyspark.ml.functions: vectors to arrays and back. */
#include "frame/analyze/resolve.h"

#include <string.h>

/* vector_to_array(v, dtype) */
static int type_to_array(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "vector", err));
    const char *dtype = "float64";
    if (e->u.call.n > 1) dtype = ch_fold_string(scope->arena, e->u.call.args[1]);
    bool single = dtype && strcmp(dtype, "float32") == 0;
    if (!dtype || (!single && strcmp(dtype, "float64") != 0)) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Unsupported dtype: %s. Valid values: float64, float32.",
                        dtype ? dtype : "null");
    }
    e->type = ch_type_array(scope->arena, single ? &ch_type_float : &ch_type_double, false);
    e->nullable = e->u.call.args[0]->nullable;
    return CH_OK;
}

static int write_to_array(ch_writer *w, const ch_expr *e)
{
    bool single = e->type->fields[0].type->kind == CH_FLOAT;
    return ch_write_template(w, e, single ? "CAST(ch_vector_to_array($1) AS FLOAT[])" : "ch_vector_to_array($1)");
}

/* Over Connect the functions are known as UDF(v) in names. */
static void print_udf(ch_buf *out, const ch_expr *e)
{
    ch_buf_str(out, "UDF(");
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_char(out, ')');
}

const ch_function ch_functions_vector[] = {
    {.name = "vector_to_array",
     .min_args = 1,
     .max_args = 2,
     .type = type_to_array,
     .write = write_to_array,
     .print = print_udf},
    {.name = "array_to_vector", .types = "array<double> > vector", .sql = "ch_array_to_vector($1)", .print = print_udf},
    {.name = NULL},
};
