/* lead_scoring.c: the job of lead_scoring.py through the C library: read leads, train three models, compare them, save
 * the best with its predictions, load it again and score single leads in memory.
 *
 *     cc lead_scoring.c $(pkg-config --cflags --libs chert) -o lead_scoring && ./lead_scoring LEADS.csv OUTPUT_FOLDER
 */
#include <chert.h>

#include <stdio.h>
#include <stdlib.h>

static chert_error err;

/* Ends the program with the library's message when a call failed. */
static void must(int status)
{
    if (status) {
        fprintf(stderr, "lead_scoring: %s\n", err.message);
        exit(1);
    }
}

static chert_stage *stage(chert_context *ctx, const char *name)
{
    chert_stage *s;
    must(chert_stage_new(ctx, name, &s, &err));
    return s;
}

/* From the raw columns to one standardised vector, then the classifier. Takes the classifier over. */
static chert_stage *pipeline(chert_context *ctx, chert_stage *classifier)
{
    static const char *const index[] = {"action_index"}, *const code[] = {"action"};
    static const char *const columns[] = {"age", "salary", "web_visits", "action"};
    chert_stage *all[] = {stage(ctx, "StringIndexer"), stage(ctx, "OneHotEncoder"), stage(ctx, "VectorAssembler"),
                          stage(ctx, "StandardScaler"), classifier};
    chert_stage *out;
    must(chert_set_string(all[0], "inputCol", "last_action", &err));
    must(chert_set_string(all[0], "outputCol", "action_index", &err));
    must(chert_set_string(all[0], "handleInvalid", "keep", &err));
    must(chert_set_strings(all[1], "inputCols", index, 1, &err));
    must(chert_set_strings(all[1], "outputCols", code, 1, &err));
    must(chert_set_strings(all[2], "inputCols", columns, 4, &err));
    must(chert_set_string(all[2], "outputCol", "raw_features", &err));
    must(chert_set_string(all[3], "inputCol", "raw_features", &err));
    must(chert_set_string(all[3], "outputCol", "features", &err));
    must(chert_set_bool(all[3], "withMean", 1, &err));
    must(chert_set_string(classifier, "labelCol", "converted", &err));
    must(chert_pipeline_new(ctx, all, 5, &out, &err));
    for (size_t i = 0; i < 5; i++) chert_stage_free(all[i]);
    return out;
}

static double metric(chert_context *ctx, const char *evaluator, const char *name, const chert_frame *predictions)
{
    double value;
    chert_stage *e = stage(ctx, evaluator);
    must(chert_set_string(e, "labelCol", "converted", &err));
    must(chert_set_string(e, "metricName", name, &err));
    must(chert_evaluate(e, predictions, &value, &err));
    chert_stage_free(e);
    return value;
}

/* Loads the saved model and asks it about two people. */
static void score_two(chert_context *ctx, const char *path)
{
    const double age[] = {38, 64}, salary[] = {82000, 31000}, visits[] = {24, 2};
    const char *action[] = {"form_submit", "web_view"};
    const chert_values leads[] = {{"age", CHERT_DOUBLE, age, NULL},
                                  {"salary", CHERT_DOUBLE, salary, NULL},
                                  {"web_visits", CHERT_DOUBLE, visits, NULL},
                                  {"last_action", CHERT_STRING, action, NULL}};
    const char *const wanted[] = {"probability[1]", "prediction"};
    double probability[2], prediction[2], *results[] = {probability, prediction};
    chert_model *model;
    chert_scorer *scorer;
    must(chert_load(ctx, path, &model, &err));
    must(chert_scorer_new(model, leads, 4, wanted, 2, &scorer, &err));
    chert_model_free(model);
    must(chert_score(scorer, leads, 2, results, &err));
    for (int i = 0; i < 2; i++)
        printf("lead of %.0f with %.0f visits: %.1f %%, %s\n", age[i], visits[i], 100 * probability[i],
               prediction[i] > 0 ? "call" : "leave");
    chert_scorer_free(scorer);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"GBTClassifier", "RandomForestClassifier", "LogisticRegression"};
    const double weights[] = {0.8, 0.2};
    chert_context *ctx;
    chert_frame *leads, *parts[2], *predictions, *chosen;
    chert_model *best = NULL;
    double best_auc = -1;
    int64_t rows;
    char path[4096];
    if (argc != 3) {
        fprintf(stderr, "usage: lead_scoring LEADS.csv OUTPUT_FOLDER\n");
        return 2;
    }
    must(chert_open(NULL, &ctx, &err));
    must(chert_read(ctx, "csv", argv[1], "header=true,inferSchema=true", &leads, &err));
    must(chert_count(leads, &rows, &err));
    must(chert_split(leads, weights, 2, 42, parts, &err));
    printf("%lld leads\n%-24s %8s %9s %8s\n", (long long)rows, "model", "AUC", "accuracy", "F1");
    for (int i = 0; i < 3; i++) {
        chert_stage *classifier = stage(ctx, names[i]);
        if (i == 1) must(chert_set_int(classifier, "numTrees", 50, &err));
        if (i == 2)
            must(chert_set_double(classifier, "regParam", 0.01, &err));
        else
            must(chert_set_int(classifier, "seed", 42, &err));
        chert_stage *steps = pipeline(ctx, classifier);
        chert_model *model;
        must(chert_fit(steps, parts[0], &model, &err));
        must(chert_transform(model, parts[1], &predictions, &err));
        double auc = metric(ctx, "BinaryClassificationEvaluator", "areaUnderROC", predictions);
        printf("%-24s %8.4f %9.4f %8.4f\n", names[i], auc,
               metric(ctx, "MulticlassClassificationEvaluator", "accuracy", predictions),
               metric(ctx, "MulticlassClassificationEvaluator", "f1", predictions));
        if (auc > best_auc) {
            chert_model_free(best);
            best = model;
            best_auc = auc;
        } else {
            chert_model_free(model);
        }
        chert_frame_free(predictions);
        chert_stage_free(steps);
    }
    static const char *const kept[] = {"id", "probability", "prediction"};
    must(chert_transform(best, leads, &predictions, &err));
    must(chert_select(predictions, kept, 3, &chosen, &err));
    snprintf(path, sizeof path, "%s/predictions.parquet", argv[2]);
    must(chert_write(chosen, "parquet", path, "overwrite", NULL, &err));
    snprintf(path, sizeof path, "%s/best_model", argv[2]);
    must(chert_save(best, path, 1, &err));
    printf("best model in %s\n", path);
    score_two(ctx, path);
    chert_model_free(best);
    chert_frame *frames[] = {chosen, predictions, parts[0], parts[1], leads};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) chert_frame_free(frames[i]);
    chert_close(ctx);
    return 0;
}
