/* source_parse.c: spark.read.csv(df) and spark.read.json(df): records that are the strings of a column.
 *
 * A C function turns every string into an array of rows, none for what is blank or dropped, several for a JSON array;
 * the rows are then spread out by GENERATE, as inline() would. */
#include "frame/engine/query.h"
#include "frame/io/source_csv.h"
#include "frame/io/source_internal.h"
#include "frame/text/json.h"

#include "frame/analyze/analyze_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What the function works with: lives in the scope's arena, as the options it points to. */
typedef struct parse_state {
    bool json;
    ch_csv_options csv;
    ch_json_options js;
    const ch_type *rows; /* ARRAY of STRUCT */
    const ch_type *row;
    size_t corrupt;
    const char *header; /* CSV with header: the line that is no record */
    size_t header_len;
} parse_state;

/* One batch being parsed. */
typedef struct parse_run {
    const parse_state *s;
    ch_column *out;     /* the arrays */
    size_t total, room; /* rows so far, and how many there is room for */
    ch_csv_parser parser;
    ch_buf scratch;
} parse_run;

static const ch_text_options *text_options(const parse_state *s)
{
    return s->json ? &s->js.text : &s->csv.text;
}

/* The struct column the next row goes to. */
static int next_place(parse_run *r, ch_column **out, ch_error *err)
{
    if (r->total == r->room) {
        r->room = r->room ? r->room * 2 : 64;
        CH_TRY(ch_column_resize_list(r->out, r->room, err));
    }
    *out = &r->out->child[0];
    return 0;
}

/* FAILFAST: the error quotes the row that came of the record, as Row.toString prints it. */
static int malformed(const ch_column *rows, size_t row, const ch_timezone *zone, ch_error *err)
{
    ch_buf text = {0};
    ch_buf_char(&text, '[');
    for (size_t i = 0; i < rows->nchild; i++) {
        if (i) ch_buf_char(&text, ',');
        ch_value_text(&text, &rows->child[i], row, CH_TEXT_CAST, zone);
    }
    ch_buf_char(&text, ']');
    int status = ch_raise(err, "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", "badRecord", ch_buf_text(&text),
                          "failFastMode", "FAILFAST", (char *)NULL);
    ch_buf_reset(&text);
    return status;
}

/* Keeps or drops the row just written, as the mode says. `record` NULL: there was no text. */
static int finish_row(parse_run *r, ch_column *rows, bool good, const char *record, size_t len, ch_error *err)
{
    const ch_text_options *o = text_options(r->s);
    size_t row = r->total;
    if (!good && o->mode == CH_FAIL_FAST) return malformed(rows, row, o->zone, err);
    if (!good && o->mode == CH_DROP_MALFORMED) {
        ch_column_set_valid(rows, row);
        return 0;
    }
    if (r->s->corrupt != SIZE_MAX && (good || !record)) {
        ch_column_set_null(&rows->child[r->s->corrupt], row);
    } else if (r->s->corrupt != SIZE_MAX) {
        ch_column_put_text(&rows->child[r->s->corrupt], row, record, len);
    }
    r->total++;
    return 0;
}

/* --- CSV ------------------------------------------------------------------------------------------------- */

static int parse_csv(parse_run *r, const char *record, size_t len, ch_error *err)
{
    const parse_state *s = r->s;
    ch_column *rows;
    const char *next;
    if (ch_csv_skip_line(&s->csv, record, len)) return 0;
    if (s->header && len == s->header_len && memcmp(record, s->header, len) == 0) return 0;
    CH_TRY(ch_csv_parse(&r->parser, record, record + len, &next, err));
    CH_TRY(next_place(r, &rows, err));
    size_t fields = s->row->nfield - (s->corrupt != SIZE_MAX), field = 0;
    bool good = r->parser.n == fields;
    for (size_t i = 0; i < s->row->nfield; i++) {
        if (i == s->corrupt) continue;
        if (field >= r->parser.n) {
            ch_column_set_null(&rows->child[i], r->total);
        } else if (!ch_csv_convert(&s->csv, &r->parser.fields[field], &rows->child[i], r->total)) {
            good = false;
        }
        field++;
    }
    return finish_row(r, rows, good, record, len, err);
}

/* --- JSON ------------------------------------------------------------------------------------------------ */

/* The object at the cursor into one row. The fields but the corrupt one are brought together for the converter. */
static int json_row(parse_run *r, ch_json_reader *j, bool readable, const char *record, size_t len, ch_error *err)
{
    enum { ON_STACK = 64 };
    const parse_state *s = r->s;
    ch_column *rows, stack[ON_STACK];
    ch_field fields_stack[ON_STACK];
    CH_TRY(next_place(r, &rows, err));
    size_t n = s->row->nfield, kept = 0;
    ch_column *cols = n <= ON_STACK ? stack : calloc(n, sizeof *cols);
    ch_field *fields = n <= ON_STACK ? fields_stack : calloc(n, sizeof *fields);
    if (!cols || !fields) return ch_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        if (i == s->corrupt) continue;
        cols[kept] = rows->child[i];
        fields[kept++] = s->row->fields[i];
    }
    ch_json_result result = CH_JSON_MALFORMED;
    int status = 0;
    if (readable) {
        status = ch_json_convert(j, fields, kept, cols, r->total, &r->scratch, &result, err);
    } else {
        for (size_t i = 0; i < kept; i++) ch_column_set_null(&cols[i], r->total);
    }
    kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (i != s->corrupt) rows->child[i] = cols[kept++];
    }
    if (cols != stack) free(cols);
    if (fields != fields_stack) free(fields);
    return status ? status : finish_row(r, rows, result == CH_JSON_GOOD, record, len, err);
}

static int parse_json(parse_run *r, const char *record, size_t len, ch_error *err)
{
    ch_json_reader j = {record, record + len, &r->s->js};
    bool more = true, spaces = ch_json_space(&j);
    if (spaces && j.at == j.end) return 0;
    if (spaces && *j.at == '[' && ch_json_is_rows(j)) {
        j.at++;
        for (bool first = true; ch_json_next(&j, ']', first, &more) && more; first = false) {
            CH_TRY(json_row(r, &j, true, record, len, err));
        }
        return 0;
    }
    return json_row(r, &j, spaces && *j.at == '{', record, len, err);
}

/* --- the function ---------------------------------------------------------------------------------------- */

static int eval(const void *state, const ch_batch *in, ch_column *out, ch_error *err)
{
    parse_run r = {.s = state, .out = out};
    const ch_column *strings = &in->cols[0];
    ch_csv_parser_init(&r.parser, &r.s->csv);
    int status = 0;
    for (size_t i = 0; i < in->rows && !status; i++) {
        size_t before = r.total;
        if (ch_column_valid(strings, i)) {
            const ch_string *s = (const ch_string *)strings->data + i;
            status = (r.s->json ? parse_json : parse_csv)(&r, ch_string_data(s), ch_string_len(s), err);
        } else if (r.s->json) { /* no record is a malformed one to the JSON reader; the CSV reader passes over it */
            status = json_row(&r, NULL, false, NULL, 0, err);
        }
        ((ch_list *)out->data)[i] = (ch_list){.offset = before, .length = r.total - before};
    }
    if (!status) status = ch_column_resize_list(out, r.total, err);
    ch_csv_parser_reset(&r.parser);
    ch_buf_reset(&r.scratch);
    return status;
}

/* --- schemas --------------------------------------------------------------------------------------------- */

/* What is learnt from the strings when the user gives no schema. */
typedef struct learner {
    ch_arena *arena;
    parse_state *s;
    ch_json_shape *shape;
    bool malformed;
    ch_csv_parser parser;
    ch_schema schema; /* CSV */
    const ch_type **types;
} learner;

static int learn_csv(learner *l, const char *text, size_t len, ch_error *err)
{
    const ch_csv_options *o = &l->s->csv;
    const char *next;
    if (ch_csv_skip_line(o, text, len)) return 0;
    bool first = !l->types;
    if (!first && l->s->header && len == l->s->header_len && memcmp(text, l->s->header, len) == 0) return 0;
    CH_TRY(ch_csv_parse(&l->parser, text, text + len, &next, err));
    if (first) {
        size_t n = l->parser.n;
        const char **names = CH_NEW_ARRAY(l->arena, const char *, n);
        ch_csv_header(o, l->arena, l->parser.fields, n, names);
        l->types = CH_NEW_ARRAY(l->arena, const ch_type *, n);
        l->schema = (ch_schema){.n = n, .fields = CH_NEW_ARRAY(l->arena, ch_field, n)};
        for (size_t i = 0; i < n; i++) l->schema.fields[i] = (ch_field){.name = names[i], .nullable = true};
        if (o->header) {
            l->s->header = ch_arena_strndup(l->arena, text, len);
            l->s->header_len = len;
            return 0;
        }
    }
    for (size_t i = 0; o->infer && i < l->schema.n && i < l->parser.n; i++) {
        ch_csv_infer_field(o, l->arena, &l->types[i], &l->parser.fields[i]);
    }
    return 0;
}

static int learn(learner *l, const char *text, size_t len, ch_error *err)
{
    if (!l->s->json) return learn_csv(l, text, len, err);
    size_t blank = strspn(text, " \t\r\n");
    if (blank < len && !ch_json_observe(l->arena, l->shape, &l->s->js, text, len)) l->malformed = true;
    return 0;
}

/* Runs the input once. With a schema given only the header is looked for, so the first record is enough. */
static int learn_all(learner *l, ch_session *s, const ch_plan *input, bool first_only, ch_error *err)
{
    ch_query *q;
    CH_TRY(ch_query_open(s, input, &q, err));
    int status = ch_query_start(q, NULL, err);
    ch_buf text = {0};
    const ch_batch *batch = NULL;
    while (!status && !(status = ch_query_next(q, &batch, err)) && batch) {
        for (size_t i = 0; i < batch->rows && !status; i++) {
            if (!ch_column_valid(&batch->cols[0], i)) continue;
            const ch_string *string = (const ch_string *)batch->cols[0].data + i;
            ch_buf_clear(&text);
            ch_buf_add(&text, ch_string_data(string), ch_string_len(string));
            status = learn(l, ch_buf_text(&text), text.len, err);
        }
        if (first_only && l->types) break;
    }
    ch_buf_reset(&text);
    ch_query_close(q);
    return status;
}

static int find_schema(ch_scope *scope, const ch_plan *plan, parse_state *s, ch_schema *out, ch_error *err)
{
    const ch_type *given = plan->u.parse.schema;
    bool has = given && given->kind == CH_STRUCT;
    learner l = {.arena = scope->arena, .s = s, .shape = ch_json_shape_new(scope->arena)};
    ch_csv_parser_init(&l.parser, &s->csv);
    bool header = !s->json && s->csv.header;
    int status = !has || header ? learn_all(&l, scope->session, plan->input, has, err) : 0;
    ch_csv_parser_reset(&l.parser);
    if (status) return status;
    if (has) {
        *out = (ch_schema){.n = given->nfield,
                           .fields = ch_arena_dup(scope->arena, given->fields, given->nfield * sizeof(ch_field))};
        return 0;
    }
    if (s->json) {
        const char *corrupt = l.malformed && s->js.text.mode == CH_PERMISSIVE ? s->js.text.corrupt_column : NULL;
        return ch_json_schema(scope->arena, l.shape, &s->js, corrupt, out, err);
    }
    for (size_t i = 0; i < l.schema.n; i++) {
        l.schema.fields[i].type = s->csv.infer && l.types[i] ? l.types[i] : &ch_type_string;
    }
    *out = l.schema;
    return 0;
}

/* --- relations ------------------------------------------------------------------------------------------- */

/* GENERATE of the function's rows, and of it only the new columns. */
static ch_rel *make_rel(ch_scope *scope, const parse_state *s, ch_rel *input, const char *identity)
{
    ch_arena *arena = scope->arena;
    ch_native *fn = ch_native_new(s->json ? "from_json" : "from_csv", s->rows, eval, s, NULL);
    ch_expr *call = ch_expr_new(arena, CH_EX_NATIVE);
    call->type = s->rows;
    call->nullable = true;
    call->u.native.fn = ch_native_hold(arena, fn);
    ch_native_release(fn);
    call->u.native.identity = identity;
    call->u.native.n = 1;
    call->u.native.args = CH_NEW(arena, ch_expr *);
    call->u.native.args[0] = ch_column_of(arena, &input->cols[0]);
    size_t n = s->row->nfield;
    ch_rel *rows = ch_rel_new(arena, CH_REL_GENERATE, input, input->ncol + n);
    ch_rel *out = ch_rel_new(arena, CH_REL_PROJECT, rows, n);
    memcpy(rows->cols, input->cols, input->ncol * sizeof *rows->cols);
    rows->ordered = out->ordered = input->ordered;
    rows->u.generate.array = call;
    rows->u.generate.nout = n;
    rows->u.generate.spread = true;
    out->u.exprs = CH_NEW_ARRAY(arena, ch_expr *, n);
    for (size_t i = 0; i < n; i++) {
        const ch_field *field = &s->row->fields[i];
        ch_attr *attr = &rows->cols[input->ncol + i];
        *attr = (ch_attr){.id = (*scope->next_id)++, .name = field->name, .type = field->type, .nullable = true};
        out->cols[i] = *attr;
        out->cols[i].metadata = field->metadata;
        out->cols[i].id = (*scope->next_id)++;
        out->u.exprs[i] = ch_column_of(arena, attr);
    }
    ch_rel_seal(rows);
    ch_rel_seal(out);
    return out;
}

static char *make_identity(ch_scope *scope, const ch_plan *plan, const ch_schema *schema)
{
    ch_buf text = {0};
    ch_buf_printf(&text, "%s\n", plan->u.parse.format);
    for (size_t i = 0; i < plan->u.parse.noption; i++) {
        ch_buf_printf(&text, "%s=%s\n", plan->u.parse.options[i].key, plan->u.parse.options[i].value);
    }
    ch_schema_json(&text, schema);
    char *copy = ch_arena_strdup(scope->arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return copy;
}

static int read_options(ch_scope *scope, const ch_plan *plan, parse_state *s, ch_error *err)
{
    ch_options options = {plan->u.parse.noption, plan->u.parse.options};
    s->json = strcasecmp(plan->u.parse.format, "json") == 0;
    CH_TRY(ch_csv_options_read(scope->session, scope->arena, s->json ? &(ch_options){0} : &options, &s->csv, err));
    CH_TRY(ch_json_options_read(scope->session, scope->arena, s->json ? &options : &(ch_options){0}, &s->js, err));
    s->csv.text.multi_line = s->js.text.multi_line = false; /* a string is a record */
    return 0;
}

int ch_source_parse(ch_scope *scope, const ch_plan *plan, ch_rel *input, ch_rel **out, ch_error *err)
{
    ch_arena *arena = scope->arena;
    if (input->ncol != 1 || !ch_type_is_string(input->cols[0].type)) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "requirement failed: input must be a DataFrame of one string column");
    }
    parse_state *s = CH_NEW(arena, parse_state);
    CH_TRY(read_options(scope, plan, s, err));
    ch_schema schema;
    CH_TRY(find_schema(scope, plan, s, &schema, err));
    ch_read read = {.scope = scope, .title = s->json ? "JSON" : "CSV"};
    CH_TRY(ch_check_schema(&read, &schema, s->json ? ch_json_supports : ch_csv_supports, err));
    CH_TRY(ch_corrupt_column(text_options(s), &schema, &s->corrupt, err));
    if (!schema.n) return ch_no_schema(&read, err);
    s->row = ch_type_struct(arena, schema.fields, schema.n);
    s->rows = ch_type_array(arena, s->row, false);
    *out = make_rel(scope, s, input, make_identity(scope, plan, &schema));
    return 0;
}
