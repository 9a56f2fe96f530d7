/* test_tree_spark.c: trees, forests and boosted trees against what a real Spark grew on the same data. The cases are
 * files of tree_cases/, written by tree_cases/record.py, which generates the data in the same way.
 *
 * Structure (children, features, counts, categories) must be equal. Numbers are compared to 1e-9, relative to their
 * size or to 1: they come from the same operations in the same order, but for exp and log, where the C library and the
 * JVM may differ in the last place.
 */
#include "testing.h"

#include "base/error.h"
#include "math/tree.h"

#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 16, LINE = 1 << 14 };

typedef struct spec {
    char model[64], weights[64];
    size_t rows, columns;
    char kind[MAX_COLUMNS];
    int number[MAX_COLUMNS]; /* after the kind's letter */
    int classes, validation;
    uint64_t data_seed;
    ch_forest_params forest;
    ch_gbt_params gbt;
    ch_tree_params tree;
} spec;

/* ---- the data, as record.py makes them ---- */

static double next_uniform(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double make_value(char kind, int number, double u)
{
    switch (kind) {
    case 'u': return u;
    case 'n': return floor(u * 100) - 50.0;
    case 'z': return u < 0.7 ? 0 : (u - 0.85) * 10;
    case 't': return floor(u * u * 20) / 4;
    default: return floor(u * number);
    }
}

typedef struct data {
    double *x, *label, *weight;
    bool *check;
} data;

static double make_label(const spec *s, const double *x, double noise)
{
    double sum = 0;
    for (size_t j = 0; j < s->columns; j++) {
        double slope = ((double)((j * 7 + 3) % 5) - 1.5);
        sum += x[j] * slope / (s->kind[j] == 'n' ? 20.0 : 1.0);
    }
    if (x[0] > 0.5) sum = 1.0 - sum;
    if (s->classes == 0) return sum + noise;
    return (double)((long)floor(fabs(sum) * 2 + noise * 1.5) % s->classes);
}

static double make_weight(const spec *s, double u)
{
    if (strcmp(s->weights, "quarters") == 0) return 0.25 + floor(u * 8) / 4;
    return strcmp(s->weights, "any") == 0 ? 0.1 + 2 * u : 1.0;
}

static data make_data(const spec *s)
{
    data d = {malloc(s->rows * s->columns * sizeof(double)), malloc(s->rows * sizeof(double)),
              malloc(s->rows * sizeof(double)), malloc(s->rows * sizeof(bool))};
    assert_true(d.x && d.label && d.weight && d.check);
    uint64_t state = s->data_seed;
    for (size_t i = 0; i < s->rows; i++) {
        double *x = d.x + i * s->columns;
        for (size_t j = 0; j < s->columns; j++) x[j] = make_value(s->kind[j], s->number[j], next_uniform(&state));
        d.label[i] = make_label(s, x, next_uniform(&state));
        d.weight[i] = make_weight(s, next_uniform(&state));
        d.check[i] = s->validation > 0 && i % (size_t)s->validation == 0;
    }
    return d;
}

static void free_data(data *d)
{
    free(d->x);
    free(d->label);
    free(d->weight);
    free(d->check);
}

/* The rows whose check is `check`, moved to a block of their own. */
static data pick(const spec *s, const data *all, bool check, size_t *rows)
{
    data d = {malloc(s->rows * s->columns * sizeof(double)), malloc(s->rows * sizeof(double)),
              malloc(s->rows * sizeof(double)), NULL};
    assert_true(d.x && d.label && d.weight);
    *rows = 0;
    for (size_t i = 0; i < s->rows; i++) {
        if (all->check[i] != check) continue;
        memcpy(d.x + *rows * s->columns, all->x + i * s->columns, s->columns * sizeof(double));
        d.label[*rows] = all->label[i];
        d.weight[(*rows)++] = all->weight[i];
    }
    return d;
}

static ch_matrix matrix_of(const spec *s, const data *d, size_t rows)
{
    return (ch_matrix){.rows = rows,
                       .cols = s->columns,
                       .dense = d->x,
                       .label = d->label,
                       .weight = strcmp(s->weights, "none") ? d->weight : NULL};
}

/* ---- reading a case ---- */

static void set_param(spec *s, const char *name, const char *value)
{
    const double number = atof(value);
    if (!strcmp(name, "maxDepth"))
        s->tree.max_depth = atoi(value);
    else if (!strcmp(name, "maxBins"))
        s->tree.max_bins = atoi(value);
    else if (!strcmp(name, "minInstancesPerNode"))
        s->tree.min_instances_per_node = atoi(value);
    else if (!strcmp(name, "minWeightFractionPerNode"))
        s->tree.min_weight_fraction_per_node = number;
    else if (!strcmp(name, "minInfoGain"))
        s->tree.min_info_gain = number;
    else if (!strcmp(name, "maxMemoryInMB"))
        s->tree.max_memory_mb = atoi(value);
    else if (!strcmp(name, "subsamplingRate"))
        s->tree.subsampling_rate = number;
    else if (!strcmp(name, "seed"))
        s->tree.seed = atoll(value);
    else if (!strcmp(name, "impurity"))
        s->tree.impurity = strcmp(value, "gini") ? CH_TREE_ENTROPY : CH_TREE_GINI;
    else if (!strcmp(name, "featureSubsetStrategy"))
        s->tree.feature_subset = strcmp(value, "sqrt") ? "all" : "sqrt";
    else if (!strcmp(name, "numTrees"))
        s->forest.trees = atoi(value);
    else if (!strcmp(name, "bootstrap"))
        s->forest.bootstrap = strcmp(value, "False") != 0;
    else if (!strcmp(name, "maxIter"))
        s->gbt.max_iter = atoi(value);
    else if (!strcmp(name, "stepSize"))
        s->gbt.step_size = number;
    else if (!strcmp(name, "validationTol"))
        s->gbt.validation_tol = number;
    else if (!strcmp(name, "lossType"))
        s->gbt.loss = CH_GBT_ABSOLUTE;
    else
        fail_msg("unknown param %s", name);
}

static void start_model(spec *s, const char *model)
{
    const bool regression = strstr(model, "regression") != NULL;
    snprintf(s->model, sizeof s->model, "%s", model);
    s->forest = ch_forest_defaults();
    s->gbt = ch_gbt_defaults();
    s->tree = strncmp(model, "gbt", 3) == 0 ? s->gbt.tree : s->forest.tree;
    if (regression) s->tree.impurity = CH_TREE_VARIANCE;
    if (regression) s->gbt.loss = CH_GBT_SQUARED;
    if (strncmp(model, "tree", 4) == 0) {
        s->tree.feature_subset = "all";
        s->forest.trees = 1;
        s->forest.bootstrap = false;
    }
}

static void read_columns(spec *s, char *text)
{
    for (char *save, *word = strtok_r(text, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
        assert_true(s->columns < MAX_COLUMNS);
        s->kind[s->columns] = word[0];
        s->number[s->columns++] = atoi(word + 1);
    }
}

/* Reads the lines before "importances", which is left in `line`. */
static void read_spec(FILE *file, char *line, spec *s)
{
    while (fgets(line, LINE, file) && strncmp(line, "importances", 11) != 0) {
        char name[64], value[64] = "";
        assert_true(sscanf(line, "%63s %63s", name, value) >= 1);
        if (!strcmp(name, "model"))
            start_model(s, value);
        else if (!strcmp(name, "rows"))
            s->rows = (size_t)atoll(value);
        else if (!strcmp(name, "columns"))
            read_columns(s, line + strlen("columns "));
        else if (!strcmp(name, "classes"))
            s->classes = atoi(value);
        else if (!strcmp(name, "weights"))
            snprintf(s->weights, sizeof s->weights, "%s", value);
        else if (!strcmp(name, "data_seed"))
            s->data_seed = (uint64_t)atoll(value);
        else if (!strcmp(name, "validation"))
            s->validation = atoi(value);
        else if (!strcmp(name, "param")) {
            char key[64];
            assert_int_equal(sscanf(line, "param %63s %63s", key, value), 2);
            set_param(s, key, value);
        }
    }
    s->forest.tree = s->gbt.tree = s->tree;
    s->forest.classes = s->classes;
}

/* ---- comparing ---- */

static const char *current_case;
static int current_tree, current_node;

static void check_number(const char *what, double ours, double spark)
{
    double size = fabs(spark) > 1 ? fabs(spark) : 1;
    if (fabs(ours - spark) <= 1e-9 * size) return;
    fail_msg("%s, tree %d, node %d: %s is %.17g, Spark's %.17g", current_case, current_tree, current_node, what, ours,
             spark);
}

static void check_integer(const char *what, long long ours, long long spark)
{
    if (ours == spark) return;
    fail_msg("%s, tree %d, node %d: %s is %lld, Spark's %lld", current_case, current_tree, current_node, what, ours,
             spark);
}

/* A line "id left right rawCount prediction impurity gain feature numCategories n value... | stat..." */
static void check_node(const ch_forest *forest, char *line)
{
    ch_tree_row row;
    ch_forest_row(forest, current_tree, current_node, &row);
    char *at = line;
    check_integer("id", row.id, strtoll(at, &at, 10));
    check_integer("left child", row.left, strtoll(at, &at, 10));
    check_integer("right child", row.right, strtoll(at, &at, 10));
    check_integer("raw count", row.raw_count, strtoll(at, &at, 10));
    check_number("prediction", row.prediction, strtod(at, &at));
    check_number("impurity", row.impurity, strtod(at, &at));
    check_number("gain", row.gain, strtod(at, &at));
    check_integer("feature", row.feature, strtoll(at, &at, 10));
    check_integer("number of categories", row.num_categories, strtoll(at, &at, 10));
    long long n = strtoll(at, &at, 10);
    check_integer("number of split values", (long long)row.nsplit_values, n);
    for (size_t i = 0; i < row.nsplit_values; i++) check_number("split value", row.split_values[i], strtod(at, &at));
    while (*at == ' ' || *at == '|') at++;
    for (size_t i = 0; i < row.nstats; i++) check_number("impurity statistic", row.stats[i], strtod(at, &at));
}

static void check_importances(const ch_forest *forest, const char *line)
{
    double *importances = malloc((size_t)forest->features * sizeof *importances);
    assert_non_null(importances);
    ch_forest_importances(forest, forest->weight[forest->trees - 1] == 1, importances);
    char *at = (char *)line + strlen("importances");
    for (int32_t f = 0; f < forest->features; f++) check_number("importance", importances[f], strtod(at, &at));
    free(importances);
}

static void check_losses(const spec *s, const ch_forest *forest, const ch_matrix *m, const char *line)
{
    double *losses = malloc((size_t)forest->trees * sizeof *losses);
    assert_non_null(losses);
    ch_error err;
    assert_int_equal(ch_gbt_losses(forest, s->gbt.loss, m, losses, &err), 0);
    char *at = (char *)line + strlen("losses");
    for (int32_t t = 0; t < forest->trees; t++) check_number("loss", losses[t], strtod(at, &at));
    free(losses);
}

/* What the model's raw prediction column is made from. */
static ch_forest_output output_of(const spec *s)
{
    if (strncmp(s->model, "gbt", 3) == 0) return CH_FOREST_MARGIN;
    if (s->classes == 0) return CH_FOREST_MEAN;
    return strncmp(s->model, "tree", 4) == 0 ? CH_FOREST_STATS : CH_FOREST_VOTES;
}

/* A line "predict raw... leaf..." of one row. */
static void check_prediction(const spec *s, const ch_forest *forest, const ch_matrix *row, const char *line)
{
    ch_error err;
    const ch_forest_output what = output_of(s);
    const size_t width = ch_forest_width(forest, what), trees = (size_t)forest->trees;
    double *raw = malloc((width + trees) * sizeof *raw), *leaves = raw + width;
    assert_non_null(raw);
    assert_int_equal(ch_forest_predict(forest, what, row, raw, &err), 0);
    assert_int_equal(ch_forest_predict(forest, CH_FOREST_LEAVES, row, leaves, &err), 0);
    char *at = (char *)line + strlen("predict");
    if (what == CH_FOREST_MARGIN && s->classes) check_number("minus margin", -raw[0], strtod(at, &at));
    for (size_t k = 0; k < width; k++) check_number("raw prediction", raw[k], strtod(at, &at));
    for (size_t t = 0; t < trees; t++) check_number("leaf", leaves[t], strtod(at, &at));
    free(raw);
}

static void check_trees(const ch_forest *forest, FILE *file, char *line)
{
    int trees = 0;
    do {
        double weight;
        int nodes;
        assert_int_equal(sscanf(line, "tree %d %lf %d", &current_tree, &weight, &nodes), 3);
        assert_int_equal(current_tree, trees++);
        assert_true(current_tree < forest->trees);
        current_node = -1;
        check_number("weight", forest->weight[current_tree], weight);
        for (current_node = 0; current_node < nodes; current_node++) {
            assert_non_null(fgets(line, LINE, file));
            if (current_node < forest->tree[current_tree].nodes) check_node(forest, line);
        }
        check_integer("number of nodes", forest->tree[current_tree].nodes, nodes);
    } while (fgets(line, LINE, file));
    check_integer("number of trees", forest->trees, trees);
}

/* m: all rows of the case. */
static void check_model(const spec *s, const ch_forest *forest, const ch_matrix *m, FILE *file, char *line)
{
    current_tree = current_node = -1;
    check_importances(forest, line);
    ch_matrix row = {.rows = 1, .cols = m->cols, .dense = m->dense};
    while (fgets(line, LINE, file) && strncmp(line, "tree", 4) != 0) {
        if (strncmp(line, "losses", 6) == 0) {
            check_losses(s, forest, m, line);
        } else {
            check_prediction(s, forest, &row, line);
            row.dense += m->cols;
        }
    }
    assert_true(row.dense > m->dense);
    check_trees(forest, file, line);
}

static ch_forest *fit(const spec *s, const ch_matrix *m, const ch_matrix *validation)
{
    int32_t arity[MAX_COLUMNS];
    for (size_t j = 0; j < s->columns; j++) arity[j] = s->kind[j] == 'k' ? s->number[j] : 0;
    ch_forest *forest = NULL;
    ch_error err;
    int status = strncmp(s->model, "gbt", 3) == 0 ? ch_gbt_fit(m, validation, arity, &s->gbt, &forest, &err)
                                                  : ch_forest_fit(m, arity, &s->forest, &forest, &err);
    if (status) fail_msg("%s: %s", current_case, err.message);
    return forest;
}

static void run_case(void **state)
{
    current_case = *state;
    char *line = malloc(LINE), path[512];
    assert_non_null(line);
    snprintf(path, sizeof path, "%s/math/tree_cases/%s", TESTS_DIR, current_case);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    spec s = {0};
    read_spec(file, line, &s);
    data all = make_data(&s);
    const ch_matrix m = matrix_of(&s, &all, s.rows);
    ch_forest *forest;
    if (s.validation) {
        size_t rows, validation_rows;
        data train = pick(&s, &all, false, &rows), validation = pick(&s, &all, true, &validation_rows);
        ch_matrix t = matrix_of(&s, &train, rows), v = matrix_of(&s, &validation, validation_rows);
        forest = fit(&s, &t, &v);
        free_data(&train);
        free_data(&validation);
    } else {
        forest = fit(&s, &m, NULL);
    }
    check_model(&s, forest, &m, file, line);
    ch_forest_free(forest);
    free_data(&all);
    fclose(file);
    free(line);
}

static int is_case(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".txt") == 0;
}

int main(void)
{
    struct dirent **entries;
    int n = scandir(TESTS_DIR "/math/tree_cases", &entries, is_case, alphasort);
    if (n <= 0) return 1;
    struct CMUnitTest *tests = calloc((size_t)n, sizeof *tests);
    if (!tests) return 1;
    for (int i = 0; i < n; i++) {
        tests[i].name = entries[i]->d_name;
        tests[i].test_func = run_case;
        tests[i].initial_state = entries[i]->d_name;
    }
    int failed = _cmocka_run_group_tests("trees as Spark grows them", tests, (size_t)n, NULL, NULL);
    for (int i = 0; i < n; i++) free(entries[i]);
    free(entries);
    free(tests);
    return failed;
}
