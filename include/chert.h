/* chert.h: the C library of chert: train, save, load and score Spark ML pipelines inside your own program.
 *
 *     #include <chert.h>
 *
 *     chert_error err;
 *     chert_context *ctx;
 *     chert_frame *all, *parts[2], *scored;
 *     chert_stage *stages[3], *pipeline;
 *     chert_model *model;
 *     const char *inputs[] = {"age", "salary"};
 *     double weights[] = {0.8, 0.2};
 *
 *     if (chert_open(NULL, &ctx, &err)) goto failed;
 *     if (chert_read(ctx, "csv", "leads.csv", "header=true,inferSchema=true", &all, &err)) goto failed;
 *     if (chert_split(all, weights, 2, 42, parts, &err)) goto failed;
 *
 *     chert_stage_new(ctx, "VectorAssembler", &stages[0], &err);
 *     chert_set_strings(stages[0], "inputCols", inputs, 2, &err);
 *     chert_set_string(stages[0], "outputCol", "features", &err);
 *     ...
 *     if (chert_pipeline_new(ctx, stages, 3, &pipeline, &err)) goto failed;
 *     if (chert_fit(pipeline, parts[0], &model, &err)) goto failed;
 *     if (chert_transform(model, parts[1], &scored, &err)) goto failed;
 *     if (chert_save(model, "model", 1, &err)) goto failed;
 *     ...
 * failed:
 *     fprintf(stderr, "%s\n", err.message);
 *
 * examples/lead_scoring.c is a whole program.
 *
 * Errors. Every function that can fail returns 0 or a chert_status and takes a chert_error of the caller's as its last
 * argument, which it fills before it returns non-zero. Nothing is written to *out then.
 * Ownership. What a function gives through a `**out` is the caller's, to be released with the function of its type.
 * Text and arrays passed in are copied. Releasing NULL does nothing. A context must be closed last.
 * Threads. One context may be used from many threads; one frame, stage, model or scorer from one thread at a time, but
 * any number of them at once. chert_score is the exception: one scorer may run in many threads.
 * Laziness. A frame is a description: reading, selecting and transforming do no work until rows are asked for
 * (counting, showing, writing, fitting, evaluating). It may be used any number of times.
 */
#ifndef CHERT_H
#define CHERT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CHERT_API __attribute__((visibility("default")))
#else
#define CHERT_API
#endif

typedef enum chert_status {
    CHERT_OK = 0,
    CHERT_INVALID = 1,   /* the caller's mistake: unknown column, bad param value, malformed file */
    CHERT_IO = 2,        /* a file could not be read or written */
    CHERT_MEMORY = 3,    /* out of memory or disk space */
    CHERT_CANCELLED = 4, /* chert_cancel */
    CHERT_INTERNAL = 5   /* a bug in chert */
} chert_status;

typedef struct chert_error {
    chert_status status;
    char condition[80]; /* Spark's error condition, e.g. "UNRESOLVED_COLUMN.WITH_SUGGESTION"; "" when it has none */
    char message[3072]; /* for people, NUL-terminated UTF-8 */
} chert_error;

typedef struct chert_context chert_context; /* an engine: threads, memory limit, temporary files */
typedef struct chert_frame chert_frame;     /* a table, lazily described */
typedef struct chert_stage chert_stage;     /* an estimator, transformer or evaluator with its params, or a pipeline */
typedef struct chert_model chert_model;     /* what fitting gives; something that transforms frames */
typedef struct chert_scorer chert_scorer;   /* a model prepared to score batches of rows in memory */

/* "0.1.0" */
CHERT_API const char *chert_version(void);

/* ---- context ---- */

typedef struct chert_options {
    size_t size;              /* sizeof(chert_options): lets later versions add fields */
    int threads;              /* 0: all cores */
    const char *memory_limit; /* "4GB"; NULL: 80 % of the machine's memory */
    const char *temp_dir;     /* where what does not fit in memory goes; NULL: the system's place */
} chert_options;

CHERT_API int chert_open(const chert_options *options, chert_context **out, chert_error *err); /* options may be NULL */
CHERT_API void chert_close(chert_context *context);
/* Ends what is running in this context with CHERT_CANCELLED; from any thread. Calls that start later are not affected.
 */
CHERT_API void chert_cancel(chert_context *context);

/* ---- frames ---- */

/* Reads files of a format ("csv", "json", "parquet", "text"): path is a file, folder or glob. `options` are Spark's, as
 * "key=value,key=value", or NULL; a comma or backslash inside a value is written with a backslash before it. */
CHERT_API int chert_read(chert_context *context, const char *format, const char *path, const char *options,
                         chert_frame **out, chert_error *err);
/* Columns by name, in this order. */
CHERT_API int chert_select(const chert_frame *frame, const char *const *columns, size_t n, chert_frame **out,
                           chert_error *err);
/* Rows for which a condition in Spark SQL holds: "age > 30 and city is not null". */
CHERT_API int chert_filter(const chert_frame *frame, const char *condition, chert_frame **out, chert_error *err);
/* Random parts in proportion to weights (n of them, > 0), the very rows Spark's randomSplit gives for one partition.
 * out[0..n) is filled. */
CHERT_API int chert_split(const chert_frame *frame, const double *weights, size_t n, int64_t seed, chert_frame **out,
                          chert_error *err);
CHERT_API int chert_count(const chert_frame *frame, int64_t *rows, chert_error *err);
/* Number of columns, and Spark's JSON of the schema; both outputs may be NULL. *json is released with chert_free. */
CHERT_API int chert_schema(const chert_frame *frame, size_t *columns, char **json, chert_error *err);
/* The first `rows` rows as the table that Spark's show() prints; cells are cut to `width` characters (0: never).
 * *text is released with chert_free. */
CHERT_API int chert_show(const chert_frame *frame, int rows, int width, char **text, chert_error *err);
/* All values of one numeric or boolean column as doubles, NULL as NaN. *values (n of them) is released with chert_free.
 */
CHERT_API int chert_column(const chert_frame *frame, const char *column, double **values, size_t *n, chert_error *err);
/* Writes part files and _SUCCESS into the folder `path`. mode: "error", "overwrite", "append", "ignore". */
CHERT_API int chert_write(const chert_frame *frame, const char *format, const char *path, const char *mode,
                          const char *options, chert_error *err);
CHERT_API void chert_frame_free(chert_frame *frame);

/* Arrow: takes all batches of a stream over as a frame (copied into the context; the stream is released), and gives a
 * frame's rows as a stream of batches (the caller releases it; errors while it runs come through its get_last_error).
 */
struct ArrowArrayStream;
CHERT_API int chert_from_arrow(chert_context *context, struct ArrowArrayStream *stream, chert_frame **out,
                               chert_error *err);
CHERT_API int chert_to_arrow(const chert_frame *frame, struct ArrowArrayStream *out, chert_error *err);

/* ---- stages ---- */

/* A stage by its Spark name, short ("StringIndexer") or whole ("org.apache.spark.ml.feature.StringIndexer"). */
CHERT_API int chert_stage_new(chert_context *context, const char *name, chert_stage **out, chert_error *err);
/* Sets a param; its type is checked, numbers are widened. */
CHERT_API int chert_set_int(chert_stage *stage, const char *param, int64_t value, chert_error *err);
CHERT_API int chert_set_double(chert_stage *stage, const char *param, double value, chert_error *err);
CHERT_API int chert_set_bool(chert_stage *stage, const char *param, int value, chert_error *err);
CHERT_API int chert_set_string(chert_stage *stage, const char *param, const char *value, chert_error *err);
CHERT_API int chert_set_strings(chert_stage *stage, const char *param, const char *const *values, size_t n,
                                chert_error *err);
CHERT_API int chert_set_doubles(chert_stage *stage, const char *param, const double *values, size_t n,
                                chert_error *err);
/* A pipeline of stages; it keeps copies, so the stages may be changed and released. */
CHERT_API int chert_pipeline_new(chert_context *context, chert_stage *const *stages, size_t n, chert_stage **out,
                                 chert_error *err);
CHERT_API void chert_stage_free(chert_stage *stage);

/* ---- models ---- */

/* Fits an estimator or pipeline. */
CHERT_API int chert_fit(const chert_stage *stage, const chert_frame *frame, chert_model **out, chert_error *err);
/* Applies a model, or a stage that needs no fitting. */
CHERT_API int chert_transform(const chert_model *model, const chert_frame *frame, chert_frame **out, chert_error *err);
CHERT_API int chert_stage_transform(const chert_stage *stage, const chert_frame *frame, chert_frame **out,
                                    chert_error *err);
/* The metric of an evaluator over a frame of predictions. */
CHERT_API int chert_evaluate(const chert_stage *evaluator, const chert_frame *frame, double *metric, chert_error *err);
/* Saves in Spark's own format; overwrite: replace what is there. Loads what chert or Spark saved. */
CHERT_API int chert_save(const chert_model *model, const char *path, int overwrite, chert_error *err);
CHERT_API int chert_load(chert_context *context, const char *path, chert_model **out, chert_error *err);
/* The stages of a pipeline model (1 for any other model), each a model of its own to release. */
CHERT_API size_t chert_stage_count(const chert_model *model);
CHERT_API int chert_stage_at(const chert_model *model, size_t i, chert_model **out, chert_error *err);
/* Attributes by their Spark names, a path allowed ("summary.areaUnderROC"). Numbers, arrays, vectors and matrices
 * (column by column) come as doubles; text and arrays of text as text (lines). Released with chert_free. */
CHERT_API int chert_get_doubles(const chert_model *model, const char *attribute, double **values, size_t *n,
                                chert_error *err);
CHERT_API int chert_get_text(const chert_model *model, const char *attribute, char **text, chert_error *err);
CHERT_API void chert_model_free(chert_model *model);

/* ---- scoring rows in memory ---- */

typedef enum chert_type { CHERT_DOUBLE, CHERT_INT64, CHERT_STRING } chert_type;

/* A column of input rows: `values` points at rows values of the type (double, int64_t, const char * UTF-8);
 * valid[i] == 0 means NULL, valid == NULL means none is. */
typedef struct chert_values {
    const char *name;
    chert_type type;
    const void *values;
    const uint8_t *valid;
} chert_values;

/* Prepares a model for inputs of these names and types (values and valid are ignored) and the outputs wanted: names of
 * numeric columns ("prediction") or of one element of a vector column ("probability[1]"). The model may be released
 * after. Costs about a millisecond, once; scoring a row then costs microseconds: no SQL is involved. */
CHERT_API int chert_scorer_new(const chert_model *model, const chert_values *inputs, size_t ninput,
                               const char *const *outputs, size_t noutput, chert_scorer **out, chert_error *err);
/* Scores rows: inputs in the order given to chert_scorer_new; results[j] has room for `rows` doubles of output j (NaN
 * for NULL). Thread safe. A pipeline that drops rows (handleInvalid = skip) marks them: every output NaN. */
CHERT_API int chert_score(const chert_scorer *scorer, const chert_values *inputs, size_t rows, double *const *results,
                          chert_error *err);
CHERT_API void chert_scorer_free(chert_scorer *scorer);

CHERT_API void chert_free(void *memory);

#ifdef __cplusplus
}
#endif

#endif
