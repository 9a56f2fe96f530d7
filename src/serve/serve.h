/* serve.h: models behind REST: MLflow's scoring contract, and SageMaker's.
 *
 * A model is loaded once, prepared as a batch scorer without SQL (ml/scorer.h) and shared by all requests. A request
 * takes a counted reference; a change of stage or alias swaps the pointer, so that requests under way end on the model
 * they began with.
 *
 * What comes from MLflow 3.17's scoring server: paths, content types, the four JSON formats and CSV, schema
 * enforcement, codes and messages. Two things are ours: numbers that would lose a fraction or their high bits are
 * refused, not cut; and columns other than the prediction can be asked for, with `?columns=prediction,probability` or
 * {"params": {"columns": ["prediction", "probability"]}}: the answer then holds records, {"predictions":
 * [{"prediction": 1.0, "probability": [0.1, 0.9]}]}. Rows that a stage leaves out (handleInvalid=skip) are left out of
 * the answer, as Spark does; a prediction that is no number is null.
 */
#ifndef CHERT_SERVE_SERVE_H
#define CHERT_SERVE_SERVE_H

#include "frame/session/session.h"
#include "http/http.h"
#include "track/track.h"

typedef struct ch_serve ch_serve;

/* Scores models of the registry; `engine` reads model files, `track` finds them. Both must outlive it. */
int ch_serve_new(ch_engine *engine, ch_track *track, ch_serve **out, ch_error *err);
void ch_serve_free(ch_serve *serve); /* NULL is fine; nobody may be inside */
/* Below /serve/{name}/{which}/: POST invocations, GET ping, health, version; `which` is a version's number, an alias
 * (with or without @), a stage or "latest". Without `which`, and as POST /endpoints/{name}/invocations, the call of
 * SageMaker's runtime and of MLflow's deployment clients: the version in Production or else the latest. Returns how
 * many mounts. */
size_t ch_serve_mounts(ch_serve *serve, ch_http_mount *mounts, size_t room);

/* The server of one model at the root (`chert score-server`): `path` is the folder of an MLflow model (with MLmodel) or
 * of a Spark-format pipeline. `engine` NULL: one is opened to read the files, and closed again. */
int ch_serve_one(ch_engine *engine, const char *path, ch_serve **out, ch_error *err);
/* The same without a model: SageMaker's multi-model container, which is told by POST /models what to load. */
int ch_serve_many(ch_engine *engine, ch_serve **out, ch_error *err);
/* With GET /metrics, where requests, rows and times are counted by model and version. */
size_t ch_serve_one_mounts(ch_serve *serve, ch_http_mount *mounts, size_t room);

#endif
