/* parse_type.c: data types and column lists of DDL strings: "decimal(10,2)", "a int NOT NULL, b array<string>". */
#include "frame/plan/parse_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    const ch_type *type;
} simple_types[] = {
    {"boolean", &ch_type_boolean},
    {"tinyint", &ch_type_byte},
    {"byte", &ch_type_byte},
    {"smallint", &ch_type_short},
    {"short", &ch_type_short},
    {"int", &ch_type_int},
    {"integer", &ch_type_int},
    {"bigint", &ch_type_long},
    {"long", &ch_type_long},
    {"float", &ch_type_float},
    {"real", &ch_type_float},
    {"double", &ch_type_double},
    {"string", &ch_type_string},
    {"binary", &ch_type_binary},
    {"date", &ch_type_date},
    {"timestamp", &ch_type_timestamp},
    {"timestamp_ltz", &ch_type_timestamp},
    {"timestamp_ntz", &ch_type_timestamp_ntz},
    {"void", &ch_type_null},
    {"vector", &ch_type_vector},
};

/* ':' between a field's name and type: the lexer sees ":int" as a parameter, so take it apart. */
static bool accept_colon(ch_parser *p)
{
    ch_token *t = ch_peek(p);
    if (t->kind == CH_TK_PARAMETER) {
        t->kind = CH_TK_WORD;
        t->start++;
        return true;
    }
    return ch_accept_op(p, ":");
}

/* '>' that may be the first character of ">>" or ">>>". */
static int expect_close(ch_parser *p, ch_error *err)
{
    ch_token *t = ch_peek(p);
    if (t->kind != CH_TK_OPERATOR || t->text[0] != '>' || strchr(t->text, '=')) return ch_syntax_error(p, err);
    if (t->text[1]) {
        t->text++;
        t->start++;
    } else {
        p->at++;
    }
    return 0;
}

static int parse_number_in(ch_parser *p, int min, int max, int *out, ch_error *err)
{
    const ch_token *t = ch_peek(p);
    if (t->kind != CH_TK_INTEGER) return ch_syntax_error(p, err);
    errno = 0;
    long v = strtol(t->text, NULL, 10);
    if (errno || v < min || v > max) return ch_syntax_error(p, err);
    *out = (int)v;
    p->at++;
    return 0;
}

static int parse_decimal(ch_parser *p, const ch_type **out, ch_error *err)
{
    int precision = 10, scale = 0;
    if (ch_accept_op(p, "(")) {
        CH_TRY(parse_number_in(p, 0, 1000, &precision, err));
        if (ch_accept_op(p, ",")) CH_TRY(parse_number_in(p, 0, 1000, &scale, err));
        CH_TRY(ch_expect_op(p, ")", err));
    }
    if (precision > 38)
        return ch_raise(err, "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", "precision",
                        ch_arena_printf(p->arena, "%d", precision), "maxPrecision", "38", (char *)NULL);
    if (scale > precision)
        return ch_failf(err, CH_E_ANALYSIS, "Decimal scale (%d) cannot be greater than precision (%d).", scale,
                        precision);
    *out = ch_type_decimal(p->arena, precision, scale);
    return 0;
}

/* Raises `condition` about the type whose name was read last. */
static int wrong_type(ch_parser *p, const char *name, const char *condition, const char *parameter, ch_error *err)
{
    ch_buf shown = {0};
    ch_buf_printf(&shown, "\"%s\"", name);
    for (char *c = shown.data; c && *c; c++)
        if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
    int status = ch_raise(err, condition, parameter, ch_buf_text(&shown), (char *)NULL);
    ch_buf_reset(&shown);
    p->at--;
    ch_locate_error(p, ch_peek(p), err);
    return status;
}

static int parse_text_type(ch_parser *p, const char *name, ch_kind kind, const ch_type **out, ch_error *err)
{
    ch_type *t = CH_NEW(p->arena, ch_type);
    t->kind = kind;
    if (!ch_is_op(p, 0, "(")) return wrong_type(p, name, "DATATYPE_MISSING_SIZE", "type", err);
    CH_TRY(ch_expect_op(p, "(", err));
    CH_TRY(parse_number_in(p, 1, 2147483647, &t->precision, err));
    CH_TRY(ch_expect_op(p, ")", err));
    *out = t;
    return 0;
}

static int parse_interval_type(ch_parser *p, const ch_type **out, ch_error *err)
{
    static const char *const units[] = {"DAY", "HOUR", "MINUTE", "SECOND"};
    int start = -1, end = -1;
    ch_type *t = CH_NEW(p->arena, ch_type);
    *out = t;
    if (ch_is_word(p, 0, "YEAR") || ch_is_word(p, 0, "MONTH")) {
        t->kind = CH_INTERVAL_YEAR_MONTH;
        t->precision = t->scale = ch_is_word(p, 0, "MONTH");
        p->at++;
        if (ch_accept_word(p, "TO")) {
            CH_TRY(ch_expect_word(p, "MONTH", err));
            t->scale = 1;
        }
        return 0;
    }
    for (int i = 0; i < 4; i++)
        if (start < 0 && ch_accept_word(p, units[i])) start = end = i;
    if (start < 0) {
        t->kind = CH_INTERVAL_CALENDAR;
        return 0;
    }
    if (ch_accept_word(p, "TO")) {
        end = -1;
        for (int i = start + 1; i < 4; i++)
            if (end < 0 && ch_accept_word(p, units[i])) end = i;
        if (end < 0) return ch_syntax_error(p, err);
    }
    t->kind = CH_INTERVAL_DAY_TIME;
    t->precision = start;
    t->scale = end;
    return 0;
}

/* name [:] type [NOT NULL] [COMMENT 'text'] */
static int parse_field(ch_parser *p, bool colon, ch_field *f, ch_error *err)
{
    CH_TRY(ch_parse_identifier(p, &f->name, err));
    if (colon) accept_colon(p);
    CH_TRY(ch_parse_data_type(p, &f->type, err));
    f->nullable = true;
    if (ch_accept_word(p, "NOT")) {
        CH_TRY(ch_expect_word(p, "NULL", err));
        f->nullable = false;
    }
    if (ch_accept_word(p, "COMMENT")) {
        const char *comment;
        CH_TRY(ch_parse_string(p, &comment, err));
        ch_buf json = {0};
        ch_buf_str(&json, "{\"comment\":");
        ch_buf_json_string(&json, comment);
        ch_buf_char(&json, '}');
        f->metadata = ch_arena_strdup(p->arena, ch_buf_text(&json));
        ch_buf_reset(&json);
    }
    return 0;
}

static int parse_fields(ch_parser *p, bool colon, const ch_type **out, ch_error *err)
{
    ch_field *fields = NULL;
    size_t n = 0;
    do {
        ch_field f = {0};
        CH_TRY(parse_field(p, colon, &f, err));
        CH_APPEND(p->arena, fields, n, f);
    } while (ch_accept_op(p, ","));
    *out = ch_type_struct(p->arena, fields, n);
    return 0;
}

static int parse_struct(ch_parser *p, const ch_type **out, ch_error *err)
{
    if (ch_accept_op(p, "<>")) {
        *out = ch_type_struct(p->arena, NULL, 0);
        return 0;
    }
    CH_TRY(ch_expect_op(p, "<", err));
    if (ch_is_op(p, 0, ">"))
        *out = ch_type_struct(p->arena, NULL, 0);
    else
        CH_TRY(parse_fields(p, true, out, err));
    return expect_close(p, err);
}

static int parse_named_type(ch_parser *p, const char *name, const ch_type **out, ch_error *err)
{
    if (!strcasecmp(name, "decimal") || !strcasecmp(name, "dec") || !strcasecmp(name, "numeric"))
        return parse_decimal(p, out, err);
    if (!strcasecmp(name, "interval")) return parse_interval_type(p, out, err);
    if (!strcasecmp(name, "varchar")) return parse_text_type(p, name, CH_VARCHAR, out, err);
    if (!strcasecmp(name, "char") || !strcasecmp(name, "character")) return parse_text_type(p, name, CH_CHAR, out, err);
    if (!strcasecmp(name, "struct")) return parse_struct(p, out, err);
    if (!strcasecmp(name, "array")) {
        const ch_type *element;
        CH_TRY(ch_expect_op(p, "<", err));
        CH_TRY(ch_parse_data_type(p, &element, err));
        *out = ch_type_array(p->arena, element, true);
        return expect_close(p, err);
    }
    if (!strcasecmp(name, "map")) {
        const ch_type *key, *value;
        CH_TRY(ch_expect_op(p, "<", err));
        CH_TRY(ch_parse_data_type(p, &key, err));
        CH_TRY(ch_expect_op(p, ",", err));
        CH_TRY(ch_parse_data_type(p, &value, err));
        *out = ch_type_map(p->arena, key, value, true);
        return expect_close(p, err);
    }
    for (size_t i = 0; i < sizeof simple_types / sizeof *simple_types; i++)
        if (!strcasecmp(name, simple_types[i].name)) {
            *out = simple_types[i].type;
            return 0;
        }
    return ch_is_op(p, 0, "<") ? ch_syntax_error(p, err) : wrong_type(p, name, "UNSUPPORTED_DATATYPE", "typeName", err);
}

int ch_parse_data_type(ch_parser *p, const ch_type **out, ch_error *err)
{
    const char *name;
    CH_TRY(ch_parse_enter(p, err));
    CH_TRY(ch_parse_identifier(p, &name, err));
    CH_TRY(parse_named_type(p, name, out, err));
    p->depth--;
    return 0;
}

int ch_parse_one_type(ch_arena *arena, const char *text, const ch_type **out, ch_error *err)
{
    ch_parser p;
    CH_TRY(ch_parser_init(&p, arena, text, err));
    CH_TRY(ch_parse_data_type(&p, out, err));
    return ch_expect_end(&p, err);
}

int ch_parse_type(ch_arena *arena, const char *text, const ch_type **out, ch_error *err)
{
    ch_parser p;
    ch_error type_error;
    CH_TRY(ch_parser_init(&p, arena, text, err));
    if (ch_peek(&p)->kind == CH_TK_END) {
        *out = ch_type_struct(arena, NULL, 0);
        return 0;
    }
    if (!ch_parse_data_type(&p, out, &type_error) && !ch_expect_end(&p, &type_error)) return 0;
    /* Not one type: a column list. The lexer's tokens may have been taken apart, so start again. */
    CH_TRY(ch_parser_init(&p, arena, text, err));
    if (!parse_fields(&p, true, out, err)) return ch_peek(&p)->kind == CH_TK_END ? 0 : ch_syntax_error(&p, err);
    if (strcmp(type_error.condition, "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION") == 0) *err = type_error;
    return (int)err->kind;
}
