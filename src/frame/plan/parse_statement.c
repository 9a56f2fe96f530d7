/* parse_statement.c: statements other than queries: views, SET, SHOW, DESCRIBE, CACHE, EXPLAIN. */
#include "frame/plan/parse_internal.h"

#include <string.h>
#include <strings.h>

/* CREATE [OR REPLACE] [GLOBAL] TEMP[ORARY] VIEW [IF NOT EXISTS] name AS query */
static int parse_create(ch_parser *p, ch_statement *out, ch_error *err)
{
    p->at++;
    if (ch_accept_word(p, "OR")) {
        CH_TRY(ch_expect_word(p, "REPLACE", err));
        out->replace = true;
    }
    out->global = ch_accept_word(p, "GLOBAL");
    if (!ch_accept_word(p, "TEMP") && !ch_accept_word(p, "TEMPORARY"))
        return ch_unsupported_syntax(p, "CREATE of anything but temporary views", err);
    if (!ch_is_word(p, 0, "VIEW")) return ch_unsupported_syntax(p, "CREATE of anything but temporary views", err);
    p->at++;
    if (ch_accept_word(p, "IF")) {
        CH_TRY(ch_expect_word(p, "NOT", err));
        CH_TRY(ch_expect_word(p, "EXISTS", err));
        out->if_not_exists = true;
    }
    CH_TRY(ch_parse_name_parts(p, &out->nparts, &out->parts, err));
    ch_plan *renamed = NULL;
    if (ch_is_op(p, 0, "(")) {
        renamed = ch_plan_new(p->arena, CH_PLAN_TO_DF, NULL);
        CH_TRY(ch_parse_names(p, &renamed->u.names.n, &renamed->u.names.names, err));
    }
    if (ch_is_word(p, 0, "USING")) return ch_unsupported_syntax(p, "CREATE TEMPORARY VIEW ... USING", err);
    CH_TRY(ch_expect_word(p, "AS", err));
    CH_TRY(ch_parse_subquery(p, &out->query, err));
    if (renamed) {
        renamed->input = out->query;
        out->query = renamed;
    }
    out->kind = CH_STMT_CREATE_VIEW;
    return 0;
}

static int parse_drop(ch_parser *p, ch_statement *out, ch_error *err)
{
    p->at++;
    if (!ch_accept_word(p, "VIEW") && !ch_accept_word(p, "TABLE"))
        return ch_unsupported_syntax(p, "DROP of anything but views", err);
    if (ch_accept_word(p, "IF")) {
        CH_TRY(ch_expect_word(p, "EXISTS", err));
        out->if_exists = true;
    }
    out->kind = CH_STMT_DROP_VIEW;
    return ch_parse_name_parts(p, &out->nparts, &out->parts, err);
}

/* SET | SET -v | SET key | SET key = value: key and value are taken as they are written, up to the end. */
static void parse_set(ch_parser *p, ch_statement *out)
{
    const char *rest = p->text + p->tokens[p->at].end;
    while (*rest == ' ' || *rest == '\t' || *rest == '\n') rest++;
    const char *equals = strchr(rest, '='), *end = rest + strlen(rest);
    while (end > rest && strchr(" \t\n;", end[-1])) end--;
    out->kind = CH_STMT_SET;
    if (end > rest) {
        const char *key_end = equals ? equals : end;
        while (key_end > rest && key_end[-1] == ' ') key_end--;
        out->key = ch_arena_strndup(p->arena, rest, (size_t)(key_end - rest));
        size_t n = strlen(out->key);
        if (n > 2 && out->key[0] == '`' && out->key[n - 1] == '`')
            out->key = ch_arena_strndup(p->arena, out->key + 1, n - 2);
    }
    if (equals && equals < end) {
        for (equals++; *equals == ' ';) equals++;
        out->value = ch_arena_strndup(p->arena, equals, equals < end ? (size_t)(end - equals) : 0);
    }
    while (ch_peek(p)->kind != CH_TK_END) p->at++;
}

static int parse_show(ch_parser *p, ch_statement *out, ch_error *err)
{
    p->at++;
    if (!ch_accept_word(p, "VIEWS") && !ch_accept_word(p, "TABLES"))
        return ch_unsupported_syntax(p, "this SHOW statement", err);
    out->kind = CH_STMT_SHOW_VIEWS;
    return 0;
}

static int parse_describe(ch_parser *p, ch_statement *out, ch_error *err)
{
    p->at++;
    out->kind = CH_STMT_DESCRIBE;
    if (ch_accept_word(p, "QUERY") || ch_is_word(p, 0, "SELECT") || ch_is_word(p, 0, "WITH"))
        return ch_parse_subquery(p, &out->query, err);
    if (ch_is_word(p, 0, "FUNCTION") || ch_is_word(p, 0, "DATABASE") || ch_is_word(p, 0, "SCHEMA"))
        return ch_unsupported_syntax(p, "this DESCRIBE statement", err);
    ch_accept_word(p, "TABLE");
    ch_accept_word(p, "EXTENDED");
    return ch_parse_name_parts(p, &out->nparts, &out->parts, err);
}

static int parse_cache(ch_parser *p, ch_statement *out, ch_error *err)
{
    out->kind = CH_STMT_CACHE;
    p->at++;
    ch_accept_word(p, "LAZY");
    CH_TRY(ch_expect_word(p, "TABLE", err));
    CH_TRY(ch_parse_name_parts(p, &out->nparts, &out->parts, err));
    if (ch_accept_word(p, "AS") || ch_is_word(p, 0, "SELECT")) return ch_parse_subquery(p, &out->query, err);
    return 0;
}

static int parse_uncache(ch_parser *p, ch_statement *out, ch_error *err)
{
    out->kind = CH_STMT_UNCACHE;
    p->at++;
    CH_TRY(ch_expect_word(p, "TABLE", err));
    if (ch_accept_word(p, "IF")) {
        CH_TRY(ch_expect_word(p, "EXISTS", err));
        out->if_exists = true;
    }
    return ch_parse_name_parts(p, &out->nparts, &out->parts, err);
}

static int parse_explain(ch_parser *p, ch_statement *out, ch_error *err)
{
    static const char *const modes[] = {"EXTENDED", "CODEGEN", "COST", "FORMATTED"};
    static const char *const names[] = {"extended", "codegen", "cost", "formatted"};
    p->at++;
    out->kind = CH_STMT_EXPLAIN;
    out->mode = "simple";
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (ch_accept_word(p, modes[i])) out->mode = names[i];
    return ch_parse_subquery(p, &out->query, err);
}

static int parse_one(ch_parser *p, ch_statement *out, ch_error *err)
{
    if (ch_is_word(p, 0, "CREATE")) return parse_create(p, out, err);
    if (ch_is_word(p, 0, "DROP")) return parse_drop(p, out, err);
    if (ch_is_word(p, 0, "SET")) return parse_set(p, out), 0;
    if (ch_is_word(p, 0, "SHOW")) return parse_show(p, out, err);
    if (ch_is_word(p, 0, "DESCRIBE") || ch_is_word(p, 0, "DESC")) return parse_describe(p, out, err);
    if (ch_is_word(p, 0, "CACHE")) return parse_cache(p, out, err);
    if (ch_is_word(p, 0, "UNCACHE")) return parse_uncache(p, out, err);
    if (ch_is_word(p, 0, "EXPLAIN")) return parse_explain(p, out, err);
    if (ch_is_word(p, 0, "RESET")) {
        p->at++;
        out->kind = CH_STMT_RESET;
        if (ch_peek(p)->kind == CH_TK_END) return 0;
        size_t start = ch_peek(p)->start;
        while (ch_peek(p)->kind != CH_TK_END) p->at++;
        out->key = ch_arena_strdup(p->arena, p->text + start);
        return 0;
    }
    if (ch_is_word(p, 0, "CLEAR") && ch_is_word(p, 1, "CACHE")) {
        p->at += 2;
        out->kind = CH_STMT_CLEAR_CACHE;
        return 0;
    }
    static const char *const others[] = {"INSERT",  "UPDATE",  "DELETE", "MERGE", "ALTER",  "USE",    "TRUNCATE",
                                         "REFRESH", "ANALYZE", "ADD",    "LOAD",  "MSCK",   "REPAIR", "GRANT",
                                         "REVOKE",  "DECLARE", "CALL",   "BEGIN", "EXECUTE"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (ch_is_word(p, 0, others[i]))
            return ch_unsupported_syntax(p, ch_arena_printf(p->arena, "the statement %s", others[i]), err);
    out->kind = CH_STMT_QUERY;
    return ch_parse_subquery(p, &out->query, err);
}

int ch_parse_statement(ch_arena *arena, const ch_plan *sql, ch_statement *out, ch_error *err)
{
    ch_parser p;
    *out = (ch_statement){0};
    CH_TRY(ch_parser_init(&p, arena, sql->u.sql.query, err));
    p.arguments = sql;
    if (ch_peek(&p)->kind == CH_TK_END) {
        int status = ch_raise(err, "PARSE_EMPTY_STATEMENT", (char *)NULL);
        ch_locate_error(&p, ch_peek(&p), err);
        return status;
    }
    CH_TRY(parse_one(&p, out, err));
    return ch_expect_end(&p, err);
}
