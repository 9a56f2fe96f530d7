/* decode.h: the bodies of scoring requests into tables. Source of shapes and messages: MLflow 3.17's scoring server, as
 * observed, and the pandas calls behind it. */
#ifndef CHERT_SERVE_DECODE_H
#define CHERT_SERVE_DECODE_H

#include "serve/fault.h"
#include "serve/table.h"

enum { CH_ROWS_COLUMNS_MOST = 64 }; /* that an answer can be asked for */

/* What a request asks for. Zero-initialise with table.arena set; ch_table_reset(&rows.table) at the end. */
typedef struct ch_rows {
    ch_table table;
    /* "instances" or "inputs" without names: the table has one column without a name, whose cells are the elements of
     * the list, lists of numbers among them. */
    bool values;
    bool dataframe;       /* dataframe_split, dataframe_records or CSV */
    size_t ncolumn;       /* params.columns: the columns wanted instead of the prediction; one too many: too many */
    const char **columns; /* in the table's arena */
} ch_rows;

/* {"dataframe_split": ...}, {"dataframe_records": ...}, {"instances": ...} or {"inputs": ...}, with "params". The text
 * is borrowed by the table. */
int ch_decode_json(const char *text, size_t len, ch_rows *out, ch_fault *fault);
/* A CSV file with a header, as pandas.read_csv takes it. `is_text` says of a column whether it must stay text. Texts
 * point into the body or the table's arena. */
int ch_decode_csv(const char *text, size_t len, bool (*is_text)(void *context, const char *name, size_t name_len),
                  void *context, ch_rows *out, ch_fault *fault);

#define CH_SERVE_FORMATS "{'dataframe_split', 'dataframe_records', 'instances', 'inputs'}"
#define CH_SERVE_PROTOCOL_CHANGE                                                                                       \
    "IMPORTANT: The MLflow Model scoring protocol has changed in MLflow version 2.0. If you are seeing this error, "   \
    "you are likely using an outdated scoring request format. To resolve the error, either update your request "       \
    "format or adjust your MLflow Model's requirements file to specify an older version of MLflow (for example, "      \
    "change the 'mlflow' requirement specifier to 'mlflow==1.30.0'). If you are making a request using the MLflow "    \
    "client (e.g. via `mlflow.pyfunc.spark_udf()`), upgrade your MLflow client to a version >= 2.0 in order to use "   \
    "the new request format. For more information about the updated MLflow Model scoring protocol in MLflow 2.0, see " \
    "https://mlflow.org/docs/latest/models.html#deploy-mlflow-models."

#endif
