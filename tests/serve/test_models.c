/* Models while they are loaded, scored with, and dropped: predictions of models that Spark saved are those of the same
 * stages in a query; one load for all who ask, failures remembered, the one unused for longest dropped. */
#include "frame/engine/query.h"
#include "ml/literal.h"
#include "ml/ml.h"
#include "ml/saved.h"
#include "serve/invoke.h"
#include "serve/models.h"
#include "testing.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODELS TESTS_DIR "/serve/models/"
enum { ROWS = 60 };

static int open_engine(void **state)
{
    ch_error err;
    ch_engine_options options = {.threads = 2};
    ch_engine *engine;
    if (ch_engine_open(&options, &engine, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return -1;
    }
    *state = engine;
    return 0;
}

static int close_engine(void **state)
{
    ch_engine_close(*state);
    return 0;
}

static ch_served *load(ch_engine *engine, const char *model)
{
    ch_error err;
    char path[500];
    ch_served *served;
    snprintf(path, sizeof path, MODELS "%s", model);
    if (ch_served_load(engine, path, model, "1", &served, &err)) fail_msg("%s", err.message);
    return served;
}

/* The JSON of an answer; a fault's message behind a "!". */
static const char *ask(ch_arena *arena, ch_served *model, const char *body)
{
    ch_buf out = {0};
    size_t rows;
    ch_fault fault = {.arena = arena};
    int status = ch_invoke_body(model, "application/json", body, strlen(body), NULL, &out, &rows, &fault);
    const char *text =
        status ? ch_arena_printf(arena, "!%s", fault.message) : ch_arena_strdup(arena, ch_buf_text(&out));
    ch_buf_reset(&out);
    return text;
}

/* ---- predictions ---- */

static const char *const SOURCES[5] = {"web", "mail", "phone", "fair", "\u00fcbergabe"};

typedef struct lead {
    int64_t age;
    double salary;
    const char *source;
    int visits;
} lead;

static lead lead_at(int i)
{
    return (lead){20 + i * 11 % 47, 20000 + i * 7717 % 60000 + 0.25, SOURCES[i * i % 5], i * 5 % 12};
}

static const char *leads_as_json(ch_arena *arena)
{
    ch_buf body = {0};
    ch_buf_str(&body, "{\"dataframe_split\":{\"columns\":[\"age\",\"salary\",\"source\",\"visits\"],\"data\":[");
    for (int i = 0; i < ROWS; i++) {
        lead l = lead_at(i);
        ch_buf_printf(&body, "%s[%lld,%.2f,\"%s\",%d]", i ? "," : "", (long long)l.age, l.salary, l.source, l.visits);
    }
    ch_buf_str(&body, "]}}");
    const char *text = ch_arena_strdup(arena, ch_buf_text(&body));
    ch_buf_reset(&body);
    return text;
}

static ch_plan *leads_as_plan(ch_arena *arena)
{
    static const char *const NAMES[4] = {"age", "salary", "source", "visits"};
    ch_plan *plan = ch_plan_new(arena, CH_PLAN_VALUES, NULL);
    plan->u.values.nrow = ROWS;
    plan->u.values.ncol = 4;
    plan->u.values.names = ch_arena_dup(arena, NAMES, sizeof NAMES);
    plan->u.values.rows = CH_NEW_ARRAY(arena, ch_expr **, ROWS);
    for (int i = 0; i < ROWS; i++) {
        lead l = lead_at(i);
        const ch_literal row[4] = {ch_lit_long(l.age), ch_lit_double(l.salary), ch_lit_text(arena, l.source),
                                   ch_lit_int(l.visits)};
        plan->u.values.rows[i] = CH_NEW_ARRAY(arena, ch_expr *, 4);
        for (int k = 0; k < 4; k++) plan->u.values.rows[i][k] = ch_expr_literal(arena, &row[k]);
    }
    return plan;
}

/* The stages as a client of the engine would apply them. */
static const char *predicted_by_query(ch_engine *engine, ch_arena *arena, const char *path)
{
    ch_error err;
    ch_saved saved;
    ch_session *session;
    if (ch_session_open(engine, &session, &err) || ch_saved_read(arena, path, &saved, &err))
        fail_msg("%s", err.message);
    ch_ml *ml = ch_ml_new(session);
    ch_plan *plan = leads_as_plan(arena);
    for (size_t i = 0; i < saved.n; i++) {
        ch_saved stage;
        ch_ml_value value;
        ch_transform *t = NULL;
        if (ch_saved_read(arena, saved.paths[i], &stage, &err) ||
            ch_ml_read(ml, arena, stage.class_name, saved.paths[i], NULL, &value, &err) ||
            (value.ids ? ch_ml_model_transform(ml, value.ids, &value.op.params, &t, &err)
                       : ch_ml_transformer(ml, &value.op, &t, &err)))
            fail_msg("%s", err.message);
        plan = ch_plan_new(arena, CH_PLAN_TRANSFORM, plan);
        plan->u.transform = ch_transform_hold(arena, t);
        ch_transform_release(t);
    }
    ch_plan *project = ch_plan_new(arena, CH_PLAN_PROJECT, plan);
    project->u.project.exprs = CH_NEW(arena, ch_expr *);
    project->u.project.n = 1;
    project->u.project.exprs[0] = ch_expr_name(arena, "prediction");
    size_t nrow, ncol;
    ch_literal **rows;
    if (ch_query_rows(session, project, 1000, NULL, arena, &nrow, &ncol, &rows, &err)) fail_msg("%s", err.message);
    ch_buf out = {0};
    ch_buf_str(&out, "{\"predictions\":[");
    for (size_t i = 0; i < nrow; i++) {
        if (i) ch_buf_char(&out, ',');
        if (rows[i][0].type->kind == CH_DOUBLE)
            ch_buf_java_double(&out, rows[i][0].v.real);
        else
            ch_buf_printf(&out, "%lld", (long long)rows[i][0].v.integer);
    }
    ch_buf_str(&out, "]}");
    const char *text = ch_arena_strdup(arena, ch_buf_text(&out));
    ch_buf_reset(&out);
    ch_ml_free(ml);
    ch_session_release(session);
    return text;
}

static void predictions(void **state)
{
    static const char *const NAMES[] = {"leads", "strict", "skipping", "forest"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        ch_arena *arena = ch_arena_new();
        ch_served *model = load(*state, NAMES[i]);
        const char *body = leads_as_json(arena);
        const char *expected = predicted_by_query(*state, arena, ch_arena_printf(arena, MODELS "%s/sparkml", NAMES[i]));
        assert_true(strlen(expected) > ROWS); /* rows, and not all of one class */
        assert_true(strstr(expected, "0") && strstr(expected, "1"));
        assert_string_equal(ask(arena, model, body), expected);
        ch_served_release(model);
        ch_arena_free(arena);
    }
}

/* More combinations of types than scorers are kept for. */
static void many_types(void **state)
{
    ch_served *model = load(*state, "plain");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 27; i++) {
            static const char *const VALUES[3] = {"30", "30.0", "true"};
            ch_arena *arena = ch_arena_new();
            const char *answer = ask(arena, model,
                                     ch_arena_printf(arena,
                                                     "{\"dataframe_records\":[{\"age\":%s,\"salary\":%s,\"visits\":%s,"
                                                     "\"source\":\"web\"}]}",
                                                     VALUES[i % 3], VALUES[i / 3 % 3], VALUES[i / 9]));
            assert_true(strcmp(answer, "{\"predictions\":[1.0]}") == 0 ||
                        strcmp(answer, "{\"predictions\":[0.0]}") == 0);
            ch_arena_free(arena);
        }
    }
    ch_served_release(model);
}

/* ---- the table of loaded models ---- */

typedef struct asker {
    ch_models *models;
    ch_served *got;
    int status;
} asker;

static ch_model_source source_of(const char *name)
{
    return (ch_model_source){.key = name, .path = MODELS "names", .name = name, .version = "1"};
}

static void *ask_for_one(void *arg)
{
    ch_error err;
    asker *a = arg;
    ch_model_source source = source_of("one");
    a->status = ch_models_get(a->models, &source, &a->got, &err);
    return NULL;
}

static void loaded_once(void **state)
{
    enum { ASKERS = 12 };
    ch_models *models = ch_models_new(*state, 4);
    asker askers[ASKERS];
    pthread_t threads[ASKERS];
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (asker){.models = models};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_for_one, &askers[i]), 0);
    }
    for (int i = 0; i < ASKERS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < ASKERS; i++) {
        assert_int_equal(askers[i].status, 0);
        assert_ptr_equal(askers[i].got, askers[0].got);
        ch_served_release(askers[i].got);
    }
    assert_int_equal(ch_models_count(models), 1);
    ch_models_free(models);
}

static void least_used_goes(void **state)
{
    ch_error err;
    ch_served *held, *other;
    ch_models *models = ch_models_new(*state, 2);
    ch_model_source a = source_of("a"), b = source_of("b"), c = source_of("c");
    assert_int_equal(ch_models_get(models, &a, &held, &err), 0);
    assert_int_equal(ch_models_get(models, &b, &other, &err), 0);
    ch_served_release(other);
    other = ch_models_find(models, "a");
    assert_ptr_equal(other, held);
    ch_served_release(other);
    assert_int_equal(ch_models_get(models, &c, &other, &err), 0);
    ch_served_release(other);
    assert_null(ch_models_find(models, "b"));
    assert_int_equal(ch_models_count(models), 2);
    assert_true(ch_models_drop(models, "a"));
    assert_false(ch_models_drop(models, "a"));
    ch_arena *arena = ch_arena_new(); /* who has it keeps it */
    assert_string_equal(ask(arena, held, "{\"inputs\":{\"source\":[\"web\"]}}"), "{\"predictions\":[2.0]}");
    ch_arena_free(arena);
    ch_served_release(held);
    ch_models_free(models);
}

static void failures_remembered(void **state)
{
    ch_error err;
    ch_served *got;
    char folder[] = "/tmp/chert-serve-XXXXXX", link[64];
    assert_non_null(mkdtemp(folder));
    snprintf(link, sizeof link, "%s/m", folder);
    ch_models *models = ch_models_new(*state, 2);
    ch_model_source source = {.key = "m", .path = link, .name = "m", .version = "1"};
    assert_int_equal(ch_models_get(models, &source, &got, &err), CH_E_FILE_NOT_FOUND);
    assert_int_equal(symlink(MODELS "names", link), 0);
    assert_int_equal(ch_models_get(models, &source, &got, &err), CH_E_FILE_NOT_FOUND); /* not looked at again so soon */
    sleep(3);
    assert_int_equal(ch_models_get(models, &source, &got, &err), 0);
    ch_served_release(got);
    ch_models_free(models);
    unlink(link);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predictions),     cmocka_unit_test(many_types),          cmocka_unit_test(loaded_once),
        cmocka_unit_test(least_used_goes), cmocka_unit_test(failures_remembered),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
