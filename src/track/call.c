/* call.c: from an HTTP request to a handler's call and back: arguments out of bodies and queries, MLflow's rules about
 * parameters, error bodies, page tokens. */
#include "track/call.h"

#include "base/log.h"
#include "base/utf8.h"
#include "track/routes.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* --- errors ---- */

typedef struct code_row {
    const char *name;
    int status;
    const char *sqlstate, *class; /* NULL: MLflow gives none */
} code_row;

static const code_row CODES[] = {[CH_MLFLOW_OK] = {"", 200, NULL, NULL},
#define CH_MLFLOW_CODE(code, status) [CH_MLFLOW_##code] = {#code, status, NULL, NULL},
                                 CH_MLFLOW_CODES(CH_MLFLOW_CODE)
#undef CH_MLFLOW_CODE
};

/* The classification that MLflow adds to some codes. */
static code_row code_of(ch_mlflow_code code)
{
    code_row row = CODES[code];
    switch (code) {
    case CH_MLFLOW_INVALID_PARAMETER_VALUE:
    case CH_MLFLOW_BAD_REQUEST: row.class = "INVALID_PARAMETER_VALUE"; break;
    case CH_MLFLOW_RESOURCE_ALREADY_EXISTS: row.class = "RESOURCE_ALREADY_EXISTS"; break;
    case CH_MLFLOW_PERMISSION_DENIED: row.class = "PERMISSION_DENIED"; break;
    case CH_MLFLOW_RESOURCE_DOES_NOT_EXIST:
    case CH_MLFLOW_NOT_FOUND:
    case CH_MLFLOW_ENDPOINT_NOT_FOUND: row.class = "RESOURCE_NOT_FOUND"; break;
    case CH_MLFLOW_INTERNAL_ERROR:
    case CH_MLFLOW_INVALID_STATE:
    case CH_MLFLOW_TEMPORARILY_UNAVAILABLE: row.class = "CLIENT_INTERNAL_ERROR"; break;
    default: return row;
    }
    row.sqlstate = strcmp(row.class, "CLIENT_INTERNAL_ERROR") == 0 ? "XXM00" : "KAM00";
    return row;
}

int ch_call_fail_(ch_call *call, ch_mlflow_code code, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    ch_buf_clear(&call->message);
    if (len >= 0) ch_buf_str(&call->message, text);
    free(text);
    call->code = code;
    return (int)code;
}

int ch_call_db_failed(ch_call *call)
{
    if (call->code) return (int)call->code;
    if (call->error.kind == CH_E_MEMORY) return ch_call_fail(call, TEMPORARILY_UNAVAILABLE, "%s", call->error.message);
    if (call->error.kind == CH_E_ILLEGAL_ARGUMENT) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "%s", call->error.message);
    }
    ch_log(CH_LOG_ERROR, "%s", call->error.message);
    return ch_call_fail(call, INTERNAL_ERROR, "%s", call->error.message);
}

int ch_call_write(ch_call *call, int (*fn)(ch_db *db, void *call, ch_error *err))
{
    CH_DB(call, ch_db_write(call->track->pool, fn, call, &call->error));
    return 0;
}

void ch_mlflow_error(ch_http_reply *reply, ch_mlflow_code code, const char *message)
{
    code_row row = code_of(code);
    ch_buf_clear(&reply->body);
    ch_json json = {.out = &reply->body};
    ch_json_begin(&json, '{');
    ch_json_member(&json, "error_code", row.name);
    ch_json_member(&json, "message", message);
    ch_json_member(&json, "sqlstate", row.sqlstate);
    ch_json_member(&json, "error_class", row.class);
    ch_json_end(&json, '}');
    reply->status = row.status;
    reply->content_type = "application/json";
}

/* --- arguments ---- */

static json_t *new_string(const char *text)
{
    size_t len = strlen(text);
    if (ch_utf8_valid(text, len)) return json_stringn_nocheck(text, len);
    ch_buf repaired = {0};
    ch_utf8_repair(&repaired, text, len);
    json_t *value = json_stringn_nocheck(ch_buf_text(&repaired), repaired.len);
    ch_buf_reset(&repaired);
    return value;
}

/* The query's arguments: a repeated one becomes an array. */
static json_t *read_query(ch_http_request *request)
{
    json_t *args = json_object();
    const char *name, *text;
    for (size_t i = 0; ch_http_query_at(request, i, &name, &text); i++) {
        if (!ch_utf8_valid(name, strlen(name))) continue;
        json_t *before = json_object_get(args, name), *value = new_string(text);
        if (json_is_array(before)) {
            json_array_append_new(before, value);
        } else if (before) {
            json_object_set_new(args, name, json_pack("[O,o]", before, value));
        } else {
            json_object_set_new(args, name, value);
        }
    }
    return args;
}

/* The length of what Python writes for a number that JSON does not know; 0: that is not what is there. */
static size_t constant_length(const char *at, size_t left)
{
    static const char *const CONSTANTS[] = {"NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < sizeof CONSTANTS / sizeof *CONSTANTS; i++) {
        size_t len = strlen(CONSTANTS[i]);
        if (left >= len && memcmp(at, CONSTANTS[i], len) == 0) return len;
    }
    return 0;
}

/* Appends the text with those constants in quotes, as the API takes them. */
static void quote_constants(ch_buf *out, const char *body, size_t len)
{
    bool in_string = false;
    for (size_t i = 0; i < len;) {
        size_t taken = in_string ? 0 : constant_length(body + i, len - i);
        if (taken) {
            ch_buf_printf(out, "\"%.*s\"", (int)taken, body + i);
        } else {
            if (body[i] == '"') in_string = !in_string;
            taken = in_string && body[i] == '\\' && i + 1 < len ? 2 : 1;
            ch_buf_add(out, body + i, taken);
        }
        i += taken;
    }
}

/* JSON as Python's json.dumps writes it. */
static json_t *parse(const char *body, size_t len)
{
    if (len >= 3 && memcmp(body, "\xef\xbb\xbf", 3) == 0) body += 3, len -= 3; /* a byte order mark */
    json_t *value = len > 0 ? json_loadb(body, len, JSON_DECODE_ANY, NULL) : NULL;
    if (value || (!memmem(body, len, "NaN", 3) && !memmem(body, len, "Infinity", 8))) return value;
    ch_buf quoted = {0};
    quote_constants(&quoted, body, len);
    value = json_loadb(ch_buf_text(&quoted), quoted.len, JSON_DECODE_ANY, NULL);
    ch_buf_reset(&quoted);
    return value;
}

/* MLflow takes what is no JSON for an empty object, and JSON inside of a JSON string for itself (old clients). */
static json_t *read_body(ch_http_request *request)
{
    size_t len;
    const char *body = ch_http_body(request, &len);
    json_t *value = parse(body, len);
    if (json_is_string(value)) {
        json_t *inner = parse(json_string_value(value), json_string_length(value));
        json_decref(value);
        value = inner;
    }
    if (value && !json_is_null(value)) return value;
    json_decref(value);
    return json_object();
}

static int check_content_type(ch_call *call, const char *method)
{
    if (strcmp(method, "POST") != 0 && strcmp(method, "PUT") != 0) return 0;
    const char *type = ch_http_header(call->request, "Content-Type");
    if (!type) return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Bad Request. Content-Type header is missing.");
    static const char JSON[] = "application/json";
    size_t len = strcspn(type, ";");
    if (len == sizeof JSON - 1 && memcmp(type, JSON, len) == 0) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "Bad Request. Content-Type must be one of ['application/json'].");
}

static int read_args(ch_call *call, const ch_track_route *route)
{
    const char *method = ch_http_method(call->request), *name, *text;
    bool has_query = ch_http_query_at(call->request, 0, &name, &text);
    bool is_get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if ((is_get && has_query) || (route->flags & CH_HTTP_STREAM)) {
        call->args = read_query(call->request);
        return 0;
    }
    CH_TRY(check_content_type(call, method));
    call->args = read_body(call->request);
    if (json_is_object(call->args)) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE, "The request's body must be a JSON object.");
}

/* --- rules ---- */

/* The name of a value's type in Python, as MLflow's messages have it. */
static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING: return "str";
    case JSON_INTEGER: return "int";
    case JSON_REAL: return "float";
    case JSON_TRUE:
    case JSON_FALSE: return "bool";
    case JSON_ARRAY: return "list";
    case JSON_OBJECT: return "dict";
    default: return "NoneType";
    }
}

int ch_call_invalid(ch_call *call, const char *name, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    int status =
        ch_call_fail(call, INVALID_PARAMETER_VALUE,
                     "Invalid value %s for parameter '%s' supplied:  Hint: Value was of type '%s'. See the API "
                     "docs for more information about request parameters.",
                     text ? text : "", name, type_name(value));
    free(text);
    return status;
}

int ch_call_missing(ch_call *call, const char *name)
{
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "Missing value for required parameter '%s'. See the API docs for more information about "
                        "request parameters.",
                        name);
}

static bool to_int(const json_t *value, int64_t *out)
{
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    if (json_is_real(value)) {
        double real = json_real_value(value);
        if (!(real >= -9.2e18 && real <= 9.2e18)) return false;
        *out = (int64_t)real;
        return true;
    }
    if (!json_is_string(value)) return false;
    const char *text = json_string_value(value);
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    *out = number;
    return end != text && !*end && errno == 0;
}

static bool to_double(const json_t *value, double *out)
{
    if (json_is_number(value)) {
        *out = json_number_value(value);
        return true;
    }
    if (!json_is_string(value)) return false;
    const char *text = json_string_value(value);
    char *end;
    *out = strtod(text, &end); /* takes NaN, Infinity and -Infinity too */
    return end != text && !*end && !strchr(text, 'x') && !strchr(text, '(');
}

static bool is_bool_text(const json_t *value)
{
    const char *text = json_string_value(value);
    return text && (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0);
}

static bool fits(const json_t *value, ch_param_kind kind, bool from_query)
{
    int64_t whole;
    double real;
    switch (kind) {
    case CH_P_STRING: return json_is_string(value);
    case CH_P_INT: return to_int(value, &whole);
    case CH_P_DOUBLE: return to_double(value, &real);
    case CH_P_BOOL: return json_is_boolean(value) || (from_query && is_bool_text(value));
    case CH_P_LIST: return json_is_array(value) || (from_query && json_is_string(value));
    case CH_P_OBJECT: return json_is_object(value);
    }
    return false;
}

static bool is_empty(const json_t *value)
{
    return !value || json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0);
}

/* The value of a parameter; run_id also goes by its old name. */
static json_t *find(const ch_call *call, const char *name)
{
    json_t *value = json_object_get(call->args, name);
    if (value) return value;
    if (strcmp(name, "run_id") == 0) return json_object_get(call->args, "run_uuid");
    const char *dot = strchr(name, '.');
    json_t *at = call->args;
    while (at && dot) {
        at = json_object_getn(at, name, (size_t)(dot - name));
        name = dot + 1;
        dot = strchr(name, '.');
    }
    return at == call->args ? NULL : json_object_get(at, name);
}

static int check_rule(ch_call *call, const ch_param_rule *rule, bool from_query)
{
    json_t *value = find(call, rule->name);
    if (is_empty(value)) return rule->required ? ch_call_missing(call, rule->name) : 0;
    /* of a repeated argument where one is expected, the first counts */
    if (from_query && json_array_size(value) > 0 && rule->kind != CH_P_LIST) {
        json_t *first = json_incref(json_array_get(value, 0));
        json_object_set_new(call->args, rule->name, first);
        value = first;
    }
    if (fits(value, rule->kind, from_query)) return 0;
    if (rule->kind == CH_P_BOOL && json_is_string(value)) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid boolean value: %s, must be 'true' or 'false'.",
                            json_string_value(value));
    }
    return ch_call_invalid(call, rule->name, value);
}

static int check_rules(ch_call *call, const ch_track_route *route)
{
    for (int i = 0; i < CH_TRACK_PARAMS_MAX && route->params[i].name; i++) {
        CH_TRY(check_rule(call, &route->params[i], strcmp(route->method, "GET") == 0));
    }
    return 0;
}

/* --- parameters ---- */

bool ch_call_has(const ch_call *call, const char *name)
{
    json_t *value = find(call, name);
    return value && !json_is_null(value);
}

const char *ch_call_string(ch_call *call, const char *name)
{
    return json_string_value(find(call, name));
}

int64_t ch_call_int(ch_call *call, const char *name, int64_t otherwise)
{
    int64_t value;
    return to_int(find(call, name), &value) ? value : otherwise;
}

double ch_call_double(ch_call *call, const char *name, double otherwise)
{
    double value;
    return to_double(find(call, name), &value) ? value : otherwise;
}

bool ch_call_bool(ch_call *call, const char *name)
{
    json_t *value = find(call, name);
    return json_is_true(value) || (json_is_string(value) && strcasecmp(json_string_value(value), "true") == 0);
}

json_t *ch_call_list(ch_call *call, const char *name)
{
    json_t *value = find(call, name);
    if (json_is_array(value)) return value;
    if (!json_is_string(value)) return NULL;
    json_t *list = json_pack("[O]", value);
    json_object_set_new(call->args, name, list);
    return list;
}

json_t *ch_call_object(ch_call *call, const char *name)
{
    json_t *value = find(call, name);
    return json_is_object(value) ? value : NULL;
}

const char *ch_item_string(json_t *item, const char *name)
{
    return json_string_value(json_object_get(item, name));
}

int64_t ch_item_int(json_t *item, const char *name, int64_t otherwise)
{
    int64_t value;
    return to_int(json_object_get(item, name), &value) ? value : otherwise;
}

double ch_item_double(json_t *item, const char *name, double otherwise)
{
    double value;
    return to_double(json_object_get(item, name), &value) ? value : otherwise;
}

bool ch_item_is_number(json_t *item, const char *name)
{
    double value;
    return to_double(json_object_get(item, name), &value);
}

/* --- small things that handlers share ---- */

int64_t ch_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void ch_new_id(char out[33])
{
    unsigned char bytes[16];
    while (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    out[32] = '\0';
}

static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Decodes base64 into text; returns its length, -1 when it is none or longer than room - 1. */
static int decode_base64(const char *text, char *out, int room)
{
    unsigned bits = 0;
    int nbits = 0, n = 0;
    size_t len = strlen(text);
    if (len % 4) return -1;
    while (len > 0 && text[len - 1] == '=') len--;
    for (size_t i = 0; i < len; i++) {
        const char *digit = strchr(BASE64, text[i]);
        if (!digit || n >= room - 1) return -1;
        bits = (bits << 6 | (unsigned)(digit - BASE64)) & 0xffff;
        nbits += 6;
        if (nbits >= 8) {
            nbits -= 8;
            out[n++] = (char)(bits >> nbits & 0xff);
        }
    }
    out[n] = '\0';
    return n;
}

int ch_page_token_read(ch_call *call, const char *token, int64_t *offset)
{
    char text[128];
    *offset = 0;
    if (!token || !*token) return 0;
    int len = decode_base64(token, text, sizeof text);
    if (len < 0) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid page token, could not base64-decode");
    }
    json_t *value = json_loadb(text, (size_t)len, 0, NULL);
    json_t *number = json_object_get(value, "offset");
    bool good = json_is_integer(number) && json_integer_value(number) >= 0;
    if (good) *offset = json_integer_value(number);
    json_decref(value);
    return good ? 0 : ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid page token, decoded value=b'%s'", text);
}

void ch_page_token_write(ch_call *call, int64_t offset)
{
    unsigned char text[48];
    char token[80];
    int len = snprintf((char *)text, sizeof text, "{\"offset\": %lld}", (long long)offset), n = 0;
    for (int i = 0; i < len; i += 3) {
        unsigned bits = (unsigned)text[i] << 16 | (i + 1 < len ? (unsigned)text[i + 1] << 8 : 0) |
                        (i + 2 < len ? (unsigned)text[i + 2] : 0);
        token[n++] = BASE64[bits >> 18 & 63];
        token[n++] = BASE64[bits >> 12 & 63];
        token[n++] = i + 1 < len ? BASE64[bits >> 6 & 63] : '=';
        token[n++] = i + 2 < len ? BASE64[bits & 63] : '=';
    }
    token[n] = '\0';
    ch_json_member(&call->out, "next_page_token", token);
}

int ch_max_results(ch_call *call, int64_t otherwise, int64_t most, int64_t *out)
{
    *out = ch_call_int(call, "max_results", otherwise);
    if (*out > most) return ch_call_invalid(call, "max_results", find(call, "max_results"));
    if (*out >= 1) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "Invalid value %lld for parameter 'max_results' supplied. It must be a positive integer",
                        (long long)*out);
}

/* --- running a handler ---- */

static bool is_filled(const ch_http_reply *reply)
{
    return reply->status || reply->content_type || reply->fixed || reply->is_file;
}

int ch_call_run(ch_call *call, const ch_track_route *route)
{
    CH_TRY(check_rules(call, route));
    if (call->request) CH_TRY(ch_auth_permit(call, route));
    ch_json_begin(&call->out, '{');
    return route->handler(call);
}

/* Lets the route read the body itself. */
static int read_quickly(ch_call *call, const ch_track_route *route, bool *done)
{
    size_t len;
    const char *body = ch_http_body(call->request, &len);
    CH_TRY(check_content_type(call, route->method));
    *done = route->read(call, body, len);
    return 0;
}

int ch_call_permit(ch_http_request *request, ch_http_reply *reply, void *app)
{
    const ch_track_route *route = ch_http_route_data(request);
    ch_call call = {.track = app, .request = request, .reply = reply, .arena = ch_http_arena(request)};
    if (!call.track->auth) return 0;
    if (!ch_http_may_wait(request)) return CH_HTTP_ASK_AGAIN;
    int status = read_args(&call, route);
    if (!status) status = check_rules(&call, route);
    if (!status) status = ch_auth_permit(&call, route);
    if (status) ch_mlflow_error(reply, call.code, ch_buf_text(&call.message));
    ch_buf_reset(&call.message);
    json_decref(call.args);
    return status;
}

int ch_call_serve(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)err;
    const ch_track_route *route = ch_http_route_data(request);
    ch_buf body = {0};
    ch_call call = {.track = app, .request = request, .reply = reply, .arena = ch_http_arena(request)};
    call.out.out = &body;
    bool done = false;
    int status = route->read ? read_quickly(&call, route, &done) : 0;
    if (!status && !done) status = read_args(&call, route);
    if (!status) status = ch_call_run(&call, route);
    if (status) {
        ch_mlflow_error(reply, call.code, ch_buf_text(&call.message));
    } else if (!(route->flags & CH_HTTP_STREAM) && !is_filled(reply)) {
        ch_json_end(&call.out, '}');
        reply->body = body;
        body = (ch_buf){0};
        reply->content_type = "application/json";
    }
    ch_buf_reset(&body);
    ch_buf_reset(&call.message);
    json_decref(call.args);
    return 0;
}
