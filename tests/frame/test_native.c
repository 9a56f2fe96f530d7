/* C functions inside queries: what they see of the engine's vectors, what they may write, what happens to errors. */
#include "frame_testing.h"

#include "frame/engine/native.h"

/* --- a transform made of one function --- */

typedef struct test_transform {
    ch_transform base;
    ch_native *fn;
    size_t ninput, noutput;
    const char *input[4];
    const ch_type *input_type[4];
    ch_field output[4];
    bool keep_flag, replace;
} test_transform;

static int bind_test(ch_transform *self, ch_arena *arena, const ch_schema *in, const ch_plan *input_plan,
                     ch_binding *out, ch_error *err)
{
    (void)input_plan;
    test_transform *t = (test_transform *)self;
    size_t *places = CH_NEW_ARRAY(arena, size_t, t->ninput);
    for (size_t i = 0; i < t->ninput; i++) {
        size_t j = 0;
        while (j < in->n && strcmp(in->fields[j].name, t->input[i]) != 0) j++;
        if (j == in->n) return ch_raise(err, "FIELD_NOT_FOUND", "fieldName", t->input[i], "fields", "", (char *)NULL);
        places[i] = j;
    }
    *out = (ch_binding){.ninput = t->ninput,
                        .input = places,
                        .input_type = t->input_type,
                        .fn = ch_native_hold(arena, t->fn),
                        .noutput = t->noutput,
                        .output = t->output,
                        .keep_flag = t->keep_flag,
                        .replace = t->replace};
    return 0;
}

static void free_test(ch_transform *self)
{
    test_transform *t = (test_transform *)self;
    ch_native_release(t->fn);
    free(t);
}

typedef int (*eval_fn)(const void *state, const ch_batch *in, ch_column *out, ch_error *err);

static ch_plan *apply(frame_world *w, ch_plan *input, const ch_type *out_type, eval_fn eval, test_transform like)
{
    test_transform *t = malloc(sizeof *t);
    *t = like;
    t->base = (ch_transform){.name = "test", .bind = bind_test, .identity = "test", .free = free_test};
    atomic_init(&t->base.refs, 1);
    t->fn = ch_native_new("test", out_type, eval, NULL, NULL);
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_TRANSFORM, input);
    plan->u.transform = ch_transform_hold(w->arena, &t->base);
    ch_transform_release(&t->base);
    return plan;
}

static ch_field out_field(const char *name, const ch_type *type)
{
    return (ch_field){.name = name, .type = type, .nullable = true, .metadata = "{\"m\":1}"};
}

/* --- one output --- */

static int doubled(const void *state, const ch_batch *in, ch_column *out, ch_error *err)
{
    (void)state, (void)err;
    const double *x = in->cols[0].data;
    for (size_t i = 0; i < in->rows; i++) {
        ((double *)out->data)[i] = 2 * x[i];
        if (!ch_column_valid(&in->cols[0], i)) ch_column_set_null(out, i);
    }
    return 0;
}

static void test_one_output(void **state)
{
    frame_world *w = *state;
    test_transform like = {.ninput = 1, .input = {"x"}, .input_type = {&ch_type_double}, .noutput = 1};
    like.output[0] = out_field("y", &ch_type_double);
    ch_plan *input = sql_plan(w, "select 1 as x union all select null union all select 3");
    ch_plan *plan = apply(w, input, &ch_type_double, doubled, like);
    assert_string_equal(rows_of(w, plan), "1,2.0;NULL,NULL;3,6.0");
    assert_string_equal(schema_of(w, plan), "x INT,y DOUBLE");
    like.output[0].name = "x";
    like.replace = true;
    plan = apply(w, input, &ch_type_double, doubled, like);
    assert_string_equal(rows_of(w, plan), "2.0;NULL;6.0");
    /* many batches, several threads, used twice */
    ch_plan *many = select_plan(w, range_plan(w, 0, 1000000, 1), 1, "cast(id as double) as x");
    like.replace = false;
    like.output[0].name = "y";
    many = apply(w, many, &ch_type_double, doubled, like);
    assert_string_equal(
        rows_of(w, select_plan(w, filter_plan(w, many, "y >= 1999990"), 3, "min(y)", "max(y)", "count(*)")),
        "1999990.0,1999998.0,5");
    ch_query *q;
    ch_error err;
    assert_int_equal(ch_query_open(w->session, many, &q, &err), 0);
    assert_string_equal(ch_query_schema(q)->fields[1].metadata, "{\"m\":1}");
    ch_query_close(q);
    like.input[0] = "zz";
    assert_string_equal(rows_of(w, apply(w, input, &ch_type_double, doubled, like)), "!FIELD_NOT_FOUND");
}

/* --- several outputs, rows dropped --- */

static atomic_size_t rows_split;

static int split_row(const void *state, const ch_batch *in, ch_column *out, ch_error *err)
{
    (void)state, (void)err;
    const int64_t *x = in->cols[0].data;
    atomic_fetch_add(&rows_split, in->rows);
    for (size_t i = 0; i < in->rows; i++) {
        char text[64];
        int len = snprintf(text, sizeof text, "number %lld of a long list", (long long)x[i]);
        ((uint8_t *)out->child[0].data)[i] = x[i] % 2 == 0;
        ch_column_set_string(&out->child[1], i, text, (size_t)len);
        if (x[i] % 4 == 0) ch_column_set_null(&out->child[1], i);
        ((int32_t *)out->child[2].data)[i] = (int32_t)x[i];
    }
    return 0;
}

static void test_several_outputs(void **state)
{
    frame_world *w = *state;
    ch_field fields[] = {
        {"keep", &ch_type_boolean, false, NULL}, {"s", &ch_type_string, true, NULL}, {"n", &ch_type_int, true, NULL}};
    test_transform like = {.ninput = 1, .input = {"id"}, .noutput = 2, .keep_flag = true};
    like.output[0] = out_field("s", &ch_type_string);
    like.output[1] = out_field("n", &ch_type_int);
    ch_plan *plan = apply(w, range_plan(w, 0, 7, 1), ch_type_struct(w->arena, fields, 3), split_row, like);
    atomic_store(&rows_split, 0);
    assert_string_equal(rows_of(w, plan), "0,NULL,0;2,number 2 of a long list,2;4,NULL,4;6,number 6 of a long list,6");
    assert_int_equal(atomic_load(&rows_split), 7); /* once, though the filter and two columns use the result */
    assert_string_equal(rows_of(w, select_plan(w, plan, 1, "n")), "0;2;4;6");
    assert_string_equal(rows_of(w, select_plan(w, plan, 1, "count(*)")), "4");
}

/* --- vectors and lists --- */

/* Sum of a vector's values plus 1000 * its indices' sum plus 100000 * its size. */
static int vector_sums(const void *state, const ch_batch *in, ch_column *out, ch_error *err)
{
    (void)state;
    const ch_column *v = &in->cols[0];
    if (v->type->kind != CH_VECTOR) return ch_bug(err, "the argument is no vector");
    const int8_t *type = v->child[0].data;
    const int32_t *size = v->child[1].data, *index = v->child[2].child[0].data;
    const ch_list *indices = v->child[2].data, *values = v->child[3].data;
    const double *x = v->child[3].child[0].data;
    for (size_t i = 0; i < in->rows; i++) {
        double sum = 0;
        if (!ch_column_valid(v, i)) {
            ch_column_set_null(out, i);
            continue;
        }
        if (type[i] == 0) {
            for (uint64_t j = 0; j < indices[i].length; j++) sum += 1000.0 * index[indices[i].offset + j];
            sum += 100000.0 * size[i];
        }
        for (uint64_t j = 0; j < values[i].length; j++) sum += x[values[i].offset + j];
        ((double *)out->data)[i] = sum;
    }
    return 0;
}

static void test_vector_input(void **state)
{
    frame_world *w = *state;
    test_transform like = {.ninput = 1, .input = {"v"}, .noutput = 1};
    like.output[0] = out_field("y", &ch_type_double);
    /* parts that are constant, computed, nested in a CASE: whatever vectors the engine makes of them */
    const char *dense = "named_struct('type', cast(1 as tinyint), 'size', cast(null as int), 'indices', "
                        "cast(null as array<int>), 'values', array(cast(id as double), 0.5D)) as v";
    const char *both =
        "case when id % 2 = 0 then named_struct('type', cast(1 as tinyint), 'size', cast(null as int), "
        "'indices', cast(null as array<int>), 'values', array(1D, 2D)) else named_struct('type', "
        "cast(0 as tinyint), 'size', 9, 'indices', array(3, 4), 'values', array(1D, cast(id as double))) "
        "end as v";
    ch_plan *r = range_plan(w, 0, 5, 1);
    ch_plan *plan = apply(w, select_plan(w, r, 1, dense), &ch_type_double, vector_sums, like);
    assert_string_equal(rows_of(w, select_plan(w, plan, 1, "y")), "0.5;1.5;2.5;3.5;4.5");
    plan = apply(w, select_plan(w, r, 1, both), &ch_type_double, vector_sums, like);
    assert_string_equal(rows_of(w, select_plan(w, plan, 1, "y")), "3.0;907002.0;3.0;907004.0;3.0");
    plan = apply(w, filter_plan(w, select_plan(w, r, 2, "id", both), "id in (1, 2, 4)"), &ch_type_double, vector_sums,
                 like);
    assert_string_equal(rows_of(w, select_plan(w, plan, 1, "y")), "907002.0;3.0;3.0");
    /* the same struct in every row, and none at all */
    plan = apply(w,
                 select_plan(w, r, 1,
                             "named_struct('type', cast(1 as tinyint), 'size', cast(null as int), 'indices', "
                             "cast(null as array<int>), 'values', array(1D, 2D)) as v"),
                 &ch_type_double, vector_sums, like);
    assert_string_equal(rows_of(w, select_plan(w, plan, 1, "y")), "3.0;3.0;3.0;3.0;3.0");
    plan =
        apply(w,
              select_plan(w, r, 1,
                          "if(id = 3, named_struct('type', cast(1 as tinyint), 'size', cast(null as int), 'indices', "
                          "cast(null as array<int>), 'values', array(1D, 2D)), null) as v"),
              &ch_type_double, vector_sums, like);
    assert_string_equal(rows_of(w, select_plan(w, plan, 1, "y")), "NULL;NULL;NULL;3.0;NULL");
    /* through a sort and a join, which hand out slices and dictionaries */
    ch_plan *sorted = sort_plan(w, select_plan(w, range_plan(w, 0, 20000, 1), 2, "id", dense), "id", true);
    plan = apply(w, sorted, &ch_type_double, vector_sums, like);
    assert_string_equal(rows_of(w, count_plan(w, CH_PLAN_LIMIT, select_plan(w, plan, 1, "y"), 2)), "19999.5;19998.5");
    ch_plan *joined = ch_plan_new(w->arena, CH_PLAN_JOIN, sorted);
    joined->right = select_plan(w, range_plan(w, 0, 20000, 1), 2, "id as j", "id % 100 as g");
    joined->u.join.condition = text_expr(w, "id = g");
    plan = apply(w, joined, &ch_type_double, vector_sums, like);
    assert_string_equal(rows_of(w, select_plan(w, plan, 2, "count(y)", "max(y)")), "20000,99.5");
}

/* Row i gives the vector of values 0 .. i % 5 - 1, row 3 null. */
static int make_vectors(const void *state, const ch_batch *in, ch_column *out, ch_error *err)
{
    (void)state;
    const int64_t *id = in->cols[0].data;
    size_t total = 0;
    for (size_t i = 0; i < in->rows; i++) total += (size_t)(id[i] % 5);
    ch_column *values = &out->child[3];
    CH_TRY(ch_column_resize_list(values, total, err));
    size_t at = 0;
    for (size_t i = 0; i < in->rows; i++) {
        ((int8_t *)out->child[0].data)[i] = 1;
        ch_column_set_null(&out->child[1], i);
        ch_column_set_null(&out->child[2], i);
        ((ch_list *)values->data)[i] = (ch_list){at, (uint64_t)(id[i] % 5)};
        for (int64_t j = 0; j < id[i] % 5; j++) ((double *)values->child[0].data)[at++] = (double)j;
        if (id[i] == 3) ch_column_set_null(out, i);
    }
    return 0;
}

static void test_vector_output(void **state)
{
    frame_world *w = *state;
    test_transform make = {.ninput = 1, .input = {"id"}, .noutput = 1},
                   sum = {.ninput = 1, .input = {"v"}, .noutput = 1};
    make.output[0] = out_field("v", &ch_type_vector);
    sum.output[0] = out_field("y", &ch_type_double);
    ch_plan *made = apply(w, range_plan(w, 0, 5, 1), &ch_type_vector, make_vectors, make);
    assert_string_equal(rows_of(w, made), "0,{1 NULL NULL []};1,{1 NULL NULL [0.0]};2,{1 NULL NULL [0.0 1.0]};3,NULL;"
                                          "4,{1 NULL NULL [0.0 1.0 2.0 3.0]}");
    /* one function's output is another's input, also after it went through a table */
    ch_plan *big = apply(w, range_plan(w, 0, 100000, 1), &ch_type_vector, make_vectors, make);
    ch_plan *summed =
        select_plan(w, apply(w, big, &ch_type_double, vector_sums, sum), 3, "count(y)", "max(y)", "avg(y)");
    assert_string_equal(rows_of(w, summed), "99999,6.0,1.999989999899999"); /* (20000 * 10 - 3) / 99999 */
    ch_error err;
    assert_int_equal(ch_cache_add(w->session, big, "", &err), 0);
    assert_string_equal(rows_of(w, summed), "99999,6.0,1.999989999899999");
    ch_cache_clear(w->session);
}

/* --- errors --- */

static int refuse(const void *state, const ch_batch *in, ch_column *out, ch_error *err)
{
    (void)state, (void)out;
    if (((const int64_t *)in->cols[0].data)[0] == 0) {
        ch_raise(err, "CAST_INVALID_INPUT", "expression", "'a, \"b\"\n]'", "sourceType", "\"STRING\"", "targetType",
                 "\"INT\"", (char *)NULL);
        err->kind = CH_E_DATETIME;
        return (int)err->kind;
    }
    return ch_failf(err, CH_E_IO, "no \x1f condition [here]");
}

static void test_errors(void **state)
{
    frame_world *w = *state;
    test_transform like = {.ninput = 1, .input = {"id"}, .noutput = 1};
    like.output[0] = out_field("y", &ch_type_double);
    for (int start = 0; start < 2; start++) {
        ch_query *q;
        ch_error err;
        const ch_batch *batch;
        ch_plan *plan = apply(w, range_plan(w, start, 5, 1), &ch_type_double, refuse, like);
        assert_int_equal(ch_query_open(w->session, plan, &q, &err), 0);
        int status = ch_query_start(q, NULL, &err);
        if (!status) status = ch_query_next(q, &batch, &err);
        if (start == 0) {
            assert_int_equal(status, CH_E_DATETIME);
            assert_string_equal(err.condition, "CAST_INVALID_INPUT");
            assert_string_equal(err.sqlstate, "22018");
            assert_int_equal(err.nparam, 3);
            assert_string_equal(err.param_value[0], "'a, \"b\"\n]'");
            assert_non_null(strstr(err.message, "'a, \"b\"\n]' of the type \"STRING\" cannot be cast to \"INT\""));
        } else {
            assert_int_equal(status, CH_E_IO);
            assert_string_equal(err.condition, "");
            assert_non_null(strstr(err.message, "condition [here]"));
        }
        ch_query_close(q);
    }
}

/* --- lives --- */

static int freed;

static void count_free(void *state)
{
    (void)state;
    freed++;
}

static void test_references(void **state)
{
    frame_world *w = *state;
    static int something;
    ch_native *fn = ch_native_new("counted", &ch_type_double, doubled, &something, count_free);
    ch_native *other = ch_native_new("counted", &ch_type_double, doubled, &something, count_free);
    assert_true(fn->id != other->id);
    ch_arena *arena = ch_arena_new();
    ch_native_hold(arena, fn);
    ch_native_release(fn);
    assert_int_equal(freed, 0);
    ch_arena_free(arena);
    assert_int_equal(freed, 1);
    ch_native_release(ch_native_retain(other));
    assert_int_equal(freed, 1);
    ch_native_release(other);
    assert_int_equal(freed, 2);
    ch_native_release(NULL);
    ch_transform_release(NULL);
    (void)w;
}

/* --- columns of our own --- */

static void test_own_columns(void **state)
{
    (void)state;
    ch_error err;
    ch_arena *arena = ch_arena_new();
    ch_column *s = ch_column_new(&ch_type_string, 3);
    ch_column_set_string(s, 0, "short", 5);
    ch_column_set_string(s, 1, "a string that does not fit into twelve bytes", 44);
    ch_column_set_null(s, 2);
    assert_int_equal(ch_string_len((ch_string *)s->data + 1), 44);
    assert_memory_equal(ch_string_data((ch_string *)s->data + 1), "a string that does not fit", 26);
    assert_memory_equal(ch_string_data((ch_string *)s->data), "short", 5);
    assert_true(ch_column_valid(s, 1));
    assert_false(ch_column_valid(s, 2));
    ch_column_free(s);
    ch_column *m = ch_column_new(ch_type_map(arena, &ch_type_string, &ch_type_long, true), 2);
    assert_int_equal(ch_column_resize_list(m, 3, &err), 0);
    assert_int_equal(m->child[0].rows, 3);
    assert_int_equal(m->child[0].nchild, 2);
    ch_column_set_null(&m->child[0].child[1], 2);
    assert_int_equal(ch_column_resize_list(m, 300, &err), 0);
    assert_false(ch_column_valid(&m->child[0].child[1], 2));
    assert_true(ch_column_valid(&m->child[0].child[1], 299));
    ((int64_t *)m->child[0].child[1].data)[299] = 7;
    ch_column_free(m);
    ch_column *v = ch_column_new(&ch_type_vector, 70);
    ch_column_set_null(v, 69);
    assert_false(ch_column_valid(v, 69));
    assert_false(ch_column_valid(&v->child[3], 69));
    assert_true(ch_column_valid(&v->child[3], 68));
    ch_column_free(v);
    ch_column_free(ch_column_new(&ch_type_double, 0));
    ch_column_free(NULL);
    ch_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_output),   cmocka_unit_test(test_several_outputs),
        cmocka_unit_test(test_vector_input), cmocka_unit_test(test_vector_output),
        cmocka_unit_test(test_errors),       cmocka_unit_test(test_references),
        cmocka_unit_test(test_own_columns),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
