/* model_parts.h: what is drawn of one stage of a saved model. */
#ifndef CHERT_WEB_MODEL_PARTS_H
#define CHERT_WEB_MODEL_PARTS_H

#include "base/json_write.h"
#include "ml/metadata.h"
#include "ml/saved.h"

/* A stage being shown. */
typedef struct ch_shown_stage {
    ch_arena *arena;
    ch_json *out;
    const ch_saved_stage *stage;
    ch_ml_group features; /* of its vector column; attrs NULL: not known */
} ch_shown_stage;

/* Adds members to the object that is open in `out`, those that the stage has:
 *
 *     "weights": {"what", "total", "values", "names"}           importances or coefficients, the heaviest first
 *     "matrix":  {"what", "total", "rows", "columns", "values", "intercepts"?}
 *                                                               coefficients per class, centres of clusters
 *     "table":   {"total", "names", "columns": [{"name", "values"}]}   what a scaler knows of its features
 *     "labels":  [{"column", "total", "values"}]                 of an indexer
 *     "trees":   {"total", "trees": [{"weight", "depth", "total", "nodes": [...]}]}
 *
 * A tree's nodes come in pre-order, children by position: {"value", "count", "impurity", "gain"?, "feature"?,
 * "threshold"? or "among"?, "left"?, "right"?}; "more" is how many nodes lie below one that was cut off. What is left
 * out for its size shows in the totals. */
void ch_stage_show(const ch_shown_stage *shown);

#endif
