/* errors.c: the table from error kinds to chains of JVM classes, and the bytes of google.rpc.Status. */
#include "connect/errors.h"

#include "connect/wire.h"

#include <grpc/status.h>
#include <stdio.h>
#include <string.h>

enum {
    CLASSES_MAX = 8,
    MESSAGE_MAX = 2048,    /* characters of a message sent in a trailer, as Spark's */
    PARAMETERS_MAX = 1024, /* bytes of message parameters: spark.connect.grpc.maxMetadataSize */
    TRAILERS_MAX = 7000    /* bytes of all trailers as sent; clients begin to refuse at 8 KB */
};

typedef struct class_chain {
    const char *names[CLASSES_MAX];
} class_chain;

#define THROWABLE "java.lang.Exception", "java.lang.Throwable", "java.lang.Object"
#define RUNTIME   "java.lang.RuntimeException", THROWABLE
#define CHAIN(...)                                                                                                     \
    {                                                                                                                  \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

/* By kind: with a condition it is Spark's own class, without one the JVM's. */
static const class_chain SPARK_CHAINS[] = {
    [CH_E_ANALYSIS] = CHAIN("org.apache.spark.sql.AnalysisException", THROWABLE),
    [CH_E_PARSE] = CHAIN("org.apache.spark.sql.catalyst.parser.ParseException",
                         "org.apache.spark.sql.AnalysisException", THROWABLE),
    [CH_E_ILLEGAL_ARGUMENT] =
        CHAIN("org.apache.spark.SparkIllegalArgumentException", "java.lang.IllegalArgumentException", RUNTIME),
    [CH_E_ARITHMETIC] = CHAIN("org.apache.spark.SparkArithmeticException", "java.lang.ArithmeticException", RUNTIME),
    [CH_E_NUMBER_FORMAT] = CHAIN("org.apache.spark.SparkNumberFormatException", "java.lang.NumberFormatException",
                                 "java.lang.IllegalArgumentException", RUNTIME),
    [CH_E_DATETIME] = CHAIN("org.apache.spark.SparkDateTimeException", "java.time.DateTimeException", RUNTIME),
    [CH_E_ARRAY_INDEX] =
        CHAIN("org.apache.spark.SparkArrayIndexOutOfBoundsException", "java.lang.ArrayIndexOutOfBoundsException",
              "java.lang.IndexOutOfBoundsException", RUNTIME),
    [CH_E_UNSUPPORTED] = CHAIN("org.apache.spark.SparkUnsupportedOperationException",
                               "java.lang.UnsupportedOperationException", RUNTIME),
    [CH_E_RUNTIME] = CHAIN("org.apache.spark.SparkRuntimeException", RUNTIME),
    [CH_E_SPARK] = CHAIN("org.apache.spark.SparkException", THROWABLE),
    [CH_E_NOT_FOUND] =
        CHAIN("org.apache.spark.SparkNoSuchElementException", "java.util.NoSuchElementException", RUNTIME),
    [CH_E_IO] = CHAIN("java.io.IOException", THROWABLE),
    [CH_E_FILE_NOT_FOUND] = CHAIN("org.apache.spark.SparkFileNotFoundException", "java.io.FileNotFoundException",
                                  "java.io.IOException", THROWABLE),
    [CH_E_MEMORY] = CHAIN("org.apache.spark.SparkException", THROWABLE),
    [CH_E_CANCELLED] = CHAIN("org.apache.spark.SparkSQLException", "java.sql.SQLException", THROWABLE),
    [CH_E_INTERNAL] = CHAIN("org.apache.spark.SparkException", THROWABLE),
};

static const class_chain PLAIN_CHAINS[] = {
    [CH_E_ILLEGAL_ARGUMENT] = CHAIN("java.lang.IllegalArgumentException", RUNTIME),
    [CH_E_ARITHMETIC] = CHAIN("java.lang.ArithmeticException", RUNTIME),
    [CH_E_NUMBER_FORMAT] = CHAIN("java.lang.NumberFormatException", "java.lang.IllegalArgumentException", RUNTIME),
    [CH_E_DATETIME] = CHAIN("java.time.DateTimeException", RUNTIME),
    [CH_E_ARRAY_INDEX] =
        CHAIN("java.lang.ArrayIndexOutOfBoundsException", "java.lang.IndexOutOfBoundsException", RUNTIME),
    [CH_E_UNSUPPORTED] = CHAIN("java.lang.UnsupportedOperationException", RUNTIME),
    [CH_E_RUNTIME] = CHAIN(RUNTIME),
    [CH_E_NOT_FOUND] = CHAIN("java.util.NoSuchElementException", RUNTIME),
    [CH_E_FILE_NOT_FOUND] = CHAIN("java.io.FileNotFoundException", "java.io.IOException", THROWABLE),
    [CH_E_INTERNAL] = {{0}},
};

#define SQL_EXCEPTION  CHAIN("org.apache.spark.SparkSQLException", "java.sql.SQLException", THROWABLE)
#define SPARK_RUNTIME  CHAIN("org.apache.spark.SparkRuntimeException", RUNTIME)
#define ML_CHAIN(name) CHAIN("org.apache.spark.sql.connect.ml." name, "org.apache.spark.SparkException", THROWABLE)

/* Conditions that Spark raises with a class of their own; a name ending in '.' stands for all below it. */
static const struct {
    const char *condition;
    class_chain chain;
} CONDITION_CHAINS[] = {
    {"ARTIFACT_ALREADY_EXISTS", SPARK_RUNTIME},
    {"CONNECT_ML.ATTRIBUTE_NOT_ALLOWED", ML_CHAIN("MLAttributeNotAllowedException")},
    {"CONNECT_ML.CACHE_INVALID", ML_CHAIN("MLCacheInvalidException")},
    {"CONNECT_ML.UNSUPPORTED_EXCEPTION", ML_CHAIN("MlUnsupportedException")},
    {"DATA_SOURCE_NOT_FOUND", CHAIN("org.apache.spark.SparkClassNotFoundException", "java.lang.ClassNotFoundException",
                                    "java.lang.ReflectiveOperationException", THROWABLE)},
    {"INVALID_ARTIFACT_PATH", SPARK_RUNTIME},
    {"INVALID_CLONE_SESSION_REQUEST.", SQL_EXCEPTION},
    {"INVALID_CURSOR.", SQL_EXCEPTION},
    {"INVALID_HANDLE.", SQL_EXCEPTION},
    {"INVALID_PARAMETER_VALUE.INTERRUPT_TYPE_OPERATION_ID_REQUIRES_ID", SQL_EXCEPTION},
    {"INVALID_PARAMETER_VALUE.INTERRUPT_TYPE_TAG_REQUIRES_TAG", SQL_EXCEPTION},
    {"TEMP_TABLE_OR_VIEW_ALREADY_EXISTS",
     CHAIN("org.apache.spark.sql.catalyst.analysis.TempTableAlreadyExistsException",
           "org.apache.spark.sql.AnalysisException", THROWABLE)},
    {"UNSUPPORTED_FEATURE.INTERRUPT_TYPE", SQL_EXCEPTION},
};

/* ch_invalid_plan marks its errors by this kind with INTERNAL_ERROR, which nobody else combines. */
static const class_chain INVALID_PLAN_CHAIN = CHAIN("org.apache.spark.sql.connect.common.InvalidPlanInput", THROWABLE);

static const class_chain *find_chain(const ch_error *err)
{
    size_t kind = (size_t)err->kind;
    if (kind >= sizeof SPARK_CHAINS / sizeof *SPARK_CHAINS || kind == CH_OK) kind = CH_E_INTERNAL;
    if (!err->condition[0]) return PLAIN_CHAINS[kind].names[0] ? &PLAIN_CHAINS[kind] : &SPARK_CHAINS[kind];
    if (err->kind == CH_E_ILLEGAL_ARGUMENT && strcmp(err->condition, "INTERNAL_ERROR") == 0) return &INVALID_PLAN_CHAIN;
    for (size_t i = 0; i < sizeof CONDITION_CHAINS / sizeof *CONDITION_CHAINS; i++) {
        const char *name = CONDITION_CHAINS[i].condition;
        size_t n = strlen(name);
        bool hit = name[n - 1] == '.' ? strncmp(err->condition, name, n) == 0 : strcmp(err->condition, name) == 0;
        if (hit) return &CONDITION_CHAINS[i].chain;
    }
    return &SPARK_CHAINS[kind];
}

size_t ch_error_classes(const ch_error *err, const char *const **classes)
{
    const class_chain *chain = find_chain(err);
    size_t n = 0;
    while (n < CLASSES_MAX && chain->names[n]) n++;
    *classes = chain->names;
    return n;
}

void ch_rpc_status_reset(ch_rpc_status *status)
{
    ch_buf_reset(&status->message);
    ch_buf_reset(&status->details);
}

void ch_rpc_status_plain(int code, const char *message, ch_rpc_status *out)
{
    *out = (ch_rpc_status){.code = code};
    ch_buf_str(&out->message, message);
}

/* google.rpc.ErrorInfo.metadata is a map: entries of key 1 and value 2 in field 3. */
static void add_metadata(ch_buf *info, const char *key, const char *value)
{
    ch_buf entry = {0};
    ch_wire_string(&entry, 1, key);
    ch_wire_string(&entry, 2, value);
    ch_wire_bytes(info, 3, ch_buf_text(&entry), entry.len);
    ch_buf_reset(&entry);
}

static void classes_json(ch_buf *json, const ch_error *err)
{
    const char *const *classes;
    size_t n = ch_error_classes(err, &classes);
    ch_buf_char(json, '[');
    for (size_t i = 0; i < n; i++) {
        if (i) ch_buf_char(json, ',');
        ch_buf_json_string(json, classes[i]);
    }
    ch_buf_char(json, ']');
}

static void parameters_json(ch_buf *json, const ch_error *err)
{
    ch_buf_char(json, '{');
    for (int i = 0; i < err->nparam; i++) {
        if (i) ch_buf_char(json, ',');
        ch_buf_json_string(json, err->param_name[i]);
        ch_buf_char(json, ':');
        ch_buf_json_string(json, err->param_value[i]);
    }
    ch_buf_char(json, '}');
}

static void error_info(ch_buf *info, const ch_error *err, const char *error_id, bool with_parameters)
{
    const char *const *classes;
    ch_error_classes(err, &classes);
    ch_wire_string(info, 1, classes[0]);
    ch_wire_string(info, 2, "org.apache.spark");
    ch_buf json = {0};
    classes_json(&json, err);
    add_metadata(info, "classes", ch_buf_text(&json));
    if (err->condition[0]) add_metadata(info, "errorClass", err->condition);
    if (err->sqlstate[0]) add_metadata(info, "sqlState", err->sqlstate);
    if (err->condition[0] && with_parameters) {
        ch_buf_clear(&json);
        parameters_json(&json, err);
        add_metadata(info, "messageParameters", ch_buf_text(&json));
    }
    if (error_id) add_metadata(info, "errorId", error_id);
    ch_buf_reset(&json);
}

/* Bytes the message takes in the grpc-message trailer, where all but printable ASCII is percent-encoded. */
static size_t encoded_length(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) n += text[i] >= ' ' && text[i] <= '~' && text[i] != '%' ? 1 : 3;
    return n;
}

/* How much of the message fits beside `others` bytes of ErrorInfo: it is sent twice, encoded and in base64. */
static size_t fitting_length(const char *text, size_t others)
{
    size_t len = strlen(text), budget = TRAILERS_MAX - others * 4 / 3;
    if (len > MESSAGE_MAX) len = MESSAGE_MAX;
    while (len > 0 && encoded_length(text, len) + (len + 16) * 4 / 3 > budget) len -= len > 64 ? 64 : len;
    while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80) len--;
    return len;
}

void ch_rpc_status_from_error(const ch_error *err, const char *error_id, ch_rpc_status *out, bool *cut)
{
    *out = (ch_rpc_status){.code = GRPC_STATUS_INTERNAL};
    ch_buf json = {0}, info = {0}, any = {0};
    parameters_json(&json, err);
    bool with_parameters = json.len <= PARAMETERS_MAX;
    error_info(&info, err, NULL, with_parameters);
    size_t len = fitting_length(err->message, info.len + 128);
    bool short_message = len < strlen(err->message);
    *cut = short_message || !with_parameters;
    if (*cut && error_id) {
        ch_buf_clear(&info);
        error_info(&info, err, error_id, with_parameters);
    }
    ch_buf_add(&out->message, err->message, len);
    if (short_message) ch_buf_str(&out->message, "...");
    ch_wire_string(&any, 1, "type.googleapis.com/google.rpc.ErrorInfo");
    ch_wire_bytes(&any, 2, ch_buf_text(&info), info.len);
    ch_wire_varint(&out->details, 1, (uint64_t)out->code);
    ch_wire_string(&out->details, 2, ch_buf_text(&out->message));
    ch_wire_bytes(&out->details, 3, ch_buf_text(&any), any.len);
    ch_buf_reset(&json);
    ch_buf_reset(&info);
    ch_buf_reset(&any);
}

int ch_invalid_plan(ch_error *err, const char *format, ...)
{
    char text[sizeof err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ch_raise(err, "INTERNAL_ERROR", "message", text, (char *)NULL);
    err->kind = CH_E_ILLEGAL_ARGUMENT;
    return (int)err->kind;
}

int ch_oneof_unset(ch_error *err, const ProtobufCMessageDescriptor *message, const char *oneof)
{
    return ch_invalid_plan(err, "This oneOf field in %s is not set: %s_NOT_SET", message->name, oneof);
}

int ch_enum_invalid(ch_error *err, const ProtobufCEnumDescriptor *type, int value)
{
    const ProtobufCEnumValue *row = protobuf_c_enum_descriptor_get_value(type, value);
    return ch_invalid_plan(err, "This enum value of %s is invalid: %s(%d)", type->name,
                           row ? row->name : "UNRECOGNIZED", value);
}

int ch_unsupported(ch_error *err, const char *format, ...)
{
    char text[sizeof err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return ch_raise(err, "UNSUPPORTED_FEATURE", "feature", text, (char *)NULL);
}

int ch_oneof_unsupported(ch_error *err, const ProtobufCMessageDescriptor *message, int member, const char *what)
{
    const ProtobufCFieldDescriptor *field =
        member > 0 ? protobuf_c_message_descriptor_get_field(message, (unsigned)member) : NULL;
    return ch_unsupported(err, "%s %s", what, field ? field->name : "of an unknown kind");
}
