/* Expressions against a real Spark 4.1.3 server: each line of data/functions_*.tsv is an expression, the name, the type
 * and the nullability of the column it makes, and its values cast to string (rows separated by " ; "), as the server
 * gave them; or, behind a '!', the condition and the message of its error. A "\t" inside is written \t. */
#include "frame/engine/query.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ch_engine *engine;
static ch_session *session;
static ch_arena *arena;
static ch_error err;

/* What the expressions are over. */
static const char ONE_ROW[] =
    "select 1 k, 2L l, 'x' s, 1.5D d, cast(1.5 as decimal(10,2)) m, array(1,2) a, map('k',1) mp, "
    "named_struct('x',1,'y','z') st, date'2020-01-02' dt, timestamp'2020-01-02 03:04:05' ts, true b, "
    "cast(1.5 as float) f, array(named_struct('x',1)) ast, array('b','a',null) sa, cast(null as int) kn, "
    "cast(null as string) sn, 'Hello World' h, timestamp_ntz'2020-01-02 03:04:05' tn";
static const char SIX_ROWS[] =
    "select * from values (1, 10L, 'a', 1.5D, 1.10BD, true, date'2020-01-01', 1), "
    "(1, 20L, 'b', 2.5D, 2.20BD, false, date'2020-01-02', 2), (2, null, 'a', null, 3.30BD, null, date'2020-02-01', 3), "
    "(2, 40L, null, 4.25D, null, true, null, 4), (3, 50L, 'c', cast('NaN' as double), 5.55BD, true, date'2021-01-01', "
    "5), "
    "(null, 60L, 'd', -1.0D, 6.60BD, false, date'2019-12-31', 6) as t(g, l, s, d, m, b, dt, i)";

static int open_session(void **state)
{
    (void)state;
    ch_engine_options options = {.threads = 1, .memory_limit = "1GB"};
    if (ch_engine_open(&options, &engine, &err)) fail_msg("%s", err.message);
    if (ch_session_open(engine, &session, &err)) fail_msg("%s", err.message);
    if (ch_config_set(session, "spark.sql.session.timeZone", "UTC", &err)) fail_msg("%s", err.message);
    return 0;
}

static int close_session(void **state)
{
    (void)state;
    ch_session_release(session);
    ch_engine_close(engine);
    return 0;
}

static ch_plan *select_of(const char *relation, ch_expr *e)
{
    ch_plan *sql = ch_plan_new(arena, CH_PLAN_SQL, NULL), *project = ch_plan_new(arena, CH_PLAN_PROJECT, sql);
    sql->u.sql.query = relation;
    project->u.project.n = 1;
    project->u.project.exprs = CH_NEW_ARRAY(arena, ch_expr *, 1);
    project->u.project.exprs[0] = e;
    return project;
}

static ch_expr *text_of(const char *text)
{
    ch_expr *e = ch_expr_new(arena, CH_EX_STRING);
    e->u.text = text;
    return e;
}

/* name, type and nullability; or !condition and message. */
static void describe(ch_buf *out, const char *relation, const char *text)
{
    ch_query *q = NULL;
    if (ch_query_open(session, select_of(relation, text_of(text)), &q, &err)) {
        ch_buf_printf(out, "!%s\t%s", err.condition[0] ? err.condition : "AnalysisException", err.message);
        return;
    }
    const ch_field *f = &ch_query_schema(q)->fields[0];
    ch_buf_printf(out, "%s\t", f->name);
    ch_type_simple(out, f->type);
    ch_buf_printf(out, "\t%s", f->nullable ? "true" : "false");
    ch_query_close(q);
}

static void add_values(ch_buf *out, const ch_batch *batch, bool *first)
{
    const ch_column *c = &batch->cols[0];
    const ch_string *strings = c->data;
    for (size_t i = 0; i < batch->rows; i++) {
        if (!*first) ch_buf_str(out, " ; ");
        *first = false;
        if (ch_column_valid(c, i))
            ch_buf_add(out, ch_string_data(&strings[i]), ch_string_len(&strings[i]));
        else
            ch_buf_str(out, "NULL");
    }
}

/* The rows of the expression as strings; or !condition message. */
static void evaluate(ch_buf *out, const char *relation, const char *text)
{
    ch_query *q = NULL;
    const ch_batch *batch = NULL;
    bool first = true;
    ch_expr *cast = ch_expr_alias(arena, ch_expr_cast(arena, text_of(text), &ch_type_string), "v");
    int status = ch_query_open(session, select_of(relation, cast), &q, &err);
    if (!status) status = ch_query_start(q, NULL, &err);
    while (!status && !(status = ch_query_next(q, &batch, &err)) && batch) add_values(out, batch, &first);
    if (status) {
        ch_buf_clear(out);
        ch_buf_printf(out, "!%s %s", err.condition[0] ? err.condition : "IllegalArgumentException", err.message);
    }
    if (status && getenv("SHOW_SQL")) fprintf(stderr, "    %s\n", q ? ch_query_sql(q) : "-");
    ch_query_close(q);
}

/* Undoes the escapes of the file in place. */
static void unescape(char *s)
{
    char *to = s;
    for (; *s; s++) {
        if (*s == '\\' && s[1]) {
            s++;
            *to++ = *s == 'n' ? '\n' : *s == 't' ? '\t' : *s;
        } else {
            *to++ = *s;
        }
    }
    *to = '\0';
}

/* Equal, or the same number within 4 units in the last place: the C library's elementary functions round otherwise than
 * Java's StrictMath, by at most a unit each. */
static bool agrees(const char *ours, const char *theirs)
{
    if (strcmp(ours, theirs) == 0) return true;
    char *end, *end2;
    double a = strtod(ours, &end), b = strtod(theirs, &end2);
    return end != ours && end2 != theirs && !*end && !*end2 && strchr(theirs, '.') &&
           fabs(a - b) <= 4 * 2.3e-16 * fabs(b);
}

static int differences;

static void differ(const char *text, const char *what, const char *ours, const char *theirs)
{
    differences++;
    fprintf(stderr, "%s\n  %s: %s\n  Spark: %s\n", text, what, ours, theirs);
}

/* Messages are cut where the file has them cut. */
static bool same_message(const char *ours, const char *theirs)
{
    size_t len = strlen(theirs);
    return strncmp(ours, theirs, len < 390 ? len : 390) == 0;
}

static void check_line(const char *relation, char *line)
{
    char *fields[5] = {line};
    size_t n = 1;
    for (char *p = line; *p && n < 5; p++) {
        if (*p != '\t') continue;
        *p = '\0';
        fields[n++] = p + 1;
    }
    assert_true(n == 3 || n == 5);
    for (size_t i = 0; i < n; i++) unescape(fields[i]);
    ch_buf ours = {0}, theirs = {0};
    for (size_t i = 1; i < (n == 3 ? 3 : 4); i++) ch_buf_printf(&theirs, "%s%s", i > 1 ? "\t" : "", fields[i]);
    describe(&ours, relation, fields[0]);
    bool good = n == 3 ? same_message(ch_buf_text(&ours), ch_buf_text(&theirs))
                       : strcmp(ch_buf_text(&ours), ch_buf_text(&theirs)) == 0;
    if (!good) differ(fields[0], "column", ch_buf_text(&ours), ch_buf_text(&theirs));
    if (n == 5) {
        ch_buf_clear(&ours);
        evaluate(&ours, relation, fields[0]);
        good =
            fields[4][0] == '!' ? same_message(ch_buf_text(&ours), fields[4]) : agrees(ch_buf_text(&ours), fields[4]);
        if (!good) differ(fields[0], "value", ch_buf_text(&ours), fields[4]);
    }
    ch_buf_reset(&ours);
    ch_buf_reset(&theirs);
}

static void check_file(const char *name, const char *relation)
{
    char path[512], line[8192];
    snprintf(path, sizeof path, "%s/frame/data/%s", TESTS_DIR, name);
    FILE *file = fopen(path, "r");
    if (!file) fail_msg("cannot read %s", path);
    differences = 0;
    size_t lines = 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (!*line) continue;
        arena = ch_arena_new();
        check_line(relation, line);
        ch_arena_free(arena);
        lines++;
    }
    fclose(file);
    assert_true(lines > 0);
    if (differences) fail_msg("%d differences in %zu lines of %s", differences, lines, name);
}

#define FILE_TEST(name, relation)                                                                                      \
    static void name(void **state)                                                                                     \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        check_file("functions_" #name ".tsv", relation);                                                               \
    }

FILE_TEST(math, ONE_ROW)
FILE_TEST(cast, ONE_ROW)
FILE_TEST(string, ONE_ROW)
FILE_TEST(date, ONE_ROW)
FILE_TEST(collection, ONE_ROW)
FILE_TEST(aggregate, SIX_ROWS)
FILE_TEST(window, SIX_ROWS)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(math),       cmocka_unit_test(cast),      cmocka_unit_test(string), cmocka_unit_test(date),
        cmocka_unit_test(collection), cmocka_unit_test(aggregate), cmocka_unit_test(window),
    };
    return cmocka_run_group_tests(tests, open_session, close_session);
}
