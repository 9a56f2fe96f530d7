/* filter.c: filters and order_by clauses, read and checked with MLflow's messages. Their SQL is in filter_sql.c. */
#include "track/search/filter.h"
#include "track/search/filter_lex.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    ch_call *call;
    const ch_filter_rules *rules;
    const char *at, *whole;
    ch_filter_token token; /* the one under consideration */
} reader;

static void advance(reader *r)
{
    r->token = ch_filter_next_token(&r->at);
}

static char *text_of(const reader *r, const ch_filter_token *token)
{
    return ch_arena_strndup(r->call->arena, token->start, token->len);
}

/* --- names ---- */

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(word, *words) == 0) return true;
    }
    return false;
}

/* Takes one pair of quotes off. */
static const char *without(ch_arena *arena, const char *text, char quote)
{
    size_t len = strlen(text);
    if (len < 2 || text[0] != quote || text[len - 1] != quote) return text;
    return ch_arena_strndup(arena, text + 1, len - 2);
}

/* Searches of what has a name, in which only "attribute" and "tag" are told apart. */
static bool is_named(const ch_filter_rules *rules)
{
    return rules->style == CH_FILTER_EXPERIMENTS || rules->style == CH_FILTER_REGISTRY;
}

static int bad_kind(ch_call *call, const ch_filter_rules *rules, const char *kind)
{
    switch (rules->style) {
    case CH_FILTER_RUNS:
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Invalid entity type '%s'. Valid values are ['metric', 'parameter', 'tag', 'attribute', "
                            "'dataset']",
                            kind);
    case CH_FILTER_EXPERIMENTS:
    case CH_FILTER_REGISTRY:
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Invalid entity type '%s'. Valid entity types are ('attribute', 'tag', 'tags')", kind);
    case CH_FILTER_LOGGED_MODELS: break;
    }
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "Invalid entity type: '%s'. Expected one of ['attributes', 'metrics', 'params', 'tags'].",
                        kind);
}

static const ch_filter_attribute *find_own(const ch_filter_rules *rules, const char *kind)
{
    for (const ch_filter_attribute *a = rules->own; a && a->name; a++) {
        if (strcmp(a->name, kind) == 0) return a;
    }
    return NULL;
}

/* What a name's first word says it is about; `own`: the kind of CH_SIDE_OWN. */
static int read_side(ch_call *call, const ch_filter_rules *rules, const char *kind, ch_side *side,
                     const ch_filter_attribute **own)
{
    static const char *const METRICS[] = {"metric", "metrics", NULL};
    static const char *const PARAMS[] = {"parameter", "parameters", "param", "params", NULL};
    static const char *const TAGS[] = {"tag", "tags", NULL};
    static const char *const ATTRIBUTES[] = {"attribute", "attributes", "attr", "run", NULL};
    static const char *const DATASETS[] = {"dataset", "datasets", NULL};
    kind = without(call->arena, kind, '`');
    if (rules->metrics.table && is_one_of(kind, METRICS))
        *side = CH_SIDE_METRIC;
    else if (rules->params.table && is_one_of(kind, PARAMS))
        *side = CH_SIDE_PARAM;
    else if (is_one_of(kind, TAGS))
        *side = CH_SIDE_TAG;
    else if (is_named(rules) ? strcmp(kind, "attribute") == 0 : is_one_of(kind, ATTRIBUTES))
        *side = CH_SIDE_ATTRIBUTE;
    else if (rules->dataset_run && is_one_of(kind, DATASETS))
        *side = CH_SIDE_DATASET;
    else if ((*own = find_own(rules, kind)))
        *side = CH_SIDE_OWN;
    else
        return bad_kind(call, rules, kind);
    return 0;
}

static int bad_attribute(ch_call *call, const ch_filter_rules *rules, const char *key, unsigned unwanted)
{
    ch_buf names = {0};
    for (const ch_filter_attribute *a = rules->attributes; a->name; a++) {
        if (a->flags & (unwanted | CH_ATTR_ALIAS)) continue;
        ch_buf_printf(&names, "%s'%s'", names.len ? ", " : "", a->name);
    }
    int status = ch_call_fail(call, INVALID_PARAMETER_VALUE,
                              "Invalid attribute key '%s' specified. Valid keys are '{%s}'", key, ch_buf_text(&names));
    ch_buf_reset(&names);
    return status;
}

/* A name into what it is about and its key. `unwanted`: CH_ATTR_NO_FILTER or CH_ATTR_NO_ORDER. */
static int read_name(ch_call *call, const ch_filter_rules *rules, const char *name, unsigned unwanted, ch_side *side,
                     const char **key, const ch_filter_attribute **attribute)
{
    const char *dot = strchr(name, '.');
    *side = CH_SIDE_ATTRIBUTE;
    *attribute = NULL;
    *key = name;
    if (dot) {
        const char *kind = ch_arena_strndup(call->arena, name, (size_t)(dot - name));
        CH_TRY(read_side(call, rules, kind, side, attribute));
        *key = dot + 1;
    }
    *key = without(call->arena, without(call->arena, without(call->arena, *key, '\''), '"'), '`');
    if (*side == CH_SIDE_DATASET && !is_one_of(*key, (const char *const[]){"name", "digest", "context", NULL})) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Invalid dataset key '%s' specified. Valid keys are '{'name', 'digest', 'context'}'", *key);
    }
    if (*side != CH_SIDE_ATTRIBUTE) return 0;
    for (const ch_filter_attribute *a = rules->attributes; a->name; a++) {
        if (!(a->flags & unwanted) && strcmp(a->name, *key) == 0) {
            *attribute = a;
            return 0;
        }
    }
    return bad_attribute(call, rules, *key, unwanted);
}

/* --- comparators ---- */

static const char *const COMPARATORS[] = {
    [CH_CMP_EQ] = "=",
    [CH_CMP_NE] = "!=",
    [CH_CMP_LT] = "<",
    [CH_CMP_LE] = "<=",
    [CH_CMP_GT] = ">",
    [CH_CMP_GE] = ">=",
    [CH_CMP_LIKE] = "LIKE",
    [CH_CMP_ILIKE] = "ILIKE",
    [CH_CMP_IN] = "IN",
    [CH_CMP_NOT_IN] = "NOT IN",
    [CH_CMP_IS_NULL] = "IS NULL",
    [CH_CMP_IS_NOT_NULL] = "IS NOT NULL",
};

static char *in_capitals(ch_arena *arena, const char *text)
{
    char *copy = ch_arena_strdup(arena, text);
    for (char *c = copy; *c; c++) {
        if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
    }
    return copy;
}

static void set_comparator(reader *r, ch_clause *clause, const char *text)
{
    clause->comparator_text = in_capitals(r->call->arena, text);
    clause->comparator = CH_CMP_OTHER;
    for (int i = 0; i < CH_CMP_OTHER; i++) {
        if (strcmp(COMPARATORS[i], clause->comparator_text) == 0) clause->comparator = (ch_comparator)i;
    }
}

/* What is from `start` on is no clause. */
static int bad_clause(reader *r, const char *start)
{
    const char *quote = r->rules->style == CH_FILTER_RUNS ? "'" : "";
    if (r->rules->style == CH_FILTER_LOGGED_MODELS) {
        return ch_call_fail(r->call, INVALID_PARAMETER_VALUE,
                            "Invalid filter string: '%s'. Expected a list of comparisons separated by 'AND' (e.g. "
                            "'metrics.loss > 0.1 AND params.lr = 0.01').",
                            r->whole);
    }
    return ch_call_fail(r->call, INVALID_PARAMETER_VALUE, "Invalid clause(s) in filter string: %s%s%s", quote, start,
                        quote);
}

/* [NOT] IN, IS [NOT] NULL, LIKE, ILIKE or signs; leaves the token behind it. False: there is none. */
static bool read_comparator(reader *r, ch_clause *clause)
{
    if (r->token.kind == CH_TOKEN_OPERATOR) {
        set_comparator(r, clause, text_of(r, &r->token));
    } else if (ch_filter_token_is(&r->token, "IS")) {
        advance(r);
        bool negated = ch_filter_token_is(&r->token, "NOT");
        if (negated) advance(r);
        if (!ch_filter_token_is(&r->token, "NULL")) return false;
        set_comparator(r, clause, negated ? "IS NOT NULL" : "IS NULL");
    } else if (ch_filter_token_is(&r->token, "NOT")) {
        advance(r);
        if (!ch_filter_token_is(&r->token, "IN")) return false;
        set_comparator(r, clause, "NOT IN");
    } else if (ch_filter_token_is(&r->token, "IN") || ch_filter_token_is(&r->token, "LIKE") ||
               ch_filter_token_is(&r->token, "ILIKE") || ch_filter_token_is(&r->token, "RLIKE")) {
        set_comparator(r, clause, text_of(r, &r->token));
    } else {
        return false;
    }
    advance(r);
    return true;
}

static int check_own_comparator(reader *r, const ch_clause *clause)
{
    static const unsigned WANTED[] = {
        [CH_CMP_LT] = UINT_MAX,
        [CH_CMP_LE] = UINT_MAX,
        [CH_CMP_GT] = UINT_MAX,
        [CH_CMP_GE] = UINT_MAX,
        [CH_CMP_IN] = CH_ATTR_LIST,
        [CH_CMP_NOT_IN] = CH_ATTR_LIST,
        [CH_CMP_IS_NULL] = CH_ATTR_NULLABLE,
        [CH_CMP_IS_NOT_NULL] = CH_ATTR_NULLABLE,
        [CH_CMP_OTHER] = UINT_MAX,
    };
    unsigned wanted = WANTED[clause->comparator];
    if ((clause->attribute->flags & wanted) == wanted) return 0;
    return ch_call_fail(r->call, INVALID_PARAMETER_VALUE, "Invalid comparator for %s.%s: %s", clause->attribute->name,
                        clause->key, clause->comparator_text);
}

static int check_comparator(reader *r, const ch_clause *clause)
{
    if (clause->side == CH_SIDE_OWN) return check_own_comparator(r, clause);
    static const char NUMBERS[] = "{'!=', '<', '<=', '=', '>', '>='}";
    static const char TEXTS[] = "{'!=', '=', 'ILIKE', 'IN', 'LIKE', 'NOT IN'}";
    static const char KEYED[] = "{'!=', '=', 'ILIKE', 'IS NOT NULL', 'IS NULL', 'LIKE'}";
    bool is_number = clause->side == CH_SIDE_METRIC || (clause->attribute && clause->attribute->flags & CH_ATTR_NUMBER);
    bool is_keyed = clause->side == CH_SIDE_PARAM || clause->side == CH_SIDE_TAG;
    bool good = false;
    switch (clause->comparator) {
    case CH_CMP_EQ:
    case CH_CMP_NE: good = true; break;
    case CH_CMP_LT:
    case CH_CMP_LE:
    case CH_CMP_GT:
    case CH_CMP_GE: good = is_number; break;
    case CH_CMP_LIKE:
    case CH_CMP_ILIKE: good = !is_number && !(clause->attribute && clause->attribute->flags & CH_ATTR_ID); break;
    case CH_CMP_IN:
    case CH_CMP_NOT_IN: good = !is_number && !is_keyed; break;
    case CH_CMP_IS_NULL:
    case CH_CMP_IS_NOT_NULL: good = is_keyed; break;
    case CH_CMP_OTHER: break;
    }
    if (good) return 0;
    bool is_id = clause->attribute && clause->attribute->flags & CH_ATTR_ID;
    if (is_id || (r->rules->style == CH_FILTER_EXPERIMENTS && is_keyed)) {
        return ch_call_fail(r->call, INVALID_PARAMETER_VALUE, "Invalid comparator for %s: %s",
                            is_id ? clause->key : "tag", clause->comparator_text);
    }
    if (r->rules->style == CH_FILTER_REGISTRY) {
        const char *what = is_keyed    ? "tag"
                           : is_number ? ch_arena_printf(r->call->arena, "attribute %s", clause->key)
                                       : "attribute";
        return ch_call_fail(r->call, INVALID_PARAMETER_VALUE, "Invalid comparator for %s: %s", what,
                            clause->comparator_text);
    }
    /* MLflow's messages, with the quotes that it forgets */
    bool closed = clause->side == CH_SIDE_PARAM || (clause->side == CH_SIDE_ATTRIBUTE && !is_number);
    return ch_call_fail(r->call, INVALID_PARAMETER_VALUE, "Invalid comparator '%s' not one of '%s%s",
                        clause->comparator_text,
                        clause->side == CH_SIDE_METRIC ? NUMBERS
                        : is_keyed                     ? KEYED
                                                       : TEXTS,
                        closed ? "'" : "");
}

/* --- values ---- */

static bool is_text(const ch_filter_token *token)
{
    return token->kind == CH_TOKEN_TEXT || (token->kind == CH_TOKEN_NAME && token->start[0] == '"');
}

static const char *unquoted(const reader *r, const ch_filter_token *token)
{
    return ch_arena_strndup(r->call->arena, token->start + 1, token->len - 2);
}

/* version_number = '1' */
static bool is_quoted_number(const ch_filter_token *token)
{
    return is_text(token) && token->len > 2 && strspn(token->start + 1, "0123456789") == token->len - 2;
}

static int read_number(reader *r, ch_clause *clause)
{
    const char *text = text_of(r, &r->token);
    errno = 0;
    clause->kind = r->token.kind == CH_TOKEN_INTEGER ? CH_VALUE_INT : CH_VALUE_DOUBLE;
    clause->integer = strtoll(text, NULL, 10);
    if (errno) clause->kind = CH_VALUE_DOUBLE;
    clause->real = strtod(text, NULL);
    if (!isfinite(clause->real)) clause->real = clause->real > 0 ? 1.7976931348623157e308 : -1.7976931348623157e308;
    return 0;
}

static int bad_list(reader *r, const char *what)
{
    return ch_call_fail(r->call, INVALID_PARAMETER_VALUE, "While parsing a list in the query, %s", what);
}

/* ('a', "b"): the opening bracket is the current token. */
static int read_list(reader *r, ch_clause *clause)
{
    size_t room = 8;
    const char *open = r->token.start;
    clause->kind = CH_VALUE_LIST;
    clause->list = CH_NEW_ARRAY(r->call->arena, const char *, room);
    for (advance(r); r->token.kind != CH_TOKEN_CLOSE; advance(r)) {
        if (r->token.kind == CH_TOKEN_INTEGER || r->token.kind == CH_TOKEN_REAL) {
            const char *close = strchr(r->token.start, ')');
            return bad_list(r, ch_arena_printf(r->call->arena,
                                               "expected string value, punctuation, or whitespace, but got different "
                                               "type in list: %.*s",
                                               close ? (int)(close + 1 - open) : 0, open));
        }
        if (!is_text(&r->token)) {
            return bad_list(r, "expected a non-empty list of string values, but got ill-formed list.");
        }
        if (clause->nlist == room) {
            clause->list = ch_arena_grow(r->call->arena, clause->list, sizeof *clause->list, room, 2 * room);
            room *= 2;
        }
        clause->list[clause->nlist++] = unquoted(r, &r->token);
        advance(r);
        if (r->token.kind == CH_TOKEN_CLOSE) break;
        if (r->token.kind != CH_TOKEN_COMMA) {
            return bad_list(r, "expected a non-empty list of string values, but got ill-formed list.");
        }
    }
    if (clause->nlist > 0) return 0;
    return bad_list(r, "expected a non-empty list of string values, but got empty list");
}

static int list_not_supported(reader *r)
{
    ch_buf names = {0};
    for (const ch_filter_attribute *a = r->rules->attributes; a->name; a++) {
        if (a->flags & CH_ATTR_LIST) ch_buf_printf(&names, "%s'%s'", names.len ? ", " : "", a->name);
    }
    int status = ch_call_fail(r->call, INVALID_PARAMETER_VALUE,
                              "Only [%s] attributes support comparison with a list of quoted string values.",
                              ch_buf_text(&names));
    ch_buf_reset(&names);
    return status;
}

static int expected_text(reader *r, const ch_clause *clause)
{
    const char *found = text_of(r, &r->token), *close = strchr(r->token.start, ')');
    if (r->token.kind == CH_TOKEN_OPEN && close) {
        found = ch_arena_strndup(r->call->arena, r->token.start, (size_t)(close + 1 - r->token.start));
    } else if (r->token.kind == CH_TOKEN_NAME) {
        return ch_call_fail(r->call, INVALID_PARAMETER_VALUE,
                            "Parameter value is either not quoted or unidentified quote types used for string value "
                            "%s. Use either single or double quotes.",
                            found);
    }
    switch (clause->side) {
    case CH_SIDE_PARAM:
    case CH_SIDE_TAG:
        return ch_call_fail(r->call, INVALID_PARAMETER_VALUE,
                            "Expected a quoted string value for %s (e.g. 'my-value'). Got value %s",
                            clause->side == CH_SIDE_TAG ? "tag" : "parameter", found);
    case CH_SIDE_OWN:
        return ch_call_fail(r->call, INVALID_PARAMETER_VALUE,
                            "Expected a quoted string value for %s (e.g. 'my-value'). Got value %s",
                            clause->attribute->name, found);
    case CH_SIDE_DATASET:
        return ch_call_fail(r->call, INVALID_PARAMETER_VALUE,
                            "Expected a quoted string value for dataset attributes. Got value %s", found);
    default: break;
    }
    if (r->rules->style == CH_FILTER_REGISTRY) {
        return ch_call_fail(r->call, INVALID_PARAMETER_VALUE,
                            "Expected a quoted string value or a list of quoted string values for attributes. Got "
                            "value %s",
                            found);
    }
    return ch_call_fail(r->call, INVALID_PARAMETER_VALUE, "Expected a quoted string value for attributes. Got value %s",
                        found);
}

/* experiment_id = '12' */
static int check_id(ch_call *call, const char *text)
{
    char *end;
    errno = 0;
    (void)strtoll(text, &end, 10);
    if (end != text && !*end && errno == 0) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "Invalid experiment ID '%s'. Experiment ID must be a valid integer.", text);
}

static int check_ids(ch_call *call, const ch_clause *clause)
{
    if (!clause->attribute || !(clause->attribute->flags & CH_ATTR_ID)) return 0;
    if (clause->kind == CH_VALUE_TEXT) return check_id(call, clause->text);
    for (size_t i = 0; i < clause->nlist; i++) CH_TRY(check_id(call, clause->list[i]));
    return 0;
}

static int read_value(reader *r, ch_clause *clause)
{
    bool is_number_token = r->token.kind == CH_TOKEN_INTEGER || r->token.kind == CH_TOKEN_REAL;
    if (clause->side == CH_SIDE_METRIC) {
        if (is_number_token) return read_number(r, clause);
        return ch_call_fail(r->call, INVALID_PARAMETER_VALUE, "Expected numeric value type for metric. Found %s",
                            text_of(r, &r->token));
    }
    if (clause->attribute && clause->attribute->flags & CH_ATTR_NUMBER) {
        if (is_number_token) return read_number(r, clause);
        if (r->rules->style == CH_FILTER_REGISTRY && is_quoted_number(&r->token)) {
            r->token = (ch_filter_token){CH_TOKEN_INTEGER, r->token.start + 1, r->token.len - 2};
            return read_number(r, clause);
        }
        return ch_call_fail(r->call, INVALID_PARAMETER_VALUE,
                            "Expected numeric value type for numeric attribute: %s. Found %s", clause->key,
                            text_of(r, &r->token));
    }
    if (is_text(&r->token)) {
        clause->kind = CH_VALUE_TEXT;
        clause->text = unquoted(r, &r->token);
        return check_ids(r->call, clause);
    }
    if (r->token.kind != CH_TOKEN_OPEN) return expected_text(r, clause);
    if (clause->side == CH_SIDE_PARAM || clause->side == CH_SIDE_TAG) return expected_text(r, clause);
    if (clause->attribute && !(clause->attribute->flags & CH_ATTR_LIST)) return list_not_supported(r);
    CH_TRY(read_list(r, clause));
    return check_ids(r->call, clause);
}

/* --- clauses ---- */

static int check_shape(reader *r, const ch_clause *clause)
{
    bool wants_list = clause->comparator == CH_CMP_IN || clause->comparator == CH_CMP_NOT_IN;
    if (clause->kind == CH_VALUE_NONE || wants_list == (clause->kind == CH_VALUE_LIST)) return 0;
    return ch_call_fail(r->call, INVALID_PARAMETER_VALUE, "Invalid comparison clause. '%s' %s a list of values",
                        clause->comparator_text, wants_list ? "takes" : "does not take");
}

static int read_clause(reader *r, ch_clause *clause)
{
    const char *start = r->token.start;
    if (r->token.kind != CH_TOKEN_NAME) return bad_clause(r, start);
    const char *name = text_of(r, &r->token);
    advance(r);
    if (!read_comparator(r, clause)) return bad_clause(r, start);
    CH_TRY(read_name(r->call, r->rules, name, CH_ATTR_NO_FILTER, &clause->side, &clause->key, &clause->attribute));
    if (clause->comparator == CH_CMP_IS_NULL || clause->comparator == CH_CMP_IS_NOT_NULL) {
        if (clause->side == CH_SIDE_TAG || clause->side == CH_SIDE_PARAM) return 0;
        if (clause->side == CH_SIDE_OWN && clause->attribute->flags & CH_ATTR_NULLABLE) return 0;
        if (is_named(r->rules)) {
            return ch_call_fail(r->call, INVALID_PARAMETER_VALUE,
                                "IS NULL / IS NOT NULL is only supported for tags, not for attribute '%s'",
                                clause->key);
        }
        return ch_call_fail(r->call, INVALID_PARAMETER_VALUE,
                            "IS NULL / IS NOT NULL is only supported for tags and params, not for '%s' '%s'",
                            clause->side == CH_SIDE_METRIC    ? "metric"
                            : clause->side == CH_SIDE_DATASET ? "dataset"
                                                              : "attribute",
                            clause->key);
    }
    CH_TRY(read_value(r, clause));
    advance(r);
    return 0;
}

int ch_filter_parse(ch_call *call, const ch_filter_rules *rules, const char *text, ch_filter *out)
{
    *out = (ch_filter){.rules = rules};
    if (!text) return 0;
    reader r = {.call = call, .rules = rules, .at = text, .whole = text};
    if (!*text) return 0;
    advance(&r);
    if (r.token.kind == CH_TOKEN_END) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid filter '%s'. Could not be parsed.", text);
    }
    out->clauses = CH_NEW_ARRAY(call->arena, ch_clause, CH_FILTER_CLAUSES_MAX);
    for (;;) {
        if (out->nclause == CH_FILTER_CLAUSES_MAX) {
            return ch_call_fail(call, INVALID_PARAMETER_VALUE, "A filter can contain at most %d clauses",
                                CH_FILTER_CLAUSES_MAX);
        }
        CH_TRY(read_clause(&r, &out->clauses[out->nclause]));
        out->nclause++;
        if (r.token.kind == CH_TOKEN_END) break;
        if (r.token.kind == CH_TOKEN_SEMICOLON) {
            advance(&r);
            if (r.token.kind == CH_TOKEN_END) break;
            const char *quote = strchr(text, '\'') && !strchr(text, '"') ? "\"" : "'"; /* as Python quotes */
            return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                                "Search filter contained multiple expression %s%s%s. Provide AND-ed expression list.",
                                quote, text, quote);
        }
        if (!ch_filter_token_is(&r.token, "AND")) return bad_clause(&r, text_of(&r, &r.token));
        advance(&r);
        if (r.token.kind == CH_TOKEN_END) break; /* as in MLflow */
    }
    for (size_t i = 0; i < out->nclause; i++) {
        CH_TRY(check_comparator(&r, &out->clauses[i]));
        CH_TRY(check_shape(&r, &out->clauses[i]));
    }
    return 0;
}

/* --- order ---- */

int ch_order_add(ch_call *call, ch_order_list *list, const char *name, bool descending)
{
    if (list->norder == CH_ORDERS_MAX) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "order_by can contain at most %d clauses", CH_ORDERS_MAX);
    }
    ch_filter_order order = {.descending = descending};
    CH_TRY(read_name(call, list->rules, name, CH_ATTR_NO_ORDER, &order.side, &order.key, &order.attribute));
    if (order.side == CH_SIDE_DATASET || order.side == CH_SIDE_OWN) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid identifier type '%s'",
                            order.attribute ? order.attribute->name : "dataset");
    }
    if (is_named(list->rules) && order.side != CH_SIDE_ATTRIBUTE) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid order_by entity: tag");
    }
    for (size_t i = 0; i < list->norder; i++) {
        const ch_filter_order *other = &list->orders[i];
        bool same = order.attribute ? other->attribute && strcmp(other->attribute->column, order.attribute->column) == 0
                                    : other->side == order.side && strcmp(other->key, order.key) == 0;
        if (same && list->rules->style == CH_FILTER_RUNS) {
            return ch_call_fail(call, INVALID_PARAMETER_VALUE, "`order_by` contains duplicate fields: ['%s']", name);
        }
        if (same) return 0; /* decided already */
    }
    list->orders[list->norder++] = order;
    return 0;
}

static int read_order(ch_call *call, ch_order_list *list, const char *text)
{
    const char *at = text;
    ch_filter_token name = ch_filter_next_token(&at), direction = ch_filter_next_token(&at),
                    end = ch_filter_next_token(&at);
    if (direction.kind == CH_TOKEN_END) end.kind = CH_TOKEN_END;
    if (name.kind != CH_TOKEN_NAME || end.kind != CH_TOKEN_END) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid order_by clause '%s'. Could not be parsed.", text);
    }
    bool descending = ch_filter_token_is(&direction, "DESC");
    if (direction.kind != CH_TOKEN_END && !descending && !ch_filter_token_is(&direction, "ASC")) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid ordering key in order_by clause '%s'.", text);
    }
    return ch_order_add(call, list, ch_arena_strndup(call->arena, name.start, name.len), descending);
}

int ch_order_parse(ch_call *call, const ch_filter_rules *rules, json_t *list, ch_order_list *out)
{
    *out = (ch_order_list){.rules = rules};
    out->orders = CH_NEW_ARRAY(call->arena, ch_filter_order, CH_ORDERS_MAX);
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item)) return ch_call_invalid(call, "order_by", list);
        CH_TRY(read_order(call, out, json_string_value(item)));
    }
    return 0;
}
