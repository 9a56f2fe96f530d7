/* invoke.c: from the bytes of a request to the bytes of its answer. */
#include "serve/invoke.h"

#include "base/json_write.h"
#include "ml/vector.h"
#include "serve/bind.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    BATCH_ROWS = 4096,     /* scored at a time; the clock is looked at in between */
    ANSWER_MAX = 256 << 20 /* bytes: a short request can ask for long vectors of each row */
};

double ch_invoke_timeout(void)
{
    static _Atomic double seconds; /* setting it twice does no harm */
    if (seconds > 0) return seconds;
    const char *text = getenv("MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT");
    double wanted = text ? strtod(text, NULL) : 0;
    seconds = wanted > 0 && isfinite(wanted) ? wanted : 60;
    return seconds;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- the content type ---- */

typedef enum body_type { BODY_JSON, BODY_CSV } body_type;

static const char *trimmed(const char *text, size_t *len)
{
    while (*len && (*text == ' ' || *text == '\t')) text++, --*len;
    while (*len && (text[*len - 1] == ' ' || text[*len - 1] == '\t')) --*len;
    return text;
}

static bool is(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && strncasecmp(text, word, len) == 0;
}

/* "; charset=utf-8" and nothing else. */
static int check_parameter(const char *text, size_t len, ch_fault *fault)
{
    text = trimmed(text, &len);
    size_t name = 0;
    while (name < len && text[name] != '=') name++;
    const char *value = text + (name < len ? name + 1 : len);
    size_t value_len = len - (size_t)(value - text);
    value = trimmed(value, &value_len);
    if (value_len > 1 && *value == '"' && value[value_len - 1] == '"') value++, value_len -= 2;
    if (!is(text, name, "charset"))
        return ch_fault_set(fault, CH_FAULT_MEDIA_TYPE, "Unrecognized content type parameters: %.*s. %s", (int)name,
                            text, CH_SERVE_PROTOCOL_CHANGE);
    if (is(value, value_len, "utf-8") || is(value, value_len, "utf8")) return 0;
    return ch_fault_set(fault, CH_FAULT_MEDIA_TYPE, "The scoring server only supports UTF-8");
}

static int read_content_type(const char *text, body_type *out, ch_fault *fault)
{
    const char *shown = text ? text : "";
    size_t len = strcspn(shown, ";");
    for (const char *at = shown + len; *at == ';';) {
        size_t part = strcspn(at + 1, ";"), rest = part;
        trimmed(at + 1, &rest);
        if (rest && check_parameter(at + 1, part, fault)) return (int)fault->kind;
        at += 1 + part;
    }
    const char *type = trimmed(shown, &len);
    *out = is(type, len, "text/csv") ? BODY_CSV : BODY_JSON;
    if (*out == BODY_CSV || is(type, len, "application/json")) return 0;
    return ch_fault_set(fault, CH_FAULT_MEDIA_TYPE,
                        "This predictor only supports the following content types: Types: ['text/csv', "
                        "'application/json']. Got '%s'.",
                        shown);
}

/* ---- the answer ---- */

/* Numbers as Python writes them, as far as JSON has them: a real number shows that it is one; what is no number is
 * null. */
static void write_real(ch_json *json, double value)
{
    char text[32];
    if (!isfinite(value)) {
        ch_json_null(json);
        return;
    }
    ch_java_double(value, text);
    ch_json_raw(json, text);
}

static int write_vector(ch_json *json, const ch_column *c, size_t row, ch_error *err)
{
    ch_vector v;
    CH_TRY(ch_vector_at(c, row, &v, err));
    ch_json_begin(json, '[');
    for (size_t i = 0, k = 0; i < v.size; i++) {
        bool given = k < v.n && (!v.index || (size_t)v.index[k] == i);
        write_real(json, given ? v.value[k] : 0);
        k += given;
    }
    ch_json_end(json, ']');
    return 0;
}

static int write_value(ch_json *json, const ch_column *c, size_t row, ch_error *err)
{
    if (!ch_column_valid(c, row)) {
        ch_json_null(json);
        return 0;
    }
    switch (c->type->kind) {
    case CH_VECTOR: return write_vector(json, c, row, err);
    case CH_BOOLEAN: ch_json_bool(json, ((const uint8_t *)c->data)[row]); return 0;
    case CH_DOUBLE:
    case CH_FLOAT: write_real(json, ch_scored_number(c, row)); return 0;
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT: ch_json_int(json, (int64_t)ch_scored_number(c, row)); return 0;
    case CH_LONG: ch_json_int(json, ((const int64_t *)c->data)[row]); return 0;
    case CH_STRING: {
        const ch_string *s = &((const ch_string *)c->data)[row];
        ch_json_string_n(json, ch_string_data(s), ch_string_len(s));
        return 0;
    }
    default: return ch_failf(err, CH_E_UNSUPPORTED, "a column of this type cannot be answered with");
    }
}

/* ---- scoring ---- */

/* A request at work. */
typedef struct invocation {
    ch_served *model;
    ch_rows rows;
    ch_bound_table bound;
    ch_prepared prepared;
    size_t ncolumn; /* asked for by name; 0: the prediction alone */
    size_t columns[CH_ROWS_COLUMNS_MOST];
    ch_json json;
    ch_fault *fault;
    double deadline;
} invocation;

static int find_columns(invocation *x)
{
    ch_schema schema = ch_scorer_schema(x->prepared.scorer);
    if (x->rows.ncolumn > CH_ROWS_COLUMNS_MOST)
        return ch_fault_set(x->fault, CH_FAULT_BAD_REQUEST, "Invalid input. More than %d columns are asked for",
                            CH_ROWS_COLUMNS_MOST);
    for (size_t i = 0; i < x->rows.ncolumn; i++) {
        const char *name = x->rows.columns[i];
        x->columns[i] = ch_scorer_find(x->prepared.scorer, name, strlen(name));
        if (x->columns[i] == SIZE_MAX) {
            ch_buf known = {0};
            for (size_t k = 0; k < schema.n; k++) ch_buf_printf(&known, "%s'%s'", k ? ", " : "", schema.fields[k].name);
            ch_fault_set(x->fault, CH_FAULT_BAD_REQUEST, "Invalid input. The model gives no column '%s', but [%s]",
                         name, ch_buf_text(&known));
            ch_buf_reset(&known);
            return (int)x->fault->kind;
        }
    }
    x->ncolumn = x->rows.ncolumn;
    return 0;
}

static int write_rows(invocation *x, const ch_scoring *s)
{
    ch_error err;
    ch_schema schema = ch_scorer_schema(s->scorer);
    for (size_t row = 0; row < s->rows; row++) {
        int status = 0;
        if (!x->ncolumn) status = write_value(&x->json, &s->columns[x->prepared.prediction], row, &err);
        if (x->ncolumn) ch_json_begin(&x->json, '{');
        for (size_t i = 0; i < x->ncolumn && !status; i++) {
            ch_json_key(&x->json, schema.fields[x->columns[i]].name);
            status = write_value(&x->json, &s->columns[x->columns[i]], row, &err);
        }
        if (x->ncolumn) ch_json_end(&x->json, '}');
        if (status) return ch_fault_from_model(x->fault, &err);
        if (x->json.out->len > ANSWER_MAX)
            return ch_fault_set(x->fault, CH_FAULT_TOO_LARGE, "Invalid input. The answer is longer than %d bytes",
                                ANSWER_MAX);
    }
    return 0;
}

static int score_batch(invocation *x, size_t first, size_t rows)
{
    ch_error err;
    ch_scoring s;
    int status = ch_scoring_init(&s, x->prepared.scorer, rows, &err) ? ch_fault_from_model(x->fault, &err) : 0;
    if (!status) status = ch_bind_rows(&x->bound, first, &s, x->fault);
    if (!status && ch_scoring_run(&s, &err)) status = ch_fault_from_model(x->fault, &err);
    if (!status) status = write_rows(x, &s);
    ch_scoring_reset(&s);
    return status;
}

/* All batches; rows of one that fails are not answered at all. */
static int score(invocation *x)
{
    ch_error err;
    size_t nrow = x->rows.table.nrow;
    ch_json_begin(&x->json, '{');
    ch_json_key(&x->json, "predictions");
    ch_json_begin(&x->json, '[');
    if (ch_bind_table(x->model, &x->rows, &x->bound, x->fault)) return (int)x->fault->kind;
    if (nrow && ch_served_prepare(x->model, x->bound.key, x->bound.fields, x->rows.ncolumn == 0, &x->prepared, &err))
        return ch_fault_from_model(x->fault, &err);
    int status = nrow ? find_columns(x) : 0;
    for (size_t first = 0; !status && first < nrow; first += BATCH_ROWS) {
        if (first && now() > x->deadline)
            status = ch_fault_set(x->fault, CH_FAULT_TIMEOUT, "Request processing time exceeded limit");
        else
            status = score_batch(x, first, nrow - first < BATCH_ROWS ? nrow - first : BATCH_ROWS);
    }
    if (nrow) ch_served_done(&x->prepared);
    ch_json_end(&x->json, ']');
    ch_json_end(&x->json, '}');
    return status;
}

/* ---- a request ---- */

static bool is_text_column(void *context, const char *name, size_t len)
{
    const ch_mlmodel *model = context;
    for (size_t i = 0; i < model->ninput; i++)
        if (strlen(model->inputs[i].name) == len && memcmp(model->inputs[i].name, name, len) == 0)
            return model->inputs[i].type == CH_INPUT_STRING || model->inputs[i].type == CH_INPUT_OTHER;
    return false;
}

/* "prediction,probability" */
static void ask_for(ch_rows *rows, const char *columns)
{
    rows->columns = CH_NEW_ARRAY(rows->table.arena, const char *, CH_ROWS_COLUMNS_MOST + 1);
    rows->ncolumn = 0;
    for (const char *at = columns; *at && rows->ncolumn <= CH_ROWS_COLUMNS_MOST;) {
        size_t len = strcspn(at, ",");
        if (len) rows->columns[rows->ncolumn++] = ch_arena_strndup(rows->table.arena, at, len);
        at += len + (at[len] == ',');
    }
}

int ch_invoke_body(ch_served *model, const char *content_type, const char *body, size_t len, const char *columns,
                   ch_buf *out, size_t *rows, ch_fault *fault)
{
    body_type type;
    invocation x = {.model = model, .fault = fault, .json = {.out = out}, .deadline = now() + ch_invoke_timeout()};
    x.rows.table = (ch_table){.arena = fault->arena, .cells_max = CH_INVOKE_CELLS_MAX};
    *rows = 0;
    int status = read_content_type(content_type, &type, fault);
    if (!status && type == BODY_JSON) status = ch_decode_json(body, len, &x.rows, fault);
    if (!status && type == BODY_CSV)
        status = ch_decode_csv(body, len, is_text_column, (void *)(uintptr_t)ch_served_mlmodel(model), &x.rows, fault);
    if (!status && columns) ask_for(&x.rows, columns);
    if (!status) {
        *rows = x.rows.table.nrow;
        status = score(&x);
    }
    ch_table_reset(&x.rows.table);
    return status;
}

void ch_invoke(ch_served *model, ch_http_request *request, ch_http_reply *reply, size_t *rows)
{
    size_t len;
    const char *body = ch_http_body(request, &len);
    ch_fault fault = {.arena = ch_http_arena(request)};
    if (ch_invoke_body(model, ch_http_header(request, "Content-Type"), body, len, ch_http_query(request, "columns"),
                       &reply->body, rows, &fault)) {
        ch_buf_clear(&reply->body);
        ch_fault_reply(&fault, reply);
        return;
    }
    reply->status = 200;
    reply->content_type = "application/json";
}
