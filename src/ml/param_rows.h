/* param_rows.h: rows of the params that many stages share (org.apache.spark.ml.param.shared). */
#ifndef CHERT_ML_PARAM_ROWS_H
#define CHERT_ML_PARAM_ROWS_H

#include "ml/params.h"

#include <float.h>
#include <math.h>

#define CH_ROW_TEXT(name_, default_, doc_)                                                                             \
    {                                                                                                                  \
        .name = (name_), .type = CH_PARAM_STRING, .from = CH_DEFAULT_VALUE, .text = (default_), .doc = (doc_)          \
    }
#define CH_ROW_TEXT_UNSET(name_, doc_)                                                                                 \
    {                                                                                                                  \
        .name = (name_), .type = CH_PARAM_STRING, .doc = (doc_)                                                        \
    }
#define CH_ROW_CHOICE(name_, default_, allowed_, doc_)                                                                 \
    {                                                                                                                  \
        .name = (name_), .type = CH_PARAM_STRING, .from = CH_DEFAULT_VALUE, .text = (default_), .allowed = (allowed_), \
        .doc = (doc_)                                                                                                  \
    }
#define CH_ROW_CHOICE_ANY_CASE(name_, default_, allowed_, doc_)                                                        \
    {                                                                                                                  \
        .name = (name_), .type = CH_PARAM_STRING, .from = CH_DEFAULT_VALUE, .text = (default_), .allowed = (allowed_), \
        .any_case = true, .doc = (doc_)                                                                                \
    }
#define CH_ROW_BOOLEAN(name_, default_, doc_)                                                                          \
    {                                                                                                                  \
        .name = (name_), .type = CH_PARAM_BOOLEAN, .from = CH_DEFAULT_VALUE, .number = (default_), .doc = (doc_)       \
    }
#define CH_ROW_NUMBER(type_, name_, default_, low_, low_open_, high_, high_open_, doc_)                                \
    {                                                                                                                  \
        .name = (name_), .type = (type_), .from = CH_DEFAULT_VALUE, .number = (default_), .bounded = true,             \
        .low = (low_), .low_open = (low_open_), .high = (high_), .high_open = (high_open_), .doc = (doc_)              \
    }
#define CH_ROW_INT_FROM(name_, default_, low_, doc_)                                                                   \
    CH_ROW_NUMBER(CH_PARAM_INT, name_, default_, low_, false, (double)INFINITY, false, doc_)
#define CH_ROW_DOUBLE_FROM(name_, default_, low_, doc_)                                                                \
    CH_ROW_NUMBER(CH_PARAM_DOUBLE, name_, default_, low_, false, (double)INFINITY, false, doc_)
#define CH_ROW_END                                                                                                     \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

#define CH_ROW_FEATURES_COL   CH_ROW_TEXT("featuresCol", "features", "features column name")
#define CH_ROW_LABEL_COL      CH_ROW_TEXT("labelCol", "label", "label column name")
#define CH_ROW_PREDICTION_COL CH_ROW_TEXT("predictionCol", "prediction", "prediction column name")
#define CH_ROW_RAW_PREDICTION_COL                                                                                      \
    CH_ROW_TEXT("rawPredictionCol", "rawPrediction", "raw prediction (a.k.a. confidence) column name")
#define CH_ROW_PROBABILITY_COL                                                                                         \
    CH_ROW_TEXT("probabilityCol", "probability", "column name for predicted class conditional probabilities")
#define CH_ROW_WEIGHT_COL                                                                                              \
    CH_ROW_TEXT_UNSET("weightCol", "weight column name; not set or empty: all instance weights are 1.0")
#define CH_ROW_INPUT_COL CH_ROW_TEXT_UNSET("inputCol", "input column name")
#define CH_ROW_OUTPUT_COL                                                                                              \
    {                                                                                                                  \
        .name = "outputCol", .type = CH_PARAM_STRING, .from = CH_DEFAULT_OUTPUT, .doc = "output column name"           \
    }
#define CH_ROW_INPUT_COLS                                                                                              \
    {                                                                                                                  \
        .name = "inputCols", .type = CH_PARAM_STRINGS, .doc = "input column names"                                     \
    }
#define CH_ROW_OUTPUT_COLS                                                                                             \
    {                                                                                                                  \
        .name = "outputCols", .type = CH_PARAM_STRINGS, .doc = "output column names"                                   \
    }
#define CH_ROW_SEED                                                                                                    \
    {                                                                                                                  \
        .name = "seed", .type = CH_PARAM_LONG, .from = CH_DEFAULT_SEED, .doc = "random seed"                           \
    }
#define CH_ROW_MAX_ITER(default_) CH_ROW_INT_FROM("maxIter", default_, 0, "maximum number of iterations (>= 0)")
#define CH_ROW_TOL(default_)                                                                                           \
    CH_ROW_DOUBLE_FROM("tol", default_, 0, "the convergence tolerance for iterative algorithms (>= 0)")
#define CH_ROW_AGGREGATION_DEPTH                                                                                       \
    CH_ROW_INT_FROM("aggregationDepth", 2, 2, "depth of tree aggregation (>= 2); one machine has no use for it")
#define CH_ROW_MAX_BLOCK_SIZE                                                                                          \
    CH_ROW_DOUBLE_FROM("maxBlockSizeInMB", 0, 0, "maximum memory in MB of a block of stacked rows (>= 0; 0: automatic)")
#define CH_ROW_THRESHOLDS                                                                                              \
    {                                                                                                                  \
        .name = "thresholds", .type = CH_PARAM_DOUBLES, .valid = ch_valid_thresholds,                                  \
        .doc =                                                                                                         \
            "per class thresholds, all > 0 but for one at most, which may be 0: the class with the largest p/t wins"   \
    }

/* Values >= 0, at most one of them 0. */
bool ch_valid_thresholds(const ch_literal *value);

#endif
